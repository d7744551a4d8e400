package dynamodb

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/disk/disktest"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/pebblekv"
)

// The power fails while items are written, expire and are read from the stream. On the disk that is found every write
// that was acknowledged has its record, every record its write, once, and what was to expire does.
//
// Mutations that make it fail: appending the record in a transaction of its own; deleting what expires without a record;
// keeping the order of expiry in memory.
func TestStreamAfterPowerLoss(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { powerLoss(t, seed) })
	}
}

func powerLoss(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 3))
	disk := disktest.NewMem()
	c := cloudOnDisk(t, disk)
	c.do("CreateTable", streamed("plain", viewBoth))
	c.do("UpdateTimeToLive", ttlOn)
	c.runTimers()

	const writers = 8
	var (
		cut   atomic.Int32 // writes until the power fails
		acked [writers]int // before it did
		found *disktest.Mem
	)
	cut.Store(int32(20 + rng.IntN(200)))
	done := make(chan struct{})
	tasks := make(chan int)
	go func() {
		defer close(tasks)
		for i := 0; ; i++ {
			select {
			case tasks <- i % 3:
			case <-done:
				return
			}
		}
	}()
	together(writers, func(w int) {
		for n := 0; ; n++ {
			kind, more := <-tasks
			if !more {
				return
			}
			in := time.Hour
			if kind == 0 {
				in = -time.Second // goes at once
			}
			c.putTTL(fmt.Sprintf("%d-%d", w, n), in)
			if cut.Load() > 0 { // the power was on when the answer came
				acked[w] = n + 1
			}
			if cut.Add(-1) == 0 {
				found = disk.Crash(rng, rng.IntN(101))
				close(done)
			}
		}
	})
	c = cloudOnDisk(t, found)
	if err := c.s.Start(c.ctx); err != nil {
		t.Fatal(err)
	}
	tb := c.checkStream(acked[:])
	c.runTimers()
	c.advanceTo(2 * time.Hour)
	c.checkStream(acked[:])
	if items := c.verify("plain"); len(items) != 0 {
		t.Errorf("%d items have not expired", len(items))
	}
	c.noExpiries(tb.ID)
	removed := map[string]int{}
	for _, r := range c.records("plain") {
		if r.event == eventRemove {
			if !r.expired {
				t.Errorf("%s was removed by somebody", r.key.Get("id").Str())
			}
			removed[r.key.Get("id").Str()]++
		}
	}
	for id, n := range removed {
		if n != 1 {
			t.Errorf("%s expired %d times", id, n)
		}
	}
}

// checkStream checks that the stream leads to what the table has, and has what was acknowledged.
func (c *cloud) checkStream(acked []int) *table {
	c.t.Helper()
	var tb *table
	if err := c.s.look(c.ctx, "plain", func(_ *kv.Snap, x *table) error { tb = x; return nil }); err != nil {
		c.t.Fatal(err)
	}
	records := c.records("plain")
	inserted := map[string]int{}
	for _, r := range records {
		if r.event == eventInsert {
			inserted[r.key.Get("id").Str()]++
		}
	}
	for w, n := range acked {
		for i := range n {
			if id := fmt.Sprintf("%d-%d", w, i); inserted[id] != 1 {
				c.t.Errorf("%s was acknowledged and has %d records", id, inserted[id])
			}
		}
	}
	got, want := sortedItems(replay(c.t, tb, records)), sortedItems(c.verify("plain"))
	if !slices.Equal(got, want) {
		c.t.Errorf("the stream leads to\n%s\nthe table has\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	return tb
}

func cloudOnDisk(t *testing.T, disk *disktest.Mem) *cloud {
	t.Helper()
	engine, err := pebblekv.Open("data", pebblekv.Options{FS: disk.FS()})
	if err != nil {
		t.Fatal(err)
	}
	return openCloud(t, engine)
}
