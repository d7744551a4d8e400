package sns

import (
	"encoding/base64"
	"maps"
	"slices"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/awsapi/wire"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/pattern"
)

// message is what is published to a topic, or what SNS itself writes to an
// endpoint.
type message struct {
	kind       string
	id         string
	topic      name
	at         clock.Instant
	subject    *string
	text       string
	published  string            // the message as it was given: text, or with texts by protocol
	byProtocol map[string]string // what there is instead of text, by protocol
	attributes map[string]shapes.MessageAttributeValue
	bytes      int // that count against the topic's maximum

	group, dedup string
	sequence     string // of a FIFO topic
	duplicate    bool   // of one that was accepted before
	reported     string // the id of that one

	token, subscribe string // of a confirmation

	version     string            // of the signature
	signatures  map[string]string // of the texts, in Base64
	cert        string            // URL
	displayName string            // of the topic
}

// messageID is the id that the answer has.
func (m *message) messageID() *string {
	if m.duplicate {
		return &m.reported
	}
	return &m.id
}

// textFor is what an endpoint of a protocol gets.
func (m *message) textFor(protocol string) string {
	if text, ok := m.byProtocol[protocol]; ok {
		return text
	}
	return m.text
}

// timestamp is when it was published, as messages say it.
func (m *message) timestamp() string { return m.at.Time().Format("2006-01-02T15:04:05.000Z") }

// toSign is what the signature of a text is of: names and values, a line each.
//
// https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
func (m *message) toSign(text string) []byte {
	var b []byte
	add := func(name, value string) {
		b = append(append(append(append(b, name...), '\n'), value...), '\n')
	}
	add("Message", text)
	add("MessageId", m.id)
	if m.kind != typeNotification {
		add("SubscribeURL", m.subscribe)
	} else if m.subject != nil {
		add("Subject", *m.subject)
	}
	add("Timestamp", m.timestamp())
	if m.kind != typeNotification {
		add("Token", m.token)
	}
	add("TopicArn", m.topic.arn())
	add("Type", m.kind)
	return b
}

// member appends a member of a JSON object.
func member(b []byte, name, value string) []byte {
	b = wire.AppendString(append(b, ','), name)
	return wire.AppendString(append(b, ':'), value)
}

// envelope is the message as HTTP endpoints, queues and email-json get it, but
// for its beginning, which is each subscription's own.
//
// https://docs.aws.amazon.com/sns/latest/dg/http-notification-json.html
func (m *message) envelope(text string) []byte {
	b := make([]byte, 0, 1024+len(text))
	if m.sequence != "" {
		b = member(b, "SequenceNumber", m.sequence)
	}
	if m.token != "" {
		b = member(b, "Token", m.token)
	}
	b = member(b, "TopicArn", m.topic.arn())
	if m.subject != nil {
		b = member(b, "Subject", *m.subject)
	}
	b = member(b, "Message", text)
	if m.subscribe != "" {
		b = member(b, "SubscribeURL", m.subscribe)
	}
	b = member(b, "Timestamp", m.timestamp())
	if signature, ok := m.signatures[text]; ok {
		b = member(b, "SignatureVersion", m.version)
		b = member(b, "Signature", signature)
		b = member(b, "SigningCertURL", m.cert)
	}
	if len(m.attributes) > 0 {
		b = append(b, `,"MessageAttributes":`...)
		b = m.appendAttributes(b)
	}
	return append(b, '}')
}

// envelopeHead is the beginning of an envelope. The link to unsubscribe stands
// here, so that all that follows is the same for every subscription.
func (s *Service) envelopeHead(m *message, to name) []byte {
	b := wire.AppendString([]byte(`{"Type":`), m.kind)
	b = member(b, "MessageId", m.id)
	if m.kind == typeNotification {
		b = member(b, "UnsubscribeURL", s.unsubscribeURL(to))
	}
	return b
}

func (m *message) appendAttributes(b []byte) []byte {
	b = append(b, '{')
	for i, k := range slices.Sorted(maps.Keys(m.attributes)) {
		if i > 0 {
			b = append(b, ',')
		}
		v := m.attributes[k]
		b = wire.AppendString(b, k)
		b = wire.AppendString(append(b, `:{"Type":`...), value(v.DataType))
		text := value(v.StringValue)
		if v.StringValue == nil {
			text = base64.StdEncoding.EncodeToString(v.BinaryValue)
		}
		b = append(member(b, "Value", text), '}')
	}
	return append(b, '}')
}

// event is the message as a function gets it, but for its beginning.
//
// https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
func (m *message) event(text string) []byte {
	b := make([]byte, 0, 1024+len(text))
	b = member(b, "TopicArn", m.topic.arn())
	if m.subject != nil {
		b = member(b, "Subject", *m.subject)
	} else {
		b = append(b, `,"Subject":null`...)
	}
	b = member(b, "Message", text)
	b = member(b, "Timestamp", m.timestamp())
	b = member(b, "SignatureVersion", m.version)
	b = member(b, "Signature", m.signatures[text])
	b = member(b, "SigningCertUrl", m.cert)
	b = append(b, `,"MessageAttributes":`...)
	return append(m.appendAttributes(b), `}}]}`...)
}

func (s *Service) eventHead(m *message, to name) []byte {
	b := []byte(`{"Records":[{"EventSource":"aws:sns","EventVersion":"1.0"`)
	b = member(b, "EventSubscriptionArn", to.of(to.id))
	b = wire.AppendString(append(b, `,"Sns":{"Type":`...), m.kind)
	b = member(b, "MessageId", m.id)
	return member(b, "UnsubscribeUrl", s.unsubscribeURL(to))
}

// forFilter is the attributes as filter policies see them.
func (m *message) forFilter() *pattern.Event {
	out := make(map[string]pattern.Attribute, len(m.attributes))
	for k, v := range m.attributes {
		out[k] = pattern.Attribute{Type: value(v.DataType), Value: value(v.StringValue)}
	}
	return pattern.OfAttributes(out)
}
