package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/sesv2"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
)

// emailTemplate is AWS::SES::Template. Ref is its name.
type emailTemplate struct{ base }

func emailTemplateProgress(name string) stack.Progress {
	return stack.Progress{PhysicalID: name, Attrs: stack.Attrs{"Id": name}}
}

// emailContent are the parts of the template, whose names the second API set
// writes without "Part".
func emailContent(props *template.Value) *sesv2.EmailTemplateContent {
	part := func(name string) *string {
		if v := props.Get("Template", name); v != nil {
			return ptr(v.Text)
		}
		return nil
	}
	return &sesv2.EmailTemplateContent{Subject: part("SubjectPart"), Text: part("TextPart"), Html: part("HtmlPart")}
}

func (t emailTemplate) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	name := text(r.Properties, "Template", "TemplateName")
	if name == "" {
		name = r.PhysicalID
	}
	err := run(ctx, t.base, sesv2.CreateEmailTemplate, &sesv2.CreateEmailTemplateRequest{TemplateName: &name, TemplateContent: emailContent(r.Properties)})
	if err != nil && !(r.Again && present(err)) {
		return stack.Progress{}, err
	}
	return emailTemplateProgress(name), retagSES(ctx, t.base, r, "template/"+name)
}

func (t emailTemplate) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done := emailTemplateProgress(r.PhysicalID)
	err := run(ctx, t.base, sesv2.UpdateEmailTemplate, &sesv2.UpdateEmailTemplateRequest{TemplateName: &r.PhysicalID, TemplateContent: emailContent(r.Properties)})
	if err != nil {
		return done, err
	}
	return done, retagSES(ctx, t.base, r, "template/"+r.PhysicalID)
}

func (t emailTemplate) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, t.base, sesv2.DeleteEmailTemplate, &sesv2.DeleteEmailTemplateRequest{TemplateName: &r.PhysicalID}))
}

func (t emailTemplate) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	if err := run(ctx, t.base, sesv2.GetEmailTemplate, &sesv2.GetEmailTemplateRequest{TemplateName: &r.PhysicalID}); err != nil {
		return nil, found(err)
	}
	return emailTemplateProgress(r.PhysicalID).Attrs, nil
}
