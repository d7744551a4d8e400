package work

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
)

// Settler decides whether a cloud has settled. Its fields are set once, before
// use.
type Settler struct {
	Ledger   *Ledger
	DB       *kv.DB
	Clock    *clock.Model
	Backlogs []Backlog
	// Move sets the clock for [Settler.Advance]; nil means Clock.Set. It is for
	// whoever keeps the clock's state.
	Move func(ctx context.Context, to clock.Instant) error
}

// Report is one look at a cloud.
type Report struct {
	Settled bool
	At      clock.Instant // model time of the look
	// UnderWay is what the ledger holds, parked work too. It is read after
	// the rest and is for people, not for decisions.
	UnderWay []Entry
	// Backlogs is the state of each backlog, in the order of [Settler]. It is
	// empty when work was under way: then no snapshot is worth taking.
	Backlogs []Status

	// What the backlogs add up to.
	Ready     int
	Next      clock.Instant // the earliest one-shot in the future
	Recurring clock.Instant // the earliest of what recurs
	External  int
	Stuck     []Item
	Waits     []Wait // by their times, what waits for the world outside first
}

// Look says whether the cloud is settled at this moment: nothing under way,
// nothing ready, no one-shot due up to horizon from now and, if strict,
// nothing that waits for the world outside.
func (s *Settler) Look(ctx context.Context, horizon time.Duration, strict bool) (Report, error) {
	r, err := s.look(ctx, horizon, strict)
	if err != nil {
		return Report{}, fmt.Errorf("settle: %w", err)
	}
	r.UnderWay = s.Ledger.Entries()
	return r, nil
}

// look is Look without the list of what is under way. The order of its steps
// is the definition of settled; see [Ledger] for why the two readings of the
// epoch suffice.
func (s *Settler) look(ctx context.Context, horizon time.Duration, strict bool) (Report, error) {
	r := Report{At: s.Clock.Now()}
	before, calm := s.Ledger.epoch()
	if !calm {
		return r, nil
	}
	err := s.DB.View(ctx, func(snap *kv.Snap) error { return r.ask(ctx, snap, s.Backlogs) })
	if err != nil {
		return r, err
	}
	after, calm := s.Ledger.epoch()
	r.Settled = calm && before == after &&
		r.Ready == 0 &&
		(r.Next.IsZero() || r.Next > r.At.Add(horizon)) &&
		(!strict || r.External == 0)
	return r, nil
}

// ask adds up the backlogs on one snapshot.
func (r *Report) ask(ctx context.Context, snap *kv.Snap, bs []Backlog) error {
	r.Backlogs = make([]Status, len(bs))
	for i, b := range bs {
		st, err := b.Backlog(ctx, snap, r.At)
		if err != nil {
			return err
		}
		r.Backlogs[i] = st
		r.Ready += st.Ready
		r.Next = earlier(r.Next, st.Next)
		r.Recurring = earlier(r.Recurring, st.Recurring)
		r.External += st.External
		r.Stuck = append(r.Stuck, st.Stuck...)
		r.Waits = append(r.Waits, st.Waits...)
	}
	// A one-shot timer that wakes another backlog for something is that thing.
	named := map[clock.Instant]bool{}
	for _, w := range r.Waits {
		named[w.At] = named[w.At] || !w.Timer
	}
	r.Waits = slices.DeleteFunc(r.Waits, func(w Wait) bool { return w.Timer && !w.Recurs && named[w.At] })
	sort.SliceStable(r.Waits, func(i, j int) bool { return r.Waits[i].At < r.Waits[j].At })
	return nil
}

// Settle blocks until the cloud is settled, as [Settler.Look] has it, and
// returns the look that found it so. If ctx ends first it returns the last
// look, which names what is in the way, and ctx's error.
//
// It looks again whenever a token that ended may have been the last. That is
// enough: what is on disk changes by work that has a token, and model time
// that passes can only make more of it due. The caller must not hold an active
// token itself.
func (s *Settler) Settle(ctx context.Context, horizon time.Duration, strict bool) (Report, error) {
	w := s.Ledger.wait()
	defer s.Ledger.forget(w)
	for {
		r, err := s.look(ctx, horizon, strict)
		switch {
		case err != nil && ctx.Err() == nil:
			return Report{}, fmt.Errorf("settle: %w", err)
		case err == nil && r.Settled:
			r.UnderWay = s.Ledger.Entries()
			return r, nil
		}
		select {
		case <-w.c:
		case <-ctx.Done():
			r.UnderWay = s.Ledger.Entries()
			return r, fmt.Errorf("settle: %w", context.Cause(ctx))
		}
	}
}

// Advance moves the model clock to instant to, stopping at everything that is
// due on the way and letting the cloud settle there, and returns the look at
// the end. No due is jumped over, so that what happens at noon sees what
// happened in the morning.
func (s *Settler) Advance(ctx context.Context, to clock.Instant) (Report, error) {
	move := s.Move
	if move == nil {
		move = func(_ context.Context, to clock.Instant) error { return s.Clock.Set(to) }
	}
	for {
		r, err := s.Settle(ctx, 0, false)
		if err != nil {
			return r, err
		}
		now := s.Clock.Now()
		if now >= to {
			return r, nil
		}
		stop := to
		if due := earlier(r.Next, r.Recurring); !due.IsZero() && due < to {
			stop = max(due, now)
		}
		// A running clock may overtake the stop between the reading and the
		// setting; it is then already where it should go.
		if err := move(ctx, stop); err != nil && !errors.Is(err, clock.ErrBackwards) {
			return r, fmt.Errorf("advance: %w", err)
		}
	}
}
