package dynamodb

import (
	"context"
	"errors"
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	"github.com/nube-run/nube/internal/expr"
	"github.com/nube-run/nube/internal/expr/attr"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
)

// maxTransaction is how many bytes of items a transaction may write or read.
const maxTransaction = 4 << 20

const errTwice = attr.Error("Transaction request cannot include multiple operations on one item")

// transactWriteItems: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
func (s *Service) transactWriteItems(ctx context.Context, in *shapes.TransactWriteItemsInput) (*shapes.TransactWriteItemsOutput, error) {
	writes, err := s.bindTransaction(ctx, in)
	if err != nil {
		return nil, err
	}
	once := s.once(ctx, value(in.ClientRequestToken), func() [32]byte { return digest(in) })
	done, err := s.transact(ctx, writes, once)
	if err != nil {
		return nil, err
	}
	out := &shapes.TransactWriteItemsOutput{}
	used := usages{}
	for i, w := range writes {
		used.add(w.table, done[i].used.times(2))
		if c := s.collection(ctx, in.ReturnItemCollectionMetrics, w.table, done[i]); c != nil {
			if out.ItemCollectionMetrics == nil {
				out.ItemCollectionMetrics = map[string][]shapes.ItemCollectionMetrics{}
			}
			out.ItemCollectionMetrics[w.table] = append(out.ItemCollectionMetrics[w.table], *c)
		}
	}
	out.ConsumedCapacity = s.account(ctx, in.ReturnConsumedCapacity, used)
	return out, nil
}

// account measures what a transaction consumed, and is the answer to ReturnConsumedCapacity.
func (s *Service) account(ctx context.Context, want *string, used usages) (out []shapes.ConsumedCapacity) {
	for _, u := range used {
		s.measure(ctx, u.table, u.usage)
		if c := consumedInTransaction(want, u.table, u.usage); c != nil {
			out = append(out, *c)
		}
	}
	return out
}

// transact makes all of the writes, or none.
func (s *Service) transact(ctx context.Context, writes []write, once *once) ([]written, error) {
	c, from := cell(ctx), s.origin(ctx)
	var done []written
	_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
		done = make([]written, len(writes))
		repeated, err := once.check(tx)
		if err != nil {
			return err
		}
		tables := make([]*table, len(writes))
		for i := range writes {
			if tables[i], err = s.existing(tx, c, writes[i].table); err != nil {
				return err
			}
		}
		if err := checkDistinct(tables, writes); err != nil {
			return err
		}
		if repeated {
			return readAgain(tx, tables, writes, done)
		}
		reasons := make(reasons, len(writes))
		bytes := 0
		for i := range writes {
			var err error
			done[i], err = tables[i].write(tx, &writes[i], from)
			if err := reasons.note(i, err); err != nil {
				return err
			}
			if bytes += done[i].size(); bytes > maxTransaction {
				return tooMuch()
			}
		}
		if err := reasons.error(); err != nil {
			return err
		}
		once.done(tx)
		return nil
	})
	if err != nil {
		return nil, coded(err)
	}
	once.committed()
	return done, nil
}

// tooMuch is the error about a transaction whose items are too large together: those that are put, which the request has,
// and those that are updated, deleted or checked, which the table has.
func tooMuch() *fault.Error {
	return validation("Transaction size exceeds the maximum allowed size of 4 MB")
}

// size is what an item counts for in a transaction: as it is, or as it was if it is gone.
func (w *written) size() int {
	if w.after.IsZero() {
		return w.beforeSize
	}
	return w.afterSize
}

// checkDistinct refuses two operations on one item. Items whose keys are wrong are found later.
func checkDistinct(tables []*table, writes []write) error {
	keys := make(map[string]bool, len(writes))
	for i := range writes {
		if tables[i].checkWrite(&writes[i]) != nil {
			continue
		}
		key := string(tables[i].itemKey(writes[i].named()))
		if keys[key] {
			return errTwice
		}
		keys[key] = true
	}
	return nil
}

// readAgain is a transaction that has taken place already: it costs reads of its items.
func readAgain(tx *kv.Tx, tables []*table, writes []write, done []written) error {
	for i := range writes {
		row, err := tx.Get(tables[i].itemKey(writes[i].named()))
		if err != nil {
			return err
		}
		item, err := decodeItem(row)
		if err != nil {
			return err
		}
		size := sizeOf(item)
		done[i] = written{before: item, after: item, used: usage{read: readUnits(size, true), reads: true}}
	}
	return nil
}

// named is the part of the write that has the key attributes.
func (w *write) named() attr.Item {
	if w.verb == put {
		return w.item
	}
	return w.key
}

// bindTransaction checks the parts of a transaction and binds their expressions.
func (s *Service) bindTransaction(ctx context.Context, in *shapes.TransactWriteItemsInput) ([]write, error) {
	writes := make([]write, 0, len(in.TransactItems))
	bytes := 0
	for i := range in.TransactItems {
		w, err := s.bindPart(ctx, &in.TransactItems[i])
		if err != nil {
			return nil, coded(err)
		}
		bytes += sizeOf(w.item)
		writes = append(writes, w)
	}
	if bytes > maxTransaction {
		return nil, tooMuch()
	}
	return writes, nil
}

// part is what the four kinds of parts have in common.
type part struct {
	table, condition, update *string
	names                    map[string]string
	values                   attr.Item
	onFailure                *string
}

func (s *Service) bindPart(ctx context.Context, it *shapes.TransactWriteItem) (w write, err error) {
	var (
		p     part
		kinds int
	)
	if x := it.ConditionCheck; x != nil {
		kinds++
		w.verb, w.key = check, x.Key
		p = part{x.TableName, x.ConditionExpression, nil, x.ExpressionAttributeNames, x.ExpressionAttributeValues, x.ReturnValuesOnConditionCheckFailure}
	}
	if x := it.Put; x != nil {
		kinds++
		w.verb, w.item = put, x.Item
		p = part{x.TableName, x.ConditionExpression, nil, x.ExpressionAttributeNames, x.ExpressionAttributeValues, x.ReturnValuesOnConditionCheckFailure}
	}
	if x := it.Delete; x != nil {
		kinds++
		w.verb, w.key = remove, x.Key
		p = part{x.TableName, x.ConditionExpression, nil, x.ExpressionAttributeNames, x.ExpressionAttributeValues, x.ReturnValuesOnConditionCheckFailure}
	}
	if x := it.Update; x != nil {
		kinds++
		w.verb, w.key = update, x.Key
		p = part{x.TableName, x.ConditionExpression, x.UpdateExpression, x.ExpressionAttributeNames, x.ExpressionAttributeValues, x.ReturnValuesOnConditionCheckFailure}
	}
	if kinds == 0 {
		return w, validation("Invalid Request: TransactWriteRequest should contain Delete or Put or Update request")
	}
	if kinds > 1 {
		return w, validation("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	expressions := []param{{"ConditionExpression", p.condition != nil}}
	if it.Update != nil {
		expressions = append([]param{{"UpdateExpression", p.update != nil}}, expressions...)
	}
	if err := checkParams(expressions, nil, p.names, p.values); err != nil {
		return w, err
	}
	if w.verb == put {
		err = w.checkNew()
	} else {
		err = checkValues(w.key)
	}
	if err != nil {
		return w, err
	}
	b := s.binder(p.names, p.values)
	w.update = b.update(p.update)
	w.condition = b.condition("ConditionExpression", p.condition)
	if err := b.done(); err != nil {
		return w, err
	}
	w.returnOnFailure = value(p.onFailure) == "ALL_OLD"
	w.table, err = tableName(ctx, p.table)
	return w, err
}

// reasons are why the parts of a transaction cannot take place; a part that could has none.
type reasons []shapes.CancellationReason

// note takes the error of part i as a reason, or returns it when the request is refused for it as a whole.
func (rs reasons) note(i int, err error) error {
	var msg attr.Error
	switch {
	case err == nil:
	case errors.As(err, &msg):
		rs[i] = shapes.CancellationReason{Code: ptr("ValidationError"), Message: ptr(string(msg))}
	case fault.Is(err, "ConditionalCheckFailedException"):
		rs[i] = shapes.CancellationReason{Code: ptr("ConditionalCheckFailed"), Message: ptr(msgCondition)}
		e, _ := fault.As(err)
		if detail, ok := e.Detail.(*shapes.ConditionalCheckFailedException); ok {
			rs[i].Item = detail.Item
		}
	default:
		return err
	}
	return nil
}

// error is the cancellation, nil when there is no reason for one.
func (rs reasons) error() error {
	codes := make([]string, len(rs))
	cancelled := false
	for i := range rs {
		if rs[i].Code == nil {
			rs[i].Code = ptr("None")
		} else {
			cancelled = true
		}
		codes[i] = *rs[i].Code
	}
	if !cancelled {
		return nil
	}
	return fault.New("TransactionCanceledException", "Transaction cancelled, please refer cancellation reasons for specific reasons [%s]",
		strings.Join(codes, ", ")).WithDetail(&shapes.TransactionCanceledException{CancellationReasons: rs})
}

// transactGetItems: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html
func (s *Service) transactGetItems(ctx context.Context, in *shapes.TransactGetItemsInput) (*shapes.TransactGetItemsOutput, error) {
	names := make([]string, len(in.TransactItems))
	wants := make([]*expr.Projection, len(in.TransactItems))
	for i := range in.TransactItems {
		g := in.TransactItems[i].Get
		err := checkParams([]param{{"ProjectionExpression", g.ProjectionExpression != nil}}, nil, g.ExpressionAttributeNames, attr.Item{})
		if err != nil {
			return nil, err
		}
		if err := checkValues(g.Key); err != nil {
			return nil, err
		}
		if wants[i], err = s.reading(g.ProjectionExpression, g.ExpressionAttributeNames, nil); err != nil {
			return nil, err
		}
		if names[i], err = tableName(ctx, g.TableName); err != nil {
			return nil, err
		}
	}
	out := &shapes.TransactGetItemsOutput{Responses: make([]shapes.ItemResponse, len(names))}
	used := usages{}
	err := s.db.View(ctx, func(sn *kv.Snap) error { return s.readTransaction(ctx, sn, in, names, wants, out, &used) })
	if err != nil {
		return nil, coded(err)
	}
	out.ConsumedCapacity = s.account(ctx, in.ReturnConsumedCapacity, used)
	return out, nil
}

func (s *Service) readTransaction(ctx context.Context, sn *kv.Snap, in *shapes.TransactGetItemsInput, names []string, wants []*expr.Projection,
	out *shapes.TransactGetItemsOutput, used *usages) error {
	reasons := make(reasons, len(names))
	keys := make(map[string]bool, len(names))
	bytes := 0
	for i, name := range names {
		t, err := s.existing(sn, cell(ctx), name)
		if err != nil {
			return err
		}
		key := in.TransactItems[i].Get.Key
		item, err := t.get(sn, key, wants[i])
		if err != nil {
			if err := reasons.note(i, err); err != nil {
				return err
			}
			continue
		}
		if at := string(t.itemKey(key)); keys[at] {
			return errTwice
		} else {
			keys[at] = true
		}
		size := sizeOf(item)
		if wants[i] != nil && size > 0 {
			item = wants[i].Apply(item)
		}
		if bytes += size; bytes > maxTransaction {
			return validation("The aggregate size of the items in the transaction exceeds 4 MB")
		}
		used.add(name, usage{read: 2 * readUnits(size, true), reads: true})
		out.Responses[i].Item = item
	}
	return reasons.error()
}
