package filter

import (
	"encoding/json"
	"strconv"
	"strings"
)

const (
	maxWildcards    = 1 // of a selector
	maxAllWildcards = 3 // of a pattern
)

// object is a pattern for messages that are JSON objects.
type object struct {
	cond      condition
	selectors []string // that the conditions name
}

// condition is a condition on a JSON value.
type condition func(root any) bool

func (o object) match(message string) bool {
	root, ok := document(message)
	return ok && o.cond(root)
}

// document reads a message that is JSON.
func document(message string) (root any, ok bool) {
	trimmed := strings.TrimLeft(message, " \t\r\n")
	if trimmed == "" || trimmed[0] != '{' && trimmed[0] != '[' {
		return nil, false
	}
	d := json.NewDecoder(strings.NewReader(trimmed))
	d.UseNumber()
	if d.Decode(&root) != nil || strings.TrimSpace(trimmed[d.InputOffset():]) != "" {
		return nil, false
	}
	return root, true
}

// json takes a pattern in braces.
func (p *parser) json() (matcher, error) {
	p.at++
	c, err := compound(p, p.condition,
		func(a, b condition) condition { return func(r any) bool { return a(r) && b(r) } },
		func(a, b condition) condition { return func(r any) bool { return a(r) || b(r) } })
	if err != nil {
		return nil, err
	}
	if p.space(); !p.has("}") {
		return nil, invalid("%q where an operator or } is expected", p.in[p.at:])
	}
	if p.space(); !p.done() {
		return nil, invalid("%q after the closing brace", p.in[p.at:])
	}
	if p.wildcards > maxAllWildcards {
		return nil, invalid("more than %d wildcard selectors", maxAllWildcards)
	}
	return object{c, p.selectors}, nil
}

// condition takes one condition on a selector.
func (p *parser) condition() (condition, error) {
	p.space()
	start := p.at
	sel, err := p.selector()
	if err != nil {
		return nil, err
	}
	p.selectors = append(p.selectors, p.in[start:p.at])
	if p.space(); p.keyword("IS") {
		for _, k := range [...]struct {
			word string
			want any
		}{{"NULL", nil}, {"TRUE", true}, {"FALSE", false}} {
			if p.space(); p.keyword(k.word) {
				return func(r any) bool { return sel.any(r, func(v any) bool { return v == k.want }) }, nil
			}
		}
		return nil, invalid("%q where NULL, TRUE or FALSE is expected", p.in[p.at:])
	}
	if p.keyword("NOT") {
		if p.space(); !p.keyword("EXISTS") {
			return nil, invalid("%q where EXISTS is expected", p.in[p.at:])
		}
		return func(r any) bool { return !sel.any(r, func(any) bool { return true }) }, nil
	}
	op, ok := p.operator()
	if !ok {
		return nil, invalid("%q where an operator is expected", p.in[p.at:])
	}
	o, err := p.operand(op, "})")
	if err != nil {
		return nil, err
	}
	return func(r any) bool {
		return sel.any(r, func(v any) bool {
			switch v := v.(type) {
			case string:
				return o.compare(op, v, 0, false)
			case json.Number:
				n, err := v.Float64()
				return o.compare(op, v.String(), n, err == nil)
			default: // comparisons know strings and numbers only
				return false
			}
		})
	}, nil
}

// keyword takes a word, whatever its case.
func (p *parser) keyword(w string) bool {
	end := p.at + len(w)
	if end > len(p.in) || !strings.EqualFold(p.in[p.at:end], w) || end < len(p.in) && isWord(p.in[end]) {
		return false
	}
	p.at = end
	return true
}

// selector is a path to a value.
type selector []step

// step is one step of a path: a field, an element, or any of them.
type step struct {
	field string
	index int // of an element; -1 for a field
	any   bool
}

// any reports whether f holds for a value that the selector points to.
func (s selector) any(v any, f func(any) bool) bool {
	if len(s) == 0 {
		return f(v)
	}
	switch v := v.(type) {
	case map[string]any:
		if s[0].any {
			for _, e := range v {
				if s[1:].any(e, f) {
					return true
				}
			}
			return false
		}
		e, ok := v[s[0].field]
		return ok && s[0].index < 0 && s[1:].any(e, f)
	case []any:
		if s[0].any {
			for _, e := range v {
				if s[1:].any(e, f) {
					return true
				}
			}
			return false
		}
		i := s[0].index
		return i >= 0 && i < len(v) && s[1:].any(v[i], f)
	default:
		return false
	}
}

// selector takes a path that begins with a dollar sign.
func (p *parser) selector() (selector, error) {
	p.space()
	start := p.at
	if !p.has("$") {
		return nil, invalid("%q where a selector such as $.field is expected", p.in[p.at:])
	}
	var s selector
	wildcards := 0
	for {
		st := step{index: -1}
		switch {
		case p.has(".['"), p.has("['"):
			end := strings.Index(p.in[p.at:], "']")
			if end <= 0 {
				return nil, invalid("%q has no closing bracket", p.in[start:])
			}
			st.field = p.in[p.at : p.at+end]
			p.at += end + 2
		case p.has(".*"), p.has("[*]"):
			st.any = true
			wildcards++
		case p.has("["):
			end := strings.IndexByte(p.in[p.at:], ']')
			if end < 0 {
				return nil, invalid("%q has no closing bracket", p.in[start:])
			}
			n, err := strconv.ParseUint(p.in[p.at:p.at+end], 10, 31)
			if err != nil {
				return nil, invalid("%q is no index", p.in[p.at:p.at+end])
			}
			st.index = int(n)
			p.at += end + 1
		case p.has("."):
			from := p.at
			for !p.done() && (isWord(p.in[p.at]) || p.in[p.at] == '-') {
				p.at++
			}
			if st.field = p.in[from:p.at]; st.field == "" {
				return nil, invalid("%q is no selector", p.in[start:])
			}
		default:
			if len(s) == 0 {
				return nil, invalid("%q is no selector", p.in[start:])
			}
			if wildcards > maxWildcards {
				return nil, invalid("%s has more than one wildcard", p.in[start:p.at])
			}
			p.wildcards += wildcards
			return s, nil
		}
		s = append(s, st)
	}
}
