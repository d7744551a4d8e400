package sqs

import (
	"bytes"
	"context"
	"sync"

	"github.com/nube-run/nube/internal/kv"
)

// live is what the process remembers of a queue's messages: hints, of which the
// store has the truth, and who waits. It is there from the queue's first use on, and
// read from the store then.
type live struct {
	name  name
	space space
	fifo  bool
	clock func() millis
	limit int // of messages in flight

	taking sync.Mutex // held by a receive: they would but conflict with each other

	mu     sync.Mutex
	loaded bool   // all of what follows but the gauge
	floor  millis // the queue's time does not go back before this
	// from is where a lane's first row can lie; nil where it has none at all.
	from [lanes]kv.Key
	// low is the first row that came to a lane since the receive under way has
	// looked, which may not have seen it.
	low      [lanes]kv.Key
	turn     lane // that is served first, next time
	inFlight tally
	late     tally    // messages that are delayed
	relaxed  kv.Stamp // of the last receive
	bucket   millis   // of the last deduplication row
	walk     walk     // through the groups
	taken    int      // since the cursor was written down
	line     line
	gauge    gauge
}

func newLive(s *Service, q *queue) *live {
	l := &live{name: q.name, space: q.space, fifo: q.settings.fifo, clock: s.now, limit: s.limit()}
	l.line.wakes = &s.wakes
	l.line.of = l
	return l
}

// now is the queue's time, which never goes back: rows before it may be gone.
func (l *live) now() millis {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.nowLocked()
}

func (l *live) nowLocked() millis {
	l.floor = max(l.floor, l.clock())
	return l.floor
}

// load reads what there is of a queue, once.
func (q *queue) load(ctx context.Context, db *kv.DB) error {
	l := q.live
	l.mu.Lock()
	loaded := l.loaded
	l.mu.Unlock()
	if loaded {
		return nil
	}
	l.taking.Lock()
	defer l.taking.Unlock()
	l.mu.Lock()
	loaded = l.loaded
	l.mu.Unlock()
	if loaded {
		return nil
	}
	return db.View(ctx, func(snap *kv.Snap) error {
		var found live
		found.space, found.fifo = l.space, l.fifo
		for n := range lane(lanes) {
			if err := found.loadLane(snap, n, l.clock()); err != nil {
				return err
			}
		}
		if l.fifo && (q.settings.delay > 0 || found.from[delayed] != nil) {
			if err := found.loadLate(snap, l.clock()); err != nil {
				return err
			}
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		for n := range lane(lanes) {
			if found.from[n] != nil && (l.from[n] == nil || bytes.Compare(found.from[n], l.from[n]) < 0) {
				l.from[n] = found.from[n]
			}
		}
		l.floor = max(l.floor, found.floor)
		l.inFlight, l.late, l.loaded = found.inFlight, found.late, true
		return nil
	})
}

// isLoaded reports whether load has been.
func (l *live) isLoaded() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.loaded
}

// places is where the first rows of the lanes can lie.
func (l *live) places() (now millis, from [lanes]kv.Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.nowLocked(), l.from
}

// loadLane reads one lane's cursor, and counts what is not visible.
func (l *live) loadLane(snap *kv.Snap, n lane, now millis) error {
	at, err := readMillis(snap, l.space.cursor(n))
	if err != nil {
		return err
	}
	l.floor = max(l.floor, at)
	r := l.space.rows(n)
	r.Start = l.space.since(n, at)
	for _, err := range snap.Scan(r, kv.ScanOptions{Limit: 1, KeysOnly: true}) {
		if err != nil {
			return err
		}
		l.from[n] = r.Start
	}
	if l.from[n] == nil {
		return nil
	}
	r.Start = l.space.since(n, max(at, now)+1)
	for p, err := range snap.Scan(r, kv.ScanOptions{KeysOnly: true}) {
		if err != nil {
			return err
		}
		x, err := l.space.place(p.Key, l.fifo)
		switch {
		case err != nil:
			return err
		case n == delayed && l.fifo: // loadLate
		case n == delayed:
			l.late.add(x.at, 1)
		case !l.fifo:
			l.inFlight.add(x.at, 1)
		default:
			g, err := readGroup(snap, l.space, x.group)
			if err != nil {
				return err
			}
			for i := range g.entries {
				if g.entries[i].until > now {
					l.inFlight.add(g.entries[i].until, 1)
				}
			}
		}
	}
	return nil
}

// loadLate counts the messages of a FIFO queue that are delayed: the last ones of
// each group.
func (l *live) loadLate(snap *kv.Snap, now millis) error {
	for p, err := range snap.Scan(l.space.groups(), kv.ScanOptions{KeysOnly: true}) {
		if err != nil {
			return err
		}
		d := l.space.Sub("g").Decode(p.Key)
		name := d.Str()
		if err := d.Done(); err != nil {
			return err
		}
		for p, err := range snap.Scan(l.space.Key().Str("f").Str(name).Range(), kv.ScanOptions{Reverse: true}) {
			if err != nil {
				return err
			}
			m, err := decodeMessage(p.Value)
			if err != nil {
				return err
			}
			if m.after <= now {
				break
			}
			l.late.add(m.after, 1)
		}
	}
	return nil
}

// came notes a row that has become durable, and wakes whom it concerns: as many
// who wait as there are messages.
func (l *live) came(n lane, at millis, messages int) {
	key := l.space.since(n, at)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.from[n] == nil || bytes.Compare(key, l.from[n]) < 0 {
		l.from[n] = key
	}
	if l.low[n] == nil || bytes.Compare(key, l.low[n]) < 0 {
		l.low[n] = key
	}
	l.line.events++
	if at <= l.nowLocked() {
		l.line.wakeLocked(messages)
	} else {
		l.line.atLocked(at)
	}
}

// scanning begins a look at the index.
func (l *live) scanning() (now millis, turn lane, from [lanes]kv.Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.low[:])
	l.turn = (l.turn + 1) % lanes
	return l.nowLocked(), l.turn, l.from
}

// passed says up to where a lane has nothing any more.
func (l *live) passed(n lane, to kv.Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if low := l.low[n]; low != nil && bytes.Compare(low, to) < 0 {
		to = low
	}
	if l.from[n] == nil || bytes.Compare(to, l.from[n]) > 0 {
		l.from[n] = to
	}
}

// took notes what a receive has done, which is committed and may not be on the disk.
func (l *live) took(at kv.Stamp, p *pass) {
	l.count(p.flying, nil)
	for _, x := range p.moved {
		l.came(x.lane, x.at, 1)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.relaxed = at
}

// sawAll reports whether a snapshot shows all that receives have done.
func (l *live) sawAll(durable kv.Stamp) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.relaxed.Compare(durable) <= 0
}

// count adds to what is in flight and what is delayed, and wakes those who wait
// because of too many in flight.
func (l *live) count(flying, late map[millis]int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.nowLocked()
	crowded := l.inFlight.now(now) >= l.limit
	for at, n := range flying {
		if at > now {
			l.inFlight.add(at, n)
		}
	}
	for at, n := range late {
		if at > now {
			l.late.add(at, n)
		}
	}
	if free := l.limit - l.inFlight.total; crowded && free > 0 {
		l.line.events++
		l.line.wakeLocked(free)
	}
}

// crowded reports whether no more messages can be in flight, and when one is visible
// again of those that are.
func (l *live) crowded() (bool, millis) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.nowLocked()
	if l.inFlight.now(now) < l.limit {
		return false, 0
	}
	return true, l.inFlight.first(now)
}

// counts returns how many messages are in flight and delayed.
func (l *live) counts() (flying, late int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.nowLocked()
	return l.inFlight.now(now), l.late.now(now)
}

// readMillis reads a row that holds an instant; zero for none.
func readMillis(r reader, k kv.Key) (millis, error) {
	v, err := r.Get(k)
	if err != nil {
		return 0, err
	}
	n, err := kv.Int64(v)
	return millis(n), err
}

func millisRow(at millis) []byte { return kv.Counter(int64(at)) }
