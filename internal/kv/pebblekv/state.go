package pebblekv

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"github.com/nube-run/nube/internal/kv/driver"
)

// state is one version of the store, shared by all who read it. It implements
// [driver.Snapshot].
type state struct {
	e       *Engine
	snap    *pebble.Snapshot
	version uint64
	refs    atomic.Int64
}

// newState returns the newest state, with so many references. The commit lock
// is held.
func (e *Engine) newState(version uint64, refs int64) *state {
	s := &state{e: e, snap: e.db.NewSnapshot(), version: version}
	s.refs.Store(refs)
	return s
}

// acquire returns the state that p points to, with a reference to be closed.
func acquire(p *atomic.Pointer[state]) *state {
	for {
		s := p.Load()
		for n := s.refs.Load(); n > 0; n = s.refs.Load() {
			if s.refs.CompareAndSwap(n, n+1) {
				return s
			}
		}
		// Replaced and closed in between: p has moved on.
	}
}

// Close implements [driver.Snapshot].
func (s *state) Close() {
	if s.refs.Add(-1) == 0 {
		s.snap.Close()
	}
}

// Version implements [driver.Snapshot].
func (s *state) Version() uint64 { return s.version }

// Get implements [driver.Snapshot].
func (s *state) Get(_ context.Context, k driver.Key) ([]byte, error) {
	return s.e.hot.get(s, k)
}

// read returns the value of k in r, nil if there is none.
func (e *Engine) read(r pebble.Reader, k driver.Key) ([]byte, error) {
	v, closer, err := r.Get(k)
	if err != nil {
		if errors.Is(err, pebble.ErrNotFound) {
			return nil, nil
		}
		return nil, e.readError(err)
	}
	out := append(make([]byte, 0, len(v)), v...)
	if err := closer.Close(); err != nil {
		return nil, e.readError(err)
	}
	return out, nil
}

// GetAll implements [driver.Snapshot].
func (s *state) GetAll(ctx context.Context, ks []driver.Key, vs [][]byte) error {
	for i, k := range ks {
		if err := ctx.Err(); err != nil {
			return err
		}
		v, err := s.Get(ctx, k)
		if err != nil {
			return err
		}
		vs[i] = v
	}
	return nil
}

// Scan implements [driver.Snapshot].
func (s *state) Scan(ctx context.Context, r driver.Range, o driver.ScanOptions, yield func(driver.Pair) bool) (err error) {
	if bytes.Compare(r.Start, r.End) >= 0 {
		return nil
	}
	bounds := pebble.IterOptions{UpperBound: userEnd(r.End)}
	if len(r.Start) > 0 { // an empty bound is not none
		bounds.LowerBound = r.Start
	}
	it, err := s.snap.NewIter(&bounds)
	if err != nil {
		return s.e.readError(err)
	}
	defer func() {
		if cerr := it.Close(); err == nil && cerr != nil {
			err = s.e.readError(cerr)
		}
	}()
	first, next := it.First, it.Next
	if o.Reverse {
		first, next = it.Last, it.Prev
	}
	var c copier
	n := 0
	for ok := first(); ok; ok = next() {
		var v []byte
		if !o.KeysOnly {
			if v, err = it.ValueAndErr(); err != nil {
				return s.e.readError(err)
			}
		}
		p := c.pair(it.Key(), v)
		if o.KeysOnly {
			p.Value = nil
		}
		if n++; !yield(p) || n == o.Limit {
			return nil
		}
		if n%256 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	return nil // an iterator's error comes again from Close
}

// userEnd returns the end of a range without the keys of the engine itself.
func userEnd(end driver.Key) driver.Key {
	if end[0] == 0xff {
		return end[:1]
	}
	return end
}

// readError turns an error of a read into one of ours. After corruption nothing
// is served any more; another error may pass.
func (e *Engine) readError(err error) error {
	if pebble.IsCorruptionError(err) {
		return e.fail("read", err)
	}
	return errors.New("pebblekv: read: " + err.Error())
}

// copier copies pairs out of an iterator into blocks, which saves most of the
// allocations. A pair that is kept keeps its block.
type copier struct {
	block []byte
	size  int
}

func (c *copier) pair(k, v []byte) driver.Pair {
	const smallest, largest = 512, 16 << 10
	need := len(k) + len(v)
	if cap(c.block)-len(c.block) < need {
		c.size = min(max(2*c.size, smallest), largest)
		c.block = make([]byte, 0, max(c.size, need))
	}
	at := len(c.block)
	c.block = append(append(c.block, k...), v...)
	mid, end := at+len(k), len(c.block)
	return driver.Pair{Key: c.block[at:mid:mid], Value: c.block[mid:end:end]}
}

// exclusive is a state whose reader holds the commit lock.
type exclusive struct {
	*state
	held bool
}

// Close implements [driver.Snapshot].
func (x *exclusive) Close() {
	if x.held {
		x.unlock()
	}
	x.state.Close()
}

func (x *exclusive) unlock() {
	x.held = false
	x.e.holder = nil
	x.e.mu.Unlock()
}

// Snapshot implements [driver.Engine].
func (e *Engine) Snapshot(ctx context.Context, f driver.Freshness) (driver.Snapshot, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := e.check(); err != nil {
		return nil, err
	}
	switch f {
	case driver.Durable:
		return acquire(&e.durable), nil
	case driver.Applied:
		return acquire(&e.applied), nil
	}
	e.mu.Lock()
	if err := e.check(); err != nil {
		e.mu.Unlock()
		return nil, err
	}
	x := &exclusive{state: acquire(&e.applied), held: true}
	e.holder = x
	return x, nil
}
