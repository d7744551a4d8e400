package dynamodb

import (
	"context"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	"github.com/nube-run/nube/internal/expr"
	"github.com/nube-run/nube/internal/expr/attr"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/policy"
)

// conditionKeys are the condition keys of a request on items. They are computed when a policy asks for them.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
type conditionKeys struct {
	s     *Service
	ctx   context.Context
	table *string // TableName
	index *string // IndexName

	items      []attr.Item                      // items or keys, for the partition keys
	conditions func() ([]expr.Comparison, bool) // of a query, for its partition key
	attributes func() []string                  // names of the attributes that the request is about
	choice     *string                          // Select
	values     *string                          // ReturnValues
	capacity   *string                          // ReturnConsumedCapacity
	enclosing  string                           // the operation around this one
	where      *expr.Condition                  // of a PartiQL statement, for the partition keys
	selects    bool                             // a PartiQL SELECT
}

// Key implements [policy.Keys].
func (k *conditionKeys) Key(name string) (policy.Value, bool) {
	one := func(p *string) (policy.Value, bool) { return policy.One(value(p)), p != nil }
	switch name {
	case "dynamodb:leadingkeys":
		return k.leading()
	case "dynamodb:attributes":
		if k.attributes == nil {
			return policy.Value{}, false
		}
		names := k.attributes()
		return policy.Many(names...), names != nil
	case "dynamodb:select":
		return one(k.choice)
	case "dynamodb:returnvalues":
		return one(k.values)
	case "dynamodb:returnconsumedcapacity":
		return one(k.capacity)
	case "dynamodb:enclosingoperation":
		return policy.One(k.enclosing), k.enclosing != ""
	case "dynamodb:fulltablescan":
		return k.fullScan()
	}
	return policy.Value{}, false
}

// fullScan tells whether a SELECT reads a whole table or index, because it does not name the partition key.
func (k *conditionKeys) fullScan() (policy.Value, bool) {
	if !k.selects {
		return policy.Value{}, false
	}
	_, ok := k.leading()
	return policy.Bool(!ok), true
}

// leading are the partition keys that the request names. Of a table that is not there nothing is said.
func (k *conditionKeys) leading() (policy.Value, bool) {
	if k.items == nil && k.conditions == nil && k.where == nil {
		return policy.Value{}, false
	}
	name, err := tableName(k.ctx, k.table)
	if err != nil {
		return policy.Value{}, false
	}
	var t *table
	err = k.s.db.View(k.ctx, func(sn *kv.Snap) (err error) {
		t, err = k.s.table(sn, cell(k.ctx), name)
		return err
	})
	if err != nil || t == nil {
		return policy.Value{}, false
	}
	hash := t.keys.hash
	if x := t.index(value(k.index)); x != nil {
		hash = x.keys.hash
	}
	values := []string{}
	for _, item := range k.items {
		if v := item.Get(hash); !v.IsZero() {
			values = append(values, plain(v))
		}
	}
	if k.conditions != nil {
		cs, ok := k.conditions()
		if !ok {
			return policy.Value{}, false
		}
		for _, c := range cs {
			if c.Attribute == hash && len(c.Values) == 1 {
				values = append(values, plain(c.Values[0]))
			}
		}
	}
	if k.where != nil {
		choices := k.where.Choices(hash)
		if choices == nil {
			return policy.Value{}, false
		}
		for _, v := range choices {
			values = append(values, plain(v))
		}
		for _, c := range k.where.Conjuncts() { // a clause may contradict itself
			if c.Attribute == hash && c.Operator == "EQ" {
				values = append(values, plain(c.Values[0]))
			}
		}
	}
	return policy.Many(values...), true
}

// plain is a key value as policies compare it.
func plain(v attr.Value) string {
	if v.Kind() == attr.N {
		return v.Number().String()
	}
	return v.Str()
}

// access is one permission on a table, or on an index of it.
func (k *conditionKeys) access(action string) awsapi.Access {
	resource := tableARN(k.ctx, k.table)
	if value(k.index) != "" {
		resource = arn.ARN(resource.String() + "/index/" + *k.index)
	}
	return awsapi.Access{Action: "dynamodb:" + action, Resource: resource, Keys: k}
}

func (s *Service) accessGetItem(ctx context.Context, in *shapes.GetItemInput) ([]awsapi.Access, error) {
	k := &conditionKeys{s: s, ctx: ctx, table: in.TableName, items: []attr.Item{in.Key}, capacity: in.ReturnConsumedCapacity,
		attributes: s.projected(in.Key, in.ProjectionExpression, in.ExpressionAttributeNames, in.AttributesToGet)}
	return []awsapi.Access{k.access("GetItem")}, nil
}

func (s *Service) accessPutItem(ctx context.Context, in *shapes.PutItemInput) ([]awsapi.Access, error) {
	k := &conditionKeys{s: s, ctx: ctx, table: in.TableName, items: []attr.Item{in.Item}, capacity: in.ReturnConsumedCapacity,
		values: in.ReturnValues, attributes: namesOf(in.Item)}
	return []awsapi.Access{k.access("PutItem")}, nil
}

func (s *Service) accessDeleteItem(ctx context.Context, in *shapes.DeleteItemInput) ([]awsapi.Access, error) {
	k := &conditionKeys{s: s, ctx: ctx, table: in.TableName, items: []attr.Item{in.Key}, capacity: in.ReturnConsumedCapacity,
		values: in.ReturnValues, attributes: namesOf(in.Key)}
	return []awsapi.Access{k.access("DeleteItem")}, nil
}

func (s *Service) accessUpdateItem(ctx context.Context, in *shapes.UpdateItemInput) ([]awsapi.Access, error) {
	k := &conditionKeys{s: s, ctx: ctx, table: in.TableName, items: []attr.Item{in.Key}, capacity: in.ReturnConsumedCapacity,
		values: in.ReturnValues}
	k.attributes = func() []string {
		names := namesOf(in.Key)()
		if in.UpdateExpression == nil {
			return append(names, sortedKeys(in.AttributeUpdates)...)
		}
		return append(names, s.updatedNames(in)...)
	}
	return []awsapi.Access{k.access("UpdateItem")}, nil
}

// updatedNames are the attributes that an update changes; none of an update that will be refused.
func (s *Service) updatedNames(in *shapes.UpdateItemInput) []string {
	b := s.binder(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	u := b.update(in.UpdateExpression)
	if b.err != nil {
		return nil
	}
	return expr.Attributes(u.Paths())
}

func namesOf(item attr.Item) func() []string {
	return func() []string {
		names := []string{}
		for name := range item.All() {
			names = append(names, name)
		}
		return names
	}
}

// projected are the attributes that a read names, the key's among them; nil when it wants them all.
func (s *Service) projected(key attr.Item, projection *string, names map[string]string, attributes []string) func() []string {
	return func() []string {
		switch {
		case attributes != nil:
			return append(namesOf(key)(), attributes...)
		case projection == nil:
			return nil
		}
		b := s.binder(names, attr.Item{})
		p := b.projection(projection)
		if b.err != nil {
			return nil
		}
		return append(namesOf(key)(), expr.Attributes(p.Paths())...)
	}
}

func (s *Service) accessQuery(ctx context.Context, in *shapes.QueryInput) ([]awsapi.Access, error) {
	k := &conditionKeys{s: s, ctx: ctx, table: in.TableName, index: in.IndexName, capacity: in.ReturnConsumedCapacity, choice: in.Select,
		attributes: s.projected(attr.Item{}, in.ProjectionExpression, in.ExpressionAttributeNames, in.AttributesToGet)}
	k.conditions = func() ([]expr.Comparison, bool) {
		if in.KeyConditionExpression == nil {
			cs, err := comparisons(in.KeyConditions)
			return cs, err == nil
		}
		b := s.binder(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
		c := b.condition("KeyConditionExpression", in.KeyConditionExpression)
		if b.err != nil {
			return nil, false
		}
		cs, err := c.KeyConditions()
		return cs, err == nil
	}
	return []awsapi.Access{k.access("Query")}, nil
}

func (s *Service) accessScan(ctx context.Context, in *shapes.ScanInput) ([]awsapi.Access, error) {
	k := &conditionKeys{s: s, ctx: ctx, table: in.TableName, index: in.IndexName, capacity: in.ReturnConsumedCapacity, choice: in.Select,
		attributes: s.projected(attr.Item{}, in.ProjectionExpression, in.ExpressionAttributeNames, in.AttributesToGet)}
	return []awsapi.Access{k.access("Scan")}, nil
}

func (s *Service) accessBatchGet(ctx context.Context, in *shapes.BatchGetItemInput) ([]awsapi.Access, error) {
	var out []awsapi.Access
	for _, name := range sortedKeys(in.RequestItems) {
		r := in.RequestItems[name]
		k := &conditionKeys{s: s, ctx: ctx, table: &name, items: r.Keys, capacity: in.ReturnConsumedCapacity}
		if len(r.Keys) > 0 {
			k.attributes = s.projected(r.Keys[0], r.ProjectionExpression, r.ExpressionAttributeNames, r.AttributesToGet)
		}
		out = append(out, k.access("BatchGetItem"))
	}
	return out, nil
}

func (s *Service) accessBatchWrite(ctx context.Context, in *shapes.BatchWriteItemInput) ([]awsapi.Access, error) {
	var out []awsapi.Access
	for _, name := range sortedKeys(in.RequestItems) {
		var items []attr.Item
		for _, r := range in.RequestItems[name] {
			if r.PutRequest != nil {
				items = append(items, r.PutRequest.Item)
			}
			if r.DeleteRequest != nil {
				items = append(items, r.DeleteRequest.Key)
			}
		}
		k := &conditionKeys{s: s, ctx: ctx, table: &name, items: items, capacity: in.ReturnConsumedCapacity}
		k.attributes = func() (names []string) {
			for _, item := range items {
				names = append(names, namesOf(item)()...)
			}
			return names
		}
		out = append(out, k.access("BatchWriteItem"))
	}
	return out, nil
}

// A transaction needs the permissions of its parts.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html

func (s *Service) accessTransactGet(ctx context.Context, in *shapes.TransactGetItemsInput) ([]awsapi.Access, error) {
	var out []awsapi.Access
	for _, it := range in.TransactItems {
		if it.Get == nil {
			continue
		}
		k := &conditionKeys{s: s, ctx: ctx, table: it.Get.TableName, items: []attr.Item{it.Get.Key}, enclosing: "TransactGetItems",
			attributes: s.projected(it.Get.Key, it.Get.ProjectionExpression, it.Get.ExpressionAttributeNames, nil)}
		out = append(out, k.access("GetItem"))
	}
	return out, nil
}

func (s *Service) accessTransactWrite(ctx context.Context, in *shapes.TransactWriteItemsInput) ([]awsapi.Access, error) {
	var out []awsapi.Access
	add := func(action string, table *string, item attr.Item) {
		k := &conditionKeys{s: s, ctx: ctx, table: table, items: []attr.Item{item}, enclosing: "TransactWriteItems", attributes: namesOf(item)}
		out = append(out, k.access(action))
	}
	for _, it := range in.TransactItems {
		if it.Put != nil {
			add("PutItem", it.Put.TableName, it.Put.Item)
		}
		if it.Update != nil {
			add("UpdateItem", it.Update.TableName, it.Update.Key)
		}
		if it.Delete != nil {
			add("DeleteItem", it.Delete.TableName, it.Delete.Key)
		}
		if it.ConditionCheck != nil {
			add("ConditionCheckItem", it.ConditionCheck.TableName, it.ConditionCheck.Key)
		}
	}
	return out, nil
}
