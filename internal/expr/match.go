package expr

import (
	"strings"
	"unicode/utf8"

	"github.com/nube-run/nube/internal/expr/attr"
)

// Match reports whether the item satisfies the condition. An absent item is one without attributes.
func (c *Condition) Match(item attr.Item) bool { return c.match(c.root, item) }

func (e env) match(n *node, item attr.Item) bool {
	switch n.op {
	case opAnd:
		return e.match(n.args[0], item) && e.match(n.args[1], item)
	case opOr:
		return e.match(n.args[0], item) || e.match(n.args[1], item)
	case opNot:
		return !e.match(n.args[0], item)
	case opCall:
		return e.call(n, item)
	}
	v := e.operand(n.args[0], item)
	w := e.operand(n.args[1], item)
	switch n.op {
	case opEQ:
		return !v.IsZero() && v == w
	case opNE:
		return v.IsZero() || v != w
	case opBetween:
		high := e.operand(n.args[2], item)
		return comparable(v, w) && comparable(v, high) && v.Cmp(w) >= 0 && v.Cmp(high) <= 0
	case opIn:
		for _, arg := range n.args[1:] {
			if w := e.operand(arg, item); !v.IsZero() && v == w {
				return true
			}
		}
		return false
	}
	if !comparable(v, w) {
		return false
	}
	switch c := v.Cmp(w); n.op {
	case opLT:
		return c < 0
	case opLE:
		return c <= 0
	case opGT:
		return c > 0
	default:
		return c >= 0
	}
}

// comparable reports whether the values have an order: they are of one type, and it is S, N or B.
func comparable(v, w attr.Value) bool { return v.Kind() == w.Kind() && v.Kind().IsKey() }

func (e env) operand(n *node, item attr.Item) attr.Value {
	switch n.op {
	case opPath:
		return e.lookup(n.path, item)
	case opValue:
		return e.values[n.slot]
	}
	return size(e.operand(n.args[0], item))
}

// size is the function size: the length of a string in UTF-16 units, of binary data in bytes, else the number of members;
// absent for types that have no size.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
func size(v attr.Value) attr.Value {
	switch k := v.Kind(); {
	case k == attr.S:
		return attr.Int(int64(utf16Len(v.Str())))
	case k == attr.B, k.IsSet(), k == attr.L, k == attr.M:
		return attr.Int(int64(v.Len()))
	}
	return attr.Value{}
}

func utf16Len(s string) int {
	n := utf8.RuneCountInString(s)
	for i := range len(s) {
		if s[i] >= 0xF0 { // the lead byte of a rune that needs two units
			n++
		}
	}
	return n
}

func (e env) call(n *node, item attr.Item) bool {
	v := e.operand(n.args[0], item)
	switch n.text {
	case "attribute_exists":
		return !v.IsZero()
	case "attribute_not_exists":
		return v.IsZero()
	}
	w := e.operand(n.args[1], item)
	switch n.text {
	case "attribute_type":
		return !v.IsZero() && v.Kind().String() == w.Str()
	case "begins_with":
		return beginsWith(v, w)
	}
	return contains(v, w)
}

func beginsWith(v, w attr.Value) bool {
	return v.Kind() == w.Kind() && (v.Kind() == attr.S || v.Kind() == attr.B) && strings.HasPrefix(v.Str(), w.Str())
}

// contains is the function contains: a part of a string or of bytes, a member of a set, or an element of a list.
func contains(v, w attr.Value) bool {
	switch k := v.Kind(); k {
	case attr.S, attr.B:
		return w.Kind() == k && strings.Contains(v.Str(), w.Str())
	case attr.SS:
		return w.Kind() == attr.S && v.Contains(w.Key())
	case attr.NS:
		return w.Kind() == attr.N && v.Contains(w.Key())
	case attr.BS:
		return w.Kind() == attr.B && v.Contains(w.Key())
	case attr.L:
		for e := range v.Elems() {
			if e == w {
				return true
			}
		}
	}
	return false
}
