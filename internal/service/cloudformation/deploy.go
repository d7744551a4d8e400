package cloudformation

import (
	"context"
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/cloudformation"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
)

// request is what creations, updates and change sets have in common.
type request struct {
	name          *string
	body, url     *string
	previous      *bool // keep the template
	parameters    []shapes.Parameter
	tags          []shapes.Tag
	capabilities  []string
	resourceTypes []string
	role, token   *string
	notify        []string
	rollback      *shapes.RollbackConfiguration
	policy        *string // stack policy, body or URL
}

// deploy reads a request. keep is the stack whose template and tags it can keep.
func (s *Service) deploy(ctx context.Context, r request, keep *stack.Stack) (stack.Deploy, error) {
	d := stack.Deploy{
		Scope: scope(ctx), Name: val(r.name), Parameters: map[string]string{}, Capabilities: r.capabilities,
		RoleARN: val(r.role), Token: val(r.token),
	}
	if err := r.refused(); err != nil {
		return d, err
	}
	var err error
	if d.Actor, err = s.actor(ctx, r.role); err != nil {
		return d, err
	}
	switch {
	case val(r.previous) && r.body != nil:
		return d, invalid("Specify either TemplateBody or UsePreviousTemplate, not both")
	case val(r.previous) && keep == nil:
		return d, invalid("UsePreviousTemplate cannot be true: there is no previous template")
	case val(r.previous):
		if _, d.Body, err = s.engine.Template(ctx, d.Scope, keep.ID); err != nil {
			return d, err
		}
	default:
		d.Body = val(r.body)
	}
	if d.Template, err = parse(d.Body, r.url); err != nil {
		return d, err
	}
	if err := acknowledged(d.Template, d.Capabilities); err != nil {
		return d, err
	}
	for _, p := range r.parameters {
		name := val(p.ParameterKey)
		switch {
		case val(p.UsePreviousValue):
			d.UsePrevious = append(d.UsePrevious, name)
		case p.ParameterValue == nil:
			return d, invalid("Parameter value for parameter name %s is not specified", name)
		default:
			d.Parameters[name] = *p.ParameterValue
		}
	}
	for _, t := range r.tags {
		if strings.HasPrefix(strings.ToLower(val(t.Key)), "aws:") {
			return d, invalid("Tag keys beginning with aws: are reserved: %s", val(t.Key))
		}
		d.Tags = append(d.Tags, stack.Tag{Key: val(t.Key), Value: val(t.Value)})
	}
	if r.tags == nil && keep != nil {
		d.Tags = keep.Tags
	}
	if r.role == nil && keep != nil && keep.RoleARN != "" {
		d.RoleARN = keep.RoleARN
		if d.Actor, err = s.actor(ctx, &keep.RoleARN); err != nil {
			return d, err
		}
	}
	return d, s.allowed(d.Template, r.resourceTypes)
}

// refused names what is not built.
func (r *request) refused() error {
	switch {
	case r.policy != nil:
		return unsupported("A stack policy", "Use DeletionPolicy, UpdateReplacePolicy and termination protection instead.")
	case len(r.notify) > 0:
		return unsupported("NotificationARNs", "Read the events of the stack instead.")
	case r.rollback != nil && (len(r.rollback.RollbackTriggers) > 0 || val(r.rollback.MonitoringTimeInMinutes) > 0):
		return unsupported("RollbackConfiguration", "Leave it out: no alarms are watched.")
	}
	return nil
}

// parse reads the body of a template.
func parse(body string, url *string) (*template.Template, error) {
	switch {
	case val(url) != "":
		return nil, unsupported("TemplateURL", "There is no S3 here to read it from: send the template as TemplateBody.")
	case body == "":
		return nil, invalid("Either Template URL or Template Body must be specified.")
	}
	t, ds := template.Parse(&template.File{Name: "template", Text: []byte(body)})
	if err := shown(ds.Err()); err != nil {
		return nil, err
	}
	if len(t.Resources) == 0 {
		return nil, invalid("Template format error: At least one Resources member must be defined.")
	}
	return t, nil
}

// allowed checks the types of a template against those that the request lets it
// have, such as AWS::Lambda::* or AWS::*.
func (s *Service) allowed(t *template.Template, types []string) error {
	if len(types) == 0 {
		return nil
	}
next:
	for _, r := range t.Resources {
		for _, a := range types {
			prefix, open := strings.CutSuffix(a, "*")
			if r.Type == a || open && strings.HasPrefix(r.Type, prefix) {
				continue next
			}
		}
		return invalid("Resource type %s is not allowed by parameter ResourceTypes [%s]", r.Type, strings.Join(types, ", "))
	}
	return nil
}

// onFailure reads what becomes of a stack whose operation fails.
func onFailure(word *string, disable *bool) (stack.OnFailure, error) {
	if word != nil && disable != nil {
		return "", invalid("You can specify either DisableRollback or OnFailure, but not both.")
	}
	switch {
	case val(disable), val(word) == "DO_NOTHING":
		return stack.DoNothing, nil
	case val(word) == "DELETE":
		return stack.DeleteOnFail, nil
	}
	return stack.Rollback, nil
}
