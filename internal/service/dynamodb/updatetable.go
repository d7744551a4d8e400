package dynamodb

import (
	"context"
	"slices"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	"github.com/nube-run/nube/internal/kv"
)

// updateTable: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
//
// Every change has taken place when the call returns, but for a new index: it is written to from then on, and filled with
// the items that were there in the background.
func (s *Service) updateTable(ctx context.Context, in *shapes.UpdateTableInput) (*shapes.UpdateTableOutput, error) {
	name, err := tableName(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	if err := checkTableUpdate(in); err != nil {
		return nil, err
	}
	now := s.clock.Now()
	s.cells.know(cell(ctx))
	var sizes map[uint64]size
	t, err := s.change(ctx, name, func(tx *kv.Tx, t *table) error {
		was := t.Stream
		if err := t.update(tx, in, now); err != nil {
			return err
		}
		switch {
		case t.Stream.Enabled && !was.Enabled:
			if err := s.openStream(tx, cell(ctx), t, now); err != nil {
				return err
			}
		case !t.Stream.Enabled && was.Enabled:
			if err := closeStream(tx, cell(ctx), t, now); err != nil {
				return err
			}
		}
		var err error
		sizes, err = t.sizes(tx.Peek())
		return err
	})
	if err != nil {
		return nil, err
	}
	for i := range t.Indexes {
		if t.Indexes[i].Backfilling {
			s.backfill(cell(ctx), name, t.ID, t.Indexes[i].ID)
		}
	}
	out := t.describe(awsapi.From(ctx).Scope, sizes)
	out.TableStatus = ptr("UPDATING")
	return &shapes.UpdateTableOutput{TableDescription: out}, nil
}

func checkTableUpdate(in *shapes.UpdateTableInput) error {
	if in.ProvisionedThroughput == nil && in.BillingMode == nil && in.StreamSpecification == nil && len(in.GlobalSecondaryIndexUpdates) == 0 &&
		in.SSESpecification == nil && in.ReplicaUpdates == nil && in.TableClass == nil && in.DeletionProtectionEnabled == nil && in.OnDemandThroughput == nil {
		return validation("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required")
	}
	if len(in.ReplicaUpdates) > 0 {
		return validation("ReplicaUpdates is not supported: nube has no global tables.")
	}
	if value(in.BillingMode) == "PROVISIONED" && in.ProvisionedThroughput == nil {
		return invalidValues("ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
	}
	return checkIndexUpdates(in.GlobalSecondaryIndexUpdates)
}

func checkIndexUpdates(updates []shapes.GlobalSecondaryIndexUpdate) error {
	var seen []string
	online := 0
	for _, u := range updates {
		var name string
		switch {
		case u.Update != nil:
			name = value(u.Update.IndexName)
		case u.Create != nil:
			name = value(u.Create.IndexName)
			online++
		case u.Delete != nil:
			name = value(u.Delete.IndexName)
			online++
		default:
			return invalidValues("One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null")
		}
		if slices.Contains(seen, name) {
			return invalidValues("Only one global secondary index update per index is allowed simultaneously. Index: %s", name)
		}
		seen = append(seen, name)
	}
	if online > 1 {
		return limitExceeded("Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table")
	}
	return nil
}

// update changes the description as the request says.
func (t *table) update(tx *kv.Tx, in *shapes.UpdateTableInput, now instant) error {
	if err := t.updateBilling(in, now); err != nil {
		return err
	}
	if err := t.updateStream(in.StreamSpecification); err != nil {
		return err
	}
	if in.DeletionProtectionEnabled != nil {
		t.Protected = *in.DeletionProtectionEnabled
	}
	if in.TableClass != nil {
		t.Class = *in.TableClass
	}
	if in.SSESpecification != nil {
		t.SSEKey = sseKey(in.SSESpecification)
	}
	if in.OnDemandThroughput != nil {
		t.MaxOnDemand = onDemand(in.OnDemandThroughput)
	}
	if err := t.defineMore(in.AttributeDefinitions); err != nil {
		return err
	}
	for i := range in.GlobalSecondaryIndexUpdates {
		if err := t.updateIndex(tx, &in.GlobalSecondaryIndexUpdates[i]); err != nil {
			return err
		}
	}
	t.Attributes = usedAttributes(t)
	return nil
}

func (t *table) updateBilling(in *shapes.UpdateTableInput, now instant) (err error) {
	switch value(in.BillingMode) {
	case "PAY_PER_REQUEST":
		if in.ProvisionedThroughput != nil {
			return invalidValues("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
		if t.Provisioned {
			t.Provisioned, t.OnDemandFrom, t.Capacity = false, now, throughput{}
			for i := range t.Indexes {
				t.Indexes[i].Capacity = throughput{}
			}
		}
		return nil
	case "PROVISIONED":
		t.Provisioned = true
	}
	if in.ProvisionedThroughput == nil {
		return nil
	}
	if !t.Provisioned {
		return invalidValues("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
	}
	capacity, err := capacityOf(in.ProvisionedThroughput)
	if err != nil {
		return err
	}
	if capacity == t.Capacity && in.BillingMode == nil && len(in.GlobalSecondaryIndexUpdates) == 0 {
		return validation("The provisioned throughput for the table will not change. The requested value equals the current value. "+
			"Current ReadCapacityUnits provisioned for the table: %d. Requested ReadCapacityUnits: %d. "+
			"Current WriteCapacityUnits provisioned for the table: %d. Requested WriteCapacityUnits: %d. "+
			"Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.",
			t.Capacity.Read, capacity.Read, t.Capacity.Write, capacity.Write)
	}
	t.Capacity = capacity
	return nil
}

func (t *table) updateStream(in *shapes.StreamSpecification) error {
	switch {
	case in == nil:
		return nil
	case value(in.StreamEnabled) && t.Stream.Enabled:
		return validation("Table already has an enabled stream: TableName: %s", t.Name)
	case !value(in.StreamEnabled) && !t.Stream.Enabled:
		return validation("Table %s does not have an enabled stream", t.Name)
	}
	return t.setStream(in)
}

// defineMore takes over definitions of attributes for new indexes. A key attribute keeps its type.
func (t *table) defineMore(in []shapes.AttributeDefinition) error {
	more, err := defineAttributes(in)
	if err != nil {
		return err
	}
	for _, a := range more {
		i := slices.IndexFunc(t.Attributes, func(b attribute) bool { return b.Name == a.Name })
		switch {
		case i < 0:
			t.Attributes = append(t.Attributes, a)
		case t.Attributes[i].Type != a.Type:
			return invalidValues("Attempting to change the type of the key attribute %s from %s to %s", a.Name, t.Attributes[i].Type, a.Type)
		}
	}
	return nil
}

// usedAttributes are the definitions of attributes that are keys of something.
func usedAttributes(t *table) []attribute {
	return slices.DeleteFunc(t.Attributes, func(a attribute) bool {
		if a.Name == t.Hash || a.Name == t.Range {
			return false
		}
		for i := range t.Indexes {
			if a.Name == t.Indexes[i].Hash || a.Name == t.Indexes[i].Range {
				return false
			}
		}
		return true
	})
}

func (t *table) updateIndex(tx *kv.Tx, u *shapes.GlobalSecondaryIndexUpdate) error {
	switch {
	case u.Create != nil:
		c := u.Create
		globals := 0
		for i := range t.Indexes {
			if t.Indexes[i].Backfilling {
				return limitExceeded("Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table")
			}
			if t.Indexes[i].Global {
				globals++
			}
		}
		if globals == maxGlobalIndexes {
			return invalidValues("GlobalSecondaryIndex count exceeds the per-table limit of %d", maxGlobalIndexes)
		}
		if t.index(value(c.IndexName)) != nil {
			return validation("Attempting to create an index which already exists")
		}
		return t.addGlobal(index{Name: value(c.IndexName), Backfilling: true}, c.KeySchema, c.Projection, c.ProvisionedThroughput, c.OnDemandThroughput)
	case u.Delete != nil:
		x := t.index(value(u.Delete.IndexName))
		if x == nil || !x.Global {
			return notFound()
		}
		t.dropIndex(tx, x)
		return nil
	}
	x := t.index(value(u.Update.IndexName))
	if x == nil || !x.Global {
		return notFound()
	}
	if u.Update.OnDemandThroughput != nil {
		x.MaxOnDemand = onDemand(u.Update.OnDemandThroughput)
	}
	if u.Update.ProvisionedThroughput == nil {
		return nil
	}
	if !t.Provisioned {
		return invalidValues("ProvisionedThroughput should not be specified for index: %s when BillingMode is PAY_PER_REQUEST", x.Name)
	}
	var err error
	x.Capacity, err = capacityOf(u.Update.ProvisionedThroughput)
	return err
}

// dropIndex removes an index and its entries.
func (t *table) dropIndex(tx *kv.Tx, x *index) {
	id := x.ID
	tx.DeleteRange(t.layout.index(id))
	tx.Delete(t.layout.count(id))
	tx.Delete(t.layout.bytes(id))
	tx.Delete(t.layout.filled(id))
	t.Indexes = slices.DeleteFunc(t.Indexes, func(y index) bool { return y.ID == id })
}
