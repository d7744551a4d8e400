package ses

import (
	"context"
	"errors"
	"regexp"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	v1 "github.com/nube-run/nube/internal/awsapi/shapes/ses"
	v2 "github.com/nube-run/nube/internal/awsapi/shapes/sesv2"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/email"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/service/ses/handlebars"
)

// template is the row of a template.
type template struct {
	Created clock.Instant
	Subject string
	Text    string            `json:",omitempty"`
	HTML    string            `json:",omitempty"`
	Tags    map[string]string `json:",omitempty"`
}

func (s *Service) registerTemplates() {
	awsapi.Handle(s.v1, v1.CreateTemplate, anywhere[*v1.CreateTemplateRequest](1, "CreateTemplate"), old(func(ctx context.Context, in *v1.CreateTemplateRequest) (*v1.CreateTemplateResponse, error) {
		return &v1.CreateTemplateResponse{}, s.createTemplate(ctx, val(in.Template.TemplateName), templateV1(in.Template))
	}))
	awsapi.Handle(s.v1, v1.UpdateTemplate, anywhere[*v1.UpdateTemplateRequest](1, "UpdateTemplate"), old(func(ctx context.Context, in *v1.UpdateTemplateRequest) (*v1.UpdateTemplateResponse, error) {
		return &v1.UpdateTemplateResponse{}, s.updateTemplate(ctx, val(in.Template.TemplateName), templateV1(in.Template))
	}))
	awsapi.Handle(s.v1, v1.GetTemplate, anywhere[*v1.GetTemplateRequest](1, "GetTemplate"), old(s.getTemplate))
	awsapi.Handle(s.v1, v1.DeleteTemplate, anywhere[*v1.DeleteTemplateRequest](1, "DeleteTemplate"), old(func(ctx context.Context, in *v1.DeleteTemplateRequest) (*v1.DeleteTemplateResponse, error) {
		_, err := s.deleteTemplate(ctx, val(in.TemplateName)) // one that is not there is no error
		return &v1.DeleteTemplateResponse{}, err
	}))
	awsapi.Handle(s.v1, v1.ListTemplates, anywhere[*v1.ListTemplatesRequest](1, "ListTemplates"), old(s.listTemplates))
	awsapi.Handle(s.v1, v1.TestRenderTemplate, anywhere[*v1.TestRenderTemplateRequest](1, "TestRenderTemplate"), old(func(ctx context.Context, in *v1.TestRenderTemplateRequest) (*v1.TestRenderTemplateResponse, error) {
		text, err := s.testRender(ctx, val(in.TemplateName), val(in.TemplateData))
		return &v1.TestRenderTemplateResponse{RenderedTemplate: &text}, err
	}))

	on := func(name *string) arn.ARN { return arn.ARN("template/" + val(name)) }
	awsapi.Handle(s.v2, v2.CreateEmailTemplate, onResource("CreateEmailTemplate", func(in *v2.CreateEmailTemplateRequest) arn.ARN { return on(in.TemplateName) }), recent(func(ctx context.Context, in *v2.CreateEmailTemplateRequest) (*v2.CreateEmailTemplateResponse, error) {
		return &v2.CreateEmailTemplateResponse{}, s.createTemplate(ctx, val(in.TemplateName), templateV2(in.TemplateContent))
	}))
	awsapi.Handle(s.v2, v2.UpdateEmailTemplate, onResource("UpdateEmailTemplate", func(in *v2.UpdateEmailTemplateRequest) arn.ARN { return on(in.TemplateName) }), recent(func(ctx context.Context, in *v2.UpdateEmailTemplateRequest) (*v2.UpdateEmailTemplateResponse, error) {
		return &v2.UpdateEmailTemplateResponse{}, s.updateTemplate(ctx, val(in.TemplateName), templateV2(in.TemplateContent))
	}))
	awsapi.Handle(s.v2, v2.GetEmailTemplate, onResource("GetEmailTemplate", func(in *v2.GetEmailTemplateRequest) arn.ARN { return on(in.TemplateName) }), recent(s.getEmailTemplate))
	awsapi.Handle(s.v2, v2.DeleteEmailTemplate, onResource("DeleteEmailTemplate", func(in *v2.DeleteEmailTemplateRequest) arn.ARN { return on(in.TemplateName) }), recent(func(ctx context.Context, in *v2.DeleteEmailTemplateRequest) (*v2.DeleteEmailTemplateResponse, error) {
		found, err := s.deleteTemplate(ctx, val(in.TemplateName))
		if err == nil && !found {
			err = noTemplate(val(in.TemplateName))
		}
		return &v2.DeleteEmailTemplateResponse{}, err
	}))
	awsapi.Handle(s.v2, v2.ListEmailTemplates, anywhere[*v2.ListEmailTemplatesRequest](2, "ListEmailTemplates"), recent(s.listEmailTemplates))
	awsapi.Handle(s.v2, v2.TestRenderEmailTemplate, onResource("TestRenderEmailTemplate", func(in *v2.TestRenderEmailTemplateRequest) arn.ARN { return on(in.TemplateName) }), recent(func(ctx context.Context, in *v2.TestRenderEmailTemplateRequest) (*v2.TestRenderEmailTemplateResponse, error) {
		text, err := s.testRender(ctx, val(in.TemplateName), val(in.TemplateData))
		return &v2.TestRenderEmailTemplateResponse{RenderedTemplate: &text}, err
	}))
}

func templateV1(t *v1.Template) template {
	return template{Subject: val(t.SubjectPart), Text: val(t.TextPart), HTML: val(t.HtmlPart)}
}

func templateV2(t *v2.EmailTemplateContent) template {
	return template{Subject: val(t.Subject), Text: val(t.Text), HTML: val(t.Html)}
}

// Limits of templates.
//
// https://docs.aws.amazon.com/ses/latest/dg/quotas.html
const templateMax = 500 << 10

// check refuses what SES refuses when a template is made.
func (t *template) check(name string) error {
	switch ok, err := regexp.MatchString(`^[A-Za-z0-9_-]{1,64}$`, name); {
	case err != nil:
		return err
	case !ok:
		return invalid("Invalid template name <%s>: only alphanumeric ASCII characters, '_' and '-' are allowed, at most 64.", name)
	case t.Subject == "":
		return invalid("The subject must be specified.")
	case t.Text == "" && t.HTML == "":
		return invalid("The text part or the HTML part must be specified.")
	case len(t.Subject)+len(t.Text)+len(t.HTML) > templateMax:
		return fault.New("LimitExceeded", "The template is larger than 500 KB.")
	}
	for _, part := range []struct{ name, text string }{{"subject", t.Subject}, {"text", t.Text}, {"html", t.HTML}} {
		if _, err := handlebars.Parse(part.text); err != nil {
			return fault.New(invalidTemplate, "The %s part of template %s is not valid: %v", part.name, name, err)
		}
	}
	return nil
}

func (s *Service) createTemplate(ctx context.Context, name string, t template) error {
	if err := t.check(name); err != nil {
		return err
	}
	t.Created = s.Clock.Now()
	k := spaceOf(cell(ctx)).template(name)
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		if have, err := tx.Get(k); err != nil {
			return err
		} else if have != nil {
			return fault.New(alreadyExists, "Template %s already exists.", name)
		}
		return jsonrow.Set(tx, k, &t)
	})
	return err
}

func (s *Service) updateTemplate(ctx context.Context, name string, t template) error {
	if err := t.check(name); err != nil {
		return err
	}
	k := spaceOf(cell(ctx)).template(name)
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		var have template
		if ok, err := jsonrow.Get(tx, k, &have); err != nil {
			return err
		} else if !ok {
			return noTemplate(name)
		}
		t.Created, t.Tags = have.Created, have.Tags
		return jsonrow.Set(tx, k, &t)
	})
	return err
}

func (s *Service) deleteTemplate(ctx context.Context, name string) (found bool, err error) {
	k := spaceOf(cell(ctx)).template(name)
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		have, err := tx.Get(k)
		found = have != nil
		tx.Delete(k)
		return err
	})
	return found, err
}

func (s *Service) viewTemplate(ctx context.Context, name string) (t template, err error) {
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		ok, err := jsonrow.Get(snap, spaceOf(cell(ctx)).template(name), &t)
		if err == nil && !ok {
			err = noTemplate(name)
		}
		return err
	})
	return t, err
}

func (s *Service) getTemplate(ctx context.Context, in *v1.GetTemplateRequest) (*v1.GetTemplateResponse, error) {
	t, err := s.viewTemplate(ctx, val(in.TemplateName))
	return &v1.GetTemplateResponse{Template: &v1.Template{
		TemplateName: in.TemplateName, SubjectPart: &t.Subject, TextPart: unlessEmpty(t.Text), HtmlPart: unlessEmpty(t.HTML),
	}}, err
}

func (s *Service) getEmailTemplate(ctx context.Context, in *v2.GetEmailTemplateRequest) (*v2.GetEmailTemplateResponse, error) {
	t, err := s.viewTemplate(ctx, val(in.TemplateName))
	return &v2.GetEmailTemplateResponse{TemplateName: in.TemplateName, TemplateContent: &v2.EmailTemplateContent{
		Subject: &t.Subject, Text: unlessEmpty(t.Text), Html: unlessEmpty(t.HTML),
	}}, err
}

func unlessEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (s *Service) listTemplates(ctx context.Context, in *v1.ListTemplatesRequest) (*v1.ListTemplatesResponse, error) {
	sp := spaceOf(cell(ctx))
	out := &v1.ListTemplatesResponse{TemplatesMetadata: []v1.TemplateMetadata{}}
	var err error
	out.NextToken, err = (&list[template]{rows: sp.templates(), key: sp.template, limit: limitOf(in.MaxItems, 10, 100)}).page(ctx, s, in.NextToken, func(name string, t *template) {
		out.TemplatesMetadata = append(out.TemplatesMetadata, v1.TemplateMetadata{Name: &name, CreatedTimestamp: &t.Created})
	})
	return out, err
}

func (s *Service) listEmailTemplates(ctx context.Context, in *v2.ListEmailTemplatesRequest) (*v2.ListEmailTemplatesResponse, error) {
	sp := spaceOf(cell(ctx))
	out := &v2.ListEmailTemplatesResponse{TemplatesMetadata: []v2.EmailTemplateMetadata{}}
	var err error
	out.NextToken, err = (&list[template]{rows: sp.templates(), key: sp.template, limit: limitOf(in.PageSize, 10, 100)}).page(ctx, s, in.NextToken, func(name string, t *template) {
		out.TemplatesMetadata = append(out.TemplatesMetadata, v2.EmailTemplateMetadata{TemplateName: &name, CreatedTimestamp: &t.Created})
	})
	return out, err
}

// testRender renders a template and returns the message that it makes.
func (s *Service) testRender(ctx context.Context, name, data string) (string, error) {
	t, err := s.viewTemplate(ctx, name)
	if err != nil {
		return "", err
	}
	d, err := handlebars.ParseData(data)
	if err != nil {
		return "", fault.New(invalidRendering, "The rendering data of template %s is not valid: %v", name, err)
	}
	var m email.Message
	if err := t.render(d, &m); err != nil {
		var missing *handlebars.MissingError
		if errors.As(err, &missing) {
			return "", fault.New(missingAttribute, "%s", missing.Error())
		}
		return "", fault.New(invalidRendering, "%v", err)
	}
	m.Date = s.Clock.Now().Time()
	return string(m.Bytes()), nil
}

// render puts the template's parts into a message.
func (t *template) render(d handlebars.Data, m *email.Message) error {
	for _, part := range []struct {
		text string
		into *string
	}{{t.Subject, &m.Subject}, {t.Text, &m.Text}, {t.HTML, &m.HTML}} {
		parsed, err := handlebars.Parse(part.text)
		if err != nil {
			return err
		}
		if *part.into, err = parsed.Execute(d); err != nil {
			return err
		}
	}
	return nil
}
