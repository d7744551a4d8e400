package dynamodb

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// reader is what Tx and Snap have in common.
type reader interface {
	Get(k kv.Key) ([]byte, error)
}

// tableID names a table of a cell.
type tableID struct {
	cell keyspace.Cell
	name string
}

// known is what the process remembers of a table: the key of its row, and its newest description that was seen.
type known struct {
	row  kv.Key
	seen *table
}

// table reads a table's description, nil when there is none. In a transaction this is what makes every write conflict
// with changes of the table. The description is decoded once per revision.
func (s *Service) table(r reader, c keyspace.Cell, name string) (*table, error) {
	id := tableID{c, name}
	s.tablesMu.RLock()
	k := s.tables[id]
	s.tablesMu.RUnlock()
	if k.row == nil {
		k.row = catalogOf(c).table(name)
	}
	row, err := r.Get(k.row)
	if err != nil || row == nil {
		return nil, err
	}
	if len(row) < rowHeader {
		return nil, fmt.Errorf("dynamodb: table %s: short row", name)
	}
	if t := k.seen; t != nil && binary.BigEndian.Uint64(row) == t.ID && binary.BigEndian.Uint64(row[8:]) == t.Revision {
		return t, nil
	}
	if k.seen, err = decodeTable(c, row); err != nil {
		return nil, err
	}
	s.tablesMu.Lock()
	defer s.tablesMu.Unlock()
	s.tables[id] = k
	return k.seen, nil
}

// forget drops what is remembered of a deleted table.
func (s *Service) forget(c keyspace.Cell, name string) {
	s.tablesMu.Lock()
	defer s.tablesMu.Unlock()
	delete(s.tables, tableID{c, name})
}

// existing is table for operations on items: a table that is not there is their error.
func (s *Service) existing(r reader, c keyspace.Cell, name string) (*table, error) {
	t, err := s.table(r, c, name)
	if err == nil && t == nil {
		err = notFound()
	}
	return t, err
}

// save stores a new revision of a description.
func (s *Service) save(tx *kv.Tx, c keyspace.Cell, t *table) error {
	t.compile(c)
	row, err := t.encode()
	if err != nil {
		return err
	}
	tx.Set(catalogOf(c).table(t.Name), row)
	return nil
}

// change runs fn on a copy of a table's description and stores it. It returns the description as it was left.
func (s *Service) change(ctx context.Context, name string, fn func(tx *kv.Tx, t *table) error) (*table, error) {
	c := cell(ctx)
	var changed *table
	_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
		t, err := s.table(tx, c, name)
		if err != nil {
			return err
		}
		if t == nil {
			return tableNotFound(name)
		}
		changed = t.next()
		if err := fn(tx, changed); err != nil {
			return err
		}
		return s.save(tx, c, changed)
	})
	return changed, err
}

// look runs fn on a table's description, for operations on tables.
func (s *Service) look(ctx context.Context, name string, fn func(sn *kv.Snap, t *table) error) error {
	return s.db.View(ctx, func(sn *kv.Snap) error {
		t, err := s.table(sn, cell(ctx), name)
		if err != nil {
			return err
		}
		if t == nil {
			return tableNotFound(name)
		}
		return fn(sn, t)
	})
}

// newID gives out a table id.
func newID(tx *kv.Tx, c catalog) (uint64, error) {
	had, err := tx.Get(c.next())
	if err != nil {
		return 0, err
	}
	last, err := kv.Int64(had)
	if err != nil {
		return 0, err
	}
	tx.Set(c.next(), kv.Counter(last+1))
	return uint64(last + 1), nil
}

// names are the tables of a cell after the name start, at most max of them, and whether there are more.
func tableNames(sn *kv.Snap, c keyspace.Cell, start string, max int) (names []string, more bool, err error) {
	r := catalogOf(c).tables()
	prefix := catalogOf(c).Sub("table")
	if start != "" {
		r.Start = kv.Next(catalogOf(c).table(start))
	}
	if bytes.Compare(r.Start, r.End) >= 0 {
		return nil, false, nil
	}
	for p, err := range sn.Scan(r, kv.ScanOptions{Limit: max + 1, KeysOnly: true}) {
		if err != nil {
			return nil, false, err
		}
		if len(names) == max {
			return names, true, nil
		}
		d := prefix.Decode(p.Key)
		names = append(names, d.Str())
		if err := d.Done(); err != nil {
			return nil, false, err
		}
	}
	return names, false, nil
}
