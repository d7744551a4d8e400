package cloudformation

import (
	"context"
	"slices"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/cloudformation"
	"github.com/nube-run/nube/internal/template"
)

func (s *Service) registerTemplates() {
	awsapi.Handle(s.api, shapes.GetTemplate, on("GetTemplate", func(in *shapes.GetTemplateInput) *string { return in.StackName }, nil), s.getTemplate)
	awsapi.Handle(s.api, shapes.GetTemplateSummary, on("GetTemplateSummary", func(in *shapes.GetTemplateSummaryInput) *string { return in.StackName }, nil), s.getTemplateSummary)
	awsapi.Handle(s.api, shapes.ValidateTemplate, nil, s.validateTemplate)
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_GetTemplate.html
func (s *Service) getTemplate(ctx context.Context, in *shapes.GetTemplateInput) (*shapes.GetTemplateOutput, error) {
	out := &shapes.GetTemplateOutput{StagesAvailable: []string{"Original", "Processed"}}
	if in.ChangeSetName != nil {
		cs, _, err := s.engine.ChangeSet(ctx, scope(ctx), val(in.StackName), *in.ChangeSetName)
		if err != nil {
			return nil, err
		}
		out.TemplateBody = &cs.Body
		return out, nil
	}
	_, body, err := s.engine.Template(ctx, scope(ctx), val(in.StackName))
	if err != nil {
		return nil, err
	}
	out.TemplateBody = &body
	return out, nil
}

// body returns the template that a request means: its own, or a stack's.
func (s *Service) body(ctx context.Context, body, url, name *string) (*template.Template, error) {
	if body == nil && url == nil && name != nil {
		_, stored, err := s.engine.Template(ctx, scope(ctx), *name)
		if err != nil {
			return nil, err
		}
		return parse(stored, nil)
	}
	return parse(val(body), url)
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_GetTemplateSummary.html
func (s *Service) getTemplateSummary(ctx context.Context, in *shapes.GetTemplateSummaryInput) (*shapes.GetTemplateSummaryOutput, error) {
	if in.StackSetName != nil {
		return nil, unsupported("StackSetName", "There are no stack sets here: name a stack or send the template.")
	}
	t, err := s.body(ctx, in.TemplateBody, in.TemplateURL, in.StackName)
	if err != nil {
		return nil, err
	}
	out := &shapes.GetTemplateSummaryOutput{
		Parameters: []shapes.ParameterDeclaration{}, Description: opt(t.Description), Version: opt(t.FormatVersion), DeclaredTransforms: transforms(t),
		ResourceTypes: []string{},
	}
	var reason string
	out.Capabilities, reason = required(t)
	out.CapabilitiesReason = opt(reason)
	if t.Metadata != nil {
		out.Metadata = ptr(string(t.Metadata.AppendJSON(nil)))
	}
	for i := range t.Parameters {
		p := &t.Parameters[i]
		d := shapes.ParameterDeclaration{
			ParameterKey: &p.Name, ParameterType: &p.Type, NoEcho: ptr(noEcho(p)), DefaultValue: defaultOf(p), Description: description(p),
			ParameterConstraints: &shapes.ParameterConstraints{},
		}
		if v := p.Body.Get("AllowedValues"); v != nil {
			for _, item := range v.Items {
				d.ParameterConstraints.AllowedValues = append(d.ParameterConstraints.AllowedValues, item.Text)
			}
		}
		out.Parameters = append(out.Parameters, d)
	}
	s.identifiers(t, out)
	return out, nil
}

// identifiers lists the types of a template, and what identifies the resources
// of each.
func (s *Service) identifiers(t *template.Template, out *shapes.GetTemplateSummaryOutput) {
	for i := range t.Resources {
		r := &t.Resources[i]
		if !slices.Contains(out.ResourceTypes, r.Type) {
			out.ResourceTypes = append(out.ResourceTypes, r.Type)
		}
		typ := s.engine.Types().Find(r.Type)
		if typ == nil {
			continue
		}
		at := slices.IndexFunc(out.ResourceIdentifierSummaries, func(x shapes.ResourceIdentifierSummary) bool { return *x.ResourceType == r.Type })
		if at < 0 {
			at = len(out.ResourceIdentifierSummaries)
			out.ResourceIdentifierSummaries = append(out.ResourceIdentifierSummaries, shapes.ResourceIdentifierSummary{
				ResourceType: &r.Type, ResourceIdentifiers: typ.Schema.PrimaryID,
			})
		}
		x := &out.ResourceIdentifierSummaries[at]
		x.LogicalResourceIds = append(x.LogicalResourceIds, r.LogicalID)
	}
}

func noEcho(p *template.Parameter) bool {
	b, _ := p.Body.Get("NoEcho").AsBool()
	return b
}

func defaultOf(p *template.Parameter) *string {
	v, ok := p.Default().AsString()
	switch {
	case !ok:
		return nil
	case noEcho(p):
		v = hidden
	}
	return &v
}

func description(p *template.Parameter) *string {
	v, _ := p.Body.Get("Description").AsString()
	return opt(v)
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ValidateTemplate.html
func (s *Service) validateTemplate(ctx context.Context, in *shapes.ValidateTemplateInput) (*shapes.ValidateTemplateOutput, error) {
	t, err := s.body(ctx, in.TemplateBody, in.TemplateURL, nil)
	if err != nil {
		return nil, err
	}
	if err := s.engine.Check(scope(ctx), t); err != nil {
		return nil, shown(err)
	}
	out := &shapes.ValidateTemplateOutput{Parameters: []shapes.TemplateParameter{}, Description: opt(t.Description), DeclaredTransforms: transforms(t)}
	var reason string
	out.Capabilities, reason = required(t)
	out.CapabilitiesReason = opt(reason)
	for i := range t.Parameters {
		p := &t.Parameters[i]
		out.Parameters = append(out.Parameters, shapes.TemplateParameter{
			ParameterKey: &p.Name, NoEcho: ptr(noEcho(p)), DefaultValue: defaultOf(p), Description: description(p),
		})
	}
	return out, nil
}
