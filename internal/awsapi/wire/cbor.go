package wire

import (
	"encoding/binary"
	"math"
	"reflect"
	"unicode/utf8"

	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/clock"
)

// CBOR is that of Smithy's RPC v2 protocol: RFC 8949 with text keys, numbers in
// any width that holds them, and timestamps as tag 1.
//
// https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html

// Major types of CBOR.
const (
	cborUint byte = iota << 5
	cborNegative
	cborBytes
	cborText
	cborArray
	cborMap
	cborTag
	cborSimple
)

// Simple values, as the whole initial byte.
const (
	cborFalse     = 0xf4
	cborTrue      = 0xf5
	cborNull      = 0xf6
	cborUndefined = 0xf7
	cborHalf      = 0xf9
	cborFloat     = 0xfa
	cborDouble    = 0xfb
	cborBreak     = 0xff
)

// cborIndefinite is the additional information of a length that is not said.
const cborIndefinite = 31

// cborEpoch is the tag of seconds since 1970.
const cborEpoch = 1

// DecodeCBOR reads a body of the RPC v2 CBOR protocol into out, a pointer to the
// Go struct of the shape. Members that the model does not know are passed over.
func DecodeCBOR(m *schema.Model, shape schema.Ref, body []byte, out any) error {
	if shape == schema.None || len(body) == 0 {
		return nil
	}
	d := cborDecoder{data: body, m: m}
	if err := d.structure(m.Shape(shape), reflect.ValueOf(out).Elem(), 0); err != nil {
		return err
	}
	if d.pos != len(d.data) {
		return errorf("Unexpected data after the CBOR document at position %d", d.pos)
	}
	return nil
}

type cborDecoder struct {
	data []byte
	pos  int
	m    *schema.Model
}

func (d *cborDecoder) short() error { return errorf("Unexpected end of the CBOR document") }

func (d *cborDecoder) mismatch(want string) error {
	return errorf("CBOR item at position %d can not be converted to a %s", d.pos, want)
}

// peek returns the initial byte of the next item; at the end a break, which begins
// none.
func (d *cborDecoder) peek() byte {
	if d.pos >= len(d.data) {
		return cborBreak
	}
	return d.data[d.pos]
}

// nothing consumes a null or an undefined.
func (d *cborDecoder) nothing() bool {
	if c := d.peek(); c != cborNull && c != cborUndefined {
		return false
	}
	d.pos++
	return true
}

// head reads an item's initial byte and argument.
func (d *cborDecoder) head() (major byte, argument uint64, indefinite bool, err error) {
	if d.pos >= len(d.data) {
		return 0, 0, false, d.short()
	}
	c := d.data[d.pos]
	major, info := c&0xe0, c&0x1f
	width := 0
	switch {
	case info < 24:
		argument = uint64(info)
	case info <= 27:
		width = 1 << (info - 24)
	case info == cborIndefinite && major >= cborBytes && major <= cborMap:
		indefinite = true
	default:
		return 0, 0, false, errorf("Malformed CBOR item at position %d", d.pos)
	}
	if len(d.data)-d.pos-1 < width {
		return 0, 0, false, d.short()
	}
	b := d.data[d.pos+1 : d.pos+1+width]
	switch width {
	case 1:
		argument = uint64(b[0])
	case 2:
		argument = uint64(binary.BigEndian.Uint16(b))
	case 4:
		argument = uint64(binary.BigEndian.Uint32(b))
	case 8:
		argument = binary.BigEndian.Uint64(b)
	}
	d.pos += 1 + width
	return major, argument, indefinite, nil
}

// bytes reads a text or byte string; one in chunks is put together.
func (d *cborDecoder) bytes(want byte, name string) ([]byte, error) {
	if d.peek()&0xe0 != want || d.pos >= len(d.data) {
		return nil, d.mismatch(name)
	}
	_, n, indefinite, err := d.head()
	if err != nil {
		return nil, err
	}
	if !indefinite {
		return d.take(n)
	}
	var out []byte
	for d.peek() != cborBreak {
		if d.peek()&0xe0 != want {
			return nil, d.mismatch(name)
		}
		_, n, nested, err := d.head()
		if err != nil {
			return nil, err
		}
		if nested {
			return nil, errorf("Malformed CBOR item at position %d", d.pos)
		}
		chunk, err := d.take(n)
		if err != nil {
			return nil, err
		}
		out = append(out, chunk...)
	}
	return out, d.end()
}

func (d *cborDecoder) take(n uint64) ([]byte, error) {
	if n > uint64(len(d.data)-d.pos) {
		return nil, d.short()
	}
	b := d.data[d.pos : d.pos+int(n) : d.pos+int(n)]
	d.pos += int(n)
	return b, nil
}

// end consumes the break of an item of indefinite length.
func (d *cborDecoder) end() error {
	if d.pos >= len(d.data) {
		return d.short()
	}
	d.pos++
	return nil
}

func (d *cborDecoder) text() (string, error) {
	b, err := d.bytes(cborText, "String")
	if err != nil {
		return "", err
	}
	if !utf8.Valid(b) {
		return "", errorf("Invalid UTF-8 before position %d", d.pos)
	}
	return alias(b), nil
}

// each calls item for each item of an array, or for each pair of a map.
func (d *cborDecoder) each(want byte, name string, item func() error) error {
	if d.peek()&0xe0 != want || d.pos >= len(d.data) {
		return d.mismatch(name)
	}
	_, n, indefinite, err := d.head()
	if err != nil {
		return err
	}
	for i := uint64(0); indefinite && d.peek() != cborBreak || !indefinite && i < n; i++ {
		if err := item(); err != nil {
			return err
		}
	}
	if indefinite {
		return d.end()
	}
	return nil
}

func (d *cborDecoder) structure(s *schema.Shape, v reflect.Value, depth int) error {
	if depth > maxDepth {
		return errorf("The document is nested deeper than %d levels", maxDepth)
	}
	return d.each(cborMap, "structure", func() error {
		key, err := d.text()
		if err != nil {
			return err
		}
		for i := range s.Members {
			if mb := &s.Members[i]; mb.Wire == key {
				return d.member(mb, v.Field(i), depth)
			}
		}
		return d.skip(depth + 1)
	})
}

func (d *cborDecoder) member(mb *schema.Member, f reflect.Value, depth int) error {
	if d.nothing() {
		return nil
	}
	s := d.m.Shape(mb.Shape)
	if f.Kind() != reflect.Pointer {
		return d.element(s, f, depth)
	}
	n := reflect.New(f.Type().Elem())
	if err := d.element(s, n.Elem(), depth); err != nil {
		return err
	}
	f.Set(n)
	return nil
}

// element reads a value that is held without a pointer.
func (d *cborDecoder) element(s *schema.Shape, v reflect.Value, depth int) error {
	if depth > maxDepth {
		return errorf("The document is nested deeper than %d levels", maxDepth)
	}
	switch s.Kind {
	case schema.Structure:
		return d.structure(s, v, depth+1)
	case schema.List:
		return d.list(s, v, depth)
	case schema.Map:
		return d.mapping(s, v, depth)
	case schema.String:
		x, err := d.text()
		v.SetString(x)
		return err
	case schema.Blob:
		b, err := d.bytes(cborBytes, "blob")
		v.SetBytes(b)
		return err
	case schema.Boolean:
		c := d.peek()
		if c != cborTrue && c != cborFalse {
			return d.mismatch("Boolean")
		}
		d.pos++
		v.SetBool(c == cborTrue)
		return nil
	case schema.Integer, schema.Long:
		n, err := d.integer()
		if err == nil && v.OverflowInt(n) {
			err = errorf("Numeric value (%d) out of range", n)
		}
		v.SetInt(n)
		return err
	case schema.Float, schema.Double:
		x, err := d.number("Double")
		v.SetFloat(x)
		return err
	case schema.Timestamp:
		t, err := d.timestamp()
		v.SetInt(int64(t))
		return err
	}
	return errorf("%s cannot stand in a CBOR body", s.Name)
}

func (d *cborDecoder) list(s *schema.Shape, v reflect.Value, depth int) error {
	elem := d.m.Shape(s.Elem)
	out := reflect.MakeSlice(v.Type(), 0, 4)
	zero := reflect.Zero(v.Type().Elem())
	err := d.each(cborArray, "list", func() error {
		out = reflect.Append(out, zero)
		if d.nothing() {
			return nil
		}
		return d.element(elem, out.Index(out.Len()-1), depth+1)
	})
	v.Set(out)
	return err
}

func (d *cborDecoder) mapping(s *schema.Shape, v reflect.Value, depth int) error {
	elem := d.m.Shape(s.Elem)
	out := reflect.MakeMap(v.Type())
	err := d.each(cborMap, "map", func() error {
		key, err := d.text()
		if err != nil {
			return err
		}
		x := reflect.New(v.Type().Elem()).Elem()
		if !d.nothing() {
			if err := d.element(elem, x, depth+1); err != nil {
				return err
			}
		}
		out.SetMapIndex(reflect.ValueOf(key), x)
		return nil
	})
	v.Set(out)
	return err
}

// integer reads a whole number; of a fraction the rest is cut off, as in JSON.
func (d *cborDecoder) integer() (int64, error) {
	switch d.peek() & 0xe0 {
	case cborUint, cborNegative:
		major, n, _, err := d.head()
		if err != nil {
			return 0, err
		}
		if n > math.MaxInt64 {
			return 0, errorf("Numeric value out of range")
		}
		if major == cborNegative {
			return -1 - int64(n), nil
		}
		return int64(n), nil
	}
	f, err := d.number("Integer")
	if err == nil && !(math.Abs(f) < 1<<63) {
		return 0, errorf("Numeric value (%v) out of range", f)
	}
	return int64(f), err
}

// number reads a number of any width.
func (d *cborDecoder) number(name string) (float64, error) {
	switch c := d.peek(); {
	case d.pos >= len(d.data):
		return 0, d.short()
	case c&0xe0 == cborUint, c&0xe0 == cborNegative:
		major, n, _, err := d.head()
		if major == cborNegative {
			return -1 - float64(n), err
		}
		return float64(n), err
	case c == cborHalf, c == cborFloat, c == cborDouble:
		_, bits, _, err := d.head()
		switch c {
		case cborHalf:
			return half(uint16(bits)), err
		case cborFloat:
			return float64(math.Float32frombits(uint32(bits))), err
		}
		return math.Float64frombits(bits), err
	}
	return 0, d.mismatch(name)
}

// half widens a number of IEEE 754's binary16.
//
// https://www.rfc-editor.org/rfc/rfc8949#appendix-D
func half(bits uint16) float64 {
	exponent, fraction := int(bits>>10&0x1f), float64(bits&0x3ff)
	var v float64
	switch exponent {
	case 0:
		v = math.Ldexp(fraction, -24)
	case 31:
		if v = math.Inf(1); fraction != 0 {
			v = math.NaN()
		}
	default:
		v = math.Ldexp(fraction+1024, exponent-25)
	}
	if bits&0x8000 != 0 {
		return -v
	}
	return v
}

// timestamp reads seconds since 1970, to the millisecond.
func (d *cborDecoder) timestamp() (clock.Instant, error) {
	if d.pos >= len(d.data) || d.peek()&0xe0 != cborTag {
		return 0, d.mismatch("Timestamp")
	}
	if _, tag, _, err := d.head(); err != nil || tag != cborEpoch {
		return 0, errorf("CBOR tag %d before position %d is not that of a timestamp", tag, d.pos)
	}
	f, err := d.number("Timestamp")
	if err == nil && !(math.Abs(f) < 1e13) {
		return 0, errorf("%v is not a timestamp", f)
	}
	return clock.UnixMilli(int64(math.Round(f * 1000))), err
}

// skip passes over one item of any kind.
func (d *cborDecoder) skip(depth int) error {
	if depth > maxDepth {
		return errorf("The document is nested deeper than %d levels", maxDepth)
	}
	again := func() error { return d.skip(depth + 1) }
	switch c := d.peek(); c & 0xe0 {
	case cborBytes, cborText:
		_, err := d.bytes(c&0xe0, "String")
		return err
	case cborArray:
		return d.each(cborArray, "list", again)
	case cborMap:
		return d.each(cborMap, "map", func() error {
			if err := again(); err != nil {
				return err
			}
			return again()
		})
	case cborTag:
		if _, _, _, err := d.head(); err != nil {
			return err
		}
		return again()
	default:
		if c == cborBreak {
			return d.mismatch("value")
		}
		_, _, _, err := d.head()
		return err
	}
}
