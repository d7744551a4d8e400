package dynamodb

import (
	"fmt"
	"iter"

	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// A place in a stream is the stamp of the last record that has been read; the zero stamp is before the first.

// horizon is the place before the oldest record that has not been trimmed.
func (f *feed) horizon(r reader) (kv.Stamp, error) {
	v, err := r.Get(f.layout.horizon())
	if err != nil || v == nil {
		return kv.Stamp{}, err
	}
	if len(v) != len(kv.Stamp{}) {
		return kv.Stamp{}, fmt.Errorf("dynamodb: stream %s of %s: horizon of %d bytes", f.Label, f.Table, len(v))
	}
	return kv.Stamp(v), nil
}

// rows are the stored records after a place, with their stamps. What is trimmed is deleted by range, so that a scan must
// not begin before the horizon.
func (f *feed) rows(sn *kv.Snap, after kv.Stamp, o kv.ScanOptions) iter.Seq2[kv.Stamp, rowOrError] {
	prefix := f.layout.log()
	r := keyspace.PrefixRange(prefix)
	if !after.IsZero() {
		r.Start = kv.Next(append(prefix[:len(prefix):len(prefix)], after[:]...))
	}
	return func(yield func(kv.Stamp, rowOrError) bool) {
		for p, err := range sn.Scan(r, o) {
			var at kv.Stamp
			if err == nil && copy(at[:], p.Key[len(prefix):]) != len(at) {
				err = fmt.Errorf("dynamodb: stream %s of %s: key %s", f.Label, f.Table, p.Key)
			}
			if !yield(at, rowOrError{p.Value, err}) || err != nil {
				return
			}
		}
	}
}

// rowOrError is a stored record, or why there is none.
type rowOrError struct {
	row []byte
	err error
}

// last is the place after the last record, trimmed or not.
func (f *feed) last(sn *kv.Snap) (kv.Stamp, error) {
	horizon, err := f.horizon(sn)
	if err != nil {
		return kv.Stamp{}, err
	}
	for at, r := range f.rows(sn, horizon, kv.ScanOptions{Reverse: true, Limit: 1}) {
		return at, r.err
	}
	if horizon.IsZero() {
		return keyspace.NewStamp(f.Start, 0), nil
	}
	return horizon, nil
}
