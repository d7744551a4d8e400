package sources

import (
	"container/heap"
	"context"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/timer"
)

// dueLanes is the index of what lanes wait for, as package timer sees it. It is
// in memory: the lanes, which alone change it, say when each is due.
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

// Fire implements [timer.Index]: it wakes the lanes that are due.
func (d dueLanes) Fire(_ context.Context, _ *timer.Shard, now clock.Instant) error {
	d.e.mu.Lock()
	defer d.e.mu.Unlock()
	for len(d.e.due) > 0 && d.e.due[0].next <= now {
		l := d.e.due[0]
		d.e.due.set(l, 0)
		l.sleeper.Wake()
	}
	return nil
}

// wakeAt has a lane woken at an instant; zero: not any more.
func (e *Engine) wakeAt(l *lane, at clock.Instant) {
	e.mu.Lock()
	if l.next == at {
		e.mu.Unlock()
		return
	}
	e.due.set(l, at)
	first := len(e.due) > 0 && e.due[0] == l
	e.mu.Unlock()
	if first {
		e.wakeDue(kv.Stamp{})
	}
}

// dueHeap is the lanes that wait for an instant, the earliest first. It is
// guarded by the engine's mu.
type dueHeap []*lane

// set sets what a lane waits for, zero for nothing.
func (h *dueHeap) set(l *lane, next clock.Instant) {
	l.next = next
	switch {
	case l.index >= 0 && next.IsZero():
		heap.Remove(h, l.index)
	case l.index >= 0:
		heap.Fix(h, l.index)
	case !next.IsZero():
		heap.Push(h, l)
	}
}

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].next < h[j].next }
func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *dueHeap) Push(x any) {
	l := x.(*lane)
	l.index = len(*h)
	*h = append(*h, l)
}

func (h *dueHeap) Pop() any {
	old := *h
	l := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	l.index = -1
	return l
}
