package cloud

import "sync"

// errands are goroutines that are begun at any time and end by themselves. None
// begins once their end was waited for, as a [sync.WaitGroup] alone would let it.
type errands struct {
	mu   sync.Mutex
	over bool
	wg   sync.WaitGroup
}

// Go begins an errand, and reports whether it did.
func (e *errands) Go(do func()) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over {
		return false
	}
	e.wg.Go(do)
	return true
}

// end waits for the errands under way and lets none begin.
func (e *errands) end() {
	e.mu.Lock()
	e.over = true
	e.mu.Unlock()
	e.wg.Wait()
}
