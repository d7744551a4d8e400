package timer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// Timers lie in the cell in which they are set:
//
//	"due" class due kind id → payload; class 0 is one-shots, 1 what recurs
//	"at" kind id            → class and due, to find the other row
//
// History: version 1, this one. testdata/layout.golden holds the keys to it.
type layout struct{ keyspace.Subspace }

func layoutOf(c keyspace.Cell) layout { return layout{keyspace.Service(c, "timer", 0)} }

func class(oneShot bool) uint64 {
	if oneShot {
		return 0
	}
	return 1
}

func (l layout) due(class uint64, due clock.Instant, kind, id string) kv.Key {
	return l.Key().Str("due").Uint(class).Int(int64(due)).Str(kind).Str(id).Done()
}
func (l layout) ofClass(class uint64) kv.Range { return l.Key().Str("due").Uint(class).Range() }
func (l layout) until(class uint64, now clock.Instant) kv.Range {
	r := l.ofClass(class)
	r.End = l.Key().Str("due").Uint(class).Int(int64(now)).Range().End
	return r
}
func (l layout) at(kind, id string) kv.Key { return l.Key().Str("at").Str(kind).Str(id).Done() }

// decode reads a timer from its row.
func (l layout) decode(c keyspace.Cell, p kv.Pair) (T, error) {
	d := l.Decode(p.Key)
	d.Str()
	t := T{Cell: c, Payload: p.Value, OneShot: d.Uint() == 0, Due: clock.Instant(d.Int()), Kind: d.Str(), ID: d.Str()}
	return t, d.Done()
}

// Set sets a timer, in place of one of the same cell, kind and id.
func (t *Timers) Set(tx *kv.Tx, tm T) error {
	if err := t.Cancel(tx, tm.Cell, tm.Kind, tm.ID); err != nil {
		return err
	}
	l := layoutOf(tm.Cell)
	c := class(tm.OneShot)
	tx.Set(l.at(tm.Kind, tm.ID), binary.BigEndian.AppendUint64([]byte{byte(c)}, uint64(tm.Due)))
	tx.Set(l.due(c, tm.Due, tm.Kind, tm.ID), tm.Payload)
	tx.After(func(s kv.Stamp) {
		t.standing.know(tm.Cell)
		t.standing.wake(s)
	})
	return nil
}

// Cancel takes a timer away, if it is set.
func (t *Timers) Cancel(tx *kv.Tx, c keyspace.Cell, kind, id string) error {
	l := layoutOf(c)
	v, err := tx.Get(l.at(kind, id))
	if err != nil || v == nil {
		return err
	}
	if len(v) != 9 {
		return fmt.Errorf("timer %s %s: bad row of %d bytes", kind, id, len(v))
	}
	tx.Delete(l.at(kind, id))
	tx.Delete(l.due(uint64(v[0]), clock.Instant(binary.BigEndian.Uint64(v[1:])), kind, id))
	return nil
}

// standing is the index of all timers that are set by themselves.
type standing struct {
	db       *kv.DB
	handlers map[string]Fire
	wake     func(kv.Stamp)

	mu     sync.Mutex
	looked bool // cells holds those that were there at the beginning
	cells  map[keyspace.Cell]struct{}
}

// know adds a cell to those that may have timers.
func (s *standing) know(c keyspace.Cell) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cells == nil {
		s.cells = make(map[keyspace.Cell]struct{})
	}
	s.cells[c] = struct{}{}
}

// known returns the cells that may have timers on a snapshot.
func (s *standing) known(snap *kv.Snap) ([]keyspace.Cell, error) {
	s.mu.Lock()
	looked := s.looked
	s.mu.Unlock()
	if !looked {
		cells, err := Cells(snap, "timer")
		if err != nil {
			return nil, err
		}
		for _, c := range cells {
			s.know(c)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looked = true
	cells := make([]keyspace.Cell, 0, len(s.cells))
	for c := range s.cells {
		cells = append(cells, c)
	}
	return cells, nil
}

// NextDue implements [Index].
func (s *standing) NextDue(_ context.Context, snap *kv.Snap) (Due, error) {
	var due Due
	cells, err := s.known(snap)
	if err != nil {
		return due, err
	}
	for _, c := range cells {
		l := layoutOf(c)
		for class, next := range []*clock.Instant{&due.OneShot, &due.Recurring} {
			k, err := first(snap, l.ofClass(uint64(class)))
			if err != nil {
				return due, err
			}
			if k == nil {
				continue
			}
			t, err := l.decode(c, kv.Pair{Key: k})
			if err != nil {
				return due, err
			}
			if next.IsZero() || t.Due < *next {
				*next = t.Due
			}
		}
	}
	return due, nil
}

// batch is how many timers fire in one transaction.
const batch = 32

// Fire implements [Index].
func (s *standing) Fire(ctx context.Context, shard *Shard, now clock.Instant) error {
	for {
		due, err := s.due(ctx, now)
		if err != nil || len(due) == 0 {
			return err
		}
		if err := s.fire(ctx, shard, now, due); err != nil {
			if len(due) == 1 || ctx.Err() != nil || errors.Is(err, ErrLost) {
				return err
			}
			// One of them spoils it for all: each for itself.
			var errs []error
			for _, t := range due {
				errs = append(errs, s.fire(ctx, shard, now, []T{t}))
			}
			if err := errors.Join(errs...); err != nil {
				return err
			}
		}
	}
}

// due returns timers that are due, a batch at most, the earliest of each cell
// first.
func (s *standing) due(ctx context.Context, now clock.Instant) (ts []T, err error) {
	err = s.db.View(ctx, func(snap *kv.Snap) error {
		cells, err := s.known(snap)
		if err != nil {
			return err
		}
		for _, c := range cells {
			l := layoutOf(c)
			for class := range uint64(2) {
				for p, err := range snap.Scan(l.until(class, now), kv.ScanOptions{Limit: batch - len(ts)}) {
					if err != nil {
						return err
					}
					t, err := l.decode(c, p)
					if err != nil {
						return err
					}
					ts = append(ts, t)
				}
				if len(ts) == batch {
					return nil
				}
			}
		}
		return nil
	})
	return ts, err
}

// fire removes timers that are still as they were and does what they do.
func (s *standing) fire(ctx context.Context, shard *Shard, now clock.Instant, ts []T) error {
	_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
		if err := shard.Guard(tx); err != nil {
			return err
		}
		for _, t := range ts {
			l := layoutOf(t.Cell)
			row := l.due(class(t.OneShot), t.Due, t.Kind, t.ID)
			v, err := tx.Get(row)
			if err != nil {
				return err
			}
			if v == nil {
				continue // cancelled, or set anew
			}
			t.Payload = v
			tx.Delete(row)
			tx.Delete(l.at(t.Kind, t.ID))
			fire := s.handlers[t.Kind]
			if fire == nil {
				return fmt.Errorf("timer %s %s: nothing handles its kind", t.Kind, t.ID)
			}
			if err := fire(tx, now, t); err != nil {
				return fmt.Errorf("timer %s %s: %w", t.Kind, t.ID, err)
			}
		}
		return nil
	})
	return err
}
