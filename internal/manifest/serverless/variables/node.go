package variables

import (
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// node is one place of the manifest. Its value is made in two steps, each at most once: shallow finds out what it is (for
// a string with variables that means to evaluate it), deep does the same for everything below.
type node struct {
	parent *node
	key    string
	keyPos template.Pos
	raw    *template.Value // as written, or as a source gave it

	nested   int             // how many values above came from variables
	active   bool            // shallow is under way: to need this node again is a cycle
	failed   bool            // its problem has been reported
	kind     *template.Value // after shallow: what it is; below it there may be variables
	nodes    []*node         // the children, once they are needed
	resolved *template.Value // after deep
}

// path returns the keys that lead to the node.
func (n *node) path() string {
	if n.parent == nil {
		return ""
	}
	prefix := n.parent.path()
	if prefix == "" {
		return n.key
	}
	return prefix + "." + n.key
}

// child returns the node under a key or index, or nil.
func (n *node) child(key string) *node {
	for _, c := range n.children() {
		if c.key == key {
			return c
		}
	}
	return nil
}

// children returns the nodes of the fields or elements of what a node turned out to be.
func (n *node) children() []*node {
	if n.nodes != nil {
		return n.nodes
	}
	nested := n.nested
	if n.kind != n.raw {
		nested++
	}
	switch n.kind.Kind {
	case template.Map:
		n.nodes = make([]*node, len(n.kind.Fields))
		for i, f := range n.kind.Fields {
			n.nodes[i] = &node{parent: n, key: f.Key, keyPos: f.Pos, raw: f.Value, nested: nested}
		}
	case template.List:
		n.nodes = make([]*node, len(n.kind.Items))
		for i, item := range n.kind.Items {
			n.nodes[i] = &node{parent: n, key: strconv.Itoa(i), keyPos: item.Pos, raw: item, nested: nested}
		}
	}
	return n.nodes
}

// rebuild returns the value of a node whose children are all resolved.
func (n *node) rebuild() *template.Value {
	v := n.kind
	switch v.Kind {
	case template.Map:
		out := &template.Value{Kind: template.Map, Pos: v.Pos, Fields: make([]template.Field, len(v.Fields))}
		for i, c := range n.children() {
			out.Fields[i] = template.Field{Key: c.key, Pos: c.keyPos, Value: c.resolved}
		}
		return out
	case template.List:
		out := &template.Value{Kind: template.List, Pos: v.Pos, Items: make([]*template.Value, len(v.Items))}
		for i, c := range n.children() {
			out.Items[i] = c.resolved
		}
		return out
	}
	return scalar(v)
}

// scalar returns a scalar in the spelling that the Framework would hand on: it reads a manifest into JavaScript values, so
// that 0x10 is 16, 1.50 is 1.5 and what was not a number to YAML stays a string.
func scalar(v *template.Value) *template.Value {
	switch v.Kind {
	case template.Number:
		if f, ok := v.AsFloat(); ok {
			return template.New(v.Pos, f)
		}
	case template.Bool:
		b, _ := v.AsBool()
		return template.New(v.Pos, b)
	case template.String:
		if v.Plain {
			return template.New(v.Pos, v.Text)
		}
	case template.Null:
		return template.New(v.Pos, nil)
	}
	return v
}

// Locate returns the place of a byte of a string's text, as exactly as its spelling allows: inside a text on one line, at
// the beginning of any other.
func Locate(v *template.Value, offset int) template.Pos {
	line, ok := v.Pos.Rest()
	if !ok || offset > len(v.Text) {
		return v.Pos
	}
	quote := 0
	if strings.HasPrefix(line, `"`) || strings.HasPrefix(line, "'") {
		quote = 1
	}
	if !strings.HasPrefix(line[quote:], v.Text[:offset]) {
		return v.Pos
	}
	return v.Pos.Shift(quote + len([]rune(v.Text[:offset])))
}
