package sqs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/sources"
)

// Queues are the service's queues as event source mappings read them. Nothing polls:
// a reader registers a watch on the queue's topic, receives until there is nothing, and
// sleeps until the topic is signalled or the instant that the last receive returned.
// What it may do is asked of the function's role, see [Queues.Needs].
//
// Unlike a stream, reading takes away: what was received is invisible until it is
// deleted, given back, or its visibility has ended. The store knows what mappings
// hold, so that what is left of their work can be told on a snapshot.
type Queues struct{ s *Service }

var _ sources.Queue = Queues{}

// Queues returns the queues for event source mappings.
func (s *Service) Queues() Queues { return Queues{s} }

// Service is the service in the ARNs of queues.
func (Queues) Service() string { return service }

// Needs returns the permissions that reading takes.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions
func (Queues) Needs(queue arn.ARN) []awsapi.Access {
	var out []awsapi.Access
	for _, action := range [...]string{"ReceiveMessage", "DeleteMessage", "GetQueueAttributes"} {
		out = append(out, awsapi.Access{Action: "sqs:" + action, Resource: queue})
	}
	return out
}

// Changed is the topic of changes of a queue itself.
func (Queues) Changed(queue arn.ARN) kv.Key {
	n, ok := queueByARN(string(queue))
	if !ok {
		return nil
	}
	return catalogOf(n.cell()).queue(n.queue)
}

// queue reads a queue on a snapshot; [sources.ErrNoSource] if there is none.
func (x Queues) queue(snap *kv.Snap, queue arn.ARN) (*queue, error) {
	n, ok := queueByARN(string(queue))
	if !ok {
		return nil, fmt.Errorf("%w: %s is not the ARN of a queue", sources.ErrNoSource, queue)
	}
	raw, err := snap.Get(catalogOf(n.cell()).queue(n.queue))
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return nil, fmt.Errorf("%w: %s", sources.ErrNoSource, queue)
	}
	return x.s.known(n, raw)
}

// Describe describes a queue; [sources.ErrNoSource] if there is none.
func (x Queues) Describe(snap *kv.Snap, queue arn.ARN) (sources.Description, error) {
	q, err := x.queue(snap, queue)
	if err != nil {
		return sources.Description{}, err
	}
	return sources.Description{FIFO: q.settings.fifo, Visibility: q.settings.visibility, Topic: q.space.topic(), Redrive: q.settings.redrive != nil}, nil
}

// Pending says on a snapshot what a queue has for its readers: by it a cloud with a
// mapping on the queue is judged to have settled.
func (x Queues) Pending(snap *kv.Snap, queue arn.ARN, now clock.Instant) (p sources.Pending, err error) {
	q, err := x.queue(snap, queue)
	if err != nil {
		return p, err
	}
	v, err := snap.Get(q.space.count())
	if err != nil || v == nil {
		return p, err
	}
	if total, err := kv.Int64(v); err != nil || total == 0 {
		return p, err
	}
	at := millis(now.UnixMilli())
	for n := range lane(lanes) {
		since, err := readMillis(snap, q.space.cursor(n))
		if err != nil {
			return p, err
		}
		r := kv.Range{Start: q.space.since(n, since), End: q.space.since(n, at+1)}
		for _, err := range snap.Scan(r, kv.ScanOptions{Limit: 1, KeysOnly: true}) {
			if err != nil {
				return p, err
			}
			p.Ready = true
		}
		later, err := q.firstAfter(snap, n, at)
		if err != nil {
			return p, err
		}
		if i := clock.UnixMilli(int64(later)); later != 0 {
			if p.Next.IsZero() || i < p.Next {
				p.Next = i
			}
			if n == held {
				p.Held = i
			}
		}
	}
	return p, nil
}

// Unlock asks KMS, as a reader, for what the key of a queue takes to receive.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions
func (x Queues) Unlock(ctx context.Context, queue arn.ARN, reader delivery.ActorRef) error {
	n, ok := queueByARN(string(queue))
	if !ok {
		return nil // nothing will be received either
	}
	q, err := x.s.find(ctx, n)
	if fault.Is(err, "QueueDoesNotExist") {
		return nil
	}
	if err != nil || q.Attributes["KmsMasterKeyId"] == "" {
		return err
	}
	actor := awsapi.Actor{Account: reader.Account, UserID: reader.UserID, Principal: policy.Principal{ARN: arn.ARN(reader.ARN), Issuer: arn.ARN(reader.Issuer)}}
	return x.s.mayUse(awsapi.With(ctx, &awsapi.Call{ID: awsapi.NewID(), Scope: n.scope, Actor: actor}), q, false)
}

// Receive takes messages of a queue, up to a portion, for the queue's own visibility
// timeout or for as long as is said. It does not wait.
func (x Queues) Receive(ctx context.Context, queue arn.ARN, most sources.Portion, visibility time.Duration) (r sources.Received, err error) {
	n, ok := queueByARN(string(queue))
	if !ok {
		return r, fmt.Errorf("%w: %s is not the ARN of a queue", sources.ErrNoSource, queue)
	}
	q, err := x.s.find(ctx, n)
	for ; err == nil; q, err = x.s.reload(ctx, n) {
		w := want{messages: most.Messages, bytes: most.Bytes, first: most.First, visibility: visibility, nonce: rand.Uint64(), held: true}
		if visibility <= 0 {
			w.visibility = q.settings.visibility
		}
		c, err := x.s.receive(ctx, q, w)
		if errors.Is(err, errStale) {
			continue
		}
		if err != nil && !fault.Is(err, "OverLimit") {
			return r, err
		}
		r.More, r.Full = c.more, c.full
		if c.next != 0 {
			r.Next = clock.UnixMilli(int64(c.next))
		}
		for _, t := range c.got {
			r.Messages = append(r.Messages, sources.Message{
				ID: t.id, Receipt: t.handle, Group: t.group, At: clock.UnixMilli(int64(t.sent)), Count: t.count, Body: t.body, Event: t.event, Cause: t.cause,
			})
		}
		x.s.meter(ctx, n, 0)
		x.s.received(n, len(r.Messages))
		return r, nil
	}
	if fault.Is(err, "QueueDoesNotExist") {
		err = fmt.Errorf("%w: %s", sources.ErrNoSource, queue)
	}
	return r, err
}

// Delete deletes messages that were handled, by their receipts. One that has become
// visible again in the meantime may be there still.
func (x Queues) Delete(ctx context.Context, queue arn.ARN, receipts ...string) error {
	n, ok := queueByARN(string(queue))
	if !ok || len(receipts) == 0 {
		return nil
	}
	errs, err := x.s.remove(ctx, n, receipts)
	if fault.Is(err, "QueueDoesNotExist") {
		return nil
	}
	x.s.deleted(n, errs)
	return err
}

// Return gives messages back that were not handled: they become visible after a
// while, or at once. One that already has is no error.
func (x Queues) Return(ctx context.Context, queue arn.ARN, after time.Duration, receipts ...string) error {
	n, ok := queueByARN(string(queue))
	if !ok || len(receipts) == 0 {
		return nil
	}
	all := make([]holding, len(receipts))
	for i, r := range receipts {
		all[i] = holding{r, int32(after / time.Second)}
	}
	_, err := x.s.hold(ctx, n, all)
	if fault.Is(err, "QueueDoesNotExist") {
		return nil
	}
	return err
}

// record is a message as the function of a mapping gets it.
//
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
func (t *taken) record(q *queue) ([]byte, error) {
	type value struct {
		Text         *string  `json:"stringValue,omitempty"`
		Binary       []byte   `json:"binaryValue,omitempty"`
		TextValues   []string `json:"stringListValues"`
		BinaryValues []string `json:"binaryListValues"`
		Type         string   `json:"dataType"`
	}
	event := struct {
		ID         string            `json:"messageId"`
		Receipt    string            `json:"receiptHandle"`
		Body       string            `json:"body"`
		Attributes map[string]string `json:"attributes"`
		Message    map[string]value  `json:"messageAttributes"`
		MD5        *string           `json:"md5OfBody"`
		MD5OfAll   *string           `json:"md5OfMessageAttributes,omitempty"`
		Source     string            `json:"eventSource"`
		ARN        string            `json:"eventSourceARN"`
		Region     string            `json:"awsRegion"`
	}{
		ID: t.id, Receipt: t.handle, Body: t.body, Attributes: t.system(q), Message: map[string]value{}, MD5: md5Of(t.body),
		MD5OfAll: md5OfAttributes(t.attributes), Source: "aws:sqs", ARN: string(q.arn()), Region: q.scope.Region,
	}
	for i := range t.attributes {
		a := &t.attributes[i]
		v := value{Type: a.kind, TextValues: []string{}, BinaryValues: []string{}}
		if a.isBinary() {
			v.Binary = a.binary
		} else {
			v.Text = &a.text
		}
		event.Message[a.name] = v
	}
	return json.Marshal(event)
}
