package expr

import (
	"strconv"

	"github.com/nube-run/nube/internal/expr/attr"
)

// ParseCondition parses a ConditionExpression, FilterExpression or KeyConditionExpression; param is the parameter's name,
// with which messages begin.
func ParseCondition(param, text string) (*ParsedCondition, error) {
	p, err := newParser(param, text)
	if err != nil {
		return nil, err
	}
	root, err := p.readOr()
	if err == nil && (p.token.kind != tokenEOF || !root.condition()) {
		err = p.syntaxError()
	}
	if err != nil {
		return nil, p.error(err)
	}
	p.checkCalls(root, true)
	err = p.limits()
	for _, kind := range [...]staticKind{unknownFunction, misusedFunction, reservedWord} {
		if err == nil {
			err = p.firstStatic(kind)
		}
	}
	if err != nil {
		return nil, p.error(err)
	}
	return &ParsedCondition{root: root, parsed: parsed{param, p.names, p.value}}, nil
}

// readOr reads "a OR b OR c", or anything that binds more tightly. Like its parts it may return a bare operand, of which
// the caller makes a comparison or a syntax error.
func (p *parser) readOr() (*node, error) { return p.readLogical("OR", opOr, p.readAnd) }

func (p *parser) readAnd() (*node, error) { return p.readLogical("AND", opAnd, p.readNot) }

func (p *parser) readLogical(word string, o op, read func() (*node, error)) (*node, error) {
	left, err := read()
	if err != nil {
		return nil, err
	}
	for p.keyword(word) {
		if !left.condition() {
			return nil, p.syntaxError()
		}
		p.operators++
		p.next()
		right, err := read()
		if err != nil {
			return nil, err
		}
		if !right.condition() {
			return nil, p.syntaxError()
		}
		left = &node{op: o, text: word, args: []*node{left, right}}
	}
	return left, nil
}

func (p *parser) readNot() (*node, error) {
	if !p.keyword("NOT") {
		return p.readComparison()
	}
	p.operators++
	p.next()
	n, err := p.readNot()
	if err != nil {
		return nil, err
	}
	if !n.condition() {
		return nil, p.syntaxError()
	}
	return &node{op: opNot, text: "NOT", args: []*node{n}}, nil
}

// readComparison reads a condition in parentheses, a function, or an operand and what is said of it.
func (p *parser) readComparison() (*node, error) {
	var (
		left *node
		err  error
	)
	if p.is("(") {
		p.next()
		if left, err = p.readOr(); err == nil {
			left, err = p.closeParens(left)
		}
	} else {
		left, err = p.readOperand()
	}
	if err != nil || !left.isOperand() {
		return left, err
	}
	switch {
	case p.token.kind == tokenSymbol:
		o, ok := comparator(p.current())
		if !ok {
			return left, nil
		}
		n := &node{op: o, text: p.current(), args: []*node{left}}
		return n, p.readRight(n)
	case p.keyword("BETWEEN"):
		n := &node{op: opBetween, text: "BETWEEN", args: []*node{left}}
		if err := p.readRight(n); err != nil {
			return nil, err
		}
		if !p.keyword("AND") {
			return nil, p.syntaxError()
		}
		p.operators--
		return n, p.readRight(n)
	case p.keyword("IN"):
		n := &node{op: opIn, text: "IN", args: []*node{left}}
		p.next()
		if !p.is("(") {
			return nil, p.syntaxError()
		}
		p.operators++
		for {
			p.next()
			arg, err := p.readOperand()
			if err != nil {
				return nil, err
			}
			n.args = append(n.args, arg)
			if !p.is(",") {
				break
			}
		}
		if operands := len(n.args) - 1; operands > maxIn && p.in == nil {
			p.in = attr.Error("The IN operator is provided with too many operands; number of operands: " + strconv.Itoa(operands))
		}
		return n, p.expect(")")
	}
	return left, nil
}

// readRight reads the operand to the right of the current operator.
func (p *parser) readRight(n *node) error {
	p.operators++
	p.next()
	arg, err := p.readOperand()
	n.args = append(n.args, arg)
	return err
}

func comparator(symbol string) (op, bool) {
	switch symbol {
	case "=":
		return opEQ, true
	case "<>":
		return opNE, true
	case "<":
		return opLT, true
	case "<=":
		return opLE, true
	case ">":
		return opGT, true
	case ">=":
		return opGE, true
	}
	return 0, false
}

// checkCalls notes functions that conditions do not have and functions that stand where they may not: size is an operand
// and not a condition, all others the other way round.
func (p *parser) checkCalls(n *node, wantCondition bool) {
	if n.op == opCall {
		switch {
		case arity(n.text) == 0 && updateArity(n.text) > 0:
			p.note(misusedFunction, "The function is not allowed in a condition expression; function: "+n.text)
		case arity(n.text) == 0:
			p.note(unknownFunction, "Invalid function name; function: "+n.text)
		case (n.text == "size") == wantCondition:
			p.note(misusedFunction, "The function is not allowed to be used this way in an expression; function: "+n.text)
		}
	}
	logical := n.op == opAnd || n.op == opOr || n.op == opNot
	for _, arg := range n.args {
		p.checkCalls(arg, logical)
	}
}
