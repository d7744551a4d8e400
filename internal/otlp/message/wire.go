package message

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"unicode/utf8"
)

// ErrMalformed is wrapped by the errors of bytes that are no message.
var ErrMalformed = errors.New("otlp: malformed")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
}

// maxDepth is how deep messages may lie in each other. Attributes are values
// that hold values.
const maxDepth = 100

// Field is one field of a message, as it lies on the wire.
type Field struct {
	Num   int
	wire  uint8
	uint  uint64 // of numbers
	Bytes []byte // of strings, bytes and messages: a part of what was read
}

// Uint is the value of an unsigned number, and the bits of others.
func (f *Field) Uint() uint64 { return f.uint }

// Float is the value of a double.
func (f *Field) Float() float64 { return math.Float64frombits(f.uint) }

// next takes a field off the front of b.
func next(b []byte) (f Field, rest []byte, err error) {
	tag, n := binary.Uvarint(b)
	if n <= 0 || tag>>3 == 0 || tag>>3 > 1<<29-1 {
		return Field{}, nil, malformed("a tag")
	}
	b = b[n:]
	f.Num, f.wire = int(tag>>3), uint8(tag&7)
	switch f.wire {
	case varintType:
		if f.uint, n = binary.Uvarint(b); n <= 0 {
			return Field{}, nil, malformed("field %d: a number", f.Num)
		}
	case fixed64Type:
		if n = 8; len(b) < n {
			return Field{}, nil, malformed("field %d: a number", f.Num)
		}
		f.uint = binary.LittleEndian.Uint64(b)
	case fixed32Type:
		if n = 4; len(b) < n {
			return Field{}, nil, malformed("field %d: a number", f.Num)
		}
		f.uint = uint64(binary.LittleEndian.Uint32(b))
	case bytesType:
		size, m := binary.Uvarint(b)
		if m <= 0 || size > uint64(len(b)-m) {
			return Field{}, nil, malformed("field %d: a length", f.Num)
		}
		n = m + int(size)
		f.Bytes = b[m:n:n]
	case groupStart:
		if n, err = group(b, f.Num, 0); err != nil {
			return Field{}, nil, err
		}
	default:
		return Field{}, nil, malformed("field %d: wire type %d", f.Num, f.wire)
	}
	return f, b[n:], nil
}

// group returns how long a group is, its end included. Nothing of OTLP is in
// one; they are passed over.
func group(b []byte, num, depth int) (int, error) {
	if depth > maxDepth {
		return 0, malformed("field %d: too deep", num)
	}
	for at := 0; ; {
		tag, n := binary.Uvarint(b[at:])
		if n <= 0 {
			return 0, malformed("field %d: a group without an end", num)
		}
		if tag&7 == groupEnd {
			if tag>>3 != uint64(num) {
				return 0, malformed("field %d: a group without an end", num)
			}
			return at + n, nil
		}
		if tag&7 == groupStart {
			size, err := group(b[at+n:], int(tag>>3), depth+1)
			if err != nil {
				return 0, err
			}
			at += n + size
			continue
		}
		_, rest, err := next(b[at:])
		if err != nil {
			return 0, err
		}
		at = len(b) - len(rest)
	}
}

// Fields yields the fields of a message, known or not. Bytes that [Check] has
// not passed end it early.
func Fields(b []byte) iter.Seq[Field] {
	return func(yield func(Field) bool) {
		for len(b) > 0 {
			f, rest, err := next(b)
			if err != nil || !yield(f) {
				return
			}
			b = rest
		}
	}
}

// Check tells whether b is a message of a type, with all that is in it.
func Check(t Type, b []byte) error { return check(t, b, 0) }

func check(t Type, b []byte, depth int) error {
	if depth > maxDepth {
		return malformed("messages lie deeper than %d in each other", maxDepth)
	}
	for len(b) > 0 {
		f, rest, err := next(b)
		if err != nil {
			return err
		}
		b = rest
		d := t.field(f.Num)
		if d == nil || f.wire == groupStart {
			continue // a newer sender's
		}
		switch {
		case d.repeated && f.wire == bytesType && d.kind.wire() != bytesType:
			if err := checkPacked(d, f.Bytes); err != nil {
				return err
			}
		case f.wire != d.kind.wire():
			continue
		case d.kind == text && !utf8.Valid(f.Bytes):
			return malformed("%s is not UTF-8", d.name)
		case d.kind == embedded:
			if err := check(d.of, f.Bytes, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkPacked tells whether b is numbers.
func checkPacked(d *field, b []byte) error {
	for len(b) > 0 {
		_, n := unpack(d.kind, b)
		if n <= 0 {
			return malformed("%s: a number", d.name)
		}
		b = b[n:]
	}
	return nil
}

// unpack takes one number off packed ones.
func unpack(k kind, b []byte) (v uint64, n int) {
	switch k.wire() {
	case varintType:
		return binary.Uvarint(b)
	case fixed64Type:
		if len(b) < 8 {
			return 0, 0
		}
		return binary.LittleEndian.Uint64(b), 8
	}
	if len(b) < 4 {
		return 0, 0
	}
	return uint64(binary.LittleEndian.Uint32(b)), 4
}

// field returns the field with a number; nil if the message has none.
func (t Type) field(num int) *field {
	fs := t.fields()
	for i := range fs {
		if int(fs[i].num) == num {
			return &fs[i]
		}
	}
	return nil
}

// known returns the fields of a message that its type has, in the form that the
// type gives them: what a sender means otherwise is not for us.
func known(t Type, b []byte) iter.Seq[Field] {
	return func(yield func(Field) bool) {
		for f := range Fields(b) {
			if d := t.field(f.Num); d == nil || d.kind.wire() != f.wire && !(d.repeated && f.wire == bytesType) {
				continue
			}
			if !yield(f) {
				return
			}
		}
	}
}
