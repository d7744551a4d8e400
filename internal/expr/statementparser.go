package expr

import (
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/expr/attr"
)

// statementParser reads PartiQL as DynamoDB speaks it, into the trees of expressions.
type statementParser struct {
	statementLexer
	parameters []attr.Value
	used       int
	where      *Condition
	set        *Update
	depth      int
}

// accept consumes a keyword if it is next.
func (p *statementParser) accept(word string) (bool, error) {
	if !p.keyword(word) {
		return false, nil
	}
	return true, p.next()
}

// want consumes keywords that must be next.
func (p *statementParser) want(words ...string) error {
	for _, w := range words {
		ok, err := p.accept(w)
		if err != nil {
			return err
		}
		if !ok {
			return p.malformed()
		}
	}
	return nil
}

func (p *statementParser) symbol(s string) error {
	if !p.is(s) {
		return p.malformed()
	}
	return p.next()
}

func (p *statementParser) statement() (*Statement, error) {
	switch {
	case p.keyword("SELECT"):
		return p.selection()
	case p.keyword("INSERT"):
		return p.insertion()
	case p.keyword("UPDATE"):
		return p.update()
	case p.keyword("DELETE"):
		return p.deletion()
	case p.keyword("EXISTS"):
		if err := p.next(); err != nil {
			return nil, err
		}
		if err := p.symbol("("); err != nil {
			return nil, err
		}
		st, err := p.selection()
		if err != nil {
			return nil, err
		}
		st.Verb = Exists
		return st, p.symbol(")")
	}
	return nil, p.malformed()
}

// from reads the name of a table, and of an index of it where that may be.
func (p *statementParser) from(st *Statement, index bool) error {
	name, err := p.tableName()
	if err != nil {
		return err
	}
	st.Table = name
	for n := 1; p.is("."); n++ {
		if n == 2 || !index {
			return attr.Error("A path may contain at most 2 components in the FROM clause")
		}
		if err := p.next(); err != nil {
			return err
		}
		if st.Index, err = p.tableName(); err != nil {
			return err
		}
	}
	return nil
}

func (p *statementParser) tableName() (string, error) {
	name := p.token.text
	if !p.isName() {
		return "", p.malformed()
	}
	if name == "" {
		return "", attr.Error("Path component cannot be an empty string")
	}
	return name, p.next()
}

func (p *statementParser) selection() (*Statement, error) {
	st := &Statement{Verb: Select}
	if err := p.want("SELECT"); err != nil {
		return nil, err
	}
	if p.keyword("DISTINCT") {
		return nil, attr.Error("Unsupported token in expression: DISTINCT")
	}
	if p.is("*") {
		if err := p.next(); err != nil {
			return nil, err
		}
	} else if err := p.columns(st); err != nil {
		return nil, err
	}
	if p.keyword("AS") {
		return nil, attr.Error("Aliasing is not supported")
	}
	if err := p.want("FROM"); err != nil {
		return nil, err
	}
	if err := p.from(st, true); err != nil {
		return nil, err
	}
	if p.token.kind == stWord && !p.keyword("WHERE") && !p.keyword("ORDER") && !p.keyword("LIMIT") {
		return nil, attr.Error("Aliasing is not supported")
	}
	if err := p.whereClause(); err != nil {
		return nil, err
	}
	return st, p.orderBy(st)
}

func (p *statementParser) columns(st *Statement) error {
	for {
		steps, err := p.path()
		if err != nil {
			return err
		}
		st.Columns = append(st.Columns, env{}.path(steps))
		if !p.is(",") {
			return nil
		}
		if err := p.next(); err != nil {
			return err
		}
	}
}

func (p *statementParser) orderBy(st *Statement) error {
	ok, err := p.accept("ORDER")
	if err != nil || !ok {
		return err
	}
	if err := p.want("BY"); err != nil {
		return err
	}
	for {
		steps, err := p.path()
		if err != nil {
			return err
		}
		o := OrderBy{Attribute: steps[0].name}
		if o.Descending, err = p.accept("DESC"); err != nil {
			return err
		}
		if !o.Descending {
			if _, err := p.accept("ASC"); err != nil {
				return err
			}
		}
		st.Order = append(st.Order, o)
		if !p.is(",") {
			return nil
		}
		if err := p.next(); err != nil {
			return err
		}
	}
}

func (p *statementParser) whereClause() error {
	ok, err := p.accept("WHERE")
	if err != nil || !ok {
		return err
	}
	p.where.root, err = p.condition()
	return err
}

func (p *statementParser) insertion() (*Statement, error) {
	st := &Statement{Verb: Insert}
	if err := p.want("INSERT", "INTO"); err != nil {
		return nil, err
	}
	if err := p.from(st, false); err != nil {
		return nil, err
	}
	if err := p.want("VALUE"); err != nil {
		return nil, err
	}
	v, err := p.value()
	if err != nil {
		return nil, err
	}
	if v.Kind() != attr.M {
		return nil, p.malformed()
	}
	st.Item = v.Item()
	return st, nil
}

func (p *statementParser) update() (*Statement, error) {
	st := &Statement{Verb: UpdateItem}
	if err := p.want("UPDATE"); err != nil {
		return nil, err
	}
	if err := p.from(st, false); err != nil {
		return nil, err
	}
	for {
		set, err := p.accept("SET")
		if err != nil {
			return nil, err
		}
		drop := false
		if !set {
			if drop, err = p.accept("REMOVE"); err != nil {
				return nil, err
			}
		}
		if !set && !drop {
			break
		}
		if err := p.changes(set); err != nil {
			return nil, err
		}
	}
	if len(p.set.changes) == 0 {
		return nil, p.malformed()
	}
	if err := p.whereClause(); err != nil {
		return nil, err
	}
	return st, p.returning(st)
}

func (p *statementParser) deletion() (*Statement, error) {
	st := &Statement{Verb: Delete}
	if err := p.want("DELETE", "FROM"); err != nil {
		return nil, err
	}
	if err := p.from(st, false); err != nil {
		return nil, err
	}
	if err := p.whereClause(); err != nil {
		return nil, err
	}
	if err := p.returning(st); err != nil {
		return nil, err
	}
	if st.Returning != "" && st.Returning != "ALL OLD" {
		return nil, attr.Error("Invalid returning clause: RETURNING " + st.Returning + " *. Only RETURNING ALL OLD * is allowed in DELETE statements.")
	}
	return st, nil
}

func (p *statementParser) returning(st *Statement) error {
	ok, err := p.accept("RETURNING")
	if err != nil || !ok {
		return err
	}
	for _, words := range [...][2]string{{"ALL", "MODIFIED"}, {"OLD", "NEW"}} {
		for _, w := range words {
			ok, err := p.accept(w)
			if err != nil {
				return err
			}
			if ok {
				st.Returning = strings.TrimSpace(st.Returning + " " + w)
				break
			}
		}
	}
	if !strings.Contains(st.Returning, " ") {
		return p.malformed()
	}
	return p.symbol("*")
}

// path reads a.b[0], names quoted or not.
func (p *statementParser) path() (path, error) {
	var steps path
	for {
		if !p.isName() {
			return nil, p.malformed()
		}
		steps = append(steps, step{name: p.token.text})
		if err := p.next(); err != nil {
			return nil, err
		}
		for p.is("[") {
			if err := p.next(); err != nil {
				return nil, err
			}
			i, err := strconv.ParseInt(p.token.text, 10, 32)
			if p.token.kind != stNumber || err != nil {
				return nil, p.malformed()
			}
			if err := p.next(); err != nil {
				return nil, err
			}
			if err := p.symbol("]"); err != nil {
				return nil, err
			}
			steps = append(steps, step{list: true, index: int(i)})
		}
		if len(steps) > maxPathDepth {
			return nil, attr.Error("The document path has too many nesting levels; nesting levels: " + strconv.Itoa(len(steps)))
		}
		if !p.is(".") {
			return steps, nil
		}
		if err := p.next(); err != nil {
			return nil, err
		}
	}
}
