// Package keyspace makes the keys of the store: tuples of typed elements,
// encoded so that keys sort as their tuples do, and the prefix that says whose
// key it is.
//
// It does not store anything (package kv does) and has no names for things
// (services do).
//
// # Encoding
//
// Every element begins with a tag, so elements of different types never compare
// equal, and no element's encoding is a prefix of another's: the keys that begin
// with the bytes of a tuple are those that begin with its elements.
//
//	01  bytes    each 00 as 01 01, each 01 as 01 02, then 00
//	02  string   as bytes
//	0c…13        negative integer of 8…1 bytes: value - 1 + 256^n, big endian
//	14           zero
//	15…1c        positive integer of 1…8 bytes, big endian
//	30  stamp    ten bytes, the place in the commit order
//	31  id       sixteen bytes
//
// (FoundationDB ends a string with 00 and escapes 00 as 00 ff. There "" is a
// prefix of "\x00", and a range must end in ff to mean what it says.)
//
// Integers of type int64 and uint64 are one type here and sort by value. ff is
// never a tag: it ends ranges.
//
// # Keys
//
// A key is a format byte and a tuple. The tuple begins with the cell (account
// and region, the unit that has one commit order), the service, and a
// generation: a number never given out twice, so that what is deleted and made
// again under the same name has other keys, and clearing the old ones can wait.
//
// # History of the format
//
//	1  the encoding above
//
// A change of the encoding gets a new format byte and a line here, and the old
// one stays readable; testdata/keys.golden holds the bytes to it.
//
// Invariants: encoding and decoding are inverse; keys compare as their tuples;
// no element's encoding is a prefix of another's; no key begins with ff or is
// empty. Fuzzed.
package keyspace

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Format is the first byte of every key.
const Format = 1

// Key is an ordered key, compared byte by byte.
type Key []byte

// Range is the keys k with Start <= k < End.
type Range struct{ Start, End Key }

// Contains reports whether k is in r.
func (r Range) Contains(k Key) bool {
	return bytes.Compare(k, r.Start) >= 0 && bytes.Compare(k, r.End) < 0
}

// ID is a sixteen byte identifier as an element of a key.
type ID [16]byte

// Stamp is a place in the commit order of a cell: the commit's version, eight
// bytes, and the number of the operation within the commit, two bytes, both
// big endian, so that stamps sort as they were committed.
type Stamp [10]byte

// NewStamp returns the stamp of operation op of the commit with this version.
func NewStamp(version uint64, op uint16) Stamp {
	var s Stamp
	binary.BigEndian.PutUint64(s[:8], version)
	binary.BigEndian.PutUint16(s[8:], op)
	return s
}

// Version returns the commit's version.
func (s Stamp) Version() uint64 { return binary.BigEndian.Uint64(s[:8]) }

// Op returns the number of the operation within its commit.
func (s Stamp) Op() uint16 { return binary.BigEndian.Uint16(s[8:]) }

// At returns the stamp of another operation of the same commit.
func (s Stamp) At(op uint16) Stamp { return NewStamp(s.Version(), op) }

// IsZero reports whether s is the stamp of no commit.
func (s Stamp) IsZero() bool { return s == Stamp{} }

// Compare returns -1, 0 or +1: the order of the two stamps.
func (s Stamp) Compare(o Stamp) int { return bytes.Compare(s[:], o[:]) }

// String returns version and operation in decimal.
func (s Stamp) String() string { return fmt.Sprintf("%d.%d", s.Version(), s.Op()) }
