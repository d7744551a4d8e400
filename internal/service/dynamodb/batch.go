package dynamodb

import (
	"context"
	"errors"
	"slices"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	"github.com/nube-run/nube/internal/expr"
	"github.com/nube-run/nube/internal/expr/attr"
	"github.com/nube-run/nube/internal/kv"
)

// Limits of batches.
const (
	maxBatchGet   = 100
	maxBatchWrite = 25
	maxBatchBytes = 16 << 20
)

const errDuplicateKeys = attr.Error("Provided list of item keys contains duplicates")

// batchGet is what one table of a BatchGetItem is asked for.
type batchGet struct {
	table      string
	request    shapes.KeysAndAttributes
	want       *expr.Projection
	consistent bool

	items []attr.Item
	left  []attr.Item // keys that did not fit into the answer
	used  usage
}

// batchGetItem: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
func (s *Service) batchGetItem(ctx context.Context, in *shapes.BatchGetItemInput) (*shapes.BatchGetItemOutput, error) {
	gets, err := s.bindBatchGet(ctx, in)
	if err != nil {
		return nil, err
	}
	err = s.db.View(ctx, func(sn *kv.Snap) error {
		bytes := 0
		for i := range gets {
			t, err := s.existing(sn, cell(ctx), gets[i].table)
			if err != nil {
				return err
			}
			if err := t.batchGet(sn, &gets[i], &bytes); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, coded(err)
	}
	out := &shapes.BatchGetItemOutput{Responses: map[string][]attr.Item{}, UnprocessedKeys: map[string]shapes.KeysAndAttributes{}}
	for i := range gets {
		g := &gets[i]
		s.measure(ctx, g.table, g.used)
		out.Responses[g.table] = append([]attr.Item{}, g.items...)
		if g.left != nil {
			g.request.Keys = g.left
			out.UnprocessedKeys[g.table] = g.request
		}
		if c := consumed(in.ReturnConsumedCapacity, g.table, g.used); c != nil {
			out.ConsumedCapacity = append(out.ConsumedCapacity, *c)
		}
	}
	return out, nil
}

// bindBatchGet checks a BatchGetItem and binds its projections.
func (s *Service) bindBatchGet(ctx context.Context, in *shapes.BatchGetItemInput) ([]batchGet, error) {
	var gets []batchGet
	keys := 0
	for _, name := range sortedKeys(in.RequestItems) {
		r := in.RequestItems[name]
		if keys += len(r.Keys); keys > maxBatchGet {
			return nil, validation("Too many items requested for the BatchGetItem call")
		}
		err := checkParams([]param{{"ProjectionExpression", r.ProjectionExpression != nil}},
			[]param{{"AttributesToGet", r.AttributesToGet != nil}}, r.ExpressionAttributeNames, attr.Item{})
		if err != nil {
			return nil, err
		}
		for i, key := range r.Keys {
			if err := checkValues(key); err != nil {
				return nil, err
			}
			if slices.Contains(r.Keys[:i], key) {
				return nil, coded(errDuplicateKeys)
			}
		}
		g := batchGet{request: r, consistent: value(r.ConsistentRead)}
		if g.want, err = s.reading(r.ProjectionExpression, r.ExpressionAttributeNames, r.AttributesToGet); err != nil {
			return nil, err
		}
		if g.table, err = tableName(ctx, &name); err != nil {
			return nil, err
		}
		gets = append(gets, g)
	}
	return gets, nil
}

// batchGet reads a table's part of a batch, as far as the answer has room.
func (t *table) batchGet(sn *kv.Snap, g *batchGet, bytes *int) error {
	g.used.reads = true
	keys := make([]kv.Key, len(g.request.Keys))
	for i, key := range g.request.Keys {
		if err := t.checkKey(key); err != nil {
			return err
		}
		keys[i] = t.itemKey(key)
	}
	if g.want != nil {
		if err := t.checkPaths(g.want.Paths()); err != nil {
			return err
		}
	}
	rows, err := sn.GetAll(keys...)
	if err != nil {
		return err
	}
	for i, row := range rows {
		item, err := decodeItem(row)
		if err != nil {
			return err
		}
		size := sizeOf(item)
		if *bytes+size > maxBatchBytes {
			g.left = g.request.Keys[i:]
			return nil
		}
		*bytes += size
		g.used.read += readUnits(size, g.consistent)
		if item.IsZero() {
			continue
		}
		if g.want != nil {
			item = g.want.Apply(item)
		}
		g.items = append(g.items, item)
	}
	return nil
}

// batchWriteItem: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
//
// A batch is no transaction: its writes are grouped into as few commits as their size allows.
func (s *Service) batchWriteItem(ctx context.Context, in *shapes.BatchWriteItemInput) (*shapes.BatchWriteItemOutput, error) {
	writes, err := bindBatchWrite(ctx, in)
	if err != nil {
		return nil, err
	}
	if err := s.checkBatch(ctx, writes); err != nil {
		return nil, err
	}
	done := make([]written, len(writes))
	for from := 0; from < len(writes); {
		to := group(writes, from)
		err := s.writeAll(ctx, writes[from:to], done[from:to])
		for ; errors.Is(err, kv.ErrTooLarge) && to-from > 1; err = s.writeAll(ctx, writes[from:to], done[from:to]) {
			to = from + (to-from)/2 // many indexes that have all of the items
		}
		if err != nil {
			return nil, err
		}
		from = to
	}
	out := &shapes.BatchWriteItemOutput{UnprocessedItems: map[string][]shapes.WriteRequest{}}
	used := usages{}
	for i, w := range writes {
		used.add(w.table, done[i].used)
		if c := s.collection(ctx, in.ReturnItemCollectionMetrics, w.table, done[i]); c != nil {
			if out.ItemCollectionMetrics == nil {
				out.ItemCollectionMetrics = map[string][]shapes.ItemCollectionMetrics{}
			}
			out.ItemCollectionMetrics[w.table] = append(out.ItemCollectionMetrics[w.table], *c)
		}
	}
	for _, u := range used {
		s.measure(ctx, u.table, u.usage)
		if c := consumed(in.ReturnConsumedCapacity, u.table, u.usage); c != nil {
			out.ConsumedCapacity = append(out.ConsumedCapacity, *c)
		}
	}
	return out, nil
}

func bindBatchWrite(ctx context.Context, in *shapes.BatchWriteItemInput) ([]write, error) {
	var writes []write
	for _, p := range sortedKeys(in.RequestItems) {
		name, err := tableName(ctx, &p)
		if err != nil {
			return nil, err
		}
		for _, r := range in.RequestItems[p] {
			w := write{table: name}
			switch {
			case r.PutRequest != nil && r.DeleteRequest != nil:
				return nil, validation("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
			case r.PutRequest != nil:
				w.verb, w.item = put, r.PutRequest.Item
				if err := w.checkNew(); err != nil {
					return nil, err
				}
			case r.DeleteRequest != nil:
				w.verb, w.key = remove, r.DeleteRequest.Key
				if err := checkValues(w.key); err != nil {
					return nil, err
				}
			default:
				return nil, validation("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
			}
			writes = append(writes, w)
		}
		if len(writes) > maxBatchWrite {
			return nil, validation("Too many items requested for the BatchWriteItem call")
		}
	}
	return writes, nil
}

// checkBatch checks all writes before the first one is made: keys, and that no item is written twice.
func (s *Service) checkBatch(ctx context.Context, writes []write) error {
	err := s.db.View(ctx, func(sn *kv.Snap) error {
		keys := map[string]bool{}
		for i := range writes {
			w := &writes[i]
			t, err := s.existing(sn, cell(ctx), w.table)
			if err != nil {
				return err
			}
			if err := t.checkWrite(w); err != nil {
				return err
			}
			key := string(t.itemKey(w.named()))
			if keys[key] {
				return errDuplicateKeys
			}
			keys[key] = true
		}
		return nil
	})
	return coded(err)
}

// groupBytes bounds the items of one commit, so that it mostly fits into a transaction of the store with their index entries.
const groupBytes = 1 << 20

// group is the end of the writes from an index on that go into one commit.
func group(writes []write, from int) int {
	bytes := 0
	for i := from; i < len(writes); i++ {
		bytes += len(writes[i].item.Encoding())
		if i > from && bytes > groupBytes {
			return i
		}
	}
	return len(writes)
}

// writeAll makes several writes in one transaction.
func (s *Service) writeAll(ctx context.Context, writes []write, done []written) error {
	c, from := cell(ctx), s.origin(ctx)
	_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
		for i := range writes {
			t, err := s.existing(tx, c, writes[i].table)
			if err != nil {
				return err
			}
			if done[i], err = t.write(tx, &writes[i], from); err != nil {
				return err
			}
		}
		return nil
	})
	return coded(err)
}

// usages are the usages of several tables, in the order of their first use.
type usages []struct {
	table string
	usage usage
}

func (us *usages) add(table string, u usage) {
	for i := range *us {
		if (*us)[i].table == table {
			(*us)[i].usage.add(u)
			return
		}
	}
	var own usage
	own.add(u)
	*us = append(*us, struct {
		table string
		usage usage
	}{table, own})
}
