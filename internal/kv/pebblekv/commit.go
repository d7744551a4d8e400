package pebblekv

import (
	"context"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv/driver"
)

// maxGroup is the size of a Pebble batch beyond which a leader takes no more
// requests into it.
const maxGroup = 512 << 10

// group is the commits that share a Pebble batch.
type group struct {
	batch    *pebble.Batch
	state    *state // after the batch; nil if nothing was written
	sync     bool   // a sync is under way
	requests []*request
	rest     []*request // not taken
}

// Commit implements [driver.Engine].
func (e *Engine) Commit(ctx context.Context, bs []*driver.Batch) []driver.Result {
	results := make([]driver.Result, len(bs))
	if len(bs) > 1 {
		for i := range bs {
			if len(bs[i].Ops) == 0 || bs[i].Exclusive {
				// Of another kind: one by one keeps the order.
				for j := range bs {
					results[j] = e.Commit(ctx, bs[j:j+1])[0]
				}
				return results
			}
		}
	} else if len(bs) == 0 {
		return nil
	}
	switch b := bs[0]; {
	case len(b.Ops) == 0:
		results[0] = driver.Result{Version: b.Read, Err: e.await(b.Read)}
		return results
	case b.Exclusive:
		r := &request{batches: bs, results: results}
		g := e.applyLocked([]*request{r})
		e.holder.unlock()
		if r.waits {
			e.finish(&g)
		}
		return results
	}
	r, _ := e.requests.Get().(*request)
	if r == nil {
		r = &request{turn: make(chan turn, 1)}
	}
	r.batches, r.results = bs, results
	if e.queue.join(r) || <-r.turn == lead {
		e.lead(r)
	}
	*r = request{turn: r.turn}
	e.requests.Put(r)
	return results
}

// lead commits the queue, of which r is the first, and returns when r is
// finished.
func (e *Engine) lead(r *request) {
	e.mu.Lock()
	g := e.applyLocked(e.queue.take())
	e.mu.Unlock()
	e.queue.pass(g.rest)
	own := r.waits
	waiting := g.requests[:0]
	for _, o := range g.requests {
		switch {
		case o == r:
		case o.waits:
			waiting = append(waiting, o)
		default:
			o.turn <- finished
		}
	}
	g.requests = waiting
	switch {
	case !g.sync:
	case own:
		g.requests = append(g.requests, r)
		e.finish(&g)
		<-r.turn
	default:
		go e.finish(&g) // others wait for the sync, r does not
	}
}

// finish waits for the group's sync and tells those who wait for it.
func (e *Engine) finish(g *group) {
	err := g.batch.SyncWait()
	if err == nil {
		if f := e.fault.Load(); f != nil {
			err = *f
		}
	}
	if err != nil {
		err = e.fail("sync", err)
		for _, r := range g.requests {
			for i := range r.results {
				r.results[i] = driver.Result{Err: err}
			}
		}
		g.state.Close()
	} else {
		e.publish(g.state)
	}
	g.batch.Close()
	for _, r := range g.requests {
		if r.turn != nil {
			r.turn <- finished
		}
	}
}

// publish makes s, whose commits are on disk, the state that views read. It
// takes over the reference.
func (e *Engine) publish(s *state) {
	e.durableMu.Lock()
	old := e.durable.Load()
	if s.version > old.version {
		e.durable.Store(s)
		s = old
	}
	e.durableMu.Unlock()
	s.Close()
}

// applyLocked validates requests in order and applies those that are valid. A
// panic in here, of Pebble's or ours, breaks the engine: above us it might be
// recovered, and the lock would be held for ever.
func (e *Engine) applyLocked(rs []*request) (g group) {
	defer func() {
		if p := recover(); p != nil {
			failAll(rs, e.fail("commit", fmt.Errorf("panic: %v", p)))
			g = group{requests: rs}
		}
	}()
	g.requests = rs
	if err := e.check(); err != nil {
		failAll(rs, err)
		return g
	}
	pb := e.db.NewBatch()
	relaxed := false
	for i, r := range rs {
		for j, b := range r.batches {
			version, err := e.addLocked(pb, b)
			r.results[j] = driver.Result{Version: version, Err: err}
			switch {
			case err != nil:
			case b.Relaxed:
				relaxed = true
			default:
				r.waits, g.sync = true, true
			}
		}
		if pb.Len() >= maxGroup {
			g.requests, g.rest = rs[:i+1:i+1], rs[i+1:]
			break
		}
	}
	if pb.Empty() {
		pb.Close()
		return g
	}
	err := e.reserveLocked(pb)
	if err == nil {
		if g.sync {
			err = e.db.ApplyNoSyncWait(pb, pebble.Sync)
		} else {
			err = e.db.Apply(pb, pebble.NoSync)
		}
	}
	if f := e.fault.Load(); err == nil && f != nil {
		err = *f
	}
	if err != nil {
		failAll(g.requests, e.fail("commit", err))
		g.sync = false
		return g
	}
	refs := int64(1) // of e.applied
	if g.sync {
		refs++ // of g
	}
	e.anchor()
	g.state = e.newState(e.version, refs)
	e.applied.Swap(g.state).Close()
	if g.sync {
		g.batch = pb
	} else {
		pb.Close()
	}
	if relaxed {
		e.behind.arm(e.machine, syncBehind, func() { e.sync() })
	}
	return g
}

// failAll answers all requests with err.
func failAll(rs []*request, err error) {
	for _, r := range rs {
		r.waits = false
		for i := range r.results {
			r.results[i] = driver.Result{Err: err}
		}
	}
}

// addLocked validates b and adds it to pb, as the next version, or leaves pb
// and the version as they are.
func (e *Engine) addLocked(pb *pebble.Batch, b *driver.Batch) (uint64, error) {
	if e.recent.Conflicts(b) {
		return 0, driver.ErrConflict
	}
	if err := e.counters.addUp(e, pb, b.Ops); err != nil {
		return 0, err
	}
	e.version++
	v, appends, sums := e.version, uint16(0), e.counters.sums
	for i := range b.Ops {
		var err error
		key := b.Ops[i].Key
		switch op := &b.Ops[i]; op.Kind {
		case driver.OpSet:
			e.counters.forget(key)
			err = pb.Set(key, op.Value, nil)
		case driver.OpDelete:
			e.counters.forget(key)
			err = pb.Delete(key, nil)
		case driver.OpDeleteRange:
			e.counters.forgetAll()
			e.recent.AddRange(v, driver.Range{Start: key, End: op.End})
			e.hot.clear(v)
			if err = pb.DeleteRange(key, userEnd(op.End), nil); err == nil {
				continue
			}
		case driver.OpAdd:
			err = pb.Set(key, driver.EncodeCounter(sums[0]), nil)
			sums = sums[1:]
		case driver.OpAppend:
			key = driver.AppendKey(key, keyspace.NewStamp(v, appends), op.Suffix)
			appends++
			err = pb.Set(key, op.Value, nil)
		}
		if err != nil { // only a batch of 4 GB, which the group's limit excludes
			return 0, e.fail("batch", err)
		}
		e.recent.Add(v, key)
		e.hot.wrote(key, v)
	}
	return v, nil
}

// await waits until version is durable.
func (e *Engine) await(version uint64) error {
	if e.durable.Load().version >= version {
		return e.check()
	}
	return e.sync()
}

// sync makes everything applied durable.
func (e *Engine) sync() error {
	if err := e.check(); err != nil {
		return err
	}
	s := acquire(&e.applied)
	if s.version == e.durable.Load().version {
		s.Close()
		return nil
	}
	// A record in the log behind everything that s shows: when it is on disk,
	// so are they.
	err := e.db.LogData(nil, pebble.Sync)
	if f := e.fault.Load(); err == nil && f != nil {
		err = *f
	}
	if err != nil {
		s.Close()
		return e.fail("sync", err)
	}
	e.publish(s)
	return nil
}
