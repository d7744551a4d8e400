package filter

import (
	"regexp"
	"strconv"
	"strings"
)

// maxDepth bounds the parentheses of a pattern.
const maxDepth = 100

// operator compares.
type operator uint8

const (
	equal operator = iota
	notEqual
	less
	lessOrEqual
	greater
	greaterOrEqual
)

// operand is what a value is compared with: a regular expression, a number, or
// a text with wildcards.
type operand struct {
	re       *regexp.Regexp
	text     string
	number   float64
	isNumber bool // unquoted, and a number
}

// compare applies an operator to a value of the message, given as text and, if
// it is one, as a number.
func (o *operand) compare(op operator, text string, number float64, isNumber bool) bool {
	switch op {
	case equal:
		return o.equals(text, number, isNumber)
	case notEqual:
		return !o.equals(text, number, isNumber)
	}
	if !isNumber {
		return false
	}
	switch op {
	case less:
		return number < o.number
	case lessOrEqual:
		return number <= o.number
	case greater:
		return number > o.number
	default:
		return number >= o.number
	}
}

func (o *operand) equals(text string, number float64, isNumber bool) bool {
	switch {
	case o.re != nil:
		return o.re.MatchString(text)
	case o.isNumber && isNumber:
		return number == o.number
	default:
		return glob(o.text, text)
	}
}

// glob reports whether s matches a pattern in which an asterisk stands for any
// text.
func glob(pattern, s string) bool {
	head, rest, found := strings.Cut(pattern, "*")
	if !found {
		return pattern == s
	}
	if !strings.HasPrefix(s, head) {
		return false
	}
	s = s[len(head):]
	for {
		part, next, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(s, part)
		}
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s, rest = s[i+len(part):], next
	}
}

// operator takes an operator.
func (p *parser) operator() (operator, bool) {
	p.space()
	for _, o := range [...]struct {
		text string
		op   operator
	}{{"!=", notEqual}, {"<=", lessOrEqual}, {">=", greaterOrEqual}, {"=", equal}, {"<", less}, {">", greater}} {
		if p.has(o.text) {
			return o.op, true
		}
	}
	return 0, false
}

// operand takes what an operator compares with. An unquoted one ends at a space
// or at one of the characters in end.
func (p *parser) operand(op operator, end string) (*operand, error) {
	p.space()
	o := &operand{}
	var err error
	switch start := p.at; {
	case p.peek() == '%':
		o.re, err = p.regex()
	case p.peek() == '"':
		o.text, err = p.quoted()
	default:
		for !p.done() && !isSpace(p.in[p.at]) && strings.IndexByte(end, p.in[p.at]) < 0 &&
			!strings.HasPrefix(p.in[p.at:], "&&") && !strings.HasPrefix(p.in[p.at:], "||") {
			p.at++
		}
		if o.text = p.in[start:p.at]; o.text == "" {
			return nil, invalid("a value is missing before %q", p.in[p.at:])
		}
		o.number, o.isNumber = parseNumber(o.text)
	}
	if err == nil && op > notEqual && !o.isNumber {
		err = &termError{o.text}
	}
	return o, err
}

// parseNumber reads a decimal number, with or without an exponent.
func parseNumber(s string) (float64, bool) {
	if strings.Trim(s, "0123456789+-.eE") != "" {
		return 0, false // "inf", "0x1p4", "1_000"
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// compound takes conditions joined by or, and those joined by and, which binds
// stronger.
func compound[C any](p *parser, one func() (C, error), and, or func(a, b C) C) (C, error) {
	a, err := conjunction(p, one, and, or)
	for err == nil {
		if p.space(); !p.has("||") {
			return a, nil
		}
		var b C
		if b, err = conjunction(p, one, and, or); err == nil {
			a = or(a, b)
		}
	}
	return a, err
}

func conjunction[C any](p *parser, one func() (C, error), and, or func(a, b C) C) (C, error) {
	a, err := primary(p, one, and, or)
	for err == nil {
		if p.space(); !p.has("&&") {
			return a, nil
		}
		var b C
		if b, err = primary(p, one, and, or); err == nil {
			a = and(a, b)
		}
	}
	return a, err
}

func primary[C any](p *parser, one func() (C, error), and, or func(a, b C) C) (C, error) {
	var none C
	p.space()
	if !p.has("(") {
		return one()
	}
	if p.depth++; p.depth > maxDepth {
		return none, invalid("parentheses are nested too deep")
	}
	c, err := compound(p, one, and, or)
	if err != nil {
		return none, err
	}
	p.depth--
	if p.space(); !p.has(")") {
		return none, invalid("a parenthesis is not closed before %q", p.in[p.at:])
	}
	return c, nil
}
