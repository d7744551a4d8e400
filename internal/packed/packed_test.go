package packed

import (
	"encoding/binary"
	"testing"
)

func TestReader(t *testing.T) {
	b := []byte{7}
	b = binary.AppendUvarint(b, 300)
	b = binary.AppendVarint(b, -5)
	b = binary.BigEndian.AppendUint64(b, 1<<63)
	b = String(b, "hello")
	b = String(b, []byte{})
	b = binary.AppendUvarint(b, 2)
	b = append(b, 1, 2, 3, 4, 9)
	r := Read(b)
	if v := r.Byte(); v != 7 {
		t.Errorf("Byte = %d", v)
	}
	if v := r.Uint(300); v != 300 {
		t.Errorf("Uint = %d", v)
	}
	if v := r.Int(); v != -5 {
		t.Errorf("Int = %d", v)
	}
	if v := r.Fixed(); v != 1<<63 {
		t.Errorf("Fixed = %d", v)
	}
	if v := r.String(); v != "hello" {
		t.Errorf("String = %q", v)
	}
	if v := r.Packed(); v == nil || len(v) != 0 {
		t.Errorf("Packed = %v", v)
	}
	if v := r.Count(2); v != 2 {
		t.Errorf("Count = %d", v)
	}
	var four [4]byte
	if r.Into(four[:]); four != [4]byte{1, 2, 3, 4} {
		t.Errorf("Into = %v", four)
	}
	if r.Err() != nil {
		t.Errorf("Err = %v", r.Err())
	}
	if v := r.Rest(); len(v) != 1 || v[0] != 9 {
		t.Errorf("Rest = %v", v)
	}
	if err := r.Done(); err != nil {
		t.Errorf("Done = %v", err)
	}
}

func TestReaderRefuses(t *testing.T) {
	for name, read := range map[string]func(*Reader){
		"too few bytes":      func(r *Reader) { r.Bytes(4) },
		"negative":           func(r *Reader) { r.Bytes(-1) },
		"too large a number": func(r *Reader) { r.Uint(1) },
		"eight bytes":        func(r *Reader) { r.Fixed() },
		"a long string":      func(r *Reader) { _ = r.String() },
		"a long list":        func(r *Reader) { r.Count(2) },
		"more to read":       func(r *Reader) { r.Byte() },
		"said to be wrong":   func(r *Reader) { r.Rest(); r.Fail() },
	} {
		r := Read([]byte{3, 1, 2})
		if read(&r); r.Done() == nil {
			t.Errorf("%s: no error", name)
		}
		if r.Byte() != 0 || r.Uint(9) != 0 || r.Int() != 0 || r.Fixed() != 0 || r.String() != "" || r.Err() != ErrShort {
			t.Errorf("%s: something was read after the error", name)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte{1, 2, 3}, []byte("abcdefg"))
	f.Fuzz(func(t *testing.T, program, in []byte) {
		r := Read(in)
		for _, op := range program {
			switch op % 8 {
			case 0:
				r.Byte()
			case 1:
				if n := r.Uint(uint64(op)); n > uint64(op) {
					t.Fatalf("Uint(%d) = %d", op, n)
				}
			case 2:
				r.Int()
			case 3:
				r.Fixed()
			case 4:
				if s := r.String(); len(s) > len(in) {
					t.Fatalf("a string of %d bytes out of %d", len(s), len(in))
				}
			case 5:
				if n := r.Count(3); 3*n > len(in) {
					t.Fatalf("a list of %d out of %d bytes", n, len(in))
				}
			case 6:
				r.Bytes(int(op))
			case 7:
				r.Into(make([]byte, op%5))
			}
		}
		r.Done()
	})
}
