package dynamodb

import (
	"context"
	"slices"
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	"github.com/nube-run/nube/internal/expr"
	"github.com/nube-run/nube/internal/expr/attr"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// query: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html
func (s *Service) query(ctx context.Context, in *shapes.QueryInput) (*shapes.QueryOutput, error) {
	err := checkParams(
		[]param{{"ProjectionExpression", in.ProjectionExpression != nil}, {"FilterExpression", in.FilterExpression != nil},
			{"KeyConditionExpression", in.KeyConditionExpression != nil}},
		[]param{{"AttributesToGet", in.AttributesToGet != nil}, {"QueryFilter", in.QueryFilter != nil},
			{"ConditionalOperator", in.ConditionalOperator != nil}, {"KeyConditions", in.KeyConditions != nil && in.KeyConditionExpression != nil}},
		in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil {
		return nil, err
	}
	req := pageRequest{
		index: value(in.IndexName), limit: int(value(in.Limit)), consistent: value(in.ConsistentRead),
		reverse: in.ScanIndexForward != nil && !*in.ScanIndexForward, start: in.ExclusiveStartKey,
	}
	if err := req.choose(in.Select, in.ProjectionExpression, in.AttributesToGet); err != nil {
		return nil, err
	}
	conditions, err := s.bindQuery(in, &req)
	if err != nil {
		return nil, err
	}
	name, err := tableName(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	var found page
	err = s.db.View(ctx, func(sn *kv.Snap) error {
		t, err := s.existing(sn, cell(ctx), name)
		if err != nil {
			return err
		}
		g, err := t.target(req.index, req.consistent)
		if err != nil {
			return err
		}
		r, err := g.queried(conditions, &req)
		if err != nil {
			return err
		}
		found, err = g.read(sn, &req, r)
		return err
	})
	if err != nil {
		return nil, coded(err)
	}
	s.measure(ctx, name, found.used)
	return &shapes.QueryOutput{
		Items: itemsOf(&found, &req), Count: ptr(int32(found.count)), ScannedCount: ptr(int32(found.scanned)),
		LastEvaluatedKey: found.last, ConsumedCapacity: consumed(in.ReturnConsumedCapacity, name, found.used),
	}, nil
}

// itemsOf are the items of an answer: none at all, and not an empty list, when only their number was asked for.
func itemsOf(p *page, req *pageRequest) []attr.Item {
	if !req.count && p.items == nil {
		return []attr.Item{}
	}
	return p.items
}

// bindQuery binds the expressions of a query, or reads the legacy parameters, and returns the key conditions.
func (s *Service) bindQuery(in *shapes.QueryInput, req *pageRequest) (conditions []expr.Comparison, err error) {
	if err := checkOperator(in.ConditionalOperator, len(in.QueryFilter), in.QueryFilter != nil); err != nil {
		return nil, err
	}
	if req.filter, err = filter(in.QueryFilter, in.ConditionalOperator); err != nil {
		return nil, err
	}
	req.filterName = "QueryFilter"
	if req.want, err = attributesToGet(in.AttributesToGet); err != nil {
		return nil, err
	}
	if err := checkStartValues(in.ExclusiveStartKey); err != nil {
		return nil, err
	}
	if in.KeyConditions == nil && in.KeyConditionExpression == nil {
		return nil, validation("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	b := s.binder(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	key := b.condition("KeyConditionExpression", in.KeyConditionExpression)
	if f := b.condition("FilterExpression", in.FilterExpression); f != nil {
		req.filter, req.filterName = f, "Filter Expression"
	}
	if p := b.projection(in.ProjectionExpression); p != nil {
		req.want = p
	}
	if err := b.done(); err != nil {
		return nil, err
	}
	if key != nil {
		if conditions, err = key.KeyConditions(); err != nil {
			return nil, coded(err)
		}
		for _, c := range conditions {
			if err := c.Check(); err != nil {
				return nil, coded(err)
			}
		}
	} else if conditions, err = comparisons(in.KeyConditions); err != nil {
		return nil, err
	}
	if len(conditions) != 1 && len(conditions) != 2 {
		return nil, validation("Conditions can be of length 1 or 2 only")
	}
	return conditions, nil
}

// checkStartValues checks an ExclusiveStartKey by itself. Some of the messages carry no prefix.
func checkStartValues(start attr.Item) error {
	_, err := start.Err()
	if err == nil {
		return nil
	}
	return validation("The provided starting key is invalid: %s", err)
}

// choose decides what of the items is wanted.
func (req *pageRequest) choose(choice, projection *string, attributes []string) error {
	listed := ""
	switch {
	case projection != nil:
		listed = "ProjectionExpression"
	case attributes != nil:
		listed = "AttributesToGet"
	}
	switch value(choice) {
	case "COUNT":
		if listed != "" {
			return validation("Cannot specify the %s when choosing to get only the Count", listed)
		}
		req.count = true
	case "ALL_ATTRIBUTES":
		if listed != "" {
			return validation("Cannot specify the %s when choosing to get ALL_ATTRIBUTES", listed)
		}
		req.all = true
	case "ALL_PROJECTED_ATTRIBUTES":
		if listed != "" {
			return validation("Cannot specify the %s when choosing to get ALL_PROJECTED_ATTRIBUTES", listed)
		}
		if req.index == "" {
			return validation("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
		}
	case "SPECIFIC_ATTRIBUTES":
		if listed == "" {
			return validation("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
		}
	}
	return nil
}

// queried checks the key conditions against what is read, and finds the range of keys that they mean.
func (g *target) queried(conditions []expr.Comparison, req *pageRequest) (kv.Range, error) {
	var hash, sort *expr.Comparison
	for i := range conditions {
		switch c := &conditions[i]; c.Attribute {
		case g.keys.hash:
			hash = c
		case g.keys.sort:
			sort = c
		}
	}
	if hash == nil {
		return kv.Range{}, validation("Query condition missed key schema element: %s", g.keys.hash)
	}
	if len(conditions) == 2 && sort == nil {
		if g.keys.sort == "" {
			return kv.Range{}, validation("Query key condition not supported")
		}
		return kv.Range{}, validation("Query condition missed key schema element: %s", g.keys.sort)
	}
	if err := checkKeyCondition(hash, g.keys.hashKind); err != nil {
		return kv.Range{}, err
	}
	if hash.Operator != "EQ" {
		return kv.Range{}, validation("Query key condition not supported")
	}
	if sort != nil {
		if err := checkKeyCondition(sort, g.keys.sortKind); err != nil {
			return kv.Range{}, err
		}
	}
	if err := checkEmptyCondition(g.keys.hash, hash.Values[0]); err != nil {
		return kv.Range{}, err
	}
	if err := g.checkStartOf(hash, sort, req.start); err != nil {
		return kv.Range{}, err
	}
	if err := g.checkRead(req); err != nil {
		return kv.Range{}, err
	}
	return sorted(g.table.layout.partition(g.id, hash.Values[0].Key()), sort), nil
}

func checkKeyCondition(c *expr.Comparison, kind attr.Kind) error {
	switch c.Operator {
	case "NULL", "NOT_NULL", "NE", "CONTAINS", "NOT_CONTAINS", "IN":
		return validation("Attempted conditional constraint is not an indexable operation")
	}
	for _, v := range c.Values {
		if v.Kind() != kind {
			return invalidValues("Condition parameter type does not match schema type")
		}
	}
	return nil
}

func checkEmptyCondition(name string, v attr.Value) error {
	if isEmpty(v) {
		return validation("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s",
			emptyName(v), name)
	}
	return nil
}

// checkStartOf checks that the starting key lies within the query.
func (g *target) checkStartOf(hash, sort *expr.Comparison, start attr.Item) error {
	if start.IsZero() {
		return nil
	}
	if err := g.checkStart(start); err != nil {
		return err
	}
	inside := start.Get(g.keys.hash) == hash.Values[0]
	if sort != nil {
		if !expr.Compare([]expr.Comparison{*sort}, false).Match(start) {
			return validation("The provided starting key does not match the range key predicate")
		}
		if !inside {
			return validation("The query can return at most one row and cannot be restarted")
		}
	}
	if !inside {
		return validation("The provided starting key is outside query boundaries based on provided conditions")
	}
	return nil
}

// checkRead checks filter and projection of a query against what is read.
func (g *target) checkRead(req *pageRequest) error {
	if req.filter != nil {
		paths := req.filter.Paths()
		for _, p := range paths {
			if g.keys.has(p[0].Name) {
				return validation("%s can only contain non-primary key attributes: Primary key attribute: %s", req.filterName, p[0].Name)
			}
		}
		if missing := g.unprojected(paths); missing != nil {
			return invalidValues("Secondary index %s does not project one or more filter attributes: [%s]", g.index.Name, strings.Join(missing, ", "))
		}
	}
	return g.checkScan(req)
}

// checkScan is the part of checkRead that scans have too. A local index gets the attributes that it does not have from
// the table; a global one cannot.
func (g *target) checkScan(req *pageRequest) error {
	if req.all && g.index != nil && g.index.Global && !g.index.projectsAll() {
		return invalidValues("Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL",
			g.index.Name)
	}
	if req.want != nil {
		if err := g.table.checkPaths(req.want.Paths()); err != nil {
			return err
		}
		missing := g.unprojected(req.want.Paths())
		if missing != nil && g.index.Global {
			return invalidValues("Global secondary index %s does not project [%s]", g.index.Name, strings.Join(missing, ", "))
		}
		req.all = req.all || missing != nil
	}
	if req.filter != nil {
		return g.table.checkPaths(req.filter.Paths())
	}
	return nil
}

// unprojected are the attributes of the paths that the index does not have.
func (g *target) unprojected(paths []expr.Path) (missing []string) {
	if g.index == nil || g.index.projectsAll() {
		return nil
	}
	for _, name := range expr.Attributes(paths) {
		if !slices.Contains(g.index.picked, name) {
			missing = append(missing, name)
		}
	}
	return missing
}

// sorted is the range of keys below prefix whose sort key satisfies the condition; all of them without one.
func sorted(prefix []byte, c *expr.Comparison) kv.Range {
	all := keyspace.PrefixRange(prefix)
	if c == nil {
		return all
	}
	// exactly is all keys with this sort key: in an index there may be many.
	exactly := func(v attr.Value) kv.Range {
		return keyspace.PrefixRange(keyspace.AppendString(clone(prefix), v.Key()))
	}
	switch r := exactly(c.Values[0]); c.Operator {
	case "LT":
		return kv.Range{Start: all.Start, End: r.Start}
	case "LE":
		return kv.Range{Start: all.Start, End: r.End}
	case "GT":
		return kv.Range{Start: r.End, End: all.End}
	case "GE":
		return kv.Range{Start: r.Start, End: all.End}
	case "BETWEEN":
		return kv.Range{Start: r.Start, End: exactly(c.Values[1]).End}
	case "BEGINS_WITH":
		begin := keyspace.AppendString(clone(prefix), c.Values[0].Key())
		return kv.Prefix(begin[:len(begin)-1]) // without the byte that ends the string
	default:
		return r
	}
}

func clone(b []byte) []byte { return append(make([]byte, 0, len(b)+64), b...) }
