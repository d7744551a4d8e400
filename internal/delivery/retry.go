package delivery

import (
	"container/heap"
	"context"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/timer"
)

// retries is the index of what is to be tried again, as package timer sees it.
// It is in memory: the actors, which alone change it, say when each is due.
type retries struct{ d *Delivery }

// NextDue implements [timer.Index].
func (r retries) NextDue(context.Context, *kv.Snap) (timer.Due, error) {
	r.d.mu.Lock()
	defer r.d.mu.Unlock()
	if len(r.d.due) == 0 {
		return timer.Due{}, nil
	}
	return timer.Due{OneShot: r.d.due[0].next}, nil
}

// Fire implements [timer.Index]: it wakes the actors whose retries are due.
func (r retries) Fire(_ context.Context, _ *timer.Shard, now clock.Instant) error {
	r.d.mu.Lock()
	defer r.d.mu.Unlock()
	for len(r.d.due) > 0 && r.d.due[0].next <= now {
		a := r.d.due[0]
		r.d.due.set(a, 0)
		a.wakeLocked()
	}
	return nil
}

// setNext notes when an actor's next retry is due.
func (d *Delivery) setNext(a *actor, next clock.Instant) {
	d.mu.Lock()
	if a.share.ended {
		d.mu.Unlock()
		return
	}
	d.due.set(a, next)
	first := len(d.due) > 0 && d.due[0] == a
	d.mu.Unlock()
	if first {
		d.wakeTimer(kv.Stamp{})
	}
}

// dueHeap is the actors with retries, the earliest first. It is guarded by the
// delivery's mu.
type dueHeap []*actor

// set sets when an actor's next retry is due, zero for never.
func (h *dueHeap) set(a *actor, next clock.Instant) {
	a.next = next
	switch {
	case a.index >= 0 && next.IsZero():
		heap.Remove(h, a.index)
	case a.index >= 0:
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
	a := x.(*actor)
	a.index = len(*h)
	*h = append(*h, a)
}

func (h *dueHeap) Pop() any {
	old := *h
	a := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	a.index = -1
	return a
}
