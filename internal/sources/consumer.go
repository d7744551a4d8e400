package sources

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/work"
)

// consumer takes the messages of a queue for a mapping, and hands them to the
// function in batches, several at the same time. It alone receives; each batch is
// handled in a goroutine of its own, so that one that is slow holds up no other.
type consumer struct {
	part
	source  Queue
	batches sync.WaitGroup
	once    sync.Once
	stopped chan struct{} // closed once it has been told to stop

	// Of its goroutine.
	watch    *kv.Watch
	queue    Description
	gathered pile
	crowded  time.Time     // machine time since when there are more messages than it may handle; zero: there are not
	tick     chan struct{} // closed when it may handle more; nil: nobody waits for that
	failures int           // of the store, in a row

	keeping sync.Mutex // held by a commit of the row: the last one says what it is

	mu    sync.Mutex
	row   row
	busy  int  // batches under way
	held  int  // of them, those that could not be handed over so far
	limit int  // how many there may be
	waits bool // for one of them to end
}

func (k *keeper) newConsumer(of *kept, source Queue, f filter) *consumer {
	c := &consumer{part: k.newPart(of, f, laneKey{}), source: source, stopped: make(chan struct{})}
	c.limit = c.atFirst()
	return c
}

// begin implements [runner].
func (c *consumer) begin() {
	c.sleeper = c.k.e.o.Ledger.Sleeper(work.Source, string(c.m.Function)+" ← "+c.m.Source.Resource())
	c.k.lanes.Go(c.run)
}

// stop implements [runner]. Batches that wait to be tried again end.
func (c *consumer) stop() {
	c.part.stop()
	c.once.Do(func() { close(c.stopped) })
}

// run works until it is told to stop. What was gathered then goes back to the
// queue, and what is under way is finished.
func (c *consumer) run() {
	ctx := c.k.shard.Context()
	e := c.k.e
	defer c.sleeper.End()
	defer c.k.ends(c)
	defer c.batches.Wait()
	defer c.stop()
	defer e.wakeAt(&c.alarm, 0)
	c.watch = e.o.DB.WatchFunc(c.sleeper.Wake, c.source.Changed(c.m.Source))
	defer func() { c.watch.Close() }()
	defer func() { c.giveBack(ctx, c.gathered.messages) }()
	err := c.load(ctx)
	for ctx.Err() == nil && !c.stopping.Load() {
		var r rest
		if err == nil {
			r, err = c.work(ctx)
		}
		var also <-chan struct{}
		switch {
		case err == nil && c.stopping.Load():
			return
		case err == nil:
			c.failures = 0
			also = r.also
			e.wakeAt(&c.alarm, r.until)
		case ctx.Err() != nil || ends(err):
			return
		case errors.Is(err, ErrNoSource):
			r.why, c.gathered = "the queue is gone", pile{}
			e.wakeAt(&c.alarm, 0)
			err = c.noteGone(ctx)
		default:
			e.o.Log.Error("event source mapping", "mapping", c.m.ID, "queue", c.m.Source, "err", err)
			r.why = "failed: " + err.Error()
			c.failures++
			again := make(chan struct{})
			e.o.Machine.AfterFunc(min(50*time.Millisecond<<min(c.failures, 7), 5*time.Second), func() { close(again) })
			also, err = again, c.load(ctx)
		}
		if c.sleeper.Sleep(ctx, r.why, also) != nil {
			return
		}
	}
}

// load reads the row.
func (c *consumer) load(ctx context.Context) error {
	c.keeping.Lock()
	defer c.keeping.Unlock()
	r, err := c.readRow(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.row = r
	return err
}

// noteGone says that there is nothing to read any more. The consumer then waits
// for a queue of that name to be made.
func (c *consumer) noteGone(ctx context.Context) error {
	const gone = "PROBLEM: The queue does not exist."
	if r := c.kept(); r.Result == gone {
		return nil
	}
	return c.keep(ctx, func(r *row) { *r = row{Factor: 1, Result: gone} })
}

// work hands over what there is, batch after batch, until there is nothing, or as
// many batches are under way as there may be.
func (c *consumer) work(ctx context.Context) (rest, error) {
	if err := c.look(ctx); err != nil {
		return rest{}, err
	}
	allowed := false
	for ctx.Err() == nil && !c.stopping.Load() {
		now := c.k.e.o.Model.Now()
		if r := c.kept(); r.Due > now {
			return rest{until: r.Due, why: "a batch could not be handed over, and is tried again at " + r.Due.String()}, nil
		}
		if same, err := c.unchanged(ctx); err != nil || !same {
			return rest{why: "the mapping has changed"}, err
		}
		if !c.free() {
			return c.outgrow(ctx, now)
		}
		if !allowed {
			next, err := c.mayRead(ctx, now, &allowed)
			if err != nil || !allowed {
				return rest{until: next, why: "the function's role may not read the queue"}, err
			}
		}
		next, err := c.gather(ctx, now)
		if err != nil {
			return rest{}, err
		}
		if len(c.gathered.messages) == 0 {
			c.quiet()
			return rest{until: next, why: "no message"}, nil
		}
		if !c.gathered.full(c.m) && c.gathered.ends > now {
			// What was received is on disk before the cloud is seen to be at rest.
			err := c.keep(ctx, func(*row) {})
			return rest{until: earliest(next, c.gathered.ends), why: "a batch gathers until " + c.gathered.ends.String()}, err
		}
		c.handOver(ctx)
	}
	return rest{}, ctx.Err()
}

// earliest returns the earlier of two instants, of which zero is none.
func earliest(a, b clock.Instant) clock.Instant {
	if a.IsZero() || !b.IsZero() && b < a {
		return b
	}
	return a
}

// look reads what the queue is like. A watch is registered before what it tells of
// is read.
func (c *consumer) look(ctx context.Context) error {
	for {
		var d Description
		err := c.k.e.o.DB.View(ctx, func(s *kv.Snap) (err error) {
			d, err = c.source.Describe(s, c.m.Source)
			return err
		})
		if err != nil {
			return err
		}
		same := string(d.Topic) == string(c.queue.Topic)
		c.queue = d
		if same {
			return nil
		}
		c.watch.Close()
		c.watch = c.k.e.o.DB.WatchFunc(c.sleeper.Wake, c.source.Changed(c.m.Source), d.Topic)
	}
}

// mayRead asks whether the function's role may read, and decrypt. If it may not, the messages
// stay in the queue, and as long as there are any it is asked again later, at next.
func (c *consumer) mayRead(ctx context.Context, now clock.Instant, allowed *bool) (next clock.Instant, err error) {
	reader, denied := c.k.e.o.Functions.Reader(ctx, c.m, c.source.Needs(c.m.Source))
	if denied == nil {
		denied = c.source.Unlock(ctx, c.m.Source, reader)
	}
	if denied == nil || ctx.Err() != nil {
		*allowed = true
		return 0, ctx.Err()
	}
	p, err := c.pending(ctx, now)
	if err != nil || !p.Ready {
		return p.Next, err
	}
	return c.postpone(ctx, c.problem(denied))
}

func (c *consumer) pending(ctx context.Context, now clock.Instant) (p Pending, err error) {
	err = c.k.e.o.DB.View(ctx, func(s *kv.Snap) error {
		p, err = c.source.Pending(s, c.m.Source, now)
		return err
	})
	return p, err
}

// kept returns the row.
func (c *consumer) kept() row {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.row
}

// free reports whether another batch may begin: not while those before could not be
// handed over. If none may, the consumer is woken when one ends.
func (c *consumer) free() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waits = c.busy >= c.limit || c.held > 0
	return !c.waits
}

// keep changes the row. A token stands for the commit until it is on disk: when
// the cloud is seen to be at rest, what was received before is seen to be.
func (c *consumer) keep(ctx context.Context, change func(r *row)) error {
	c.keeping.Lock()
	defer c.keeping.Unlock()
	r := c.kept()
	change(&r)
	tok := c.k.e.o.Ledger.Begin(work.Source, "checkpoint of "+c.m.ID)
	_, err := c.k.e.o.DB.Update(ctx, func(tx *kv.Tx) error {
		if err := c.writeRow(tx, &r); err != nil {
			return err
		}
		tx.After(func(kv.Stamp) { tok.End() })
		return nil
	}, kv.Relaxed())
	if err != nil {
		tok.End()
		return err
	}
	c.mu.Lock()
	c.row = r
	c.mu.Unlock()
	return nil
}
