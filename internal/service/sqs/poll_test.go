package sqs_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/arn"
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
	r, err := x.Receive(b.ctx, queue, 1000, 0)
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
	if r, err = x.Receive(b.ctx, queue, 10, time.Minute); err != nil || len(r.Messages) != 1 || r.Messages[0].Count != 2 {
		t.Errorf("received %+v, %v", r, err)
	}
	b.advance(time.Minute)
	expect(b, "its visibility has ended", b.pending(queue).Ready, true)
	if _, err := x.Receive(b.ctx, queue+"x", 1, 0); !errors.Is(err, sources.ErrNoSource) {
		t.Errorf("a queue that is not there: %v", err)
	}
}
