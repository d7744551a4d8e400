package expr

import "github.com/nube-run/nube/internal/expr/attr"

const invalidParameter = "One or more parameter values were invalid: "

// Check is DynamoDB's error about the comparison by itself, as in KeyConditions, QueryFilter and ScanFilter.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Condition.html
func (c Comparison) Check() error {
	for _, v := range c.Values {
		if err := v.Err(); err != nil {
			return err
		}
	}
	if err := c.checkCount(); err != nil {
		return err
	}
	for _, v := range c.Values {
		if v.Kind() != c.Values[0].Kind() {
			return attr.Error(invalidParameter + "AttributeValues inside AttributeValueList must be of same type")
		}
	}
	for _, v := range c.Values {
		if !c.allows(v.Kind()) {
			return attr.Error(invalidParameter + "ComparisonOperator " + c.Operator + " is not valid for " + v.Kind().String() + " AttributeValue type")
		}
	}
	if c.Operator == "BETWEEN" && c.Values[0].Cmp(c.Values[1]) > 0 {
		return attr.Error("The BETWEEN condition was provided a range where the lower bound is greater than the upper bound")
	}
	return nil
}

func (c Comparison) checkCount() error {
	n := len(c.Values)
	ok := n == 1
	switch c.Operator {
	case "NULL", "NOT_NULL":
		ok = n == 0
	case "BETWEEN":
		ok = n == 2
	case "IN":
		ok = n > 0
	}
	if !ok {
		return attr.Error(invalidParameter + "Invalid number of argument(s) for the " + c.Operator + " ComparisonOperator")
	}
	return nil
}

// allows reports whether the operator compares with values of the type.
func (c Comparison) allows(k attr.Kind) bool {
	switch c.Operator {
	case "EQ", "NE":
		return true
	case "BEGINS_WITH":
		return k == attr.S || k == attr.B
	}
	return k.IsKey()
}

// Compare is the condition that all the comparisons hold, or with or that one of them does.
func Compare(cs []Comparison, or bool) *Condition {
	c := &Condition{}
	join := opAnd
	if or {
		join = opOr
	}
	for _, cmp := range cs {
		n := c.legacyNode(cmp)
		if c.root == nil {
			c.root = n
		} else {
			c.root = &node{op: join, args: []*node{c.root, n}}
		}
	}
	return c
}

// legacyNode is a comparison as a part of an expression's tree.
func (c *Condition) legacyNode(cmp Comparison) *node {
	n := &node{args: []*node{{op: opPath, path: path{{name: cmp.Attribute}}}}}
	for _, v := range cmp.Values {
		n.args = append(n.args, &node{op: opValue, slot: len(c.values)})
		c.values = append(c.values, v)
	}
	call := func(name string) *node {
		n.op, n.text = opCall, name
		return n
	}
	switch cmp.Operator {
	case "NE":
		n.op = opNE
	case "LT":
		n.op = opLT
	case "LE":
		n.op = opLE
	case "GT":
		n.op = opGT
	case "GE":
		n.op = opGE
	case "BETWEEN":
		n.op = opBetween
	case "IN":
		n.op = opIn
	case "NULL":
		return call("attribute_not_exists")
	case "NOT_NULL":
		return call("attribute_exists")
	case "BEGINS_WITH":
		return call("begins_with")
	case "CONTAINS":
		return call("contains")
	case "NOT_CONTAINS": // false of an attribute that is not there
		exists := &node{op: opCall, text: "attribute_exists", args: n.args[:1]}
		return &node{op: opAnd, args: []*node{exists, {op: opNot, args: []*node{call("contains")}}}}
	default:
		n.op = opEQ
	}
	return n
}

// Expected is one entry of the legacy parameter Expected. Operator is "" when the entry has none, Values nil when it has
// no list.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExpectedAttributeValue.html
type Expected struct {
	Attribute string
	Operator  string
	Exists    *bool
	Value     attr.Value
	Values    []attr.Value
}

// Comparison checks the entry and makes a comparison of it.
func (x Expected) Comparison() (Comparison, error) {
	fail := func(msg string) (Comparison, error) { return Comparison{}, attr.Error(invalidParameter + msg) }
	of := " for Attribute: " + x.Attribute
	c := Comparison{Attribute: x.Attribute, Operator: x.Operator, Values: x.Values}
	if !x.Value.IsZero() {
		if x.Values != nil {
			return fail("Value and AttributeValueList cannot be used together" + of)
		}
		c.Values = []attr.Value{x.Value}
	}
	if x.Operator != "" {
		if x.Exists != nil {
			return fail("Exists and ComparisonOperator cannot be used together" + of)
		}
		if c.Values == nil && x.Operator != "NULL" && x.Operator != "NOT_NULL" {
			return fail("Value or AttributeValueList must be used with ComparisonOperator: " + x.Operator + of)
		}
		return c, c.Check()
	}
	exists := x.Exists == nil || *x.Exists
	switch {
	case x.Values != nil:
		return fail("AttributeValueList can only be used with a ComparisonOperator" + of)
	case exists && x.Value.IsZero() && x.Exists == nil:
		return fail("Value must be provided when Exists is null" + of)
	case exists && x.Value.IsZero():
		return fail("Value must be provided when Exists is true" + of)
	case !exists && !x.Value.IsZero():
		return fail("Value cannot be used when Exists is false" + of)
	case !exists:
		c.Operator = "NULL"
	default:
		c.Operator = "EQ"
	}
	return c, c.Check()
}

// AttributeUpdate is one entry of the legacy parameter AttributeUpdates. Action "" means PUT.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValueUpdate.html
type AttributeUpdate struct {
	Attribute string
	Action    string
	Value     attr.Value
}

// UpdateAttributes makes an update of the legacy parameter AttributeUpdates.
func UpdateAttributes(updates []AttributeUpdate) (*Update, error) {
	u := &Update{legacy: true}
	for _, a := range updates {
		act, err := a.action()
		if err != nil {
			return nil, err
		}
		c := change{action: act, path: path{{name: a.Attribute}}}
		if !a.Value.IsZero() {
			c.value = &node{op: opValue, slot: len(u.values)}
			u.values = append(u.values, a.Value)
		}
		u.changes = append(u.changes, c)
		u.paths = append(u.paths, Path{{Name: a.Attribute}})
	}
	return u, nil
}

func (a AttributeUpdate) action() (action, error) {
	k := a.Value.Kind()
	if err := a.Value.Err(); err != nil {
		return 0, err
	}
	switch a.Action {
	case "DELETE":
		switch {
		case k == attr.Absent:
			return actionRemove, nil
		case k.IsSet():
			return actionDelete, nil
		}
		return 0, attr.Error(invalidParameter + "DELETE action with value is not supported for the type " + k.String())
	case "ADD":
		switch {
		case k == attr.Absent:
		case k == attr.N, k == attr.L, k.IsSet():
			return actionAdd, nil
		default:
			return 0, attr.Error(invalidParameter + "ADD action is not supported for the type " + k.String())
		}
	}
	if k == attr.Absent {
		return 0, attr.Error(invalidParameter + "Only DELETE action is allowed when no attribute value is specified")
	}
	return actionSet, nil
}
