package keyspace

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// Decoder reads the elements of a key one by one. Its methods return the zero
// value after the first error, which Done and Err return.
type Decoder struct {
	key  Key
	rest []byte
	err  error
}

// Decode begins the decoding of a key from its first element, the format byte
// skipped.
func Decode(k Key) *Decoder {
	if len(k) == 0 || k[0] != Format {
		return &Decoder{err: errorf(k, "unknown format")}
	}
	return &Decoder{key: k, rest: k[1:]}
}

func errorf(k Key, format string, args ...any) error {
	return fmt.Errorf("keyspace: key %q: %s", []byte(k), fmt.Sprintf(format, args...))
}

// Str reads a string.
func (d *Decoder) Str() string { return string(d.escaped(tagString, "a string")) }

// Bytes reads bytes. They may be part of the key.
func (d *Decoder) Bytes() []byte { return d.escaped(tagBytes, "bytes") }

func (d *Decoder) escaped(tag byte, what string) []byte {
	if !d.want(tag, what) {
		return nil
	}
	in := d.rest[1:]
	i := bytes.IndexByte(in, end)
	if i < 0 {
		d.fail("%s without an end", what)
		return nil
	}
	in, after := in[:i:i], in[i+1:]
	if i := bytes.IndexByte(in, escape); i >= 0 {
		out := append(make([]byte, 0, len(in)), in[:i]...)
		for ; i < len(in); i++ {
			c := in[i]
			if c == escape {
				if i++; i == len(in) || in[i] != 1 && in[i] != 2 {
					d.fail("%s with a wrong escape", what)
					return nil
				}
				c = in[i] - 1
			}
			out = append(out, c)
		}
		in = out
	}
	d.rest = after
	return in
}

// Uint reads an integer that is not negative.
func (d *Decoder) Uint() uint64 {
	n, negative := d.integer()
	if negative {
		d.fail("want an integer that is not negative")
		return 0
	}
	return n
}

// Int reads an integer in the range of int64.
func (d *Decoder) Int() int64 {
	n, negative := d.integer()
	if negative != (int64(n) < 0) {
		d.fail("integer out of range")
		return 0
	}
	return int64(n)
}

// integer reads an integer in two's complement.
func (d *Decoder) integer() (n uint64, negative bool) {
	if d.err != nil {
		return 0, false
	}
	if len(d.rest) == 0 || d.rest[0] < tagZero-8 || d.rest[0] > tagZero+8 {
		d.fail("want an integer")
		return 0, false
	}
	size := int(d.rest[0]) - tagZero
	if negative = size < 0; negative {
		size = -size
	}
	if len(d.rest) < 1+size {
		d.fail("short integer")
		return 0, false
	}
	var b [8]byte
	copy(b[8-size:], d.rest[1:])
	n = binary.BigEndian.Uint64(b[:])
	if negative { // back from the complement of the magnitude
		n = ^n & (math.MaxUint64 >> (64 - 8*size))
	}
	if size > 0 && n>>(8*size-8) == 0 {
		d.fail("integer with a leading zero byte")
		return 0, false
	}
	d.rest = d.rest[1+size:]
	if negative {
		if n > 1<<63 {
			d.fail("integer out of range")
			return 0, false
		}
		n = -n
	}
	return n, negative
}

// Stamp reads a stamp.
func (d *Decoder) Stamp() (s Stamp) { d.fixed(tagStamp, "a stamp", s[:]); return s }

// ID reads an id.
func (d *Decoder) ID() (id ID) { d.fixed(tagID, "an id", id[:]); return id }

func (d *Decoder) fixed(tag byte, what string, into []byte) {
	if !d.want(tag, what) {
		return
	}
	if len(d.rest) < 1+len(into) {
		d.fail("short %s", what)
		return
	}
	copy(into, d.rest[1:])
	d.rest = d.rest[1+len(into):]
}

// want reports whether the next element has this tag.
func (d *Decoder) want(tag byte, what string) bool {
	if d.err == nil && (len(d.rest) == 0 || d.rest[0] != tag) {
		d.fail("want %s", what)
	}
	return d.err == nil
}

func (d *Decoder) fail(format string, args ...any) {
	if d.err == nil {
		at := len(d.key) - len(d.rest)
		d.err = errorf(d.key, "at byte %d: %s", at, fmt.Sprintf(format, args...))
	}
}

// More reports whether elements are left.
func (d *Decoder) More() bool { return d.err == nil && len(d.rest) > 0 }

// Err returns the first error.
func (d *Decoder) Err() error { return d.err }

// Done returns the first error, or one if elements are left.
func (d *Decoder) Done() error {
	if d.More() {
		d.fail("%d bytes too many", len(d.rest))
	}
	return d.err
}

// String formats the key for people: its elements, separated by slashes, or
// quoted bytes if it is no key of ours.
func (k Key) String() string {
	d := Decode(k)
	out := strconv.AppendInt(nil, Format, 10)
	for d.More() {
		out = append(out, '/')
		switch tag := d.rest[0]; {
		case tag == tagBytes:
			out = fmt.Appendf(out, "x%x", d.Bytes())
		case tag == tagString:
			out = strconv.AppendQuote(out, d.Str())
		case tag == tagStamp && len(d.rest) == 1: // the prefix of an append
			return string(append(out, '@'))
		case tag == tagStamp:
			out = append(append(out, '@'), d.Stamp().String()...)
		case tag == tagID:
			out = fmt.Appendf(out, "#%x", d.ID())
		default:
			if n, negative := d.integer(); negative {
				out = strconv.AppendInt(out, int64(n), 10)
			} else {
				out = strconv.AppendUint(out, n, 10)
			}
		}
	}
	if d.err != nil {
		return strconv.Quote(string(k))
	}
	return string(out)
}
