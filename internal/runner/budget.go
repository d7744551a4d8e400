package runner

import "sync"

// budget deals the right to start an instance. Starting costs processor time,
// so that very many starts at once only make all of them late; but a start waits
// too, for its fork and its pages, and with one for each processor the last of a
// burst is late. The right is dealt to functions in turn, so that one function
// with a burst does not push the others behind it.
type budget struct {
	mu   sync.Mutex
	free int
	ring []starter // who wants to start; each at most once
}

// starter wants to start instances. A pool, but for tests.
type starter interface {
	// claim takes one wanted start, and reports whether more are wanted.
	claim() (start func(done func()), more bool)
}

func newBudget(n int) *budget { return &budget{free: max(n, 1)} }

// want asks for starts for s, which may be in line already.
func (b *budget) want(s starter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, have := range b.ring {
		if have == s {
			return
		}
	}
	b.ring = append(b.ring, s)
	b.dealLocked()
}

// dealLocked starts what the budget allows, one of each in turn.
func (b *budget) dealLocked() {
	for b.free > 0 && len(b.ring) > 0 {
		s := b.ring[0]
		b.ring = append(b.ring[:0], b.ring[1:]...)
		start, more := s.claim()
		if more {
			b.ring = append(b.ring, s)
		}
		if start == nil {
			continue
		}
		b.free--
		var once sync.Once
		go start(func() { once.Do(b.giveBack) })
	}
}

func (b *budget) giveBack() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free++
	b.dealLocked()
}
