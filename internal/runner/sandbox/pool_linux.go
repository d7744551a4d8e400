//go:build amd64 || arm64

package sandbox

import "path/filepath"

// readyCells is how many cells are kept ready: a burst of this many starts
// pays nothing for its surroundings.
const readyCells = 4

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

// refill makes cells in the background, as many as are missing, one after
// another so that starts under way keep their processors. A failure is not
// kept: the next start meets it again and reports it.
func (s *system) refill() {
	if s.busy.Swap(true) {
		return
	}
	s.chores.Go(func() {
		defer s.busy.Store(false)
		for len(s.ready) < cap(s.ready) {
			c, err := s.newCell()
			if err != nil {
				return
			}
			s.ready <- c // there is room: only this goroutine fills
		}
	})
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
