package awstest

import (
	"bytes"
	"encoding/xml"
	"strings"
)

// Element is an XML element.
type Element struct {
	XMLName  xml.Name
	Content  string    `xml:",chardata"`
	Children []Element `xml:",any"`
}

// XML is the body's root element; an empty one when it is no XML.
func (a Answer) XML() Element {
	var e Element
	if err := xml.NewDecoder(bytes.NewReader(a.Body)).Decode(&e); err != nil {
		return Element{}
	}
	return e
}

// All returns the elements at a path such as "Result/Roles/member".
func (e Element) All(path string) []Element {
	at := []Element{e}
	for name := range strings.SplitSeq(path, "/") {
		var next []Element
		for _, x := range at {
			for _, c := range x.Children {
				if c.XMLName.Local == name {
					next = append(next, c)
				}
			}
		}
		at = next
	}
	return at
}

// Text is the text of the first element at a path, "" when there is none.
func (e Element) Text(path string) string {
	if all := e.All(path); len(all) > 0 {
		return strings.TrimSpace(all[0].Content)
	}
	return ""
}

// Texts are the texts of all elements at a path.
func (e Element) Texts(path string) []string {
	var out []string
	for _, x := range e.All(path) {
		out = append(out, strings.TrimSpace(x.Content))
	}
	return out
}
