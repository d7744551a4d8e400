package compile

import (
	"slices"
	"strconv"

	"github.com/nube-run/nube/internal/template"
)

// template puts together what was compiled and what the user wrote under resources.
func (s *service) template() *template.Value {
	if s.role != nil {
		s.role.finish(s)
	}
	for _, e := range s.outputs.list {
		e.set("Export", obj{{"Name", "sls-" + s.name + "-" + s.stage + "-" + e.id}})
	}
	v := template.New(s.pos, obj{
		{"AWSTemplateFormatVersion", "2010-09-09"},
		{"Description", "The AWS CloudFormation template for this Serverless application"},
		{"Resources", s.resources.value(s.pos)},
		{"Outputs", s.outputs.value(s.pos)},
	})
	if own := set(s.config.Get("resources")); own != nil {
		v = Merge(v, own.Without("extensions"))
		if extensions := set(own.Get("extensions")); extensions != nil {
			v = s.extend(v, extensions)
		}
	}
	return v.With("Resources", withoutNulls(v.Get("Resources")))
}

// Merge returns a with b laid over it: maps key by key, lists element by element, anything else as in b. It is how the
// Framework combines the parts of a list of resources, and these with what it compiled.
func Merge(a, b *template.Value) *template.Value {
	switch {
	case isMap(a) && isMap(b):
		out := *a
		out.Fields = slices.Clone(a.Fields)
		for _, f := range b.Fields {
			i := slices.IndexFunc(out.Fields, func(x template.Field) bool { return x.Key == f.Key })
			if i < 0 {
				out.Fields = append(out.Fields, f)
				continue
			}
			out.Fields[i].Value = Merge(out.Fields[i].Value, f.Value)
		}
		return &out
	case a != nil && a.Kind == template.List && b != nil && b.Kind == template.List:
		out := *a
		out.Items = slices.Clone(a.Items)
		for i, item := range b.Items {
			if i < len(out.Items) {
				out.Items[i] = Merge(out.Items[i], item)
			} else {
				out.Items = append(out.Items, item)
			}
		}
		return &out
	}
	return b
}

// extend applies resources.extensions: changes to resources that may be compiled ones.
func (s *service) extend(v, extensions *template.Value) *template.Value {
	resources := v.Get("Resources")
	for _, ext := range extensions.Fields {
		f, ok := resources.Field(ext.Key)
		if !ok {
			d := s.errorf(ext.Pos, "there is no resource %q to extend", ext.Key)
			if near := template.Suggest(ext.Key, resources.Keys()); near != "" {
				*d = d.WithHint("did you mean %q?", near)
			}
			continue
		}
		r := f.Value
		for _, attribute := range ext.Value.Fields {
			x := attribute.Value
			switch attribute.Key {
			case "Properties", "Metadata":
				if have := overlay(r.Get(attribute.Key), x); have != nil {
					r = r.With(attribute.Key, have)
				}
			case "DependsOn":
				have := []any{}
				switch d := r.Get("DependsOn"); {
				case d.IsNull():
				case d.Kind == template.List:
					for _, item := range d.Items {
						have = append(have, item)
					}
				default:
					have = append(have, d)
				}
				for _, item := range x.Items {
					have = append(have, item)
				}
				r = r.With("DependsOn", template.New(attribute.Pos, have))
			default:
				r = r.With(attribute.Key, x)
			}
		}
		resources = resources.With(ext.Key, r)
	}
	return v.With("Resources", resources)
}

// withoutNulls removes the properties that are null, at any depth, from resources.
func withoutNulls(resources *template.Value) *template.Value {
	out := *resources
	out.Fields = slices.Clone(resources.Fields)
	for i, f := range out.Fields {
		properties, ok := f.Value.Field("Properties")
		switch {
		case !ok:
		case properties.Value.IsNull():
			out.Fields[i].Value = f.Value.Without("Properties")
		default:
			out.Fields[i].Value = f.Value.With("Properties", stripped(properties.Value))
		}
	}
	return &out
}

// stripped returns a value without the fields of maps that are null.
func stripped(v *template.Value) *template.Value {
	switch v.Kind {
	case template.List:
		out := *v
		out.Items = make([]*template.Value, len(v.Items))
		for i, item := range v.Items {
			out.Items[i] = stripped(item)
		}
		return &out
	case template.Map:
		out := *v
		out.Fields = nil
		for _, f := range v.Fields {
			if !f.Value.IsNull() {
				f.Value = stripped(f.Value)
				out.Fields = append(out.Fields, f)
			}
		}
		return &out
	}
	return v
}

// MergeList merges a list of maps into one, the later over the earlier. Nulls in it are skipped.
func MergeList(list *template.Value) (*template.Value, template.Diagnostics) {
	out := &template.Value{Kind: template.Map, Pos: list.Pos}
	var ds template.Diagnostics
	for i, item := range list.Items {
		switch {
		case item.IsNull():
		case isMap(item):
			out = Merge(out, item)
		default:
			ds = append(ds, template.Errorf(item.Pos, "element %s of the list must be a map, and this is a %s", strconv.Itoa(i+1), item.Kind))
		}
	}
	return out, ds
}
