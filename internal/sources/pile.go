package sources

import (
	"context"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/record"
)

// pile is messages that were received and not yet handed over.
type pile struct {
	messages []Message
	bytes    int           // of their events
	crammed  bool          // the next message does not fit
	ends     clock.Instant // when it is called a batch, full or not
	until    clock.Instant // when the first of its messages becomes visible
}

// atOnce is how many messages are received at a time.
const atOnce = 50

// full reports whether a pile is all that one call takes.
func (p *pile) full(m *Mapping) bool {
	return len(p.messages) >= m.BatchSize || p.crammed
}

// gather receives messages until the pile is full, which is what one call takes, or
// none is left, and returns when the next becomes visible. Those that no filter
// matches are deleted.
//
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html
func (c *consumer) gather(ctx context.Context, now clock.Instant) (next clock.Instant, err error) {
	first := len(c.gathered.messages) == 0
	for !c.gathered.full(c.m) && !c.stopping.Load() {
		most := min(atOnce, c.m.BatchSize-len(c.gathered.messages))
		portion := Portion{Messages: most, Bytes: maxPayload - overhead - c.gathered.bytes, First: len(c.gathered.messages) == 0}
		got, err := c.source.Receive(ctx, c.m.Source, portion, 0)
		if err != nil {
			return 0, err
		}
		next = got.Next
		var dropped []string
		for _, m := range got.Messages {
			if !c.filter.takesMessage(&m) {
				dropped = append(dropped, m.Receipt)
				continue
			}
			c.gathered.messages = append(c.gathered.messages, m)
			c.gathered.bytes += len(m.Event) + 1
		}
		if len(dropped) > 0 {
			if err := c.source.Delete(ctx, c.m.Source, dropped...); err != nil {
				return 0, err
			}
		}
		if got.Full {
			c.gathered.crammed = len(dropped) == 0
			continue
		}
		if len(got.Messages) < most {
			break
		}
	}
	if first && len(c.gathered.messages) > 0 {
		// Half of the time for which they are invisible is the function's.
		c.gathered.until, c.gathered.ends = now.Add(c.queue.Visibility), now.Add(min(c.m.Window, c.queue.Visibility/2))
	}
	return next, nil
}

// payload is the event of a batch.
func (p *pile) payload() []byte {
	b := batch{records: make([]Record, len(p.messages)), bytes: p.bytes}
	for i := range p.messages {
		b.records[i].Event = p.messages[i].Event
	}
	return b.payload()
}

func (p *pile) causes() []record.Cause {
	var cs []record.Cause
	for i := range p.messages {
		if c := p.messages[i].Cause; !c.IsZero() {
			cs = append(cs, c)
		}
	}
	return cs
}

// received is how often the message of a pile was received that was so most often.
func (p *pile) received() (n int) {
	for i := range p.messages {
		n = max(n, p.messages[i].Count)
	}
	return n
}

// giveBack has messages visible again at once. It is done also while the process
// ends, so that nobody has to wait for them.
func (c *consumer) giveBack(ctx context.Context, ms []Message) {
	if len(ms) == 0 {
		return
	}
	receipts := make([]string, len(ms))
	for i := range ms {
		receipts[i] = ms[i].Receipt
	}
	// If it fails they become visible by themselves, later.
	if err := c.source.Return(context.WithoutCancel(ctx), c.m.Source, 0, receipts...); err != nil && !ends(err) {
		c.k.e.o.Log.Error("event source mapping", "mapping", c.m.ID, "queue", c.m.Source, "err", err)
	}
}
