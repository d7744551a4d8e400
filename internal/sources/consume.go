package sources

import (
	"context"
	"fmt"
	"slices"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/work"
)

// handOver begins a batch. Its token begins before the consumer sleeps.
func (c *consumer) handOver(ctx context.Context) {
	b := c.gathered
	c.gathered = pile{}
	c.mu.Lock()
	c.busy++
	c.mu.Unlock()
	a := &alarm{sleeper: c.k.e.o.Ledger.Sleeper(work.Source, string(c.m.Function)+" ← "+c.m.Source.Resource()+": a batch")}
	c.batches.Go(func() {
		defer a.sleeper.End()
		defer c.done()
		defer c.k.e.wakeAt(a, 0)
		if err := c.handle(ctx, &b, a); err != nil && ctx.Err() == nil && !ends(err) {
			// The messages become visible again.
			c.k.e.o.Log.Error("event source mapping", "mapping", c.m.ID, "queue", c.m.Source, "err", err)
		}
	})
}

// done is told that a batch has ended.
func (c *consumer) done() {
	c.mu.Lock()
	c.busy--
	wake := c.waits
	c.waits = false
	c.mu.Unlock()
	if wake {
		c.sleeper.Wake()
	}
}

// hold counts the batches that could not be handed over so far.
func (c *consumer) hold(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held += n
}

// handle gives a batch to the function until it was called: one that is throttled
// is tried again for as long as the messages are invisible.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-backoff-strategy
func (c *consumer) handle(ctx context.Context, b *pile, a *alarm) error {
	e := c.k.e
	held := false
	defer func() {
		if held {
			c.hold(-1)
		}
	}()
	call := Call{c.m, b.payload(), len(b.messages), b.received(), b.causes()}
	for {
		answer, err := e.o.Functions.Invoke(ctx, call)
		if ctx.Err() != nil {
			c.giveBack(ctx, b.messages)
			return ctx.Err()
		}
		if err == nil {
			return c.conclude(ctx, b, answer)
		}
		if !held {
			held = true
			c.hold(1)
		}
		due, err := c.postpone(ctx, c.problem(err))
		if err != nil || due >= b.until {
			return err
		}
		for e.o.Model.Now() < due {
			e.wakeAt(a, due)
			if a.sleeper.Sleep(ctx, "a batch could not be handed over, and is tried again at "+due.String(), c.stopped) != nil || c.stopping.Load() {
				c.giveBack(ctx, b.messages)
				return ctx.Err()
			}
		}
	}
}

// postpone notes that nothing can be handed over for a while, and why, and returns
// when it is tried again. Until then nothing more is received.
func (c *consumer) postpone(ctx context.Context, problem string) (due clock.Instant, err error) {
	now := c.k.e.o.Model.Now()
	c.backOff(true)
	err = c.keep(ctx, func(r *row) {
		if r.Due <= now { // or else another batch has said so already
			r.Tries++
			r.Due = now.Add(pause(r.Tries))
		}
		r.Result, due = "PROBLEM: "+problem, r.Due
	})
	return due, err
}

// conclude deletes what was handled of a batch, and leaves what was not: it is
// received again when its visibility ends, and if that has happened too often, goes
// to the dead-letter queue.
func (c *consumer) conclude(ctx context.Context, b *pile, a Answer) error {
	failed, ok := map[string]bool{}, !a.Failed
	if ok && c.m.Partial {
		failed, ok = reportedOf(a.Payload, b.messages)
	}
	c.backOff(!ok)
	var done []string
	poison := 0
	for i := range b.messages {
		if m := &b.messages[i]; ok && !failed[m.ID] {
			done = append(done, m.Receipt)
		} else {
			poison = max(poison, m.Count)
		}
	}
	if len(done) > 0 {
		if err := c.source.Delete(ctx, c.m.Source, done...); err != nil {
			return fmt.Errorf("delete what was handled: %w", err)
		}
	}
	if poison > 0 {
		return c.keep(ctx, func(r *row) {
			r.Result, r.Request, r.Version = resultFailed, a.Request, a.Version
			r.Tries, r.Due, r.Attempts = 0, 0, poison
		})
	}
	if r := c.kept(); r.Result == resultOK && r.Tries == 0 && r.Attempts < stuckAfter {
		return nil
	}
	return c.keep(ctx, func(r *row) { r.Result, r.Tries, r.Due, r.Attempts = resultOK, 0, 0, 0 })
}

// reportedOf returns the messages that a function says have failed; false for a
// report that cannot be understood, or that names what was not in the batch: then
// all of it has failed, and nothing that may have failed passes for done.
//
// What a function does not report of a FIFO queue's batch is done too, also behind
// a message that has failed: to stop at that is the function's part.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
func reportedOf(answer []byte, ms []Message) (failed map[string]bool, ok bool) {
	ids, ok := reported(answer)
	if !ok {
		return nil, false
	}
	failed = make(map[string]bool, len(ids))
	for _, id := range ids {
		if !slices.ContainsFunc(ms, func(m Message) bool { return m.ID == id }) {
			return nil, false
		}
		failed[id] = true
	}
	return failed, true
}
