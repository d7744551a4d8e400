package dynamodb

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	"github.com/nube-run/nube/internal/expr"
	"github.com/nube-run/nube/internal/expr/attr"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
)

func joined(names []string) string { return strings.Join(names, ", ") }

// batchExecuteStatement: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html
//
// Each statement succeeds or fails by itself.
func (s *Service) batchExecuteStatement(ctx context.Context, in *shapes.BatchExecuteStatementInput) (*shapes.BatchExecuteStatementOutput, error) {
	batch, err := s.bindBatch(ctx, in)
	if err != nil {
		return nil, coded(err)
	}
	out := &shapes.BatchExecuteStatementOutput{Responses: make([]shapes.BatchStatementResponse, len(batch))}
	used := usages{}
	for i := range batch {
		r, b := &out.Responses[i], &batch[i]
		if b.err == nil {
			r.TableName = &b.statement.Table
			r.Item, b.err = s.batched(ctx, b, value(in.Statements[i].ConsistentRead), &used)
		}
		if b.err != nil {
			if r.Error, err = statementError(b.err); err != nil {
				return nil, err
			}
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

// batchStatement is one statement of a batch, or the error about it.
type batchStatement struct {
	statement *expr.Statement
	write     write // of all but a SELECT
	err       error
}

// bindBatch parses the statements of a batch, which are all reads or all writes, the writes of different items.
func (s *Service) bindBatch(ctx context.Context, in *shapes.BatchExecuteStatementInput) ([]batchStatement, error) {
	batch := make([]batchStatement, len(in.Statements))
	reads, writes := false, false
	for i := range batch {
		b, r := &batch[i], &in.Statements[i]
		b.statement, b.err = expr.ParseStatement(value(r.Statement), r.Parameters)
		switch {
		case b.err != nil:
		case b.statement.Verb == expr.Exists:
			b.err = errExistsUse
		case b.statement.Verb == expr.Select:
			reads = true
		default:
			writes = true
		}
	}
	switch {
	case reads && writes:
		return nil, validation("Read and write requests together in the same batch is not supported.")
	case reads:
		return batch, nil
	}
	for i := range batch {
		if b := &batch[i]; b.err == nil {
			b.write, b.err = s.statementWrite(ctx, b.statement, in.Statements[i].ReturnValuesOnConditionCheckFailure)
		}
	}
	return batch, s.db.View(ctx, func(sn *kv.Snap) error {
		keys := map[string]bool{}
		for i := range batch {
			b := &batch[i]
			if b.err != nil {
				continue
			}
			t, err := s.existing(sn, cell(ctx), b.write.table)
			if err != nil {
				b.err = err
				continue
			}
			key := string(t.itemKey(b.write.named()))
			if keys[key] {
				return errDuplicateKeys
			}
			keys[key] = true
		}
		return nil
	})
}

// batched runs one statement of a batch and returns its item.
func (s *Service) batched(ctx context.Context, b *batchStatement, consistent bool, used *usages) (item attr.Item, err error) {
	st := b.statement
	if st.Verb != expr.Select {
		var done [1]written
		if err := s.writeAll(ctx, []write{b.write}, done[:]); err != nil {
			return item, insertError(st, err)
		}
		used.add(st.Table, done[0].used)
		return returned(st, done[0]), nil
	}
	err = s.db.View(ctx, func(sn *kv.Snap) error {
		got, u, err := s.selectOne(ctx, sn, st, consistent)
		if err == nil {
			item = got
			used.add(st.Table, u)
		}
		return err
	})
	return item, err
}

// errNotOne is the error about a read that is not of one item.
const errNotOne = attr.Error("Select statements within BatchExecuteStatement must specify the primary key in the where clause.")

// selectOne reads the item whose primary key the WHERE clause names; absent when the rest of the clause does not hold.
func (s *Service) selectOne(ctx context.Context, sn *kv.Snap, st *expr.Statement, consistent bool) (item attr.Item, used usage, err error) {
	t, err := s.existing(sn, cell(ctx), st.Table)
	if err != nil {
		return item, used, err
	}
	key, err := t.statementKey(st.Where)
	if err == errWhere || st.Index != "" {
		err = errNotOne
	}
	if err != nil {
		return item, used, err
	}
	found, err := t.get(sn, key, nil)
	if err != nil {
		return item, used, err
	}
	used = usage{read: readUnits(sizeOf(found), consistent), reads: true}
	if found.IsZero() || !st.Where.Match(found) {
		return item, used, nil
	}
	return st.Pick(found), used, nil
}

// statementError is an error of one statement in the answer to a batch; what is no error of AWS's is returned.
func statementError(err error) (*shapes.BatchStatementError, error) {
	e, ok := fault.As(coded(err))
	if !ok {
		return nil, err
	}
	out := &shapes.BatchStatementError{Message: &e.Message}
	switch e.Code {
	case "ValidationException":
		out.Code = ptr("ValidationError")
	case "ResourceNotFoundException":
		out.Code = ptr("ResourceNotFound")
	default:
		out.Code = ptr(strings.TrimSuffix(e.Code, "Exception"))
	}
	if detail, ok := e.Detail.(*shapes.ConditionalCheckFailedException); ok {
		out.Item = detail.Item
	}
	return out, nil
}

// executeTransaction: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteTransaction.html
func (s *Service) executeTransaction(ctx context.Context, in *shapes.ExecuteTransactionInput) (*shapes.ExecuteTransactionOutput, error) {
	statements, reads, err := parseTransaction(in)
	if err != nil {
		return nil, err
	}
	if reads {
		return s.selectTransaction(ctx, in, statements)
	}
	writes := make([]write, len(statements))
	for i, st := range statements {
		if writes[i], err = s.statementWrite(ctx, st, in.TransactStatements[i].ReturnValuesOnConditionCheckFailure); err != nil {
			return nil, inStatement(i, err)
		}
	}
	once := s.once(ctx, value(in.ClientRequestToken), func() [sha256.Size]byte { return digestStatements(in) })
	done, err := s.transact(ctx, writes, once)
	if err != nil {
		return nil, duplicates(statements, err)
	}
	used := usages{}
	for i, w := range writes {
		used.add(w.table, done[i].used.times(2))
	}
	return &shapes.ExecuteTransactionOutput{Responses: []shapes.ItemResponse{}, ConsumedCapacity: s.account(ctx, in.ReturnConsumedCapacity, used)}, nil
}

// duplicates gives the failed conditions of INSERTs their own code among a transaction's reasons.
func duplicates(statements []*expr.Statement, err error) error {
	e, ok := fault.As(err)
	if !ok {
		return err
	}
	detail, ok := e.Detail.(*shapes.TransactionCanceledException)
	if !ok {
		return err
	}
	rs := reasons(detail.CancellationReasons)
	for i, st := range statements {
		switch {
		case *rs[i].Code == "None":
			rs[i].Code = nil
		case st.Verb == expr.Insert && *rs[i].Code == "ConditionalCheckFailed":
			rs[i] = shapes.CancellationReason{Code: ptr("DuplicateItem"), Message: ptr("Duplicate primary key exists in table")}
		}
	}
	return rs.error()
}

// parseTransaction parses the statements of a transaction, which are all reads or all writes.
func parseTransaction(in *shapes.ExecuteTransactionInput) (statements []*expr.Statement, reads bool, err error) {
	writes := false
	for i := range in.TransactStatements {
		st, err := expr.ParseStatement(value(in.TransactStatements[i].Statement), in.TransactStatements[i].Parameters)
		if err != nil {
			return nil, false, inStatement(i, err)
		}
		switch {
		case st.Returning != "":
			return nil, false, inStatement(i, attr.Error("RETURNING clause is not supported in ExecuteTransaction."))
		case st.Verb == expr.Select && st.Index != "":
			return nil, false, inStatement(i, attr.Error("Reads on indices are not supported within transactions."))
		case st.Verb == expr.Select:
			reads = true
		default:
			writes = true
		}
		statements = append(statements, st)
	}
	if reads && writes {
		return nil, false, validation("ExecuteTransaction API does not support both read and write operations in the same request.")
	}
	return statements, reads, nil
}

// inStatement says which statement of a transaction an error is about.
func inStatement(i int, err error) error {
	e, ok := fault.As(coded(err))
	if !ok || e.Code != "ValidationException" {
		return coded(err)
	}
	return validation("Validation failed in TransactStatements[%d]: %s", i, e.Message)
}

func (s *Service) selectTransaction(ctx context.Context, in *shapes.ExecuteTransactionInput, statements []*expr.Statement) (*shapes.ExecuteTransactionOutput, error) {
	out := &shapes.ExecuteTransactionOutput{Responses: make([]shapes.ItemResponse, len(statements))}
	used := usages{}
	err := s.db.View(ctx, func(sn *kv.Snap) error {
		for i, st := range statements {
			item, u, err := s.selectOne(ctx, sn, st, true)
			if err == errNotOne {
				err = attr.Error("Select statements within ExecuteTransaction must specify the primary key in the where clause.")
			}
			if err != nil {
				return inStatement(i, err)
			}
			used.add(st.Table, u.times(2))
			out.Responses[i].Item = item
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.ConsumedCapacity = s.account(ctx, in.ReturnConsumedCapacity, used)
	return out, nil
}

// digestStatements identifies a transaction of statements.
func digestStatements(in *shapes.ExecuteTransactionInput) [sha256.Size]byte {
	d := digester{sha256.New()}
	for i := range in.TransactStatements {
		st := &in.TransactStatements[i]
		d.text(value(st.Statement))
		d.text(fmt.Sprint(len(st.Parameters)))
		for _, v := range st.Parameters {
			d.text(string(v.AppendJSON(nil)))
		}
	}
	return [sha256.Size]byte(d.Sum(nil))
}
