package eval

import (
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// sub evaluates Fn::Sub. What cannot be reduced becomes the Fn::Join of its
// parts, so that a text which came in through a variable is never read as a
// template again.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-sub.html
func (e *evaluator) sub(v, arg *template.Value) *template.Value {
	const usage = "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. " +
		"Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string"
	text := arg
	var variables *template.Value
	if arg != nil && arg.Kind == template.List {
		if len(arg.Items) != 2 || arg.Items[1].Kind != template.Map {
			return e.fail(v.Pos, usage)
		}
		text, variables = arg.Items[0], arg.Items[1]
	}
	if text.IsNull() || !text.IsScalar() {
		return e.fail(v.Pos, usage)
	}
	e.dynamic(text)
	var parts []*template.Value
	for _, p := range splitSub(text.Text) {
		if !p.variable {
			parts = append(parts, template.New(text.Pos, p.text))
			continue
		}
		pos := text.Pos
		if text.Plain && !strings.ContainsRune(text.Text, '\n') {
			pos = pos.Shift(p.at)
		}
		parts = append(parts, e.variable(p.text, pos, variables))
	}
	return e.concat(v, "", parts)
}

// variable evaluates what stands between ${ and }.
func (e *evaluator) variable(name string, pos template.Pos, variables *template.Value) *template.Value {
	if name == "" || strings.ContainsAny(name, " {}$") {
		return e.fail(pos, "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons")
	}
	if f, ok := variables.Field(name); ok {
		return e.value(f.Value)
	}
	id, attr, dotted := strings.Cut(name, ".")
	if !dotted {
		return e.name(template.New(pos, template.Object{{Key: "Ref", Value: template.New(pos, name)}}), name, pos)
	}
	if _, ok := e.env.Template.Resource(id); !ok && e.block != "Conditions" {
		e.fail(pos, "Template error: instance of Fn::Sub references invalid resource attribute %s", name)
		return broken(pos)
	}
	if !e.resource(id, pos) {
		return broken(pos)
	}
	getAtt := template.New(pos, template.Object{{Key: "Fn::GetAtt", Value: []*template.Value{template.New(pos, id), template.New(pos, attr)}}})
	return e.attribute(getAtt, id, attr, pos)
}

// subPart is a piece of the text of Fn::Sub.
type subPart struct {
	text     string
	variable bool
	at       int // where it begins, in characters
}

// splitSub cuts a text at its variables. ${!Name} is the text ${Name}; a ${
// that nothing closes is text.
func splitSub(s string) []subPart {
	var parts []subPart
	var text strings.Builder
	at := 0
	for s != "" {
		i := strings.Index(s, "${")
		end := -1
		if i >= 0 {
			end = strings.IndexByte(s[i:], '}')
		}
		if end < 0 {
			text.WriteString(s)
			break
		}
		text.WriteString(s[:i])
		name := s[i+2 : i+end]
		at += len([]rune(s[:i]))
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			text.WriteString("${" + literal + "}")
		} else {
			if text.Len() > 0 {
				parts = append(parts, subPart{text: text.String()})
				text.Reset()
			}
			parts = append(parts, subPart{text: strings.TrimSpace(name), variable: true, at: at + 2})
		}
		at += len([]rune(s[i : i+end+1]))
		s = s[i+end+1:]
	}
	if text.Len() > 0 {
		parts = append(parts, subPart{text: text.String()})
	}
	return parts
}
