package handlebars

// node is a part of a template.
type node interface {
	render(r *renderer, s *scope) error
}

// literal is text as it is.
type literal string

// output writes a value.
type output struct{ value expression }

// block is {{#helper …}} body {{else}} inverse {{/helper}}.
type block struct {
	kind    blockKind
	value   expression
	names   []string // block parameters
	body    []node
	inverse []node
}

type blockKind uint8

const (
	ifBlock blockKind = iota
	unlessBlock
	eachBlock
	withBlock
	section // {{#name}}: like each for a list, like with for an object, like if for the rest
)

// call is {{> name context}}: an inline partial.
type call struct {
	name    string
	context expression // nil: the caller's
	hash    []pair
}

// pair is an argument with a name.
type pair struct {
	name  string
	value expression
}

// declare is {{#* inline "name"}}: it is known to what follows in its block.
type declare struct {
	name string
	body []node
}

// expression is what has a value. ok is false for what the data does not have.
type expression interface {
	eval(s *scope) (v any, ok bool)
	// String is the expression as people wrote it.
	String() string
}

// constant is a value in the template itself.
type constant struct {
	value any
	text  string
}

// path names a value: up steps out, then a variable (@) or members.
type path struct {
	text     string
	up       int
	variable bool // begins with @
	names    []string
	this     bool // begins at the context itself: no block parameter hides it
}

// lookup is (lookup value key).
type lookup struct{ value, key expression }
