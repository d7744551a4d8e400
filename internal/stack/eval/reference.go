package eval

import (
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// ref evaluates Ref: a pseudo parameter, a parameter, or a resource.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-ref.html
func (e *evaluator) ref(v, arg *template.Value) *template.Value {
	if arg.IsNull() || arg.Kind != template.String {
		return e.fail(v.Pos, "Template error: Ref takes the name of a parameter or a resource")
	}
	return e.name(v, arg.Text, arg.Pos)
}

// name evaluates what Ref and the variables of Fn::Sub name. v is what remains
// when the resource is not known yet.
func (e *evaluator) name(v *template.Value, name string, pos template.Pos) *template.Value {
	if strings.HasPrefix(name, "AWS::") {
		got, ok := e.env.pseudo(name, pos)
		if !ok {
			return e.unresolved(name, pos)
		}
		return got
	}
	if p, ok := e.env.Parameters[name]; ok {
		return p.at(pos)
	}
	if !e.resource(name, pos) {
		return broken(pos)
	}
	return e.attribute(v, name, "", pos)
}

// resource checks that a resource exists and may be named here.
func (e *evaluator) resource(name string, pos template.Pos) bool {
	r, ok := e.env.Template.Resource(name)
	if e.block == "Conditions" {
		e.fail(pos, "Template error: Unresolved dependencies [%s]. Cannot reference resources in the Conditions block of the template", name)
		return false
	}
	if !ok || !e.env.Active(r.Condition) {
		e.unresolved(name, pos)
		if ok {
			e.hint("%s is not created, because its condition %s is false", name, r.Condition.Text)
		}
		return false
	}
	return true
}

// unresolved reports a name that means nothing.
func (e *evaluator) unresolved(name string, pos template.Pos) *template.Value {
	e.fail(pos, "Template format error: Unresolved resource dependencies [%s] in the %s block of the template", name, e.block)
	if near := template.Suggest(name, e.names()); near != "" && near != name {
		e.hint("did you mean %s?", near)
	}
	return broken(pos)
}

// names returns what Ref can name.
func (e *evaluator) names() []string {
	t := e.env.Template
	names := []string{"AWS::AccountId", "AWS::NotificationARNs", "AWS::NoValue", "AWS::Partition", "AWS::Region", "AWS::StackId", "AWS::StackName", "AWS::URLSuffix"}
	for _, p := range t.Parameters {
		names = append(names, p.Name)
	}
	for _, r := range t.Resources {
		names = append(names, r.LogicalID)
	}
	return names
}

// attribute asks for what a resource returns.
func (e *evaluator) attribute(v *template.Value, logicalID, attribute string, pos template.Pos) *template.Value {
	if e.env.Attribute == nil {
		return v
	}
	got, known, err := e.env.Attribute(logicalID, attribute)
	switch {
	case err != nil:
		return e.fail(pos, "%v", err)
	case !known:
		return v
	}
	return got
}

// getAtt evaluates Fn::GetAtt. The attribute may itself be made of parameters.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-getatt.html
func (e *evaluator) getAtt(v, arg *template.Value) *template.Value {
	const usage = "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute"
	if arg != nil && arg.Kind == template.String {
		name, attr, _ := strings.Cut(arg.Text, ".")
		arg = template.New(arg.Pos, []*template.Value{template.New(arg.Pos, name), template.New(arg.Pos, attr)})
	}
	items, ok := e.arguments(arg, 2, 2)
	if !ok {
		return e.fail(v.Pos, usage)
	}
	name, attr := items[0], items[1]
	if name.Kind != template.String || name.Text == "" || !attr.IsScalar() || attr.Text == "" {
		return e.fail(v.Pos, usage)
	}
	if !e.getAttTarget(name.Text, name.Pos) {
		return broken(v.Pos)
	}
	return e.attribute(remain(v, "Fn::GetAtt", items), name.Text, attr.Text, attr.Pos)
}

// getAttTarget checks the resource of Fn::GetAtt, for which AWS has words of
// its own.
func (e *evaluator) getAttTarget(name string, pos template.Pos) bool {
	if _, ok := e.env.Template.Resource(name); !ok && e.block != "Conditions" {
		e.fail(pos, "Template error: instance of Fn::GetAtt references undefined resource %s", name)
		var names []string
		for _, r := range e.env.Template.Resources {
			names = append(names, r.LogicalID)
		}
		if near := template.Suggest(name, names); near != "" {
			e.hint("did you mean %s?", near)
		}
		return false
	}
	return e.resource(name, pos)
}

// importValue evaluates Fn::ImportValue.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-importvalue.html
func (e *evaluator) importValue(v, arg *template.Value) *template.Value {
	name := e.value(arg)
	switch {
	case e.block == "Conditions":
		return e.fail(v.Pos, "Template error: Fn::ImportValue cannot be used in the Conditions section")
	case name != nil && !Known(name):
		return e.fail(v.Pos, "Template error: the attribute in Fn::ImportValue must not depend on any resources, imported values, or Fn::GetAZs")
	case !name.IsScalar():
		return e.fail(v.Pos, "Template error: Fn::ImportValue takes the name of an export")
	}
	if e.env.Import != nil {
		if value, ok := e.env.Import(name.Text); ok {
			return template.New(v.Pos, value)
		}
	}
	return e.fail(name.Pos, "No export named %s found.", name.Text)
}

// Reference is a place where a value waits for a resource.
type Reference struct {
	LogicalID string
	Attribute string // empty: Ref
	Pos       template.Pos
}

// References returns the resources that an evaluated value waits for, in the
// order of their places.
func References(v *template.Value) []Reference { return references(nil, v) }

func references(refs []Reference, v *template.Value) []Reference {
	if v == nil {
		return refs
	}
	if fn, arg, ok := call(v); ok {
		switch fn {
		case "Ref":
			return append(refs, Reference{LogicalID: arg.Text, Pos: arg.Pos})
		case "Fn::GetAtt":
			return append(refs, Reference{LogicalID: arg.Items[0].Text, Attribute: arg.Items[1].Text, Pos: arg.Items[1].Pos})
		}
	}
	for _, item := range v.Items {
		refs = references(refs, item)
	}
	for _, f := range v.Fields {
		refs = references(refs, f.Value)
	}
	return refs
}
