package sources_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/sources"
)

// Messages are handed over at once and deleted when they were handled.
//
// localstack#11003: one batch a minute, however much there was.
func TestQueue(t *testing.T) {
	fn := &function{}
	b := queueBed(t, fn)
	b.send("q", "a", "b")
	b.keep(ofQueue("m"), nil)
	b.settled()
	b.send("q", letters(23)...)
	b.settled()
	expect(t, "calls", sorted(fn.times()), "ab@0s abcdefghij@0s klmnopqrst@0s uvw@0s")
	expect(t, "left", b.left("q"), "")
	expect(t, "result", b.result("m"), "OK")
}

// What fails is received again when its visibility ends, until it goes to the
// dead-letter queue. localstack#7217: partial failures; floci#1416: no redrive.
//
// Mutation: conclude that deletes all when a.Failed.
func TestQueueFailure(t *testing.T) {
	fn := &function{do: func(c call) (sources.Answer, error) {
		if c.has("x") {
			return failed()
		}
		return ok()
	}}
	b := queueBed(t, fn)
	b.queue("q", queueRow{Visibility: 30 * time.Second, Redrive: 3})
	b.keep(ofQueue("m"), nil)
	b.send("q", "a", "x")
	r := b.settled()
	expect(t, "next", r.Next, start.Add(30*time.Second))
	expect(t, "left", b.left("q"), "ax")
	expect(t, "result", b.result("m"), "PROBLEM: Function call failed")
	b.advance(5 * time.Minute)
	expect(t, "calls", fn.times(), "ax@0s ax@30s ax@1m0s")
	expect(t, "left", b.left("q"), "")
}

// What the function says of a batch, as AWS documents. localstack#11262,
// floci#202: all messages were deleted; floci#3152: a report that cannot be
// understood deleted them.
//
// Mutation: reportedOf that takes an unknown id for none.
func TestQueueReports(t *testing.T) {
	for _, c := range []struct{ answer, left string }{
		{`{"batchItemFailures":[{"itemIdentifier":"sb"}]}`, "b"},
		{`{"batchItemFailures":[{"itemIdentifier":"sa"},{"itemIdentifier":"sc"}]}`, "ac"},
		{`{"batchItemFailures":[]}`, ""},
		{`{"batchItemFailures":null}`, ""},
		{`{}`, ""},
		{`null`, ""},
		{``, ""},
		{`{"batchItemFailures":[{"itemIdentifier":"other"}]}`, "abc"},
		{`{"batchItemFailures":[{"itemIdentifier":"sb"},{"itemIdentifier":"other"}]}`, "abc"},
		{`{"batchItemFailures":[{"itemIdentifier":""}]}`, "abc"},
		{`{"batchItemFailures":[{"itemIdentifier":null}]}`, "abc"},
		{`{"batchItemFailures":[{"id":"sb"}]}`, "abc"},
		{`{"batchItemFailures":"sb"}`, "abc"},
		{`"done"`, "abc"},
		{`nonsense`, "abc"},
	} {
		for _, fifo := range []bool{false, true} {
			t.Run(fmt.Sprint(c.answer, " fifo=", fifo), func(t *testing.T) {
				b := queueBed(t, &function{do: func(call) (sources.Answer, error) { return answer(c.answer) }})
				b.queue("q", queueRow{Visibility: time.Minute, FIFO: fifo})
				b.send("q", "g=a", "g=b", "g=c")
				b.keep(ofQueue("m"), func(m *sources.Mapping) { m.Partial = true })
				b.settled()
				expect(t, "left", b.left("q"), c.left)
			})
		}
	}
}

// Without ReportBatchItemFailures an answer is an answer.
func TestQueueReportsUnasked(t *testing.T) {
	b := queueBed(t, &function{do: func(call) (sources.Answer, error) { return report("sa") }})
	b.send("q", "a", "b")
	b.keep(ofQueue("m"), nil)
	b.settled()
	expect(t, "left", b.left("q"), "")
}

// A batch that is throttled keeps its messages, and is tried again while they are
// invisible; then they are visible again. Nothing else is received meanwhile.
//
// Mutation: handle that goes on past b.until.
func TestQueueThrottle(t *testing.T) {
	throttled := true
	var mu sync.Mutex
	fn := &function{}
	fn.do = func(call) (sources.Answer, error) {
		mu.Lock()
		defer mu.Unlock()
		if throttled {
			return sources.Answer{}, fault.New("TooManyRequestsException", "Rate Exceeded.")
		}
		return ok()
	}
	b := queueBed(t, fn)
	b.keep(ofQueue("m"), nil)
	b.send("q", "a")
	r := b.settled()
	expect(t, "next", r.Next, start.Add(time.Second))
	expect(t, "result", b.result("m"), "PROBLEM: Rate Exceeded.")
	b.send("q", "b")
	b.settled()
	b.advance(4 * time.Second)
	expect(t, "calls", fn.times(), "a@0s a@1s a@3s")
	mu.Lock()
	throttled = false
	mu.Unlock()
	b.advance(time.Minute)
	expect(t, "calls", fn.times(), "a@7s b@7s")
	expect(t, "left", b.left("q"), "")

	mu.Lock()
	throttled = true
	mu.Unlock()
	b.send("q", "c")
	b.advance(29 * time.Second)
	if got := strings.Count(fn.took(), "c"); got != 5 { // at 0, 1, 3, 7, 15
		t.Errorf("%d calls while it was invisible", got)
	}
	mu.Lock()
	throttled = false
	mu.Unlock()
	b.advance(2 * time.Minute)
	expect(t, "calls", fn.took(), "c")

	// What can never be handed over counts as received, and goes in the end.
	mu.Lock()
	throttled = true
	mu.Unlock()
	b.queue("q", queueRow{Visibility: 30 * time.Second, Redrive: 2})
	b.send("q", "d")
	b.advance(2 * time.Minute)
	expect(t, "left", b.left("q"), "")
}

// The role is asked before anything is received: what it may not read stays where
// it is, and is not counted as received.
func TestQueueOfARoleThatMayNot(t *testing.T) {
	denied := fault.New("AccessDenied", "no")
	fn := &function{denied: func() error {
		if denied == nil {
			return nil
		}
		return denied
	}}
	b := queueBed(t, fn)
	b.queue("q", queueRow{Visibility: 30 * time.Second, Redrive: 1})
	b.keep(ofQueue("m"), nil)
	if r := b.settled(); r.Next != 0 {
		t.Errorf("idle, and next %v", r.Next)
	}
	b.send("q", "a")
	b.settled()
	b.advance(time.Second)
	expect(t, "result", b.result("m"), "PROBLEM: no")
	b.settled()
	denied = nil
	b.advance(10 * time.Second)
	expect(t, "calls", fn.times(), "a@3s")
}

// A role that cannot use the key of a queue receives nothing, until it can.
//
// Mutation: mayRead that does not ask the queue.
func TestQueueOfAKeyThatMayNot(t *testing.T) {
	b := queueBed(t, &function{})
	b.queue("q", queueRow{Visibility: 30 * time.Second, Redrive: 1, Locked: true})
	b.keep(ofQueue("m"), nil)
	b.send("q", "a")
	b.settled()
	b.advance(time.Second)
	expect(t, "result", b.result("m"), "PROBLEM: locked")
	expect(t, "calls", b.fn.times(), "")
	b.queue("q", queueRow{Visibility: 30 * time.Second, Redrive: 1})
	b.advance(10 * time.Second)
	expect(t, "calls", b.fn.times(), "a@3s")
}

// Filters: what none matches is deleted. A body is matched as JSON where it is JSON.
//
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html
func TestQueueFilters(t *testing.T) {
	for _, c := range []struct{ pattern, taken string }{
		{`{"body":{"n":[1]}}`, `{"n":1,"m":2}`},
		{`{"body":["plain"]}`, `plain`},
		{`{"key":["g"]}`, `{"n":1,"m":2}plain{"n":2}`},
		{`{"body":{"n":[{"numeric":[">",0]}]}}`, `{"n":1,"m":2}{"n":2}`},
		{`{"body":{"n":[{"exists":false}]}}`, ``},
	} {
		fn := &function{}
		b := queueBed(t, fn)
		b.keep(ofQueue("m"), func(m *sources.Mapping) { m.Filters = []string{c.pattern} })
		b.send("q", `g={"n":1,"m":2}`, `g=plain`, `g={"n":2}`)
		b.settled()
		expect(t, c.pattern, fn.took(), c.taken)
		expect(t, "left", b.left("q"), "")
	}
}

// A batching window: a batch is full, or as large as a call takes, or its time has
// come.
func TestQueueWindow(t *testing.T) {
	fn := &function{}
	b := queueBed(t, fn)
	b.queue("q", queueRow{Visibility: time.Hour})
	b.keep(ofQueue("m"), func(m *sources.Mapping) { m.Window, m.BatchSize = 10*time.Second, 100 })
	b.send("q", "a")
	b.advance(4 * time.Second)
	b.send("q", "b")
	r := b.settled()
	expect(t, "next", r.Next, start.Add(10*time.Second))
	b.advance(time.Minute)
	b.send("q", letters(25)...)
	b.send("q", letters(25)...)
	b.send("q", letters(25)...)
	b.send("q", letters(25)...)
	b.send("q", "c")
	b.settled()
	all := strings.Join(letters(25), "")
	expect(t, "calls", fn.times(), "ab@10s "+all+all+all+all+"@1m4s")
	b.advance(time.Minute)
	expect(t, "calls", fn.times(), "c@1m14s")
}

// A batch does not gather for as long as its messages are invisible: they would be
// received again, into the same batch.
func TestQueueWindowLongerThanVisibility(t *testing.T) {
	fn := &function{}
	b := queueBed(t, fn)
	b.keep(ofQueue("m"), func(m *sources.Mapping) { m.Window, m.BatchSize = 5*time.Minute, 100 })
	b.send("q", "a")
	b.advance(4 * time.Second)
	b.send("q", "b")
	b.advance(10 * time.Minute)
	expect(t, "calls", fn.times(), "ab@15s")
	expect(t, "left", b.left("q"), "")
}

// What gathers goes back when the mapping is switched off, and is handled when it
// is on again.
func TestQueueOff(t *testing.T) {
	fn := &function{}
	b := queueBed(t, fn)
	b.queue("q", queueRow{Visibility: time.Hour})
	b.keep(ofQueue("m"), func(m *sources.Mapping) { m.Window, m.BatchSize = time.Minute, 100 })
	b.send("q", "a")
	b.settled()
	b.keep(ofQueue("m"), func(m *sources.Mapping) { m.Enabled = false })
	b.send("q", "b")
	if r := b.settled(); r.Ready != 0 || r.Next != 0 {
		t.Errorf("off, and %+v", r)
	}
	b.keep(ofQueue("m"), nil)
	b.settled()
	expect(t, "calls", fn.times(), "ab@0s")
}

// A queue that is gone is waited for; one of its name is read.
func TestQueueGone(t *testing.T) {
	fn := &function{}
	b := queueBed(t, fn)
	b.keep(ofQueue("m"), nil)
	b.send("q", "z")
	b.settled()
	expect(t, "calls", fn.took(), "z")
	b.update(func(tx *kv.Tx) error {
		tx.Delete(queueKey("q"))
		tx.Signal(queueKey("q"))
		return nil
	})
	b.settled()
	expect(t, "result", b.result("m"), "PROBLEM: The queue does not exist.")
	b.queue("q", queueRow{Visibility: time.Minute})
	b.send("q", "a")
	b.settled()
	expect(t, "calls", fn.took(), "a")
	_, err := b.db.Update(context.Background(), func(tx *kv.Tx) error {
		m := ofQueue("n")
		m.Source += "x"
		return b.engine.Put(tx, m)
	})
	if !errors.Is(err, sources.ErrNoSource) {
		t.Errorf("a mapping of no queue: %v", err)
	}
}

// Five batches at the same time to begin with, and no more than the mapping allows;
// more while there is more to do.
//
// Mutations: c.busy not counted; ceiling that is not asked by outgrow.
func TestQueueConcurrency(t *testing.T) {
	for _, c := range []struct{ allowed, most int }{{2, 2}, {7, 7}} {
		t.Run(fmt.Sprint(c.allowed), func(t *testing.T) {
			var mu sync.Mutex
			flying, most := 0, 0
			full, gate := make(chan struct{}), make(chan struct{})
			fn := &function{do: func(call) (sources.Answer, error) {
				mu.Lock()
				flying++
				if most = max(most, flying); flying == c.most && full != nil {
					close(full)
					full = nil
				}
				mu.Unlock()
				<-gate
				mu.Lock()
				flying--
				mu.Unlock()
				return ok()
			}}
			b := queueBed(t, fn)
			b.send("q", letters(20)...)
			wait := full
			b.keep(ofQueue("m"), func(m *sources.Mapping) { m.BatchSize, m.Concurrency = 1, c.allowed })
			<-wait
			for parked := false; !parked; runtime.Gosched() { // the consumer has looked whether there may be more
				mu.Lock()
				parked = flying > c.most
				mu.Unlock()
				for _, e := range b.ledger.Entries() {
					parked = parked || strings.Contains(e.Parked, "as many batches")
				}
			}
			close(gate)
			b.settled()
			expect(t, "at the same time", most, c.most)
			expect(t, "left", b.left("q"), "")
		})
	}
}

// FIFO: groups side by side, each in order, and nothing of a group behind what has
// failed.
func TestQueueFIFO(t *testing.T) {
	tried := false
	var mu sync.Mutex
	fn := &function{}
	fn.do = func(c call) (sources.Answer, error) {
		mu.Lock()
		defer mu.Unlock()
		if c.has("1") && !tried {
			tried = true
			return failed()
		}
		return ok()
	}
	b := queueBed(t, fn)
	b.queue("q", queueRow{Visibility: 30 * time.Second, FIFO: true})
	b.send("q", "a=1", "a=2", "b=3")
	b.keep(ofQueue("m"), func(m *sources.Mapping) { m.BatchSize = 1 })
	b.settled()
	b.advance(time.Hour)
	expect(t, "calls", sorted(fn.times()), "1@0s 1@30s 2@30s 3@0s")
	expect(t, "left", b.left("q"), "")
}

// What does not fit into a call is not received with it: beside a batch that fails
// it would be out of its group's order.
func TestQueueFIFOLargerThanACall(t *testing.T) {
	fn := &function{}
	var mu sync.Mutex
	var calls []string
	b := queueBed(t, fn)
	fn.do = func(c call) (sources.Answer, error) {
		mu.Lock()
		defer mu.Unlock()
		of := ""
		for _, text := range c.texts {
			of += text[:1]
		}
		calls = append(calls, fmt.Sprint(of, "@", b.model.Now().Sub(start)))
		if len(calls) == 1 {
			return failed()
		}
		return ok()
	}
	b.queue("q", queueRow{Visibility: 30 * time.Second, FIFO: true, Redrive: 2})
	for _, letter := range letters(5) { // an event has its text twice: two of them fit into 6 MiB
		b.send("q", "g="+strings.Repeat(letter, 1<<20))
	}
	b.keep(ofQueue("m"), nil)
	b.settled()
	b.advance(time.Minute)
	expect(t, "calls", strings.Join(calls, " "), "ab@0s ab@30s cd@30s e@30s")
	expect(t, "left", b.left("q"), "")
}

// A function that is stuck holds up nothing but itself.
func TestOneStuckConsumerAmongHundred(t *testing.T) {
	stuck := make(chan struct{})
	var others sync.WaitGroup
	others.Add(99)
	b := newBed(t, openMem(t), stopped(start), &function{do: func(c call) (sources.Answer, error) {
		if c.mapping == "m0" {
			<-stuck
		} else {
			others.Done()
		}
		return ok()
	}}).start()
	for i := range 100 {
		name := fmt.Sprint("q", i)
		b.queue(name, queueRow{Visibility: time.Minute})
		b.keep(ofQueue(fmt.Sprint("m", i)), func(m *sources.Mapping) { m.Source = arn.ARN("arn:aws:testq:eu-west-1:123456789012:" + name) })
	}
	for i := range 100 {
		b.send(fmt.Sprint("q", i), "a")
	}
	others.Wait()
	close(stuck)
	b.settled()
}

// counted counts what is received from a queue, and how often.
type counted struct {
	queues
	receives *atomic.Int64
}

func (c counted) Receive(ctx context.Context, a arn.ARN, most sources.Portion, visibility time.Duration) (sources.Received, error) {
	c.receives.Add(1)
	return c.queues.Receive(ctx, a, most, visibility)
}

// A queue that has nothing costs nothing: what happens in one wakes nobody who reads
// another, and time that passes nobody at all.
func TestIdleQueuesCostNothing(t *testing.T) {
	const many = 1000
	var receives atomic.Int64
	fn := &function{}
	db, model := openMem(t), stopped(start)
	b := newBedOf(t, db, model, fn, counted{queues{db, model}, &receives}).start()
	b.update(func(tx *kv.Tx) error {
		for i := range many {
			tx.Set(queueKey(fmt.Sprint("q", i)), []byte(`{"Visibility":30000000000}`))
		}
		return nil
	})
	b.update(func(tx *kv.Tx) error {
		for i := range many {
			m := ofQueue(fmt.Sprint("m", i))
			m.Source = arn.ARN(fmt.Sprint("arn:aws:testq:eu-west-1:123456789012:q", i))
			if err := b.engine.Put(tx, m); err != nil {
				return err
			}
		}
		return nil
	})
	for i := range many { // each consumer runs once it has had its first message
		b.send(fmt.Sprint("q", i), "a")
	}
	b.settled()
	receives.Store(0)
	b.send("q7", "b")
	b.settled()
	if n := receives.Load(); n == 0 || n > 4 {
		t.Errorf("a message was received with %d receives", n)
	}
	receives.Store(0)
	b.advance(24 * time.Hour)
	if n := receives.Load(); n != 0 {
		t.Errorf("%d receives while nothing happened", n)
	}
}

// What is received again and again, and goes nowhere, is stuck.
func TestQueueStuck(t *testing.T) {
	b := queueBed(t, &function{do: func(call) (sources.Answer, error) { return failed() }})
	b.keep(ofQueue("m"), nil)
	b.send("q", "a")
	if r := b.advance(40 * time.Minute); len(r.Stuck) != 0 {
		t.Errorf("stuck after 80 times: %v", r.Stuck)
	}
	if r := b.advance(20 * time.Minute); len(r.Stuck) != 1 || !strings.Contains(r.Stuck[0].Why, "received 1") {
		t.Errorf("stuck after 120 times: %v", r.Stuck)
	}
}

func sorted(s string) string {
	parts := strings.Fields(s)
	slices.Sort(parts)
	return strings.Join(parts, " ")
}
