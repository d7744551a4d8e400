package expr

import "strconv"

// op is what a node of an expression's tree is.
type op uint8

const (
	opPath  op = iota // a document path
	opValue           // a :placeholder
	opCall            // a function
	opPlus
	opMinus

	opAnd
	opOr
	opNot
	opEQ
	opNE
	opLT
	opLE
	opGT
	opGE
	opBetween
	opIn
)

// node is a part of an expression as it stands in the text: names and values are placeholders still.
type node struct {
	op   op
	text string // the function's name, or the operator as messages call it
	path path
	slot int // of a value
	args []*node

	parens bool // stands in parentheses
}

func (n *node) isOperand() bool { return n.op <= opMinus }

// condition reports whether the node may stand where a condition is wanted.
func (n *node) condition() bool { return !n.isOperand() || n.op == opCall }

// path is a document path, such as a.#b[3].c.
type path []step

// step is one part of a document path: a name, a placeholder for one, or a list index.
type step struct {
	name  string
	slot  int // 1 + the placeholder's slot, or 0
	index int
	list  bool
}

// Path is a document path with its names resolved.
type Path []Step

// Step is a name, or an index when List is set.
type Step struct {
	Name  string
	Index int
	List  bool
}

// String is the path as DynamoDB's messages write it, [a, [3], b].
func (p Path) String() string {
	b := []byte{'['}
	for i, s := range p {
		if i > 0 {
			b = append(b, ", "...)
		}
		if s.List {
			b = append(b, '[')
			b = strconv.AppendInt(b, int64(s.Index), 10)
			b = append(b, ']')
		} else {
			b = append(b, s.Name...)
		}
	}
	return string(append(b, ']'))
}
