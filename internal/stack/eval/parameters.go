package eval

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/regex"
	"github.com/nube-run/nube/internal/template"
)

// Parameters are the values of a template's parameters by name.
type Parameters map[string]Parameter

// Parameter is the value of one parameter.
type Parameter struct {
	Text   string // as it was given
	List   bool   // Ref returns a list
	NoEcho bool   // must not be shown
	// Stored says that Text is the name of a parameter in Parameter Store, and
	// Value what that holds. Who binds sets it before anything is evaluated.
	Stored bool
	Value  string
}

// at returns what Ref of the parameter yields.
func (p Parameter) at(pos template.Pos) *template.Value {
	text := p.Text
	if p.Stored {
		text = p.Value
	}
	if !p.List {
		return template.New(pos, text)
	}
	return template.New(pos, split(text))
}

// split cuts a comma-delimited list; space around its members does not count.
func split(s string) []string {
	if s == "" {
		return []string{}
	}
	items := strings.Split(s, ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return items
}

// Bind gives the parameters of a template their values: what is given, else
// their default. It checks them against their constraints.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
func Bind(t *template.Template, given map[string]string) (Parameters, template.Diagnostics) {
	var ds template.Diagnostics
	ps := make(Parameters, len(t.Parameters))
	var missing []string
	var firstMissing template.Pos
	for i := range t.Parameters {
		p := &t.Parameters[i]
		kind, d := parameterKind(p)
		if d != nil {
			ds = append(ds, *d)
			continue
		}
		text, ok := given[p.Name]
		if !ok {
			def := p.Default()
			if !def.IsScalar() {
				if missing == nil {
					firstMissing = p.Pos
				}
				missing = append(missing, p.Name)
				continue
			}
			text = def.Text
		}
		value := Parameter{Text: text, List: kind.list, Stored: kind.stored}
		value.NoEcho, _ = p.Body.Get("NoEcho").AsBool()
		if d := constrain(p, kind, text); d != nil {
			ds = append(ds, *d)
			continue
		}
		ps[p.Name] = value
	}
	if missing != nil {
		ds = append(ds, template.Errorf(firstMissing, "Parameters: [%s] must have values", strings.Join(missing, ", ")))
	}
	var unknown []string
	for name := range given {
		if _, ok := t.Parameter(name); !ok {
			unknown = append(unknown, name)
		}
	}
	if unknown != nil {
		slices.Sort(unknown)
		ds = append(ds, template.Errorf(template.Pos{File: t.Pos.File}, "Parameters: [%s] do not exist in the template", strings.Join(unknown, ", ")))
	}
	return ps, ds
}

// kind is how the text of a parameter is read.
type kind struct{ list, number, stored bool }

// Sketch gives the parameters of a template their defaults, and to those without
// one a value that they could have, for checks without their values.
func Sketch(t *template.Template) (Parameters, template.Diagnostics) {
	var ds template.Diagnostics
	ps := make(Parameters, len(t.Parameters))
	for i := range t.Parameters {
		p := &t.Parameters[i]
		k, d := parameterKind(p)
		v := Parameter{Text: "placeholder", List: k.list, Stored: k.stored, Value: "placeholder"}
		values := p.Body.Get("AllowedValues")
		switch def := p.Default(); {
		case def.IsScalar():
			v.Text = def.Text
			if d == nil {
				d = constrain(p, k, v.Text)
			}
		case values != nil && len(values.Items) > 0:
			v.Text = values.Items[0].Text
		case k.number:
			v.Text = "1"
		}
		if d != nil {
			ds = append(ds, *d)
		}
		ps[p.Name] = v
	}
	return ps, ds
}

// parameterKind reads the Type of a parameter. Types that AWS would look up
// somewhere else than in Parameter Store are refused: there is nowhere to look.
func parameterKind(p *template.Parameter) (kind, *template.Diagnostic) {
	switch p.Type {
	case "String":
		return kind{}, nil
	case "Number":
		return kind{number: true}, nil
	case "CommaDelimitedList", "List<String>":
		return kind{list: true}, nil
	case "List<Number>":
		return kind{list: true, number: true}, nil
	case "AWS::SSM::Parameter::Name":
		return kind{}, nil
	case "AWS::SSM::Parameter::Value<String>":
		return kind{stored: true}, nil
	case "AWS::SSM::Parameter::Value<List<String>>", "AWS::SSM::Parameter::Value<CommaDelimitedList>":
		return kind{list: true, stored: true}, nil
	}
	pos := p.Body.Get("Type").At()
	d := template.Errorf(pos, "Template format error: Unrecognized parameter type: %s", p.Type)
	switch {
	case strings.HasPrefix(p.Type, "AWS::SSM::Parameter::"):
		d = template.Errorf(pos, "the parameter type %s is not supported", p.Type).
			WithHint("nube has AWS::SSM::Parameter::Name, and ::Value<String>, <List<String>> and <CommaDelimitedList>: there is nothing here to check such a value against")
	case strings.HasPrefix(p.Type, "AWS::"), strings.HasPrefix(p.Type, "List<AWS::"):
		d = template.Errorf(pos, "the parameter type %s is not supported", p.Type).
			WithHint("make it a String or a CommaDelimitedList: there is nothing here to check such a value against")
	default:
		if near := template.Suggest(p.Type, []string{"String", "Number", "List<Number>", "CommaDelimitedList"}); near != "" {
			d = d.WithHint("did you mean %s?", near)
		}
	}
	return kind{}, &d
}

// constrain checks a value against the constraints of its parameter.
func constrain(p *template.Parameter, k kind, text string) *template.Diagnostic {
	items := []string{text}
	if k.list {
		items = split(text)
	}
	if k.stored {
		items = []string{text} // the name
	}
	for _, item := range items {
		reason := ""
		switch {
		case k.number && !isNumber(item):
			d := template.Errorf(p.Pos, "Parameter '%s' must be a number", p.Name)
			return &d
		case !allowed(p.Body.Get("AllowedValues"), item):
			reason = "must be one of AllowedValues"
		case k.number:
			reason = bounds(p.Body, item)
		default:
			reason = lengths(p.Body, item)
			if pattern := p.Body.Get("AllowedPattern"); reason == "" && pattern.IsScalar() {
				re, err := regex.CompileWhole(pattern.Text)
				if err != nil {
					d := template.Errorf(pattern.Pos, "the AllowedPattern of %s cannot be used: %v", p.Name, err)
					return &d
				}
				if !re.MatchString(item) {
					reason = "must match pattern " + pattern.Text
				}
			}
		}
		if reason == "" {
			continue
		}
		d := template.Errorf(p.Pos, "Parameter '%s' %s", p.Name, reason)
		if desc, ok := p.Body.Get("ConstraintDescription").AsString(); ok {
			d = template.Errorf(p.Pos, "Parameter %s failed to satisfy constraint: %s", p.Name, desc)
		}
		if noEcho, _ := p.Body.Get("NoEcho").AsBool(); !noEcho {
			d = d.WithHint("its value is %q", text)
		}
		return &d
	}
	return nil
}

func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil && strings.Trim(s, "+-.0123456789eE") == "" // not NaN, Inf or 0x1p2
}

func allowed(values *template.Value, item string) bool {
	if values.IsNull() || values.Kind != template.List {
		return true
	}
	for _, v := range values.Items {
		if v.IsScalar() && v.Text == item {
			return true
		}
	}
	return false
}

func bounds(body *template.Value, item string) string {
	n, _ := strconv.ParseFloat(item, 64)
	if least, ok := body.Get("MinValue").AsFloat(); ok && n < least {
		return "must be a number not less than " + body.Get("MinValue").Text
	}
	if most, ok := body.Get("MaxValue").AsFloat(); ok && n > most {
		return "must be a number not greater than " + body.Get("MaxValue").Text
	}
	return ""
}

func lengths(body *template.Value, item string) string {
	n := int64(len([]rune(item)))
	if least, ok := body.Get("MinLength").AsInt(); ok && n < least {
		return fmt.Sprintf("must contain at least %d characters", least)
	}
	if most, ok := body.Get("MaxLength").AsInt(); ok && n > most {
		return fmt.Sprintf("must contain at most %d characters", most)
	}
	return ""
}
