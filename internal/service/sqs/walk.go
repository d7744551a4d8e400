package sqs

import (
	"slices"
	"time"

	"github.com/nube-run/nube/internal/kv"
)

// walk is how far a look through the groups of a FIFO queue for what has expired has
// got, which takes several steps where there are many.
type walk struct {
	from      kv.Key        // where it goes on; nil: it begins
	began     millis        // what was sent since expires later by the retention
	next      millis        // when the first of what it has seen expires; zero: nothing does
	retention time.Duration // by which it has judged
}

// Limits of walks.
const (
	walkGroups = 4096              // that one step looks at
	walkEvery  = millis(60 * 1000) // how often a queue is gone through that takes several steps
)

func (w *walk) sooner(at millis) {
	if at != 0 && (w.next == 0 || at < w.next) {
		w.next = at
	}
}

// walking returns where the walk through a queue goes on.
func (q *queue) walking(now millis) walk {
	l := q.live
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.walk.from == nil || l.walk.retention != q.settings.retention {
		return walk{began: now, retention: q.settings.retention}
	}
	return l.walk
}

// expireGroups is expire of a FIFO queue: what has expired stands at the heads of
// the groups. A step looks at some of the groups, however many there are.
func (q *queue) expireGroups(tx *kv.Tx, now millis) (next millis, err error) {
	w, live := q.walking(now), q.live
	r := q.space.groups()
	several := w.from != nil
	if several {
		r.Start = w.from
	}
	w.from = nil
	s := &expiry{q: q, now: now, flying: map[millis]int{}, late: map[millis]int{}}
	groups := 0
	for p, err := range tx.Peek().Scan(r, kv.ScanOptions{KeysOnly: true}) {
		if err != nil {
			return 0, err
		}
		if groups++; groups > walkGroups || s.full() {
			w.from = slices.Clone(p.Key)
			break
		}
		d := q.space.Sub("g").Decode(p.Key)
		name := d.Str()
		if err := d.Done(); err != nil {
			return 0, err
		}
		due, err := s.group(tx, name)
		if err != nil {
			return 0, err
		}
		if due != 0 && due <= now { // there is more in it
			w.from = slices.Clone(p.Key)
			break
		}
		w.sooner(due)
	}
	next = now
	if w.from == nil {
		if several {
			w.sooner(w.began + millis(w.retention.Milliseconds()))
			w.next = max(w.next, now+walkEvery)
		}
		next, w = w.next, walk{}
	}
	tx.After(func(kv.Stamp) {
		live.count(s.flying, s.late)
		live.mu.Lock()
		defer live.mu.Unlock()
		live.walk = w
	})
	return next, nil
}

// expiry is one step's look through groups.
type expiry struct {
	q           *queue
	now         millis
	rows, bytes int
	flying      map[millis]int
	late        map[millis]int // delayed for longer than they are kept
}

func (s *expiry) full() bool { return s.rows >= sweepRows || s.bytes >= sweepBytes }

// group takes away what has expired of a group, as far as it fits into the step, and
// returns when more does; zero for never. A group of which nothing has, which are the
// most, costs no conflict.
func (s *expiry) group(tx *kv.Tx, name string) (due millis, err error) {
	log := s.q.space.Key().Str("f").Str(name).Range()
	for p, err := range tx.Peek().Scan(log, kv.ScanOptions{Limit: 1}) {
		if err != nil {
			return 0, err
		}
		if _, due, err = s.expires(p.Value); err != nil || due > s.now {
			return due, err
		}
	}
	g, err := readGroup(tx, s.q.space, name)
	if err != nil || g == nil {
		return 0, err
	}
	due = 0
	gone := false
	for p, err := range tx.Scan(log, kv.ScanOptions{}) {
		if err != nil {
			return 0, err
		}
		m, at, err := s.expires(p.Value)
		if err != nil {
			return 0, err
		}
		if at > s.now || s.full() {
			due = at
			break
		}
		stamp, err := s.q.space.stampOf(p.Key, name)
		if err != nil {
			return 0, err
		}
		s.rows, s.bytes = s.rows+1, s.bytes+len(p.Value)
		tx.Delete(p.Key)
		tx.Add(s.q.space.count(), -1)
		if e := g.find(stamp); e != nil {
			s.flying[e.until]--
		} else {
			s.late[m.after]--
		}
		g.remove(stamp)
		gone = true
	}
	if gone {
		err = s.q.settle(tx, name, g, s.now)
	}
	return due, err
}

// expires decodes a message, and is when it expires.
func (s *expiry) expires(row []byte) (*message, millis, error) {
	m, err := s.q.decode(row)
	if err != nil {
		return nil, 0, err
	}
	return m, m.sent + millis(s.q.settings.retention.Milliseconds()), nil
}
