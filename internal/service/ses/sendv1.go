package ses

import (
	"context"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	v1 "github.com/nube-run/nube/internal/awsapi/shapes/ses"
	"github.com/nube-run/nube/internal/email"
	"github.com/nube-run/nube/internal/fault"
)

func (s *Service) registerSending() {
	awsapi.Handle(s.v1, v1.SendEmail, s.accessSendEmail, old(s.sendEmail))
	awsapi.Handle(s.v1, v1.SendRawEmail, s.accessSendRawEmail, old(s.sendRawEmail))
	awsapi.Handle(s.v1, v1.SendTemplatedEmail, s.accessSendTemplatedEmail, old(s.sendTemplatedEmail))
	awsapi.Handle(s.v1, v1.SendBulkTemplatedEmail, s.accessSendBulkTemplatedEmail, old(s.sendBulkTemplatedEmail))
	s.registerSendingV2()
}

// envelope puts the recipients of a destination into a submission.
func (o *submission) envelope(d *v1.Destination) {
	if d != nil {
		o.to, o.cc, o.bcc = d.ToAddresses, d.CcAddresses, d.BccAddresses
	}
}

func allOf(d *v1.Destination) []string {
	if d == nil {
		return nil
	}
	return slices.Concat(d.ToAddresses, d.CcAddresses, d.BccAddresses)
}

func (s *Service) accessSendEmail(ctx context.Context, in *v1.SendEmailRequest) ([]awsapi.Access, error) {
	return s.access(ctx, sends{
		version: "1", action: "SendEmail", from: val(in.Source), identity: val(in.SourceArn), feedback: sender{val(in.ReturnPath), val(in.ReturnPathArn)},
		recipients: allOf(in.Destination), set: val(in.ConfigurationSetName),
	})
}

func (s *Service) sendEmail(ctx context.Context, in *v1.SendEmailRequest) (*v1.SendEmailResponse, error) {
	m := in.Message
	o := &submission{
		from: val(in.Source), replyTo: in.ReplyToAddresses, returnPath: val(in.ReturnPath), tags: tagsV1(in.Tags), set: val(in.ConfigurationSetName),
		message: email.Message{Subject: textV1(m.Subject), Text: textV1(m.Body.Text), HTML: textV1(m.Body.Html)},
	}
	o.envelope(in.Destination)
	id, err := s.submit(ctx, o)
	return &v1.SendEmailResponse{MessageId: &id}, err
}

func textV1(c *v1.Content) string {
	if c == nil {
		return ""
	}
	return val(c.Data)
}

func tagsV1(tags []v1.MessageTag) map[string]string {
	out := map[string]string{}
	for _, t := range tags {
		out[val(t.Name)] = val(t.Value)
	}
	return out
}

func (s *Service) accessSendRawEmail(ctx context.Context, in *v1.SendRawEmailRequest) ([]awsapi.Access, error) {
	var data []byte
	if in.RawMessage != nil {
		data = in.RawMessage.Data
	}
	r := readRaw(data)
	identity, fromARN := r.identities(val(in.Source), val(in.SourceArn), val(in.FromArn))
	return s.access(ctx, sends{
		version: "1", action: "SendRawEmail", from: or(val(in.Source), r.from), identity: identity,
		author: sender{r.from, fromARN}, feedback: sender{r.returnPath, or(val(in.ReturnPathArn), r.returnPathARN)},
		recipients: orAll(in.Destinations, r.all()), set: or(val(in.ConfigurationSetName), r.set),
	})
}

func (s *Service) sendRawEmail(ctx context.Context, in *v1.SendRawEmailRequest) (*v1.SendRawEmailResponse, error) {
	o := &submission{tags: tagsV1(in.Tags), set: val(in.ConfigurationSetName)}
	if err := o.openRaw(in.RawMessage.Data, val(in.Source), in.Destinations); err != nil {
		return nil, err
	}
	id, err := s.submit(ctx, o)
	return &v1.SendRawEmailResponse{MessageId: &id}, err
}

func (s *Service) accessSendTemplatedEmail(ctx context.Context, in *v1.SendTemplatedEmailRequest) ([]awsapi.Access, error) {
	if err := ownTemplate(ctx, val(in.Template), val(in.TemplateArn)); err != nil {
		return nil, err
	}
	return s.access(ctx, sends{
		version: "1", action: "SendTemplatedEmail", from: val(in.Source), identity: val(in.SourceArn), feedback: sender{val(in.ReturnPath), val(in.ReturnPathArn)},
		recipients: allOf(in.Destination), template: val(in.Template), set: val(in.ConfigurationSetName),
	})
}

func (s *Service) sendTemplatedEmail(ctx context.Context, in *v1.SendTemplatedEmailRequest) (*v1.SendTemplatedEmailResponse, error) {
	data, err := parseData(val(in.Template), val(in.TemplateData))
	if err != nil {
		return nil, err
	}
	o := &submission{
		from: val(in.Source), replyTo: in.ReplyToAddresses, returnPath: val(in.ReturnPath), tags: tagsV1(in.Tags), set: val(in.ConfigurationSetName),
		template: val(in.Template), data: data,
	}
	o.envelope(in.Destination)
	id, err := s.submit(ctx, o)
	return &v1.SendTemplatedEmailResponse{MessageId: &id}, err
}

func (s *Service) accessSendBulkTemplatedEmail(ctx context.Context, in *v1.SendBulkTemplatedEmailRequest) ([]awsapi.Access, error) {
	if err := ownTemplate(ctx, val(in.Template), val(in.TemplateArn)); err != nil {
		return nil, err
	}
	var to []string
	for _, d := range in.Destinations {
		to = append(to, allOf(d.Destination)...)
	}
	return s.access(ctx, sends{
		version: "1", action: "SendBulkTemplatedEmail", from: val(in.Source), identity: val(in.SourceArn), feedback: sender{val(in.ReturnPath), val(in.ReturnPathArn)},
		recipients: to, template: val(in.Template), set: val(in.ConfigurationSetName),
	})
}

func (s *Service) sendBulkTemplatedEmail(ctx context.Context, in *v1.SendBulkTemplatedEmailRequest) (*v1.SendBulkTemplatedEmailResponse, error) {
	usual, err := parseData(val(in.Template), val(in.DefaultTemplateData))
	if err != nil {
		return nil, err
	}
	if len(in.Destinations) > tooManyRecipients {
		return nil, invalid("Destinations count exceeds %d.", tooManyRecipients)
	}
	out := &v1.SendBulkTemplatedEmailResponse{Status: []v1.BulkEmailDestinationStatus{}}
	err = s.bulk(ctx, len(in.Destinations), func(i int) (*submission, error) {
		d := &in.Destinations[i]
		own, err := parseData(val(in.Template), val(d.ReplacementTemplateData))
		if err != nil {
			return nil, err
		}
		o := &submission{
			from: val(in.Source), replyTo: in.ReplyToAddresses, returnPath: val(in.ReturnPath), set: val(in.ConfigurationSetName),
			template: val(in.Template), data: usual.Merge(own), tags: tagsV1(slices.Concat(in.DefaultTags, d.ReplacementTags)),
		}
		o.envelope(d.Destination)
		return o, nil
	}, func(id string, err *fault.Error) {
		if err == nil {
			out.Status = append(out.Status, v1.BulkEmailDestinationStatus{Status: ptr("Success"), MessageId: &id})
			return
		}
		status := map[string]string{invalidParameter: "InvalidParameterValue", invalidRendering: "InvalidParameterValue"}[err.Code]
		out.Status = append(out.Status, v1.BulkEmailDestinationStatus{Status: ptr(or(status, "Failed")), Error: &err.Message})
	})
	return out, err
}

// bulk sends messages one by one and tells of each. What is wrong with the
// sender, the template or the account is wrong with all, and fails the call.
func (s *Service) bulk(ctx context.Context, n int, make func(i int) (*submission, error), tell func(id string, err *fault.Error)) error {
	for i := range n {
		o, err := make(i)
		id := ""
		if err == nil {
			id, err = s.submit(ctx, o)
		}
		if err == nil {
			tell(id, nil)
			continue
		}
		e, coded := fault.As(err)
		if !coded || e.Code != invalidParameter && e.Code != invalidRendering {
			return err
		}
		tell("", e)
	}
	return nil
}

// raw is what SES reads in a raw message's header.
type raw struct {
	from, returnPath, set string
	to, cc, bcc           []string
	tags                  map[string]string

	sourceARN, fromARN, returnPathARN string // of identities
}

func (r *raw) all() []string { return slices.Concat(r.to, r.cc, r.bcc) }

// readRaw reads a raw message as far as it can be read.
func readRaw(data []byte) raw {
	m, err := email.Read(data)
	if err != nil {
		return raw{}
	}
	field := func(name string) string { return strings.TrimSpace(m.Header.Get(name)) }
	r := raw{
		to: m.Mailboxes("To"), cc: m.Mailboxes("Cc"), bcc: m.Mailboxes("Bcc"), set: field("X-Ses-Configuration-Set"), returnPath: strings.Trim(field("Return-Path"), "<> "),
		sourceARN: field("X-Ses-Source-Arn"), fromARN: field("X-Ses-From-Arn"), returnPathARN: field("X-Ses-Return-Path-Arn"),
	}
	if from := m.Mailboxes("From"); len(from) > 0 {
		r.from = from[0]
	}
	for tag := range strings.SplitSeq(m.Header.Get("X-Ses-Message-Tags"), ",") {
		if k, v, ok := strings.Cut(strings.TrimSpace(tag), "="); ok {
			if r.tags == nil {
				r.tags = map[string]string{}
			}
			r.tags[k] = v
		}
	}
	return r
}

// openRaw puts a raw message into the submission. Sender and recipients of the
// request come before those of its header.
func (o *submission) openRaw(data []byte, source string, destinations []string) error {
	if _, err := email.Read(data); err != nil {
		return invalid("The message could not be read: %v", err)
	}
	r := readRaw(data)
	if o.from = r.from; o.from == "" {
		return invalid("Missing required header 'From'.")
	}
	o.raw, o.returnPath, o.set = data, or(source, r.returnPath), or(o.set, r.set)
	o.to, o.cc, o.bcc = r.to, r.cc, r.bcc
	if len(destinations) > 0 {
		o.only = destinations
	}
	if len(o.tags) == 0 {
		o.tags = r.tags
	}
	return nil
}

func or(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

func orAll(list, def []string) []string {
	if len(list) == 0 {
		return def
	}
	return list
}
