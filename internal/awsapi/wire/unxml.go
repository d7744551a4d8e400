package wire

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"

	"github.com/nube-run/nube/internal/awsapi/schema"
)

// element is a parsed XML element.
type element struct {
	name     string
	attrs    []xml.Attr
	text     strings.Builder
	children []*element
}

// DecodeXML reads a REST-XML body into out, a pointer to the Go struct of the
// shape.
func DecodeXML(m *schema.Model, shape schema.Ref, body []byte, out any) error {
	if shape == schema.None || len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	root, err := parseXML(body)
	if err != nil {
		return err
	}
	return xmlStructure(m, m.Shape(shape), root, reflect.ValueOf(out).Elem())
}

func parseXML(body []byte) (*element, error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	root := &element{}
	stack := []*element{root}
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errorf("The XML you provided was not well-formed or did not validate against our published schema")
		}
		top := stack[len(stack)-1]
		switch t := t.(type) {
		case xml.StartElement:
			if len(stack) > maxDepth {
				return nil, errorf("The document is nested deeper than %d levels", maxDepth)
			}
			e := &element{name: t.Name.Local, attrs: t.Attr}
			top.children = append(top.children, e)
			stack = append(stack, e)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			top.text.Write(t)
		}
	}
	if len(root.children) != 1 {
		return nil, errorf("The XML you provided was not well-formed or did not validate against our published schema")
	}
	return root.children[0], nil
}

func (e *element) all(name string) []*element {
	var out []*element
	for _, c := range e.children {
		if c.name == name {
			out = append(out, c)
		}
	}
	return out
}

func xmlStructure(m *schema.Model, s *schema.Shape, e *element, v reflect.Value) error {
	for i := range s.Members {
		mb := &s.Members[i]
		sh := m.Shape(mb.Shape)
		f := v.Field(i)
		if mb.Attribute {
			local := mb.Wire[strings.IndexByte(mb.Wire, ':')+1:]
			for _, a := range e.attrs {
				if a.Name.Local == local {
					n := reflect.New(f.Type().Elem())
					if err := setText(sh, mb.Time, n.Elem(), mb.Wire, a.Value); err != nil {
						return err
					}
					f.Set(n)
				}
			}
			continue
		}
		name := mb.Wire
		if sh.Kind == schema.List && (mb.Flattened || sh.Flattened) {
			name = or(sh.ElemName, name)
		}
		found := e.all(name)
		if len(found) == 0 {
			continue
		}
		if err := xmlMember(m, mb, sh, found, f); err != nil {
			return err
		}
	}
	return nil
}

func xmlMember(m *schema.Model, mb *schema.Member, s *schema.Shape, found []*element, f reflect.Value) error {
	flat := mb.Flattened || s.Flattened
	switch s.Kind {
	case schema.List:
		if !flat {
			found = found[0].all(or(s.ElemName, "member"))
		}
		return xmlList(m, s, found, f)
	case schema.Map:
		if !flat {
			found = found[0].all("entry")
		}
		return xmlMap(m, s, found, f)
	}
	if f.Kind() == reflect.Pointer {
		n := reflect.New(f.Type().Elem())
		f.Set(n)
		f = n.Elem()
	}
	return xmlValue(m, s, mb.Time, found[0], f)
}

func xmlList(m *schema.Model, s *schema.Shape, found []*element, f reflect.Value) error {
	out := reflect.MakeSlice(f.Type(), len(found), len(found))
	for i, e := range found {
		if err := xmlValue(m, m.Shape(s.Elem), schema.ByProtocol, e, out.Index(i)); err != nil {
			return err
		}
	}
	f.Set(out)
	return nil
}

func xmlMap(m *schema.Model, s *schema.Shape, found []*element, f reflect.Value) error {
	out := reflect.MakeMap(f.Type())
	for _, e := range found {
		ks, vs := e.all(or(s.KeyName, "key")), e.all(or(s.ElemName, "value"))
		if len(ks) == 0 || len(vs) == 0 {
			continue
		}
		x := reflect.New(f.Type().Elem()).Elem()
		if err := xmlValue(m, m.Shape(s.Elem), schema.ByProtocol, vs[0], x); err != nil {
			return err
		}
		out.SetMapIndex(reflect.ValueOf(ks[0].text.String()), x)
	}
	f.Set(out)
	return nil
}

func xmlValue(m *schema.Model, s *schema.Shape, tf schema.TimeFormat, e *element, v reflect.Value) error {
	switch s.Kind {
	case schema.Structure:
		return xmlStructure(m, s, e, v)
	case schema.List:
		return xmlList(m, s, e.all(or(s.ElemName, "member")), v)
	case schema.Map:
		return xmlMap(m, s, e.all("entry"), v)
	case schema.String:
		v.SetString(e.text.String())
		return nil
	}
	return setText(s, tf, v, e.name, strings.TrimSpace(e.text.String()))
}
