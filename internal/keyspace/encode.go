package keyspace

import (
	"encoding/binary"
	"math/bits"
)

// Tags of elements.
const (
	tagBytes  = 0x01
	tagString = 0x02
	tagZero   = 0x14 // of integers: ± the length
	tagStamp  = 0x30
	tagID     = 0x31

	end    = 0x00 // of bytes or a string
	escape = 0x01 // for 00 and 01 within: 01 01 and 01 02
	maxTag = 0xff // greater than every tag
)

// AppendString appends s as an element to dst.
//
// Keys are made at four hundred places, in each of which the compiler would put
// a copy of it.
//
//go:noinline
func AppendString(dst []byte, s string) []byte { return appendEscaped(append(dst, tagString), s) }

// AppendBytes appends b as an element to dst.
//
//go:noinline
func AppendBytes(dst, b []byte) []byte { return appendEscaped(append(dst, tagBytes), b) }

func appendEscaped[S string | []byte](dst []byte, s S) []byte {
	from := 0
	for i := range len(s) {
		if c := s[i]; c <= escape {
			dst = append(append(dst, s[from:i]...), escape, c+1)
			from = i + 1
		}
	}
	return append(append(dst, s[from:]...), end)
}

// AppendUint appends n as an element to dst.
func AppendUint(dst []byte, n uint64) []byte {
	size := (bits.Len64(n) + 7) / 8
	dst = append(dst, tagZero+byte(size))
	return appendLow(dst, n, size)
}

// AppendInt appends n as an element to dst. It sorts among the elements of
// [AppendUint].
func AppendInt(dst []byte, n int64) []byte {
	if n >= 0 {
		return AppendUint(dst, uint64(n))
	}
	// The complement of the magnitude, in as many bytes as the magnitude needs:
	// a greater magnitude has a smaller tag, or the same and smaller bytes.
	m := -uint64(n)
	size := (bits.Len64(m) + 7) / 8
	dst = append(dst, tagZero-byte(size))
	return appendLow(dst, ^m, size)
}

// appendLow appends the low bytes of n, big endian.
func appendLow(dst []byte, n uint64, size int) []byte {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	return append(dst, b[8-size:]...)
}

// AppendStamp appends s as an element to dst.
func AppendStamp(dst []byte, s Stamp) []byte { return append(append(dst, tagStamp), s[:]...) }

// AppendID appends id as an element to dst.
func AppendID(dst []byte, id ID) []byte { return append(append(dst, tagID), id[:]...) }
