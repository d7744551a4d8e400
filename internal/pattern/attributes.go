package pattern

import "strings"

// Attribute is a message attribute of SNS.
type Attribute struct {
	Type  string // String, Number, String.Array or Binary, with or without a custom part
	Value string // empty for Binary
}

// MatchAttributes reports whether a message with these attributes matches. The
// elements of a String.Array are values of one field; binary attributes are not
// looked at.
//
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
func (p *Pattern) MatchAttributes(attributes map[string]Attribute) bool {
	return p.Matches(OfAttributes(attributes))
}

// OfAttributes makes an event of a message's attributes.
func OfAttributes(attributes map[string]Attribute) *Event {
	e := &Event{fields: make(map[string]*field, len(attributes))}
	for name, a := range attributes {
		base, _, _ := strings.Cut(a.Type, ".")
		switch {
		case a.Type == "String.Array":
			e.addArray(name, a.Value)
		case base == "String":
			e.add(name, value{str, a.Value}, nil)
		case base == "Number":
			e.add(name, value{number, a.Value}, nil)
		}
	}
	return e
}

// addArray adds the elements of a JSON array of strings, numbers, booleans and
// nulls. What is no such array adds none.
func (e *Event) addArray(name, text string) {
	s := &scanner{src: []byte(text)}
	if s.next() != nil || s.kind != arrayStart {
		return
	}
	var values []value
	for first := true; ; first = false {
		more, err := s.item(first)
		if err != nil {
			return
		}
		if !more {
			break
		}
		v := value{kind: s.kind}
		if v.text, err = s.text(); err != nil || s.kind == objectStart || s.kind == arrayStart {
			return
		}
		values = append(values, v)
	}
	if s.end() != nil {
		return
	}
	for _, v := range values {
		e.add(name, v, nil)
	}
}
