package schema

import (
	"fmt"
	"math"
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// String is a text.
type String struct {
	Match    func(string) bool // or nil
	Form     string            // what Match accepts, for messages: "an ARN"
	Min, Max int               // characters; a Max of 0 is no limit
}

func (s String) check(c *checker, v *template.Value) *template.Value {
	out := single(v)
	if !out.IsScalar() {
		return c.mismatch(v, s)
	}
	if out.Kind != template.String {
		text, _ := out.Literal()
		out = template.New(out.Pos, text)
	}
	n := len([]rune(out.Text))
	if n < s.Min || s.Max > 0 && n > s.Max || s.Match != nil && !s.Match(out.Text) {
		return c.mismatch(out, s)
	}
	return out
}

func (String) takes(k template.Kind) bool { return k == template.String }

func (s String) String() string {
	form := s.Form
	if form == "" {
		form = "a text"
	}
	switch {
	case s.Max > 0:
		return fmt.Sprintf("%s of at most %d characters", form, s.Max)
	case s.Min > 0 && s.Form == "":
		return "a text that is not empty"
	}
	return form
}

// Enum is one of some texts.
type Enum []string

func (s Enum) check(c *checker, v *template.Value) *template.Value {
	for _, e := range s {
		if v.Kind == template.String && v.Text == e {
			return v
		}
	}
	c.mismatch(v, s)
	if v.Kind == template.String {
		if near := template.Suggest(v.Text, s); near != "" {
			d := &c.diags[len(c.diags)-1]
			*d = d.WithHint("did you mean %q?", near)
		}
	}
	return v
}

func (Enum) takes(k template.Kind) bool { return k == template.String }

func (s Enum) String() string {
	if len(s) == 1 {
		return s[0]
	}
	return "one of " + strings.Join(s, ", ")
}

// Fold is one of some texts, in any mixture of upper and lower case. The value stays as it was written.
type Fold []string

func (s Fold) check(c *checker, v *template.Value) *template.Value {
	out := single(v)
	for _, e := range s {
		if out.Kind == template.String && strings.EqualFold(out.Text, e) {
			return out
		}
	}
	return c.mismatch(v, Enum(s))
}

func (Fold) takes(k template.Kind) bool { return k == template.String }
func (s Fold) String() string           { return Enum(s).String() }

// Int is a whole number between two limits, both of which may be reached. A Max of 0 is no limit.
type Int struct{ Min, Max int }

func (s Int) check(c *checker, v *template.Value) *template.Value {
	out := single(v)
	n, ok := number(out)
	if !ok || n != math.Trunc(n) || n < float64(s.Min) || s.Max > 0 && n > float64(s.Max) {
		return c.mismatch(v, s)
	}
	if out.Kind != template.Number {
		out = template.New(out.Pos, n)
	}
	return out
}

func (Int) takes(k template.Kind) bool { return k == template.Number }

func (s Int) String() string {
	switch {
	case s.Max > 0:
		return fmt.Sprintf("a whole number from %d to %d", s.Min, s.Max)
	case s.Min > 0:
		return fmt.Sprintf("a whole number of at least %d", s.Min)
	}
	return "a whole number"
}

// Numbers is one of some whole numbers.
type Numbers []int

func (s Numbers) check(c *checker, v *template.Value) *template.Value {
	out := single(v)
	n, ok := number(out)
	for _, e := range s {
		if ok && n == float64(e) {
			return template.New(out.Pos, n)
		}
	}
	return c.mismatch(v, s)
}

func (Numbers) takes(k template.Kind) bool { return k == template.Number }

func (s Numbers) String() string {
	return "one of " + strings.Trim(strings.ReplaceAll(fmt.Sprint([]int(s)), " ", ", "), "[]")
}

// Number is any number.
type Number struct{}

func (s Number) check(c *checker, v *template.Value) *template.Value {
	out := single(v)
	n, ok := number(out)
	if !ok {
		return c.mismatch(v, s)
	}
	if out.Kind != template.Number {
		out = template.New(out.Pos, n)
	}
	return out
}

func (Number) takes(k template.Kind) bool { return k == template.Number }
func (Number) String() string             { return "a number" }

// number reads a scalar as a number: a boolean counts as 0 or 1.
func number(v *template.Value) (float64, bool) {
	if v.Kind == template.Bool {
		if b, _ := v.AsBool(); b {
			return 1, true
		}
		return 0, true
	}
	return v.AsFloat()
}

// Bool is true or false.
type Bool struct{}

func (s Bool) check(c *checker, v *template.Value) *template.Value {
	out := single(v)
	text, _ := out.Literal()
	switch {
	case out.Kind == template.Bool:
		return out
	case text == "true" || out.Kind == template.Number && text == "1":
		return template.New(out.Pos, true)
	case text == "false" || out.Kind == template.Number && text == "0":
		return template.New(out.Pos, false)
	}
	return c.mismatch(v, s)
}

func (Bool) takes(k template.Kind) bool { return k == template.Bool }
func (Bool) String() string             { return "true or false" }

// Const is one boolean, text or number, exactly.
type Const struct{ Value any }

func (s Const) check(c *checker, v *template.Value) *template.Value {
	if !template.Equal(v, template.New(v.Pos, s.Value)) {
		return c.mismatch(v, s)
	}
	return v
}

func (s Const) takes(k template.Kind) bool { return template.New(template.Pos{}, s.Value).Kind == k }

func (s Const) String() string {
	if text, ok := s.Value.(string); ok {
		return fmt.Sprintf("%q", text)
	}
	return fmt.Sprint(s.Value)
}
