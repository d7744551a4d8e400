package insights

import (
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nube-run/nube/internal/clock"
)

// function reads the arguments of a function.
func (p *parser) function(name string) (expr, error) {
	lower := strings.ToLower(name)
	if lower == "bin" {
		d, err := p.width()
		if err == nil && !p.sign(")") {
			err = invalid("a closing parenthesis is expected before %q", p.peek().text)
		}
		return floored(field("@timestamp"), d, false), err
	}
	var args []expr
	for !p.sign(")") {
		if len(args) > 0 && !p.sign(",") {
			return nil, invalid("a comma or closing parenthesis is expected before %q", p.peek().text)
		}
		if len(args) == 1 && (lower == "datefloor" || lower == "dateceil") {
			d, err := p.width()
			if err == nil && !p.sign(")") {
				err = invalid("a closing parenthesis is expected before %q", p.peek().text)
			}
			return floored(args[0], d, lower == "dateceil"), err
		}
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		args = append(args, e)
	}
	f, least, most := known(lower)
	if f == nil {
		return nil, invalid("there is no function %s", name)
	}
	if len(args) < least || len(args) > most {
		return nil, invalid("%s does not take %d arguments", name, len(args))
	}
	return apply{f, args}, nil
}

// floored is a time rounded down or up.
func floored(of expr, d time.Duration, up bool) expr {
	return apply{func(v []any) any {
		t, err := time.Parse("2006-01-02 15:04:05.000", str(v[0]))
		if err != nil {
			return nil
		}
		down := t.Truncate(d)
		if up && down.Before(t) {
			down = down.Add(d)
		}
		return Stamp(clock.At(down))
	}, []expr{of}}
}

const many = 100

// known returns a function by its name, and how many arguments it takes.
func known(name string) (f func([]any) any, least, most int) {
	switch name {
	case "abs":
		return math1(math.Abs), 1, 1
	case "ceil":
		return math1(math.Ceil), 1, 1
	case "floor":
		return math1(math.Floor), 1, 1
	case "log":
		return math1(math.Log), 1, 1
	case "sqrt":
		return math1(math.Sqrt), 1, 1
	case "greatest", "least":
		return func(v []any) any {
			best := v[0]
			for _, o := range v[1:] {
				if c := compareValues(o, best); o != nil && (best == nil || name == "greatest" && c > 0 || name == "least" && c < 0) {
					best = o
				}
			}
			return best
		}, 1, many
	case "ispresent":
		return func(v []any) any { return v[0] != nil }, 1, 1
	case "isempty":
		return func(v []any) any { return v[0] == nil || str(v[0]) == "" }, 1, 1
	case "isblank":
		return func(v []any) any { return strings.TrimSpace(str(v[0])) == "" }, 1, 1
	case "coalesce":
		return func(v []any) any {
			for _, o := range v {
				if o != nil {
					return o
				}
			}
			return nil
		}, 1, many
	case "concat":
		return func(v []any) any {
			var b strings.Builder
			for _, o := range v {
				b.WriteString(str(o))
			}
			return b.String()
		}, 1, many
	case "strlen":
		return func(v []any) any { return float64(utf8.RuneCountInString(str(v[0]))) }, 1, 1
	case "toupper", "upper":
		return text1(strings.ToUpper), 1, 1
	case "tolower", "lower":
		return text1(strings.ToLower), 1, 1
	case "trim":
		return text1(strings.TrimSpace), 1, 1
	case "ltrim":
		return text1(func(s string) string { return strings.TrimLeft(s, " \t\r\n") }), 1, 1
	case "rtrim":
		return text1(func(s string) string { return strings.TrimRight(s, " \t\r\n") }), 1, 1
	case "strcontains":
		return func(v []any) any { return truthNumber(strings.Contains(str(v[0]), str(v[1]))) }, 2, 2
	case "replace":
		return func(v []any) any { return strings.ReplaceAll(str(v[0]), str(v[1]), str(v[2])) }, 3, 3
	case "substr":
		return substr, 2, 3
	case "frommillis":
		return func(v []any) any {
			n, ok := num(v[0])
			if !ok || math.Abs(n) > 1e15 {
				return nil
			}
			return Stamp(clock.UnixMilli(int64(n)))
		}, 1, 1
	case "tomillis":
		return func(v []any) any {
			t, err := time.Parse("2006-01-02 15:04:05.000", str(v[0]))
			if err != nil {
				return nil
			}
			return float64(t.UnixMilli())
		}, 1, 1
	}
	return nil, 0, 0
}

func truthNumber(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func math1(f func(float64) float64) func([]any) any {
	return func(v []any) any {
		x, ok := num(v[0])
		if r := f(x); ok && !math.IsNaN(r) && !math.IsInf(r, 0) {
			return r
		}
		return nil
	}
}

func text1(f func(string) string) func([]any) any {
	return func(v []any) any {
		if v[0] == nil {
			return nil
		}
		return f(str(v[0]))
	}
}

// substr is the text from a place on, of a length if there is a third argument.
func substr(v []any) any {
	s := []rune(str(v[0]))
	from, ok := num(v[1])
	if !ok || from < 0 || from > float64(len(s)) {
		return nil
	}
	s = s[int(from):]
	if len(v) == 3 {
		n, ok := num(v[2])
		if !ok || n < 0 {
			return nil
		}
		s = s[:int(min(n, float64(len(s))))]
	}
	return string(s)
}
