package dynamodb

import (
	"context"
	"encoding/base64"
	"slices"
	"sort"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	"github.com/nube-run/nube/internal/expr"
	"github.com/nube-run/nube/internal/expr/attr"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
)

func (s *Service) registerStatements() {
	awsapi.Handle(s.api, shapes.ExecuteStatement, s.accessExecute, s.executeStatement)
	awsapi.Handle(s.api, shapes.BatchExecuteStatement, s.accessBatchExecute, s.batchExecuteStatement)
	awsapi.Handle(s.api, shapes.ExecuteTransaction, s.accessExecuteTransaction, s.executeTransaction)
}

const (
	errWhere      = attr.Error("Where clause does not contain a mandatory equality on all key attributes")
	errExistsRead = attr.Error("EXISTS() must contain a single item read with additional condition")
	errNextToken  = attr.Error("Given NextToken is invalid")
	errExistsUse  = attr.Error("EXISTS can only be used in ExecuteTransaction write requests.")
)

// executeStatement: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteStatement.html
func (s *Service) executeStatement(ctx context.Context, in *shapes.ExecuteStatementInput) (*shapes.ExecuteStatementOutput, error) {
	st, err := expr.ParseStatement(value(in.Statement), in.Parameters)
	if err != nil {
		return nil, coded(err)
	}
	switch st.Verb {
	case expr.Exists:
		return nil, coded(errExistsUse)
	case expr.Select:
		return s.selectPage(ctx, st, in)
	}
	w, err := s.statementWrite(ctx, st, in.ReturnValuesOnConditionCheckFailure)
	if err != nil {
		return nil, coded(err)
	}
	done, err := s.write(ctx, &w)
	if err != nil {
		return nil, insertError(st, err)
	}
	out := &shapes.ExecuteStatementOutput{Items: []attr.Item{}, ConsumedCapacity: consumed(in.ReturnConsumedCapacity, w.table, done.used)}
	if item := returned(st, done); !item.IsZero() {
		out.Items = append(out.Items, item)
	}
	return out, nil
}

// insertError is what the failed condition of an INSERT means.
func insertError(st *expr.Statement, err error) error {
	if st.Verb == expr.Insert && fault.Is(err, "ConditionalCheckFailedException") {
		return fault.New("DuplicateItemException", "Duplicate primary key exists in table")
	}
	return err
}

// returned is the answer to a RETURNING clause.
func returned(st *expr.Statement, done written) attr.Item {
	switch st.Returning {
	case "ALL OLD":
		return done.before
	case "ALL NEW":
		return done.after
	case "MODIFIED OLD":
		return touched(st.Update, done.before)
	case "MODIFIED NEW":
		return touched(st.Update, done.after)
	}
	return attr.Item{}
}

// selectPage reads one page of a SELECT: a query when the WHERE clause names the partition key, else a scan.
func (s *Service) selectPage(ctx context.Context, st *expr.Statement, in *shapes.ExecuteStatementInput) (*shapes.ExecuteStatementOutput, error) {
	req := pageRequest{index: st.Index, limit: int(value(in.Limit)), consistent: value(in.ConsistentRead), filter: st.Where}
	if in.NextToken != nil {
		key, err := base64.StdEncoding.DecodeString(*in.NextToken)
		if err == nil {
			_, err = req.start.ScanJSON(key)
		}
		if err != nil || req.start.IsZero() {
			return nil, coded(errNextToken)
		}
	}
	var found page
	err := s.db.View(ctx, func(sn *kv.Snap) error {
		t, err := s.existing(sn, cell(ctx), st.Table)
		if err != nil {
			return err
		}
		g, err := t.selected(st, &req)
		if err != nil {
			return err
		}
		ranges, err := g.rangesOf(st, &req)
		if err != nil {
			return err
		}
		found, err = g.read(sn, &req, ranges...)
		return err
	})
	if err != nil {
		return nil, coded(err)
	}
	s.measure(ctx, st.Table, found.used)
	out := &shapes.ExecuteStatementOutput{Items: []attr.Item{}, ConsumedCapacity: consumed(in.ReturnConsumedCapacity, st.Table, found.used)}
	for _, item := range found.items {
		out.Items = append(out.Items, st.Pick(item))
	}
	if !found.last.IsZero() {
		out.NextToken = ptr(base64.StdEncoding.EncodeToString(found.last.AppendJSON(nil)))
		out.LastEvaluatedKey = found.last
	}
	return out, nil
}

// selected finds what a SELECT reads, and checks that it has the attributes.
func (t *table) selected(st *expr.Statement, req *pageRequest) (target, error) {
	if st.Index != "" {
		x := t.index(st.Index)
		if x == nil {
			return target{}, validation("The table does not have the specified index")
		}
		if x.Global && req.consistent {
			return target{}, validation("Strongly consistent read is not supported on Global Secondary Indexes")
		}
	}
	g, err := t.target(st.Index, req.consistent)
	if err != nil {
		return g, err
	}
	if st.Where != nil {
		if missing := g.unprojected(st.Where.Paths()); missing != nil {
			return g, invalidValues("Secondary index %s does not project one or more filter attributes: [%s]", g.index.Name, joined(missing))
		}
	}
	if missing := g.unprojected(st.Columns); missing != nil {
		if g.index.Global {
			return g, invalidValues("Global secondary index %s does not project [%s]", g.index.Name, joined(missing))
		}
		req.all = true
	}
	return g, nil
}

// rangesOf are the keys that a SELECT must look at, from the one on that it starts with.
func (g *target) rangesOf(st *expr.Statement, req *pageRequest) ([]kv.Range, error) {
	var sort *expr.Comparison
	conjuncts := st.Where.Conjuncts()
	for i := range conjuncts {
		c := &conjuncts[i]
		if err := g.checkKeyTypes(c.Attribute, c.Values); err != nil {
			return nil, err
		}
		if c.Attribute == g.keys.sort && (sort == nil || c.Operator == "EQ") {
			sort = c
		}
	}
	partitions := st.Where.Choices(g.keys.hash)
	if err := g.checkKeyTypes(g.keys.hash, partitions); err != nil {
		return nil, err
	}
	if err := g.order(st, req, partitions); err != nil {
		return nil, err
	}
	if err := g.checkStart(req.start); err != nil {
		return nil, err
	}
	if partitions == nil {
		return []kv.Range{g.table.layout.segment(g.id, 0, 1)}, nil
	}
	from := 0
	if !req.start.IsZero() {
		if from = slices.Index(partitions, req.start.Get(g.keys.hash)); from < 0 {
			return nil, errNextToken
		}
	}
	var ranges []kv.Range
	for i, v := range partitions {
		if i >= from && !slices.Contains(partitions[:i], v) {
			ranges = append(ranges, sorted(g.table.layout.partition(g.id, v.Key()), sort))
		}
	}
	return ranges, nil
}

func errKeyType(name string) error {
	return attr.Error("Key attribute's data type should match its data type in table's schema: Key " + name)
}

// checkKeyTypes checks what an attribute is compared with, if it is of the key.
func (g *target) checkKeyTypes(name string, values []attr.Value) error {
	kind := g.table.kindOf(name)
	if g.keys.has(name) && slices.ContainsFunc(values, func(v attr.Value) bool { return v.Kind() != kind }) {
		return errKeyType(name)
	}
	return nil
}

// order follows an ORDER BY, which can only say the order of the partitions and in which direction to read them.
func (g *target) order(st *expr.Statement, req *pageRequest, partitions []attr.Value) error {
	if st.Order == nil {
		return nil
	}
	if st.Where == nil {
		return validation("Must have WHERE clause in the statement when using ORDER BY clause.")
	}
	if partitions == nil {
		return validation("Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.")
	}
	for _, o := range st.Order {
		switch o.Attribute {
		case g.keys.hash:
			sort.Slice(partitions, func(i, j int) bool {
				if o.Descending {
					i, j = j, i
				}
				return partitions[i].Key() < partitions[j].Key()
			})
		case g.keys.sort:
			req.reverse = o.Descending
		default:
			return validation("Variable reference %s in ORDER BY clause must be part of the primary key", o.Attribute)
		}
	}
	return nil
}

// statementWrite makes a write of an INSERT, UPDATE, DELETE or EXISTS.
func (s *Service) statementWrite(ctx context.Context, st *expr.Statement, onFailure *string) (write, error) {
	w := write{table: st.Table, condition: st.Where, returnOnFailure: value(onFailure) == "ALL_OLD"}
	var t *table
	err := s.db.View(ctx, func(sn *kv.Snap) (err error) {
		t, err = s.existing(sn, cell(ctx), st.Table)
		return err
	})
	if err != nil {
		return w, err
	}
	if st.Verb == expr.Insert {
		w.verb, w.item = put, st.Item
		w.condition = expr.Compare([]expr.Comparison{{Attribute: t.keys.hash, Operator: "NULL"}}, false)
		return w, t.checkInsert(st.Item)
	}
	if w.key, err = t.statementKey(st.Where); err != nil {
		return w, err
	}
	switch st.Verb {
	case expr.UpdateItem:
		w.verb, w.update = update, st.Update
	case expr.Delete: // of an item that is not there nothing is left to do
		w.verb, w.condition = remove, st.Where.OrMissing(t.keys.hash)
	default:
		w.verb = check
		if len(st.Where.Paths()) <= len(t.keys.names()) {
			return w, errExistsRead
		}
	}
	return w, nil
}

func (t *table) checkInsert(item attr.Item) error {
	for name, kind := range t.keys.attributes {
		switch v := item.Get(name); {
		case v.IsZero():
			return attr.Error("Key attribute should be present in the item: Key " + name)
		case v.Kind() != kind:
			return errKeyType(name)
		}
	}
	if err := item.NestingError(); err != nil {
		return err
	}
	w := write{item: item}
	return w.checkNew()
}

// statementKey is the primary key that a WHERE clause names.
func (t *table) statementKey(where *expr.Condition) (attr.Item, error) {
	var entries []attr.Entry
	conjuncts := where.Conjuncts()
	for name, kind := range t.keys.attributes {
		i := slices.IndexFunc(conjuncts, func(c expr.Comparison) bool { return c.Attribute == name && c.Operator == "EQ" })
		if i < 0 {
			return attr.Item{}, errWhere
		}
		v := conjuncts[i].Values[0]
		if v.Kind() != kind {
			return attr.Item{}, errKeyType(name)
		}
		entries = append(entries, attr.Entry{Name: name, Value: v})
	}
	return attr.NewItem(entries...), nil
}
