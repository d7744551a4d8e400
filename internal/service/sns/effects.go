package sns

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/email"
	"github.com/nube-run/nube/internal/record"
)

// principal is who SNS is to the policies of functions and queues.
const principal = "sns.amazonaws.com"

// renderer makes the effects of one message. What subscriptions share is made
// once, and is then one slice, which delivery keeps once.
type renderer struct {
	s      *Service
	m      *message
	shared map[string][]byte // by form and text
}

func (r *renderer) share(form, text string, render func(string) []byte) []byte {
	k := form + text
	b, ok := r.shared[k]
	if !ok {
		b = render(text)
		if r.shared == nil {
			r.shared = make(map[string][]byte)
		}
		r.shared[k] = b
	}
	return b
}

// effect is what brings a message to one subscription.
func (s *Service) effect(ctx context.Context, m *message, to *subscriber, text string) (delivery.Effect, error) {
	return (&renderer{s: s, m: m}).effect(record.From(ctx), to, text)
}

func (r *renderer) effect(cause record.Cause, to *subscriber, text string) (delivery.Effect, error) {
	m := r.m
	e := delivery.Effect{
		Cell: m.topic.cell(), Target: to.target(), ID: idOf(m, to), Cause: cause, At: m.at,
		Actor: delivery.ActorRef{Account: m.topic.scope.Account, Service: principal}, SourceARN: m.topic.arn(),
		Policy: to.policy(),
	}
	if m.topic.fifo() {
		e.Order = m.topic.arn() + "/" + m.group
	}
	var err error
	switch to.Protocol {
	case "lambda":
		e.Head, e.Payload = r.s.eventHead(m, to.name), r.share("event", text, m.event)
	case "sqs":
		e.Kind = delivery.KindMessage
		e.Head, e.Payload, err = r.queueMessage(to, text)
	case "http", "https":
		e.Kind = kindHTTP
		e.Head, e.Payload, err = r.request(to, text)
	case "email":
		e.Payload = r.s.mail(m, to, text)
	case "email-json":
		e.Payload = r.s.mailJSON(m, to, append(r.s.envelopeHead(m, to.name), m.envelope(text)...))
	default:
		err = fmt.Errorf("sns: nothing delivers the protocol %s", to.Protocol)
	}
	return e, err
}

// idOf names what becomes of a message for one subscription: a UUID, because it
// is the id of a function's request.
func idOf(m *message, to *subscriber) string {
	sum := sha256.Sum256([]byte(m.id + to.name.id))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80 // version 8: made of something else
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// policy is how long an endpoint is tried.
//
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
func (to *subscriber) policy() delivery.Policy {
	p := delivery.Policy{DeadLetter: to.redrive}
	if to.Protocol == "lambda" && to.redrive != "" {
		p.DeadLetter = redriveScheme + ":" + to.redrive // a queue gets the envelope, not the event
	}
	switch to.Protocol {
	case "lambda", "sqs": // AWS managed endpoints: 23 days
		p.MaxAttempts, p.MaxAge, p.Backoff, p.MaxBackoff = 100_016, 23*24*time.Hour, time.Second, 20*time.Second
	case "email", "email-json": // customer managed: six hours
		p.MaxAttempts, p.MaxAge, p.Backoff, p.MaxBackoff = 51, 6*time.Hour, 10*time.Second, 10*time.Minute
	case "http", "https": // the receiver knows the pauses
		p.MaxAttempts = 1 + to.delivery.retry.Retries
	}
	return p
}

// queueMessage is the message as a queue gets it: the envelope, or raw with its
// attributes.
func (r *renderer) queueMessage(to *subscriber, text string) (head, payload []byte, err error) {
	m := r.m
	qm := delivery.Message{Group: m.group}
	if strings.HasSuffix(to.Endpoint, fifoSuffix) {
		qm.Dedup = m.dedup // a standard queue of a FIFO topic takes none
	}
	if to.raw {
		if len(m.attributes) > 0 {
			qm.Attributes = make(map[string]delivery.MessageAttribute, len(m.attributes))
		}
		for k, v := range m.attributes {
			qm.Attributes[k] = delivery.MessageAttribute{Type: value(v.DataType), Text: value(v.StringValue), Binary: v.BinaryValue}
		}
		head, err = qm.Head()
		return head, r.share("raw", text, func(s string) []byte { return []byte(s) }), err
	}
	if head, err = qm.Head(); err != nil {
		return nil, nil, err
	}
	return append(head, r.s.envelopeHead(m, to.name)...), r.share("envelope", text, m.envelope), nil
}

// request is the message as an HTTP endpoint gets it, after a line that says how.
func (r *renderer) request(to *subscriber, text string) (head, payload []byte, err error) {
	m := r.m
	line := requestHead{
		Type: m.kind, ID: m.id, Topic: m.topic.arn(), ContentType: to.delivery.request.ContentType, Retry: to.delivery.retry, PerSecond: to.delivery.throttle.PerSecond,
		Raw: to.raw && m.kind == typeNotification,
	}
	if m.kind != typeConfirmation {
		line.Subscription = to.name.of(to.name.id)
	}
	head, err = json.Marshal(line)
	if err != nil {
		return nil, nil, fmt.Errorf("sns: request: %w", err)
	}
	head = append(head, '\n')
	if line.Raw {
		return head, r.share("raw", text, func(s string) []byte { return []byte(s) }), nil
	}
	return append(head, r.s.envelopeHead(m, to.name)...), r.share("envelope", text, m.envelope), nil
}

// sender is who mails come from: the topic has a say about notifications alone.
func (m *message) sender() string {
	if m.displayName != "" && m.kind == typeNotification {
		return (&mail.Address{Name: m.displayName, Address: "no-reply@sns.amazonaws.com"}).String()
	}
	return "AWS Notifications <no-reply@sns.amazonaws.com>"
}

// mail is the message as a person gets it.
//
// https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html
func (s *Service) mail(m *message, to *subscriber, text string) []byte {
	out := email.Message{From: m.sender(), To: []string{to.Endpoint}, Date: m.at.Time(), ID: idOf(m, to) + "@sns.amazonaws.com"}
	switch m.kind {
	case typeConfirmation:
		out.Subject = "AWS Notification - Subscription Confirmation"
		out.Text = "You have chosen to subscribe to the topic:\n" + m.topic.arn() + "\n\n" +
			"To confirm this subscription, click or visit the link below (If this was in error no action is necessary):\n" + m.subscribe + "\n"
	case typeFarewell:
		out.Subject = "AWS Notification - Unsubscribe Confirmation"
		out.Text = "Your subscription to the topic below has been deleted:\n" + m.topic.arn() + "\n\n" +
			"If this was in error or you wish to resubscribe, click or visit the link below to undo:\n" + m.subscribe + "\n"
	default:
		out.Subject = "AWS Notification Message"
		if m.subject != nil {
			out.Subject = *m.subject
		}
		out.Text = text + "\n\n--\nIf you wish to stop receiving notifications from this topic, please click or visit the link below to unsubscribe:\n" +
			s.unsubscribeURL(to.name) + "\n\nPlease do not reply directly to this email.\n"
	}
	return out.Bytes()
}

// mailJSON is the message as a program gets it by mail. A confirmation is for a
// person all the same.
func (s *Service) mailJSON(m *message, to *subscriber, envelope []byte) []byte {
	out := email.Message{
		From: m.sender(), To: []string{to.Endpoint}, Date: m.at.Time(), ID: idOf(m, to) + "@sns.amazonaws.com",
		Subject: "AWS Notification Message", Text: string(envelope) + "\n",
	}
	if m.subject != nil {
		out.Subject = *m.subject
	}
	if m.kind != typeNotification {
		out.Subject = "AWS Notification - " + m.kind
	}
	return out.Bytes()
}
