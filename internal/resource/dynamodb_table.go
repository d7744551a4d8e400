package resource

import (
	"context"
	"slices"

	"github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
)

// table is AWS::DynamoDB::Table. Ref is its name.
type table struct{ base }

func refusedOfTable() []string {
	return []string{"ImportSourceSpecification", "KinesisStreamSpecification", "StreamSpecification.ResourcePolicy", "StreamSpecification.Tags", "VectorIndexes"}
}

func ignoredOfTable() []stack.Ignored {
	const capacity = "nube answers at any rate"
	return []stack.Ignored{
		{Property: "ContributorInsightsSpecification", Why: "nube's console shows what is called most"},
		{Property: "GlobalSecondaryIndexes.ContributorInsightsSpecification", Why: "nube's console shows what is called most"},
		{Property: "PointInTimeRecoverySpecification", Why: "nube keeps no history of single tables"},
		{Property: "WarmThroughput", Why: capacity},
		{Property: "GlobalSecondaryIndexes.WarmThroughput", Why: capacity},
	}
}

// rebuildsTable: a local index exists from the beginning or never.
func rebuildsTable(_, _ *template.Value, changed []string) bool {
	return slices.Contains(changed, "LocalSecondaryIndexes")
}

// plainTable returns the properties in the API's form.
func plainTable(props *template.Value) *template.Value {
	props = props.Without("ContributorInsightsSpecification", "PointInTimeRecoverySpecification", "WarmThroughput")
	if s := props.Get("SSESpecification"); s != nil {
		props = props.With("SSESpecification", s.Without("SSEEnabled").With("Enabled", s.Get("SSEEnabled")))
	}
	if s := props.Get("StreamSpecification"); s != nil {
		props = props.With("StreamSpecification", s.With("StreamEnabled", template.New(s.Pos, true)))
	}
	if list := props.Get("GlobalSecondaryIndexes"); list != nil {
		items := make([]*template.Value, len(list.Items))
		for i, x := range list.Items {
			items[i] = x.Without("ContributorInsightsSpecification", "WarmThroughput")
		}
		props = props.With("GlobalSecondaryIndexes", template.New(list.Pos, items))
	}
	return props
}

func (t table) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := &dynamodb.CreateTableInput{TableName: &r.PhysicalID}
	props := plainTable(r.Properties)
	if p := props.Get("ResourcePolicy", "PolicyDocument"); p != nil {
		in.ResourcePolicy = ptr(document(p))
	}
	if err := bind(in, props, "TableName", "TimeToLiveSpecification", "ResourcePolicy"); err != nil {
		return stack.Progress{}, err
	}
	if err := run(ctx, t.base, dynamodb.CreateTable, in); err != nil && !(r.Again && present(err)) {
		return stack.Progress{}, err
	}
	made := stack.Progress{PhysicalID: r.PhysicalID}
	d, err := t.describe(ctx, r.PhysicalID)
	if err != nil {
		return made, err
	}
	made.Attrs = tableAttrs(d)
	if made.Wait = unready(d); made.Wait != "" {
		return made, nil
	}
	return made, t.expire(ctx, r.PhysicalID, r.Properties)
}

func (t table) describe(ctx context.Context, name string) (*dynamodb.TableDescription, error) {
	out, err := do(ctx, t.base, dynamodb.DescribeTable, &dynamodb.DescribeTableInput{TableName: &name})
	if err != nil {
		return nil, err
	}
	return out.Table, nil
}

func tableAttrs(d *dynamodb.TableDescription) stack.Attrs {
	a := stack.Attrs{"Arn": val(d.TableArn)}
	if d.StreamSpecification != nil && val(d.StreamSpecification.StreamEnabled) {
		a["StreamArn"] = val(d.LatestStreamArn)
	}
	return a
}

// unready says what a table is waited for.
func unready(d *dynamodb.TableDescription) string {
	if s := val(d.TableStatus); s != "" && s != "ACTIVE" {
		return "the table to be active; it is " + s
	}
	for _, x := range d.GlobalSecondaryIndexes {
		if s := val(x.IndexStatus); s != "" && s != "ACTIVE" {
			return "the index " + val(x.IndexName) + " to be active; it is " + s
		}
	}
	return ""
}

// expire makes the time to live what the properties say.
func (t table) expire(ctx context.Context, name string, props *template.Value) error {
	want := props.Get("TimeToLiveSpecification")
	out, err := do(ctx, t.base, dynamodb.DescribeTimeToLive, &dynamodb.DescribeTimeToLiveInput{TableName: &name})
	if err != nil {
		return err
	}
	have := ""
	if d := out.TimeToLiveDescription; d != nil && (val(d.TimeToLiveStatus) == "ENABLED" || val(d.TimeToLiveStatus) == "ENABLING") {
		have = val(d.AttributeName)
	}
	attribute := ""
	if has(want, "Enabled") {
		attribute = text(want, "AttributeName")
	}
	if have == attribute {
		return nil
	}
	if have != "" {
		if err := t.setExpiry(ctx, name, have, false); err != nil {
			return err
		}
	}
	if attribute == "" {
		return nil
	}
	return t.setExpiry(ctx, name, attribute, true)
}

func (t table) setExpiry(ctx context.Context, name, attribute string, on bool) error {
	return run(ctx, t.base, dynamodb.UpdateTimeToLive, &dynamodb.UpdateTimeToLiveInput{
		TableName: &name, TimeToLiveSpecification: &dynamodb.TimeToLiveSpecification{AttributeName: &attribute, Enabled: &on},
	})
}

func (t table) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	if err := run(ctx, t.base, dynamodb.DeleteTable, &dynamodb.DeleteTableInput{TableName: &r.PhysicalID}); err != nil {
		return gone(err)
	}
	d, err := t.describe(ctx, r.PhysicalID)
	if err != nil {
		return gone(err)
	}
	return stack.Progress{Wait: "the table to be deleted; it is " + val(d.TableStatus)}, nil
}

func (t table) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	d, err := t.describe(ctx, r.PhysicalID)
	if err != nil {
		return nil, found(err)
	}
	return tableAttrs(d), nil
}
