package stack

import (
	"strings"
	"sync"

	"github.com/nube-run/nube/internal/kv"
)

// Short names for what checks and batches are made of.
type (
	kvTx   = kv.Tx
	kvPair = kv.Pair
)

// errorOnce keeps the first of several errors.
type errorOnce struct {
	mu  sync.Mutex
	err error
}

func (e *errorOnce) set(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err == nil {
		e.err = err
	}
}

func (e *errorOnce) get() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}

// bracketed lists logical ids as CloudFormation does.
func bracketed(names []string) string { return "[" + strings.Join(names, ", ") + "]" }

// read reads one key of the newest durable state.
func (r *run) read(k kv.Key) ([]byte, error) {
	var v []byte
	err := r.e.db.View(r.e.base, func(s *kv.Snap) (err error) {
		v, err = s.Get(k)
		return err
	})
	return v, err
}

// forgetName gives the name of a deleted stack back.
func (l layout) forgetName(tx *kv.Tx, s *Stack) error {
	raw, err := tx.Get(l.name(s.Name))
	if err == nil && string(raw) == s.ID {
		tx.Delete(l.name(s.Name))
	}
	return err
}
