package sqs_test

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/arn"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/sources"
)

// pending is what a queue has for its readers.
func (b *bed) pending(queue arn.ARN) (p sources.Pending) {
	b.Helper()
	err := b.db.View(b.ctx, func(snap *kv.Snap) (err error) {
		p, err = b.s.Queues().Pending(snap, queue, b.clock.Now())
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// What mappings read is told by a topic, and is theirs until they delete it, give it
// back, or its visibility ends; the store knows that it is a mapping that holds it.
func TestQueuesForMappings(t *testing.T) {
	b := newBed(t)
	q := b.create("q")
	queue := arn.ARN(queueARN + "q")
	x := b.s.Queues()
	var d sources.Description
	if err := b.db.View(b.ctx, func(snap *kv.Snap) (err error) { d, err = x.Describe(snap, queue); return err }); err != nil {
		t.Fatal(err)
	}
	watch := b.db.Watch(d.Topic)
	defer watch.Close()
	signalled := func() bool {
		select {
		case <-watch.C():
			return true
		default:
			return false
		}
	}
	expect(b, "visibility", d.Visibility, 30*time.Second)
	expect(b, "nothing is pending", b.pending(queue), sources.Pending{})
	b.send(q, "1")
	b.send(q, "2")
	expect(b, "told of what was sent", signalled(), true)
	expect(b, "ready", b.pending(queue).Ready, true)
	r, err := x.Receive(b.ctx, queue, portion(1000), 0)
	if err != nil || len(r.Messages) != 2 {
		t.Fatalf("received %+v, %v", r, err)
	}
	var event struct {
		ID   string `json:"messageId"`
		Body string `json:"body"`
		ARN  string `json:"eventSourceARN"`
	}
	if err := json.Unmarshal(r.Messages[0].Event, &event); err != nil || event.ID != r.Messages[0].ID || event.Body != r.Messages[0].Body || event.ARN != string(queue) {
		t.Errorf("event %s", r.Messages[0].Event)
	}
	end := b.clock.Now().Add(30 * time.Second)
	expect(b, "held", b.pending(queue), sources.Pending{Next: end, Held: end})
	expect(b, "the cloud waits for it", b.settle().Next, end)
	if err := x.Delete(b.ctx, queue, r.Messages[0].Receipt); err != nil {
		t.Fatal(err)
	}
	if err := x.Return(b.ctx, queue, 0, r.Messages[1].Receipt, r.Messages[0].Receipt); err != nil {
		t.Fatal(err)
	}
	expect(b, "told of what was given back", signalled(), true)
	expect(b, "given back", b.counts(q), "1 0 0")
	if r, err = x.Receive(b.ctx, queue, portion(10), time.Minute); err != nil || len(r.Messages) != 1 || r.Messages[0].Count != 2 {
		t.Errorf("received %+v, %v", r, err)
	}
	b.advance(time.Minute)
	expect(b, "its visibility has ended", b.pending(queue).Ready, true)
	if _, err := x.Receive(b.ctx, queue+"x", portion(1), 0); !errors.Is(err, sources.ErrNoSource) {
		t.Errorf("a queue that is not there: %v", err)
	}
}

// portion is any number of bytes.
func portion(messages int) sources.Portion {
	return sources.Portion{Messages: messages, Bytes: 6 << 20, First: true}
}

// What does not fit into a portion is not received: it stays where it is, and its
// count as it was.
func TestQueuesByBytes(t *testing.T) {
	for _, name := range []string{"q", "q.fifo"} {
		b := newBed(t)
		q := b.create(name)
		for i := range 3 {
			in := &shapes.SendMessageRequest{QueueUrl: q, MessageBody: ptr(strings.Repeat("x", 1000*(i+1)))}
			if name != "q" {
				in.MessageGroupId, in.MessageDeduplicationId = ptr("g"), ptr(strconv.Itoa(i))
			}
			do(b, shapes.SendMessage, in)
		}
		receive := func(bytes int, first bool) (string, sources.Received) {
			r, err := b.s.Queues().Receive(b.ctx, arn.ARN(queueARN+name), sources.Portion{Messages: 10, Bytes: bytes, First: first}, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			var of []string
			for _, m := range r.Messages {
				of = append(of, strconv.Itoa(len(m.Body))+"×"+strconv.Itoa(m.Count))
			}
			return strings.Join(of, " "), r
		}
		got, r := receive(900, false)
		expect(b, name+": none fits", got, "")
		expect(b, name+": full", r.Full && r.More, true)
		got, first := receive(900, true)
		expect(b, name+": the first", got, "1000×1")
		expect(b, name+": full", first.Full, true)
		if err := b.s.Queues().Delete(b.ctx, arn.ARN(queueARN+name), first.Messages[0].Receipt); err != nil {
			t.Fatal(err)
		}
		got, r = receive(1<<20, true)
		expect(b, name+": the rest, for the first time", got, "2000×1 3000×1")
		expect(b, name+": full", r.Full, false)
		b.advance(time.Minute)
		size := len(r.Messages[0].Event) + len(r.Messages[1].Event) + 2
		got, _ = receive(size-1, false)
		expect(b, name+": a byte too few", got, "2000×2")
		b.advance(time.Minute)
		_, r = receive(size, false)
		expect(b, name+": as many as they take", len(r.Messages), 2)
	}
}
