package dynamodb

import (
	"context"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	"github.com/nube-run/nube/internal/kv"
)

// createTable: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
//
// The table is there when the call returns; its status in the answer is CREATING nevertheless, as the page says.
func (s *Service) createTable(ctx context.Context, in *shapes.CreateTableInput) (*shapes.CreateTableOutput, error) {
	now := s.clock.Now()
	t, err := newTable(in, now)
	if err != nil {
		return nil, err
	}
	if t.Name, err = tableName(ctx, in.TableName); err != nil {
		return nil, err
	}
	t.UUID = awsapi.NewID()
	if in.ResourcePolicy != nil {
		if err := checkPolicy(*in.ResourcePolicy); err != nil {
			return nil, err
		}
		t.Policy = *in.ResourcePolicy
	}
	c := cell(ctx)
	s.cells.know(c)
	_, err = s.db.Update(ctx, func(tx *kv.Tx) error {
		had, err := s.table(tx, c, t.Name)
		if err != nil {
			return err
		}
		if had != nil {
			return tableExists(t.Name)
		}
		if t.ID, err = newID(tx, catalogOf(c)); err != nil {
			return err
		}
		if t.Stream.Enabled {
			if err := s.openStream(tx, c, t, now); err != nil {
				return err
			}
		}
		return s.save(tx, c, t)
	})
	if err != nil {
		return nil, err
	}
	out := t.describe(awsapi.From(ctx).Scope, nil)
	out.TableStatus = ptr("CREATING")
	for i := range out.GlobalSecondaryIndexes {
		out.GlobalSecondaryIndexes[i].IndexStatus = ptr("CREATING")
	}
	return &shapes.CreateTableOutput{TableDescription: out}, nil
}

// newTable checks a CreateTable and describes its table.
func newTable(in *shapes.CreateTableInput, now instant) (*table, error) {
	t := &table{Created: now, Class: value(in.TableClass), Protected: value(in.DeletionProtectionEnabled), MaxOnDemand: onDemand(in.OnDemandThroughput)}
	var err error
	if err := t.setBilling(in.BillingMode, in.ProvisionedThroughput, now); err != nil {
		return nil, err
	}
	if t.Attributes, err = defineAttributes(in.AttributeDefinitions); err != nil {
		return nil, err
	}
	if t.Hash, t.Range, err = keysOf(in.KeySchema, t.Attributes); err != nil {
		return nil, err
	}
	if err := t.addIndexes(in); err != nil {
		return nil, err
	}
	if err := t.checkAllUsed(); err != nil {
		return nil, err
	}
	if err := t.setStream(in.StreamSpecification); err != nil {
		return nil, err
	}
	t.SSEKey = sseKey(in.SSESpecification)
	if err := t.tag(in.Tags); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *table) addIndexes(in *shapes.CreateTableInput) error {
	if in.LocalSecondaryIndexes != nil {
		switch n := len(in.LocalSecondaryIndexes); {
		case n == 0:
			return invalidValues("List of LocalSecondaryIndexes is empty")
		case t.Range == "":
			return invalidValues("Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex")
		case n > maxLocalIndexes:
			return invalidValues("Number of LocalSecondaryIndexes exceeds per-table limit of %d", maxLocalIndexes)
		}
		for i := range in.LocalSecondaryIndexes {
			if err := t.addLocal(&in.LocalSecondaryIndexes[i]); err != nil {
				return err
			}
		}
	}
	if in.GlobalSecondaryIndexes != nil {
		switch n := len(in.GlobalSecondaryIndexes); {
		case n == 0:
			return invalidValues("List of GlobalSecondaryIndexes is empty")
		case n > maxGlobalIndexes:
			return invalidValues("GlobalSecondaryIndex count exceeds the per-table limit of %d", maxGlobalIndexes)
		}
		for i := range in.GlobalSecondaryIndexes {
			x := &in.GlobalSecondaryIndexes[i]
			err := t.addGlobal(index{Name: value(x.IndexName)}, x.KeySchema, x.Projection, x.ProvisionedThroughput, x.OnDemandThroughput)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// setBilling reads the billing mode of a new table.
func (t *table) setBilling(mode *string, capacity *shapes.ProvisionedThroughput, now instant) (err error) {
	if value(mode) == "PAY_PER_REQUEST" {
		if capacity != nil {
			return invalidValues("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
		t.OnDemandFrom = now
		return nil
	}
	if capacity == nil || capacity.ReadCapacityUnits == nil || capacity.WriteCapacityUnits == nil {
		return invalidValues("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	}
	t.Provisioned = true
	t.Capacity, err = capacityOf(capacity)
	return err
}

// awsManagedKey stands for the key that DynamoDB keeps in the account for encryption without a key of the customer's.
const awsManagedKey = "alias/aws/dynamodb"

// sseKey is the KMS key of an SSESpecification, "" when encryption is by the service's own key. It is kept and described;
// what lies on the disk is as safe as the disk.
func sseKey(in *shapes.SSESpecification) string {
	switch {
	case in == nil || !value(in.Enabled):
		return ""
	case in.KMSMasterKeyId != nil:
		return *in.KMSMasterKeyId
	}
	return awsManagedKey
}

// deleteTable: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteTable.html
func (s *Service) deleteTable(ctx context.Context, in *shapes.DeleteTableInput) (*shapes.DeleteTableOutput, error) {
	name, err := tableName(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	c, now := cell(ctx), s.clock.Now()
	var (
		t     *table
		sizes map[uint64]size
	)
	_, err = s.db.Update(ctx, func(tx *kv.Tx) error {
		if t, err = s.table(tx, c, name); err != nil {
			return err
		}
		if t == nil {
			return tableNotFound(name)
		}
		if t.Protected {
			return validation("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
		}
		if sizes, err = t.sizes(tx.Peek()); err != nil {
			return err
		}
		if t.Stream.Enabled {
			if err := closeStream(tx, c, t, now); err != nil {
				return err
			}
		}
		tx.Delete(catalogOf(c).expiring(t.ID))
		tx.Delete(catalogOf(c).table(name))
		tx.Set(catalogOf(c).gone(t.ID), nil)
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.forget(c, name)
	s.clear(c, t.ID)
	out := t.describe(awsapi.From(ctx).Scope, sizes)
	out.TableStatus = ptr("DELETING")
	return &shapes.DeleteTableOutput{TableDescription: out}, nil
}

// listTables: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListTables.html
func (s *Service) listTables(ctx context.Context, in *shapes.ListTablesInput) (*shapes.ListTablesOutput, error) {
	max := 100
	if in.Limit != nil {
		max = int(*in.Limit)
	}
	out := &shapes.ListTablesOutput{TableNames: []string{}}
	err := s.db.View(ctx, func(sn *kv.Snap) error {
		names, more, err := tableNames(sn, cell(ctx), value(in.ExclusiveStartTableName), max)
		if more {
			out.LastEvaluatedTableName = &names[len(names)-1]
		}
		out.TableNames = append(out.TableNames, names...)
		return err
	})
	return out, err
}

// tag adds or replaces tags.
func (t *table) tag(tags []shapes.Tag) error {
	for _, in := range tags {
		key := value(in.Key)
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			return validation("Tag keys that begin with aws: are reserved: %s", key)
		}
		i, found := slices.BinarySearchFunc(t.Tags, key, func(x tag, key string) int { return strings.Compare(x.Key, key) })
		if found {
			t.Tags[i].Value = value(in.Value)
		} else {
			t.Tags = slices.Insert(t.Tags, i, tag{key, value(in.Value)})
		}
	}
	if len(t.Tags) > maxTags {
		return limitExceeded("The number of tags exceeds the limit of %d of a resource", maxTags)
	}
	return nil
}

const maxTags = 50
