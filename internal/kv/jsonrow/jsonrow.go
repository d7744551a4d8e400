// Package jsonrow reads and writes rows that are JSON, which those of most services
// are.
//
// It is not a mapping of objects to tables: keys are the caller's, and a row is read
// and written whole. Invariant: an error names the key of its row.
package jsonrow

import (
	"encoding/json"
	"fmt"

	"github.com/nube-run/nube/internal/kv"
)

// Getter is a transaction or a snapshot.
type Getter interface {
	Get(k kv.Key) ([]byte, error)
}

// Get reads a row into v and reports whether there is one.
func Get(g Getter, k kv.Key, v any) (bool, error) {
	b, err := g.Get(k)
	if err != nil || b == nil {
		return false, err
	}
	return true, Decode(k, b, v)
}

// Decode reads into v what was found at a key.
func Decode(k kv.Key, b []byte, v any) error {
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("row %s: %w", k, err)
	}
	return nil
}

// Load reads a row, nil when there is none.
func Load[T any](g Getter, k kv.Key) (*T, error) {
	b, err := g.Get(k)
	if err != nil || b == nil {
		return nil, err
	}
	return Parse[T](k, b)
}

// Parse returns what was found at a key.
func Parse[T any](k kv.Key, b []byte) (*T, error) {
	v := new(T)
	if err := Decode(k, b, v); err != nil {
		return nil, err
	}
	return v, nil
}

// Set writes a row.
func Set(tx *kv.Tx, k kv.Key, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("row %s: %w", k, err)
	}
	tx.Set(k, b)
	return nil
}
