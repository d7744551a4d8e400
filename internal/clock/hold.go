package clock

import (
	"context"
	"sync"
	"time"
)

// Hold makes stretches of the machine's time not count: while a debugger has
// stopped a function, its time-out and those of who waits for it stand still.
// A nil Hold holds nothing.
type Hold struct {
	mu    sync.Mutex
	takes int
	since time.Time     // when the first of takes began
	total time.Duration // of the stretches that are over
}

// Take begins a stretch that does not count. Stretches may overlap.
func (h *Hold) Take() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.takes++; h.takes == 1 {
		h.since = time.Now()
	}
}

// Release ends one.
func (h *Hold) Release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.takes--; h.takes == 0 {
		h.total += time.Since(h.since)
	}
}

// held is how long time has stood still until now, and whether it does.
func (h *Hold) held(now time.Time) (time.Duration, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.takes > 0 {
		return h.total + now.Sub(h.since), true
	}
	return h.total, false
}

// heldTimer is a timer that a [Hold] holds up.
type heldTimer struct {
	mu    sync.Mutex
	timer *time.Timer
	over  bool // fired or stopped
}

// Stop prevents the timer from firing. It reports false when it has fired or
// was stopped before.
func (t *heldTimer) Stop() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return false
	}
	t.over = true
	t.timer.Stop()
	return true
}

// A Stopper is a timer that can be stopped.
type Stopper interface{ Stop() bool }

// AfterFunc is [Machine.AfterFunc] for time that counts.
func (h *Hold) AfterFunc(m Machine, d time.Duration, f func()) Stopper {
	if h == nil {
		return m.AfterFunc(d, f)
	}
	start := time.Now()
	before, _ := h.held(start)
	t := &heldTimer{}
	t.mu.Lock()
	defer t.mu.Unlock()
	var fire func()
	fire = func() {
		t.mu.Lock()
		if t.over {
			t.mu.Unlock()
			return
		}
		now := time.Now()
		after, holding := h.held(now)
		left := d - (now.Sub(start) - (after - before))
		if holding {
			left = max(left, lookAgain)
		}
		if left > 0 {
			t.timer = time.AfterFunc(left, fire)
			t.mu.Unlock()
			return
		}
		t.over = true
		t.mu.Unlock()
		f()
	}
	t.timer = time.AfterFunc(d, fire)
	return t
}

// lookAgain is how often a timer that is due looks whether time still stands.
const lookAgain = 50 * time.Millisecond

// WithTimeout is [Machine.WithTimeout] for time that counts.
func (h *Hold) WithTimeout(ctx context.Context, m Machine, d time.Duration) (context.Context, context.CancelFunc) {
	if h == nil {
		return m.WithTimeout(ctx, d)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	t := h.AfterFunc(m, d, func() { cancel(context.DeadlineExceeded) })
	return heldContext{ctx}, func() { t.Stop(); cancel(context.Canceled) }
}

// heldContext says that its time is over as a context with a deadline does.
type heldContext struct{ context.Context }

func (c heldContext) Err() error {
	if err := c.Context.Err(); err == nil {
		return nil
	}
	return context.Cause(c.Context)
}
