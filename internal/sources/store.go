package sources

import (
	"fmt"
	"iter"

	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// Put keeps a mapping, a new one or in place of the one with its ID. A new one
// begins where its Start says as of this transaction: what commits after it is
// read. The source of an old one must stay what it is.
//
// It fails with [ErrNoSource] if there is nothing to read.
func (e *Engine) Put(tx *kv.Tx, m *Mapping) error {
	l := layoutOf(m.Cell)
	old, err := tx.Get(l.mapping(m.ID))
	if err != nil {
		return err
	}
	if old == nil {
		if err := e.begin(tx, l, m); err != nil {
			return fmt.Errorf("mapping %s: %w", m.ID, err)
		}
	}
	b, err := m.encode()
	if err != nil {
		return err
	}
	tx.Set(l.mapping(m.ID), b)
	tx.Signal(changed())
	return nil
}

// begin notes where a mapping begins in the shards that there are. In those
// that come later it begins at the beginning.
func (e *Engine) begin(tx *kv.Tx, l layout, m *Mapping) error {
	of, _ := e.Source(m.Source)
	source, ok := of.(Stream)
	if !ok {
		return e.beginQueue(tx, l, m)
	}
	// Records that come in meanwhile have a later place than what Seek returns.
	shards, err := source.Shards(tx.Peek(), m.Source)
	if err != nil {
		return err
	}
	for _, sh := range shards {
		at, err := source.Seek(tx.Peek(), m.Source, sh.ID, m.Start)
		if err != nil {
			return err
		}
		for n := range m.factor() {
			r := row{Factor: m.factor(), Cursor: at}
			tx.Set(l.lane(m.ID, sh.ID, n), r.encode())
		}
	}
	return nil
}

// beginQueue notes that a queue is read.
func (e *Engine) beginQueue(tx *kv.Tx, l layout, m *Mapping) error {
	of, _ := e.Source(m.Source)
	source, ok := of.(Queue)
	if !ok {
		return fmt.Errorf("%w: %s", ErrNoSource, m.Source)
	}
	if _, err := source.Describe(tx.Peek(), m.Source); err != nil {
		return err
	}
	tx.Set(l.lane(m.ID, "", 0), (&row{Factor: 1}).encode())
	return nil
}

// Delete removes a mapping and all that is known of it. A batch that is under
// way is finished.
func (e *Engine) Delete(tx *kv.Tx, c keyspace.Cell, id string) {
	l := layoutOf(c)
	tx.Delete(l.mapping(id))
	tx.DeleteRange(l.lanes(id))
	tx.Signal(changed())
}

// getter is a transaction or a snapshot.
type getter interface {
	Get(k kv.Key) ([]byte, error)
}

// scanner is a transaction or a snapshot.
type scanner interface {
	Scan(r kv.Range, o kv.ScanOptions) iter.Seq2[kv.Pair, error]
}

// Get returns a mapping, nil if there is none.
func (e *Engine) Get(g getter, c keyspace.Cell, id string) (*Mapping, error) {
	b, err := g.Get(layoutOf(c).mapping(id))
	if err != nil || b == nil {
		return nil, err
	}
	return decodeMapping(c, b)
}

// List returns the mappings of a cell, by ID.
func (e *Engine) List(s scanner, c keyspace.Cell) ([]*Mapping, error) {
	var ms []*Mapping
	for p, err := range s.Scan(layoutOf(c).mappings(), kv.ScanOptions{}) {
		if err != nil {
			return nil, err
		}
		m, err := decodeMapping(c, p.Value)
		if err != nil {
			return nil, err
		}
		ms = append(ms, m)
	}
	return ms, nil
}

// LastResult returns what became of the last batch of a mapping, in Lambda's
// words: of several a problem that has not gone.
func (e *Engine) LastResult(s *kv.Snap, c keyspace.Cell, id string) (string, error) {
	result := resultNothing
	for p, err := range s.Scan(layoutOf(c).lanes(id), kv.ScanOptions{}) {
		if err != nil {
			return "", err
		}
		r, err := decodeRow(p.Value)
		if err != nil {
			return "", err
		}
		switch {
		case r.Result == "" || result != resultNothing && r.Result == resultOK:
		default:
			result = r.Result
		}
	}
	return result, nil
}
