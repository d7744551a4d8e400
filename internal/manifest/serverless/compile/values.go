package compile

import (
	"sort"

	"github.com/nube-run/nube/internal/template"
)

// obj is a map under construction. Entries that are nil are left out.
type obj = template.Object

// add returns a map under construction with one more entry.
func add(o obj, key string, value any) obj { return append(o, obj{{key, value}}...) }

// str returns the text at a path of keys, or "".
func str(v *template.Value, path ...string) string {
	s, _ := v.Get(path...).Literal()
	return s
}

// truthy reports what JavaScript's if makes of a value: not absent, null, false, 0 or "".
func truthy(v *template.Value) bool {
	if v.IsNull() {
		return false
	}
	switch v.Kind {
	case template.Bool:
		b, _ := v.AsBool()
		return b
	case template.Number:
		f, _ := v.AsFloat()
		return f != 0
	case template.String:
		return v.Text != ""
	}
	return true
}

// isFalse reports whether a value is false, and not merely absent.
func isFalse(v *template.Value) bool {
	return v != nil && v.Kind == template.Bool && !truthy(v)
}

// or returns the first value that is truthy, or nil.
func or(vs ...*template.Value) *template.Value {
	for _, v := range vs {
		if truthy(v) {
			return v
		}
	}
	return nil
}

// set returns a value unless it is null.
func set(v *template.Value) *template.Value {
	if v.IsNull() {
		return nil
	}
	return v
}

// isMap and isText report the kind of a value that may be absent.
func isMap(v *template.Value) bool  { return v != nil && v.Kind == template.Map }
func isText(v *template.Value) bool { return v != nil && v.Kind == template.String }

// texts returns the elements of a list of texts.
func texts(v *template.Value) []string {
	if v == nil {
		return nil
	}
	out := make([]string, 0, len(v.Items))
	for _, item := range v.Items {
		if s, ok := item.Literal(); ok {
			out = append(out, s)
		}
	}
	return out
}

// optional returns a text, or nil when it is empty, for an entry of an obj.
func optional(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// unique returns the texts without repetitions, in the order of their first appearance.
func unique(lists ...[]string) []string {
	seen := map[string]bool{}
	out := []string{}
	for _, list := range lists {
		for _, s := range list {
			if !seen[s] {
				seen[s] = true
				out = append(out, s)
			}
		}
	}
	return out
}

// keyValues turns a map into the list of Key and Value pairs in which most resources take their tags.
func keyValues(pos template.Pos, tags *template.Value) *template.Value {
	list := &template.Value{Kind: template.List, Pos: pos, Items: []*template.Value{}}
	for _, f := range tags.Fields {
		list.Items = append(list.Items, template.New(f.Pos, obj{{"Key", f.Key}, {"Value", f.Value}}))
	}
	return list
}

// overlay returns the fields of two maps in one; those of the second win. It is nil when both are absent.
func overlay(a, b *template.Value) *template.Value {
	if a.IsNull() && b.IsNull() {
		return nil
	}
	out := &template.Value{Kind: template.Map, Pos: a.At()}
	if a.IsNull() {
		out.Pos = b.At()
	}
	for _, v := range []*template.Value{a, b} {
		if !v.IsNull() {
			for _, f := range v.Fields {
				out = out.With(f.Key, f.Value)
			}
		}
	}
	return out
}

// json returns the compact JSON text of a value.
func json(v *template.Value) string { return string(v.AppendJSON(nil)) }

// Calls of CloudFormation functions.

func ref(id string) obj { return obj{{"Ref", id}} }

func getAtt(id, attribute string) obj {
	return obj{{"Fn::GetAtt", []any{id, attribute}}}
}

func sub(text string) obj { return obj{{"Fn::Sub", text}} }

func join(separator string, parts ...any) obj {
	return obj{{"Fn::Join", []any{separator, parts}}}
}

func partition() obj { return ref("AWS::Partition") }
func region() obj    { return ref("AWS::Region") }
func account() obj   { return ref("AWS::AccountId") }

// sorted returns a value with all map keys in order, so that equal values have equal JSON.
func sorted(v *template.Value) *template.Value {
	if v == nil {
		return nil
	}
	out := *v
	out.Items = make([]*template.Value, len(v.Items))
	for i, item := range v.Items {
		out.Items[i] = sorted(item)
	}
	out.Fields = make([]template.Field, len(v.Fields))
	for i, f := range v.Fields {
		out.Fields[i] = template.Field{Key: f.Key, Pos: f.Pos, Value: sorted(f.Value)}
	}
	sort.Slice(out.Fields, func(i, j int) bool { return out.Fields[i].Key < out.Fields[j].Key })
	return &out
}
