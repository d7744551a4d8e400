package timer

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/work"
)

// Pauses between attempts of what fails. They are machine time: a model clock
// that stands still must not stop the mending.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = 5 * time.Second
	troubled   = 3   // failures in a row until it counts as stuck
	noProgress = 100 // times to fire for the same instant before it is a failure
)

// source is one index and the goroutine that fires it.
type source struct {
	name  string
	index Index
	local bool // runs on every node

	mu       sync.Mutex
	sleeper  *work.Sleeper // while it runs
	until    clock.Instant // when it sleeps for what it has seen to be due, that instant; else zero
	failures int
	err      error
}

// wake makes the source look again.
func (s *source) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sleeper != nil {
		s.sleeper.Wake()
	}
}

// added makes the source look again if something that was added is due before
// what it sleeps for. While it looks it is made to look once more: what was added
// may not have been there when it began.
func (s *source) added(due clock.Instant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sleeper != nil && (s.until.IsZero() || due < s.until) {
		s.sleeper.Wake()
	}
}

// sleeps notes what the source sleeps for; zero when it begins to look.
func (s *source) sleeps(until clock.Instant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until = until
}

// trouble says why the source is stuck, if it is.
func (s *source) trouble() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failures < troubled {
		return ""
	}
	return fmt.Sprintf("failed %d times: %v", s.failures, s.err)
}

// run fires what is due until ctx ends.
func (s *source) run(ctx context.Context, shard *Shard, o Options, sleeper *work.Sleeper) {
	s.mu.Lock()
	s.sleeper = sleeper
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.sleeper = nil
		s.mu.Unlock()
		sleeper.End()
	}()
	for ctx.Err() == nil {
		s.sleeps(0)
		due, err := s.fire(ctx, shard, o)
		s.note(err)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			o.Log.Error("timer failed", "timer", s.name, "err", err)
			if s.pause(ctx, o, sleeper) != nil {
				return
			}
			continue
		}
		var alarm *clock.Alarm
		var reached <-chan struct{}
		if !due.IsZero() {
			alarm = o.Model.Alarm(due)
			reached = alarm.C
			s.sleeps(due)
		}
		err = sleeper.Sleep(ctx, "nothing is due", reached)
		if alarm != nil {
			alarm.Stop()
		}
		if err != nil {
			return
		}
	}
}

// fire does what is due and returns when there is more.
func (s *source) fire(ctx context.Context, shard *Shard, o Options) (clock.Instant, error) {
	var before clock.Instant
	again := 0
	for {
		due, err := s.next(ctx, o.DB)
		now := o.Model.Now()
		switch {
		case err != nil:
			return 0, err
		case due.IsZero() || due > now:
			return due, nil
		case due == before && again == noProgress:
			return 0, errNoProgress
		case due == before: // set in between, for the same instant
			again++
		default:
			before, again = due, 0
		}
		if err := s.index.Fire(ctx, shard, now); err != nil {
			return 0, err
		}
	}
}

func (s *source) next(ctx context.Context, db *kv.DB) (due clock.Instant, err error) {
	err = db.View(ctx, func(snap *kv.Snap) error {
		d, err := s.index.NextDue(ctx, snap)
		due = d.Next()
		return err
	})
	return due, err
}

func (s *source) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
	if err == nil {
		s.failures = 0
	} else {
		s.failures++
	}
}

// pause waits before the next attempt, or until something changes. What is due
// keeps the cloud from being settled meanwhile.
func (s *source) pause(ctx context.Context, o Options, sleeper *work.Sleeper) error {
	s.mu.Lock()
	d := min(lastPause, firstPause<<min(s.failures-1, 10))
	s.mu.Unlock()
	again := make(chan struct{})
	t := o.Machine.AfterFunc(d, func() { close(again) })
	defer t.Stop()
	return sleeper.Sleep(ctx, "failed: "+s.name, again)
}

// Following returns the first instant after now of what recurs every so often
// since due: what was missed is left out.
func Following(due clock.Instant, every time.Duration, now clock.Instant) clock.Instant {
	if due > now {
		return due
	}
	return due.Add((now.Sub(due)/every + 1) * every)
}
