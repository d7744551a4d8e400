package filter

import (
	"encoding/json"
	"strconv"
)

// Extracted returns the values of a message that a pattern names: by selector of a
// JSON pattern, by $name of one of fields, by $1, $2 where a field has no name.
func (p *Pattern) Extracted(message string) map[string]string {
	out := map[string]string{}
	switch m := p.m.(type) {
	case object:
		for _, s := range m.selectors {
			if v, ok := p.Value(message, s); ok {
				out[s] = v
			}
		}
	case *fields:
		m.each(message, func(name, word string) { out[name] = word })
	}
	return out
}

// Value returns the value of a message that a selector means: $.field of a message
// that is JSON, $name of a pattern of fields.
func (p *Pattern) Value(message, selector string) (string, bool) {
	if f, ok := p.m.(*fields); ok {
		value, found := "", false
		f.each(message, func(name, word string) {
			if name == selector {
				value, found = word, true
			}
		})
		return value, found
	}
	s := &parser{in: selector}
	sel, err := s.selector()
	root, ok := document(message)
	if err != nil || !s.done() || !ok {
		return "", false
	}
	value, found := "", false
	sel.any(root, func(v any) bool {
		switch v := v.(type) {
		case string:
			value, found = v, true
		case json.Number:
			value, found = v.String(), true
		case bool:
			value, found = strconv.FormatBool(v), true
		}
		return found
	})
	return value, found
}

// each calls see for each field of a message, with its name and text.
func (f *fields) each(message string, see func(name, word string)) {
	words := split(message)
	for i, name := range f.names {
		at := i
		if f.ellipsis >= 0 && i > f.ellipsis {
			at = len(words) - len(f.names) + i
		}
		if i == f.ellipsis || at >= len(words) || at < 0 {
			continue
		}
		if name == "" {
			name = strconv.Itoa(i + 1)
		}
		see("$"+name, words[at])
	}
}
