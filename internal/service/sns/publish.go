package sns

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/record"
)

// maxMessage is how large a message may be, with its attributes, unless its
// topic says otherwise.
//
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const maxMessage = 256 << 10

// publish accepts one message.
func (s *Service) publish(ctx context.Context, in *shapes.PublishInput) (*shapes.PublishResponse, error) {
	n, err := publishTarget(ctx, in)
	if err != nil {
		return nil, err
	}
	e := &shapes.PublishBatchRequestEntry{
		Message: in.Message, Subject: in.Subject, MessageStructure: in.MessageStructure, MessageAttributes: in.MessageAttributes,
		MessageDeduplicationId: in.MessageDeduplicationId, MessageGroupId: in.MessageGroupId,
	}
	m, err := newMessage(n, e)
	if err != nil {
		return nil, err
	}
	if err := s.send(ctx, n, []*message{m}); err != nil {
		return nil, err
	}
	out := &shapes.PublishResponse{MessageId: m.messageID()}
	if m.sequence != "" {
		out.SequenceNumber = &m.sequence
	}
	return out, nil
}

// publishTarget is the topic that a message is for.
func publishTarget(ctx context.Context, in *shapes.PublishInput) (name, error) {
	switch {
	case in.PhoneNumber != nil:
		return name{}, invalid("PhoneNumber Reason: nube sends no text messages; publish to a topic")
	case in.TopicArn != nil && in.TargetArn != nil:
		return name{}, invalid("TopicArn or TargetArn Reason: only one of them may be given")
	case in.TopicArn != nil:
		return topicName(ctx, "TopicArn", in.TopicArn)
	case in.TargetArn != nil:
		if strings.Contains(*in.TargetArn, ":endpoint/") {
			return name{}, invalid("TargetArn Reason: No endpoint found for the target arn specified")
		}
		return topicName(ctx, "TargetArn", in.TargetArn)
	}
	return name{}, invalid("TopicArn or TargetArn Reason: no value for required parameter")
}

// newMessage checks what is published. What depends on the topic's attributes is
// checked when it is sent.
func newMessage(n name, e *shapes.PublishBatchRequestEntry) (*message, error) {
	m := &message{
		kind: typeNotification, id: awsapi.NewID(), topic: n, subject: e.Subject, text: value(e.Message), published: value(e.Message), attributes: e.MessageAttributes,
		group: value(e.MessageGroupId), dedup: value(e.MessageDeduplicationId),
	}
	if m.text == "" {
		return nil, invalid("Empty message")
	}
	if err := checkSubject(e.Subject); err != nil {
		return nil, err
	}
	if err := checkAttributes(e.MessageAttributes); err != nil {
		return nil, err
	}
	m.bytes = m.size()
	switch structure := value(e.MessageStructure); structure {
	case "":
	case "json":
		if err := m.readStructure(); err != nil {
			return nil, err
		}
	default:
		return nil, invalid("MessageStructure")
	}
	for what, id := range map[string]*string{"MessageGroupId": e.MessageGroupId, "MessageDeduplicationId": e.MessageDeduplicationId} {
		if id != nil && !isID(*id) {
			return nil, invalid("%s Reason: %s can only include alphanumeric and punctuation characters. 1 to 128 in length", what, what)
		}
	}
	switch {
	case !n.fifo() && m.dedup != "":
		return nil, invalid("MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type")
	case n.fifo() && m.group == "":
		return nil, invalid("The MessageGroupId parameter is required for FIFO topics")
	}
	return m, nil
}

// isID reports whether a text can be a group or a deduplication id.
func isID(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 128
}

// checkSubject: subjects are what mail can have for one.
func checkSubject(s *string) *fault.Error {
	if s == nil {
		return nil
	}
	if n := utf8.RuneCountInString(*s); n == 0 || n > 100 || strings.ContainsFunc(*s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return invalid("Subject")
	}
	if c := (*s)[0]; c == ' ' {
		return invalid("Subject")
	}
	return nil
}

// size is what counts of a message.
func (m *message) size() int {
	n := len(m.text)
	for k, v := range m.attributes {
		n += len(k) + len(value(v.DataType)) + len(value(v.StringValue)) + len(v.BinaryValue)
	}
	return n
}

// errMoved says that a topic changed after it was read.
var errMoved = errors.New("sns: the topic has changed")

// send accepts messages: what brings them to their subscriptions commits in one
// transaction. Filtering and signing come before it, on a topic that the
// transaction then finds unchanged.
func (s *Service) send(ctx context.Context, n name, ms []*message) error {
	for {
		l, err := s.load(ctx, n)
		if err != nil {
			return err
		}
		if err := s.mayUse(ctx, n, &l.topic); err != nil {
			return err
		}
		err = s.sendTo(ctx, n, l, ms)
		if !errors.Is(err, errMoved) {
			return err
		}
	}
}

// parcel is a message with those who get it, and how many do not, by the reason.
type parcel struct {
	m        *message
	to       []*subscriber
	rejected map[string]int
}

func (s *Service) sendTo(ctx context.Context, n name, l *loaded, ms []*message) error {
	now := s.Clock.Now()
	parcels := make([]parcel, len(ms))
	for i, m := range ms {
		m.at, m.version, m.displayName = now, l.topic.attribute(n, "SignatureVersion"), l.topic.Attributes["DisplayName"]
		if m.bytes > l.topic.maxSize(n) {
			return invalid("Message too long")
		}
		if err := m.identify(&l.topic); err != nil {
			return err
		}
		p, err := s.pack(ctx, l, m)
		if err != nil {
			return err
		}
		parcels[i] = p
	}
	cause := record.From(ctx)
	k := n.space().topic(n.topic)
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		row, err := tx.Get(k)
		if err != nil {
			return err
		}
		if !bytes.Equal(row, l.row) {
			return errMoved
		}
		if n.fifo() {
			if err := s.number(tx, n, &l.topic, ms, now); err != nil {
				return err
			}
		}
		for _, p := range parcels {
			if err := s.emit(tx, cause, p); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, kv.ErrTooLarge) {
		// What JSON makes of a message can be several times as long.
		return invalid("Message too long").Because(err)
	}
	if err == nil && s.Meter != nil {
		for _, p := range parcels {
			p.measure(s.Meter)
		}
	}
	return err
}

// measure tells of those who do not get the message; of a duplicate, nobody does.
func (p parcel) measure(to Meter) {
	if p.m.duplicate {
		return
	}
	for why, n := range p.rejected {
		to.Filtered(arn.ARN(p.m.topic.arn()), why, n)
	}
}

// pack finds out who gets a message, and signs it if any of them can tell.
func (s *Service) pack(ctx context.Context, l *loaded, m *message) (parcel, error) {
	p := parcel{m: m}
	f := &filters{m: m}
	var texts []string
	for _, to := range l.subs {
		if why := f.rejects(to); why != "" {
			if p.rejected == nil {
				p.rejected = make(map[string]int)
			}
			p.rejected[why]++
			continue
		}
		p.to = append(p.to, to)
		if !to.raw && to.Protocol != "email" {
			texts = append(texts, m.textFor(to.Protocol))
		}
	}
	if len(texts) == 0 || m.topic.fifo() {
		return p, nil
	}
	return p, s.signer.sign(ctx, m, texts...)
}

// emit emits the effects of a message, unless it is a duplicate.
func (s *Service) emit(tx *kv.Tx, cause record.Cause, p parcel) error {
	if p.m.duplicate {
		return nil
	}
	r := &renderer{s: s, m: p.m}
	es := make([]delivery.Effect, len(p.to))
	for i, to := range p.to {
		var err error
		if es[i], err = r.effect(cause, to, p.m.textFor(to.Protocol)); err != nil {
			return err
		}
	}
	return s.Emit.Emit(tx, es...)
}
