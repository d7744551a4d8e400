//go:build amd64 || arm64

package sandbox

import (
	"path/filepath"
	"time"
)

const (
	// readyCells is how many cells are kept ready: a burst of this many starts
	// pays nothing for its surroundings.
	readyCells = 8
	// refillAfter is how long nothing must have been started before missing
	// cells are made: about as long as a program takes to its first answer,
	// which should have the processors for itself.
	refillAfter = 25 * time.Millisecond
)

// cell takes a ready cell or makes one.
func (s *system) cell() (*cell, error) {
	base := s.currentBase()
	for {
		select {
		case c := <-s.ready:
			if c.base == base {
				return c, nil
			}
			_ = c.discard() // of namespaces that have ended; nothing ran in it
		default:
			return s.newCell()
		}
	}
}

// refill makes cells in the background, as many as are missing, once nothing
// has been started for a moment. A failure is not kept: the next start meets it
// again and reports it.
func (s *system) refill() {
	s.launches.Add(1)
	if s.busy.Swap(true) {
		return
	}
	s.chores.Go(func() {
		defer s.busy.Store(false)
		for s.quiet() && len(s.ready) < cap(s.ready) {
			c, err := s.newCell()
			if err != nil {
				return
			}
			s.ready <- c // there is room: only this goroutine fills
		}
	})
}

// quiet waits until nothing has been started for a moment. It reports false
// when the Host closes.
func (s *system) quiet() bool {
	for seen := s.launches.Load(); ; {
		if seen == s.settled {
			return true
		}
		t := s.machine.NewTimer(refillAfter)
		select {
		case <-s.closing:
			t.Stop()
			return false
		case <-t.C:
		}
		now := s.launches.Load()
		if now == seen {
			s.settled = now
			return true
		}
		seen = now
	}
}

func (s *system) currentBase() *base {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.base
}

// renew builds the namespaces again if somebody has killed the keeper of old,
// and reports whether a start may now succeed. Everything in them has ended.
func (s *system) renew(old *base) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.base != old {
		return true // another start has
	}
	if old == nil || !old.keeper.dead() {
		return false
	}
	b, err := newBase(filepath.Join(s.opts.Dir, "root"), s.users.users, s.can.named)
	if err != nil {
		return false // the start's own error stands, and the next one tries again
	}
	old.close()
	s.base = b
	return true
}
