package sealkv

import (
	"bytes"
	"context"
	"testing"

	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv/driver"
	"github.com/nube-run/nube/internal/kv/kvtest"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/seal"
)

// keys is a sealer with keys of its own.
type keys struct{ seal.Keys }

func (keys) Ready(context.Context) error { return nil }

func (k keys) AppendSealed(_ context.Context, dst, text, associated []byte) ([]byte, error) {
	return k.Keys.AppendSealed(dst, text, associated), nil
}

func (k keys) Open(_ context.Context, envelope, associated []byte) ([]byte, error) {
	return k.Keys.Open(envelope, associated)
}

func newKeys(t testing.TB) keys {
	t.Helper()
	k, err := seal.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return keys{seal.Keys{k}}
}

func everything(driver.Key) bool { return true }

// An engine that seals everything is an engine like any other.
func TestConformance(t *testing.T) {
	kvtest.Run(t, func(t testing.TB) driver.Engine { return New(memkv.New(), newKeys(t), everything) })
}

func key(elems ...string) driver.Key {
	b := keyspace.Service(keyspace.Cell{Account: "123456789012", Region: "eu-west-1"}, "x", 0).Key()
	for _, e := range elems {
		b.Str(e)
	}
	return b.Done()
}

func commit(t *testing.T, e driver.Engine, ops ...driver.Op) {
	t.Helper()
	if r := e.Commit(t.Context(), []*driver.Batch{{Ops: ops}}); r[0].Err != nil {
		t.Fatal(r[0].Err)
	}
}

// lying returns all values as they lie.
func lying(t *testing.T, e driver.Engine) (ps []driver.Pair) {
	t.Helper()
	s, err := e.Snapshot(t.Context(), driver.Durable)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.Scan(t.Context(), driver.Range{Start: driver.Key{0}, End: driver.Key{0xff}}, driver.ScanOptions{}, func(p driver.Pair) bool {
		ps = append(ps, p)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return ps
}

// What the rule names is sealed where it lies, appended values too, and nothing
// else; a store that was not sealed is read.
func TestSealed(t *testing.T) {
	inner := memkv.New()
	e := New(inner, newKeys(t), func(k driver.Key) bool { return !bytes.Equal(k, key("open")) })
	text := []byte("a text that is long enough")
	commit(t, inner, driver.Op{Key: key("old"), Value: text})
	stamped := keyspace.Service(keyspace.Cell{Account: "123456789012", Region: "eu-west-1"}, "x", 0).Key().Str("log").Stamped()
	commit(t, e, driver.Op{Key: key("open"), Value: text}, driver.Op{Key: key("secret"), Value: text}, driver.Op{Key: key("short"), Value: text[:8]},
		driver.Op{Kind: driver.OpAppend, Key: stamped, Suffix: driver.Key("end"), Value: text})
	want := map[string]bool{string(key("old")): true, string(key("open")): true, string(key("short")): true}
	for _, p := range lying(t, inner) {
		if got := bytes.Contains(p.Value, text[:8]); got != want[string(p.Key)] {
			t.Errorf("%s lies open: %v", p.Key, got)
		}
	}
	n := 0
	for _, p := range lying(t, e) {
		if !bytes.HasPrefix(text, p.Value) {
			t.Errorf("%s is read as %q", p.Key, p.Value)
		}
		n++
	}
	if n != 5 {
		t.Errorf("%d values", n)
	}
	s, err := e.Snapshot(Raw(t.Context()), driver.Durable)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if v, err := s.Get(t.Context(), key("secret")); err != nil || v[0] != mark {
		t.Errorf("as it lies: %q, %v", v, err)
	}
}

// A value that was moved to another key does not open.
func TestMoved(t *testing.T) {
	inner := memkv.New()
	e := New(inner, newKeys(t), everything)
	commit(t, e, driver.Op{Key: key("a"), Value: []byte("a text that is long enough")})
	commit(t, inner, driver.Op{Key: key("b"), Value: lying(t, inner)[0].Value})
	s, err := e.Snapshot(t.Context(), driver.Durable)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if v, err := s.Get(t.Context(), key("b")); err == nil {
		t.Errorf("it opened: %q", v)
	}
	if err := s.Scan(t.Context(), driver.Range{Start: driver.Key{0}, End: driver.Key{0xff}}, driver.ScanOptions{}, func(driver.Pair) bool { return true }); err == nil {
		t.Error("a scan goes past it")
	}
}

// A value that was opened is the newest again when it was set again, and in a
// snapshot of before it is the one of then.
func TestOpenedBefore(t *testing.T) {
	e := New(memkv.New(), newKeys(t), everything)
	old, text := []byte("a text that is long enough"), []byte("another one, long enough too")
	get := func(s driver.Snapshot, want []byte) {
		t.Helper()
		for range 2 {
			if got, err := s.Get(t.Context(), key("a")); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("got %q, %v, want %q", got, err, want)
			}
		}
	}
	snap := func() driver.Snapshot {
		s, err := e.Snapshot(t.Context(), driver.Durable)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	commit(t, e, driver.Op{Key: key("a"), Value: old})
	before := snap()
	get(before, old)
	commit(t, e, driver.Op{Key: key("a"), Value: text})
	get(snap(), text)
	get(before, old)
	for i := range 3 * openedMost {
		k := key("many", string(rune('0'+i)))
		commit(t, e, driver.Op{Key: k, Value: text})
		if got, err := snap().Get(t.Context(), k); err != nil || !bytes.Equal(got, text) {
			t.Fatalf("%d: got %q, %v", i, got, err)
		}
	}
	if n := len(e.opened.of); n > openedMost {
		t.Errorf("%d values are remembered", n)
	}
}
