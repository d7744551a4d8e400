package pebblekv

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"sync"
	"testing"

	"github.com/nube-run/nube/internal/disk/disktest"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/driver"
)

// TestHotRowsAreOfTheState reads rows until they are kept, while others write
// them and delete the range around them: every read of a state is what a scan
// of that state finds, which goes past what is kept.
//
// Mutations that it finds: a commit that does not move a slot's version, one
// that does so after its state is there, a row served to older states, a
// deleted range that is not noted.
func TestHotRowsAreOfTheState(t *testing.T) {
	opened, err := openOn(disktest.NewMem().FS())
	if err != nil {
		t.Fatal(err)
	}
	e := opened.(*Engine)
	db := kv.Open(e)
	defer db.Close()
	key := func(i int) kv.Key { return fmt.Appendf(nil, "k%d", i) }
	const keys, rounds = 3, 3000
	ctx := t.Context()
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		wg.Go(func() {
			for n := uint64(1); ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := db.Update(ctx, func(tx *kv.Tx) error {
					if n%7 == 0 {
						tx.DeleteRange(kv.Range{Start: key(0), End: kv.Key("l")})
						return nil
					}
					for i := range keys {
						tx.Set(key(i), binary.BigEndian.AppendUint64(nil, n))
					}
					return nil
				}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	kept := 0
	for range rounds {
		for _, f := range []driver.Freshness{driver.Durable, driver.Applied} {
			kept += sameAsScan(ctx, t, e, f, key)
		}
	}
	close(stop)
	wg.Wait()
	// With nobody writing, the third read of a key is a kept one.
	for range 3 {
		sameAsScan(ctx, t, e, driver.Durable, key)
	}
	if n := sameAsScan(ctx, t, e, driver.Durable, key); n != keys {
		t.Errorf("of %d keys that are read over and over %d are kept", keys, n)
	}
	t.Logf("%d reads were of kept rows", kept)
}

// sameAsScan compares the rows of one state with a scan of it, and counts those
// that are kept.
func sameAsScan(ctx context.Context, t *testing.T, e *Engine, f driver.Freshness, key func(int) kv.Key) (kept int) {
	t.Helper()
	s, err := e.Snapshot(ctx, f)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want := map[string]string{}
	if err := s.Scan(ctx, driver.Range{Start: key(0), End: kv.Key("l")}, driver.ScanOptions{}, func(p driver.Pair) bool {
		want[string(p.Key)] = string(p.Value)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		k := key(i)
		v, err := s.Get(ctx, k)
		if err != nil {
			t.Fatal(err)
		}
		w, there := want[string(k)]
		if (v != nil) != there || string(v) != w {
			t.Fatalf("version %d, key %s: got %x, a scan finds %x", s.Version(), k, v, w)
		}
		if e.hot.row(&e.hot.slots[maphash.Bytes(e.hot.seed, k)%hotSlots], k, s.Version()) != nil {
			kept++
		}
	}
	return kept
}
