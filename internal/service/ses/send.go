package ses

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/mail"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/email"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/service/ses/handlebars"
)

// submission is one message that an API was asked to send. It has a raw text,
// a template with data, or the parts of a message.
type submission struct {
	from        string
	author      string // of a raw message's From field, where the request has another sender
	to, cc, bcc []string
	only        []string // the envelope's recipients, where they are not those of the header
	replyTo     []string
	returnPath  string

	raw      []byte
	message  email.Message // its subject, texts, further fields and files
	template string        // a stored template that is to make subject and texts
	inline   *template     // or one that came with the request
	data     handlebars.Data

	tags map[string]string
	set  string
}

// messageMax is the largest message that is accepted. AWS takes 40 MB through its
// second API set; here a message is accepted in one transaction of the store.
//
// https://docs.aws.amazon.com/ses/latest/dg/quotas.html
const messageMax = 10 << 20

// newMessageID is an id in the form of AWS's: it begins with the time.
func newMessageID(now clock.Instant) string {
	var b [16]byte
	rand.Read(b[:])
	h := hex.EncodeToString(b[:])
	return fmt.Sprintf("0100%012x-%s-%s-%s-%s-%s-000000", now.UnixMilli(), h[:8], h[8:12], h[12:16], h[16:20], h[20:])
}

// messageIDField is what SES writes into the Message-ID field.
func messageIDField(id, region string) string {
	if region == "us-east-1" {
		return id + "@email.amazonses.com"
	}
	return id + "@" + region + ".amazonses.com"
}

// submit accepts a message and returns its id.
func (s *Service) submit(ctx context.Context, o *submission) (string, error) {
	if err := o.check(); err != nil {
		return "", err
	}
	c, now := cell(ctx), s.Clock.Now()
	sp, id := spaceOf(c), newMessageID(now)
	var l *letter
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		p, err := s.permit(tx, sp, c.Region, o)
		if err != nil {
			return err
		}
		if l, err = o.letter(tx, sp, id, now, c.Region, p); err != nil {
			return err
		}
		l.By = string(awsapi.From(ctx).Scope.Identity(p.identity))
		l.caused(ctx)
		l.tally(tx, sp)
		if err := s.accept(tx, c, l); err != nil {
			return err
		}
		return s.announce(tx, c, &l.Mail, l.cause, now, l.arrival())
	})
	if err != nil {
		return "", err
	}
	if s.Meter != nil {
		s.Meter.Mailed(ctx, arn.ARN(l.By), len(l.Recipients))
	}
	return id, nil
}

// everybody is the envelope's recipients.
func (o *submission) everybody() []string {
	return orAll(o.only, slices.Concat(o.to, o.cc, o.bcc))
}

// check refuses what AWS refuses before it looks at the account.
func (o *submission) check() error {
	if strings.TrimSpace(o.from) == "" {
		return invalid("Missing required header 'From'.")
	}
	all := o.everybody()
	for _, a := range slices.Concat([]string{o.from}, all, o.replyTo) {
		if err := checkAddress(a); err != nil {
			return err
		}
	}
	for _, f := range o.message.Header {
		if f.Name == "" || strings.ContainsFunc(f.Name, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == ':' }) || strings.ContainsAny(f.Value, "\r\n") {
			return invalid("The header %q is not valid.", f.Name)
		}
	}
	switch {
	case len(all) == 0:
		return invalid("Destination must contain at least one recipient address.")
	case len(all) > tooManyRecipients:
		return invalid("Recipient count exceeds %d.", tooManyRecipients)
	case len(o.raw) > messageMax:
		return invalid("Message length is more than %d bytes long: %d.", messageMax, len(o.raw))
	}
	return nil
}

// checkAddress refuses what is no address, in SES's words.
func checkAddress(s string) error {
	a, err := mail.ParseAddress(s)
	switch {
	case err == nil && strings.Contains(domainOf(a.Address), ".") || err == nil && domainOf(a.Address) == "localhost":
		return nil
	case !strings.Contains(s, "@"):
		return invalid("Missing final '@domain'")
	case strings.HasSuffix(strings.TrimRight(s, "> "), "@"):
		return invalid("Missing domain")
	case err == nil:
		return invalid("Domain contains no dot: %s", s)
	}
	return invalid("Illegal address: %s", s)
}

// permission is what is found in the account before a message is accepted.
type permission struct {
	identity   string // as which the message is sent
	set        string
	unverified []string
	suppress   []string // reasons for which addresses get nothing
}

// permit looks whether the account may send the message.
func (s *Service) permit(tx *kv.Tx, sp space, region string, o *submission) (p permission, err error) {
	var a account
	if _, err := jsonrow.Get(tx, sp.account(), &a); err != nil {
		return p, err
	}
	if a.Paused {
		return p, fault.New(accountPaused, "Email sending is disabled for your entire SES account.")
	}
	senders := []string{o.from}
	if o.author != "" && bare(o.author) != bare(o.from) {
		senders = append(senders, o.author)
	}
	if o.returnPath != "" && bare(o.returnPath) != bare(o.from) {
		senders = append(senders, o.returnPath)
	}
	for i, sender := range senders {
		name, id, found, err := covering(tx, sp, bare(sender))
		if err != nil {
			return p, err
		}
		if !found || id.Verified.IsZero() {
			p.unverified = append(p.unverified, shownAs(sender))
		}
		if i == 0 {
			if p.identity, p.set = name, id.Set; !found {
				p.identity = normal(bare(sender))
			}
		}
	}
	if len(p.unverified) > 0 && s.Verify {
		return p, fault.New(messageRejected, "Email address is not verified. The following identities failed the check in region %s: %s",
			strings.ToUpper(region), strings.Join(p.unverified, ", "))
	}
	if o.set != "" {
		p.set = o.set
	}
	p.suppress = a.reasons(nil)
	if p.set != "" {
		var c configSet
		if ok, err := jsonrow.Get(tx, sp.set(p.set), &c); err != nil {
			return p, err
		} else if !ok {
			return p, noSet(p.set)
		}
		if c.Paused {
			return p, fault.New(setPaused, "Email sending is disabled for configuration set <%s>.", p.set)
		}
		p.suppress = a.reasons(&c)
	}
	return p, nil
}

// caused notes whose call the mail comes from.
func (l *letter) caused(ctx context.Context) {
	call := awsapi.From(ctx)
	a := &call.Actor
	l.actor = delivery.ActorRef{
		Account: a.Account, ARN: string(a.Principal.ARN), Issuer: string(a.Principal.Issuer), Service: a.Principal.Service, UserID: a.UserID,
	}
	l.trace(record.From(ctx))
	if l.Request == "" {
		l.Request = call.ID
	}
}

func (l *letter) trace(c record.Cause) {
	l.cause, l.Request = c, c.Request
	if !c.Trace.IsZero() {
		l.Trace = c.Trace.String()
	}
}

// parseData reads the data of a template as a request gives it.
func parseData(name, text string) (handlebars.Data, error) {
	if text == "" {
		text = "{}"
	}
	d, err := handlebars.ParseData(text)
	if err != nil {
		return d, fault.New(invalidRendering, "The rendering data of template %s is not valid: %v", name, err)
	}
	return d, nil
}
