package stack

import (
	"bytes"

	"github.com/nube-run/nube/internal/stack/eval"
	"github.com/nube-run/nube/internal/stack/schema"
	"github.com/nube-run/nube/internal/template"
)

// difference is a top-level property that differs.
type difference struct {
	name     string
	replaces bool // always needs a new resource
	dynamic  bool // the new value is not known yet: it may turn out to be the same
}

// compare returns the properties in which two versions of a resource differ, in
// the order of the schema. The new one may hold calls.
func compare(t *Type, old, new *template.Value) []difference {
	var out []difference
	for _, p := range t.Schema.Properties {
		a, b := old.Get(p.Name), new.Get(p.Name)
		if a == nil && b == nil || a != nil && b != nil && template.Equal(a, b) {
			continue
		}
		out = append(out, difference{name: p.Name, replaces: replaces(t.Table, p, a, b), dynamic: !eval.Known(b)})
	}
	return out
}

// same reports whether the stored properties of a resource are, to the letter,
// those that are wanted: nearly always, when it does not change.
func same(res *Resource, want *template.Value) bool {
	return bytes.Equal(res.Properties, want.AppendJSON(nil))
}

// replaces reports whether the change of a property from a to b touches
// something that cannot be changed in place.
func replaces(table *schema.Table, p schema.Property, a, b *template.Value) bool {
	if p.CreateOnly {
		return true
	}
	s := table.Shape(p.Shape)
	if s.Kind != schema.Object {
		return false
	}
	for _, inner := range s.Properties {
		x, y := a.Get(inner.Name), b.Get(inner.Name)
		if x == nil && y == nil || x != nil && y != nil && template.Equal(x, y) {
			continue
		}
		if replaces(table, inner, x, y) {
			return true
		}
	}
	return false
}

// decide says what has to be done to make a resource whose properties differ.
// Everything is known.
func decide(t *Type, old, new *template.Value, ds []difference) action {
	changed := make([]string, len(ds))
	for i, d := range ds {
		if d.replaces {
			return actReplace
		}
		changed[i] = d.name
	}
	if t.Replaces != nil && t.Replaces(old, new, changed) {
		return actReplace
	}
	return actUpdate
}

// tagged returns properties with the stack's tags among their tags. A
// resource's own tag wins over the stack's.
func tagged(t *Type, props *template.Value, tags []Tag) *template.Value {
	if t.Schema.Tags == "" || len(tags) == 0 {
		return props
	}
	own := props.Get(t.Schema.Tags)
	if own != nil && own.Kind != template.List {
		return props // a call that is not evaluated yet
	}
	list := &template.Value{Kind: template.List}
	have := map[string]bool{}
	if own != nil {
		list.Pos = own.Pos
		list.Items = append(list.Items, own.Items...)
		for _, item := range own.Items {
			if k := item.Get("Key"); k.IsScalar() {
				have[k.Text] = true
			}
		}
	}
	for _, tag := range tags {
		if !have[tag.Key] {
			list.Items = append(list.Items, template.New(props.Pos, template.Object{{Key: "Key", Value: tag.Key}, {Key: "Value", Value: tag.Value}}))
		}
	}
	return props.With(t.Schema.Tags, list)
}
