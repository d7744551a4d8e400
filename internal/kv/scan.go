package kv

import (
	"bytes"
	"cmp"
	"iter"

	"github.com/nube-run/nube/internal/kv/driver"
)

// Scan returns the pairs of r, with the transaction's own writes as they are
// when the loop begins; the loop may write. The update conflicts with others
// that write between the start of r and the last pair consumed, or into r if
// the loop ran to its end (in a reverse scan, from the end of r downwards). It
// ends after the first error, which comes with an empty pair.
func (t *Tx) Scan(r Range, o ScanOptions) iter.Seq2[Pair, error] {
	s := t.s
	return func(yield func(Pair, error) bool) {
		if s.err == nil {
			s.checkTime()
		}
		if s.err != nil || !s.checkRange(r) {
			yield(Pair{}, s.err)
			return
		}
		if bytes.Compare(r.Start, r.End) >= 0 {
			return
		}
		var last Key
		stopped, err := false, error(nil)
		cur := s.own.scan(r, o.Reverse)
		if cur.peek() == nil && len(s.cleared) == 0 {
			n := 0
			err = s.snap.Scan(s.ctx, r, o, func(p Pair) bool {
				last = p.Key
				n++
				stopped = !yield(p, nil)
				return !stopped
			})
			s.joinScan(r, o, last, stopped || o.Limit > 0 && n == o.Limit)
		} else {
			m := merge{s: s, own: cur, opts: o, yield: yield}
			err = m.run(r)
			stopped = m.stopped
			s.joinScan(r, o, m.last, m.stopped || m.limited())
		}
		if err != nil {
			s.fail(err)
			if !stopped {
				yield(Pair{}, err)
			}
		}
	}
}

// joinScan adds to the read set what a scan of r has seen: all of it, or, if it
// ended early, the part up to and including last.
func (s *txState) joinScan(r Range, o ScanOptions, last Key, early bool) {
	switch {
	case !early:
	case o.Reverse:
		r.Start = last
	default:
		r.End = Next(last)
	}
	s.join(r)
}

// merge joins the committed pairs of a range with the transaction's own writes.
type merge struct {
	s       *txState
	own     cursor
	opts    ScanOptions
	yield   func(Pair, error) bool
	last    Key // consumed
	n       int
	stopped bool  // by the consumer
	err     error // of a sum
}

func (m *merge) limited() bool { return m.opts.Limit > 0 && m.n == m.opts.Limit }

func (m *merge) run(r Range) error {
	o := driver.ScanOptions{Reverse: m.opts.Reverse, KeysOnly: m.opts.KeysOnly}
	// Ranges cleared before the loop hide committed pairs; later ones do not.
	cleared := m.s.cleared
	hidden := func(k Key) bool {
		for _, r := range cleared {
			if r.Contains(k) {
				return true
			}
		}
		return false
	}
	err := m.s.snap.Scan(m.s.ctx, r, o, func(p Pair) bool {
		for w := m.own.peek(); w != nil; w = m.own.peek() {
			c := bytes.Compare(w.key, p.Key)
			if m.opts.Reverse {
				c = -c
			}
			if c > 0 {
				break
			}
			m.own.step()
			if c == 0 {
				return m.emitOwn(w, p.Value)
			}
			if !m.emitOwn(w, nil) {
				return false
			}
		}
		if hidden(p.Key) {
			return true
		}
		return m.emit(p)
	})
	if err != nil || m.err != nil {
		return cmp.Or(err, m.err)
	}
	for w := m.own.peek(); w != nil && !m.stopped && !m.limited(); w = m.own.peek() {
		m.own.step()
		if !m.emitOwn(w, nil) {
			break
		}
	}
	return m.err
}

// emitOwn gives the consumer the pair that a write makes of the committed
// value.
func (m *merge) emitOwn(w *write, committed []byte) bool {
	p := Pair{Key: w.key}
	switch {
	case w.kind == deleted:
		return true
	case m.opts.KeysOnly:
	case w.kind == wrote:
		p.Value = w.value
	default:
		if p.Value, m.err = m.s.sum(w.key, committed, w.delta); m.err != nil {
			return false
		}
	}
	return m.emit(p)
}

func (m *merge) emit(p Pair) bool {
	m.last = p.Key
	m.n++
	m.stopped = !m.yield(p, nil)
	return !m.stopped && !m.limited()
}
