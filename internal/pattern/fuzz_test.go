package pattern

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The reference is slow and evident: it takes one element of each array, in all
// ways that there are, and evaluates the pattern's tree on what is left.

// ways returns the values that an event becomes when of each array one element
// is taken. ok is false when there are too many.
func ways(v any, limit *int) ([]any, bool) {
	if *limit--; *limit < 0 {
		return nil, false
	}
	switch v := v.(type) {
	case []any:
		var out []any
		for _, item := range v {
			ws, ok := ways(item, limit)
			if !ok {
				return nil, false
			}
			out = append(out, ws...)
		}
		if len(out) == 0 {
			out = []any{nothing{}}
		}
		return out, len(out) < 1000
	case object:
		out := []any{object{}}
		for _, m := range v {
			ws, ok := ways(m.value, limit)
			if !ok || len(ws)*len(out) > 1000 {
				return nil, false
			}
			var next []any
			for _, o := range out {
				for _, w := range ws {
					next = append(next, append(slices.Clone(o.(object)), member{m.name, w}))
				}
			}
			out = next
		}
		return out, true
	}
	return []any{v}, true
}

type (
	nothing struct{}
	member  struct {
		name  string
		value any
	}
	object []member
)

// decode reads JSON with the order and the repetitions of members.
func decode(d *json.Decoder) any {
	token, err := d.Token()
	if err != nil {
		panic(err)
	}
	switch token {
	case json.Delim('{'):
		o := object{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				panic(err)
			}
			o = append(o, member{name.(string), decode(d)})
		}
		d.Token()
		return o
	case json.Delim('['):
		a := []any{}
		for d.More() {
			a = append(a, decode(d))
		}
		d.Token()
		return a
	}
	return token
}

func decodeAll(src []byte) any {
	d := json.NewDecoder(bytes.NewReader(src))
	d.UseNumber()
	return decode(d)
}

// leaves are the values of a path.
func leaves(v any, prefix string, out map[string][]any) {
	switch v := v.(type) {
	case object:
		for _, m := range v {
			name := m.name
			if prefix != "\x00" {
				name = prefix + "." + m.name
			}
			leaves(m.value, name, out)
		}
	case []any:
		for _, item := range v {
			leaves(item, prefix, out)
		}
	case nothing:
	default:
		out[prefix] = append(out[prefix], v)
	}
}

// refCombinations multiplies a pattern out.
func refCombinations(o object, prefix string, in []map[string][]any) []map[string][]any {
	if len(in) == 0 {
		in = []map[string][]any{{}}
	}
	for _, m := range o {
		name := m.name
		if prefix != "\x00" {
			name = prefix + "." + m.name
		}
		switch v := m.value.(type) {
		case object:
			in = refCombinations(v, name, in)
		case []any:
			if m.name == "$or" {
				var out []map[string][]any
				for _, alternative := range v {
					var copies []map[string][]any
					for _, c := range in {
						cp := map[string][]any{}
						for k, v := range c {
							cp[k] = v
						}
						copies = append(copies, cp)
					}
					out = append(out, refCombinations(alternative.(object), prefix, copies)...)
				}
				in = out
				continue
			}
			for _, c := range in {
				c[name] = v
			}
		}
	}
	return in
}

func refMatch(pattern, event []byte) (match, ok bool) {
	p, e := decodeAll(pattern).(object), decodeAll(event)
	whole := map[string][]any{}
	leaves(e, "\x00", whole)
	limit := 2000
	all, ok := ways(e, &limit)
	if !ok {
		return false, false
	}
	for _, c := range refCombinations(p, "\x00", nil) {
		for _, way := range all {
			fields := map[string][]any{}
			leaves(way, "\x00", fields)
			good := true
			for path, alternatives := range c {
				good = good && refTerm(alternatives, fields[path], len(whole[path]) == 0)
			}
			if good {
				return true, true
			}
		}
	}
	return false, true
}

func refTerm(alternatives, values []any, absent bool) bool {
	for _, a := range alternatives {
		if o, ok := a.(object); ok && o[0].name == "exists" && o[0].value == false {
			if absent {
				return true
			}
			continue
		}
		for _, v := range values {
			if refValue(a, v) {
				return true
			}
		}
	}
	return false
}

func refNumber(v any) float64 {
	n, ok := v.(json.Number)
	f, err := n.Float64()
	if !ok || err != nil || f < -5e9 || f > 5e9 {
		return math.NaN()
	}
	return f
}

func refValue(a, v any) bool {
	o, ok := a.(object)
	if !ok {
		return a == v || refNumber(a) == refNumber(v)
	}
	text, isText := v.(string)
	lower := func(s string) string { return fold(s) }
	switch op, arg := o[0].name, o[0].value; op {
	case "exactly":
		return isText && text == arg
	case "equals-ignore-case":
		return isText && strings.EqualFold(text, arg.(string))
	case "prefix":
		if inner, ok := arg.(object); ok {
			return isText && strings.HasPrefix(lower(text), lower(inner[0].value.(string)))
		}
		return isText && strings.HasPrefix(text, arg.(string))
	case "suffix":
		if inner, ok := arg.(object); ok {
			return isText && strings.HasSuffix(lower(text), lower(inner[0].value.(string)))
		}
		return isText && strings.HasSuffix(text, arg.(string))
	case "wildcard":
		return isText && refWildcard(arg.(string)).MatchString(text)
	case "exists":
		return true
	case "cidr":
		p := netip.MustParsePrefix(arg.(string)).Masked()
		ip, err := netip.ParseAddr(text)
		return isText && err == nil && ip.Zone() == "" && p.Contains(ip)
	case "numeric":
		n := refNumber(v)
		args := arg.([]any)
		for i := 0; i < len(args); i += 2 {
			m := refNumber(args[i+1])
			if good := map[string]bool{"=": n == m, "<": n < m, "<=": n <= m, ">": n > m, ">=": n >= m}[args[i].(string)]; !good {
				return false
			}
		}
		return true
	case "anything-but":
		inner, isExpression := arg.(object)
		if isExpression {
			arg = inner[0].value
		}
		list, ok := arg.([]any)
		if !ok {
			list = []any{arg}
		}
		for _, item := range list {
			if isExpression {
				item = object{{inner[0].name, item}}
			}
			if refValue(item, v) {
				return false
			}
		}
		return true
	}
	panic(fmt.Sprint("no such operator: ", o[0].name))
}

func refWildcard(text string) *regexp.Regexp {
	out := `(?s)\A`
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '*':
			out += `.*`
		case text[i] == '\\':
			i++
			fallthrough
		default:
			out += regexp.QuoteMeta(text[i : i+1])
		}
	}
	return regexp.MustCompile(out + `\z`)
}

func seeds(f *testing.F) {
	for _, p := range []string{
		`{"a": [1]}`, `{"a": {"b": ["x"], "c": [2]}}`, `{"$or": [{"a": [1]}, {"b": [{"exists": false}]}]}`, `{"a": [{"anything-but": ["x", "y"]}]}`,
		`{"a": [{"numeric": [">", 0, "<=", 5]}], "b": [null, true, "s"]}`, `{"a": [{"wildcard": "x*y*"}]}`, `{"a": [{"anything-but": {"prefix": ["x", "z"]}}]}`,
		`{"a": [{"prefix": {"equals-ignore-case": "X"}}], "a.b": [{"suffix": "y"}]}`, `{"a": [{"cidr": "10.0.0.0/8"}]}`, `{"a": {"$or": [{"b": [1]}, {"c": [2]}]}, "d": [3.0]}`,
		`{"a": [{"equals-ignore-case": "ſK"}]}`, `{"a": [{"exists": false}, 5000000001]}`,
	} {
		for _, e := range []string{
			`{"a": 1, "b": null}`, `{"a": [{"b": "x", "c": 1}, {"b": "y", "c": 2}]}`, `{"a": {"b": "Xy"}, "a.b": "xy", "d": 3}`, `{"a": "10.1.2.3"}`,
			`{"a": [[{"b": 1}], {"c": [2, 3]}], "d": 3.00}`, `{}`, `{"a": "sk", "b": [[], {}]}`, `{"a": 5000000001, "a": "xzy"}`,
		} {
			f.Add([]byte(p), []byte(e))
		}
	}
}

func FuzzMatch(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, pattern, event []byte) {
		p, err := Compile(pattern, EventBridge)
		if err != nil {
			return
		}
		if !json.Valid(pattern) {
			t.Fatalf("%q is no JSON and was compiled", pattern)
		}
		e, err := Parse(event)
		if err != nil || !json.Valid(event) || bytes.Contains(event, []byte(`\u`)) || bytes.Contains(pattern, []byte(`\u`)) {
			return // lone surrogates and other bytes that are no UTF-8 differ
		}
		want, ok := refMatch(bytes.ToValidUTF8(pattern, []byte("\ufffd")), bytes.ToValidUTF8(event, []byte("\ufffd")))
		if !ok || !bytes.Equal(event, bytes.ToValidUTF8(event, nil)) || !bytes.Equal(pattern, bytes.ToValidUTF8(pattern, nil)) {
			return
		}
		if got := p.Matches(e); got != want {
			t.Errorf("%s on %s: %v, want %v", pattern, event, got, want)
		}
	})
}

// A set answers as its patterns do one by one.
func FuzzSet(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, patterns, event []byte) {
		e, err := Parse(event)
		if err != nil {
			return
		}
		var s Set[int]
		var want []int
		add := func(i int, src []byte) {
			p, err := Compile(src, EventBridge)
			if err != nil {
				return
			}
			s.Add(i, p)
			if p.Matches(e) {
				want = append(want, i)
			}
		}
		n := 0
		for _, src := range bytes.Split(patterns, []byte("\n")) {
			add(n, src)
			n++
		}
		for _, src := range []string{`{"a": [1, "x"]}`, `{"a": [{"prefix": "x"}]}`, `{"a": [{"exists": false}], "b": [null]}`, `{"a": {"b": [{"numeric": ["<", 9]}]}}`} {
			add(n, []byte(src))
			n++
		}
		if got := s.Match(e); !slices.Equal(got, want) {
			t.Errorf("%q on %s: %v, want %v", patterns, event, got, want)
		}
	})
}
