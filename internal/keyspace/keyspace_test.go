package keyspace

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/hex"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var cell = Cell{Account: "123456789012", Region: "eu-west-1"}

func TestGolden(t *testing.T) {
	sub := Service(cell, "sqs", 7)
	stamp := NewStamp(0x0102030405060708, 9)
	keys := []Key{
		Of(cell).Prefix(),
		Of(Cell{Account: "local", Region: "x"}).Prefix(),
		Of(Cell{Account: "000000000000", Region: "us-east-1"}).Prefix(),
		sub.Prefix(),
		sub.Sub("a", "b").Prefix(),
		sub.Key().Str("").Str("a\x00b").Str("ü").Done(),
		sub.Key().Bytes(nil).Bytes([]byte{0, 0xff, 0}).Done(),
		sub.Key().Int(0).Int(1).Int(255).Int(256).Int(math.MaxInt64).Uint(math.MaxUint64).Done(),
		sub.Key().Int(-1).Int(-255).Int(-256).Int(-257).Int(math.MinInt64).Done(),
		sub.Key().Stamp(stamp).ID(ID{1, 2, 15: 16}).Done(),
		sub.Key().Str("log").Stamped(),
		sub.Range().End,
	}
	var got bytes.Buffer
	for _, k := range keys {
		fmt.Fprintf(&got, "%x %v\n", []byte(k), k)
	}
	path := filepath.Join("testdata", "keys.golden")
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := gocmp.Diff(string(want), got.String()); d != "" {
		t.Errorf("stored format changed (-want +got):\n%s", d)
	}
}

// TestGoldenReadable holds later formats to reading what this one wrote.
func TestGoldenReadable(t *testing.T) {
	f, err := os.Open(filepath.Join("testdata", "keys.golden"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		enc, want, _ := bytes.Cut(s.Bytes(), []byte(" "))
		k, err := hex.DecodeString(string(enc))
		if err != nil {
			t.Fatal(err)
		}
		if got := Key(k).String(); got != string(want) {
			t.Errorf("%s reads %s, want %s", enc, got, want)
		}
	}
}

// tuple is the model that the encoding is held to: strings, []byte, integers
// (int64, or uint64 beyond), Stamp and ID.
type tuple []any

// program makes a tuple out of bytes.
func program(in []byte) (t tuple) {
	take := func(n int) []byte {
		n = min(n, len(in))
		b := in[:n]
		in = in[n:]
		return b
	}
	for len(in) > 0 {
		op := take(1)[0]
		n := int(op >> 4)
		switch op & 7 {
		case 0:
			t = append(t, string(take(n)))
		case 1:
			t = append(t, bytes.Clone(append([]byte{}, take(n)...)))
		case 2, 3:
			var u uint64
			for _, b := range take(n % 9) {
				u = u<<8 | uint64(b)
			}
			if op&7 == 3 {
				t = append(t, -int64(u>>1))
			} else if u <= math.MaxInt64 {
				t = append(t, int64(u))
			} else {
				t = append(t, u)
			}
		case 4:
			var s Stamp
			copy(s[:], take(10))
			t = append(t, s)
		case 5:
			var id ID
			copy(id[:], take(16))
			t = append(t, id)
		case 6:
			t = append(t, []int64{math.MinInt64, math.MinInt64 + 1, math.MaxInt64, -1}[n%4])
		case 7:
			t = append(t, uint64(math.MaxUint64)-uint64(n))
		}
	}
	return t
}

func (t tuple) encode() Key {
	b := Service(cell, "test", 1).Key()
	for _, e := range t {
		switch e := e.(type) {
		case string:
			b.Str(e)
		case []byte:
			b.Bytes(e)
		case int64:
			b.Int(e)
		case uint64:
			b.Uint(e)
		case Stamp:
			b.Stamp(e)
		case ID:
			b.ID(e)
		}
	}
	return b.Done()
}

// decode reads a tuple of the same types back.
func (t tuple) decode(k Key) (tuple, error) {
	d := Service(cell, "test", 1).Decode(k)
	var out tuple
	for _, e := range t {
		switch e.(type) {
		case string:
			out = append(out, d.Str())
		case []byte:
			out = append(out, append([]byte{}, d.Bytes()...))
		case int64:
			out = append(out, d.Int())
		case uint64:
			out = append(out, d.Uint())
		case Stamp:
			out = append(out, d.Stamp())
		case ID:
			out = append(out, d.ID())
		}
	}
	return out, d.Done()
}

func rank(e any) int {
	switch e.(type) {
	case []byte:
		return 0
	case string:
		return 1
	case int64, uint64:
		return 2
	case Stamp:
		return 3
	default:
		return 4
	}
}

func compare(a, b tuple) int {
	for i := range min(len(a), len(b)) {
		if c := compareElem(a[i], b[i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

func compareElem(a, b any) int {
	if c := cmp.Compare(rank(a), rank(b)); c != 0 {
		return c
	}
	switch a := a.(type) {
	case []byte:
		return bytes.Compare(a, b.([]byte))
	case string:
		return cmp.Compare(a, b.(string))
	case int64:
		if b, ok := b.(int64); ok {
			return cmp.Compare(a, b)
		}
		return -1 // uint64 only beyond int64
	case uint64:
		if b, ok := b.(uint64); ok {
			return cmp.Compare(a, b)
		}
		return 1
	case Stamp:
		return a.Compare(b.(Stamp))
	case ID:
		o := b.(ID)
		return bytes.Compare(a[:], o[:])
	}
	panic("unreachable")
}

func FuzzTuples(f *testing.F) {
	f.Add([]byte{}, []byte{0x00})
	f.Add([]byte("\x10a\x00"), []byte("\x20a\x00"))
	f.Add([]byte("\x00"), []byte("\x10\x00"))
	f.Add([]byte("\x10\x01"), []byte("\x20\x01\x02"))
	f.Add([]byte("\x21\x00\xff"), []byte("\x11\x00\x11\xff"))
	f.Add([]byte("\x12\xff\x22\x01\x00"), []byte("\x13\xff\x23\x01\x00"))
	f.Add([]byte("\x06\x16\x26\x36\x07\x17"), []byte("\x82\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Add([]byte("\x04aaaaaaaaaa\x05bbbbbbbbbbbbbbbb"), []byte("\x04aaaaaaaaab"))
	f.Fuzz(func(t *testing.T, x, y []byte) {
		a, b := program(x), program(y)
		ka, kb := a.encode(), b.encode()
		if got, want := bytes.Compare(ka, kb), compare(a, b); got != want {
			t.Errorf("%v and %v: keys compare %d, tuples %d", a, b, got, want)
		}
		for _, c := range []struct {
			t tuple
			k Key
		}{{a, ka}, {b, kb}} {
			back, err := c.t.decode(c.k)
			if err != nil {
				t.Errorf("%v: %v", c.t, err)
			} else if d := gocmp.Diff(c.t, back); d != "" {
				t.Errorf("round trip (-want +got):\n%s", d)
			}
			if r := Service(cell, "test", 1).Range(); !r.Contains(c.k) {
				t.Errorf("%v is not in the range of its subspace", c.k)
			}
		}
		// Only an equal tuple or an extension begins with the same bytes.
		if len(a) <= len(b) && bytes.HasPrefix(kb, ka) && compare(a, b[:len(a)]) != 0 {
			t.Errorf("%v is a prefix of %v", ka, kb)
		}
		if len(a) <= len(b) && compare(a, b[:len(a)]) == 0 && !PrefixRange(ka).Contains(kb) {
			t.Errorf("%v is not in the range of its prefix %v", kb, ka)
		}
	})
}

// FuzzDecode reads arbitrary keys: no panic, and what decodes encodes to the
// same bytes.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(nil))
	for _, k := range []Key{
		Of(cell).Prefix(),
		tuple{"a\x00", []byte{0}, int64(-1), uint64(math.MaxUint64), Stamp{1}, ID{2}}.encode(),
		{Format, 0x15, 0x00}, {Format, 0x13, 0xff}, {Format, 0x0c}, {Format, 0x0c, 0, 0, 0, 0, 0, 0, 0, 0},
		{Format, tagString, escape}, {Format, tagString, escape, 3, 0}, {Format, tagBytes, escape, 0}, {Format, tagStamp}, {Format, 0x99},
	} {
		f.Add([]byte(k))
	}
	f.Fuzz(func(t *testing.T, k []byte) {
		_ = Key(k).String()
		d := Decode(k)
		out := []byte{Format}
		for d.More() {
			switch tag := d.rest[0]; {
			case tag == tagBytes:
				out = AppendBytes(out, d.Bytes())
			case tag == tagString:
				out = AppendString(out, d.Str())
			case tag == tagStamp:
				out = AppendStamp(out, d.Stamp())
			case tag == tagID:
				out = AppendID(out, d.ID())
			case tag < tagZero:
				out = AppendInt(out, d.Int())
			default:
				out = AppendUint(out, d.Uint())
			}
		}
		if d.Done() == nil && !bytes.Equal(out, k) {
			t.Errorf("%x decodes, but encodes to %x", k, out)
		}
	})
}

func TestDecoderErrors(t *testing.T) {
	sub := Service(cell, "test", 1)
	for name, read := range map[string]func() error{
		"other subspace": func() error { return sub.Decode(Service(cell, "test", 2).Prefix()).Done() },
		"other type":     func() error { d := sub.Decode(sub.Key().Str("a").Done()); d.Int(); return d.Done() },
		"rest":           func() error { return sub.Decode(sub.Key().Str("a").Done()).Done() },
		"no element":     func() error { d := sub.Decode(sub.Prefix()); d.Str(); return d.Done() },
		"negative":       func() error { d := sub.Decode(sub.Key().Int(-1).Done()); d.Uint(); return d.Done() },
		"too great":      func() error { d := sub.Decode(sub.Key().Uint(1 << 63).Done()); d.Int(); return d.Done() },
		"format":         func() error { return Decode(Key{99}).Done() },
	} {
		if err := read(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestBuilderAllocatesOnce(t *testing.T) {
	sub := Service(cell, "ddb", 12)
	pk := []byte("customer#12345")
	if n := testing.AllocsPerRun(100, func() { sink = sub.Key().Str("i").Bytes(pk).Uint(5).Done() }); n > 1 {
		t.Errorf("%v allocations a key, want 1", n)
	}
}

var sink Key

func BenchmarkKey(b *testing.B) {
	sub := Service(cell, "ddb", 12)
	pk := []byte("customer#12345")
	b.ReportAllocs()
	for b.Loop() {
		sink = sub.Key().Str("i").Bytes(pk).Uint(5).Done()
	}
}
