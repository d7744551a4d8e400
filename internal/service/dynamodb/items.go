package dynamodb

import (
	"context"
	"math"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	"github.com/nube-run/nube/internal/expr"
	"github.com/nube-run/nube/internal/expr/attr"
	"github.com/nube-run/nube/internal/kv"
)

// getItem: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html
func (s *Service) getItem(ctx context.Context, in *shapes.GetItemInput) (*shapes.GetItemOutput, error) {
	err := checkParams([]param{{"ProjectionExpression", in.ProjectionExpression != nil}},
		[]param{{"AttributesToGet", in.AttributesToGet != nil}}, in.ExpressionAttributeNames, attr.Item{})
	if err != nil {
		return nil, err
	}
	if err := checkValues(in.Key); err != nil {
		return nil, err
	}
	get, err := s.reading(in.ProjectionExpression, in.ExpressionAttributeNames, in.AttributesToGet)
	if err != nil {
		return nil, err
	}
	name, err := tableName(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	var item attr.Item
	err = s.db.View(ctx, func(sn *kv.Snap) error {
		t, err := s.existing(sn, cell(ctx), name)
		if err == nil {
			item, err = t.get(sn, in.Key, get)
		}
		return err
	})
	if err != nil {
		return nil, coded(err)
	}
	size := sizeOf(item)
	if get != nil && size > 0 {
		item = get.Apply(item)
	}
	used := usage{read: readUnits(size, value(in.ConsistentRead)), reads: true}
	s.measure(ctx, name, used)
	return &shapes.GetItemOutput{Item: item, ConsumedCapacity: consumed(in.ReturnConsumedCapacity, name, used)}, nil
}

// reading is what a request wants of its items: nil for all.
func (s *Service) reading(projection *string, names map[string]string, attributes []string) (*expr.Projection, error) {
	if projection == nil {
		return attributesToGet(attributes)
	}
	b := s.binder(names, attr.Item{})
	p := b.projection(projection)
	return p, b.done()
}

// get reads one item; absent when there is none.
func (t *table) get(r reader, key attr.Item, want *expr.Projection) (attr.Item, error) {
	if err := t.checkKey(key); err != nil {
		return attr.Item{}, err
	}
	if want != nil {
		if err := t.checkPaths(want.Paths()); err != nil {
			return attr.Item{}, err
		}
	}
	row, err := r.Get(t.itemKey(key))
	if err != nil {
		return attr.Item{}, err
	}
	return decodeItem(row)
}

// putItem: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html
func (s *Service) putItem(ctx context.Context, in *shapes.PutItemInput) (*shapes.PutItemOutput, error) {
	err := checkParams([]param{{"ConditionExpression", in.ConditionExpression != nil}},
		[]param{{"Expected", in.Expected != nil}, {"ConditionalOperator", in.ConditionalOperator != nil}},
		in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil {
		return nil, err
	}
	w := write{verb: put, item: in.Item}
	if err := w.checkNew(); err != nil {
		return nil, err
	}
	if rv := value(in.ReturnValues); rv != "" && rv != "NONE" && rv != "ALL_OLD" {
		return nil, validation("ReturnValues can only be ALL_OLD or NONE")
	}
	if err := s.conditional(&w, in.Expected, in.ConditionalOperator, in.ConditionExpression, in.ExpressionAttributeNames,
		in.ExpressionAttributeValues, in.ReturnValuesOnConditionCheckFailure); err != nil {
		return nil, err
	}
	if w.table, err = tableName(ctx, in.TableName); err != nil {
		return nil, err
	}
	done, err := s.write(ctx, &w)
	if err != nil {
		return nil, err
	}
	out := &shapes.PutItemOutput{
		ConsumedCapacity:      consumed(in.ReturnConsumedCapacity, w.table, done.used),
		ItemCollectionMetrics: s.collection(ctx, in.ReturnItemCollectionMetrics, w.table, done),
	}
	if value(in.ReturnValues) == "ALL_OLD" {
		out.Attributes = done.before
	}
	return out, nil
}

// checkNew checks the item of a put by itself.
func (w *write) checkNew() error {
	if err := checkValues(w.item); err != nil {
		return err
	}
	if w.item.LargerThan(maxItemSize) {
		return coded(errItemSize)
	}
	return nil
}

// conditional binds the condition of a put or a delete, in either of its forms.
func (s *Service) conditional(w *write, legacy map[string]shapes.ExpectedAttributeValue, operator, text *string,
	names map[string]string, values attr.Item, onFailure *string) (err error) {
	if err := checkOperator(operator, len(legacy), legacy != nil); err != nil {
		return err
	}
	if w.condition, err = expected(legacy, operator); err != nil {
		return err
	}
	w.returnOnFailure = value(onFailure) == "ALL_OLD"
	if text == nil {
		return nil
	}
	b := s.binder(names, values)
	w.condition = b.condition("ConditionExpression", text)
	return b.done()
}

// deleteItem: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteItem.html
func (s *Service) deleteItem(ctx context.Context, in *shapes.DeleteItemInput) (*shapes.DeleteItemOutput, error) {
	err := checkParams([]param{{"ConditionExpression", in.ConditionExpression != nil}},
		[]param{{"Expected", in.Expected != nil}, {"ConditionalOperator", in.ConditionalOperator != nil}},
		in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil {
		return nil, err
	}
	if err := checkValues(in.Key); err != nil {
		return nil, err
	}
	if rv := value(in.ReturnValues); rv != "" && rv != "NONE" && rv != "ALL_OLD" {
		return nil, validation("ReturnValues can only be ALL_OLD or NONE")
	}
	w := write{verb: remove, key: in.Key}
	if err := s.conditional(&w, in.Expected, in.ConditionalOperator, in.ConditionExpression, in.ExpressionAttributeNames,
		in.ExpressionAttributeValues, in.ReturnValuesOnConditionCheckFailure); err != nil {
		return nil, err
	}
	if w.table, err = tableName(ctx, in.TableName); err != nil {
		return nil, err
	}
	done, err := s.write(ctx, &w)
	if err != nil {
		return nil, err
	}
	out := &shapes.DeleteItemOutput{
		ConsumedCapacity:      consumed(in.ReturnConsumedCapacity, w.table, done.used),
		ItemCollectionMetrics: s.collection(ctx, in.ReturnItemCollectionMetrics, w.table, done),
	}
	if value(in.ReturnValues) == "ALL_OLD" {
		out.Attributes = done.before
	}
	return out, nil
}

// updateItem: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html
func (s *Service) updateItem(ctx context.Context, in *shapes.UpdateItemInput) (*shapes.UpdateItemOutput, error) {
	err := checkParams(
		[]param{{"UpdateExpression", in.UpdateExpression != nil}, {"ConditionExpression", in.ConditionExpression != nil}},
		[]param{{"AttributeUpdates", in.AttributeUpdates != nil}, {"Expected", in.Expected != nil}, {"ConditionalOperator", in.ConditionalOperator != nil}},
		in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil {
		return nil, err
	}
	if err := checkValues(in.Key); err != nil {
		return nil, err
	}
	w := write{verb: update, key: in.Key, returnOnFailure: value(in.ReturnValuesOnConditionCheckFailure) == "ALL_OLD"}
	if in.AttributeUpdates != nil {
		if w.update, err = attributeUpdates(in.AttributeUpdates); err != nil {
			return nil, err
		}
	}
	if err := checkOperator(in.ConditionalOperator, len(in.Expected), in.Expected != nil); err != nil {
		return nil, err
	}
	if w.condition, err = expected(in.Expected, in.ConditionalOperator); err != nil {
		return nil, err
	}
	if in.UpdateExpression != nil || in.ConditionExpression != nil {
		b := s.binder(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
		w.update = b.update(in.UpdateExpression)
		w.condition = b.condition("ConditionExpression", in.ConditionExpression)
		if err := b.done(); err != nil {
			return nil, err
		}
	}
	if w.table, err = tableName(ctx, in.TableName); err != nil {
		return nil, err
	}
	done, err := s.write(ctx, &w)
	if err != nil {
		return nil, err
	}
	out := &shapes.UpdateItemOutput{
		ConsumedCapacity:      consumed(in.ReturnConsumedCapacity, w.table, done.used),
		ItemCollectionMetrics: s.collection(ctx, in.ReturnItemCollectionMetrics, w.table, done),
	}
	switch value(in.ReturnValues) {
	case "ALL_OLD":
		out.Attributes = done.before
	case "ALL_NEW":
		out.Attributes = done.after
	case "UPDATED_OLD":
		out.Attributes = touched(w.update, done.before)
	case "UPDATED_NEW":
		out.Attributes = touched(w.update, done.after)
	}
	return out, nil
}

func attributeUpdates(entries map[string]shapes.AttributeValueUpdate) (*expr.Update, error) {
	var updates []expr.AttributeUpdate
	for _, name := range sortedKeys(entries) {
		e := entries[name]
		updates = append(updates, expr.AttributeUpdate{Attribute: name, Action: value(e.Action), Value: e.Value})
	}
	u, err := expr.UpdateAttributes(updates)
	return u, coded(err)
}

// touched is the part of an item that the update is about; absent when there is none of it.
func touched(u *expr.Update, item attr.Item) attr.Item {
	if u == nil || item.IsZero() {
		return attr.Item{}
	}
	part := u.Touched(item)
	if part.Len() == 0 {
		return attr.Item{}
	}
	return part
}

// collection is the answer to ReturnItemCollectionMetrics: only tables with local indexes have item collections whose
// size is limited. The estimate lies between nothing and the size of the whole table, in gigabytes.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html#LSI.ItemCollections
func (s *Service) collection(ctx context.Context, want *string, name string, w written) *shapes.ItemCollectionMetrics {
	if value(want) != "SIZE" {
		return nil
	}
	item := w.after
	if item.IsZero() {
		item = w.before
	}
	if item.IsZero() {
		return nil
	}
	var out *shapes.ItemCollectionMetrics
	err := s.db.View(ctx, func(sn *kv.Snap) error {
		t, err := s.existing(sn, cell(ctx), name)
		if err != nil {
			return err
		}
		if !t.hasLocal() {
			return nil
		}
		n, err := t.layout.size(sn, 0)
		if err != nil {
			return err
		}
		upper := math.Ceil(max(1, float64(n.bytes)) / (1 << 30))
		out = &shapes.ItemCollectionMetrics{ItemCollectionKey: item.Pick(t.keys.hash), SizeEstimateRangeGB: []float64{0, upper}}
		return nil
	})
	if err != nil {
		return nil // the write has happened; that the table is gone since does not undo it
	}
	return out
}

func (t *table) hasLocal() bool {
	for i := range t.Indexes {
		if !t.Indexes[i].Global {
			return true
		}
	}
	return false
}
