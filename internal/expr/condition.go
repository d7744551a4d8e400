package expr

import (
	"strings"

	"github.com/nube-run/nube/internal/expr/attr"
)

// ParsedCondition is a condition whose placeholders are open.
type ParsedCondition struct {
	parsed
	root *node
}

// Condition is a condition that can be asked of items.
type Condition struct {
	env
	root *node
}

// Bind resolves the condition's placeholders and checks its operands.
func (c *ParsedCondition) Bind(b *Bindings) (*Condition, error) {
	e := c.resolve(b)
	if err := c.check(e, c.root); err != nil {
		return nil, paramError(c.param, err.Error())
	}
	return &Condition{e, c.root}, nil
}

// check is the first error of the first condition that has one.
func (c *ParsedCondition) check(e env, n *node) error {
	if n.op == opAnd || n.op == opOr || n.op == opNot {
		for _, arg := range n.args {
			if err := c.check(e, arg); err != nil {
				return err
			}
		}
		return nil
	}
	if err := c.undefined(e, n); err != nil {
		return err
	}
	if err := checkArity(n); err != nil {
		return err
	}
	if err := e.checkDistinct(n); err != nil {
		return err
	}
	return e.checkTypes(n)
}

func checkArity(n *node) error {
	if n.op == opCall && len(n.args) != arity(n.text) {
		return operandCount(n)
	}
	for _, arg := range n.args {
		if err := checkArity(arg); err != nil {
			return err
		}
	}
	return nil
}

// checkDistinct refuses a comparison of a path with itself.
func (e env) checkDistinct(n *node) error {
	if len(n.args) < 2 || n.args[0].op != opPath {
		return nil
	}
	first := n.args[0].path
	for _, arg := range n.args[1:] {
		if arg.op == opPath && e.samePath(first, arg.path) {
			return attr.Error("The first operand must be distinct from the remaining operands for this operator or function; operator: " +
				n.text + ", first operand: " + e.path(first).String())
		}
	}
	return nil
}

// staticKind is an operand's type as far as it is known without an item.
func (e env) staticKind(n *node) attr.Kind {
	switch n.op {
	case opValue:
		return e.values[n.slot].Kind()
	case opCall: // size, the only function that is an operand
		return attr.N
	}
	return attr.Absent
}

func (e env) checkTypes(n *node) error {
	for _, arg := range n.args {
		if arg.op == opCall {
			if err := e.checkTypes(arg); err != nil {
				return err
			}
		}
	}
	switch n.op {
	case opLT, opLE, opGT, opGE, opBetween:
		for _, arg := range n.args {
			if k := e.staticKind(arg); k != attr.Absent && !k.IsKey() {
				return operandType(n, k)
			}
		}
		if n.op == opBetween {
			return e.checkBounds(n.args[1], n.args[2])
		}
	case opCall:
		return e.checkCallTypes(n)
	}
	return nil
}

// checkBounds refuses a BETWEEN that no value can satisfy.
func (e env) checkBounds(low, high *node) error {
	if low.op != opValue || high.op != opValue {
		return nil
	}
	l, h := e.values[low.slot], e.values[high.slot]
	var msg string
	switch {
	case l.Kind() != h.Kind():
		msg = "The BETWEEN operator requires same data type for lower and upper bounds; "
	case l.Cmp(h) > 0:
		msg = "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
	default:
		return nil
	}
	return attr.Error(msg + "lower bound operand: AttributeValue: " + describe(l) + ", upper bound operand: AttributeValue: " + describe(h))
}

// describe is a scalar as messages show it, {N:5}.
func describe(v attr.Value) string {
	text := v.Str()
	switch v.Kind() {
	case attr.N:
		text = v.Number().String()
	case attr.B:
		js := string(v.AppendJSON(nil))
		text = strings.TrimSuffix(strings.TrimPrefix(js, `{"B":"`), `"}`)
	}
	return "{" + v.Kind().String() + ":" + text + "}"
}

func (e env) checkCallTypes(n *node) error {
	switch n.text {
	case "attribute_exists", "attribute_not_exists":
		if n.args[0].op != opPath {
			return pathRequired(n)
		}
	case "begins_with":
		for _, arg := range n.args {
			if k := e.staticKind(arg); k != attr.Absent && k != attr.S && k != attr.B {
				return operandType(n, k)
			}
		}
	case "size":
		switch k := e.staticKind(n.args[0]); k {
		case attr.N, attr.BOOL, attr.NULL:
			return operandType(n, k)
		}
	case "attribute_type":
		k := e.staticKind(n.args[1])
		if k == attr.Absent {
			return attr.Error("Incorrect operand type for operator or function; operator or function: " + n.text +
				", operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}")
		}
		if k != attr.S {
			return operandType(n, k)
		}
		if name := e.values[n.args[1].slot].Str(); !isTypeName(name) {
			return attr.Error("Invalid attribute type name found; type: " + name + ", valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}")
		}
	}
	return nil
}

func isTypeName(s string) bool { _, ok := attr.ParseKind(s); return ok }

func operandType(n *node, k attr.Kind) error {
	return attr.Error("Incorrect operand type for operator or function; operator or function: " + n.text + ", operand type: " + k.String())
}

func pathRequired(n *node) error {
	return attr.Error("Operator or function requires a document path; operator or function: " + n.text)
}
