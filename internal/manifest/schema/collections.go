package schema

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// Object is a map with known keys.
type Object struct {
	What     string     // what the map is, for messages: "a function"
	Fields   []Field    // the keys
	Required []string   // keys that must be there
	AnyOf    []string   // keys of which at least one must be there
	OneEach  [][]string // sets of keys of which exactly one must be there
	Rest     Schema     // what other keys hold; nil forbids them
	Min, Max int        // how many keys there may be; a Max of 0 is no limit
}

// Field is a key of an object.
type Field struct {
	Key string
	Is  Schema
}

func (s Object) check(c *checker, v *template.Value) *template.Value {
	if v.Kind != template.Map {
		return c.mismatch(v, s)
	}
	out := &template.Value{Kind: template.Map, Pos: v.Pos, Fields: make([]template.Field, len(v.Fields))}
	for i, f := range v.Fields {
		out.Fields[i] = f
		is, known := s.field(f.Key)
		switch {
		case !known:
			s.unknown(c, f)
		case !f.Value.IsNull():
			c.under(f.Key, func() {
				if r, ok := is.(Refuse); ok {
					r.report(c, f.Pos)
					return
				}
				out.Fields[i].Value = is.check(c, f.Value)
			})
		}
	}
	for _, key := range s.Required {
		if v.Get(key).IsNull() {
			c.errorf(v.Pos, "%s has no %q", s.what(), key)
		}
	}
	if len(s.AnyOf) > 0 {
		found := false
		for _, key := range s.AnyOf {
			found = found || !v.Get(key).IsNull()
		}
		if !found {
			c.errorf(v.Pos, "%s needs %s", s.what(), either(s.AnyOf))
		}
	}
	for _, keys := range s.OneEach {
		var found []template.Field
		for _, f := range v.Fields {
			if slices.Contains(keys, f.Key) && !f.Value.IsNull() {
				found = append(found, f)
			}
		}
		switch {
		case len(found) == 0:
			c.errorf(v.Pos, "%s needs %s", s.what(), either(keys))
		case len(found) > 1:
			c.errorf(found[1].Pos, "%s takes either %s, and it has both", s.what(), either(keys))
		}
	}
	if len(v.Fields) < s.Min {
		c.errorf(v.Pos, "%s is empty", s.what())
	}
	if s.Max > 0 && len(v.Fields) > s.Max {
		c.errorf(v.Fields[s.Max].Pos, "%s takes at most %d keys", s.what(), s.Max)
	}
	return out
}

// either lists alternatives.
func either(keys []string) string { return `"` + strings.Join(keys, `" or "`) + `"` }

func (s Object) field(key string) (Schema, bool) {
	for _, f := range s.Fields {
		if f.Key == key {
			return f.Is, true
		}
	}
	return s.Rest, s.Rest != nil
}

// unknown reports a key that the object does not have.
func (s Object) unknown(c *checker, f template.Field) {
	keys := make([]string, len(s.Fields))
	for i, k := range s.Fields {
		keys[i] = k.Key
	}
	d := c.errorf(f.Pos, unknownKey+"%q in %s", f.Key, s.what())
	if near := template.Suggest(f.Key, keys); near != "" {
		*d = d.WithHint("did you mean %q?", near)
	} else if len(keys) <= 12 {
		*d = d.WithHint("its keys are %s", strings.Join(keys, ", "))
	}
}

func (s Object) what() string {
	if s.What != "" {
		return s.What
	}
	return "the map"
}

func (Object) takes(k template.Kind) bool { return k == template.Map }
func (Object) String() string             { return "a map" }

// Map is a map whose keys the user chooses.
type Map struct {
	Of   Schema
	Key  func(string) bool // or nil
	Form string            // what Key accepts, for messages: "letters and digits"
}

func (s Map) check(c *checker, v *template.Value) *template.Value {
	if v.Kind != template.Map {
		return c.mismatch(v, s)
	}
	out := &template.Value{Kind: template.Map, Pos: v.Pos, Fields: make([]template.Field, len(v.Fields))}
	for i, f := range v.Fields {
		out.Fields[i] = f
		if s.Key != nil && !s.Key(f.Key) {
			c.errorf(f.Pos, "the key %q in %s must be made of %s", f.Key, c.name(), s.Form)
		}
		if !f.Value.IsNull() {
			c.under(f.Key, func() { out.Fields[i].Value = s.Of.check(c, f.Value) })
		}
	}
	return out
}

func (Map) takes(k template.Kind) bool { return k == template.Map }
func (Map) String() string             { return "a map" }

// List is a list. A single value counts as a list of one.
type List struct {
	Of       Schema
	Min, Max int // elements; a Max of 0 is no limit
}

func (s List) check(c *checker, v *template.Value) *template.Value {
	items := v.Items
	switch {
	case v.IsScalar():
		items = []*template.Value{v}
	case v.Kind != template.List:
		return c.mismatch(v, s)
	}
	if len(items) < s.Min || s.Max > 0 && len(items) > s.Max {
		return c.mismatch(v, s)
	}
	out := &template.Value{Kind: template.List, Pos: v.Pos, Items: make([]*template.Value, len(items))}
	for i, item := range items {
		c.under(strconv.Itoa(i), func() { out.Items[i] = s.Of.check(c, item) })
	}
	return out
}

func (List) takes(k template.Kind) bool { return k == template.List }

func (s List) String() string {
	switch {
	case s.Max > 0 && s.Min > 0:
		return fmt.Sprintf("a list of %d to %d elements", s.Min, s.Max)
	case s.Max > 0:
		return fmt.Sprintf("a list of at most %d elements", s.Max)
	case s.Min > 0:
		return fmt.Sprintf("a list of at least %d elements", s.Min)
	}
	return "a list"
}

// OneOf is a value that fits one of several schemas. The first that fits reads it.
type OneOf []Schema

func (s OneOf) check(c *checker, v *template.Value) *template.Value {
	var only template.Diagnostics // of the alternative that the value was meant for, if that is clear
	candidates := 0
	for _, alt := range s {
		out, ds := c.attempt(v, alt)
		if !ds.HasErrors() {
			c.diags = append(c.diags, ds...)
			return out
		}
		if meant(alt, v) {
			candidates++
			only = ds
		}
	}
	if candidates == 1 {
		c.diags = append(c.diags, only...)
		return v
	}
	return c.mismatch(v, s)
}

func (s OneOf) takes(k template.Kind) bool {
	for _, alt := range s {
		if alt.takes(k) {
			return true
		}
	}
	return false
}

func (s OneOf) String() string {
	words := make([]string, 0, len(s))
	for _, alt := range s {
		word := alt.String()
		if len(words) == 0 || words[len(words)-1] != word {
			words = append(words, word)
		}
	}
	return strings.Join(words, " or ")
}

// Intrinsic is a call of one of some CloudFormation functions, in their long names; of any when the list is empty.
type Intrinsic []string

func (s Intrinsic) check(c *checker, v *template.Value) *template.Value {
	fn, _, ok := v.Call()
	if !ok {
		return c.mismatch(v, s)
	}
	if len(s) == 0 {
		return v
	}
	for _, name := range s {
		if name == fn {
			return v
		}
	}
	return c.mismatch(v, s)
}

func (Intrinsic) takes(k template.Kind) bool { return k == template.Map }

func (s Intrinsic) String() string {
	if len(s) == 0 || len(s) > 4 {
		return "a CloudFormation function"
	}
	return strings.Join(s, " or ")
}

// meant reports whether a value was probably meant for a schema that it does not fit.
func meant(s Schema, v *template.Value) bool {
	switch s := s.(type) {
	case OneOf:
		return slices.ContainsFunc(s, func(alt Schema) bool { return meant(alt, v) })
	case Intrinsic:
		_, _, ok := v.Call()
		return ok
	}
	return s.takes(v.Kind)
}

// Tagged is a map of exactly one key, which says what its value is: the events of a function.
type Tagged struct {
	What string
	Of   []Field
}

func (s Tagged) check(c *checker, v *template.Value) *template.Value {
	if v.Kind == template.String {
		c.errorf(v.Pos, "%s must be a map of one key, and this is a text", s.What)
		return v
	}
	switch {
	case len(v.Fields) > 1:
		first, next := v.Fields[0], v.Fields[1]
		d := c.errorf(next.Pos, "%s has one key, and %q is one more", s.What, next.Key)
		*d = d.WithHint("indent it to make it a part of %q, or begin a new element of the list with a dash", first.Key)
		return v
	case len(v.Fields) == 1 && v.Fields[0].Value.IsNull():
		c.errorf(v.Fields[0].Pos, "%q of %s is empty", v.Fields[0].Key, s.What)
		return v
	}
	return Object{What: s.What, Fields: s.Of, Min: 1}.check(c, v)
}

func (Tagged) takes(k template.Kind) bool { return k == template.Map }
func (s Tagged) String() string           { return "a map of one key" }
