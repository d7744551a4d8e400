package eval

import (
	"encoding/base64"
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// join evaluates Fn::Join.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-join.html
func (e *evaluator) join(v, arg *template.Value) *template.Value {
	const usage = "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined " +
		"or a function that returns a list of strings (such as Fn::GetAZs) to be joined."
	if arg == nil || arg.Kind != template.List || len(arg.Items) != 2 || !arg.Items[0].IsScalar() {
		return e.fail(v.Pos, usage)
	}
	list := e.value(arg.Items[1])
	if list != nil && pending(list) {
		return remain(v, "Fn::Join", []*template.Value{arg.Items[0], list})
	}
	if list == nil || list.Kind != template.List {
		return e.fail(v.Pos, usage)
	}
	return e.concat(v, arg.Items[0].Text, list.Items)
}

// concat joins evaluated parts. Where some are not known yet it returns the
// Fn::Join that remains, its known neighbours joined already.
func (e *evaluator) concat(v *template.Value, sep string, parts []*template.Value) *template.Value {
	var out []*template.Value
	known := true
	for i := 0; i < len(parts); i++ {
		p := parts[i]
		switch {
		case p == nil:
			continue
		case pending(p):
			known = false
			out = append(out, p)
			continue
		case !p.IsScalar():
			return e.fail(p.Pos, "Template error: a %s cannot be joined into a text", p.Kind)
		}
		if last := len(out) - 1; last >= 0 && !pending(out[last]) {
			out[last] = template.New(out[last].Pos, out[last].Text+sep+p.Text)
		} else {
			out = append(out, template.New(p.Pos, p.Text))
		}
	}
	switch {
	case !known:
		return template.New(v.Pos, template.Object{{Key: "Fn::Join", Value: []*template.Value{template.New(v.Pos, sep), template.New(v.Pos, out)}}})
	case len(out) == 0:
		return template.New(v.Pos, "")
	}
	return template.New(v.Pos, out[0].Text)
}

// split evaluates Fn::Split.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-split.html
func (e *evaluator) split(v, arg *template.Value) *template.Value {
	items, ok := e.arguments(arg, 2, 2)
	if ok && pending(items[1]) {
		return remain(v, "Fn::Split", items)
	}
	if !ok || !items[0].IsScalar() || items[0].Text == "" || !items[1].IsScalar() {
		return e.fail(v.Pos, "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split "+
			"or a function that returns a string to be split.")
	}
	return template.New(v.Pos, strings.Split(items[1].Text, items[0].Text))
}

// selectItem evaluates Fn::Select.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-select.html
func (e *evaluator) selectItem(v, arg *template.Value) *template.Value {
	const usage = "Template error: Fn::Select requires a list argument with two elements: an integer index and a list"
	items, ok := e.arguments(arg, 2, 2)
	if !ok {
		return e.fail(v.Pos, usage)
	}
	index, list := items[0], items[1]
	if pending(index) || pending(list) {
		return remain(v, "Fn::Select", items)
	}
	i, ok := index.AsInt()
	if !ok || list.Kind != template.List {
		return e.fail(v.Pos, usage)
	}
	if i < 0 || i >= int64(len(list.Items)) {
		return e.fail(v.Pos, "Template error: Fn::Select cannot select nonexistent value at index %d", i)
	}
	return list.Items[i]
}

// base64 evaluates Fn::Base64.
func (e *evaluator) base64(v, arg *template.Value) *template.Value {
	text := e.value(arg)
	if text != nil && pending(text) {
		return rebuild(v, "Fn::Base64", text)
	}
	if !text.IsScalar() {
		return e.fail(v.Pos, "Template error: every Fn::Base64 object must have a String-typed value.")
	}
	return template.New(v.Pos, base64.StdEncoding.EncodeToString([]byte(text.Text)))
}

// length evaluates Fn::Length.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-length.html
func (e *evaluator) length(v, arg *template.Value) *template.Value {
	if !e.needsExtensions(v, "Fn::Length") {
		return template.New(v.Pos, 0)
	}
	list := e.value(arg)
	if list != nil && pending(list) {
		return rebuild(v, "Fn::Length", list)
	}
	if list == nil || list.Kind != template.List {
		return e.fail(v.Pos, "Template error: Fn::Length takes a list")
	}
	return template.New(v.Pos, len(list.Items))
}

// toJSON evaluates Fn::ToJsonString.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-ToJsonString.html
func (e *evaluator) toJSON(v, arg *template.Value) *template.Value {
	if !e.needsExtensions(v, "Fn::ToJsonString") {
		return broken(v.Pos)
	}
	x := e.value(arg)
	if !Known(x) {
		return rebuild(v, "Fn::ToJsonString", x)
	}
	if x == nil || x.Kind != template.List && x.Kind != template.Map {
		return e.fail(v.Pos, "Template error: Fn::ToJsonString takes a map or a list")
	}
	return template.New(v.Pos, string(x.AppendJSON(nil)))
}

// needsExtensions refuses a function that AWS knows only with a transform, so
// that what runs here deploys there.
func (e *evaluator) needsExtensions(v *template.Value, what string) bool {
	if e.env.extended() {
		return true
	}
	e.fail(v.Pos, "Template error: %s needs the transform %s", what, languageExtensions)
	e.hint("add \"Transform: %s\" to the template", languageExtensions)
	return false
}
