package insights

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/clock"
)

// expr is an expression over the fields of a row: nil, a float64, a string or a
// bool.
type expr interface{ of(r Row) any }

type (
	field    string
	constant struct{ v any }
	apply    struct {
		fn   func(args []any) any
		args []expr
	}
)

func (f field) of(r Row) any { return r[string(f)] }

func (c constant) of(Row) any { return c.v }

func (a apply) of(r Row) any {
	args := make([]any, len(a.args))
	for i, e := range a.args {
		args[i] = e.of(r)
	}
	return a.fn(args)
}

// truth is what a condition makes of a value.
func truth(v any) bool {
	b, ok := v.(bool)
	return ok && b
}

// num is a value as a number, if it is one.
func num(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case string:
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
	}
	return 0, false
}

// str is a value as a text.
func str(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		if v {
			return "1"
		}
		return "0"
	}
	return v.(string)
}

// compareValues orders values: numbers before texts, what is missing last.
func compareValues(a, b any) int {
	x, isX := num(a)
	y, isY := num(b)
	switch {
	case isX && isY:
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	case (a == nil) != (b == nil):
		if a == nil {
			return 1
		}
		return -1
	case isX != isY:
		if isX {
			return -1
		}
		return 1
	}
	return strings.Compare(str(a), str(b))
}

func (p *parser) expression() (expr, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, invalid("it is nested deeper than %d levels", maxDepth)
	}
	defer func() { p.depth-- }()
	a, err := p.conjunction()
	for err == nil && p.keyword("or") {
		var b expr
		if b, err = p.conjunction(); err == nil {
			a = apply{func(v []any) any { return truth(v[0]) || truth(v[1]) }, []expr{a, b}}
		}
	}
	return a, err
}

func (p *parser) conjunction() (expr, error) {
	a, err := p.negation()
	for err == nil && p.keyword("and") {
		var b expr
		if b, err = p.negation(); err == nil {
			a = apply{func(v []any) any { return truth(v[0]) && truth(v[1]) }, []expr{a, b}}
		}
	}
	return a, err
}

func (p *parser) negation() (expr, error) {
	if !p.keyword("not") {
		return p.comparison()
	}
	if p.depth++; p.depth > maxDepth {
		return nil, invalid("it is nested deeper than %d levels", maxDepth)
	}
	defer func() { p.depth-- }()
	e, err := p.negation()
	return not(e), err
}

func not(e expr) expr {
	return apply{func(v []any) any { return !truth(v[0]) }, []expr{e}}
}

func (p *parser) comparison() (expr, error) {
	a, err := p.sum()
	if err != nil {
		return nil, err
	}
	negated := p.keyword("not")
	e, err := p.compared(a)
	switch {
	case err != nil:
		return nil, err
	case e == nil && negated:
		return nil, invalid("in or like is expected after not")
	case e == nil:
		return a, nil
	case negated:
		return not(e), nil
	}
	return e, nil
}

// compared reads what a value is compared with; nil if nothing.
func (p *parser) compared(a expr) (expr, error) {
	switch {
	case p.keyword("like"), p.sign("=~"):
		return p.like(a)
	case p.keyword("in"):
		return p.among(a)
	}
	t := p.peek()
	if t.kind != sign {
		return nil, nil
	}
	var holds func(c int) bool
	switch t.text {
	case "=", "==":
		holds = func(c int) bool { return c == 0 }
	case "!=":
		holds = func(c int) bool { return c != 0 }
	case "<":
		holds = func(c int) bool { return c < 0 }
	case "<=":
		holds = func(c int) bool { return c <= 0 }
	case ">":
		holds = func(c int) bool { return c > 0 }
	case ">=":
		holds = func(c int) bool { return c >= 0 }
	default:
		return nil, nil
	}
	p.at++
	b, err := p.sum()
	if err != nil {
		return nil, err
	}
	equality := strings.HasSuffix(t.text, "=") && t.text != "<=" && t.text != ">="
	return apply{func(v []any) any {
		if v[0] == nil || v[1] == nil {
			return t.text == "!=" && v[0] != v[1]
		}
		_, x := num(v[0])
		_, y := num(v[1])
		if x != y && !equality {
			return false // a text is neither less nor more than a number
		}
		return holds(compareValues(v[0], v[1]))
	}, []expr{a, b}}, nil
}

func (p *parser) like(a expr) (expr, error) {
	t := p.next()
	switch t.kind {
	case pattern:
		re, err := compile(t.text)
		return apply{func(v []any) any { return v[0] != nil && re.MatchString(str(v[0])) }, []expr{a}}, err
	case text:
		return apply{func(v []any) any { return v[0] != nil && strings.Contains(str(v[0]), t.text) }, []expr{a}}, nil
	}
	return nil, invalid("like takes a text or a regular expression, not %q", t.text)
}

func (p *parser) among(a expr) (expr, error) {
	if !p.sign("[") {
		return nil, invalid("a list in brackets is expected after in")
	}
	args := []expr{a}
	for {
		e, err := p.sum()
		if err != nil {
			return nil, err
		}
		if args = append(args, e); p.sign("]") {
			break
		}
		if !p.sign(",") {
			return nil, invalid("a comma or ] is expected before %q", p.peek().text)
		}
	}
	return apply{func(v []any) any {
		for _, o := range v[1:] {
			if v[0] != nil && compareValues(v[0], o) == 0 {
				return true
			}
		}
		return false
	}, args}, nil
}

// arithmetic makes a number of two.
func arithmetic(a, b expr, f func(x, y float64) float64) expr {
	return apply{func(v []any) any {
		x, okX := num(v[0])
		y, okY := num(v[1])
		if r := f(x, y); okX && okY && !math.IsNaN(r) && !math.IsInf(r, 0) {
			return r
		}
		return nil
	}, []expr{a, b}}
}

func (p *parser) sum() (expr, error) {
	a, err := p.product()
	for err == nil {
		var b expr
		switch {
		case p.sign("+"):
			if b, err = p.product(); err == nil {
				a = arithmetic(a, b, func(x, y float64) float64 { return x + y })
			}
		case p.sign("-"):
			if b, err = p.product(); err == nil {
				a = arithmetic(a, b, func(x, y float64) float64 { return x - y })
			}
		default:
			return a, nil
		}
	}
	return nil, err
}

func (p *parser) product() (expr, error) {
	a, err := p.value()
	for err == nil {
		var f func(x, y float64) float64
		switch {
		case p.sign("*"):
			f = func(x, y float64) float64 { return x * y }
		case p.sign("/"):
			f = func(x, y float64) float64 { return x / y }
		case p.sign("%"):
			f = math.Mod
		case p.sign("^"):
			f = math.Pow
		default:
			return a, nil
		}
		var b expr
		if b, err = p.value(); err == nil {
			a = arithmetic(a, b, f)
		}
	}
	return nil, err
}

func (p *parser) value() (expr, error) {
	switch t := p.next(); {
	case t.kind == number:
		return constant{t.num}, nil
	case t.kind == text:
		return constant{t.text}, nil
	case t.kind == sign && t.text == "(":
		e, err := p.expression()
		if err == nil && !p.sign(")") {
			err = invalid("a closing parenthesis is expected before %q", p.peek().text)
		}
		return e, err
	case t.kind == sign && t.text == "-":
		n := p.next()
		if n.kind != number {
			return nil, invalid("a number is expected after -, not %q", n.text)
		}
		return constant{-n.num}, nil
	case t.kind == word && p.sign("("):
		return p.function(t.text)
	case t.kind == word:
		switch strings.ToLower(t.text) {
		case "true", "false":
			return constant{strings.EqualFold(t.text, "true")}, nil
		}
		return field(t.text), nil
	default:
		return nil, invalid("a value is expected, not %q", t.text)
	}
}

// width is the length of time in bin(5m).
func (p *parser) width() (time.Duration, error) {
	n, unit := p.next(), p.next()
	if n.kind != number || unit.kind != word || n.num < 1 || n.num > 1e6 {
		return 0, invalid("a length of time such as 5m is expected")
	}
	var d time.Duration
	switch strings.ToLower(unit.text) {
	case "ms":
		d = time.Millisecond
	case "s", "sec", "second", "seconds":
		d = time.Second
	case "m", "min", "minute", "minutes":
		d = time.Minute
	case "h", "hr", "hour", "hours":
		d = time.Hour
	case "d", "day", "days":
		d = 24 * time.Hour
	case "w", "week", "weeks":
		d = 7 * 24 * time.Hour
	default:
		return 0, invalid("%s is no unit of time", unit.text)
	}
	return time.Duration(n.num) * d, nil
}

// Stamp is a time as results have it.
func Stamp(t clock.Instant) string { return t.Time().Format("2006-01-02 15:04:05.000") }

// Text is a value as results have it.
func Text(v any) string { return str(v) }
