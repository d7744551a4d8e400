package dynamodb

import (
	"context"
	"errors"
	"fmt"

	"github.com/nube-run/nube/internal/expr/attr"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/work"
)

// Start takes up, in all accounts and regions, what was going on when the process ended: clearing what deleted tables
// left, and filling new indexes and the order of expiry.
func (s *Service) Start(ctx context.Context) error {
	var cells []unfinished
	err := s.db.View(ctx, func(sn *kv.Snap) error {
		known, err := s.cells.all(sn)
		if err != nil {
			return err
		}
		for _, c := range known {
			u, err := unfinishedIn(sn, c)
			if err != nil {
				return err
			}
			cells = append(cells, u)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("dynamodb: start: %w", err)
	}
	for _, u := range cells {
		for _, id := range u.gone {
			s.clear(u.cell, id)
		}
		for _, t := range u.tables {
			if t.TTL.Filling {
				s.fillExpiry(u.cell, t.Name, t.ID)
			}
			for i := range t.Indexes {
				if t.Indexes[i].Backfilling {
					s.backfill(u.cell, t.Name, t.ID, t.Indexes[i].ID)
				}
			}
		}
	}
	return nil
}

// unfinished is what is to be taken up in a cell.
type unfinished struct {
	cell   keyspace.Cell
	gone   []uint64 // generations that are to be cleared
	tables []*table // which may have something to fill
}

func unfinishedIn(sn *kv.Snap, c keyspace.Cell) (unfinished, error) {
	u := unfinished{cell: c}
	for p, err := range sn.Scan(catalogOf(c).allGone(), kv.ScanOptions{KeysOnly: true}) {
		if err != nil {
			return u, err
		}
		d := catalogOf(c).Sub("gone").Decode(p.Key)
		u.gone = append(u.gone, d.Uint())
		if err := d.Done(); err != nil {
			return u, err
		}
	}
	for p, err := range sn.Scan(catalogOf(c).tables(), kv.ScanOptions{}) {
		if err != nil {
			return u, err
		}
		t, err := decodeTable(c, p.Value)
		if err != nil {
			return u, err
		}
		u.tables = append(u.tables, t)
	}
	return u, nil
}

// spawn runs fn in the background, counted as work.
func (s *Service) spawn(what string, fn func(ctx context.Context) error) {
	if s.running.Err() != nil {
		return
	}
	token := s.work.Begin(work.Derivation, what)
	s.background.Go(func() {
		defer token.End()
		// An error leaves what is to be done where Start finds it; the store tells its own errors to whoever uses it.
		_ = fn(s.running)
	})
}

// clear removes the keys of a deleted table.
func (s *Service) clear(c keyspace.Cell, id uint64) {
	s.spawn("dynamodb: clear a deleted table", func(ctx context.Context) error {
		_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
			tx.DeleteRange(layoutOf(c, id).all())
			tx.Delete(catalogOf(c).gone(id))
			return nil
		})
		return err
	})
}

// fillStep is how many items one step of a backfill handles, and fillBytes how many bytes of them.
const (
	fillStep  = 256
	fillBytes = 2 << 20
)

// backfill fills a new index with the items that were there before it, step by step. Each step is a transaction that
// conflicts with changes of the items that it reads; changes of other items maintain the index by themselves, before and
// after their turn comes. The index is ready when the last step has found no more.
func (s *Service) backfill(c keyspace.Cell, name string, id, indexID uint64) {
	s.spawn("dynamodb: fill an index", func(ctx context.Context) error {
		for done := false; !done; {
			_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
				var err error
				done, err = s.fill(tx, c, name, id, indexID)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// errGone ends a backfill whose table or index is not there any more.
var errGone = errors.New("dynamodb: the index is gone")

// fill runs one step of a backfill and reports whether it was the last one.
func (s *Service) fill(tx *kv.Tx, c keyspace.Cell, name string, id, indexID uint64) (done bool, err error) {
	t, err := s.table(tx, c, name)
	if err != nil {
		return false, err
	}
	x := t.backfilling(id, indexID)
	if x == nil {
		return true, errGone
	}
	done, err = t.step(tx, indexID, func(_ kv.Key, item attr.Item) error { return t.fillEntry(tx, x, item) })
	if err != nil || !done {
		return false, err
	}
	ready := t.next()
	ready.indexByID(indexID).Backfilling = false
	return true, s.save(tx, c, ready)
}

// step calls fn for some items of the table after those of the step before, and reports whether they were the last. What
// is filled from them is an index, or, with 0, the order of expiry.
func (t *table) step(tx *kv.Tx, index uint64, fn func(key kv.Key, item attr.Item) error) (done bool, err error) {
	r := t.layout.index(0)
	cursor, err := tx.Get(t.layout.filled(index))
	if err != nil {
		return false, err
	}
	if cursor != nil {
		r.Start = kv.Next(cursor)
	}
	n, bytes := 0, 0
	for p, err := range tx.Scan(r, kv.ScanOptions{}) {
		if err != nil {
			return false, err
		}
		item, err := decodeItem(p.Value)
		if err != nil {
			return false, err
		}
		if err := fn(p.Key, item); err != nil {
			return false, err
		}
		n++
		if bytes += len(p.Value); n == fillStep || bytes >= fillBytes {
			tx.Set(t.layout.filled(index), p.Key)
			return false, nil
		}
	}
	tx.Delete(t.layout.filled(index))
	return true, nil
}

// fillEntry adds the entry of an item that was there before the index, if no later change has done it.
func (t *table) fillEntry(tx *kv.Tx, x *index, item attr.Item) error {
	if !x.holds(item) {
		return nil
	}
	key := t.entryKey(x, item)
	had, err := tx.Get(key)
	if err != nil || had != nil {
		return err
	}
	entry := x.entry(item)
	tx.Set(key, stored(entry))
	t.tally(tx, x.ID, attr.Item{}, entry, entry.Size())
	return nil
}

// backfilling is the index if it is still to be filled and the table is still the one meant.
func (t *table) backfilling(id, indexID uint64) *index {
	if t == nil || t.ID != id {
		return nil
	}
	if x := t.indexByID(indexID); x != nil && x.Backfilling {
		return x
	}
	return nil
}

func (t *table) indexByID(id uint64) *index {
	for i := range t.Indexes {
		if t.Indexes[i].ID == id {
			return &t.Indexes[i]
		}
	}
	return nil
}
