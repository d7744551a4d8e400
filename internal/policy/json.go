package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// A node is a JSON value of a document. The order of members is kept, and an
// object with the same name twice is refused, as the grammar of policies says.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
type node struct {
	kind    kind
	text    string // of strings, numbers and booleans
	list    []node // of arrays
	members []member
	from    int64 // where an object begins and ends in the document
	to      int64
}

type member struct {
	name  string
	value node
}

type kind uint8

const (
	isNull kind = iota
	isBool
	isNumber
	isString
	isArray
	isObject
)

// maxDepth is more than any policy nests: document, statements, statement,
// condition, operator, values.
const maxDepth = 12

func readJSON(doc []byte) (node, error) {
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	n, err := readNode(d, 0)
	if err != nil {
		return node{}, err
	}
	if _, err := d.Token(); err != io.EOF {
		return node{}, errors.New("there is text behind the document")
	}
	return n, nil
}

func readNode(d *json.Decoder, depth int) (node, error) {
	if depth > maxDepth {
		return node{}, errors.New("the document is nested too deeply")
	}
	tok, err := d.Token()
	if err != nil {
		return node{}, err
	}
	switch tok := tok.(type) {
	case string:
		return node{kind: isString, text: tok}, nil
	case json.Number:
		return node{kind: isNumber, text: tok.String()}, nil
	case bool:
		return node{kind: isBool, text: fmt.Sprint(tok)}, nil
	case json.Delim:
		if tok == '[' {
			return readArray(d, depth)
		}
		return readObject(d, depth)
	}
	return node{kind: isNull}, nil
}

func readArray(d *json.Decoder, depth int) (node, error) {
	n := node{kind: isArray}
	for d.More() {
		v, err := readNode(d, depth+1)
		if err != nil {
			return node{}, err
		}
		n.list = append(n.list, v)
	}
	_, err := d.Token()
	return n, err
}

func readObject(d *json.Decoder, depth int) (node, error) {
	n := node{kind: isObject, from: d.InputOffset() - 1}
	seen := map[string]bool{}
	for d.More() {
		tok, err := d.Token()
		if err != nil {
			return node{}, err
		}
		name, ok := tok.(string)
		if !ok {
			return node{}, errors.New("a member has no name")
		}
		if seen[name] {
			return node{}, fmt.Errorf("%q occurs twice", name)
		}
		seen[name] = true
		v, err := readNode(d, depth+1)
		if err != nil {
			return node{}, err
		}
		n.members = append(n.members, member{name, v})
	}
	_, err := d.Token()
	n.to = d.InputOffset()
	return n, err
}

// strings returns a string, or an array of strings, as a list. With scalars,
// numbers and booleans are strings too.
func (n *node) strings(scalars bool) ([]string, bool) {
	one := func(n *node) bool {
		return n.kind == isString || scalars && (n.kind == isNumber || n.kind == isBool)
	}
	if one(n) {
		return []string{n.text}, true
	}
	if n.kind != isArray {
		return nil, false
	}
	list := make([]string, 0, len(n.list))
	for i := range n.list {
		if !one(&n.list[i]) {
			return nil, false
		}
		list = append(list, n.list[i].text)
	}
	return list, true
}
