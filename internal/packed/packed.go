// Package packed reads and writes the compact binary form of rows and records:
// numbers in base 128, strings with their length, times and ids of fixed size.
//
// Writing is [encoding/binary] and [String]; reading is a [Reader], which
// checks everything it takes and remembers the first thing that was wrong. It
// knows no format: versions and the order of fields belong to who writes them.
//
// Invariants: reading never panics and never allocates more than its input is
// long, whatever the input; after an error everything that is read is zero.
package packed

import (
	"encoding/binary"
	"errors"
)

// ErrShort is the error of a [Reader] whose input ended early or made no sense.
var ErrShort = errors.New("packed: bad or missing bytes")

// String appends a string or bytes, with the length before them.
func String[S string | []byte](b []byte, s S) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// Reader reads fields one after another. Make one with [Read].
type Reader struct {
	b   []byte
	err error
}

// Read returns a reader of b. What it returns as bytes is part of b.
func Read(b []byte) Reader { return Reader{b: b} }

// Fail makes the reader fail, for input that is well-formed and wrong.
func (r *Reader) Fail() { r.b, r.err = nil, ErrShort }

// Err returns what went wrong so far.
func (r *Reader) Err() error { return r.err }

// Done returns what went wrong, or an error if there is more to read.
func (r *Reader) Done() error {
	if len(r.b) > 0 {
		r.Fail()
	}
	return r.err
}

// Rest takes all that is left.
func (r *Reader) Rest() []byte {
	b := r.b
	r.b = nil
	return b
}

// Bytes takes n bytes; nil if there are not so many.
func (r *Reader) Bytes(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.Fail()
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

// Into takes as many bytes as dst has.
func (r *Reader) Into(dst []byte) { copy(dst, r.Bytes(len(dst))) }

// Byte takes one byte.
func (r *Reader) Byte() byte {
	if v := r.Bytes(1); v != nil {
		return v[0]
	}
	return 0
}

// Uint takes a number of at most max.
func (r *Reader) Uint(max uint64) uint64 {
	n, w := binary.Uvarint(r.b)
	if w <= 0 || n > max {
		r.Fail()
		return 0
	}
	r.b = r.b[w:]
	return n
}

// Int takes a signed number.
func (r *Reader) Int() int64 {
	n, w := binary.Varint(r.b)
	if w <= 0 {
		r.Fail()
		return 0
	}
	r.b = r.b[w:]
	return n
}

// Fixed takes a number of eight bytes, big endian.
func (r *Reader) Fixed() uint64 {
	if v := r.Bytes(8); v != nil {
		return binary.BigEndian.Uint64(v)
	}
	return 0
}

// Count takes the length of a list whose elements take size bytes or more, so
// that the list can be allocated.
func (r *Reader) Count(size int) int { return int(r.Uint(uint64(len(r.b) / size))) }

// String takes a string.
func (r *Reader) String() string { return string(r.Packed()) }

// Packed takes bytes that have their length before them.
func (r *Reader) Packed() []byte { return r.Bytes(r.Count(1)) }
