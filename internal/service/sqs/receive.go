package sqs

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/fault"
)

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
func (s *Service) receiveMessage(ctx context.Context, in *shapes.ReceiveMessageRequest) (*shapes.ReceiveMessageResult, error) {
	n, err := queueOf(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	q, err := s.find(ctx, n)
	if err != nil {
		return nil, err
	}
	w := want{messages: 1, visibility: q.settings.visibility, nonce: rand.Uint64()}
	wait := q.settings.wait
	if p := in.MaxNumberOfMessages; p != nil {
		if *p < 1 || *p > 10 {
			return nil, badValue(strconv.Itoa(int(*p)), "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
		}
		w.messages = int(*p)
	}
	if p := in.VisibilityTimeout; p != nil {
		if *p < 0 || *p > int32(maxVisibility/time.Second) {
			return nil, badTimeout(*p, "VisibilityTimeout must be an integer between 0 and 43200.")
		}
		w.visibility = time.Duration(*p) * time.Second
	}
	if p := in.WaitTimeSeconds; p != nil {
		if *p < 0 || *p > int32(maxWait/time.Second) {
			return nil, badValue(strconv.Itoa(int(*p)), "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")
		}
		wait = time.Duration(*p) * time.Second
	}
	if id := value(in.ReceiveRequestAttemptId); in.ReceiveRequestAttemptId != nil {
		if !q.settings.fifo {
			return nil, invalid("The request includes a parameter that is not valid for this queue type. Reason: ReceiveRequestAttemptId is for FIFO queues.")
		}
		if !isIdentifier(id) {
			return nil, badValue(id, "ReceiveRequestAttemptId", "ReceiveRequestAttemptId can only include alphanumeric and punctuation characters. 1 to 128 in length.")
		}
		w.attempt = id
	}
	names := slices.Concat(in.AttributeNames, in.MessageSystemAttributeNames)
	for _, name := range names {
		if !isSystemAttribute(name) {
			return nil, fault.New("InvalidAttributeName", "Unknown Attribute %s.", name)
		}
	}
	for _, name := range in.MessageAttributeNames {
		if base := strings.TrimSuffix(strings.TrimSuffix(name, "*"), "."); name != "All" && base != "" && !isAttributeName(base) {
			return nil, invalid("The message attribute name '%s' is invalid.", name)
		}
	}
	if err := s.mayUse(ctx, q, false); err != nil {
		return nil, err
	}
	got, err := s.await(ctx, n, w, wait)
	if err != nil {
		return nil, err
	}
	size := 0
	out := &shapes.ReceiveMessageResult{}
	for _, t := range got {
		size += t.size()
		out.Messages = append(out.Messages, t.shape(q, names, in.MessageAttributeNames))
	}
	s.meter(ctx, n, size)
	s.received(n, len(got))
	return out, nil
}

// await receives messages, and waits for some as long as it may, in machine time:
// the line of those who wait is that of their connections.
func (s *Service) await(ctx context.Context, n name, w want, wait time.Duration) ([]*taken, error) {
	var timeout <-chan time.Time
	if wait > 0 {
		t := s.Machine.NewTimer(wait)
		defer t.Stop()
		timeout = t.C
	}
	token := awsapi.From(ctx).Work
	var place *waiter // in line
	var of *live      // whose line it is
	awake := false    // and it was woken there, and has not looked
	for {
		q, err := s.find(ctx, n)
		if of != nil && (err != nil || q.live != of) {
			if awake {
				of.looked(true, false)
			}
			place, of, awake = nil, nil, false
		}
		if err != nil {
			return nil, err
		}
		events, others := q.live.seen()
		var next millis
		if wait == 0 || place != nil || !others { // a newcomer does not take what those in line were woken for
			r, err := s.receive(ctx, q, w)
			q.live.looked(awake, r.more)
			awake = false
			switch {
			case errors.Is(err, errStale):
				if _, err := s.reload(ctx, n); err != nil {
					return nil, err
				}
				continue
			case len(r.got) > 0:
				return r.got, nil
			case wait > 0 && fault.Is(err, "OverLimit"):
			case err != nil || wait == 0:
				return nil, err
			}
			next = r.next
		}
		x := q.live.join(token, events, place, next)
		if x == nil {
			continue
		}
		place, of = x, q.live
		token.Park("no messages in " + n.queue)
		select {
		case <-x.c:
			awake = true
		case <-timeout:
			wait = 0
		case <-s.stopped:
			wait = 0
		case <-ctx.Done():
			err = ctx.Err()
		}
		token.Unpark()
		if !awake {
			of.leave(x)
			return nil, err
		}
	}
}

// receive takes messages, or gives those once more that an earlier call with the
// same attempt id took.
func (s *Service) receive(ctx context.Context, q *queue, w want) (r catch, err error) {
	if w.attempt != "" {
		if r.got, err = s.repeat(ctx, q, w); len(r.got) > 0 || err != nil {
			return r, err
		}
	}
	r, err = s.take(ctx, q, w)
	if len(r.got) > 0 && err != nil && !errors.Is(err, errStale) {
		err = nil // they were received, whatever came after
	}
	for _, t := range r.got {
		t.handle = q.handle(t)
	}
	return r, err
}

// isSystemAttribute reports whether a message has a system attribute of a name.
func isSystemAttribute(name string) bool {
	switch name {
	case "All", "SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp", "SequenceNumber",
		"MessageDeduplicationId", "MessageGroupId", traceHeader, "DeadLetterQueueSourceArn":
		return true
	}
	return false
}

// shape is a message as a caller gets it, with the attributes that it asks for.
func (t *taken) shape(q *queue, names, messageNames []string) shapes.Message {
	m := shapes.Message{MessageId: &t.id, ReceiptHandle: &t.handle, Body: &t.body, MD5OfBody: md5Of(t.body)}
	if len(names) > 0 {
		all := t.system(q)
		m.Attributes = make(map[string]string, len(all))
		for name, v := range all {
			if slices.Contains(names, "All") || slices.Contains(names, name) {
				m.Attributes[name] = v
			}
		}
	}
	var wanted []attribute
	for _, a := range t.attributes {
		if asked(messageNames, a.name) {
			wanted = append(wanted, a)
		}
	}
	if len(wanted) > 0 {
		m.MD5OfMessageAttributes = md5OfAttributes(wanted)
		m.MessageAttributes = make(map[string]shapes.MessageAttributeValue, len(wanted))
		for _, a := range wanted {
			v := shapes.MessageAttributeValue{DataType: ptr(a.kind)}
			if a.isBinary() {
				v.BinaryValue = a.binary
			} else {
				v.StringValue = ptr(a.text)
			}
			m.MessageAttributes[a.name] = v
		}
	}
	return m
}

// system are a message's system attributes.
func (t *taken) system(q *queue) map[string]string {
	as := map[string]string{
		"SenderId": t.sender, "SentTimestamp": strconv.FormatInt(int64(t.sent), 10), "ApproximateReceiveCount": strconv.Itoa(t.count),
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(int64(t.first), 10),
	}
	for name, v := range map[string]string{"MessageGroupId": t.group, "MessageDeduplicationId": t.dedup, traceHeader: t.trace, "DeadLetterQueueSourceArn": t.source} {
		if v != "" {
			as[name] = v
		}
	}
	if q.settings.fifo {
		as["SequenceNumber"] = sequence(t.stamp)
	}
	return as
}

// asked reports whether an attribute is among those that are asked for: by name, by
// the beginning of the name, or all.
func asked(names []string, name string) bool {
	for _, n := range names {
		prefix, all := strings.CutSuffix(n, ".*")
		if n == "All" || n == name || all && strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
