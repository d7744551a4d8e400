// Package validate checks a decoded input against the constraints of its
// model: required members, lengths, ranges, patterns and enumerations, with
// the sentences that AWS's services use ("1 validation error detected: Value
// null at 'tableName' failed to satisfy constraint: Member must not be null").
//
// It knows no service: rules beyond the model's are the service's own.
//
// Invariants: an input that obeys its model has no violation; violations come
// in the order of the model's members; a sensitive value never appears in one.
package validate

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/nube-run/nube/internal/awsapi/schema"
)

// Checker validates inputs of one model. It keeps the patterns that it has
// compiled, so that start-up compiles none. Safe for concurrent use.
type Checker struct {
	m        *schema.Model
	patterns sync.Map // pattern text → *pattern
}

// pattern is a compiled pattern and the text that it has matched last: a warm
// path asks for the same function, or the same table, again and again.
type pattern struct {
	re   *regexp.Regexp
	last atomic.Pointer[string]
}

func (p *pattern) matches(text string) bool {
	if last := p.last.Load(); last != nil && *last == text {
		return true
	}
	ok := p.re.MatchString(text)
	if ok && len(text) <= maxShown {
		text = strings.Clone(text) // it may be part of a whole request
		p.last.Store(&text)
	}
	return ok
}

// New returns a checker for the model.
func New(m *schema.Model) *Checker { return &Checker{m: m} }

// Violations returns one sentence for each constraint that in, a pointer to
// the Go struct of the shape, breaks; nil when there is none.
func (c *Checker) Violations(shape schema.Ref, in any) []string {
	if shape == schema.None {
		return nil
	}
	w := walk{c: c}
	w.structure(c.m.Shape(shape), reflect.ValueOf(in).Elem())
	return w.out
}

// Message joins violations into the message of one error.
func Message(violations []string) string {
	if len(violations) == 1 {
		return "1 validation error detected: " + violations[0]
	}
	return fmt.Sprintf("%d validation errors detected: %s", len(violations), strings.Join(violations, "; "))
}

type walk struct {
	c    *Checker
	path []byte // of the value being looked at
	out  []string
}

func (w *walk) structure(s *schema.Shape, v reflect.Value) {
	for i := range s.Members {
		mb := &s.Members[i]
		f := v.Field(i)
		sh := w.c.m.Shape(mb.Shape)
		if sh.Kind == schema.Custom || sh.Kind == schema.Stream {
			if mb.Required && isAbsent(f) {
				w.fail(w.at(mb.Name), "null", "Member must not be null")
			}
			continue
		}
		if isAbsent(f) {
			if mb.Required {
				w.fail(w.at(mb.Name), "null", "Member must not be null")
			}
			continue
		}
		if f.Kind() == reflect.Pointer {
			f = f.Elem()
		}
		if !needsLook(sh) {
			continue
		}
		mark := len(w.path)
		w.path = append(w.path, w.at(mb.Name)[mark:]...)
		w.value(sh, f)
		w.path = w.path[:mark]
	}
}

// needsLook says whether a shape can break any constraint at all.
func needsLook(s *schema.Shape) bool {
	switch s.Kind {
	case schema.Structure, schema.List, schema.Map:
		return true
	}
	return s.HasMin || s.HasMax || s.Pattern != "" || s.Enum != nil
}

// at is the path of a member: lower camel case, as AWS prints it.
func (w *walk) at(name string) []byte {
	p := slices.Clone(w.path)
	if len(p) > 0 {
		p = append(p, '.')
	}
	if name != "" && name[0] >= 'A' && name[0] <= 'Z' {
		p = append(p, name[0]-'A'+'a')
		return append(p, name[1:]...)
	}
	return append(p, name...)
}

func (w *walk) value(s *schema.Shape, v reflect.Value) {
	switch s.Kind {
	case schema.Structure:
		w.structure(s, v)
	case schema.List:
		w.size(s, v.Len(), v)
		elem := w.c.m.Shape(s.Elem)
		if elem.Kind == schema.Custom || !needsLook(elem) {
			return
		}
		for i := range v.Len() {
			mark := len(w.path)
			w.path = append(w.path, '.')
			w.path = strconv.AppendInt(w.path, int64(i+1), 10)
			w.path = append(w.path, ".member"...)
			w.value(elem, v.Index(i))
			w.path = w.path[:mark]
		}
	case schema.Map:
		w.mapping(s, v)
	case schema.Blob:
		w.size(s, v.Len(), v)
	case schema.String:
		w.text(s, v.String())
	case schema.Integer, schema.Long:
		w.number(s, float64(v.Int()), strconv.FormatInt(v.Int(), 10))
	case schema.Float, schema.Double:
		w.number(s, v.Float(), strconv.FormatFloat(v.Float(), 'g', -1, 64))
	}
}

func (w *walk) mapping(s *schema.Shape, v reflect.Value) {
	w.size(s, v.Len(), v)
	key, elem := w.c.m.Shape(s.Key), w.c.m.Shape(s.Elem)
	lookKey, lookElem := needsLook(key), elem.Kind != schema.Custom && needsLook(elem)
	if !lookKey && !lookElem {
		return
	}
	keys := make([]string, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		keys = append(keys, it.Key().String())
	}
	slices.Sort(keys)
	for _, k := range keys {
		if lookKey {
			w.text(key, k)
		}
		if lookElem {
			mark := len(w.path)
			w.path = append(append(append(w.path, '.'), k...), ".member"...)
			w.value(elem, v.MapIndex(reflect.ValueOf(k)))
			w.path = w.path[:mark]
		}
	}
}

func (w *walk) size(s *schema.Shape, n int, v reflect.Value) {
	if s.HasMin && float64(n) < s.Min {
		w.fail(w.path, w.show(s, v), fmt.Sprintf("Member must have length greater than or equal to %v", s.Min))
	}
	if s.HasMax && float64(n) > s.Max {
		w.fail(w.path, w.show(s, v), fmt.Sprintf("Member must have length less than or equal to %v", s.Max))
	}
}

func (w *walk) text(s *schema.Shape, text string) {
	if s.HasMin || s.HasMax {
		n := float64(utf8.RuneCountInString(text))
		if s.HasMin && n < s.Min {
			w.failText(s, text, fmt.Sprintf("Member must have length greater than or equal to %v", s.Min))
		}
		if s.HasMax && n > s.Max {
			w.failText(s, text, fmt.Sprintf("Member must have length less than or equal to %v", s.Max))
		}
	}
	if s.Enum != nil && !slices.Contains(s.Enum, text) {
		w.failText(s, text, "Member must satisfy enum value set: ["+strings.Join(s.Enum, ", ")+"]")
	}
	if s.Pattern != "" && !w.c.pattern(s.Pattern).matches(text) {
		w.failText(s, text, "Member must satisfy regular expression pattern: "+s.Pattern)
	}
}

// failText leaves the value out of the sentence when it is sensitive.
func (w *walk) failText(s *schema.Shape, text, constraint string) {
	if s.Sensitive {
		w.out = append(w.out, fmt.Sprintf("Value at '%s' failed to satisfy constraint: %s", w.path, constraint))
		return
	}
	w.fail(w.path, "'"+text+"'", constraint)
}

func (w *walk) number(s *schema.Shape, n float64, text string) {
	if s.HasMin && n < s.Min {
		w.fail(w.path, "'"+text+"'", fmt.Sprintf("Member must have value greater than or equal to %v", s.Min))
	}
	if s.HasMax && n > s.Max {
		w.fail(w.path, "'"+text+"'", fmt.Sprintf("Member must have value less than or equal to %v", s.Max))
	}
}

// maxShown bounds what of a list or map a sentence repeats.
const maxShown = 256

func (w *walk) show(s *schema.Shape, v reflect.Value) string {
	if s.Sensitive || s.Kind == schema.Blob {
		return "'[bytes]'"
	}
	text := fmt.Sprint(v.Interface())
	if len(text) > maxShown {
		text = text[:maxShown] + "…"
	}
	if s.Kind == schema.List {
		text = strings.ReplaceAll(text, " ", ", ")
	}
	return "'" + text + "'"
}

func (w *walk) fail(path []byte, value, constraint string) {
	w.out = append(w.out, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", value, path, constraint))
}

// pattern compiles a model's pattern once. The generator has proven that it
// compiles.
func (c *Checker) pattern(text string) *pattern {
	if p, ok := c.patterns.Load(text); ok {
		return p.(*pattern)
	}
	p := &pattern{re: regexp.MustCompile(`^(?:` + text + `)$`)}
	c.patterns.Store(text, p)
	return p
}

func isAbsent(f reflect.Value) bool {
	switch f.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Interface:
		if f.IsNil() {
			return true
		}
	}
	if f.CanAddr() && f.Kind() != reflect.Pointer {
		if c, ok := f.Addr().Interface().(schema.Value); ok {
			return c.Absent()
		}
	}
	return false
}
