package eval

import (
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// Value evaluates a value of the named section (Resources, Outputs), as far as
// Env knows. The result is nil when the value is AWS::NoValue.
func (env *Env) Value(section string, v *template.Value) (*template.Value, template.Diagnostics) {
	e := evaluator{env: env, block: section}
	out := e.value(v)
	return out, e.diags
}

// evaluator evaluates one value and collects what is wrong with it.
type evaluator struct {
	env   *Env
	block string // the section, for messages
	diags template.Diagnostics
}

// fail reports an error and returns something to go on with: a call, of which
// nobody knows the value.
func (e *evaluator) fail(pos template.Pos, format string, args ...any) *template.Value {
	e.diags = append(e.diags, template.Errorf(pos, format, args...))
	return broken(pos)
}

func broken(pos template.Pos) *template.Value {
	return template.New(pos, template.Object{{Key: "Ref", Value: ""}})
}

// hint adds what would work to the newest diagnostic.
func (e *evaluator) hint(format string, args ...any) {
	d := &e.diags[len(e.diags)-1]
	*d = d.WithHint(format, args...)
}

// value evaluates any value. Nil is AWS::NoValue: the field or element that
// holds it vanishes.
func (e *evaluator) value(v *template.Value) *template.Value {
	if v == nil {
		return nil
	}
	switch v.Kind {
	case template.List:
		return e.list(v)
	case template.Map:
		if fn, arg, ok := call(v); ok {
			return e.call(v, fn, arg)
		}
		return e.mapping(v)
	case template.String:
		e.dynamic(v)
	}
	return v
}

// DynamicPrefix is what a dynamic reference begins with; two braces end it.
const DynamicPrefix = "{{resolve:"

// dynamic checks the dynamic references in a text. They stay as they are: what
// they stand for is read when a resource is made.
func (e *evaluator) dynamic(v *template.Value) {
	_, rest, ok := strings.Cut(v.Text, DynamicPrefix)
	if !ok {
		return
	}
	service, _, _ := strings.Cut(rest, ":")
	switch {
	case e.block != "Resources":
		e.fail(v.Pos, "dynamic references ({{resolve:...}}) are not supported in the %s block of the template", e.block)
		e.hint("declare a parameter of the type AWS::SSM::Parameter::Value<String>")
	case service != "ssm" && service != "ssm-secure" && service != "secretsmanager":
		e.fail(v.Pos, "%q is not what a dynamic reference can read", service)
		e.hint("ssm, ssm-secure and secretsmanager are")
	}
}

// call returns the function that a map is. "Condition" is one only where
// conditions stand; elsewhere it is the Condition of a policy statement.
func call(v *template.Value) (fn string, arg *template.Value, ok bool) {
	fn, arg, ok = v.Call()
	return fn, arg, ok && fn != "Condition"
}

func (e *evaluator) list(v *template.Value) *template.Value {
	var items []*template.Value
	changed := false
	for i, item := range v.Items {
		got := e.value(item)
		if got != item && !changed {
			changed = true
			items = append(items, v.Items[:i]...)
		}
		if changed && got != nil {
			items = append(items, got)
		}
	}
	if !changed {
		return v
	}
	return &template.Value{Kind: template.List, Pos: v.Pos, Items: items}
}

func (e *evaluator) mapping(v *template.Value) *template.Value {
	var fields []template.Field
	changed := false
	for i, f := range v.Fields {
		if strings.HasPrefix(f.Key, "Fn::") {
			e.fail(f.Pos, "%s must be the only key of its map", f.Key)
			continue
		}
		got := e.value(f.Value)
		if got != f.Value && !changed {
			changed = true
			fields = append(fields, v.Fields[:i]...)
		}
		if changed && got != nil {
			fields = append(fields, template.Field{Key: f.Key, Pos: f.Pos, Value: got})
		}
	}
	if !changed {
		return v
	}
	return &template.Value{Kind: template.Map, Pos: v.Pos, Fields: fields}
}

// call evaluates a function. v is the call itself, which is returned when it
// cannot be reduced and none of its arguments changed.
func (e *evaluator) call(v *template.Value, fn string, arg *template.Value) *template.Value {
	switch fn {
	case "Ref":
		return e.ref(v, arg)
	case "Fn::GetAtt":
		return e.getAtt(v, arg)
	case "Fn::Sub":
		return e.sub(v, arg)
	case "Fn::Join":
		return e.join(v, arg)
	case "Fn::Split":
		return e.split(v, arg)
	case "Fn::Select":
		return e.selectItem(v, arg)
	case "Fn::If":
		return e.ifElse(v, arg)
	case "Fn::FindInMap":
		return e.findInMap(v, arg)
	case "Fn::Base64":
		return e.base64(v, arg)
	case "Fn::Cidr":
		return e.cidr(v, arg)
	case "Fn::GetAZs":
		return e.zones(v, arg)
	case "Fn::ImportValue":
		return e.importValue(v, arg)
	case "Fn::Length":
		return e.length(v, arg)
	case "Fn::ToJsonString":
		return e.toJSON(v, arg)
	case "Fn::And", "Fn::Or", "Fn::Not", "Fn::Equals":
		return e.fail(v.Pos, "%s can be used in the Conditions section only", fn)
	case "Fn::Transform":
		e.fail(v.Pos, "Fn::Transform is not supported")
		e.hint("macros run in AWS; write out what the macro would produce")
	case "Fn::ForEach", "Fn::GetStackOutput":
		e.fail(v.Pos, "%s is not supported", fn)
	default:
		e.fail(v.Pos, "Template error: %s is not a function", fn)
		if near := template.Suggest(fn, template.Functions()); near != "" {
			e.hint("did you mean %s?", near)
		}
	}
	return broken(v.Pos)
}

// rebuild returns the call with reduced arguments: what remains when it cannot
// be reduced itself.
func rebuild(v *template.Value, fn string, arg *template.Value) *template.Value {
	if v.Fields[0].Value == arg {
		return v
	}
	return &template.Value{Kind: template.Map, Pos: v.Pos, Fields: []template.Field{{Key: fn, Pos: v.Pos, Value: arg}}}
}

// pending reports whether a value, as a whole, is not known yet: it is a call.
func pending(v *template.Value) bool {
	_, _, ok := call(v)
	return ok
}

// Known reports whether an evaluated value holds no call any more.
func Known(v *template.Value) bool {
	if v == nil {
		return true
	}
	switch v.Kind {
	case template.List:
		for _, item := range v.Items {
			if !Known(item) {
				return false
			}
		}
	case template.Map:
		if pending(v) {
			return false
		}
		for _, f := range v.Fields {
			if !Known(f.Value) {
				return false
			}
		}
	}
	return true
}

// arguments returns the items of a function's argument, evaluated where they
// are lists by value, or false when it is not a list of between low and high
// items.
func (e *evaluator) arguments(arg *template.Value, low, high int) ([]*template.Value, bool) {
	if arg == nil || arg.Kind != template.List || len(arg.Items) < low || len(arg.Items) > high {
		return nil, false
	}
	items := make([]*template.Value, len(arg.Items))
	for i, item := range arg.Items {
		if items[i] = e.value(item); items[i] == nil {
			items[i] = &template.Value{Kind: template.Null, Pos: item.Pos}
		}
	}
	return items, true
}

// remain returns the call with these arguments.
func remain(v *template.Value, fn string, items []*template.Value) *template.Value {
	arg := v.Fields[0].Value
	same := arg.Kind == template.List && len(arg.Items) == len(items)
	for i := 0; same && i < len(items); i++ {
		same = arg.Items[i] == items[i]
	}
	if same {
		return v
	}
	return rebuild(v, fn, &template.Value{Kind: template.List, Pos: arg.Pos, Items: items})
}
