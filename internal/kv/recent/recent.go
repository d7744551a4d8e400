// Package recent remembers what the last commits wrote, so that an engine can
// tell whether the reads of a transaction are still true.
//
// It answers from two structures. A table of the newest version by hash of the
// key never forgets and is right whenever it says no. A ring of the last writes
// with their keys tells a hash collision from a conflict, and answers for
// ranges. What the ring has forgotten counts as a conflict: a transaction that
// took that long runs again, and in the end under the commit lock.
//
// Keys are copied into one circular buffer: a key is often a part of something
// larger, which a reference would keep alive, and the collector has nothing to
// look at here.
//
// An ordered map of recent writes (FoundationDB's way) answers ranges faster,
// and costs more at every write; windows here are a few hundred writes long.
//
// It is not safe for concurrent use: it belongs to whoever holds the commit
// lock.
package recent

import (
	"bytes"
	"hash/maphash"

	"github.com/nube-run/nube/internal/kv/driver"
)

const (
	tableLen = 1 << 14
	maxRing  = 1 << 13 // writes remembered
	maxKeys  = 1 << 20 // bytes of their keys
	maxWalk  = 512     // writes looked at to tell a collision from a conflict
)

// Set is the recent writes.
type Set struct {
	seed  maphash.Seed
	table []uint64
	floor uint64 // all writes of later versions are in the ring

	ring        []write // circular; writes are counted from 0
	first, next uint64  // the oldest write in the ring, and the next one
	keys        []byte  // circular; positions are counted from 0
	pos         uint64  // of the next key

	clears     []clear // range deletions, oldest first
	clearFloor uint64  // all range deletions of later versions are in clears
}

type write struct {
	version uint64
	hash    uint64
	pos     uint64 // of the key in keys, where it is in one piece
	len     int
}

type clear struct {
	version uint64
	r       driver.Range
}

// New returns the set of an engine whose newest commit has this version.
func New(version uint64) *Set {
	return &Set{
		seed:       maphash.MakeSeed(),
		table:      make([]uint64, tableLen),
		floor:      version,
		clearFloor: version,
	}
}

// Conflicts reports whether something that b read was written after it.
func (s *Set) Conflicts(b *driver.Batch) bool {
	if s.newest() <= b.Read {
		return false
	}
	for _, k := range b.Points {
		if s.wrote(k, b.Read) {
			return true
		}
	}
	for _, r := range b.Ranges {
		if s.wroteInto(r, b.Read) {
			return true
		}
	}
	return false
}

// newest returns a version after which nothing was written.
func (s *Set) newest() uint64 {
	v := max(s.floor, s.clearFloor)
	if s.next > s.first {
		v = max(v, s.at(s.next-1).version)
	}
	if n := len(s.clears); n > 0 {
		v = max(v, s.clears[n-1].version)
	}
	return v
}

// wrote reports whether k was written after version read.
func (s *Set) wrote(k driver.Key, read uint64) bool {
	h := maphash.Bytes(s.seed, k)
	if s.table[h%tableLen] > read {
		if read < s.floor {
			return true
		}
		for i, n := s.next, 0; i > s.first; i-- {
			w := s.at(i - 1)
			if w.version <= read {
				break
			}
			if n++; n > maxWalk || w.hash == h && bytes.Equal(s.key(w), k) {
				return true
			}
		}
	}
	return s.cleared(driver.Range{Start: k}, read)
}

// wroteInto reports whether a key of r was written after version read.
func (s *Set) wroteInto(r driver.Range, read uint64) bool {
	if read < s.floor {
		return true
	}
	for i := s.next; i > s.first; i-- {
		w := s.at(i - 1)
		if w.version <= read {
			break
		}
		if r.Contains(s.key(w)) {
			return true
		}
	}
	return s.cleared(r, read)
}

// cleared reports whether a range that meets r (r.Start alone, if r has no
// End) was deleted after version read.
func (s *Set) cleared(r driver.Range, read uint64) bool {
	if read < s.clearFloor {
		return true
	}
	for i := len(s.clears) - 1; i >= 0 && s.clears[i].version > read; i-- {
		c := s.clears[i].r
		if bytes.Compare(r.Start, c.End) < 0 && (bytes.Compare(c.Start, r.Start) <= 0 || bytes.Compare(c.Start, r.End) < 0) {
			return true
		}
	}
	return false
}

// Add notes that the commit of this version, the newest so far, wrote k.
func (s *Set) Add(version uint64, k driver.Key) {
	h := maphash.Bytes(s.seed, k)
	s.table[h%tableLen] = version
	switch n := len(s.ring); {
	case s.next-s.first < uint64(n):
	case n < maxRing:
		s.enlargeRing()
	default:
		s.forget()
	}
	w := write{version: version, hash: h, pos: s.place(len(k)), len: len(k)}
	copy(s.key(&w), k)
	*s.at(s.next) = w
	s.next++
}

// AddRange notes that the commit of this version deleted r.
func (s *Set) AddRange(version uint64, r driver.Range) {
	const keep = 256
	if len(s.clears) == keep {
		s.clearFloor = s.clears[keep/2-1].version
		s.clears = append(s.clears[:0], s.clears[keep/2:]...)
	}
	r = driver.Range{Start: bytes.Clone(r.Start), End: bytes.Clone(r.End)}
	s.clears = append(s.clears, clear{version, r})
}

func (s *Set) at(i uint64) *write { return &s.ring[i%uint64(len(s.ring))] }

// key returns the key of w, in place.
func (s *Set) key(w *write) driver.Key {
	at := int(w.pos % uint64(len(s.keys)))
	return s.keys[at : at+w.len : at+w.len]
}

// forget drops the oldest write.
func (s *Set) forget() {
	s.floor = s.at(s.first).version
	s.first++
}

// place returns a position with room for a key of n bytes in one piece,
// forgetting the oldest writes if need be.
func (s *Set) place(n int) uint64 {
	if n > len(s.keys) {
		s.enlargeKeys(n)
	}
	size := uint64(len(s.keys))
	pos := s.pos
	if at := pos % size; at+uint64(n) > size {
		pos += size - at
	}
	for s.first < s.next && pos+uint64(n) > s.at(s.first).pos+size {
		if size < maxKeys {
			s.enlargeKeys(n)
			return s.place(n)
		}
		s.forget()
	}
	s.pos = pos + uint64(n)
	return pos
}

// enlargeRing doubles the ring.
func (s *Set) enlargeRing() {
	ring := make([]write, max(2*len(s.ring), 256))
	for i := s.first; i < s.next; i++ {
		ring[i%uint64(len(ring))] = *s.at(i)
	}
	s.ring = ring
}

// enlargeKeys doubles the buffer, and more if a key of n bytes needs it.
func (s *Set) enlargeKeys(n int) {
	const first = 16 << 10
	size := max(2*len(s.keys), first)
	for size < n {
		size *= 2
	}
	keys := make([]byte, size)
	pos := 0
	for i := s.first; i < s.next; i++ {
		w := s.at(i)
		copy(keys[pos:], s.key(w))
		w.pos = uint64(pos)
		pos += w.len
	}
	s.keys, s.pos = keys, uint64(pos)
}
