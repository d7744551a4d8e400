package ses

import (
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/email"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// letter makes the mail of a submission.
func (o *submission) letter(tx *kv.Tx, sp space, id string, now clock.Instant, region string, p permission) (*letter, error) {
	l := &letter{Mail: Mail{
		ID: id, At: now, From: shownAs(o.from), Sender: bare(o.from), To: o.to, Cc: o.cc, Bcc: o.bcc, Template: o.template, Set: p.set, Tags: o.tags,
		Unverified: p.unverified,
	}}
	if o.returnPath != "" {
		l.Sender = bare(o.returnPath)
	}
	if err := o.recipients(tx, sp, l, p.suppress); err != nil {
		return nil, err
	}
	if o.raw != nil {
		return l, o.rewritten(l, id, region)
	}
	m := o.message
	m.From, m.To, m.Cc, m.ReplyTo, m.Date, m.ID = o.from, o.to, o.cc, o.replyTo, now.Time(), messageIDField(id, region)
	if err := o.render(tx, sp, &m, l); err != nil {
		return nil, err
	}
	l.raw, l.Subject, l.Files = m.Bytes(), m.Subject, len(m.Files)
	if len(l.raw) > messageMax {
		return nil, invalid("Message length is more than %d bytes long: %d.", messageMax, len(l.raw))
	}
	return l, nil
}

// recipients puts the envelope's addresses into the letter, and what the account
// knows of them.
func (o *submission) recipients(tx *kv.Tx, sp space, l *letter, suppress []string) error {
	for _, a := range plainAll(o.everybody()) {
		if slices.ContainsFunc(l.Recipients, func(r Recipient) bool { return r.Address == a }) {
			continue
		}
		r := Recipient{Address: a}
		if state, detail, ok := simulated(a); ok {
			r.State, r.Detail = state, detail
		} else {
			var row suppressed
			ok, err := jsonrow.Get(tx, sp.suppressed(strings.ToLower(a)), &row)
			if err != nil {
				return err
			}
			if ok && slices.Contains(suppress, row.Reason) {
				r.State, r.Detail = Suppressed, "the address is on the suppression list: "+strings.ToLower(row.Reason)
			}
		}
		l.Recipients = append(l.Recipients, r)
	}
	return nil
}

// renderingFailure is what the failures of templates begin with.
const renderingFailure = "Rendering Failure: "

// simulator is the domain of AWS's mailbox simulator.
const simulator = "simulator.amazonses.com"

// simulated is what happens to mail for AWS's mailbox simulator.
//
// https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html#send-email-simulator
func simulated(address string) (State, string, bool) {
	local, domain, _ := cutLast(strings.ToLower(address), "@")
	if domain != simulator {
		return "", "", false
	}
	local, _, _ = strings.Cut(local, "+")
	switch local {
	case "bounce":
		return Bounced, "550 5.1.1 user unknown", true
	case "suppressionlist":
		return Suppressed, "the simulator's address is always suppressed", true
	}
	return Kept, "the simulator takes everything", true
}

// render makes the parts of the message of its template. What cannot be rendered
// is accepted and not sent, as AWS does.
func (o *submission) render(tx *kv.Tx, sp space, m *email.Message, l *letter) error {
	t := o.inline
	if o.template != "" {
		t = &template{}
		if ok, err := jsonrow.Get(tx, sp.template(o.template), t); err != nil {
			return err
		} else if !ok {
			return noTemplate(o.template)
		}
	}
	if t == nil {
		return nil
	}
	err := t.render(o.data, m)
	if err == nil {
		return nil
	}
	*m = email.Message{From: m.From, To: m.To, Cc: m.Cc, Date: m.Date, ID: m.ID, Subject: t.Subject, Text: "(the template could not be rendered)"}
	l.Failure = renderingFailure + err.Error()
	for i := range l.Recipients {
		l.Recipients[i].State, l.Recipients[i].Detail = Unsent, ""
	}
	return nil
}

// rewritten puts the raw message into the letter as SES sends it: with its own
// Message-ID, and without what is for SES alone.
func (o *submission) rewritten(l *letter, id, region string) error {
	r, err := email.Read(o.raw)
	if err != nil {
		return invalid("The message could not be read: %v", err)
	}
	add := []email.Field{{Name: "Message-ID", Value: "<" + messageIDField(id, region) + ">"}}
	if r.Header.Get("Date") == "" {
		add = append(add, email.Field{Name: "Date", Value: l.At.Time().Format("Mon, 02 Jan 2006 15:04:05 -0700")})
	}
	l.raw = email.Rewrite(o.raw, func(name string) bool {
		name = strings.ToLower(name)
		return name == "message-id" || name == "bcc" || name == "return-path" || strings.HasPrefix(name, "x-ses-")
	}, add)
	l.To, l.Cc, l.Bcc, l.Subject, l.Files = r.To, r.Cc, r.Bcc, r.Subject, len(r.Files)
	return nil
}
