package filter

import "strings"

// fields is a pattern for messages of fields between spaces.
type fields struct {
	conds    []fieldCondition // nil for a field without conditions
	names    []string         // of the fields
	ellipsis int              // its place among conds; -1 if there is none
}

// fieldCondition is a condition on the text of one field.
type fieldCondition func(text string) bool

func (f *fields) match(message string) bool {
	if len(f.conds) == 0 {
		return true
	}
	words := split(message)
	n := len(f.conds)
	if f.ellipsis < 0 {
		// More words than fields go with the last one, if that is blank.
		if len(words) < n || len(words) > n && f.conds[n-1] != nil {
			return false
		}
		return all(f.conds, words)
	}
	head, tail := f.conds[:f.ellipsis], f.conds[f.ellipsis+1:]
	if len(words) < len(head)+len(tail) {
		return false
	}
	return all(head, words) && all(tail, words[len(words)-len(tail):])
}

func all(conds []fieldCondition, words []string) bool {
	for i, c := range conds {
		if c != nil && !c(words[i]) {
			return false
		}
	}
	return true
}

// split splits a message into fields. What stands between brackets or quotation
// marks is one.
func split(s string) []string {
	var words []string
	for {
		s = strings.TrimLeft(s, " \t\r\n")
		if s == "" {
			return words
		}
		end := strings.IndexAny(s, " \t\r\n")
		if end < 0 {
			end = len(s)
		}
		word, rest := s[:end], s[end:]
		i := -1
		switch s[0] {
		case '[':
			i = strings.IndexByte(s, ']')
		case '"':
			i = strings.IndexByte(s[1:], '"') + 1
		}
		if i > 0 {
			word, rest = s[1:i], s[i+1:]
		}
		words = append(words, word)
		s = rest
	}
}

// fields takes a pattern in brackets.
func (p *parser) fields() (matcher, error) {
	p.at++
	f := &fields{ellipsis: -1}
	if p.space(); p.has("]") {
		return f, p.end()
	}
	for {
		p.space()
		if p.has("...") {
			if f.ellipsis >= 0 {
				return nil, invalid("more than one ellipsis")
			}
			f.ellipsis = len(f.conds)
			f.conds, f.names = append(f.conds, nil), append(f.names, "")
		} else {
			p.named = ""
			c, err := compound(p, p.field, both, either)
			if err != nil {
				return nil, err
			}
			f.names = append(f.names, p.named)
			f.conds = append(f.conds, c)
		}
		p.space()
		switch {
		case p.has(","):
		case p.has("]"):
			return f, p.end()
		default:
			return nil, invalid("%q where a comma or ] is expected", p.in[p.at:])
		}
	}
}

func both(a, b fieldCondition) fieldCondition {
	return func(s string) bool { return (a == nil || a(s)) && (b == nil || b(s)) }
}

func either(a, b fieldCondition) fieldCondition {
	return func(s string) bool { return a == nil || b == nil || a(s) || b(s) }
}

// end makes sure that nothing follows.
func (p *parser) end() error {
	if p.space(); !p.done() {
		return invalid("%q after the closing bracket", p.in[p.at:])
	}
	return nil
}

// field takes one field: its name and, perhaps, a condition.
func (p *parser) field() (fieldCondition, error) {
	p.space()
	start := p.at
	for !p.done() && (isWord(p.in[p.at]) || strings.IndexByte("-.$", p.in[p.at]) >= 0) {
		p.at++
	}
	if p.at == start {
		return nil, invalid("%q where the name of a field is expected", p.in[p.at:])
	}
	p.named = p.in[start:p.at]
	op, ok := p.operator()
	if !ok {
		return nil, nil
	}
	o, err := p.operand(op, ",])")
	if err != nil {
		return nil, err
	}
	return func(s string) bool {
		n, isNumber := parseNumber(s)
		return o.compare(op, s, n, isNumber)
	}, nil
}
