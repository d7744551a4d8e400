package sources

import (
	"container/heap"
	"context"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/timer"
	"github.com/nube-run/nube/internal/work"
)

// dueLanes is the index of what lanes and consumers wait for, as package timer
// sees it. It is in memory: they, who alone change it, say when each is due.
type dueLanes struct{ e *Engine }

// NextDue implements [timer.Index].
func (d dueLanes) NextDue(context.Context, *kv.Snap) (timer.Due, error) {
	d.e.mu.Lock()
	defer d.e.mu.Unlock()
	if len(d.e.due) == 0 {
		return timer.Due{}, nil
	}
	return timer.Due{OneShot: d.e.due[0].next}, nil
}

// Fire implements [timer.Index]: it wakes those that are due.
func (d dueLanes) Fire(_ context.Context, _ *timer.Shard, now clock.Instant) error {
	d.e.mu.Lock()
	defer d.e.mu.Unlock()
	for len(d.e.due) > 0 && d.e.due[0].next <= now {
		a := d.e.due[0]
		d.e.due.set(a, 0)
		a.sleeper.Wake()
	}
	return nil
}

// alarm is what wakes a goroutine at an instant, besides whoever else does.
type alarm struct {
	sleeper *work.Sleeper

	// Guarded by the engine's mu.
	next  clock.Instant // zero: it is woken by others
	index int           // in the due heap
}

// wakeAt sets an alarm; zero: not any more.
func (e *Engine) wakeAt(a *alarm, at clock.Instant) {
	e.mu.Lock()
	if a.next == at {
		e.mu.Unlock()
		return
	}
	e.due.set(a, at)
	first := len(e.due) > 0 && e.due[0] == a
	e.mu.Unlock()
	if first {
		e.wakeDue(kv.Stamp{})
	}
}

// dueHeap is the alarms that are set, the earliest first. It is guarded by the
// engine's mu.
type dueHeap []*alarm

// set sets an alarm, zero for not any more.
func (h *dueHeap) set(a *alarm, next clock.Instant) {
	set := !a.next.IsZero()
	a.next = next
	switch {
	case set && next.IsZero():
		heap.Remove(h, a.index)
	case set:
		heap.Fix(h, a.index)
	case !next.IsZero():
		heap.Push(h, a)
	}
}

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].next < h[j].next }
func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *dueHeap) Push(x any) {
	a := x.(*alarm)
	a.index = len(*h)
	*h = append(*h, a)
}

func (h *dueHeap) Pop() any {
	old := *h
	a := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return a
}
