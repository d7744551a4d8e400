package pebblekv

import (
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/nube-run/nube/internal/clock"
)

// delay runs a function some time after it was armed, and costs nothing while
// it is not.
type delay struct {
	mu      sync.Mutex
	timer   *time.Timer // nil: not armed
	off     bool
	running sync.WaitGroup
}

// arm has fn run after d, unless a function is due already.
func (l *delay) arm(m clock.Machine, d time.Duration, fn func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil || l.off {
		return
	}
	l.running.Add(1)
	l.timer = m.AfterFunc(d, func() {
		defer l.running.Done()
		l.mu.Lock()
		l.timer = nil
		l.mu.Unlock()
		fn()
	})
}

// stop disarms for good and waits for a function under way.
func (l *delay) stop() {
	l.mu.Lock()
	l.off = true
	if l.timer != nil && l.timer.Stop() {
		l.timer = nil
		l.running.Done()
	}
	l.mu.Unlock()
	l.running.Wait()
}

// anchor is a Pebble snapshot that is older than those of the states. When the
// oldest snapshot closes, Pebble looks for compactions that this allows: under
// its big lock, and after waiting for a manifest that is being written. States
// close with every group of commits, under the commit lock. So the anchor is
// the oldest, and is let go once a second, by a timer.
type anchor struct {
	mu   sync.Mutex
	snap *pebble.Snapshot
	end  delay
}

// anchor makes sure that there is an anchor.
func (e *Engine) anchor() {
	a := &e.anchored
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.snap == nil {
		a.snap = e.db.NewSnapshot()
		a.end.arm(e.machine, anchorFor, a.release)
	}
}

func (a *anchor) release() {
	a.mu.Lock()
	snap := a.snap
	a.snap = nil
	a.mu.Unlock()
	if snap != nil {
		snap.Close()
	}
}

// stop releases the anchor for good.
func (a *anchor) stop() {
	a.end.stop()
	a.release()
}
