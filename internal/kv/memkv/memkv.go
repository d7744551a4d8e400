// Package memkv is the engine of package kv that keeps everything in memory:
// for tests, and for clouds that are thrown away. What it commits is as durable
// as it will ever be.
//
// The map is a B-tree that is copied on write: a snapshot is the root of the
// tree at its version, and costs its readers nothing.
package memkv

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/tidwall/btree"

	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv/driver"
	"github.com/nube-run/nube/internal/kv/recent"
)

// Engine implements [driver.Engine].
type Engine struct {
	// newest is the snapshot of the newest version, nil if none was taken
	// since the last commit.
	newest atomic.Pointer[snapshot]
	closed chan struct{}

	mu      sync.Mutex // the commit lock; guards what follows
	tree    *btree.BTreeG[*item]
	version uint64
	recent  *recent.Set
	done    bool
	sums    []int64 // of the batch being applied
}

type item struct {
	key   driver.Key
	value []byte
}

func less(a, b *item) bool { return bytes.Compare(a.key, b.key) < 0 }

// New returns an empty engine.
func New() *Engine { return NewAt(0) }

// NewAt returns an empty engine whose commits have versions above this one: for
// data that carries stamps of another engine.
func NewAt(version uint64) *Engine {
	return &Engine{
		closed:  make(chan struct{}),
		version: version,
		// The tree is only touched under mu, and its copies are never written.
		tree:   btree.NewBTreeGOptions(less, btree.Options{NoLocks: true}),
		recent: recent.New(version),
	}
}

// Snapshot implements [driver.Engine].
func (e *Engine) Snapshot(ctx context.Context, f driver.Freshness) (driver.Snapshot, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if f != driver.Exclusive {
		if s := e.newest.Load(); s != nil {
			return s, nil
		}
	}
	e.mu.Lock()
	if e.done {
		e.mu.Unlock()
		return nil, driver.ErrClosed
	}
	s := e.newest.Load()
	if s == nil {
		s = &snapshot{tree: e.tree.Copy(), version: e.version}
		e.newest.Store(s)
	}
	if f == driver.Exclusive {
		return &exclusive{snapshot: s, mu: &e.mu}, nil
	}
	e.mu.Unlock()
	return s, nil
}

// Commit implements [driver.Engine].
func (e *Engine) Commit(_ context.Context, bs []*driver.Batch) []driver.Result {
	rs := make([]driver.Result, len(bs))
	for i, b := range bs {
		switch {
		case len(b.Ops) == 0:
			rs[i].Version = b.Read
		case b.Exclusive:
			rs[i].Version, rs[i].Err = e.commitLocked(b)
		default:
			e.mu.Lock()
			rs[i].Version, rs[i].Err = e.commitLocked(b)
			e.mu.Unlock()
		}
	}
	return rs
}

func (e *Engine) commitLocked(b *driver.Batch) (uint64, error) {
	if e.done {
		return 0, driver.ErrClosed
	}
	if e.recent.Conflicts(b) {
		return 0, driver.ErrConflict
	}
	if err := e.addUpLocked(b); err != nil {
		return 0, err
	}
	e.version++
	e.newest.Store(nil)
	sums, appends := e.sums, uint16(0)
	for i := range b.Ops {
		switch op := &b.Ops[i]; op.Kind {
		case driver.OpSet:
			e.setLocked(op.Key, op.Value)
		case driver.OpDelete:
			e.tree.Delete(&item{key: op.Key})
			e.recent.Add(e.version, op.Key)
		case driver.OpDeleteRange:
			e.deleteRangeLocked(driver.Range{Start: op.Key, End: op.End})
		case driver.OpAdd:
			e.setLocked(op.Key, driver.EncodeCounter(sums[0]))
			sums = sums[1:]
		case driver.OpAppend:
			e.setLocked(driver.AppendKey(op.Key, keyspace.NewStamp(e.version, appends), op.Suffix), op.Value)
			appends++
		}
	}
	return e.version, nil
}

// addUpLocked sets e.sums to the results of the batch's additions, which are
// the only operations that can fail.
func (e *Engine) addUpLocked(b *driver.Batch) error {
	e.sums = e.sums[:0]
	for i := range b.Ops {
		op := &b.Ops[i]
		if op.Kind != driver.OpAdd {
			continue
		}
		var old []byte
		if it, ok := e.tree.Get(&item{key: op.Key}); ok {
			old = it.value
		}
		n, err := driver.DecodeCounter(old)
		if err != nil {
			return fmt.Errorf("add to %v: %w", op.Key, err)
		}
		e.sums = append(e.sums, n+op.Delta)
	}
	return nil
}

func (e *Engine) setLocked(k driver.Key, v []byte) {
	e.tree.Set(&item{k, v})
	e.recent.Add(e.version, k)
}

func (e *Engine) deleteRangeLocked(r driver.Range) {
	var gone []*item
	e.tree.Ascend(&item{key: r.Start}, func(it *item) bool {
		if bytes.Compare(it.key, r.End) >= 0 {
			return false
		}
		gone = append(gone, it)
		return true
	})
	for _, it := range gone {
		e.tree.Delete(it)
	}
	e.recent.AddRange(e.version, r)
}

// Follow implements [driver.Engine]: nobody else writes here.
func (e *Engine) Follow(ctx context.Context, _ uint64) iter.Seq2[driver.Change, error] {
	return func(yield func(driver.Change, error) bool) {
		select {
		case <-ctx.Done():
			yield(driver.Change{}, ctx.Err())
		case <-e.closed:
			yield(driver.Change{}, driver.ErrClosed)
		}
	}
}

// Close implements [driver.Engine].
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.done {
		return driver.ErrClosed
	}
	e.done = true
	e.newest.Store(nil)
	e.tree = nil
	close(e.closed)
	return nil
}
