package expr

import (
	"slices"

	"github.com/nube-run/nube/internal/expr/attr"
)

// Verb is what a PartiQL statement does.
type Verb uint8

// The verbs. Exists is a condition of a transaction.
const (
	Select Verb = iota
	Insert
	UpdateItem
	Delete
	Exists
)

// Statement is a PartiQL statement with its parameters filled in.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
type Statement struct {
	Verb      Verb
	Table     string
	Index     string     // of a SELECT
	Columns   []Path     // of a SELECT; nil for all
	Where     *Condition // nil for none
	Order     []OrderBy  // of a SELECT
	Item      attr.Item  // of an INSERT
	Update    *Update    // of an UPDATE
	Returning string     // "ALL OLD", "MODIFIED NEW", …; "" for nothing
}

// OrderBy is one key of an ORDER BY.
type OrderBy struct {
	Attribute  string
	Descending bool
}

const maxStatement = 8192

// ParseStatement parses a PartiQL statement; each ? takes the next parameter.
func ParseStatement(text string, parameters []attr.Value) (*Statement, error) {
	p := &statementParser{statementLexer: statementLexer{text: text}, parameters: parameters, where: &Condition{}, set: &Update{}}
	if len(text) > maxStatement {
		return nil, attr.Error("Statement size has exceeded the maximum allowed size")
	}
	if err := p.next(); err != nil {
		return nil, err
	}
	st, err := p.statement()
	if err == nil && p.token.kind != stEOF {
		err = p.malformed()
		if p.keyword("LIMIT") {
			err = attr.Error("Unsupported clause: LIMIT")
		}
	}
	if err != nil {
		return nil, err
	}
	if p.used > len(parameters) {
		return nil, attr.Error("Number of parameters in request and statement don't match.")
	}
	if p.where.root != nil {
		if err := (&ParsedCondition{}).check(p.where.env, p.where.root); err != nil {
			return nil, err
		}
		st.Where = p.where
	}
	if st.Verb == UpdateItem {
		if err := p.finishUpdate(st); err != nil {
			return nil, err
		}
	}
	return st, nil
}

// finishUpdate resolves and checks the changes of an UPDATE.
func (p *statementParser) finishUpdate(st *Statement) error {
	u := p.set
	for _, c := range u.changes {
		u.paths = append(u.paths, u.path(c.path))
	}
	if err := checkOverlap(u.paths); err != nil {
		return err
	}
	for _, c := range u.changes {
		if err := u.checkOperand(c); err != nil {
			return err
		}
		if c.value != nil {
			if err := u.checkUpdateCall(c.value); err != nil {
				return err
			}
		}
	}
	st.Update = u
	return nil
}

// Name is what a column is called in the result: the last name of its path, with the indices that follow it.
func (p Path) Name() string {
	last := len(p) - 1
	for last > 0 && p[last].List {
		last--
	}
	name := p[last].Name
	for _, s := range p[last+1:] {
		name += Path{s}.String()[1:]
		name = name[:len(name)-1]
	}
	return name
}

// Pick is the result of a SELECT for one item: its columns under their own names.
func (s *Statement) Pick(item attr.Item) attr.Item {
	if s.Columns == nil {
		return item
	}
	entries := make([]attr.Entry, 0, len(s.Columns))
	for _, p := range s.Columns {
		if v := lookup(p, item); !v.IsZero() {
			entries = append(entries, attr.Entry{Name: p.Name(), Value: v})
		}
	}
	return attr.NewItem(entries...)
}

// lookup is the value at a resolved path.
func lookup(p Path, item attr.Item) attr.Value {
	v := item.Get(p[0].Name)
	for _, s := range p[1:] {
		if s.List {
			v = v.Index(s.Index)
		} else {
			v = v.Get(s.Name)
		}
	}
	return v
}

// Conjuncts are the comparisons of whole attributes with values that must all hold for the condition to hold: what a key
// can be found by. The condition may say more.
func (c *Condition) Conjuncts() []Comparison {
	if c == nil {
		return nil
	}
	var out []Comparison
	var walk func(n *node)
	walk = func(n *node) {
		switch n.op {
		case opAnd:
			walk(n.args[0])
			walk(n.args[1])
		case opEQ, opLT, opLE, opGT, opGE, opBetween, opCall:
			if n.op == opCall && n.text != "begins_with" {
				return
			}
			cmp := Comparison{Operator: keyOperator(n.op)}
			path := slices.IndexFunc(n.args, func(arg *node) bool { return arg.op == opPath && len(arg.path) == 1 })
			if path < 0 || path > 0 && (n.op == opBetween || n.op == opCall) {
				return
			}
			for i, arg := range n.args {
				if i == path {
					continue
				}
				if arg.op != opValue {
					return
				}
				cmp.Values = append(cmp.Values, c.values[arg.slot])
			}
			if path == 1 {
				cmp.Operator = mirrored(cmp.Operator)
			}
			cmp.Attribute = c.name(n.args[path].path[0])
			out = append(out, cmp)
		}
	}
	walk(c.root)
	return out
}

// Choices are values of which the attribute must equal one for the condition to hold; nil when the condition does not
// name them.
func (c *Condition) Choices(attribute string) []attr.Value {
	if c == nil {
		return nil
	}
	var walk func(n *node) []attr.Value
	walk = func(n *node) []attr.Value {
		switch n.op {
		case opAnd:
			if left := walk(n.args[0]); left != nil {
				return left
			}
			return walk(n.args[1])
		case opOr:
			left, right := walk(n.args[0]), walk(n.args[1])
			if left == nil || right == nil {
				return nil
			}
			return append(left, right...)
		case opEQ, opIn:
			named, values := false, make([]attr.Value, 0, len(n.args)-1)
			for i, arg := range n.args {
				switch {
				case arg.op == opValue:
					values = append(values, c.values[arg.slot])
				case arg.op == opPath && len(arg.path) == 1 && c.name(arg.path[0]) == attribute && (i == 0 || n.op == opEQ):
					named = true
				}
			}
			if named && len(values) == len(n.args)-1 {
				return values
			}
		}
		return nil
	}
	return walk(c.root)
}

// OrMissing is the condition that an item may also lack the attribute.
func (c *Condition) OrMissing(attribute string) *Condition {
	missing := &node{op: opCall, text: "attribute_not_exists", args: []*node{{op: opPath, path: path{{name: attribute}}}}}
	return &Condition{c.env, &node{op: opOr, text: "OR", args: []*node{missing, c.root}}}
}
