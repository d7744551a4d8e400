package wire

import (
	"encoding/binary"
	"math"
	"reflect"

	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/clock"
)

// AppendCBOR appends the CBOR form of v, a pointer to the Go struct of the
// shape, with lengths that are said.
func AppendCBOR(dst []byte, m *schema.Model, shape schema.Ref, v any) []byte {
	if shape == schema.None {
		return append(dst, cborMap)
	}
	return cborStructure(dst, m, m.Shape(shape), reflect.ValueOf(v).Elem())
}

// CBORMember is a member of an error's answer beyond its shape.
type CBORMember struct{ Name, Value string }

// AppendCBORError appends the CBOR form of an error: members of text, and those of
// detail, a pointer to the Go struct of the shape, if it has one.
func AppendCBORError(dst []byte, m *schema.Model, texts []CBORMember, shape schema.Ref, detail any) []byte {
	n := len(texts)
	var s *schema.Shape
	var v reflect.Value
	if shape != schema.None {
		s, v = m.Shape(shape), reflect.ValueOf(detail).Elem()
		n += present(s, v)
	}
	dst = cborHead(dst, cborMap, uint64(n))
	for _, t := range texts {
		dst = cborString(cborString(dst, t.Name), t.Value)
	}
	if s == nil {
		return dst
	}
	return cborMembers(dst, m, s, v)
}

// cborHead appends an item's initial byte and argument, in as few bytes as it
// takes.
func cborHead(dst []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(dst, major|byte(n))
	case n <= math.MaxUint8:
		return append(dst, major|24, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, major|25), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, major|27), n)
}

func cborString(dst []byte, s string) []byte {
	return append(cborHead(dst, cborText, uint64(len(s))), s...)
}

// present counts the members that are there.
func present(s *schema.Shape, v reflect.Value) int {
	n := 0
	for i := range s.Members {
		if !absent(v.Field(i)) {
			n++
		}
	}
	return n
}

func cborStructure(dst []byte, m *schema.Model, s *schema.Shape, v reflect.Value) []byte {
	return cborMembers(cborHead(dst, cborMap, uint64(present(s, v))), m, s, v)
}

func cborMembers(dst []byte, m *schema.Model, s *schema.Shape, v reflect.Value) []byte {
	for i := range s.Members {
		f := v.Field(i)
		if absent(f) {
			continue
		}
		if f.Kind() == reflect.Pointer {
			f = f.Elem()
		}
		dst = cborValue(cborString(dst, s.Members[i].Wire), m, m.Shape(s.Members[i].Shape), f)
	}
	return dst
}

func cborValue(dst []byte, m *schema.Model, s *schema.Shape, v reflect.Value) []byte {
	switch s.Kind {
	case schema.Structure:
		return cborStructure(dst, m, s, v)
	case schema.List:
		dst = cborHead(dst, cborArray, uint64(v.Len()))
		for i := range v.Len() {
			dst = cborValue(dst, m, m.Shape(s.Elem), v.Index(i))
		}
		return dst
	case schema.Map:
		dst = cborHead(dst, cborMap, uint64(v.Len()))
		for _, k := range sortedKeys(v) {
			dst = cborValue(cborString(dst, k), m, m.Shape(s.Elem), v.MapIndex(reflect.ValueOf(k)))
		}
		return dst
	case schema.Blob:
		return append(cborHead(dst, cborBytes, uint64(v.Len())), v.Bytes()...)
	case schema.String:
		return cborString(dst, v.String())
	case schema.Boolean:
		if v.Bool() {
			return append(dst, cborTrue)
		}
		return append(dst, cborFalse)
	case schema.Integer, schema.Long:
		if n := v.Int(); n < 0 {
			return cborHead(dst, cborNegative, uint64(-1-n))
		}
		return cborHead(dst, cborUint, uint64(v.Int()))
	case schema.Float, schema.Double:
		return cborFloat64(dst, v.Float())
	case schema.Timestamp:
		return cborFloat64(append(dst, cborTag|cborEpoch), float64(clock.Instant(v.Int()).UnixMilli())/1000)
	}
	return append(dst, cborNull)
}

func cborFloat64(dst []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, cborDouble), math.Float64bits(f))
}
