package kvtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/kv"
)

func testSemantics(t *testing.T, open Open) {
	t.Run("Values", func(t *testing.T) { testValues(t, open) })
	t.Run("OwnWrites", func(t *testing.T) { testOwnWrites(t, open) })
	t.Run("Scans", func(t *testing.T) { testScans(t, open) })
	t.Run("ScanWhileWriting", func(t *testing.T) { testScanWhileWriting(t, open) })
	t.Run("Appends", func(t *testing.T) { testAppends(t, open) })
	t.Run("Counters", func(t *testing.T) { testCounters(t, open) })
	t.Run("Failures", func(t *testing.T) { testFailures(t, open) })
	t.Run("AfterTheEnd", func(t *testing.T) { testAfterTheEnd(t, open) })
	t.Run("CloseWaits", func(t *testing.T) { testCloseWaits(t, open) })
}

// testValues tells empty from absent, and keeps what was returned intact.
func testValues(t *testing.T, open Open) {
	db := openDB(t, open)
	update(t, db, func(tx *kv.Tx) error {
		tx.Set(kv.Key("empty"), nil)
		tx.Set(kv.Key("v"), []byte("old"))
		return nil
	})
	var kept []byte
	update(t, db, func(tx *kv.Tx) error {
		vs, err := tx.GetAll(kv.Key("v"), kv.Key("none"), kv.Key("empty"))
		if err != nil {
			return err
		}
		if string(vs[0]) != "old" || vs[1] != nil || vs[2] == nil || len(vs[2]) != 0 {
			t.Errorf("GetAll = %q, %v, %v; want old, nil, empty", vs[0], vs[1], vs[2])
		}
		kept = vs[0]
		return nil
	})
	for i := range 200 {
		set(t, db, "v", fmt.Sprint("new", i))
	}
	if string(kept) != "old" {
		t.Errorf("a value returned earlier became %q", kept)
	}
	err := db.View(context.Background(), func(s *kv.Snap) error {
		vs, err := s.GetAll(kv.Key("empty"), kv.Key("none"))
		if err == nil && (vs[0] == nil || vs[1] != nil) {
			t.Errorf("GetAll in a view = %v, %v; want empty, nil", vs[0], vs[1])
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// testOwnWrites runs steps inside one transaction, on top of committed pairs
// a=1 b=2 c=3 d=4 and the counter n=7.
func testOwnWrites(t *testing.T, open Open) {
	all := kv.Prefix(nil)
	type call = func(tx) string
	do := func(fn func(tx)) call { return func(t tx) string { fn(t); return "" } }
	get := func(k string) call { return func(t tx) string { return t.get(k) } }
	scan := func(o kv.ScanOptions) call { return func(t tx) string { return t.scan(all, o, 0) } }
	rng := func(from, to string) kv.Range { return kv.Range{Start: kv.Key(from), End: kv.Key(to)} }
	for name, calls := range map[string][]call{
		"set":                   {do(func(t tx) { t.set("b", "x") }), get("b"), scan(kv.ScanOptions{})},
		"set twice":             {do(func(t tx) { t.set("b", "x"); t.set("b", "y") }), get("b")},
		"delete":                {do(func(t tx) { t.del("b") }), get("b"), scan(kv.ScanOptions{Reverse: true})},
		"delete and set":        {do(func(t tx) { t.del("b"); t.set("b", "x") }), get("b")},
		"set and delete":        {do(func(t tx) { t.set("bb", "x"); t.del("bb") }), get("bb"), scan(kv.ScanOptions{})},
		"between":               {do(func(t tx) { t.set("aa", "x"); t.set("z", "y"); t.set("A", "0") }), scan(kv.ScanOptions{}), scan(kv.ScanOptions{Reverse: true})},
		"limit":                 {do(func(t tx) { t.set("aa", "x"); t.del("a") }), scan(kv.ScanOptions{Limit: 2}), scan(kv.ScanOptions{Limit: 3, Reverse: true})},
		"keys only":             {do(func(t tx) { t.set("aa", "x"); t.add("n", 1); t.add("m", 1) }), scan(kv.ScanOptions{KeysOnly: true})},
		"deleteRange":           {do(func(t tx) { t.delRange(rng("b", "d")) }), get("b"), get("d"), scan(kv.ScanOptions{})},
		"set in deleteRange":    {do(func(t tx) { t.set("b", "x"); t.delRange(rng("b", "d")) }), get("b"), scan(kv.ScanOptions{})},
		"set after deleteRange": {do(func(t tx) { t.delRange(rng("b", "d")); t.set("c", "x") }), get("c"), scan(kv.ScanOptions{Reverse: true, Limit: 3})},
		"add":                   {do(func(t tx) { t.add("n", 1); t.add("n", -3) }), get("n"), scan(kv.ScanOptions{})},
		"add to nothing":        {do(func(t tx) { t.add("m", 5) }), get("m"), scan(kv.ScanOptions{Reverse: true})},
		"add to own":            {do(func(t tx) { t.set("m", "\x00\x00\x00\x00\x00\x00\x00\x01"); t.add("m", 5) }), get("m")},
		"add to deleted":        {do(func(t tx) { t.del("n"); t.add("n", 5) }), get("n"), scan(kv.ScanOptions{})},
		"add in deleteRange":    {do(func(t tx) { t.delRange(all); t.add("n", 5) }), get("n"), scan(kv.ScanOptions{})},
		"add, then deleteRange": {do(func(t tx) { t.add("n", 5); t.delRange(all) }), get("n"), do(func(t tx) { t.add("n", 1) }), get("n")},
		"add, then set":         {do(func(t tx) { t.add("n", 5); t.set("n", "x") }), get("n")},
		"getAll": {do(func(t tx) { t.set("b", "x"); t.del("c"); t.add("n", 1); t.add("m", 1) }),
			func(t tx) string { return t.getAll([]string{"n", "c", "b", "a", "m", "none", "n"}) }},
		"many": {do(func(t tx) {
			for i := range 1000 { // in an order that is not theirs
				t.set(fmt.Sprintf("many%03d", i*617%1000), "v")
			}
			for i := 0; i < 1000; i += 3 {
				t.del(fmt.Sprintf("many%03d", i))
			}
			t.delRange(rng("many500", "many600"))
		}), scan(kv.ScanOptions{}), scan(kv.ScanOptions{Reverse: true}), scan(kv.ScanOptions{Limit: 400}), get("many501"), get("many601")},
	} {
		t.Run(name, func(t *testing.T) {
			db := openDB(t, open)
			m := model{}
			setup := do(func(t tx) {
				for k, v := range map[string]string{"a": "1", "b": "2", "c": "3", "d": "4"} {
					t.set(k, v)
				}
				t.add("n", 7)
			})
			for i, calls := range [][]call{{setup}, calls} {
				var steps []step
				stamp := update(t, db, func(tx *kv.Tx) error {
					steps = nil
					for _, c := range calls {
						steps = append(steps, step{do: c, got: c(realTx{tx})})
					}
					return nil
				})
				if err := m.run(steps, stamp.Version()); err != nil {
					t.Errorf("transaction %d: %v", i, err)
				}
			}
			if d := cmp.Diff(m, dump(t, db)); d != "" {
				t.Errorf("contents (-want +got):\n%s", d)
			}
		})
	}
}

func testScans(t *testing.T, open Open) {
	db := openDB(t, open)
	const n = 300
	update(t, db, func(tx *kv.Tx) error {
		for i := range n {
			tx.Set(kv.Key(fmt.Sprintf("k%03d", i)), fmt.Append(nil, i))
		}
		tx.Set(kv.Key("\x00"), []byte("low"))
		tx.Set(kv.Key("\xfe\xff"), []byte("high"))
		return nil
	})
	list := func(r kv.Range, o kv.ScanOptions) string {
		var inTx, inView []string
		update(t, db, func(tx *kv.Tx) error {
			inTx = nil
			for p, err := range tx.Scan(r, o) {
				if err != nil {
					return err
				}
				inTx = append(inTx, string(p.Key))
			}
			return nil
		})
		err := db.View(context.Background(), func(s *kv.Snap) error {
			for p, err := range s.Scan(r, o) {
				if err != nil {
					return err
				}
				inView = append(inView, string(p.Key))
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if d := cmp.Diff(inTx, inView); d != "" {
			t.Errorf("transaction and view differ:\n%s", d)
		}
		return strings.Join(inView, " ")
	}
	rng := func(from, to string) kv.Range { return kv.Range{Start: kv.Key(from), End: kv.Key(to)} }
	for _, c := range []struct {
		r    kv.Range
		o    kv.ScanOptions
		want string
	}{
		{rng("k005", "k008"), kv.ScanOptions{}, "k005 k006 k007"},
		{rng("k005", "k008"), kv.ScanOptions{Reverse: true}, "k007 k006 k005"},
		{rng("k005", "k008"), kv.ScanOptions{Limit: 2}, "k005 k006"},
		{rng("k005", "k008"), kv.ScanOptions{Limit: 2, Reverse: true, KeysOnly: true}, "k007 k006"},
		{rng("k005x", "k006x"), kv.ScanOptions{}, "k006"},
		{rng("k297", "z"), kv.ScanOptions{Reverse: true}, "k299 k298 k297"},
		{rng("k298", "\xff"), kv.ScanOptions{}, "k298 k299 \xfe\xff"},
		{rng("", "k001"), kv.ScanOptions{}, "\x00 k000"},
		{rng("k008", "k005"), kv.ScanOptions{}, ""},
		{rng("k008", "k008"), kv.ScanOptions{Reverse: true}, ""},
		{kv.Point(kv.Key("k008")), kv.ScanOptions{}, "k008"},
		{kv.Prefix(kv.Key("k29")), kv.ScanOptions{Limit: 3}, "k290 k291 k292"},
		{kv.Prefix(kv.Key("\xfe\xff")), kv.ScanOptions{}, "\xfe\xff"},
	} {
		if got := list(c.r, c.o); got != c.want {
			t.Errorf("scan %q to %q %+v: %q, want %q", string(c.r.Start), string(c.r.End), c.o, got, c.want)
		}
	}
	if got := strings.Count(list(kv.Prefix(nil), kv.ScanOptions{}), " "); got != n+1 {
		t.Errorf("scan of everything: %d pairs, want %d", got+1, n+2)
	}
}

// testScanWhileWriting changes what a loop is walking over.
func testScanWhileWriting(t *testing.T, open Open) {
	db := openDB(t, open)
	set(t, db, "k1", "committed")
	update(t, db, func(tx *kv.Tx) error {
		for i := range 300 {
			tx.Set(kv.Key(fmt.Sprintf("k3%03d", i)), []byte("own"))
		}
		n := 0
		for p, err := range tx.Scan(kv.Prefix(kv.Key("k")), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			n++
			tx.Delete(p.Key)
			tx.Set(append(kv.Key("k9"), p.Key...), p.Value) // ahead of the loop
			tx.Delete(kv.Key("k3299"))                      // too
			if n == 100 {
				tx.DeleteRange(kv.Prefix(kv.Key("k3")))
			}
		}
		if n != 301 {
			t.Errorf("the loop saw %d pairs, want the 301 that were there when it began", n)
		}
		return nil
	})
	if got := len(dump(t, db)); got != 301 {
		t.Errorf("%d pairs, want 301", got)
	}
}

func testAppends(t *testing.T, open Open) {
	db := openDB(t, open)
	var last kv.Stamp
	for i := range 5 {
		stamp := update(t, db, func(tx *kv.Tx) error {
			for j := range 3 {
				if op := tx.Append(kv.Key("log/"), kv.Key("/suffix"), fmt.Appendf(nil, "%d.%d", i, j)); int(op) != j {
					t.Errorf("Append returned %d, want %d", op, j)
				}
			}
			if v, err := tx.Get(kv.Key("log/")); v != nil || err != nil {
				t.Errorf("the prefix itself: %q, %v", v, err)
			}
			for p, err := range tx.Scan(kv.Prefix(kv.Key("log/")), kv.ScanOptions{Reverse: true}) {
				if err != nil {
					return err
				}
				if want := fmt.Sprintf("%d.2", i-1); string(p.Value) != want {
					t.Errorf("the newest entry reads %s, want %s: an update does not see its own appends", p.Value, want)
				}
				break
			}
			tx.DeleteRange(kv.Prefix(kv.Key("log/none")))
			return nil
		})
		if stamp.Compare(last) <= 0 || stamp.Op() != 0 {
			t.Errorf("stamp %v after %v", stamp, last)
		}
		last = stamp
	}
	var got []string
	contents := dump(t, db)
	for k, v := range contents {
		if !strings.HasPrefix(k, "log/") || !strings.HasSuffix(k, "/suffix") || len(k) != len("log/")+10+len("/suffix") {
			t.Errorf("key %q", k)
		}
		got = append(got, v)
	}
	s := last.At(2)
	if v := contents["log/"+string(s[:])+"/suffix"]; v != "4.2" || len(got) != 15 {
		t.Errorf("%d entries, and %v is %q, want 15 and 4.2", len(got), s, v)
	}
}

func testCounters(t *testing.T, open Open) {
	db, ctx := openDB(t, open), context.Background()
	n := kv.Key("n")
	want := func(want int64) {
		t.Helper()
		err := db.View(ctx, func(s *kv.Snap) error {
			v, err := s.Get(n)
			if err != nil {
				return err
			}
			got, err := kv.Int64(v)
			if got != want {
				t.Errorf("counter at %d, want %d", got, want)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	add := func(d int64) { t.Helper(); update(t, db, func(tx *kv.Tx) error { tx.Add(n, d); return nil }) }
	want(0)
	add(5)
	add(-7)
	want(-2)
	update(t, db, func(tx *kv.Tx) error { tx.Set(n, kv.Counter(100)); return nil })
	add(1)
	want(101)
	update(t, db, func(tx *kv.Tx) error { tx.Delete(n); return nil })
	add(1)
	want(1)
	update(t, db, func(tx *kv.Tx) error { tx.DeleteRange(kv.Prefix(n)); return nil })
	add(3)
	want(3)
	update(t, db, func(tx *kv.Tx) error { tx.Add(n, 1); _, err := tx.Get(n); return err })
	want(4)

	set(t, db, "n", "no counter")
	for name, body := range map[string]func(*kv.Tx) error{
		"blind":     func(tx *kv.Tx) error { tx.Set(kv.Key("other"), nil); tx.Add(n, 1); return nil },
		"and get":   func(tx *kv.Tx) error { tx.Add(n, 1); _, err := tx.Get(n); return err },
		"swallowed": func(tx *kv.Tx) error { tx.Add(n, 1); tx.Get(n); return nil },
		"own":       func(tx *kv.Tx) error { tx.Set(n, []byte("x")); tx.Add(n, 1); return nil },
	} {
		if _, err := db.Update(ctx, body); !errors.Is(err, kv.ErrNotCounter) {
			t.Errorf("%s: adding to a string: %v, want ErrNotCounter", name, err)
		}
	}
	if d := cmp.Diff(model{"n": "no counter"}, dump(t, db)); d != "" {
		t.Errorf("a failed addition left something (-want +got):\n%s", d)
	}
}

// testFailures has updates and views end by an error, a panic and a context.
func testFailures(t *testing.T, open Open) {
	db, ctx := openDB(t, open), context.Background()
	boom := errors.New("boom")
	write := func(tx *kv.Tx) { tx.Set(kv.Key("k"), nil); tx.Append(kv.Key("l"), nil, nil) }
	called := false
	if _, err := db.Update(ctx, func(tx *kv.Tx) error { write(tx); tx.After(func(kv.Stamp) { called = true }); return boom }); !errors.Is(err, boom) {
		t.Errorf("Update: %v, want the body's error", err)
	}
	if err := db.View(ctx, func(*kv.Snap) error { return boom }); !errors.Is(err, boom) {
		t.Errorf("View: %v, want the body's error", err)
	}
	func() {
		defer func() {
			if recover() != boom {
				t.Error("the body's panic did not come through")
			}
		}()
		db.Update(ctx, func(tx *kv.Tx) error { write(tx); panic(boom) })
	}()
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := db.Update(gone, func(tx *kv.Tx) error { write(tx); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("Update with an ended context: %v", err)
	}
	if err := db.View(gone, func(*kv.Snap) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("View with an ended context: %v", err)
	}
	if called {
		t.Error("After was called for an update that failed")
	}
	if got := dump(t, db); len(got) != 0 {
		t.Errorf("failed updates left %v", got)
	}
}

// testAfterTheEnd uses a transaction and a store that have ended.
func testAfterTheEnd(t *testing.T, open Open) {
	db, ctx := kv.Open(open(t)), context.Background()
	var leaked *kv.Tx
	update(t, db, func(tx *kv.Tx) error { leaked = tx; return nil })
	func() {
		defer func() {
			if recover() == nil {
				t.Error("using a transaction that has ended did not panic")
			}
		}()
		leaked.Set(kv.Key("k"), nil)
	}()
	closeDB(t, db)
	if _, err := db.Update(ctx, func(*kv.Tx) error { return nil }); !errors.Is(err, kv.ErrClosed) {
		t.Errorf("Update after Close: %v", err)
	}
	if err := db.View(ctx, func(*kv.Snap) error { return nil }); !errors.Is(err, kv.ErrClosed) {
		t.Errorf("View after Close: %v", err)
	}
	if err := db.Close(); !errors.Is(err, kv.ErrClosed) {
		t.Errorf("second Close: %v", err)
	}
}

// testCloseWaits closes a store in use.
func testCloseWaits(t *testing.T, open Open) {
	db := kv.Open(open(t))
	var begun, all sync.WaitGroup
	for i := range 8 {
		begun.Add(1)
		all.Go(func() {
			once := sync.OnceFunc(begun.Done) // the body may run again
			for n := 0; ; n++ {
				_, err := db.Update(context.Background(), func(tx *kv.Tx) error {
					once()
					tx.Append(kv.Key("log"), nil, nil)
					_, err := tx.Get(kv.Key(fmt.Sprint(i)))
					return err
				}, []kv.Option{{}, kv.Relaxed()}[i%2])
				if err == nil {
					err = db.View(context.Background(), func(s *kv.Snap) error { _, err := s.Get(kv.Key("k")); return err })
				}
				if err != nil {
					if !errors.Is(err, kv.ErrClosed) {
						t.Errorf("after %d rounds: %v, want ErrClosed", n, err)
					}
					return
				}
			}
		})
	}
	begun.Wait()
	closeDB(t, db)
	all.Wait()
}
