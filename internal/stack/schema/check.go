package schema

import (
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// Check returns the properties of a resource with every scalar of the kind that
// the type says ("5" becomes 5 where a number is wanted, 5 becomes "5" where a
// string is), and complains about properties that the type does not have, that
// it needs, or that are of the wrong kind. Function calls that are not
// evaluated yet pass. at is where to say that a property is missing.
func (t *Table) Check(typ *Type, props *template.Value, at template.Pos) (*template.Value, template.Diagnostics) {
	if props == nil {
		props = &template.Value{Kind: template.Map, Pos: at}
	}
	c := checker{table: t, typ: typ}
	out := c.object(props, typ.Properties, typ.Name, at)
	return out, c.diags
}

type checker struct {
	table *Table
	typ   *Type
	diags template.Diagnostics
}

func (c *checker) errorf(pos template.Pos, format string, args ...any) *template.Diagnostic {
	c.diags = append(c.diags, template.Errorf(pos, format, args...))
	return &c.diags[len(c.diags)-1]
}

// object checks the properties of a type or of an object.
func (c *checker) object(v *template.Value, ps []Property, path string, at template.Pos) *template.Value {
	fields := make([]template.Field, 0, len(v.Fields))
	for _, f := range v.Fields {
		p := find(ps, f.Key)
		if p == nil {
			d := c.errorf(f.Pos, "Encountered unsupported property %s", f.Key)
			if near := template.Suggest(f.Key, names(ps)); near != "" {
				*d = d.WithHint("did you mean %s?", near)
			} else if len(ps) == 0 {
				*d = d.WithHint("%s has no properties", path)
			} else {
				*d = d.WithHint("%s has %s", path, strings.Join(names(ps), ", "))
			}
			continue
		}
		f.Value = c.value(f.Value, p.Shape, f.Key, f.Pos)
		fields = append(fields, f)
	}
	for _, p := range ps {
		if p.Required && !v.Has(p.Name) {
			c.errorf(at, "Property %s cannot be empty.", p.Name)
		}
	}
	return &template.Value{Kind: template.Map, Pos: v.Pos, Fields: fields}
}

// value checks one value; name is the property's, for messages.
func (c *checker) value(v *template.Value, ref Ref, name string, pos template.Pos) *template.Value {
	shape := c.table.Shape(ref)
	if v == nil || v.Kind == template.Null {
		c.errorf(pos, "'null' values are not allowed in templates: %s", name)
		return v
	}
	if _, _, call := v.Call(); call && shape.Kind != JSON {
		return v
	}
	switch shape.Kind {
	case String:
		if v.IsScalar() {
			return convert(v, template.String, v.Text)
		}
	case Integer:
		if n, ok := v.AsInt(); ok {
			return convert(v, template.Number, template.New(v.Pos, n).Text)
		}
	case Number:
		if n, ok := v.AsFloat(); ok {
			return convert(v, template.Number, template.New(v.Pos, n).Text)
		}
	case Boolean:
		if b, ok := v.AsBool(); ok {
			return convert(v, template.Bool, template.New(v.Pos, b).Text)
		}
	case JSON:
		return v
	case List:
		if v.Kind == template.List {
			items := make([]*template.Value, len(v.Items))
			for i, item := range v.Items {
				items[i] = c.value(item, shape.Elem, name, v.Pos)
			}
			return &template.Value{Kind: template.List, Pos: v.Pos, Items: items}
		}
	case Map:
		if v.Kind == template.Map {
			fields := make([]template.Field, len(v.Fields))
			for i, f := range v.Fields {
				f.Value = c.value(f.Value, shape.Elem, f.Key, f.Pos)
				fields[i] = f
			}
			return &template.Value{Kind: template.Map, Pos: v.Pos, Fields: fields}
		}
	case Object:
		if v.Kind == template.Map {
			return c.object(v, shape.Properties, shape.Name, v.Pos)
		}
	}
	if v.IsScalar() {
		c.errorf(v.Pos, "Value of property %s must be a %s, and %q is none", name, shape.Kind, v.Text)
	} else {
		c.errorf(v.Pos, "Value of property %s must be a %s, and this is a %s", name, shape.Kind, v.Kind)
	}
	return v
}

// convert returns the scalar v as a kind; v itself when it is that already.
func convert(v *template.Value, k template.Kind, text string) *template.Value {
	if v.Kind == k && v.Text == text {
		return v
	}
	return &template.Value{Kind: k, Text: text, Pos: v.Pos}
}
