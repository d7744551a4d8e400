package kvtest

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/nube-run/nube/internal/disk"
	"github.com/nube-run/nube/internal/disk/disktest"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/driver"
)

// OpenOn opens the engine whose data is on fs, which may be empty.
type OpenOn func(fs disk.FS) (driver.Engine, error)

// RunDisk tests what becomes of an engine when the power fails, and when the
// disk does.
func RunDisk(t *testing.T, open OpenOn) {
	t.Run("Reopen", func(t *testing.T) { testReopen(t, open) })
	t.Run("Crash", func(t *testing.T) {
		eachSeed(t, 2, func(t *testing.T, seed uint64) { testCrash(t, open, seed) })
	})
	t.Run("DyingDisk", func(t *testing.T) {
		eachSeed(t, 4, func(t *testing.T, seed uint64) { testDyingDisk(t, open, seed) })
	})
}

func openOn(t *testing.T, open OpenOn, fs disk.FS) *kv.DB {
	t.Helper()
	e, err := open(fs)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return kv.Open(e)
}

func closeDB(t *testing.T, db *kv.DB) {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// testReopen closes a store cleanly, where nothing at all may be lost.
func testReopen(t *testing.T, open OpenOn) {
	mem := disktest.NewMem()
	var base model
	var last uint64
	for seed := range uint64(3) {
		db := openOn(t, open, mem.FS())
		h := newHistory(db, seed, base)
		h.acked.Store(last)
		h.run(4, 30)
		last = h.acked.Load()
		closeDB(t, db)
		mem = mem.Crash(nil, 0) // what is closed is on disk

		db = openOn(t, open, mem.FS())
		base = dump(t, db)
		closeDB(t, db)
		h.checkContents(t, base, ^uint64(0)-1)
	}
}

// testCrash has sixteen writers go on while the power fails several times, and
// compares what each failure leaves with what was known at that instant.
func testCrash(t *testing.T, open OpenOn, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 0))
	mem := disktest.NewMem()
	type crash struct {
		mem     *disktest.Mem
		durable uint64
	}
	var crashes []crash
	crashNow := func(h *history) {
		c := crash{durable: h.durable.Load()} // known before the power fails
		c.mem = mem.Crash(rng, []int{0, 30, 100}[rng.IntN(3)])
		crashes = append(crashes, c)
	}
	// The first failure comes during the very first opening.
	var calls sync.Mutex
	early, at := mem, rng.IntN(100)
	db := openOn(t, open, disktest.Faulty(mem.FS(), func(disktest.Op) error {
		calls.Lock()
		defer calls.Unlock()
		if at--; at == 0 {
			early = mem.Crash(rand.New(rand.NewPCG(seed, 2)), 50)
		}
		return nil
	}))
	calls.Lock()
	first := early
	calls.Unlock()
	if first != mem {
		closeDB(t, openOn(t, open, first.FS()))
	}

	h := newHistory(db, seed, nil)
	done := make(chan struct{})
	go func() { defer close(done); h.run(16, 24) }()
	for range 2 {
		for until := h.acked.Load() + uint64(rng.IntN(120)); h.acked.Load() < until; {
			select {
			case <-done:
				until = 0
			default:
			}
		}
		crashNow(h)
	}
	<-done
	crashNow(h)
	h.check(t)
	closeDB(t, db)

	for _, c := range crashes {
		db := openOn(t, open, c.mem.FS())
		contents := dump(t, db)
		h.checkContents(t, contents, c.durable)
		// Life goes on, with greater stamps.
		next := newHistory(db, seed+1, contents)
		next.acked.Store(c.durable)
		next.run(4, 10)
		next.check(t)
		closeDB(t, db)
	}
}

// testDyingDisk fails every write from some point on. The store must stop
// acknowledging then, and lose nothing that it acknowledged.
func testDyingDisk(t *testing.T, open OpenOn, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	mem := disktest.NewMem()
	closeDB(t, openOn(t, open, mem.FS())) // the first opening has a test of its own
	fault, writes := disktest.FailWrites(int64(rng.IntN(300)))
	e, err := open(disktest.Faulty(mem.FS(), fault))
	durable := uint64(0)
	h := newHistory(nil, seed, nil)
	if err == nil {
		h.db = kv.Open(e)
		h.run(16, 24)
		durable = h.durable.Load()
		if err := h.db.Close(); err == nil && h.broken.Load() {
			t.Error("a broken store closed without an error")
		}
	}
	t.Logf("%d writes, open: %v, broken: %v, durable: %d", writes.Load(), err, h.broken.Load(), durable)
	db := openOn(t, open, mem.Crash(rng, rng.IntN(101)).FS())
	h.checkContents(t, dump(t, db), durable)
	closeDB(t, db)
}
