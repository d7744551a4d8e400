package vtl

// node is a piece of a template that prints something, or does something.
type node interface{ exec(in *interp) error }

// expr is something with a value.
type expr interface{ eval(in *interp) (any, error) }

type (
	textNode string

	// refNode prints a reference. escapes counts the backslashes before it.
	refNode struct {
		*reference
		escapes int
	}

	setNode struct {
		to    *reference
		value expr
	}

	ifNode struct {
		at       int
		branches []branch // the last one may have no condition
	}

	foreachNode struct {
		at   int
		name string
		over expr
		body []node
	}

	defineNode struct {
		name string
		body []node
	}

	// leaveNode is #break and #stop.
	leaveNode struct {
		at  int
		how error
	}
)

type branch struct {
	when expr
	body []node
}

// reference is $name with what follows it.
type reference struct {
	at, end int // its text is src[at:end]
	quiet   bool
	name    string
	parts   []part
}

// part is a property, a method's call or an index.
type part struct {
	at    int
	name  string
	call  bool
	args  []expr
	index expr // of name[index], instead of a name
}

type (
	constant struct{ value any }

	// quoted is a string in double quotes with references or directives in it.
	quoted struct{ body []node }

	listExpr struct{ items []expr }

	rangeExpr struct {
		at       int
		from, to expr
	}

	mapExpr struct{ keys, values []expr }

	unary struct {
		at      int
		op      string
		operand expr
	}

	binary struct {
		at          int
		op          string
		left, right expr
	}
)

// block is the value of a name that #define made.
type block struct{ body []node }
