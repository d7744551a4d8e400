package timer_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk/disktest"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/pebblekv"
	"github.com/nube-run/nube/internal/timer"
)

// Through power cuts every timer fires exactly once, in the sense that counts:
// what it does to the store.
func TestCrash(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { crash(t, seed) })
	}
}

func crash(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 3))
	mem := disktest.NewMem()
	now := start
	acked := map[string]bool{}
	id := 0
	for life := range 4 {
		e, err := pebblekv.Open("kv", pebblekv.Options{FS: mem.FS()})
		if err != nil {
			t.Fatal(err)
		}
		db := kv.Open(e)
		b := newBed(t, db, stopped(now))
		b.timers.Handle("count", func(tx *kv.Tx, _ clock.Instant, tm timer.T) error {
			tx.Add(kv.Key("count/"+tm.ID), 1)
			return nil
		})
		b.start()
		for range 40 {
			tm := timer.T{Cell: []keyspace.Cell{here, there}[r.IntN(2)], Kind: "count", ID: fmt.Sprint(id), Due: now.Add(time.Duration(r.IntN(100))), OneShot: true}
			id++
			b.set(tm)
			acked[tm.ID] = true
			if r.IntN(4) == 0 {
				now = now.Add(time.Duration(r.IntN(50)))
				if err := b.model.Set(now); err != nil {
					t.Fatal(err)
				}
			}
		}
		var next *disktest.Mem
		if life < 3 {
			next = mem.Crash(r, r.IntN(101))
		} else {
			now = now.Add(time.Second)
			if _, err := b.settle.Advance(context.Background(), now); err != nil {
				t.Fatal(err)
			}
			if err := db.View(context.Background(), func(s *kv.Snap) error {
				for id := range acked {
					v, err := s.Get(kv.Key("count/" + id))
					if err != nil {
						return err
					}
					if n, err := kv.Int64(v); err != nil || n != 1 {
						t.Errorf("timer %s fired %d times, %v", id, n, err)
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		b.stop()
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		mem = next
	}
}
