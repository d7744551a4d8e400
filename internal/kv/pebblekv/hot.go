package pebblekv

import (
	"bytes"
	"hash/maphash"
	"sync/atomic"

	"github.com/nube-run/nube/internal/kv/driver"
)

// hot keeps the rows that are read over and over: the descriptions of tables,
// functions and roles that every request needs. A read of Pebble walks its
// levels, some 5 µs; a row in here costs a hash.
//
// A key has one slot, by its hash. In the slot stands the version that last
// wrote a key of the slot, and perhaps a row with the version that it was read
// at. The row serves the states from its version on, for as long as nothing
// has been written to the slot after it. A commit moves the slot's version
// before its state exists, so whoever reads a state has seen the writes of all
// versions up to it. Nobody locks.
//
// A row is kept at the second miss of its key in a row, so that reading many
// keys once does not fill the slots.
type hot struct {
	seed    maphash.Seed
	slots   [hotSlots]slot
	cleared atomic.Uint64 // version of the newest deletion of a range
}

const (
	hotSlots = 1 << 11
	hotValue = 4 << 10 // bytes of the largest value that is kept
)

type slot struct {
	written atomic.Uint64
	missed  atomic.Uint64 // hash of the key that was missed last
	row     atomic.Pointer[row]
}

type row struct {
	key     driver.Key
	value   []byte // nil: there is none
	version uint64
}

func newHot() *hot { return &hot{seed: maphash.MakeSeed()} }

// wrote notes a write of k by a version whose state does not exist yet. The
// commit lock is held.
func (h *hot) wrote(k driver.Key, version uint64) {
	h.slots[maphash.Bytes(h.seed, k)%hotSlots].written.Store(version)
}

// clear does so for the deletion of a range.
func (h *hot) clear(version uint64) { h.cleared.Store(version) }

// get returns the value of k in s, nil if there is none.
func (h *hot) get(s *state, k driver.Key) ([]byte, error) {
	hash := maphash.Bytes(h.seed, k)
	at := &h.slots[hash%hotSlots]
	if r := h.row(at, k, s.version); r != nil {
		return r.value, nil
	}
	v, err := s.e.read(s.snap, k)
	if err != nil || len(v) > hotValue {
		return v, err
	}
	if at.missed.Swap(hash) == hash && at.written.Load() <= s.version && h.cleared.Load() <= s.version {
		at.row.Store(&row{key: bytes.Clone(k), value: v, version: s.version})
	}
	return v, nil
}

// row returns the slot's row if it is that of k in the state of version, else
// nil.
func (h *hot) row(at *slot, k driver.Key, version uint64) *row {
	r := at.row.Load()
	if r == nil || r.version > version || at.written.Load() > r.version || h.cleared.Load() > r.version || !bytes.Equal(r.key, k) {
		return nil
	}
	return r
}
