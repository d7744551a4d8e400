package ses

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/record"
)

// mailEvent is what a configuration set tells of a mail.
//
// https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
type mailEvent struct {
	EventType     string           `json:"eventType"`
	Mail          eventMail        `json:"mail"`
	Send          *struct{}        `json:"send,omitempty"`
	Delivery      *eventDelivery   `json:"delivery,omitempty"`
	DeliveryDelay *eventDelay      `json:"deliveryDelay,omitempty"`
	Bounce        *eventBounce     `json:"bounce,omitempty"`
	Complaint     *eventComplaint  `json:"complaint,omitempty"`
	Failure       *eventRenderFail `json:"failure,omitempty"`

	kind string
	of   string // recipient; "" for all
}

type eventMail struct {
	Timestamp        string              `json:"timestamp"`
	Source           string              `json:"source"`
	SourceARN        string              `json:"sourceArn"`
	SendingAccountID string              `json:"sendingAccountId"`
	MessageID        string              `json:"messageId"`
	Destination      []string            `json:"destination"`
	HeadersTruncated bool                `json:"headersTruncated"`
	Headers          []eventHeader       `json:"headers"`
	CommonHeaders    eventCommon         `json:"commonHeaders"`
	Tags             map[string][]string `json:"tags"`
}

type eventHeader struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type eventCommon struct {
	From      []string `json:"from"`
	To        []string `json:"to"`
	MessageID string   `json:"messageId"`
	Subject   string   `json:"subject"`
}

type eventDelivery struct {
	Timestamp            string   `json:"timestamp"`
	ProcessingTimeMillis int64    `json:"processingTimeMillis"`
	Recipients           []string `json:"recipients"`
	SMTPResponse         string   `json:"smtpResponse"`
	ReportingMTA         string   `json:"reportingMTA"`
}

type eventDelay struct {
	Timestamp         string           `json:"timestamp"`
	DelayType         string           `json:"delayType"`
	DelayedRecipients []eventRecipient `json:"delayedRecipients"`
}

type eventBounce struct {
	BounceType        string           `json:"bounceType"`
	BounceSubType     string           `json:"bounceSubType"`
	BouncedRecipients []eventRecipient `json:"bouncedRecipients"`
	Timestamp         string           `json:"timestamp"`
	FeedbackID        string           `json:"feedbackId"`
}

type eventComplaint struct {
	ComplainedRecipients  []eventRecipient `json:"complainedRecipients"`
	Timestamp             string           `json:"timestamp"`
	FeedbackID            string           `json:"feedbackId"`
	ComplaintFeedbackType string           `json:"complaintFeedbackType"`
}

type eventRecipient struct {
	EmailAddress   string `json:"emailAddress"`
	Action         string `json:"action,omitempty"`
	Status         string `json:"status,omitempty"`
	DiagnosticCode string `json:"diagnosticCode,omitempty"`
}

type eventRenderFail struct {
	ErrorMessage string `json:"errorMessage"`
	TemplateName string `json:"templateName"`
}

func eventTime(i clock.Instant) string { return i.Time().Format("2006-01-02T15:04:05.000Z") }

// announce tells the destinations of the mail's configuration set what has
// happened to it: with the mail, or with what the mail server said.
func (s *Service) announce(tx *kv.Tx, c keyspace.Cell, m *Mail, cause record.Cause, at clock.Instant, events []mailEvent) error {
	if m.Set == "" || len(events) == 0 {
		return nil
	}
	var set configSet
	if ok, err := jsonrow.Get(tx, spaceOf(c).set(m.Set), &set); err != nil || !ok {
		return err // a set that was deleted tells nobody
	}
	scope := arn.In(c.Region, c.Account)
	var es []delivery.Effect
	for name, d := range set.Destinations {
		for _, e := range events {
			if !d.Enabled || !slices.Contains(d.Events, e.kind) {
				continue
			}
			e.Mail = m.told(c, scope)
			payload, err := json.Marshal(e)
			if err != nil {
				return fmt.Errorf("ses: event of mail %s: %w", m.ID, err)
			}
			es = append(es, delivery.Effect{
				Cell: c, Target: d.Topic, ID: strings.Join([]string{m.ID, name, e.kind, e.of}, "/"), Payload: payload, At: at, Cause: cause,
				Actor: delivery.ActorRef{Account: c.Account, Service: "ses.amazonaws.com"}, SourceARN: string(scope.Of("ses", "configuration-set/"+m.Set)),
				Policy: delivery.Policy{MaxAge: 24 * time.Hour},
			})
		}
	}
	return s.Emit.Emit(tx, es...)
}

// told is what events say of the mail.
func (m *Mail) told(c keyspace.Cell, scope arn.Scope) eventMail {
	id := messageIDField(m.ID, c.Region)
	out := eventMail{
		Timestamp: eventTime(m.At), Source: m.From, SourceARN: m.By, SendingAccountID: c.Account, MessageID: m.ID, Destination: []string{},
		Headers:       []eventHeader{{"From", m.From}, {"To", strings.Join(m.To, ", ")}, {"Subject", m.Subject}, {"Message-ID", "<" + id + ">"}},
		CommonHeaders: eventCommon{From: []string{m.From}, To: append([]string{}, m.To...), MessageID: m.ID, Subject: m.Subject},
		Tags: map[string][]string{
			"ses:configuration-set": {m.Set}, "ses:from-domain": {domainOf(m.Sender)},
		},
	}
	for _, r := range m.Recipients {
		out.Destination = append(out.Destination, r.Address)
	}
	for k, v := range m.Tags {
		out.Tags[k] = []string{v}
	}
	return out
}

// arrival are the events of a mail that was accepted.
func (m *Mail) arrival() []mailEvent {
	if m.Failure != "" {
		return []mailEvent{{EventType: "Rendering Failure", kind: failureEvent, Failure: &eventRenderFail{strings.TrimPrefix(m.Failure, renderingFailure), m.Template}}}
	}
	out := []mailEvent{{EventType: "Send", kind: sendEvent, Send: &struct{}{}}}
	for i := range m.Recipients {
		r := &m.Recipients[i]
		switch r.State {
		case Kept:
			out = append(out, m.delivered(r, m.At, "250 ok"))
			if local, domain, _ := cutLast(r.Address, "@"); domain == simulator && (local == "complaint" || strings.HasPrefix(local, "complaint+")) {
				out = append(out, mailEvent{EventType: "Complaint", kind: complaintEvent, of: r.Address, Complaint: &eventComplaint{
					[]eventRecipient{{EmailAddress: r.Address}}, eventTime(m.At), m.ID + "-complaint", "abuse",
				}})
			}
		case Bounced:
			out = append(out, m.bounced(r, m.At, "General"))
		case Suppressed:
			out = append(out, m.bounced(r, m.At, "OnAccountSuppressionList"))
		}
	}
	return out
}

// departure is the event of what the mail server said of a recipient.
func (m *Mail) departure(r *Recipient) []mailEvent {
	switch r.State {
	case Sent:
		return []mailEvent{m.delivered(r, r.At, "250 ok")}
	case Refused:
		return []mailEvent{m.bounced(r, r.At, "General")}
	case Expired:
		e := m.bounced(r, r.At, "General")
		e.Bounce.BounceType, e.Bounce.BouncedRecipients[0].Status = "Transient", "4.4.7"
		return []mailEvent{e}
	case Retrying:
		if r.Tries == 1 {
			return []mailEvent{{EventType: "DeliveryDelay", kind: delayEvent, of: r.Address, DeliveryDelay: &eventDelay{
				eventTime(r.At), "TransientCommunicationFailure", []eventRecipient{{EmailAddress: r.Address, Status: "4.4.7", DiagnosticCode: "smtp; " + r.Detail}},
			}}}
		}
	}
	return nil
}

func (m *Mail) delivered(r *Recipient, at clock.Instant, answer string) mailEvent {
	return mailEvent{EventType: "Delivery", kind: deliveryEvent, of: r.Address, Delivery: &eventDelivery{
		eventTime(at), at.Sub(m.At).Milliseconds(), []string{r.Address}, answer, "localhost",
	}}
}

func (m *Mail) bounced(r *Recipient, at clock.Instant, why string) mailEvent {
	return mailEvent{EventType: "Bounce", kind: bounceEvent, of: r.Address, Bounce: &eventBounce{
		"Permanent", why, []eventRecipient{{r.Address, "failed", "5.1.1", "smtp; " + r.Detail}}, eventTime(at), m.ID + "-" + r.Address,
	}}
}
