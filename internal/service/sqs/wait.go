package sqs

import (
	"context"
	"slices"
	"sync"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/timer"
	"github.com/nube-run/nube/internal/work"
)

// line is who waits for messages of a queue, first come, first served. It is
// guarded by the mu of the live queue that it is part of.
type line struct {
	of      *live
	wakes   *wakes
	events  uint64 // counts what might end a wait
	tickets uint64 // given out
	waiting []*waiter
	looking int // how many were woken and have not looked yet
}

// waiter is one who waits.
type waiter struct {
	token  work.Token
	ticket uint64        // by which the line is ordered
	c      chan struct{} // closed when it should look
}

// seen returns a number that grows with every event.
func (l *live) seen() (events uint64, others bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.line.events, len(l.line.waiting) > 0
}

// join gets in line, for one who was there and was woken in vain where it was; next
// is when a message becomes visible that is not, zero for never. It returns nil if
// there was an event since.
func (l *live) join(t work.Token, since uint64, before *waiter, next millis) *waiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.line.events != since {
		return nil
	}
	w := &waiter{token: t, c: make(chan struct{})}
	if before != nil {
		w.ticket = before.ticket
	} else {
		l.line.tickets++
		w.ticket = l.line.tickets
	}
	at := len(l.line.waiting)
	for at > 0 && l.line.waiting[at-1].ticket > w.ticket {
		at--
	}
	l.line.waiting = slices.Insert(l.line.waiting, at, w)
	if next != 0 {
		l.line.atLocked(next)
	}
	return w
}

// leave gets out of the line. One who was woken and has not looked passes it on.
func (l *live) leave(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, o := range l.line.waiting {
		if o == w {
			l.line.waiting = slices.Delete(l.line.waiting, i, i+1)
			return
		}
	}
	l.line.looking--
	l.line.wakeLocked(1)
}

// looked says that one has looked, who was woken or has come by, and whether there
// is more: it wakes the next in line then, if nobody is on the way.
func (l *live) looked(woken, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if woken {
		l.line.looking--
	}
	if more && l.line.looking == 0 {
		l.line.wakeLocked(1)
	}
}

// wakeLocked wakes the first n. Their tokens are active before the caller's ends.
func (ln *line) wakeLocked(n int) {
	for ; n > 0 && len(ln.waiting) > 0; n-- {
		w := ln.waiting[0]
		ln.waiting = slices.Delete(ln.waiting, 0, 1)
		ln.looking++
		w.token.Unpark()
		close(w.c)
	}
}

// atLocked has the first in line woken at an instant.
func (ln *line) atLocked(at millis) {
	if len(ln.waiting) > 0 {
		ln.wakes.set(ln.of, at)
	}
}

// end wakes everybody, for good: the queue is another now.
func (l *live) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line.events++
	l.line.wakeLocked(len(l.line.waiting))
}

// wakes is the index of when those who wait are woken by the clock alone. It is in
// memory, and has queues only for which somebody waits.
type wakes struct {
	mu   sync.Mutex
	at   map[*live]millis
	wake func(kv.Stamp)
}

var _ timer.Index = (*wakes)(nil)

// set has a queue's first in line woken at an instant, if that is earlier than it
// would be.
func (w *wakes) set(l *live, at millis) {
	w.mu.Lock()
	had, ok := w.at[l]
	sooner := !ok || at < had
	if sooner {
		if w.at == nil {
			w.at = make(map[*live]millis)
		}
		w.at[l] = at
	}
	w.mu.Unlock()
	if sooner && w.wake != nil {
		w.wake(kv.Stamp{})
	}
}

// NextDue implements [timer.Index]. It recurs, in the sense that nothing is left to
// do before it: whoever waits waits for the world outside.
func (w *wakes) NextDue(context.Context, *kv.Snap) (timer.Due, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var first millis
	for _, at := range w.at {
		if first == 0 || at < first {
			first = at
		}
	}
	if first == 0 {
		return timer.Due{}, nil
	}
	return timer.Due{Recurring: clock.UnixMilli(int64(first))}, nil
}

// Fire implements [timer.Index].
func (w *wakes) Fire(_ context.Context, _ *timer.Shard, now clock.Instant) error {
	w.mu.Lock()
	var due []*live
	for l, at := range w.at {
		if clock.UnixMilli(int64(at)) <= now {
			due = append(due, l)
			delete(w.at, l)
		}
	}
	w.mu.Unlock()
	for _, l := range due {
		l.mu.Lock()
		l.line.events++
		l.line.wakeLocked(1)
		l.mu.Unlock()
	}
	return nil
}
