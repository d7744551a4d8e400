package ses

import (
	"context"
	"slices"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	v2 "github.com/nube-run/nube/internal/awsapi/shapes/sesv2"
	"github.com/nube-run/nube/internal/email"
	"github.com/nube-run/nube/internal/fault"
)

func (s *Service) registerSendingV2() {
	awsapi.Handle(s.v2, v2.SendEmail, s.accessSendV2, recent(s.sendV2))
	awsapi.Handle(s.v2, v2.SendBulkEmail, s.accessSendBulkV2, recent(s.sendBulkV2))
}

// accessSendV2: a raw message takes ses:SendRawEmail, everything else
// ses:SendEmail.
func (s *Service) accessSendV2(ctx context.Context, in *v2.SendEmailRequest) ([]awsapi.Access, error) {
	o := sends{
		version: "2", action: "SendEmail", from: val(in.FromEmailAddress), identity: val(in.FromEmailAddressIdentityArn),
		feedback: sender{val(in.FeedbackForwardingEmailAddress), val(in.FeedbackForwardingEmailAddressIdentityArn)}, recipients: allOfV2(in.Destination), set: val(in.ConfigurationSetName),
	}
	if c := in.Content; c != nil && c.Raw != nil {
		r := readRaw(c.Raw.Data)
		o.author.address = r.from
		o.identity, o.author.identity = r.identities(o.from, o.identity, o.identity)
		o.action, o.from, o.set = "SendRawEmail", or(o.from, r.from), or(o.set, r.set)
		o.feedback = sender{or(o.feedback.address, r.returnPath), or(o.feedback.identity, r.returnPathARN)}
		o.recipients = orAll(o.recipients, r.all())
	} else if c != nil && c.Template != nil {
		if err := ownTemplate(ctx, templateName(c.Template), val(c.Template.TemplateArn)); err != nil {
			return nil, inV2(err)
		}
		o.template = templateName(c.Template)
	}
	return s.access(ctx, o)
}

// ownTemplate refuses an ARN that is not that of a template of this name, in the
// account and region: what has the name here is another.
func ownTemplate(ctx context.Context, name, template string) error {
	if template != "" && arn.ARN(template) != awsapi.From(ctx).Scope.Of("ses", "template/"+name) {
		return noTemplate(template)
	}
	return nil
}

// templateName is the name of a stored template, which may be given by its ARN.
func templateName(t *v2.Template) string {
	if t.TemplateName != nil {
		return *t.TemplateName
	}
	return identityName(val(t.TemplateArn))
}

func allOfV2(d *v2.Destination) []string {
	if d == nil {
		return nil
	}
	return slices.Concat(d.ToAddresses, d.CcAddresses, d.BccAddresses)
}

func (s *Service) sendV2(ctx context.Context, in *v2.SendEmailRequest) (*v2.SendEmailResponse, error) {
	if in.ListManagementOptions != nil {
		return nil, invalid("ListManagementOptions are not supported: nube has no contact lists.")
	}
	o := &submission{
		from: val(in.FromEmailAddress), replyTo: in.ReplyToAddresses, returnPath: val(in.FeedbackForwardingEmailAddress),
		tags: tagsV2(in.EmailTags), set: val(in.ConfigurationSetName),
	}
	if d := in.Destination; d != nil {
		o.to, o.cc, o.bcc = d.ToAddresses, d.CcAddresses, d.BccAddresses
	}
	if err := o.content(in.Content); err != nil {
		return nil, err
	}
	id, err := s.submit(ctx, o)
	return &v2.SendEmailResponse{MessageId: &id}, err
}

// content puts the one of three forms of a message into the submission that the
// request has.
func (o *submission) content(c *v2.EmailContent) error {
	given := 0
	for _, is := range []bool{c.Simple != nil, c.Raw != nil, c.Template != nil} {
		if is {
			given++
		}
	}
	if given != 1 {
		return invalid("Content must have one of Simple, Raw and Template.")
	}
	switch {
	case c.Raw != nil:
		from := o.from
		if err := o.openRaw(c.Raw.Data, o.returnPath, slices.Concat(o.to, o.cc, o.bcc)); err != nil {
			return err
		}
		o.from, o.author = or(from, o.from), o.from
		return nil
	case c.Simple != nil:
		o.message = email.Message{Subject: textV2(c.Simple.Subject), Header: fieldsV2(c.Simple.Headers), Files: filesV2(c.Simple.Attachments)}
		if b := c.Simple.Body; b != nil {
			o.message.Text, o.message.HTML = textV2(b.Text), textV2(b.Html)
		}
		return nil
	}
	return o.templated(c.Template, val(c.Template.TemplateData))
}

// templated puts a template and its data into the submission.
func (o *submission) templated(t *v2.Template, data string) (err error) {
	o.message = email.Message{Header: fieldsV2(t.Headers), Files: filesV2(t.Attachments)}
	name := templateName(t)
	switch {
	case t.TemplateContent != nil && name != "":
		return invalid("A template has either a name or content, not both.")
	case t.TemplateContent != nil:
		o.inline = ptr(templateV2(t.TemplateContent))
		if err := o.inline.check("inline"); err != nil {
			return err
		}
	case name == "":
		return invalid("Template must have a name, an ARN or content.")
	}
	o.template = name
	o.data, err = parseData(or(name, "inline"), data)
	return err
}

func textV2(c *v2.Content) string {
	if c == nil {
		return ""
	}
	return val(c.Data)
}

func tagsV2(tags []v2.MessageTag) map[string]string {
	out := map[string]string{}
	for _, t := range tags {
		out[val(t.Name)] = val(t.Value)
	}
	return out
}

// fieldsV2 are further fields of the header; [submission.check] looks at them.
func fieldsV2(headers []v2.MessageHeader) []email.Field {
	var out []email.Field
	for _, h := range headers {
		out = append(out, email.Field{Name: val(h.Name), Value: val(h.Value)})
	}
	return out
}

func filesV2(list []v2.Attachment) []email.File {
	var out []email.File
	for _, a := range list {
		f := email.File{Name: val(a.FileName), Type: val(a.ContentType), Data: a.RawContent}
		if val(a.ContentDisposition) == "INLINE" {
			f.ContentID = val(a.ContentId)
		}
		out = append(out, f)
	}
	return out
}

func (s *Service) accessSendBulkV2(ctx context.Context, in *v2.SendBulkEmailRequest) ([]awsapi.Access, error) {
	o := sends{
		version: "2", action: "SendBulkEmail", from: val(in.FromEmailAddress), identity: val(in.FromEmailAddressIdentityArn),
		feedback: sender{val(in.FeedbackForwardingEmailAddress), val(in.FeedbackForwardingEmailAddressIdentityArn)}, set: val(in.ConfigurationSetName),
	}
	for _, e := range in.BulkEmailEntries {
		o.recipients = append(o.recipients, allOfV2(e.Destination)...)
	}
	if c := in.DefaultContent; c != nil && c.Template != nil {
		if err := ownTemplate(ctx, templateName(c.Template), val(c.Template.TemplateArn)); err != nil {
			return nil, inV2(err)
		}
		o.template = templateName(c.Template)
	}
	return s.access(ctx, o)
}

func (s *Service) sendBulkV2(ctx context.Context, in *v2.SendBulkEmailRequest) (*v2.SendBulkEmailResponse, error) {
	t := in.DefaultContent.Template
	if t == nil {
		return nil, invalid("DefaultContent must have a template.")
	}
	var usual submission
	if err := usual.templated(t, val(t.TemplateData)); err != nil {
		return nil, err
	}
	if len(in.BulkEmailEntries) > tooManyRecipients {
		return nil, invalid("BulkEmailEntries count exceeds %d.", tooManyRecipients)
	}
	out := &v2.SendBulkEmailResponse{BulkEmailEntryResults: []v2.BulkEmailEntryResult{}}
	err := s.bulk(ctx, len(in.BulkEmailEntries), func(i int) (*submission, error) {
		e := &in.BulkEmailEntries[i]
		own := ""
		if c := e.ReplacementEmailContent; c != nil && c.ReplacementTemplate != nil {
			own = val(c.ReplacementTemplate.ReplacementTemplateData)
		}
		data, err := parseData(or(usual.template, "inline"), own)
		if err != nil {
			return nil, err
		}
		o := usual
		o.from, o.replyTo, o.returnPath = val(in.FromEmailAddress), in.ReplyToAddresses, val(in.FeedbackForwardingEmailAddress)
		o.set, o.data, o.tags = val(in.ConfigurationSetName), usual.data.Merge(data), tagsV2(slices.Concat(in.DefaultEmailTags, e.ReplacementTags))
		o.message.Header = slices.Concat(o.message.Header, fieldsV2(e.ReplacementHeaders))
		if d := e.Destination; d != nil {
			o.to, o.cc, o.bcc = d.ToAddresses, d.CcAddresses, d.BccAddresses
		}
		return &o, nil
	}, func(id string, err *fault.Error) {
		if err == nil {
			out.BulkEmailEntryResults = append(out.BulkEmailEntryResults, v2.BulkEmailEntryResult{Status: ptr("SUCCESS"), MessageId: &id})
			return
		}
		out.BulkEmailEntryResults = append(out.BulkEmailEntryResults, v2.BulkEmailEntryResult{Status: ptr("INVALID_PARAMETER"), Error: &err.Message})
	})
	return out, err
}
