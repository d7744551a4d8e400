package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// path is a JSONPath as EventBridge knows it: names after dots, indexes and
// asterisks.
type path []step

// step is one step: a member, an element, or all of either.
type step struct {
	name  string
	index int
	kind  stepKind
}

type stepKind uint8

const (
	member stepKind = iota
	element
	everything
)

// parsePath reads a path.
func parsePath(text string) (path, error) {
	rest, ok := strings.CutPrefix(text, "$")
	if !ok {
		return nil, fmt.Errorf("%q does not begin with $", text)
	}
	p := path{}
	for rest != "" {
		switch rest[0] {
		case '.':
			end := strings.IndexAny(rest[1:], ".[")
			if end < 0 {
				end = len(rest) - 1
			}
			name := rest[1 : 1+end]
			switch {
			case name == "*":
				p = append(p, step{kind: everything})
			case name == "" || strings.ContainsAny(name, "*'\"]()?@ "):
				return nil, fmt.Errorf("%q is not a path of names, indexes and asterisks", text)
			default:
				p = append(p, step{name: name})
			}
			rest = rest[1+end:]
		case '[':
			inside, after, closed := strings.Cut(rest[1:], "]")
			if inside == "*" && closed {
				p = append(p, step{kind: everything})
			} else if n, err := strconv.Atoi(inside); closed && err == nil && n >= 0 {
				p = append(p, step{index: n, kind: element})
			} else {
				return nil, fmt.Errorf("%q is not a path of names, indexes and asterisks", text)
			}
			rest = after
		default:
			return nil, fmt.Errorf("%q is not a path of names, indexes and asterisks", text)
		}
	}
	return p, nil
}

// find returns the JSON that a path leads to, as it is written; with asterisks
// the array of all. It is nil where it leads to nothing.
func (p path) find(doc []byte) []byte {
	found := p.walk(doc, nil)
	all := false
	for _, s := range p {
		all = all || s.kind == everything
	}
	switch {
	case !all && len(found) == 1:
		return found[0]
	case !all || len(found) == 0:
		return nil
	}
	return append(append([]byte{'['}, bytes.Join(found, []byte{','})...), ']')
}

// walk appends what the path leads to from a value.
func (p path) walk(doc []byte, found [][]byte) [][]byte {
	if len(p) == 0 {
		return append(found, doc)
	}
	s, rest := p[0], p[1:]
	switch s.kind {
	case member:
		var members map[string]json.RawMessage
		if json.Unmarshal(doc, &members) != nil {
			return found
		}
		if v, ok := members[s.name]; ok {
			return rest.walk(v, found)
		}
	case element:
		var elements []json.RawMessage
		if json.Unmarshal(doc, &elements) == nil && s.index < len(elements) {
			return rest.walk(elements[s.index], found)
		}
	case everything:
		for _, v := range parts(doc) {
			found = rest.walk(v, found)
		}
	}
	return found
}

// parts are the elements of an array or the values of an object, in order.
func parts(doc []byte) (out []json.RawMessage) {
	if json.Unmarshal(doc, &out) == nil {
		return out
	}
	d := json.NewDecoder(bytes.NewReader(doc))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	for d.More() {
		var v json.RawMessage
		if _, err := d.Token(); err != nil || d.Decode(&v) != nil {
			return nil
		}
		out = append(out, v)
	}
	return out
}
