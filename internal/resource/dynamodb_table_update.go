package resource

import (
	"context"
	"fmt"
	"strings"

	"github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
)

// maxTableChanges is more than one update of a table can need.
const maxTableChanges = 100

// Update brings a table to what the properties say, one change at a time: the
// service takes no second one until the first is done, and of the indexes only
// one. What to do next follows from what the table is, so that the step can be
// called again at any point.
func (t table) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done := stack.Progress{PhysicalID: r.PhysicalID}
	var want dynamodb.CreateTableInput
	if err := bind(&want, plainTable(r.Properties), "TableName", "TimeToLiveSpecification", "ResourcePolicy"); err != nil {
		return done, err
	}
	for range maxTableChanges {
		d, err := t.describe(ctx, r.PhysicalID)
		if err != nil {
			return done, err
		}
		done.Attrs = tableAttrs(d)
		if done.Wait = unready(d); done.Wait != "" {
			return done, nil
		}
		in := nextChange(d, &want)
		if in == nil {
			return done, t.settings(ctx, r, val(d.TableArn))
		}
		in.TableName = &r.PhysicalID
		if err := run(ctx, t.base, dynamodb.UpdateTable, in); err != nil {
			return done, err
		}
	}
	return done, fmt.Errorf("the table %s does not become what the template says", r.PhysicalID)
}

// settings makes what is not part of a table's description what the properties
// say.
func (t table) settings(ctx context.Context, r stack.Request, arn string) error {
	if err := t.expire(ctx, r.PhysicalID, r.Properties); err != nil {
		return err
	}
	if !same(r.Old, r.Properties, "ResourcePolicy") {
		if err := t.setPolicy(ctx, arn, r.Properties.Get("ResourcePolicy", "PolicyDocument")); err != nil {
			return err
		}
	}
	set, remove := tagChanges(r.Old, r.Properties)
	if len(remove) > 0 {
		if err := run(ctx, t.base, dynamodb.UntagResource, &dynamodb.UntagResourceInput{ResourceArn: &arn, TagKeys: remove}); err != nil {
			return err
		}
	}
	if len(set) > 0 {
		tags := pairs(set, func(k, v string) dynamodb.Tag { return dynamodb.Tag{Key: &k, Value: &v} })
		return run(ctx, t.base, dynamodb.TagResource, &dynamodb.TagResourceInput{ResourceArn: &arn, Tags: tags})
	}
	return nil
}

func (t table) setPolicy(ctx context.Context, arn string, doc *template.Value) error {
	if doc != nil {
		return run(ctx, t.base, dynamodb.PutResourcePolicy, &dynamodb.PutResourcePolicyInput{ResourceArn: &arn, Policy: ptr(document(doc))})
	}
	err := run(ctx, t.base, dynamodb.DeleteResourcePolicy, &dynamodb.DeleteResourcePolicyInput{ResourceArn: &arn})
	if absent(err) {
		return nil
	}
	return err
}

// nextChange returns the next UpdateTable on the way to what is wanted; nil when
// there is none.
func nextChange(d *dynamodb.TableDescription, want *dynamodb.CreateTableInput) *dynamodb.UpdateTableInput {
	if in := billing(d, want); in != nil {
		return in
	}
	if in := stream(d, want); in != nil {
		return in
	}
	if on := val(want.DeletionProtectionEnabled); on != val(d.DeletionProtectionEnabled) {
		return &dynamodb.UpdateTableInput{DeletionProtectionEnabled: &on}
	}
	class := "STANDARD"
	if want.TableClass != nil {
		class = *want.TableClass
	}
	have := "STANDARD"
	if d.TableClassSummary != nil && d.TableClassSummary.TableClass != nil {
		have = *d.TableClassSummary.TableClass
	}
	if class != have {
		return &dynamodb.UpdateTableInput{TableClass: &class}
	}
	if in := encryption(d, want); in != nil {
		return in
	}
	return indexes(d, want)
}

func billingOf(d *dynamodb.TableDescription) string {
	if d.BillingModeSummary != nil && d.BillingModeSummary.BillingMode != nil {
		return *d.BillingModeSummary.BillingMode
	}
	return "PROVISIONED"
}

func billing(d *dynamodb.TableDescription, want *dynamodb.CreateTableInput) *dynamodb.UpdateTableInput {
	mode := "PROVISIONED"
	if want.BillingMode != nil {
		mode = *want.BillingMode
	}
	have := d.ProvisionedThroughput
	in := &dynamodb.UpdateTableInput{BillingMode: &mode, ProvisionedThroughput: want.ProvisionedThroughput}
	switch {
	case mode != billingOf(d):
		if mode == "PROVISIONED" { // every index needs its capacity in the same call
			for i := range want.GlobalSecondaryIndexes {
				x := &want.GlobalSecondaryIndexes[i]
				if hasIndex(d, val(x.IndexName)) != nil && x.ProvisionedThroughput != nil {
					in.GlobalSecondaryIndexUpdates = append(in.GlobalSecondaryIndexUpdates, dynamodb.GlobalSecondaryIndexUpdate{
						Update: &dynamodb.UpdateGlobalSecondaryIndexAction{IndexName: x.IndexName, ProvisionedThroughput: x.ProvisionedThroughput},
					})
				}
			}
		}
		return in
	case mode == "PROVISIONED" && want.ProvisionedThroughput != nil && have != nil &&
		(val(have.ReadCapacityUnits) != val(want.ProvisionedThroughput.ReadCapacityUnits) || val(have.WriteCapacityUnits) != val(want.ProvisionedThroughput.WriteCapacityUnits)):
		return in
	case !sameLimits(d.OnDemandThroughput, want.OnDemandThroughput):
		return &dynamodb.UpdateTableInput{OnDemandThroughput: limitsOf(want.OnDemandThroughput)}
	}
	return nil
}

// limitsOf are limits as an update sets them, where -1 is none.
func limitsOf(want *dynamodb.OnDemandThroughput) *dynamodb.OnDemandThroughput {
	out := &dynamodb.OnDemandThroughput{MaxReadRequestUnits: ptr(int64(-1)), MaxWriteRequestUnits: ptr(int64(-1))}
	if want != nil && want.MaxReadRequestUnits != nil {
		out.MaxReadRequestUnits = want.MaxReadRequestUnits
	}
	if want != nil && want.MaxWriteRequestUnits != nil {
		out.MaxWriteRequestUnits = want.MaxWriteRequestUnits
	}
	return out
}

// sameLimits compares limits of which none and -1 are the same.
func sameLimits(a, b *dynamodb.OnDemandThroughput) bool {
	read := func(o *dynamodb.OnDemandThroughput) (int64, int64) {
		r, w := int64(-1), int64(-1)
		if o != nil && o.MaxReadRequestUnits != nil {
			r = *o.MaxReadRequestUnits
		}
		if o != nil && o.MaxWriteRequestUnits != nil {
			w = *o.MaxWriteRequestUnits
		}
		return r, w
	}
	ar, aw := read(a)
	br, bw := read(b)
	return ar == br && aw == bw
}

// stream changes the stream. One that shows something else is switched off
// first.
func stream(d *dynamodb.TableDescription, want *dynamodb.CreateTableInput) *dynamodb.UpdateTableInput {
	have, wanted := "", ""
	if d.StreamSpecification != nil && val(d.StreamSpecification.StreamEnabled) {
		have = val(d.StreamSpecification.StreamViewType)
	}
	if want.StreamSpecification != nil {
		wanted = val(want.StreamSpecification.StreamViewType)
	}
	switch {
	case have == wanted:
		return nil
	case have != "":
		return &dynamodb.UpdateTableInput{StreamSpecification: &dynamodb.StreamSpecification{StreamEnabled: ptr(false)}}
	}
	return &dynamodb.UpdateTableInput{StreamSpecification: want.StreamSpecification}
}

func encryption(d *dynamodb.TableDescription, want *dynamodb.CreateTableInput) *dynamodb.UpdateTableInput {
	on := want.SSESpecification != nil && val(want.SSESpecification.Enabled)
	have := d.SSEDescription != nil && (val(d.SSEDescription.Status) == "ENABLED" || val(d.SSEDescription.Status) == "ENABLING")
	if on == have && (!on || sameKey(val(d.SSEDescription.KMSMasterKeyArn), want.SSESpecification.KMSMasterKeyId)) {
		return nil
	}
	spec := want.SSESpecification
	if spec == nil {
		spec = &dynamodb.SSESpecification{Enabled: ptr(false)}
	}
	return &dynamodb.UpdateTableInput{SSESpecification: spec}
}

// sameKey reports whether an ARN is that of the key that a template names by id,
// alias or ARN; without a name it is the service's own in the account.
func sameKey(arn string, name *string) bool {
	key := "alias/aws/dynamodb"
	if name != nil {
		key = *name
	}
	return arn == key || strings.HasSuffix(arn, ":"+key) || strings.HasSuffix(arn, "/"+key)
}

func hasIndex(d *dynamodb.TableDescription, name string) *dynamodb.GlobalSecondaryIndexDescription {
	for i := range d.GlobalSecondaryIndexes {
		if val(d.GlobalSecondaryIndexes[i].IndexName) == name {
			return &d.GlobalSecondaryIndexes[i]
		}
	}
	return nil
}

// indexes deletes, then creates, then changes global indexes, one a call. An
// index with other keys or another projection is deleted and created again.
func indexes(d *dynamodb.TableDescription, want *dynamodb.CreateTableInput) *dynamodb.UpdateTableInput {
	update := func(u dynamodb.GlobalSecondaryIndexUpdate) *dynamodb.UpdateTableInput {
		return &dynamodb.UpdateTableInput{AttributeDefinitions: want.AttributeDefinitions, GlobalSecondaryIndexUpdates: []dynamodb.GlobalSecondaryIndexUpdate{u}}
	}
	for i := range d.GlobalSecondaryIndexes {
		have := &d.GlobalSecondaryIndexes[i]
		keep := false
		for j := range want.GlobalSecondaryIndexes {
			keep = keep || sameIndex(have, &want.GlobalSecondaryIndexes[j])
		}
		if !keep {
			in := update(dynamodb.GlobalSecondaryIndexUpdate{Delete: &dynamodb.DeleteGlobalSecondaryIndexAction{IndexName: have.IndexName}})
			in.AttributeDefinitions = nil
			return in
		}
	}
	for i := range want.GlobalSecondaryIndexes {
		x := &want.GlobalSecondaryIndexes[i]
		have := hasIndex(d, val(x.IndexName))
		if have == nil {
			return update(dynamodb.GlobalSecondaryIndexUpdate{Create: &dynamodb.CreateGlobalSecondaryIndexAction{
				IndexName: x.IndexName, KeySchema: x.KeySchema, Projection: x.Projection,
				ProvisionedThroughput: x.ProvisionedThroughput, OnDemandThroughput: x.OnDemandThroughput,
			}})
		}
		if x.ProvisionedThroughput != nil && have.ProvisionedThroughput != nil && billingOf(d) == "PROVISIONED" &&
			(val(have.ProvisionedThroughput.ReadCapacityUnits) != val(x.ProvisionedThroughput.ReadCapacityUnits) ||
				val(have.ProvisionedThroughput.WriteCapacityUnits) != val(x.ProvisionedThroughput.WriteCapacityUnits)) {
			in := update(dynamodb.GlobalSecondaryIndexUpdate{Update: &dynamodb.UpdateGlobalSecondaryIndexAction{IndexName: x.IndexName, ProvisionedThroughput: x.ProvisionedThroughput}})
			in.AttributeDefinitions = nil
			return in
		}
		if !sameLimits(have.OnDemandThroughput, x.OnDemandThroughput) {
			in := update(dynamodb.GlobalSecondaryIndexUpdate{Update: &dynamodb.UpdateGlobalSecondaryIndexAction{IndexName: x.IndexName, OnDemandThroughput: limitsOf(x.OnDemandThroughput)}})
			in.AttributeDefinitions = nil
			return in
		}
	}
	return nil
}

// sameIndex reports whether an index has the name, the keys and the projection
// that are wanted.
func sameIndex(have *dynamodb.GlobalSecondaryIndexDescription, want *dynamodb.GlobalSecondaryIndex) bool {
	if val(have.IndexName) != val(want.IndexName) || len(have.KeySchema) != len(want.KeySchema) {
		return false
	}
	for i := range have.KeySchema {
		if val(have.KeySchema[i].AttributeName) != val(want.KeySchema[i].AttributeName) || val(have.KeySchema[i].KeyType) != val(want.KeySchema[i].KeyType) {
			return false
		}
	}
	a, b := have.Projection, want.Projection
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	if val(a.ProjectionType) != val(b.ProjectionType) || len(a.NonKeyAttributes) != len(b.NonKeyAttributes) {
		return false
	}
	for i := range a.NonKeyAttributes {
		if a.NonKeyAttributes[i] != b.NonKeyAttributes[i] {
			return false
		}
	}
	return true
}
