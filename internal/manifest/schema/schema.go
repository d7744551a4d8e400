package schema

import (
	"fmt"
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// Schema describes a value.
type Schema interface {
	// check returns the value as the schema reads it, and reports what does not fit to c.
	check(c *checker, v *template.Value) *template.Value
	// takes reports whether values of a kind can fit at all, without a change.
	takes(template.Kind) bool
	// String completes the sentence "... must be".
	String() string
}

// Check holds a value against a schema and returns the value as the schema reads it.
func Check(v *template.Value, s Schema) (*template.Value, template.Diagnostics) {
	c := checker{}
	out := s.check(&c, v)
	return out, c.diags
}

// checker collects what does not fit, and where in the value it is.
type checker struct {
	diags template.Diagnostics
	path  []string
}

// name returns what a diagnostic calls the value at hand.
func (c *checker) name() string {
	if len(c.path) == 0 {
		return "the value"
	}
	return strings.Join(c.path, ".")
}

func (c *checker) under(key string, f func()) {
	c.path = append(c.path, key)
	f()
	c.path = c.path[:len(c.path)-1]
}

func (c *checker) errorf(pos template.Pos, format string, args ...any) *template.Diagnostic {
	c.diags = append(c.diags, template.Errorf(pos, format, args...))
	return &c.diags[len(c.diags)-1]
}

// mismatch reports that a value is not what its schema says.
func (c *checker) mismatch(v *template.Value, s fmt.Stringer) *template.Value {
	c.errorf(v.Pos, "%s must be %s, and this is %s", c.name(), s, describe(v))
	return v
}

// describe says what a value is, for the end of a sentence.
func describe(v *template.Value) string {
	switch v.Kind {
	case template.String:
		if text := v.Text; len(text) <= 60 && !strings.Contains(text, "\n") {
			return fmt.Sprintf("%q", text)
		}
		return "another text"
	case template.Number, template.Bool:
		s, _ := v.Literal()
		return s
	case template.Map:
		if fn, _, ok := v.Call(); ok {
			return fn
		}
		return "a map"
	case template.List:
		return "a list"
	}
	return "null"
}

// attempt runs a schema on a value without reporting.
func (c *checker) attempt(v *template.Value, s Schema) (*template.Value, template.Diagnostics) {
	try := checker{path: c.path}
	out := s.check(&try, v)
	return out, try.diags
}

// single unwraps a list of one element where a scalar is expected.
func single(v *template.Value) *template.Value {
	if v.Kind == template.List && len(v.Items) == 1 {
		return v.Items[0]
	}
	return v
}

// Any fits everything.
type Any struct{}

func (Any) check(_ *checker, v *template.Value) *template.Value { return v }
func (Any) takes(template.Kind) bool                            { return true }
func (Any) String() string                                      { return "anything" }

// Refuse is what the format knows and this program does not do: the diagnostic says why, and what would work.
type Refuse struct{ Why, Hint string }

func (s Refuse) check(c *checker, v *template.Value) *template.Value {
	s.report(c, v.Pos)
	return v
}

func (s Refuse) report(c *checker, pos template.Pos) {
	d := c.errorf(pos, "%s is not supported: %s", c.name(), s.Why)
	if s.Hint != "" {
		*d = d.WithHint("%s", s.Hint)
	}
}
func (Refuse) takes(template.Kind) bool { return true }
func (Refuse) String() string           { return "absent" }

// unknownKey begins the message about a key that no schema has.
const unknownKey = "unknown key "

// IsUnknownKey reports whether a diagnostic of [Check] is about a key that the schema does not have, which a caller may want
// to forgive.
func IsUnknownKey(d template.Diagnostic) bool { return strings.HasPrefix(d.Message, unknownKey) }
