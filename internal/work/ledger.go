package work

import (
	"sort"
	"sync"
	"sync/atomic"
)

// shards is over how many counters a ledger is spread. A power of two.
const shards = 16

// Ledger counts the tokens of one cloud on one node. The zero value is not
// ready; use [NewLedger]. Its methods are safe for concurrent use.
//
// How it finds a moment without active tokens while tokens begin and end on
// all processors: every shard counts how many have begun and how many have
// ended, and both counts only grow. A reader adds up all the ends first, and
// then all the begins. With t a moment between the two passes,
//
//	ends read ≤ ends(t) ≤ begins(t) ≤ begins read
//
// so that if the sums are equal nothing was active at t, and nothing has begun
// until the reader met that shard again. The sum of begins is the ledger's
// epoch: if it is the same later, nothing was active in all that time. (The
// argument is Mattern's for detecting termination by counting messages.) One
// counter, or one lock, would be simpler and every processor would fight for
// its cache line.
type Ledger struct {
	shards [shards]shard
	near   sync.Pool     // *shard: pools are per processor, so it is the one this processor used last
	dealt  atomic.Uint32 // shards dealt to processors

	waiting atomic.Int32 // how many wait for calm; a token that ends looks here
	mu      sync.Mutex   // guards waiters; may be taken with no shard's lock held
	waiters map[*waiter]struct{}
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger {
	l := &Ledger{waiters: make(map[*waiter]struct{})}
	for i := range l.shards {
		head := new(slot)
		head.next, head.prev = head, head
		l.shards[i].tokens = head
	}
	return l
}

// Begin counts one piece of work and returns its token. What names it to
// people: an operation, a function's name, a stack.
func (l *Ledger) Begin(c Class, what string) Token {
	sh, _ := l.near.Get().(*shard)
	if sh == nil {
		sh = &l.shards[l.dealt.Add(1)%shards]
	}
	sh.mu.Lock()
	s := sh.take(l)
	s.class, s.what = c, what
	t := Token{slot: s, turn: s.turn}
	sh.mu.Unlock()
	l.near.Put(sh)
	return t
}

// epoch returns the number of begins, and whether there was a moment during
// the call when none of them was active.
func (l *Ledger) epoch() (begun uint64, calm bool) {
	var ended uint64
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		ended += s.ended
		s.mu.Unlock()
	}
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		begun += s.begun
		s.mu.Unlock()
	}
	return begun, begun == ended
}

// Entry is a token as it is shown to people.
type Entry struct {
	Class  Class
	What   string
	Parked string // why it is parked; empty when it is active
}

// Entries returns what is under way, active before parked, else by class and
// name.
func (l *Ledger) Entries() []Entry {
	var es []Entry
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		for t := s.tokens.next; t != s.tokens; t = t.next {
			e := Entry{Class: t.class, What: t.what}
			if t.parked {
				e.Parked = t.why
			}
			es = append(es, e)
		}
		s.mu.Unlock()
	}
	sort.Slice(es, func(i, j int) bool {
		switch a, b := &es[i], &es[j]; {
		case (a.Parked == "") != (b.Parked == ""):
			return a.Parked == ""
		case a.Class != b.Class:
			return a.Class < b.Class
		default:
			return a.What < b.What
		}
	})
	return es
}

// waiter is somebody who wants to know when the ledger may have become calm.
// Its channel keeps one signal.
type waiter struct{ c chan struct{} }

// wait registers a waiter. Register, then look at the epoch, then wait: a
// token that ends after the look finds the waiter.
func (l *Ledger) wait() *waiter {
	w := &waiter{c: make(chan struct{}, 1)}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiters[w] = struct{}{}
	l.waiting.Store(int32(len(l.waiters)))
	return w
}

// forget removes a waiter.
func (l *Ledger) forget(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiters, w)
	l.waiting.Store(int32(len(l.waiters)))
}

// calmed wakes the waiters. It is called when a shard has no active token any
// more: only then can the ledger have none.
func (l *Ledger) calmed() {
	if l.waiting.Load() == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for w := range l.waiters {
		select {
		case w.c <- struct{}{}:
		default:
		}
	}
}
