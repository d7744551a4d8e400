package sources

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/timer"
	"github.com/nube-run/nube/internal/work"
)

// lane reads the records of some orders of a shard for a mapping, one batch
// after another.
type lane struct {
	k      *keeper
	m      *Mapping
	source Stream
	filter filter
	shard  Shard
	n      int

	sleeper  *work.Sleeper
	stopping atomic.Bool
	raw      string // the mapping's row

	// Of its goroutine.
	row      row
	gathered gathering
	passed   int    // how often the cursor has moved since it was kept
	failures int    // of the store, in a row
	checked  uint64 // the keeper's changes, when the mapping was found to be as it was

	// Guarded by the engine's mu.
	next  clock.Instant // when it is woken; zero: by others
	index int           // in the due heap
}

// gathering is what a batch has so far whose window is open. The records are
// read again when it is complete: lanes that wait hold none.
type gathering struct {
	records, bytes int
	upTo           Cursor
}

func (k *keeper) newLane(of *kept, source Stream, f filter, sh Shard, n int) *lane {
	return &lane{k: k, m: of.mapping, raw: of.raw, source: source, filter: f, shard: sh, n: n, index: -1}
}

// begin runs the lane. Its token begins before the keeper sleeps.
func (l *lane) begin() {
	l.sleeper = l.k.e.o.Ledger.Sleeper(work.Source, string(l.m.Function)+" ← "+l.shard.ID)
	l.k.lanes.Go(l.run)
}

// stop ends the lane once the batch under way is done.
func (l *lane) stop() {
	l.stopping.Store(true)
	l.sleeper.Wake()
}

// errGone says that the mapping does not exist any more.
var errGone = errors.New("sources: the mapping is gone")

// run works until the shard's end, or until it is told to stop.
func (l *lane) run() {
	ctx := l.k.shard.Context()
	e := l.k.e
	defer l.sleeper.End()
	defer l.k.laneEnded(l)
	defer e.wakeAt(l, 0)
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
			e.wakeAt(l, rest.until)
		case ctx.Err() != nil || errors.Is(err, errGone) || errors.Is(err, timer.ErrLost) || errors.Is(err, kv.ErrBroken) || errors.Is(err, kv.ErrClosed):
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
	why   string
}

// load reads the row: the newest one, durable or not, so that what was done is
// not done again.
func (l *lane) load(ctx context.Context) error {
	_, err := l.k.e.o.DB.Update(ctx, func(tx *kv.Tx) error {
		b, err := tx.Get(l.key())
		if err != nil {
			return err
		}
		if b == nil {
			return errGone
		}
		l.row, err = decodeRow(b)
		return err
	})
	l.gathered = gathering{upTo: l.row.Cursor}
	return err
}

func (l *lane) key() kv.Key { return layoutOf(l.m.Cell).lane(l.m.ID, l.shard.ID, l.n) }

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

// unchanged reports whether the mapping is still what the lane runs. Once a
// change of it has been acknowledged no batch is handled as it was before: what
// is written after a mapping was switched off is not read.
func (l *lane) unchanged(ctx context.Context) (bool, error) {
	now := l.k.changes.Load()
	if l.checked == now {
		return true, nil
	}
	var raw []byte
	err := l.k.e.o.DB.View(ctx, func(s *kv.Snap) (err error) {
		raw, err = s.Get(layoutOf(l.m.Cell).mapping(l.m.ID))
		return err
	})
	if err != nil {
		return false, err
	}
	if string(raw) != l.raw {
		l.stopping.Store(true)
		return false, nil
	}
	l.checked = now
	return true, nil
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
