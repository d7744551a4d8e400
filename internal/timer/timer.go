package timer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/work"
)

// T is a timer.
type T struct {
	Cell    keyspace.Cell // in which it is set
	Kind    string        // whose it is: what was given to Handle
	ID      string        // among those of its kind and cell
	Due     clock.Instant
	Payload []byte
	OneShot bool // false for one firing of what recurs
}

// Fire is what a timer does. It runs in the transaction that removes the timer
// and may set it again. It keeps to the rules of kv's bodies.
type Fire func(tx *kv.Tx, now clock.Instant, t T) error

// Due is when something is due next. Zero instants are none.
type Due struct {
	OneShot   clock.Instant
	Recurring clock.Instant
}

// Next returns the earlier of both.
func (d Due) Next() clock.Instant {
	if d.OneShot.IsZero() || !d.Recurring.IsZero() && d.Recurring < d.OneShot {
		return d.Recurring
	}
	return d.OneShot
}

// Index is a service's own index by due time.
type Index interface {
	// NextDue says when something is due next on snapshot s. What is overdue
	// is due at its own instant, in the past.
	NextDue(ctx context.Context, s *kv.Snap) (Due, error)
	// Fire does what is due at now. It commits behind the shard's Guard.
	Fire(ctx context.Context, s *Shard, now clock.Instant) error
}

// Options say what timers are made of. All fields but Log are needed.
type Options struct {
	DB      *kv.DB
	Owner   *Owner
	Model   *clock.Model
	Machine clock.Machine
	Ledger  *work.Ledger
	Log     *slog.Logger
}

// Timers fires timers and indexes. Register everything, then Run.
type Timers struct {
	o        Options
	standing *standing
	sources  []*source
}

// New returns timers without handlers.
func New(o Options) *Timers {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	t := &Timers{o: o}
	t.standing = &standing{db: o.DB, handlers: make(map[string]Fire)}
	t.standing.wake = t.Register("timers", t.standing)
	return t
}

// Handle says what timers of a kind do.
func (t *Timers) Handle(kind string, fire Fire) {
	if t.standing.handlers[kind] != nil {
		panic(fmt.Sprintf("timer: two handlers of kind %q", kind))
	}
	t.standing.handlers[kind] = fire
}

// Register adds an index, and returns what to call, after the commit, when
// something in it may be due earlier than before: tx.After(wake).
func (t *Timers) Register(name string, ix Index) (wake func(kv.Stamp)) {
	return t.register(&source{name: name, index: ix})
}

// RegisterEarliest is Register for an index to which much is added that is due
// late: what it returns is called, after the commit, with when something is due
// that was added, and makes the index fire earlier only if it has to. Whoever
// adds to the index costs it nothing most of the time.
func (t *Timers) RegisterEarliest(name string, ix Index) (added func(due clock.Instant)) {
	s := &source{name: name, index: ix}
	t.register(s)
	return s.added
}

// RegisterLocal is Register for an index of what this node alone knows and does,
// behind another shard than that of the timers: the Shard that Fire gets is nil.
func (t *Timers) RegisterLocal(name string, ix Index) (wake func(kv.Stamp)) {
	return t.register(&source{name: name, index: ix, local: true})
}

func (t *Timers) register(s *source) (wake func(kv.Stamp)) {
	t.sources = append(t.sources, s)
	return func(kv.Stamp) { s.wake() }
}

// Run fires what is due until ctx ends. Except for what is local it fires only
// what this node owns.
func (t *Timers) Run(ctx context.Context) {
	var local sync.WaitGroup
	t.start(ctx, nil, &local)
	for s := range t.o.Owner.Own(ctx, "timer", 1) {
		var wg sync.WaitGroup
		t.start(s.Context(), s, &wg)
		wg.Wait()
	}
	local.Wait()
}

// start runs the sources of a shard, or the local ones.
func (t *Timers) start(ctx context.Context, s *Shard, wg *sync.WaitGroup) {
	for _, src := range t.sources {
		if src.local == (s == nil) {
			sleeper := t.o.Ledger.Sleeper(work.Timer, src.name)
			wg.Go(func() { src.run(ctx, s, t.o, sleeper) })
		}
	}
}

// Backlog implements [work.Backlog].
func (t *Timers) Backlog(ctx context.Context, s *kv.Snap, now clock.Instant) (work.Status, error) {
	st := work.Status{Of: "timers"}
	for _, src := range t.sources {
		due, err := src.index.NextDue(ctx, s)
		if err != nil {
			return st, fmt.Errorf("timer %s: %w", src.name, err)
		}
		for _, k := range []struct {
			due    clock.Instant
			next   *clock.Instant
			recurs bool
		}{{due.OneShot, &st.Next, false}, {due.Recurring, &st.Recurring, true}} {
			switch {
			case k.due.IsZero():
				continue
			case k.due <= now:
				st.Ready++
				continue
			case k.next.IsZero() || k.due < *k.next:
				*k.next = k.due
			}
			st.Waits = append(st.Waits, work.Wait{What: "timer: " + src.name, At: k.due, Recurs: k.recurs, Timer: true})
		}
		if why := src.trouble(); why != "" {
			st.Stuck = append(st.Stuck, work.Item{ID: src.name, Why: why})
		}
	}
	return st, nil
}

// errNoProgress says that an index fired and is due as before.
var errNoProgress = errors.New("it fired, and the same is still due")
