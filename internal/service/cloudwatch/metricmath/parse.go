package metricmath

import (
	"strconv"
	"strings"
)

// node is a part of an expression: a number, a text, a ref, a *unary, a *binary or
// a *call.
type node any

type (
	number float64
	text   string
	ref    string
	unary  struct {
		op string
		of node
	}
	binary struct {
		op   string
		a, b node
	}
	call struct {
		name string
		args []node
	}
)

func walk(n node, see func(node)) {
	see(n)
	switch n := n.(type) {
	case *unary:
		walk(n.of, see)
	case *binary:
		walk(n.a, see)
		walk(n.b, see)
	case *call:
		for _, a := range n.args {
			walk(a, see)
		}
	}
}

// maxDepth bounds the nesting of an expression.
const maxDepth = 100

// Parse reads an expression.
func Parse(in string) (*Expr, error) {
	p := &parser{in: in}
	n, err := p.level(0)
	if err != nil {
		return nil, err
	}
	if p.space(); p.at < len(p.in) {
		return nil, invalid("unexpected %q", p.in[p.at:])
	}
	return &Expr{n}, nil
}

type parser struct {
	in    string
	at    int
	depth int
}

func (p *parser) space() {
	for p.at < len(p.in) && strings.IndexByte(" \t\r\n", p.in[p.at]) >= 0 {
		p.at++
	}
}

func (p *parser) peek() byte {
	if p.at >= len(p.in) {
		return 0
	}
	return p.in[p.at]
}

// operators by precedence, the loosest first; in each level the longer first.
func operators(level int) []string {
	switch level {
	case 0:
		return []string{"||", "OR"}
	case 1:
		return []string{"&&", "AND"}
	case 2:
		return []string{"==", "!=", "<=", ">=", "<", ">"}
	case 3:
		return []string{"+", "-"}
	case 4:
		return []string{"*", "/"}
	}
	return nil
}

const unaryLevel = 5

func (p *parser) operator(level int) string {
	p.space()
	for _, op := range operators(level) {
		rest, ok := strings.CutPrefix(p.in[p.at:], op)
		if !ok || isLetter(op[0]) && rest != "" && isWord(rest[0]) {
			continue
		}
		p.at += len(op)
		return op
	}
	return ""
}

// level reads operators of a level and tighter ones, which associate to the left.
func (p *parser) level(l int) (node, error) {
	if l == unaryLevel {
		return p.unary()
	}
	a, err := p.level(l + 1)
	for err == nil {
		op := p.operator(l)
		if op == "" {
			return a, nil
		}
		var b node
		if b, err = p.level(l + 1); err == nil {
			a = &binary{op, a, b}
		}
	}
	return nil, err
}

func (p *parser) unary() (node, error) {
	p.space()
	if c := p.peek(); c == '-' || c == '+' {
		if p.depth++; p.depth > maxDepth {
			return nil, invalid("it is nested deeper than %d levels", maxDepth)
		}
		p.at++
		n, err := p.unary()
		p.depth--
		if err != nil || c == '+' {
			return n, err
		}
		return &unary{"-", n}, nil
	}
	return p.power()
}

// power binds tightest, and to the right.
func (p *parser) power() (node, error) {
	a, err := p.primary()
	if err != nil {
		return nil, err
	}
	if p.space(); p.peek() != '^' {
		return a, nil
	}
	p.at++
	if p.depth++; p.depth > maxDepth {
		return nil, invalid("it is nested deeper than %d levels", maxDepth)
	}
	b, err := p.unary()
	p.depth--
	if err != nil {
		return nil, err
	}
	return &binary{"^", a, b}, nil
}

func (p *parser) primary() (node, error) {
	p.space()
	switch c := p.peek(); {
	case c == 0:
		return nil, invalid("it ends where a value is expected")
	case c == '(':
		p.at++
		n, err := p.nested()
		if err != nil {
			return nil, err
		}
		return n, p.expect(')')
	case c == '"' || c == '\'':
		p.at++
		end := strings.IndexByte(p.in[p.at:], c)
		if end < 0 {
			return nil, invalid("a text has no closing quotation mark")
		}
		t := p.in[p.at : p.at+end]
		p.at += end + 1
		return text(t), nil
	case c >= '0' && c <= '9' || c == '.':
		return p.number()
	case isLetter(c):
		return p.word()
	}
	return nil, invalid("unexpected %q", p.in[p.at:])
}

func (p *parser) nested() (node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, invalid("it is nested deeper than %d levels", maxDepth)
	}
	defer func() { p.depth-- }()
	return p.level(0)
}

func (p *parser) expect(c byte) error {
	if p.space(); p.peek() != c {
		return invalid("%q is expected before %q", c, p.in[p.at:])
	}
	p.at++
	return nil
}

func (p *parser) number() (node, error) {
	start := p.at
	for p.at < len(p.in) && (p.in[p.at] >= '0' && p.in[p.at] <= '9' || p.in[p.at] == '.') {
		p.at++
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		end := p.at + 1
		if end < len(p.in) && (p.in[end] == '+' || p.in[end] == '-') {
			end++
		}
		if end < len(p.in) && p.in[end] >= '0' && p.in[end] <= '9' {
			for end < len(p.in) && p.in[end] >= '0' && p.in[end] <= '9' {
				end++
			}
			p.at = end
		}
	}
	f, err := strconv.ParseFloat(p.in[start:p.at], 64)
	if err != nil {
		return nil, invalid("%s is not a number", p.in[start:p.at])
	}
	return number(f), nil
}

// word reads an id, which begins with a small letter, or a function's name.
func (p *parser) word() (node, error) {
	start := p.at
	for p.at < len(p.in) && isWord(p.in[p.at]) {
		p.at++
	}
	name := p.in[start:p.at]
	if p.space(); p.peek() != '(' {
		if c := name[0]; c >= 'A' && c <= 'Z' {
			return text(name), nil // LINEAR, REPEAT, TRUE, MINUTE
		}
		return ref(name), nil
	}
	p.at++
	c := &call{name: strings.ToUpper(name)}
	if p.space(); p.peek() == ')' {
		p.at++
		return c, known(c)
	}
	for {
		n, err := p.nested()
		if err != nil {
			return nil, err
		}
		c.args = append(c.args, n)
		if p.space(); p.peek() == ',' {
			p.at++
			continue
		}
		if err := p.expect(')'); err != nil {
			return nil, err
		}
		return c, known(c)
	}
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func isWord(c byte) bool { return isLetter(c) || c >= '0' && c <= '9' || c == '_' }
