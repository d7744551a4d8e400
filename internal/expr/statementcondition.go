package expr

import "github.com/nube-run/nube/internal/expr/attr"

// condition reads a WHERE clause's condition.
func (p *statementParser) condition() (*node, error) {
	n, err := p.or()
	if err == nil && !n.condition() {
		err = p.malformed()
	}
	return n, err
}

func (p *statementParser) or() (*node, error) { return p.logical("OR", opOr, p.and) }

func (p *statementParser) and() (*node, error) { return p.logical("AND", opAnd, p.not) }

func (p *statementParser) logical(word string, o op, read func() (*node, error)) (*node, error) {
	left, err := read()
	if err != nil {
		return nil, err
	}
	for p.keyword(word) {
		if err := p.next(); err != nil {
			return nil, err
		}
		right, err := read()
		if err != nil {
			return nil, err
		}
		if !left.condition() || !right.condition() {
			return nil, p.malformed()
		}
		left = &node{op: o, text: word, args: []*node{left, right}}
	}
	return left, nil
}

func (p *statementParser) not() (*node, error) {
	leave, err := p.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	ok, err := p.accept("NOT")
	if err != nil {
		return nil, err
	}
	if !ok {
		return p.comparison()
	}
	n, err := p.not()
	if err != nil {
		return nil, err
	}
	if !n.condition() {
		return nil, p.malformed()
	}
	return &node{op: opNot, text: "NOT", args: []*node{n}}, nil
}

// comparison reads a condition in parentheses, a function, or an operand and what is said of it.
func (p *statementParser) comparison() (*node, error) {
	var (
		left *node
		err  error
	)
	if p.is("(") {
		if err = p.next(); err != nil {
			return nil, err
		}
		if left, err = p.or(); err == nil {
			err = p.symbol(")")
		}
	} else {
		left, err = p.operand()
	}
	if err != nil || !left.isOperand() {
		return left, err
	}
	if p.token.kind == stSymbol {
		symbol := p.token.text
		if symbol == "!=" {
			symbol = "<>"
		}
		o, ok := comparator(symbol)
		if !ok {
			return left, nil
		}
		if err := p.next(); err != nil {
			return nil, err
		}
		right, err := p.operand()
		return &node{op: o, text: symbol, args: []*node{left, right}}, err
	}
	negate, err := p.accept("NOT")
	if err != nil {
		return nil, err
	}
	n, err := p.predicate(left)
	if err != nil || n == left && !negate {
		return n, err
	}
	if n == left {
		return nil, p.malformed()
	}
	if negate {
		n = &node{op: opNot, text: "NOT", args: []*node{n}}
	}
	return n, nil
}

// predicate reads BETWEEN, IN or IS after an operand; the operand itself when there is none of them.
func (p *statementParser) predicate(left *node) (*node, error) {
	switch {
	case p.keyword("BETWEEN"):
		n := &node{op: opBetween, text: "BETWEEN", args: []*node{left}}
		for _, word := range [...]string{"BETWEEN", "AND"} {
			if err := p.want(word); err != nil {
				return nil, err
			}
			arg, err := p.operand()
			if err != nil {
				return nil, err
			}
			n.args = append(n.args, arg)
		}
		return n, nil
	case p.keyword("IN"):
		if err := p.next(); err != nil {
			return nil, err
		}
		return p.in(left)
	case p.keyword("IS"):
		if err := p.next(); err != nil {
			return nil, err
		}
		return p.isPredicate(left)
	}
	return left, nil
}

func (p *statementParser) in(left *node) (*node, error) {
	closing := "]"
	if p.is("(") {
		closing = ")"
	} else if !p.is("[") {
		return nil, p.malformed()
	}
	values, err := p.elements(closing)
	if err != nil {
		return nil, err
	}
	if len(values) == 0 || len(values) > maxIn {
		return nil, attr.Error("The IN operator is provided with too few or too many operands")
	}
	n := &node{op: opIn, text: "IN", args: []*node{left}}
	for _, v := range values {
		n.args = append(n.args, p.literal(v))
	}
	return n, nil
}

// isPredicate reads what follows IS: MISSING asks whether the attribute is there, NULL for a value of type NULL.
func (p *statementParser) isPredicate(left *node) (*node, error) {
	negate, err := p.accept("NOT")
	if err != nil {
		return nil, err
	}
	if left.op != opPath {
		return nil, p.malformed()
	}
	n := &node{op: opCall, args: []*node{left}}
	switch {
	case p.keyword("MISSING"):
		n.text = "attribute_not_exists"
	case p.keyword("NULL"):
		n.text = "attribute_type"
		n.args = append(n.args, p.literal(attr.String("NULL")))
	default:
		return nil, p.malformed()
	}
	if negate {
		n = &node{op: opNot, text: "NOT", args: []*node{n}}
	}
	return n, p.next()
}

// literal is a value as a node of the condition.
func (p *statementParser) literal(v attr.Value) *node {
	p.where.values = append(p.where.values, v)
	return &node{op: opValue, slot: len(p.where.values) - 1}
}

// operand reads a value, a path or a function.
func (p *statementParser) operand() (*node, error) {
	if p.isValue() {
		v, err := p.value()
		return p.literal(v), err
	}
	if p.token.kind == stWord && arity(lower(p.token.text)) > 0 && p.opens() {
		n := &node{op: opCall, text: lower(p.token.text)}
		if err := p.next(); err != nil {
			return nil, err
		}
		for first := true; first || p.is(","); first = false {
			if err := p.next(); err != nil {
				return nil, err
			}
			arg, err := p.operand()
			if err != nil {
				return nil, err
			}
			n.args = append(n.args, arg)
		}
		return n, p.symbol(")")
	}
	steps, err := p.path()
	return &node{op: opPath, path: steps}, err
}

// opens reports whether a parenthesis follows the current token.
func (p *statementParser) opens() bool {
	ahead := p.statementLexer
	return ahead.next() == nil && ahead.is("(")
}

func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
