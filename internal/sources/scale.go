package sources

import (
	"context"
	"time"

	"github.com/nube-run/nube/internal/clock"
)

// How many batches of a queue are handled at the same time: five to begin with,
// and three hundred a minute more as long as there are messages that wait.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
const (
	firstBatches = 5
	mostBatches  = 1250
	growth       = time.Minute / 300
)

// ceiling is how many batches there may be at most.
func (c *consumer) ceiling() int {
	if c.m.Concurrency > 0 {
		return c.m.Concurrency
	}
	return mostBatches
}

// atFirst is how many batches there may be where nothing waits.
func (c *consumer) atFirst() int { return min(firstBatches, c.ceiling()) }

// outgrow is what the consumer does while as many batches are under way as there
// may be: it waits for one to end, and, if there are messages that wait too, for
// the time at which there may be more. That is machine time, as it is machines that
// are added.
func (c *consumer) outgrow(ctx context.Context, now clock.Instant) (rest, error) {
	r := rest{why: "as many batches are under way as there may be"}
	p, err := c.pending(ctx, now)
	if err != nil {
		return rest{}, err
	}
	if !p.Ready || c.kept().Tries > 0 {
		c.crowded = time.Time{}
		r.until = p.Next
		return r, nil
	}
	machine := c.k.e.o.Machine
	if c.crowded.IsZero() {
		c.crowded = machine.Now()
	}
	more := int(machine.Since(c.crowded) / growth)
	c.crowded = c.crowded.Add(time.Duration(more) * growth)
	c.mu.Lock()
	c.limit = min(c.limit+more, c.ceiling())
	grows := c.limit < c.ceiling()
	again := more > 0 && c.busy < c.limit
	c.mu.Unlock()
	if again {
		c.sleeper.Wake()
		return r, nil
	}
	if !grows {
		return r, nil
	}
	if c.tick == nil || closed(c.tick) {
		tick := make(chan struct{})
		c.tick = tick
		machine.AfterFunc(growth, func() { close(tick) })
	}
	r.also = c.tick
	return r, nil
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// quiet is told that nothing waits.
func (c *consumer) quiet() {
	c.crowded = time.Time{}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy == 0 {
		c.limit = c.atFirst()
	}
}

// backOff is told that a function has failed, or not: it gets fewer batches at the
// same time for each of those that fail, and more again for the others.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-backoff-strategy
func (c *consumer) backOff(failed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case failed:
		c.limit = max(1, c.limit-1)
	case c.limit < c.atFirst():
		c.limit++
	}
}
