package sources

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/timer"
	"github.com/nube-run/nube/internal/work"
)

// keeper sees to it that the lanes and consumers of one shard's mappings run: all
// that are to, with the mapping as it is now, and a stream's shard only when its
// parent's are through. It waits for none of them.
type keeper struct {
	e       *Engine
	shard   *timer.Shard
	sleeper *work.Sleeper
	lanes   sync.WaitGroup
	changes atomic.Uint64 // of mappings, those included that it has not looked at

	// Of its goroutine.
	kept map[mappingKey]*kept

	mu    sync.Mutex
	ended []runner // that have come to their end since it looked last
}

type mappingKey struct {
	cell keyspace.Cell
	id   string
}

// kept is a mapping that is, or was, run.
type kept struct {
	raw     string   // its row
	mapping *Mapping // nil once it is gone
	running map[laneKey]runner
	look    bool // whether lanes are to be begun or ended
}

type laneKey struct {
	shard string
	n     int
}

func (e *Engine) newKeeper(s *timer.Shard) *keeper {
	return &keeper{e: e, shard: s, sleeper: e.o.Ledger.Sleeper(work.Source, "event source mappings"), kept: make(map[mappingKey]*kept)}
}

// run keeps lanes running until the shard ends.
func (k *keeper) run() {
	defer k.sleeper.End()
	defer k.lanes.Wait()
	ctx := k.shard.Context()
	w := k.e.o.DB.WatchFunc(func() { k.changes.Add(1); k.sleeper.Wake() }, changed())
	defer w.Close()
	for ctx.Err() == nil {
		var again chan struct{}
		if err := k.tend(ctx); err != nil && ctx.Err() == nil {
			k.e.o.Log.Error("event source mappings", "err", err)
			if errors.Is(err, timer.ErrLost) || errors.Is(err, kv.ErrBroken) || errors.Is(err, kv.ErrClosed) {
				return
			}
			again = make(chan struct{})
			k.e.o.Machine.AfterFunc(time.Second, func() { close(again) })
		}
		if k.sleeper.Sleep(ctx, "no mapping changes", again) != nil {
			return
		}
	}
}

// tend begins and ends lanes.
func (k *keeper) tend(ctx context.Context) error {
	k.mu.Lock()
	ended := k.ended
	k.ended = nil
	k.mu.Unlock()
	for _, r := range ended {
		p := r.of()
		of := k.kept[mappingKey{p.m.Cell, p.m.ID}]
		delete(of.running, p.key)
		of.look = true
	}
	if err := k.read(ctx); err != nil {
		return err
	}
	var errs []error
	for key, of := range k.kept {
		if !of.look {
			continue
		}
		if err := k.tendOne(ctx, of); err != nil {
			errs = append(errs, err)
			continue
		}
		if of.mapping == nil && len(of.running) == 0 {
			delete(k.kept, key)
		}
	}
	return errors.Join(errs...)
}

// read notes which mappings have changed.
func (k *keeper) read(ctx context.Context) error {
	found := make(map[mappingKey]bool)
	err := k.e.o.DB.View(ctx, func(s *kv.Snap) error {
		cells, err := timer.Cells(s, service)
		if err != nil {
			return err
		}
		for _, c := range cells {
			for p, err := range s.Scan(layoutOf(c).mappings(), kv.ScanOptions{}) {
				if err != nil {
					return err
				}
				m, err := decodeMapping(c, p.Value)
				if err != nil {
					return err
				}
				if k.e.shardOf(m) != k.shard.Index {
					continue
				}
				key := mappingKey{c, m.ID}
				found[key] = true
				of := k.kept[key]
				if of == nil {
					of = &kept{running: make(map[laneKey]runner)}
					k.kept[key] = of
				}
				if of.raw != string(p.Value) {
					of.raw, of.mapping, of.look = string(p.Value), m, true
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for key, of := range k.kept {
		if !found[key] && of.mapping != nil {
			of.raw, of.mapping, of.look = "", nil, true
		}
	}
	return nil
}

// tendOne begins the lanes that one mapping is to have. If it has lanes that
// run it as it was before, those come to their end first.
func (k *keeper) tendOne(ctx context.Context, of *kept) error {
	stopping := false
	for _, r := range of.running {
		if r.of().m != of.mapping {
			r.stop()
			stopping = true
		}
	}
	of.look = false
	if stopping || of.mapping == nil || !of.mapping.Enabled {
		return nil
	}
	wanted, err := k.wanted(ctx, of)
	if err != nil {
		of.look = true
		return err
	}
	for _, r := range wanted {
		key := r.of().key
		if of.running[key] != nil {
			continue
		}
		of.running[key] = r
		r.begin()
	}
	return nil
}

// wanted returns what is to run of a mapping.
func (k *keeper) wanted(ctx context.Context, of *kept) ([]runner, error) {
	f, err := filterOf(of.mapping)
	if err != nil {
		return nil, err
	}
	source, _ := k.e.Source(of.mapping.Source)
	switch source := source.(type) {
	case Stream:
		return k.lay(ctx, of, source, f)
	case Queue:
		return []runner{k.newConsumer(of, source, f)}, nil
	}
	return nil, nil // its service is not in this cloud any more
}

func (k *keeper) newPart(of *kept, f filter, key laneKey) part {
	return part{k: k, m: of.mapping, raw: of.raw, filter: f, key: key}
}

// lay writes the rows of the lanes that a mapping's shards are to have and have
// not, removes those of shards that are no more, and returns the lanes that can
// run.
func (k *keeper) lay(ctx context.Context, of *kept, source Stream, filter filter) ([]runner, error) {
	m := of.mapping
	var lanes []runner
	_, err := k.e.o.DB.Update(ctx, func(tx *kv.Tx) error {
		lanes = nil
		if err := k.shard.Guard(tx); err != nil {
			return err
		}
		l := layoutOf(m.Cell)
		if still, err := tx.Get(l.mapping(m.ID)); err != nil || still == nil {
			return err
		}
		shards, err := source.Shards(tx.Peek(), m.Source)
		if errors.Is(err, ErrNoSource) {
			return nil // what it read is gone; who deletes it deletes its rows
		}
		if err != nil {
			return err
		}
		if err := forget(tx, l, m, shards); err != nil {
			return err
		}
		through := make(map[string]bool)
		for _, sh := range shards {
			if !ready(sh, shards, through) {
				continue
			}
			rows, err := layShard(tx, l, m, sh.ID)
			if err != nil {
				return err
			}
			through[sh.ID] = true
			for n := range rows {
				if rows[n].End {
					continue
				}
				through[sh.ID] = false
				lanes = append(lanes, k.newLane(of, source, filter, sh, n))
			}
		}
		return nil
	})
	return lanes, err
}

// ready reports whether a shard can be read: its parent is read to its end or
// has been trimmed.
func ready(sh Shard, shards []Shard, through map[string]bool) bool {
	if sh.Parent == "" || through[sh.Parent] {
		return true
	}
	return !slices.ContainsFunc(shards, func(p Shard) bool { return p.ID == sh.Parent })
}

// forget removes the rows of shards that are no more.
func forget(tx *kv.Tx, l layout, m *Mapping, shards []Shard) error {
	for p, err := range tx.Scan(l.lanes(m.ID), kv.ScanOptions{KeysOnly: true}) {
		if err != nil {
			return err
		}
		id, _, err := l.decodeLane(p.Key)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(shards, func(sh Shard) bool { return sh.ID == id }) {
			tx.Delete(p.Key)
		}
	}
	return nil
}

// layShard returns the rows of a shard's lanes, as many as the mapping wants.
// If there were another number of lanes the new ones begin where the last of
// the old ones was, and pass over what the others had done.
func layShard(tx *kv.Tx, l layout, m *Mapping, shard string) ([]row, error) {
	var rows []row
	for p, err := range tx.Scan(l.lanesOf(m.ID, shard), kv.ScanOptions{}) {
		if err != nil {
			return nil, err
		}
		r, err := decodeRow(p.Value)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	want := m.factor()
	if len(rows) == want && rows[0].Factor == want {
		return rows, nil
	}
	next := row{Factor: want}
	if len(rows) > 0 {
		next = merged(rows, want)
	}
	tx.DeleteRange(l.lanesOf(m.ID, shard))
	rows = make([]row, want)
	for n := range rows {
		rows[n] = next
		tx.Set(l.lane(m.ID, shard, n), next.encode())
	}
	return rows, nil
}

// merged returns the row with which each of so many lanes goes on after others.
func merged(rows []row, want int) row {
	next := row{Factor: want, Cursor: rows[0].Cursor, End: true}
	now := done{}
	equal := true
	for _, r := range rows {
		equal = equal && r.Cursor == rows[0].Cursor
		next.Cursor = min(next.Cursor, r.Cursor)
		next.End = next.End && r.End
		now.Cursors = append(now.Cursors, r.Cursor)
		if len(r.Skip) > len(next.Skip) {
			next.Skip = r.Skip // all had the same, and have forgotten the oldest that they have passed
		}
		if r.Result != "" {
			next.Result = r.Result
		}
	}
	if !equal {
		next.Skip = append(slices.Clone(next.Skip), now)
	}
	return next
}

// ends is told by what has come to its end.
func (k *keeper) ends(r runner) {
	k.mu.Lock()
	k.ended = append(k.ended, r)
	k.mu.Unlock()
	k.sleeper.Wake()
}
