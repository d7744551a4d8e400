package cloud

import (
	"context"
	"errors"
	"iter"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/control"
	"github.com/nube-run/nube/internal/email"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/service/ses"
)

// makeMail makes SES and has delivery bring mail to it.
func (c *Cloud) makeMail(p *parts, meter ses.Meter) error {
	o := ses.Options{DB: c.db, Clock: c.model, Emit: p.delivery, Meter: meter, Endpoint: c.Endpoint(), Verify: c.opts.VerifySenders}
	if c.opts.SMTP != "" {
		server, err := ses.ParseServer(c.opts.SMTP)
		if err != nil {
			return err
		}
		o.Server = server
	}
	p.ses = ses.New(o)
	for _, r := range p.ses.Receivers() {
		p.delivery.Receive(r)
	}
	return nil
}

// mailbox is what the platform's API sees of the mailbox.
type mailbox struct{ s *ses.Service }

func cellOf(account, region string) keyspace.Cell {
	return keyspace.Cell{Account: account, Region: region}
}

func queryOf(q control.MailQuery) ses.Query {
	out := ses.Query{To: q.To, From: q.From, Subject: q.Subject, Newest: q.Newest}
	if !q.Since.IsZero() {
		out.Since = clock.At(q.Since)
	}
	return out
}

// Mails implements [control.Mailbox].
func (m mailbox) Mails(ctx context.Context, account, region string, q control.MailQuery) ([]control.Mail, error) {
	list, err := m.s.Mails(ctx, cellOf(account, region), queryOf(q))
	out := make([]control.Mail, len(list))
	for i := range list {
		out[i] = mailOf(&list[i])
	}
	return out, err
}

// Follow implements [control.Mailbox].
func (m mailbox) Follow(ctx context.Context, account, region string, q control.MailQuery) iter.Seq2[control.Mail, error] {
	return func(yield func(control.Mail, error) bool) {
		for mail, err := range m.s.Follow(ctx, cellOf(account, region), queryOf(q)) {
			if !yield(mailOf(&mail), err) {
				return
			}
		}
	}
}

// Mail implements [control.Mailbox].
func (m mailbox) Mail(ctx context.Context, account, region, id string) (control.Letter, error) {
	mail, raw, err := m.s.Mail(ctx, cellOf(account, region), id)
	if err != nil {
		return control.Letter{}, inMailbox(err)
	}
	out := control.Letter{Mail: mailOf(&mail), Raw: raw}
	read, err := email.Read(raw)
	if err != nil {
		return out, nil // it is shown as it came
	}
	out.Text, out.HTML, out.Header = read.Text, read.HTML, read.Header
	for _, f := range read.Files {
		out.Files = append(out.Files, control.MailFile{Name: f.Name, Type: f.Type, ContentID: f.ContentID, Size: len(f.Data), Data: f.Data})
	}
	return out, nil
}

// Delete implements [control.Mailbox].
func (m mailbox) Delete(ctx context.Context, account, region, id string) error {
	if id == "" {
		return m.s.DeleteMails(ctx, cellOf(account, region))
	}
	return inMailbox(m.s.DeleteMail(ctx, cellOf(account, region), id))
}

func inMailbox(err error) error {
	if errors.Is(err, ses.ErrNoMail) {
		return control.ErrNoMail
	}
	return err
}

func mailOf(m *ses.Mail) control.Mail {
	out := control.Mail{
		ID: m.ID, Time: m.At.Time(), From: m.From, Sender: m.Sender, To: texts(m.To), Cc: m.Cc, Bcc: m.Bcc, Subject: m.Subject, Size: m.Size, Attachments: m.Files,
		By: m.By, Template: m.Template, ConfigurationSet: m.Set, Tags: m.Tags, Unverified: m.Unverified, Failure: m.Failure, Request: m.Request, Trace: m.Trace,
		Recipients: []control.Recipient{},
	}
	for _, r := range m.Recipients {
		out.Recipients = append(out.Recipients, control.Recipient{Address: r.Address, State: string(r.State), Detail: r.Detail, Tries: r.Tries})
	}
	return out
}

// texts is never nil: lists in answers are lists.
func texts(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
