package eval

import (
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// condition evaluates a condition of the Conditions section, each once. path
// holds the conditions being evaluated, to find cycles.
func (e *evaluator) condition(name string, pos template.Pos, path []string) bool {
	if v, done := e.env.conditions[name]; done {
		return v
	}
	c, ok := e.env.Template.Condition(name)
	if !ok {
		e.fail(pos, "Template error: unresolved condition dependency %s in the Conditions block of the template", name)
		e.nearCondition(name)
		return false
	}
	if slices.Contains(path, name) {
		e.fail(pos, "Template error: circular dependency between conditions: %s", strings.Join(append(path, name), " -> "))
		return false
	}
	v := e.boolean(c.Body, append(path, name))
	e.env.conditions[name] = v
	return v
}

func (e *evaluator) nearCondition(name string) {
	var names []string
	for _, c := range e.env.Template.Conditions {
		names = append(names, c.Name)
	}
	if near := template.Suggest(name, names); near != "" {
		e.hint("did you mean %s?", near)
	}
}

// boolean evaluates a condition function.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-conditions.html
func (e *evaluator) boolean(v *template.Value, path []string) bool {
	fn, arg, ok := v.Call()
	if !ok {
		if v.IsScalar() {
			if b, ok := v.AsBool(); ok {
				return b
			}
		}
		e.fail(v.At(), "Template error: Conditions can only be boolean operations on parameters and other conditions")
		return false
	}
	switch fn {
	case "Condition":
		if !arg.IsScalar() {
			e.fail(v.Pos, "Template error: Condition takes the name of a condition")
			return false
		}
		return e.condition(arg.Text, arg.Pos, path)
	case "Fn::Equals":
		items, ok := e.arguments(arg, 2, 2)
		if !ok {
			e.fail(v.Pos, "Template error: every Fn::Equals object requires a list of 2 string parameters.")
			return false
		}
		return same(items[0], items[1])
	case "Fn::Not":
		if arg.Kind != template.List || len(arg.Items) != 1 {
			e.fail(v.Pos, "Template error: every Fn::Not object requires one boolean parameter.")
			return false
		}
		return !e.boolean(arg.Items[0], path)
	case "Fn::And", "Fn::Or":
		if arg.Kind != template.List || len(arg.Items) < 2 || len(arg.Items) > 10 {
			e.fail(v.Pos, "Template error: every %s object requires a list of at least 2 and at most 10 boolean parameters.", fn)
			return false
		}
		all, some := true, false
		for _, item := range arg.Items {
			b := e.boolean(item, path)
			all, some = all && b, some || b
		}
		if fn == "Fn::And" {
			return all
		}
		return some
	}
	e.fail(v.Pos, "Template error: Conditions can only be boolean operations on parameters and other conditions")
	e.hint("the operations are Fn::And, Fn::Equals, Fn::Not, Fn::Or and Condition")
	return false
}

// same compares the arguments of Fn::Equals: scalars as texts.
func same(a, b *template.Value) bool {
	if a.IsScalar() && b.IsScalar() {
		return a.Text == b.Text
	}
	return template.Equal(a, b)
}

// ifElse evaluates Fn::If: only the branch that counts.
func (e *evaluator) ifElse(v, arg *template.Value) *template.Value {
	if arg == nil || arg.Kind != template.List || len(arg.Items) != 3 || !arg.Items[0].IsScalar() {
		return e.fail(v.Pos, "Template error: Fn::If requires a list argument with three elements: the name of a condition, the value if it is true, and the value if it is false")
	}
	name := arg.Items[0]
	b, ok := e.env.conditions[name.Text]
	if !ok {
		e.fail(name.Pos, "Template error: unresolved condition dependency %s in Fn::If", name.Text)
		e.nearCondition(name.Text)
		return broken(v.Pos)
	}
	if b {
		return e.value(arg.Items[1])
	}
	return e.value(arg.Items[2])
}
