package expr

import "github.com/nube-run/nube/internal/expr/attr"

// action is what an update does to a path.
type action uint8

const (
	actionSet action = iota
	actionRemove
	actionAdd
	actionDelete
)

func (a action) String() string {
	return [...]string{"SET", "REMOVE", "ADD", "DELETE"}[a]
}

// change is one assignment of an update.
type change struct {
	action action
	path   path
	value  *node // nil for REMOVE
}

// ParsedUpdate is an update whose placeholders are open.
type ParsedUpdate struct {
	parsed
	changes []change
}

// ParseUpdate parses an UpdateExpression.
func ParseUpdate(text string) (*ParsedUpdate, error) {
	const param = "UpdateExpression"
	p, err := newParser(param, text)
	if err != nil {
		return nil, err
	}
	u := &ParsedUpdate{}
	var (
		seen  [4]bool
		twice error
	)
	for {
		a, ok := p.section()
		if !ok {
			return nil, p.error(p.syntaxError())
		}
		p.next()
		if seen[a] && twice == nil {
			twice = attr.Error(`The "` + a.String() + `" section can only be used once in an update expression;`)
		}
		seen[a] = true
		if err := p.readChanges(u, a); err != nil {
			return nil, p.error(err)
		}
		if p.token.kind == tokenEOF {
			break
		}
	}
	p.operators = 0 // the limit on operators is one of conditions
	err = p.limits()
	if err == nil {
		err = p.firstStatic(reservedWord, unknownFunction, misusedFunction)
	}
	if err == nil {
		err = twice
	}
	if err != nil {
		return nil, p.error(err)
	}
	u.parsed = parsed{param, p.names, p.value}
	return u, nil
}

// readChanges reads the list of assignments of one section.
func (p *parser) readChanges(u *ParsedUpdate, a action) error {
	for {
		c := change{action: a}
		var err error
		if c.path, err = p.readPath(); err != nil {
			return err
		}
		switch a {
		case actionSet:
			if err = p.expect("="); err == nil {
				c.value, err = p.readSum()
			}
		case actionAdd, actionDelete:
			if p.token.kind != tokenValue {
				return p.syntaxError()
			}
			c.value, err = p.readOperand()
		}
		if err != nil {
			return err
		}
		if c.value != nil {
			p.checkUpdateCalls(c.value, false)
		}
		u.changes = append(u.changes, c)
		if p.is(",") {
			p.next()
			continue
		}
		if _, next := p.section(); next || p.token.kind == tokenEOF {
			return nil
		}
		return p.syntaxError()
	}
}

// section is the action that the current token begins.
func (p *parser) section() (action, bool) {
	for a := actionSet; a <= actionDelete; a++ {
		if p.keyword(a.String()) {
			return a, true
		}
	}
	return 0, false
}

// readSum reads the value of a SET: an operand, or two with + or - between them, or either in parentheses.
func (p *parser) readSum() (*node, error) {
	var (
		left *node
		err  error
	)
	if p.is("(") {
		p.next()
		if left, err = p.readSum(); err == nil {
			left, err = p.closeParens(left)
		}
	} else {
		left, err = p.readOperand()
	}
	if err != nil || left.op == opPlus || left.op == opMinus {
		return left, err
	}
	n := &node{text: p.current()}
	switch {
	case p.is("+"):
		n.op = opPlus
	case p.is("-"):
		n.op = opMinus
	default:
		return left, nil
	}
	p.next()
	right, err := p.readOperand()
	n.args = []*node{left, right}
	return n, err
}

// checkUpdateCalls notes functions that updates do not have, and list_append where it may not stand: it is a whole value
// only.
func (p *parser) checkUpdateCalls(n *node, nested bool) {
	if n.op == opCall {
		switch {
		case updateArity(n.text) == 0 && arity(n.text) > 0:
			p.note(misusedFunction, "The function is not allowed in an update expression; function: "+n.text)
		case updateArity(n.text) == 0:
			p.note(unknownFunction, "Invalid function name; function: "+n.text)
		case nested && n.text == "list_append":
			p.note(misusedFunction, "The function is not allowed to be used this way in an expression; function: "+n.text)
		}
	}
	for _, arg := range n.args {
		p.checkUpdateCalls(arg, true)
	}
}
