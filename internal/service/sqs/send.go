package sqs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/record"
)

// sending is a message that is to be sent, and what became of it.
type sending struct {
	message
	delay *int32 // DelaySeconds, if it was given

	// duplicate says that a message with its deduplication id is there, or was,
	// whose id and stamp these are.
	duplicate bool
	op        uint16 // of a message of this commit
	stamp     kv.Stamp
}

func (s *Service) sendMessage(ctx context.Context, in *shapes.SendMessageRequest) (*shapes.SendMessageResult, error) {
	n, err := queueOf(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	m := s.compose(ctx, content{
		body: in.MessageBody, delay: in.DelaySeconds, attributes: in.MessageAttributes, system: in.MessageSystemAttributes,
		group: in.MessageGroupId, dedup: in.MessageDeduplicationId,
	})
	q, err := s.find(ctx, n)
	if err != nil {
		return nil, err
	}
	if err := q.checkMessage(m); err != nil {
		return nil, err
	}
	if err := checkSystem(in.MessageSystemAttributes); err != nil {
		return nil, err
	}
	if err := s.mayUse(ctx, q, true); err != nil {
		return nil, err
	}
	if err := s.send(ctx, n, []*sending{m}); err != nil {
		return nil, err
	}
	s.meter(ctx, n, m.size())
	return &shapes.SendMessageResult{
		MessageId: &m.id, MD5OfMessageBody: md5Of(m.body), MD5OfMessageAttributes: md5OfAttributes(m.attributes),
		MD5OfMessageSystemAttributes: md5OfAttributes(systemAttributes(in.MessageSystemAttributes)), SequenceNumber: q.sequenceOf(m.stamp),
	}, nil
}

func (s *Service) sendMessageBatch(ctx context.Context, in *shapes.SendMessageBatchRequest) (*shapes.SendMessageBatchResult, error) {
	n, err := queueOf(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	ids := make([]*string, len(in.Entries))
	for i, e := range in.Entries {
		ids[i] = e.Id
	}
	if err := checkBatch("SendMessageBatchRequestEntry", ids); err != nil {
		return nil, err
	}
	q, err := s.find(ctx, n)
	if err != nil {
		return nil, err
	}
	out := &shapes.SendMessageBatchResult{Successful: []shapes.SendMessageBatchResultEntry{}, Failed: []shapes.BatchResultErrorEntry{}}
	var good []*sending
	var places []int
	total := 0
	for i, e := range in.Entries {
		m := s.compose(ctx, content{
			body: e.MessageBody, delay: e.DelaySeconds, attributes: e.MessageAttributes, system: e.MessageSystemAttributes,
			group: e.MessageGroupId, dedup: e.MessageDeduplicationId,
		})
		total += m.size()
		err := q.checkMessage(m)
		if err == nil {
			err = checkSystem(e.MessageSystemAttributes)
		}
		if err != nil {
			out.Failed = append(out.Failed, failed(e.Id, err))
			continue
		}
		good, places = append(good, m), append(places, i)
	}
	if total > maxSize {
		return nil, fault.New("BatchRequestTooLong", "Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxSize, total)
	}
	if len(good) > 0 {
		if err := s.mayUse(ctx, q, true); err != nil {
			return nil, err
		}
		if err := s.send(ctx, n, good); err != nil {
			return nil, err
		}
	}
	s.meter(ctx, n, total)
	for i, m := range good {
		e := in.Entries[places[i]]
		out.Successful = append(out.Successful, shapes.SendMessageBatchResultEntry{
			Id: e.Id, MessageId: &m.id, MD5OfMessageBody: md5Of(m.body), MD5OfMessageAttributes: md5OfAttributes(m.attributes),
			MD5OfMessageSystemAttributes: md5OfAttributes(systemAttributes(e.MessageSystemAttributes)), SequenceNumber: q.sequenceOf(m.stamp),
		})
	}
	return out, nil
}

// content is what a request says of a message.
type content struct {
	body, group, dedup *string
	delay              *int32
	attributes         map[string]shapes.MessageAttributeValue
	system             map[string]shapes.MessageSystemAttributeValue
}

// compose makes a message of a request. Its trace is that which the request gives
// it, or else that of the request.
//
// https://docs.aws.amazon.com/xray/latest/devguide/xray-services-sqs.html
func (s *Service) compose(ctx context.Context, c content) *sending {
	call := awsapi.From(ctx)
	m := &sending{delay: c.delay, message: message{
		id: awsapi.NewID(), sender: senderOf(&call.Actor), body: value(c.body), group: value(c.group), dedup: value(c.dedup), cause: record.From(ctx),
	}}
	for _, name := range sortedKeys(c.attributes) {
		v := c.attributes[name]
		m.attributes = append(m.attributes, attribute{name: name, kind: value(v.DataType), text: value(v.StringValue), binary: v.BinaryValue})
	}
	if h, ok := c.system[traceHeader]; ok {
		m.trace = value(h.StringValue)
	} else if m.cause.Sampled {
		m.trace = m.cause.XRay()
	}
	return m
}

const traceHeader = "AWSTraceHeader"

// senderOf is the attribute SenderId: the user's or role's unique id, or for a
// service its account.
func senderOf(a *awsapi.Actor) string {
	if a.UserID != "" {
		return a.UserID
	}
	return a.Account
}

// checkSystem checks message system attributes.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
func checkSystem(as map[string]shapes.MessageSystemAttributeValue) error {
	for _, name := range sortedKeys(as) {
		v := as[name]
		switch {
		case name != traceHeader:
			return invalid("Message system attribute name '%s' is invalid.", name)
		case value(v.DataType) != "String" || value(v.StringValue) == "":
			return invalid("The message system attribute '%s' must contain a non-empty message system attribute value for message system attribute type 'String'.", name)
		}
		if _, ok := record.ParseXRay(*v.StringValue); !ok {
			return invalid("The message system attribute '%s' is not a valid X-Ray trace header.", name)
		}
	}
	return nil
}

func systemAttributes(as map[string]shapes.MessageSystemAttributeValue) []attribute {
	var out []attribute
	for _, name := range sortedKeys(as) {
		out = append(out, attribute{name: name, kind: value(as[name].DataType), text: value(as[name].StringValue)})
	}
	return out
}

// checkMessage checks a message for a queue.
func (q *queue) checkMessage(m *sending) error {
	if err := m.checkContent(); err != nil {
		return err
	}
	if size := m.size(); size > q.settings.size {
		return invalid("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", q.settings.size)
	}
	if m.delay != nil && (*m.delay < 0 || *m.delay > 900) {
		return badValue(strconv.Itoa(int(*m.delay)), "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")
	}
	if m.group != "" && !isIdentifier(m.group) {
		return badValue(m.group, "MessageGroupId", "MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.")
	}
	if m.dedup != "" && !isIdentifier(m.dedup) {
		return badValue(m.dedup, "MessageDeduplicationId", "MessageDeduplicationId can only include alphanumeric and punctuation characters. 1 to 128 in length.")
	}
	switch {
	case !q.settings.fifo && m.dedup != "":
		return invalid("The request includes a parameter that is not valid for this queue type. Reason: MessageDeduplicationId is for FIFO queues.")
	case !q.settings.fifo:
		return nil
	case m.group == "":
		return missing("MessageGroupId")
	case m.delay != nil && *m.delay != 0:
		return badValue(strconv.Itoa(int(*m.delay)), "DelaySeconds", "The request include parameter that is not valid for this queue type.")
	case m.dedup == "" && !q.settings.contentDedup:
		return invalid("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	case m.dedup == "":
		sum := sha256.Sum256([]byte(m.body))
		m.dedup = hex.EncodeToString(sum[:])
	}
	return nil
}

// send puts messages that were checked into a queue.
func (s *Service) send(ctx context.Context, n name, ms []*sending) error {
	stamp, _, err := s.update(ctx, n, func(tx *kv.Tx, q *queue) error { return s.sendTx(tx, q, ms, map[string]*sending{}) })
	if err != nil {
		return err
	}
	for _, m := range ms {
		if m.stamp.IsZero() {
			m.stamp = stamp.At(m.op)
		}
	}
	return nil
}

// sendTx is send in a transaction. Of a message of this commit the stamp is not
// known yet: it is zero. Seen is what the transaction has sent before, by queue,
// scope and deduplication id.
func (s *Service) sendTx(tx *kv.Tx, q *queue, ms []*sending, seen map[string]*sending) error {
	now := q.live.now()
	fresh := make([]*message, 0, len(ms))
	at := make([]*sending, 0, len(ms))
	var repeats [][2]*sending
	for _, m := range ms {
		m.duplicate, m.stamp = false, kv.Stamp{}
		m.sent = now
		delay := millis(q.settings.delay.Milliseconds())
		if m.delay != nil && !q.settings.fifo {
			delay = millis(*m.delay) * 1000
		}
		m.after = now + delay
		if q.settings.fifo {
			scope := q.dedupScope(m.group)
			id := string(q.arn()) + "\x00" + scope + "\x00" + m.dedup
			if first := seen[id]; first != nil {
				repeats = append(repeats, [2]*sending{m, first})
				continue
			}
			seen[id] = m
			if err := q.recall(tx, now, scope, m); err != nil {
				return err
			}
			if m.duplicate {
				continue
			}
		}
		fresh, at = append(fresh, &m.message), append(at, m)
	}
	if len(fresh) > 0 {
		ops, err := s.put(tx, q, now, fresh)
		if err != nil {
			return err
		}
		for i, m := range at {
			m.op = ops[i]
			if q.settings.fifo {
				q.remember(tx, now, m)
			}
		}
	}
	for _, pair := range repeats {
		pair[0].duplicate, pair[0].id, pair[0].op, pair[0].stamp = true, pair[1].id, pair[1].op, pair[1].stamp
	}
	return nil
}

// sequenceOf is the sequence number of a message of a FIFO queue: twenty digits.
func (q *queue) sequenceOf(at kv.Stamp) *string {
	if !q.settings.fifo {
		return nil
	}
	return ptr(sequence(at))
}

func sequence(at kv.Stamp) string { return fmt.Sprintf("%020d", at.Version()<<16|uint64(at.Op())) }
