package kvtest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/nube-run/nube/internal/kv"
)

// testConflicts overtakes an update by another one, and counts its runs.
func testConflicts(t *testing.T, open Open) {
	ctx := context.Background()
	k := func(s string) kv.Key { return kv.Key(s) }
	read := func(r kv.Range, o kv.ScanOptions, max int) func(*kv.Tx) {
		return func(tx *kv.Tx) { realTx{tx}.scan(r, o, max) }
	}
	ab := kv.Range{Start: k("a"), End: k("c")} // holds a and b
	for _, c := range []struct {
		name      string
		read      func(*kv.Tx)
		write     func(*kv.Tx)
		conflicts bool
	}{
		{"get, set", func(tx *kv.Tx) { tx.Get(k("a")) }, func(tx *kv.Tx) { tx.Set(k("a"), nil) }, true},
		{"get, set of another", func(tx *kv.Tx) { tx.Get(k("a")) }, func(tx *kv.Tx) { tx.Set(k("b"), nil) }, false},
		{"get of nothing, set", func(tx *kv.Tx) { tx.Get(k("x")) }, func(tx *kv.Tx) { tx.Set(k("x"), nil) }, true},
		{"get, delete", func(tx *kv.Tx) { tx.Get(k("a")) }, func(tx *kv.Tx) { tx.Delete(k("a")) }, true},
		{"get, deleteRange", func(tx *kv.Tx) { tx.Get(k("a")) }, func(tx *kv.Tx) { tx.DeleteRange(ab) }, true},
		{"get, deleteRange from it", func(tx *kv.Tx) { tx.Get(k("a")) }, func(tx *kv.Tx) { tx.DeleteRange(kv.Point(k("a"))) }, true},
		{"get, deleteRange up to it", func(tx *kv.Tx) { tx.Get(k("c")) }, func(tx *kv.Tx) { tx.DeleteRange(ab) }, false},
		{"get, add", func(tx *kv.Tx) { tx.Get(k("n")) }, func(tx *kv.Tx) { tx.Add(k("n"), 1) }, true},
		{"get all, set", func(tx *kv.Tx) { tx.GetAll(k("x"), k("a")) }, func(tx *kv.Tx) { tx.Set(k("a"), nil) }, true},
		{"get of own, set", func(tx *kv.Tx) { tx.Set(k("a"), nil); tx.Get(k("a")) }, func(tx *kv.Tx) { tx.Set(k("a"), nil) }, false},
		{"get after own add, add", func(tx *kv.Tx) { tx.Add(k("n"), 1); tx.Get(k("n")) }, func(tx *kv.Tx) { tx.Add(k("n"), 1) }, true},
		{"set, set", func(tx *kv.Tx) { tx.Set(k("a"), nil) }, func(tx *kv.Tx) { tx.Set(k("a"), nil) }, false},
		{"add, add", func(tx *kv.Tx) { tx.Add(k("n"), 1) }, func(tx *kv.Tx) { tx.Add(k("n"), 1) }, false},
		{"append, append", func(tx *kv.Tx) { tx.Append(k("l"), nil, nil) }, func(tx *kv.Tx) { tx.Append(k("l"), nil, nil) }, false},
		{"scan, append", read(kv.Prefix(k("l")), kv.ScanOptions{}, 0), func(tx *kv.Tx) { tx.Append(k("l"), nil, nil) }, true},
		{"scan, insert", read(ab, kv.ScanOptions{}, 0), func(tx *kv.Tx) { tx.Set(k("aa"), nil) }, true},
		{"scan, insert at its start", read(ab, kv.ScanOptions{}, 0), func(tx *kv.Tx) { tx.Set(k("a"), nil) }, true},
		{"scan, insert at its end", read(ab, kv.ScanOptions{}, 0), func(tx *kv.Tx) { tx.Set(k("c"), nil) }, false},
		{"scan, insert after the last pair", read(ab, kv.ScanOptions{}, 0), func(tx *kv.Tx) { tx.Set(k("bb"), nil) }, true},
		{"scan, deleteRange that meets it", read(ab, kv.ScanOptions{}, 0), func(tx *kv.Tx) { tx.DeleteRange(kv.Range{Start: k("b"), End: k("z")}) }, true},
		{"scan, deleteRange around it", read(ab, kv.ScanOptions{}, 0), func(tx *kv.Tx) { tx.DeleteRange(kv.Prefix(nil)) }, true},
		{"scan, deleteRange after it", read(ab, kv.ScanOptions{}, 0), func(tx *kv.Tx) { tx.DeleteRange(kv.Range{Start: k("c"), End: k("z")}) }, false},
		{"scan of nothing, insert", read(kv.Prefix(k("x")), kv.ScanOptions{}, 0), func(tx *kv.Tx) { tx.Set(k("x"), nil) }, true},
		{"scan left, insert beyond", read(ab, kv.ScanOptions{}, 1), func(tx *kv.Tx) { tx.Set(k("b"), nil) }, false},
		{"scan left, set of the last", read(ab, kv.ScanOptions{}, 1), func(tx *kv.Tx) { tx.Set(k("a"), nil) }, true},
		{"limit, insert beyond", read(ab, kv.ScanOptions{Limit: 1}, 0), func(tx *kv.Tx) { tx.Set(k("aa"), nil) }, false},
		{"limit not reached, insert", read(ab, kv.ScanOptions{Limit: 3}, 0), func(tx *kv.Tx) { tx.Set(k("aa"), nil) }, true},
		{"reverse left, insert below", read(ab, kv.ScanOptions{Reverse: true}, 1), func(tx *kv.Tx) { tx.Set(k("a"), nil) }, false},
		{"reverse left, insert above", read(ab, kv.ScanOptions{Reverse: true}, 1), func(tx *kv.Tx) { tx.Set(k("bb"), nil) }, true},
		{"reverse limit, set of the last", read(ab, kv.ScanOptions{Reverse: true, Limit: 1}, 0), func(tx *kv.Tx) { tx.Set(k("b"), nil) }, true},
		{"scan over own, insert before it", func(tx *kv.Tx) { tx.Set(k("aa"), nil); realTx{tx}.scan(ab, kv.ScanOptions{}, 2) }, func(tx *kv.Tx) { tx.Delete(k("a")) }, true},
		{"scan over own, insert beyond it", func(tx *kv.Tx) { tx.Set(k("aa"), nil); realTx{tx}.scan(ab, kv.ScanOptions{}, 2) }, func(tx *kv.Tx) { tx.Delete(k("b")) }, false},
		{"scan never run", func(tx *kv.Tx) { tx.Scan(ab, kv.ScanOptions{}) }, func(tx *kv.Tx) { tx.Set(k("a"), nil) }, false},
		{"peek, set", func(tx *kv.Tx) { tx.Peek().Get(k("a")) }, func(tx *kv.Tx) { tx.Set(k("a"), nil) }, false},
		{"guard, insert", func(tx *kv.Tx) { tx.Guard(ab) }, func(tx *kv.Tx) { tx.Set(k("aaa"), nil) }, true},
		{"guard of a point, set", func(tx *kv.Tx) { tx.Guard(kv.Point(k("a"))) }, func(tx *kv.Tx) { tx.Set(k("a"), nil) }, true},
		{"guard of a point, insert next to it", func(tx *kv.Tx) { tx.Guard(kv.Point(k("a"))) }, func(tx *kv.Tx) { tx.Set(k("a\x00"), nil) }, false},
		{"guard, set elsewhere", func(tx *kv.Tx) { tx.Guard(ab) }, func(tx *kv.Tx) { tx.Set(k("c"), nil) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := openDB(t, open)
			set(t, db, "a", "1")
			set(t, db, "b", "2")
			runs := 0
			update(t, db, func(tx *kv.Tx) error {
				runs++
				c.read(tx)
				if runs == 1 {
					if _, err := db.Update(ctx, func(tx *kv.Tx) error { c.write(tx); return nil }); err != nil {
						t.Error(err)
					}
				}
				tx.Set(k("done"), nil)
				return nil
			})
			if got := runs > 1; got != c.conflicts {
				t.Errorf("%d runs, want conflict: %v", runs, c.conflicts)
			}
		})
	}
	t.Run("overtaken for ever", func(t *testing.T) { testOvertaken(t, open) })
	t.Run("failed reads stand", func(t *testing.T) { testFailedReads(t, open) })
}

// testOvertaken overtakes an update at every run that can be overtaken.
func testOvertaken(t *testing.T, open Open) {
	db, ctx := openDB(t, open), context.Background()
	var others sync.WaitGroup
	defer others.Wait()
	runs, overtaken := 0, 0
	update(t, db, func(tx *kv.Tx) error {
		runs++
		if _, err := tx.Get(kv.Key("k")); err != nil {
			return err
		}
		done := make(chan error, 1)
		others.Go(func() {
			_, err := db.Update(ctx, func(tx *kv.Tx) error { tx.Set(kv.Key("k"), nil); return nil })
			done <- err
		})
		if runs <= 5 {
			if err := <-done; err != nil {
				t.Error(err)
			}
			overtaken++
		} // after that the other one waits for this one
		tx.Set(kv.Key("k"), []byte("last"))
		return nil
	})
	if runs != 6 || overtaken != 5 {
		t.Errorf("%d runs, overtaken %d times; want 6 and 5", runs, overtaken)
	}
}

// testFailedReads: an update that fails, or only reads, is not run again: it
// was true of the state that it read.
func testFailedReads(t *testing.T, open Open) {
	db, ctx := openDB(t, open), context.Background()
	for _, want := range []error{nil, errOnPurpose} {
		runs := 0
		_, err := db.Update(ctx, func(tx *kv.Tx) error {
			runs++
			tx.Get(kv.Key("k"))
			set(t, db, "k", fmt.Sprint(runs))
			return want
		})
		if err != want || runs != 1 {
			t.Errorf("Update = %v after %d runs, want %v after 1", err, runs, want)
		}
	}
}
