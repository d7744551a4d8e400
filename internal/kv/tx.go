package kv

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv/driver"
)

// Tx is a transaction under way. It belongs to the goroutine that runs the
// body and ends with the body; using it later panics.
//
// Methods that return no error remember it: what they refuse makes Update fail.
type Tx struct{ s *txState }

// txState is the reusable part of a transaction.
type txState struct {
	ctx     context.Context
	snap    driver.Snapshot
	peek    Snap
	machine clock.Machine
	start   time.Time
	reads   int // since start, to look at the clock now and then

	own     overlay
	cleared []Range
	appends []driver.Op
	after   []func(Stamp)
	size    int
	err     error // the first; the transaction fails with it

	batch driver.Batch
	one   [1]*driver.Batch
}

func (s *txState) begin(ctx context.Context, snap driver.Snapshot, m clock.Machine) {
	s.ctx, s.snap, s.machine = ctx, snap, m
	s.peek = Snap{ctx: ctx, engine: snap}
	s.start = m.Now()
}

// reset prepares the state for another transaction, keeping its buffers but
// nothing that they point to.
func (s *txState) reset() {
	own, b := s.own, s.batch
	own.reset()
	clear(b.Points)
	clear(b.Ranges)
	clear(b.Ops)
	clear(b.Topics)
	clear(s.appends)
	clear(s.after)
	clear(s.cleared)
	*s = txState{
		own:     own,
		cleared: s.cleared[:0],
		appends: s.appends[:0],
		after:   s.after[:0],
		batch:   driver.Batch{Points: b.Points[:0], Ranges: b.Ranges[:0], Ops: b.Ops[:0], Topics: b.Topics[:0]},
	}
}

// Get returns the value of k, nil if there is none. The update conflicts with
// others that write k.
func (t *Tx) Get(k Key) ([]byte, error) {
	s := t.s
	if err := s.read(k); err != nil {
		return nil, err
	}
	w, hidden := s.ownState(k)
	if hidden {
		return w.valueOrNil(), nil
	}
	s.batch.Points = append(s.batch.Points, k)
	v, err := s.snap.Get(s.ctx, k)
	if err != nil {
		return nil, s.fail(err)
	}
	if w != nil {
		return s.sum(k, v, w.delta)
	}
	return v, nil
}

// GetAll returns the values of ks in their order, nil where there is none. It
// is one round trip where Get would be one each.
func (t *Tx) GetAll(ks ...Key) ([][]byte, error) {
	s := t.s
	vs := make([][]byte, len(ks))
	if s.own.n == 0 && len(s.cleared) == 0 {
		for _, k := range ks {
			if err := s.read(k); err != nil {
				return nil, err
			}
		}
		s.batch.Points = append(s.batch.Points, ks...)
		if err := s.snap.GetAll(s.ctx, ks, vs); err != nil {
			return nil, s.fail(err)
		}
		return vs, nil
	}
	var missing []Key
	var at []int
	for i, k := range ks {
		if err := s.read(k); err != nil {
			return nil, err
		}
		w, hidden := s.ownState(k)
		if hidden {
			vs[i] = w.valueOrNil()
			continue
		}
		missing, at = append(missing, k), append(at, i)
	}
	if len(missing) == 0 {
		return vs, nil
	}
	s.batch.Points = append(s.batch.Points, missing...)
	found := make([][]byte, len(missing))
	if err := s.snap.GetAll(s.ctx, missing, found); err != nil {
		return nil, s.fail(err)
	}
	for j, v := range found {
		if w := s.own.get(missing[j]); w != nil {
			var err error
			if v, err = s.sum(missing[j], v, w.delta); err != nil {
				return nil, err
			}
		}
		vs[at[j]] = v
	}
	return vs, nil
}

// Peek returns the state that the transaction reads, without its own writes.
// What is read through it conflicts with nothing: it gives hints, such as which
// key to take, that [Tx.Get] or [Tx.Guard] must confirm.
func (t *Tx) Peek() *Snap { return &t.s.peek }

// Guard makes the update conflict with others that write into r, as if it had
// read all of it.
func (t *Tx) Guard(r Range) {
	s := t.s
	if s.checkRange(r) && bytes.Compare(r.Start, r.End) < 0 {
		s.join(r)
	}
}

// Set gives k the value v.
func (t *Tx) Set(k Key, v []byte) {
	s := t.s
	if !s.checkWrite(k, v) {
		return
	}
	if v == nil {
		v = []byte{}
	}
	w, fresh := s.own.put(k)
	s.account(w, fresh, len(v))
	w.kind, w.value, w.delta = wrote, v, 0
}

// Delete takes the value of k away, if it has one.
func (t *Tx) Delete(k Key) {
	s := t.s
	if !s.checkWrite(k, nil) {
		return
	}
	w, fresh := s.own.put(k)
	s.account(w, fresh, 0)
	w.kind, w.value, w.delta = deleted, nil, 0
}

// DeleteRange deletes all keys of r, those included that another transaction
// commits before this one.
func (t *Tx) DeleteRange(r Range) {
	s := t.s
	if !s.checkRange(r) || bytes.Compare(r.Start, r.End) >= 0 {
		return
	}
	s.own.drop(r)
	s.cleared = append(s.cleared, r)
	s.grow(len(r.Start) + len(r.End))
}

// Append sets the key prefix + stamp + suffix, where stamp is the place that
// this update will have in the commit order, followed by the number of the
// append within the update, which is returned. A stamp is greater than all
// stamps committed before, so appends build a log, and never conflict with each
// other. Appends come after everything else in the update: its own reads and
// range deletions do not see them.
func (t *Tx) Append(prefix, suffix Key, v []byte) (op uint16) {
	s := t.s
	n := len(s.appends)
	switch {
	case n > 0xffff:
		s.fail(fmt.Errorf("%w: more than 65536 appends", ErrTooLarge))
		return 0
	case len(prefix)+len(Stamp{})+len(suffix) > MaxKey:
		s.fail(fmt.Errorf("%w: key of an append", ErrTooLarge))
		return 0
	case !s.checkWrite(prefix, v):
		return 0
	}
	if v == nil {
		v = []byte{}
	}
	s.grow(len(prefix) + len(Stamp{}) + len(suffix) + len(v))
	s.appends = append(s.appends, driver.Op{Kind: driver.OpAppend, Key: prefix, Suffix: suffix, Value: v})
	return uint16(n)
}

// Add adds n to the counter k, see [Int64]. Updates that only add to the same
// counter do not conflict.
func (t *Tx) Add(k Key, n int64) {
	s := t.s
	if !s.checkWrite(k, nil) {
		return
	}
	w := s.own.get(k)
	switch {
	case w != nil && w.kind == wrote:
		old, err := driver.DecodeCounter(w.value)
		if err != nil {
			s.fail(fmt.Errorf("add to %v: %w", k, err))
			return
		}
		t.Set(k, driver.EncodeCounter(old+n))
	case w != nil && w.kind == deleted, w == nil && s.isCleared(k):
		t.Set(k, driver.EncodeCounter(n))
	default:
		w, fresh := s.own.put(k)
		s.account(w, fresh, 8)
		w.kind = added
		w.delta += n
	}
}

// Signal wakes the watches of topic once the update is durable, before Update
// returns.
func (t *Tx) Signal(topic Key) { t.s.batch.Topics = append(t.s.batch.Topics, topic) }

// After has fn called once the update is durable, before Update returns (of a
// relaxed one: later). It is called for the run that was committed, and not at
// all if a crash comes first; effects that must not be lost belong in the
// store, see package delivery.
func (t *Tx) After(fn func(Stamp)) { t.s.after = append(t.s.after, fn) }

// valueOrNil returns the value of a write that hides the committed one.
func (w *write) valueOrNil() []byte {
	if w == nil || w.kind != wrote {
		return nil
	}
	return w.value
}

// ownState returns what the transaction did to k, nil if nothing, and whether
// that hides the committed value.
func (s *txState) ownState(k Key) (w *write, hidden bool) {
	if s.own.n > 0 {
		if w = s.own.get(k); w != nil {
			return w, w.kind != added
		}
	}
	return nil, len(s.cleared) > 0 && s.isCleared(k)
}

func (s *txState) isCleared(k Key) bool {
	for _, r := range s.cleared {
		if r.Contains(k) {
			return true
		}
	}
	return false
}

// sum returns the counter v grown by delta.
func (s *txState) sum(k Key, v []byte, delta int64) ([]byte, error) {
	n, err := driver.DecodeCounter(v)
	if err != nil {
		return nil, s.fail(fmt.Errorf("add to %v: %w", k, err))
	}
	return driver.EncodeCounter(n + delta), nil
}

// join adds r to the read set.
func (s *txState) join(r Range) {
	if n := len(r.Start); len(r.End) == n+1 && r.End[n] == 0 && bytes.Equal(r.Start, r.End[:n]) {
		s.batch.Points = append(s.batch.Points, r.Start)
		return
	}
	s.batch.Ranges = append(s.batch.Ranges, r)
}

// finish turns what the transaction did into its batch.
func (s *txState) finish() error {
	if s.err == nil {
		s.checkTime()
	}
	if s.err != nil {
		return s.err
	}
	ops := s.batch.Ops
	for _, r := range s.cleared {
		ops = append(ops, driver.Op{Kind: driver.OpDeleteRange, Key: r.Start, End: r.End})
	}
	if s.own.n > 0 {
		for _, c := range s.own.chunks {
			for i := range c.writes {
				w := &c.writes[i]
				op := driver.Op{Key: w.key}
				switch w.kind {
				case wrote:
					op.Kind, op.Value = driver.OpSet, w.value
				case deleted:
					op.Kind = driver.OpDelete
				case added:
					op.Kind, op.Delta = driver.OpAdd, w.delta
				}
				ops = append(ops, op)
			}
		}
	}
	s.batch.Ops = append(ops, s.appends...)
	return nil
}
