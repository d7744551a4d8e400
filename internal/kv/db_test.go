package kv_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/driver"
	"github.com/nube-run/nube/internal/kv/memkv"
)

func open(t testing.TB) *kv.DB {
	db := kv.Open(memkv.New())
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestBodyTakesTooLong(t *testing.T) {
	for name, read := range map[string]func(*kv.Tx) error{
		"busy": func(*kv.Tx) error { return nil },
		"reading": func(tx *kv.Tx) error {
			for {
				if _, err := tx.Get(kv.Key("k")); err != nil {
					return nil // what it makes of it does not count
				}
			}
		},
		"scanning": func(tx *kv.Tx) error {
			for _, err := range tx.Scan(kv.Prefix(nil), kv.ScanOptions{}) {
				if err == nil {
					t.Error("a scan began after the time was over")
				}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := open(t)
				runs := 0
				_, err := db.Update(t.Context(), func(tx *kv.Tx) error {
					runs++
					tx.Set(kv.Key("k"), nil)
					time.Sleep(kv.MaxBody + time.Millisecond)
					return read(tx)
				})
				if !errors.Is(err, kv.ErrTooSlow) || runs != 1 {
					t.Errorf("Update: %v after %d runs, want ErrTooSlow after 1", err, runs)
				}
			})
		})
	}
}

// scripted is an engine that answers commits from a list, and tells of the
// commits of other processes.
type scripted struct {
	driver.Engine
	results []error
	batches []driver.Batch
	hints   []driver.Key
	changes chan driver.Change
	broken  chan struct{}
}

func (e *scripted) SnapshotNear(ctx context.Context, f driver.Freshness, hint driver.Key) (driver.Snapshot, error) {
	e.hints = append(e.hints, hint)
	return e.Engine.Snapshot(ctx, f)
}

func (e *scripted) Commit(ctx context.Context, bs []*driver.Batch) []driver.Result {
	e.batches = append(e.batches, *bs[0])
	err := e.results[0]
	e.results = e.results[1:]
	return []driver.Result{{Version: 7, Err: err}}
}

func (e *scripted) Follow(ctx context.Context, _ uint64) iter.Seq2[driver.Change, error] {
	return func(yield func(driver.Change, error) bool) {
		for {
			select {
			case c := <-e.changes:
				if !yield(c, nil) {
					return
				}
			case <-e.broken:
				yield(driver.Change{}, driver.ErrBroken)
				return
			case <-ctx.Done():
				yield(driver.Change{}, ctx.Err())
				return
			}
		}
	}
}

func newScripted(results ...error) *scripted {
	return &scripted{Engine: memkv.New(), results: results, changes: make(chan driver.Change), broken: make(chan struct{})}
}

func TestUpdateRetriesConflictsOnly(t *testing.T) {
	c, boom := driver.ErrConflict, errors.New("boom")
	for _, tt := range []struct {
		name    string
		results []error
		want    error
		runs    int
	}{
		{"at once", []error{nil}, nil, 1},
		{"second", []error{c, nil}, nil, 2},
		{"under the lock", []error{c, c, c, c, c, nil}, nil, 6},
		{"conflict under the lock", []error{c, c, c, c, c, c}, c, 6},
		{"another error", []error{c, boom}, boom, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := newScripted(tt.results...)
			db := kv.Open(e)
			defer db.Close()
			runs := 0
			stamp, err := db.Update(t.Context(), func(tx *kv.Tx) error { runs++; tx.Set(kv.Key("k"), nil); return nil }, kv.Hint(kv.Key("cell")))
			if !errors.Is(err, tt.want) || runs != tt.runs {
				t.Fatalf("Update: %v after %d runs, want %v after %d", err, runs, tt.want, tt.runs)
			}
			if err == nil && stamp != keyspace.NewStamp(7, 0) {
				t.Errorf("stamp %v, want 7.0", stamp)
			}
			ids := map[[16]byte]bool{}
			for i, b := range e.batches {
				ids[b.ID] = true
				if b.Exclusive != (i == 5) {
					t.Errorf("run %d: exclusive is %v", i, b.Exclusive)
				}
			}
			if len(ids) != runs {
				t.Errorf("%d batch ids for %d runs", len(ids), runs)
			}
			if len(e.hints) != runs || string(e.hints[0]) != "cell" {
				t.Errorf("hints %q", e.hints)
			}
		})
	}
}

func TestOtherProcessesSignal(t *testing.T) {
	e := newScripted()
	db := kv.Open(e)
	defer db.Close()
	a, b := db.Watch(kv.Key("a")), db.Watch(kv.Key("b"))
	defer a.Close()
	defer b.Close()
	e.changes <- driver.Change{Topics: []driver.Key{kv.Key("a")}}
	<-a.C()
	e.changes <- driver.Change{Lost: true}
	<-a.C()
	<-b.C()
	close(e.broken)
	<-a.C() // to look, and find the error
	<-db.Broken()
}

func TestUpdateAllocates(t *testing.T) {
	db, ctx := open(t), context.Background()
	k, v := kv.Key("k"), []byte("v")
	body := func(tx *kv.Tx) error {
		_, err := tx.Get(k)
		tx.Set(k, v)
		return err
	}
	got := testing.AllocsPerRun(200, func() {
		if _, err := db.Update(ctx, body); err != nil {
			t.Fatal(err)
		}
	})
	// The transaction, the results, and what memkv makes: a snapshot and its
	// tree, a node of the tree, an item, and one to look it up by.
	if most := 10.0; got > most {
		t.Errorf("%v allocations an update, want at most %v", got, most)
	}
}
