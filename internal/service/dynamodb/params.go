package dynamodb

import (
	"slices"
	"sort"
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	"github.com/nube-run/nube/internal/expr"
	"github.com/nube-run/nube/internal/expr/attr"
)

// param is a parameter by its name, and whether the request has it.
type param struct {
	name string
	set  bool
}

func present(ps []param) (names []string) {
	for _, p := range ps {
		if p.set {
			names = append(names, p.name)
		}
	}
	return names
}

// checkParams refuses requests that mix expressions with the legacy parameters, and names or values without an
// expression to use them.
func checkParams(expressions, legacy []param, names map[string]string, values attr.Item) error {
	used := present(expressions)
	if old := present(legacy); len(used) > 0 && len(old) > 0 {
		return validation("Can not use both expression and non-expression parameters in the same request: "+
			"Non-expression parameters: {%s} Expression parameters: {%s}", strings.Join(old, ", "), strings.Join(used, ", "))
	}
	if names != nil && len(used) == 0 {
		return validation("ExpressionAttributeNames can only be specified when using expressions")
	}
	withValues := slices.DeleteFunc(slices.Clone(expressions), func(p param) bool { return p.name == "ProjectionExpression" })
	if values.IsZero() || len(withValues) == 0 || len(present(withValues)) > 0 {
		return nil
	}
	var all []string
	for _, p := range withValues {
		all = append(all, p.name)
	}
	verb := "is"
	if len(all) > 1 {
		verb = "are"
	}
	return validation("ExpressionAttributeValues can only be specified when using expressions: %s %s null", strings.Join(all, " and "), verb)
}

// binder binds a request's expressions one after another and keeps the first error.
type binder struct {
	s   *Service
	b   *expr.Bindings
	err error
}

func (s *Service) binder(names map[string]string, values attr.Item) *binder {
	b, err := expr.NewBindings(names, values)
	return &binder{s: s, b: b, err: err}
}

// condition binds a condition; nil for a parameter that is not there.
func (b *binder) condition(param string, text *string) *expr.Condition {
	if text == nil || b.err != nil {
		return nil
	}
	var p *expr.ParsedCondition
	if p, b.err = b.s.parsed.Condition(param, *text); b.err != nil {
		return nil
	}
	var c *expr.Condition
	c, b.err = p.Bind(b.b)
	return c
}

func (b *binder) update(text *string) *expr.Update {
	if text == nil || b.err != nil {
		return nil
	}
	var p *expr.ParsedUpdate
	if p, b.err = b.s.parsed.Update(*text); b.err != nil {
		return nil
	}
	var u *expr.Update
	u, b.err = p.Bind(b.b)
	return u
}

func (b *binder) projection(text *string) *expr.Projection {
	if text == nil || b.err != nil {
		return nil
	}
	var p *expr.ParsedProjection
	if p, b.err = b.s.parsed.Projection(*text); b.err != nil {
		return nil
	}
	var out *expr.Projection
	out, b.err = p.Bind(b.b)
	return out
}

// done is the first error, or the one about names and values that nothing uses.
func (b *binder) done() error {
	if b.err == nil {
		b.err = b.b.Unused()
	}
	return coded(b.err)
}

// attributesToGet is the projection of the legacy parameter; nil when it is not there.
func attributesToGet(names []string) (*expr.Projection, error) {
	if names == nil {
		return nil, nil
	}
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return nil, invalidValues("Duplicate value in attribute name: %s", name)
		}
	}
	return expr.ProjectAttributes(names), nil
}

// expected is the condition of the legacy parameters Expected and ConditionalOperator; nil when they are not there.
func expected(entries map[string]shapes.ExpectedAttributeValue, operator *string) (*expr.Condition, error) {
	if entries == nil {
		return nil, nil
	}
	var cs []expr.Comparison
	for _, name := range sortedKeys(entries) {
		e := entries[name]
		c, err := expr.Expected{
			Attribute: name, Operator: value(e.ComparisonOperator), Exists: e.Exists, Value: e.Value, Values: e.AttributeValueList,
		}.Comparison()
		if err != nil {
			return nil, coded(err)
		}
		cs = append(cs, c)
	}
	return compare(cs, operator)
}

// filter is the condition of the legacy parameters QueryFilter or ScanFilter and ConditionalOperator.
func filter(entries map[string]shapes.Condition, operator *string) (*expr.Condition, error) {
	if entries == nil {
		return nil, nil
	}
	cs, err := comparisons(entries)
	if err != nil {
		return nil, err
	}
	return compare(cs, operator)
}

func comparisons(entries map[string]shapes.Condition) ([]expr.Comparison, error) {
	var cs []expr.Comparison
	for _, name := range sortedKeys(entries) {
		e := entries[name]
		c := expr.Comparison{Attribute: name, Operator: value(e.ComparisonOperator), Values: e.AttributeValueList}
		if err := c.Check(); err != nil {
			return nil, coded(err)
		}
		cs = append(cs, c)
	}
	return cs, nil
}

func compare(cs []expr.Comparison, operator *string) (*expr.Condition, error) {
	if len(cs) == 0 {
		return nil, nil
	}
	return expr.Compare(cs, value(operator) == "OR"), nil
}

// checkOperator refuses a ConditionalOperator that has nothing to join.
func checkOperator(operator *string, entries int, given bool) error {
	switch {
	case operator == nil:
		return nil
	case !given:
		return validation("ConditionalOperator cannot be used without Filter or Expected")
	case entries < 2:
		return validation("ConditionalOperator can only be used when Filter or Expected has two or more elements")
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// checkValues refuses an item or a key with an attribute that is not a value of DynamoDB's.
func checkValues(item attr.Item) error {
	if _, err := item.Err(); err != nil {
		return coded(err)
	}
	return nil
}
