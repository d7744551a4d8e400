package expr

import "github.com/nube-run/nube/internal/expr/attr"

// Comparison is one condition on one attribute in the terms of the legacy parameters, to which key conditions are reduced
// too. Operator is a ComparisonOperator of the API: EQ, BETWEEN, ….
type Comparison struct {
	Attribute string
	Operator  string
	Values    []attr.Value
}

// KeyConditions takes a bound KeyConditionExpression apart: comparisons of attributes with values, joined by AND, at most
// one for each attribute. Which attributes they must be, the service knows.
func (c *Condition) KeyConditions() ([]Comparison, error) {
	var out []Comparison
	return out, c.keyConditions(c.root, &out)
}

func (c *Condition) keyConditions(n *node, out *[]Comparison) error {
	const invalid = attr.Error("Invalid condition in KeyConditionExpression: ")
	switch n.op {
	case opAnd:
		if err := c.keyConditions(n.args[0], out); err != nil {
			return err
		}
		return c.keyConditions(n.args[1], out)
	case opOr, opNot, opIn, opNE:
		return attr.Error("Invalid operator used in KeyConditionExpression: " + n.text)
	case opCall:
		if n.text != "begins_with" {
			return attr.Error("Invalid operator used in KeyConditionExpression: " + n.text)
		}
	}
	if (n.op == opBetween || n.op == opCall) && n.args[0].op == opValue {
		return invalid + attr.Error(n.text+" operator must have the key attribute as its first operand")
	}
	key := -1
	cmp := Comparison{Operator: keyOperator(n.op)}
	for i, arg := range n.args {
		switch {
		case arg.op == opCall:
			return attr.Error("KeyConditionExpressions cannot contain nested operations")
		case arg.op == opValue:
			cmp.Values = append(cmp.Values, c.values[arg.slot])
		case key >= 0:
			return invalid + "Multiple attribute names used in one condition"
		case len(arg.path) > 1:
			return attr.Error("KeyConditionExpressions cannot have conditions on nested attributes")
		default:
			key = i
			cmp.Attribute = c.name(arg.path[0])
		}
	}
	if key < 0 {
		return invalid + "No key attribute specified"
	}
	if key == 1 {
		cmp.Operator = mirrored(cmp.Operator)
	}
	for _, other := range *out {
		if other.Attribute == cmp.Attribute {
			return attr.Error("KeyConditionExpressions must only contain one condition per key")
		}
	}
	*out = append(*out, cmp)
	return nil
}

func keyOperator(o op) string {
	switch o {
	case opLT:
		return "LT"
	case opLE:
		return "LE"
	case opGT:
		return "GT"
	case opGE:
		return "GE"
	case opBetween:
		return "BETWEEN"
	case opCall:
		return "BEGINS_WITH"
	}
	return "EQ"
}

// mirrored is the operator of a comparison whose sides are exchanged.
func mirrored(operator string) string {
	switch operator {
	case "LT":
		return "GT"
	case "LE":
		return "GE"
	case "GT":
		return "LT"
	case "GE":
		return "LE"
	}
	return operator
}

// Paths are the paths that the condition looks at, in the order of the text; none of a nil condition.
func (c *Condition) Paths() []Path {
	if c == nil {
		return nil
	}
	var out []Path
	c.walkPaths(c.root, &out)
	return out
}

func (c *Condition) walkPaths(n *node, out *[]Path) {
	if n.op == opPath {
		*out = append(*out, c.path(n.path))
	}
	for _, arg := range n.args {
		c.walkPaths(arg, out)
	}
}
