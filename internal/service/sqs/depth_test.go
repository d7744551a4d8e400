package sqs_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/arn"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/service/sqs"
)

// gauged writes down what a meter is told.
type gauged struct {
	mu    sync.Mutex
	lines []string
}

func (*gauged) Requested(context.Context, arn.ARN, float64) {}

func (g *gauged) note(format string, args ...any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lines = append(g.lines, fmt.Sprintf(format, args...))
}

func (g *gauged) Received(q arn.ARN, n int) { g.note("%s received %d", q.Resource(), n) }
func (g *gauged) Deleted(q arn.ARN, n int)  { g.note("%s deleted %d", q.Resource(), n) }

// Depth notes the minute after noon, what is visible, in flight and delayed, and the
// age in seconds.
func (g *gauged) Depth(q arn.ARN, minute clock.Instant, d sqs.Depth) {
	g.note("%s %d: %d %d %d %d", q.Resource(), (minute.Unix()-noon)/60, d.Visible, d.InFlight, d.Delayed, int(d.Oldest.Seconds()))
}

// take returns what was noted since, one line each.
func (g *gauged) take() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := strings.Join(g.lines, "\n")
	g.lines = nil
	return s
}

// newGauged is a bed whose meter writes down.
func newGauged(t testing.TB) (*bed, *gauged) {
	g := &gauged{}
	return newBed(t, func(o *sqs.Options) { o.Meter = g }), g
}

// look asks for the gauges of a queue, or of all.
func (b *bed) look(queue string) {
	b.Helper()
	if err := b.s.Look(b.ctx, arn.In(region, account), queue); err != nil {
		b.Fatal(err)
	}
}

// A queue's depth is told for every minute, though nothing runs for it: when it is used
// again, and when somebody asks.
func TestDepth(t *testing.T) {
	b, g := newGauged(t)
	q := b.create("q", "VisibilityTimeout", "90")
	b.send(q, "a")
	b.advance(20 * time.Second)
	b.send(q, "b")
	b.send(q, "c", late(110))
	b.look("q")
	expect(b, "within the minute", g.take(), "")

	b.advance(40 * time.Second) // 12:01:00
	b.look("q")
	expect(b, "the first minute", g.take(), "q 0: 2 0 1 60")
	b.look("q")
	expect(b, "asked again", g.take(), "")

	ms := b.receive(q) // until 12:02:30
	expect(b, "received", sorted(ms), "a b")
	b.advance(3*time.Minute + 10*time.Second)
	b.delete(q, b.receive(q)...)
	// At 12:02 two were in flight and one delayed, at 12:03 nothing was.
	expect(b, "reckoned", g.take(), "q received 2\nq 1: 0 2 1 120\nq 2: 3 0 0 180\nq 3: 3 0 0 240\nq received 3\nq deleted 1\nq deleted 1\nq deleted 1")
	b.advance(time.Minute)
	b.look("")
	expect(b, "empty", g.take(), "q 4: 0 0 0 0")
}

// An empty queue is measured for six hours after it was used; one with messages as long
// as it has some, but never more than six hours at once.
func TestDepthOfIdleQueues(t *testing.T) {
	b, g := newGauged(t)
	q := b.create("q", "MessageRetentionPeriod", "1209600")
	b.create("empty")
	b.send(q, "a")
	b.advance(5 * time.Hour)
	b.look("")
	told := strings.Split(g.take(), "\n")
	expect(b, "minutes of both in five hours", len(told), 600)
	b.advance(5 * time.Hour)
	b.look("empty")
	told = strings.Split(g.take(), "\n")
	expect(b, "minutes of the empty one", len(told), 61)
	expect(b, "the last of them", told[60], "empty 360: 0 0 0 0")
	b.look("q")
	told = strings.Split(g.take(), "\n")
	expect(b, "minutes of the other", len(told), 300)
	expect(b, "the last of them", told[299], "q 599: 1 0 0 36000")
	b.advance(48 * time.Hour)
	b.look("")
	told = strings.Split(g.take(), "\n")
	expect(b, "minutes after two days", len(told), 360)
	expect(b, "the first of them", told[0], fmt.Sprintf("q %d: 1 0 0 %d", 58*60-360, (58*60-359)*60))
}

// What is moved into a dead-letter queue changes a queue that nobody calls.
func TestDepthOfDeadLetterQueues(t *testing.T) {
	for _, suffix := range []string{"", ".fifo"} {
		b, g := newGauged(t)
		b.create("dead" + suffix)
		q := b.create("q"+suffix, "VisibilityTimeout", "1", "RedrivePolicy", redrive("dead"+suffix, "1"))
		b.send(q, "poison", func(in *shapes.SendMessageRequest) {
			if suffix != "" {
				to("g", "1")(in)
			}
		})
		expect(b, "received", len(b.receive(q)), 1)
		b.look("dead" + suffix)
		b.advance(10*time.Minute + 30*time.Second)
		expect(b, "received again", len(b.receive(q)), 0)
		g.take()
		b.advance(90 * time.Second)
		b.look("")
		var lines []string
		for _, l := range strings.Split(g.take(), "\n") {
			if strings.HasPrefix(l, "dead") {
				lines = append(lines, strings.TrimPrefix(l, "dead"+suffix+" "))
			}
		}
		// As old as it is there.
		expect(b, "dead letters"+suffix, strings.Join(lines[len(lines)-2:], ", "), "10: 1 0 0 30, 11: 1 0 0 90")
	}
}

// The age is that of the oldest message, in flight or not, but for those that were
// received three times.
func TestAgeOfOldestMessage(t *testing.T) {
	b, g := newGauged(t)
	q := b.create("q", "VisibilityTimeout", "600")
	f := b.create("f.fifo", "VisibilityTimeout", "600")
	b.send(q, "first")
	b.send(f, "first", to("a", "1"))
	b.advance(time.Minute)
	b.send(q, "second")
	b.send(f, "second", to("b", "2"))
	m := b.receive(q, most(1))[0]
	expect(b, "received", *m.Body, "first")
	expect(b, "received of the other", bodies(b.receive(f, most(1))), "first")
	b.advance(time.Minute)
	g.take()
	b.look("")
	expect(b, "one in flight, in both", strings.Count(g.take(), ": 1 1 0 120"), 2)
	for range 2 {
		b.hold(q, m, 0)
		for _, again := range b.receive(q) {
			if *again.Body == "first" {
				m = again
			} else {
				b.hold(q, again, 0)
			}
		}
	}
	b.hold(q, m, 0)
	b.advance(time.Minute)
	b.look("q")
	expect(b, "poison", strings.HasSuffix(g.take(), "q 2: 2 0 0 120"), true)
}

// What lies in a store that is opened is measured from then on, and a minute is told
// once.
func TestDepthAfterRestart(t *testing.T) {
	db := kv.Open(memkv.New())
	g := &gauged{}
	measured := func(o *sqs.Options) { o.Meter = g }
	b := makeBed(t, db, clock.Unix(noon, 0), measured)
	q := b.create("q")
	b.send(q, "a")
	b.receive(q, invisible(90))
	b.advance(2*time.Minute + time.Second)
	b.look("q")
	b.stop()
	expect(b, "before", g.take(), "q received 1\nq 0: 0 1 0 60\nq 1: 1 0 0 120")
	b = makeBed(t, db, b.clock.Now(), measured)
	b.look("")
	b.look("q")
	b.advance(59 * time.Second)
	b.look("q")
	b.look("nobody")
	expect(b, "after", g.take(), "q 2: 1 0 0 180")
	b.stop()
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// Mappings receive and delete as calls do.
func TestMappingsAreMeasured(t *testing.T) {
	b, g := newGauged(t)
	q := b.create("q")
	a := arn.ARN(queueARN + "q")
	b.send(q, "x")
	b.send(q, "y")
	for range 2 {
		r, err := b.s.Queues().Receive(b.ctx, a, portion(10), 0)
		if err != nil {
			t.Fatal(err)
		}
		var receipts []string
		for _, m := range r.Messages {
			receipts = append(receipts, m.Receipt)
		}
		if err := b.s.Queues().Delete(b.ctx, a, receipts...); err != nil {
			t.Fatal(err)
		}
	}
	expect(b, "told", g.take(), "q received 2\nq deleted 2\nq received 0")
}
