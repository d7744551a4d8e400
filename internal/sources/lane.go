package sources

import (
	"context"
	"errors"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/work"
)

// lane reads the records of some orders of a shard for a mapping, one batch
// after another.
type lane struct {
	part
	source Stream
	shard  Shard
	n      int

	// Of its goroutine.
	row      row
	gathered gathering
	passed   int // how often the cursor has moved since it was kept
	failures int // of the store, in a row
}

// gathering is what a batch has so far whose window is open. The records are
// read again when it is complete: lanes that wait hold none.
type gathering struct {
	records, bytes int
	upTo           Cursor
}

func (k *keeper) newLane(of *kept, source Stream, f filter, sh Shard, n int) *lane {
	return &lane{part: k.newPart(of, f, laneKey{sh.ID, n}), source: source, shard: sh, n: n}
}

func (l *lane) begin() {
	l.sleeper = l.k.e.o.Ledger.Sleeper(work.Source, string(l.m.Function)+" ← "+l.shard.ID)
	l.k.lanes.Go(l.run)
}

// run works until the shard's end, or until it is told to stop.
func (l *lane) run() {
	ctx := l.k.shard.Context()
	e := l.k.e
	defer l.sleeper.End()
	defer l.k.ends(l)
	defer e.wakeAt(&l.alarm, 0)
	w := e.o.DB.WatchFunc(l.sleeper.Wake, l.shard.Topic)
	defer w.Close()
	err := l.load(ctx)
	for ctx.Err() == nil && !l.stopping.Load() {
		var rest rest
		if err == nil {
			rest, err = l.work(ctx)
		}
		var also chan struct{}
		switch {
		case err == nil && rest.end:
			return
		case err == nil && l.stopping.Load():
			return
		case err == nil:
			l.failures = 0
			e.wakeAt(&l.alarm, rest.until)
		case ctx.Err() != nil || ends(err):
			return
		case errors.Is(err, ErrNoSource):
			rest.why = "the stream is gone"
			err = l.noteGone(ctx)
		default:
			e.o.Log.Error("event source mapping", "mapping", l.m.ID, "shard", l.shard.ID, "err", err)
			rest.why = "failed: " + err.Error()
			l.failures++
			also = make(chan struct{})
			e.o.Machine.AfterFunc(min(50*time.Millisecond<<min(l.failures, 7), 5*time.Second), func() { close(also) })
			err = l.load(ctx)
		}
		if l.sleeper.Sleep(ctx, rest.why, also) != nil {
			return
		}
	}
}

// noteGone says that there is nothing to read any more. The lane then waits for
// its mapping to be deleted.
func (l *lane) noteGone(ctx context.Context) error {
	const gone = "PROBLEM: The stream does not exist."
	if l.row.Result == gone {
		return nil
	}
	r := l.row
	r.Result = gone
	return l.commit(ctx, r, nil, delivery.ActorRef{})
}

// rest is why a lane has nothing to do.
type rest struct {
	end   bool // for good: the shard has nothing more
	until clock.Instant
	also  <-chan struct{} // ends it too
	why   string
}

// load reads the row.
func (l *lane) load(ctx context.Context) error {
	r, err := l.readRow(ctx)
	l.row, l.gathered = r, gathering{upTo: r.Cursor}
	return err
}

// work does what can be done, batch after batch.
func (l *lane) work(ctx context.Context) (rest, error) {
	for ctx.Err() == nil && !l.stopping.Load() {
		now := l.k.e.o.Model.Now()
		if l.m.Tumbling == 0 && !l.row.Opened.IsZero() { // of a mapping that had windows, and has none any more
			if err := l.commit(ctx, l.row.closed(), nil, delivery.ActorRef{}); err != nil {
				return rest{}, err
			}
		}
		if (l.row.retries() || l.row.Closing) && l.row.Due > now {
			return rest{until: l.row.Due, why: "a batch failed, and is tried again at " + l.row.Due.String()}, nil
		}
		if l.row.Closing || l.row.Early {
			if same, err := l.unchanged(ctx); err != nil || !same {
				return rest{why: "the mapping has changed"}, err
			}
			if err := l.closeWindow(ctx); err != nil {
				return rest{}, err
			}
			continue
		}
		if !l.row.retries() && l.m.Window > 0 {
			if r, waits, err := l.gather(ctx, now); waits || err != nil {
				return r, err
			}
		}
		b, err := l.collect(ctx)
		if err != nil {
			return rest{}, err
		}
		if same, err := l.unchanged(ctx); err != nil || !same {
			return rest{why: "the mapping has changed"}, err
		}
		if len(b.records) > 0 {
			if err := l.handle(ctx, b); err != nil {
				return rest{}, err
			}
			continue
		}
		if l.row.retries() { // its records have been trimmed, or no filter takes them any more
			if err := l.commit(ctx, l.row.passed(), nil, delivery.ActorRef{}); err != nil {
				return rest{}, err
			}
			continue
		}
		if l.over(b, now) {
			if err := l.closeWindow(ctx); err != nil {
				return rest{}, err
			}
			continue
		}
		if err := l.pass(ctx, b); err != nil {
			return rest{}, err
		}
		return rest{end: l.row.End, until: l.windowEnd(), why: "no record"}, nil
	}
	return rest{}, ctx.Err()
}

// maxPassed is over how often a cursor moves over records of other lanes until
// it is kept.
const maxPassed = 100

// pass moves the cursor over records that are not for the function. Those of
// other lanes need no commit each time: who reads them again passes them again.
func (l *lane) pass(ctx context.Context, b *batch) error {
	next := l.row
	next.Cursor, next.End, next.Due = b.next, b.end, 0
	switch {
	case next.End || !l.row.Due.IsZero():
	case next.Cursor == l.row.Cursor:
		return nil
	case l.filter == nil && len(l.row.Skip) == 0 && l.passed < maxPassed:
		l.passed++
		l.row, l.gathered.upTo = next, next.Cursor
		return nil
	}
	return l.commit(ctx, next, nil, delivery.ActorRef{})
}
