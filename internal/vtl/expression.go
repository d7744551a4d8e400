package vtl

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

func (p *parser) space() {
	for p.pos < p.end && strings.IndexByte(" \t\r\n", p.src[p.pos]) >= 0 {
		p.pos++
	}
}

// found says what stands at pos, for errors.
func (p *parser) found() string {
	if p.pos >= p.end {
		return "the end"
	}
	_, n := utf8.DecodeRuneInString(p.rest())
	return strconv.Quote(p.src[p.pos : p.pos+n])
}

// word takes a word that is not the beginning of a longer one.
func (p *parser) word(w string) bool {
	if !p.has(w) || startsName(p.peek(len(w))) || isDigit(p.peek(len(w))) {
		return false
	}
	p.pos += len(w)
	return true
}

// levels are the binary operators, those that bind least first. Each has the
// symbol that the evaluation knows, and the ways in which it is written.
func levels(n int) [][]string {
	switch n {
	case 0:
		return [][]string{{"||", "or"}}
	case 1:
		return [][]string{{"&&", "and"}}
	case 2:
		return [][]string{{"==", "eq"}, {"!=", "ne"}}
	case 3:
		return [][]string{{"<=", "le"}, {">=", "ge"}, {"<", "lt"}, {">", "gt"}}
	case 4:
		return [][]string{{"+"}, {"-"}}
	case 5:
		return [][]string{{"*"}, {"/"}, {"%"}}
	}
	return nil
}

func (p *parser) expression() (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	return p.operation(0)
}

func (p *parser) operation(level int) (expr, error) {
	ops := levels(level)
	if ops == nil {
		return p.unary()
	}
	left, err := p.operation(level + 1)
	if err != nil {
		return nil, err
	}
	for {
		p.space()
		at := p.pos
		op := p.operator(ops)
		if op == "" {
			return left, nil
		}
		right, err := p.operation(level + 1)
		if err != nil {
			return nil, err
		}
		left = &binary{at, op, left, right}
	}
}

// operator takes one of the operators.
func (p *parser) operator(ops [][]string) string {
	for _, op := range ops {
		for _, w := range op {
			if isLetter(w[0]) && p.word(w) || !isLetter(w[0]) && p.take(w) {
				return op[0]
			}
		}
	}
	return ""
}

func (p *parser) unary() (expr, error) {
	p.space()
	at := p.pos
	op := p.operator([][]string{{"!", "not"}, {"-"}})
	if op == "" {
		return p.primary()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	operand, err := p.unary()
	if err != nil {
		return nil, err
	}
	return &unary{at, op, operand}, nil
}

func (p *parser) primary() (expr, error) {
	at := p.pos
	switch c := p.peek(0); {
	case c == '$':
		r, err := p.reference()
		if err == nil && r == nil {
			return nil, p.errorf(at, "a $ without a name")
		}
		return r, err
	case c == '\'' || c == '"':
		return p.text(c)
	case isDigit(c):
		return p.number()
	case c == '(':
		p.pos++
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		p.space()
		if !p.take(")") {
			return nil, p.errorf(p.pos, "a ( needs a ), not %s", p.found())
		}
		return e, nil
	case c == '[':
		return p.listOrRange()
	case c == '{':
		return p.mapping()
	case p.word("true"):
		return constant{true}, nil
	case p.word("false"):
		return constant{false}, nil
	case p.word("null"):
		return constant{nil}, nil
	}
	return nil, p.errorf(at, "a value is needed, not %s", p.found())
}

func (p *parser) number() (expr, error) {
	at := p.pos
	digits := func() {
		for isDigit(p.peek(0)) {
			p.pos++
		}
	}
	digits()
	if p.peek(0) == '.' && isDigit(p.peek(1)) { // but [1..3]
		p.pos++
		digits()
		if c := p.peek(0); (c == 'e' || c == 'E') && (isDigit(p.peek(1)) || (p.peek(1) == '-' || p.peek(1) == '+') && isDigit(p.peek(2))) {
			p.pos += 2
			digits()
		}
		f, err := strconv.ParseFloat(p.src[at:p.pos], 64)
		if err != nil {
			return nil, p.errorf(at, "%s is too large a number", p.src[at:p.pos])
		}
		return constant{f}, nil
	}
	n, err := strconv.ParseInt(p.src[at:p.pos], 10, 64)
	if err != nil {
		return nil, p.errorf(at, "%s is too large a number", p.src[at:p.pos])
	}
	return constant{n}, nil
}

// text reads a string. A doubled quote is a quote; there are no other escapes.
// In double quotes, references and directives have their values.
func (p *parser) text(quote byte) (expr, error) {
	at, double := p.pos, string([]byte{quote, quote})
	p.pos++
	start, doubled := p.pos, false
	for {
		i := strings.IndexByte(p.rest(), quote)
		if i < 0 {
			return nil, p.errorf(at, "a string without its end")
		}
		p.pos += i
		if !p.take(double) {
			break
		}
		doubled = true
	}
	text := p.src[start:p.pos]
	after := p.pos + 1
	if quote == '\'' || !strings.ContainsAny(text, "$#") {
		p.pos = after
		return constant{strings.ReplaceAll(text, double, double[:1])}, nil
	}
	end, loops := p.end, p.loops
	p.pos, p.end, p.loops = start, p.pos, 0
	body, closer, err := p.block()
	p.pos, p.end, p.loops = after, end, loops
	if err != nil {
		return nil, err
	}
	if closer.name != "" {
		return nil, p.errorf(closer.at, "#%s without a directive that it belongs to", closer.name)
	}
	if doubled {
		for i, n := range body {
			if t, ok := n.(textNode); ok {
				body[i] = textNode(strings.ReplaceAll(string(t), double, double[:1]))
			}
		}
	}
	return quoted{body}, nil
}

// list reads expressions with commas between them, up to the closing character.
func (p *parser) list(end byte) ([]expr, error) {
	var items []expr
	p.space()
	if p.take(string(end)) {
		return nil, nil
	}
	for {
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		items = append(items, e)
		p.space()
		if p.take(string(end)) {
			return items, nil
		}
		if !p.take(",") {
			return nil, p.errorf(p.pos, "a , or a %c is needed, not %s", end, p.found())
		}
	}
}

func (p *parser) listOrRange() (expr, error) {
	at := p.pos
	p.pos++
	p.space()
	if p.take("]") {
		return listExpr{}, nil
	}
	first, err := p.expression()
	if err != nil {
		return nil, err
	}
	p.space()
	switch {
	case p.take("]"):
		return listExpr{[]expr{first}}, nil
	case p.take(".."):
		to, err := p.expression()
		if err != nil {
			return nil, err
		}
		p.space()
		if !p.take("]") {
			return nil, p.errorf(p.pos, "a range needs a ], not %s", p.found())
		}
		return &rangeExpr{at, first, to}, nil
	case p.take(","):
		more, err := p.list(']')
		if err != nil {
			return nil, err
		}
		return listExpr{append([]expr{first}, more...)}, nil
	}
	return nil, p.errorf(p.pos, "a , or a ] is needed, not %s", p.found())
}

func (p *parser) mapping() (expr, error) {
	m := mapExpr{}
	p.pos++
	p.space()
	if p.take("}") {
		return m, nil
	}
	for {
		k, err := p.expression()
		if err != nil {
			return nil, err
		}
		p.space()
		if !p.take(":") {
			return nil, p.errorf(p.pos, "a key needs a :, not %s", p.found())
		}
		v, err := p.expression()
		if err != nil {
			return nil, err
		}
		m.keys, m.values = append(m.keys, k), append(m.values, v)
		p.space()
		if p.take("}") {
			return m, nil
		}
		if !p.take(",") {
			return nil, p.errorf(p.pos, "a , or a } is needed, not %s", p.found())
		}
		p.space()
	}
}
