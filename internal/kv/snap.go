package kv

import (
	"context"
	"iter"

	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv/driver"
)

// Snap is one state of the store, to read from. It is valid until the function
// it was given to returns.
type Snap struct {
	ctx    context.Context
	engine driver.Snapshot
}

// Stamp returns the stamp of the newest commit that the snapshot shows,
// operation zero.
func (s *Snap) Stamp() Stamp { return keyspace.NewStamp(s.engine.Version(), 0) }

// Get returns the value of k, nil if there is none.
func (s *Snap) Get(k Key) ([]byte, error) {
	if err := checkKey(k); err != nil {
		return nil, err
	}
	return s.engine.Get(s.ctx, k)
}

// GetAll returns the values of ks in their order, nil where there is none.
func (s *Snap) GetAll(ks ...Key) ([][]byte, error) {
	for _, k := range ks {
		if err := checkKey(k); err != nil {
			return nil, err
		}
	}
	vs := make([][]byte, len(ks))
	return vs, s.engine.GetAll(s.ctx, ks, vs)
}

// Scan returns the pairs of r. It ends after the first error, which comes with
// an empty pair.
func (s *Snap) Scan(r Range, o ScanOptions) iter.Seq2[Pair, error] {
	return func(yield func(Pair, error) bool) {
		stopped := false
		err := s.engine.Scan(s.ctx, r, o, func(p Pair) bool {
			stopped = !yield(p, nil)
			return !stopped
		})
		if err != nil && !stopped {
			yield(Pair{}, err)
		}
	}
}

func (s *Snap) close() {
	s.engine.Close()
	s.engine = nil // use after the end is a nil dereference, not another state
}
