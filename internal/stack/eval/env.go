package eval

import (
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/template"
)

// Env is what the functions of a template can see. Its fields are not changed
// while it is in use; it may be used by several goroutines.
type Env struct {
	Template   *template.Template
	Parameters Parameters
	Stack      Stack

	// Attribute returns what Fn::GetAtt of a resource yields, or what Ref
	// yields when attribute is empty. known is false when the resource does not
	// exist yet; err says that it has no such attribute. A nil function knows
	// nothing.
	Attribute func(logicalID, attribute string) (v *template.Value, known bool, err error)

	// Import returns the value that another stack exports under a name. A nil
	// function knows none.
	Import func(name string) (value string, ok bool)

	conditions map[string]bool
}

// Stack is what the pseudo parameters say.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html
type Stack struct {
	Name, ID         string
	Scope            arn.Scope
	NotificationARNs []string
}

// New returns an environment whose conditions are evaluated: they depend on
// nothing but parameters and mappings.
func New(t *template.Template, p Parameters, s Stack) (*Env, template.Diagnostics) {
	env := &Env{Template: t, Parameters: p, Stack: s, conditions: make(map[string]bool, len(t.Conditions))}
	if t.Rules != nil {
		return env, template.Diagnostics{template.Errorf(t.Rules.Pos, "Rules are not supported").
			WithHint("constrain the parameters with AllowedValues, AllowedPattern, MinLength and the like")}
	}
	if ds := env.transforms(); ds.HasErrors() {
		return env, ds
	}
	e := evaluator{env: env, block: "Conditions"}
	for _, c := range t.Conditions {
		e.condition(c.Name, c.Pos, nil)
	}
	return env, e.diags
}

// languageExtensions is the transform that allows Fn::Length, Fn::ToJsonString
// and the default value of Fn::FindInMap.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-languageextensions.html
const languageExtensions = "AWS::LanguageExtensions"

// transforms refuses what would have to rewrite the template.
func (env *Env) transforms() template.Diagnostics {
	var ds template.Diagnostics
	for _, v := range Transforms(env.Template) {
		if v.Text == languageExtensions {
			continue
		}
		d := template.Errorf(v.Pos, "the transform %q is not supported here", v.Text)
		if v.Text == "AWS::Serverless-2016-10-31" {
			d = d.WithHint("it is the SAM transform: write the resources that SAM would make of the template, or use sam build and deploy its output")
		} else {
			d = d.WithHint("only %s is", languageExtensions)
		}
		ds = append(ds, d)
	}
	return ds
}

// Transforms returns the names of the transforms that a template declares.
func Transforms(t *template.Template) []*template.Value {
	switch {
	case t.Transform.IsNull():
		return nil
	case t.Transform.Kind == template.List:
		return t.Transform.Items
	}
	return []*template.Value{t.Transform}
}

// extended reports whether the template declares the language extensions.
func (env *Env) extended() bool {
	for _, v := range Transforms(env.Template) {
		if v.Text == languageExtensions {
			return true
		}
	}
	return false
}

// Condition returns the value of a condition; a template without it was
// refused.
func (env *Env) Condition(name string) bool { return env.conditions[name] }

// Active reports whether what carries an optional Condition attribute exists.
func (env *Env) Active(condition *template.Value) bool {
	return condition.IsNull() || env.conditions[condition.Text]
}

// pseudo returns the value of a pseudo parameter; nil without error is
// AWS::NoValue.
func (env *Env) pseudo(name string, pos template.Pos) (v *template.Value, ok bool) {
	scope := env.Stack.Scope
	switch strings.TrimPrefix(name, "AWS::") {
	case "AccountId":
		return template.New(pos, scope.Account), true
	case "NotificationARNs":
		return template.New(pos, env.Stack.NotificationARNs), true
	case "NoValue":
		return nil, true
	case "Partition":
		return template.New(pos, arn.PartitionOf(scope.Region)), true
	case "Region":
		return template.New(pos, scope.Region), true
	case "StackId":
		return template.New(pos, env.Stack.ID), true
	case "StackName":
		return template.New(pos, env.Stack.Name), true
	case "URLSuffix":
		if arn.PartitionOf(scope.Region) == "aws-cn" {
			return template.New(pos, "amazonaws.com.cn"), true
		}
		return template.New(pos, "amazonaws.com"), true
	}
	return nil, false
}
