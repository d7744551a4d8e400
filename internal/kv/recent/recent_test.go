package recent

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/nube-run/nube/internal/kv/driver"
)

// naive remembers everything.
type naive []func(b *driver.Batch) bool

func (n *naive) write(version uint64, r driver.Range) {
	*n = append(*n, func(b *driver.Batch) bool {
		if version <= b.Read {
			return false
		}
		for _, k := range b.Points {
			if r.Contains(k) {
				return true
			}
		}
		for _, o := range b.Ranges {
			if string(max(string(o.Start), string(r.Start))) < string(min(string(o.End), string(r.End))) {
				return true
			}
		}
		return false
	})
}

func (n naive) conflicts(b *driver.Batch) bool {
	for _, fn := range n {
		if fn(b) {
			return true
		}
	}
	return false
}

func point(k driver.Key) driver.Range {
	return driver.Range{Start: k, End: append(append(driver.Key{}, k...), 0)}
}

// TestAgainstNaive: what the set remembers it answers exactly.
func TestAgainstNaive(t *testing.T) {
	for seed := range uint64(10) {
		rng := rand.New(rand.NewPCG(seed, 0))
		key := func() driver.Key { return driver.Key(fmt.Sprintf("%03d", rng.IntN(300))) }
		span := func() driver.Range {
			a, b := key(), key()
			if string(a) > string(b) {
				a, b = b, a
			}
			return driver.Range{Start: a, End: append(b, 0)}
		}
		start := uint64(rng.IntN(3)) * 1000
		s, n := New(start), naive{}
		for version := start + 1; version < start+400; version++ {
			for range rng.IntN(4) {
				k := key()
				s.Add(version, k)
				n.write(version, point(k))
			}
			if rng.IntN(20) == 0 {
				r := span()
				s.AddRange(version, r)
				n.write(version, r)
			}
			for range 5 {
				b := &driver.Batch{Read: version - uint64(rng.IntN(min(30, int(version-start)+1)))}
				for range rng.IntN(3) {
					b.Points = append(b.Points, key())
				}
				if rng.IntN(3) == 0 {
					b.Ranges = append(b.Ranges, span())
				}
				if got, want := s.Conflicts(b), n.conflicts(b); got != want {
					t.Fatalf("seed %d, version %d: conflicts of %v is %v, want %v", seed, version, b, got, want)
				}
			}
		}
	}
}

// TestForgets: what the set has forgotten counts as a conflict, and what the
// table remembers does not.
func TestForgets(t *testing.T) {
	key := func(i int) driver.Key { return driver.Key(fmt.Sprintf("%08d", i)) }
	s := New(0)
	const writes = 3 * maxRing
	for i := range writes {
		s.Add(uint64(i+1), key(i))
	}
	everything := []driver.Range{{Start: key(0), End: key(writes)}}
	elsewhere := []driver.Range{{Start: driver.Key("x"), End: driver.Key("y")}}
	for _, c := range []struct {
		name string
		b    driver.Batch
		want bool
	}{
		{"range, long ago", driver.Batch{Read: 1, Ranges: elsewhere}, true},
		{"range, lately", driver.Batch{Read: writes - 10, Ranges: elsewhere}, false},
		{"range written lately", driver.Batch{Read: writes - 10, Ranges: everything}, true},
		{"range, now", driver.Batch{Read: writes, Ranges: everything}, false},
		{"point written long ago", driver.Batch{Read: 0, Points: []driver.Key{key(0)}}, true},
		{"point written lately", driver.Batch{Read: writes - 10, Points: []driver.Key{key(writes - 5)}}, true},
		{"point written before, not lately", driver.Batch{Read: writes - 10, Points: []driver.Key{key(writes - 50)}}, false},
	} {
		if got := s.Conflicts(&c.b); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	if got := len(s.ring); got != maxRing {
		t.Errorf("the ring holds %d writes, want %d", got, maxRing)
	}
	for i := range 2000 {
		s.AddRange(uint64(writes+i+1), driver.Range{Start: key(i), End: key(i + 1)})
	}
	if b := (driver.Batch{Read: writes + 1, Points: []driver.Key{key(5000)}}); !s.Conflicts(&b) {
		t.Error("a forgotten range deletion is no conflict")
	}
	if b := (driver.Batch{Read: writes + 1990, Points: []driver.Key{key(5000)}}); s.Conflicts(&b) {
		t.Error("deletions of other ranges are a conflict")
	}
}

// TestBounded: long keys do not make the set large, and are remembered as far
// as they fit.
func TestBounded(t *testing.T) {
	s := New(0)
	key := func(i int) driver.Key {
		return append(driver.Key(fmt.Sprintf("%08d", i)), make([]byte, i*7919%(16<<10))...)
	}
	const writes = 3000
	for i := range writes {
		s.Add(uint64(i+1), key(i))
	}
	if len(s.keys) > maxKeys {
		t.Errorf("the keys take %d bytes, want at most %d", len(s.keys), maxKeys)
	}
	kept := int(s.next - s.first)
	if kept < 100 || kept > 300 {
		t.Errorf("%d keys of 8 KB on average in %d bytes", kept, maxKeys)
	}
	for i := writes - kept; i < writes; i++ {
		b := driver.Batch{Read: uint64(i), Ranges: []driver.Range{point(key(i))}}
		if !s.Conflicts(&b) {
			t.Errorf("write %d is forgotten", i)
		}
		if b.Read++; b.Read < s.floor || s.Conflicts(&b) {
			t.Errorf("write %d has another version", i)
		}
	}
}

func BenchmarkSet(b *testing.B) {
	s := New(0)
	keys := make([]driver.Key, 1<<16)
	for i := range keys {
		keys[i] = driver.Key(fmt.Sprintf("000000000000/us-east-1/ddb/%08d", i))
	}
	v := uint64(0)
	batch := &driver.Batch{Points: make([]driver.Key, 1)}
	b.ReportAllocs()
	for b.Loop() {
		k := keys[v%uint64(len(keys))]
		batch.Points[0] = k
		batch.Read = v - min(v, 64)
		s.Conflicts(batch)
		v++
		s.Add(v, k)
	}
}
