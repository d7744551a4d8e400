package timer_test

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk/disktest"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/kv/pebblekv"
	"github.com/nube-run/nube/internal/timer"
	"github.com/nube-run/nube/internal/work"
)

var update = flag.Bool("update", false, "write the golden files")

var (
	here  = keyspace.Cell{Account: "000000000000", Region: "us-east-1"}
	there = keyspace.Cell{Account: "123456789012", Region: "eu-west-1"}
	odd   = keyspace.Cell{Account: "ana", Region: "local"}
)

// bed is a cloud that has nothing but timers.
type bed struct {
	t      testing.TB
	db     *kv.DB
	model  *clock.Model
	ledger *work.Ledger
	timers *timer.Timers
	settle *work.Settler
	stop   func()

	mu    sync.Mutex
	fired []string
}

func newBed(t testing.TB, db *kv.DB, model *clock.Model) *bed {
	b := &bed{t: t, db: db, model: model, ledger: work.NewLedger()}
	b.timers = timer.New(timer.Options{DB: db, Owner: &timer.Owner{DB: db}, Model: model, Ledger: b.ledger})
	b.settle = &work.Settler{Ledger: b.ledger, DB: db, Clock: model, Backlogs: []work.Backlog{b.timers}}
	b.timers.Handle("note", b.note)
	return b
}

func openMem(t testing.TB) *kv.DB {
	db := kv.Open(memkv.New())
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// start runs the timers until stop or the end of the test.
func (b *bed) start() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.timers.Run(ctx)
	}()
	b.stop = sync.OnceFunc(func() { cancel(); <-done })
	b.t.Cleanup(b.stop)
}

// note remembers that a timer fired, once it is durable.
func (b *bed) note(tx *kv.Tx, now clock.Instant, tm timer.T) error {
	tx.After(func(kv.Stamp) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.fired = append(b.fired, fmt.Sprintf("%s=%s@%s", tm.ID, tm.Payload, now.Sub(tm.Due)))
	})
	return nil
}

func (b *bed) set(ts ...timer.T) {
	b.t.Helper()
	tok := b.ledger.Begin(work.Request, "set")
	defer tok.End()
	_, err := b.db.Update(context.Background(), func(tx *kv.Tx) error {
		for _, tm := range ts {
			if err := b.timers.Set(tx, tm); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) settled() work.Report {
	b.t.Helper()
	r, err := b.settle.Settle(context.Background(), 0, false)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// took returns what has fired since the last call.
func (b *bed) took() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := strings.Join(b.fired, " ")
	b.fired = nil
	return s
}

func stopped(at clock.Instant) *clock.Model {
	return clock.NewModel(clock.State{Stopped: true, At: at})
}

const start = clock.Instant(1_000_000_000_000)

func oneShot(c keyspace.Cell, id string, in time.Duration) timer.T {
	return timer.T{Cell: c, Kind: "note", ID: id, Due: start.Add(in), Payload: []byte("p" + id), OneShot: true}
}

func TestTimersFireWhenTheClockIsSet(t *testing.T) {
	b := newBed(t, openMem(t), stopped(start))
	b.start()
	b.set(oneShot(here, "b", 20*time.Second), oneShot(there, "a", 10*time.Second), oneShot(odd, "c", 30*time.Second))
	if r := b.settled(); r.Next != start.Add(10*time.Second) || !r.Recurring.IsZero() {
		t.Errorf("next %v, recurring %v", r.Next, r.Recurring)
	}
	for _, step := range []struct {
		to   time.Duration
		want string
	}{
		{9 * time.Second, ""},
		{10 * time.Second, "a=pa@0s"},
		{25 * time.Second, "b=pb@5s"},
		{29 * time.Second, ""},
		{time.Hour, "c=pc@59m30s"},
	} {
		if err := b.model.Set(start.Add(step.to)); err != nil {
			t.Fatal(err)
		}
		b.settled()
		if got := b.took(); got != step.want {
			t.Errorf("at %v fired %q, want %q", step.to, got, step.want)
		}
	}
	if r := b.settled(); !r.Next.IsZero() {
		t.Errorf("left: %+v", r)
	}
}

func TestSetReplacesAndCancelRemoves(t *testing.T) {
	b := newBed(t, openMem(t), stopped(start))
	b.start()
	b.set(oneShot(here, "a", time.Second), oneShot(here, "b", time.Second))
	later := oneShot(here, "a", 2*time.Second)
	later.OneShot, later.Payload = false, []byte("new")
	b.set(later)
	if _, err := b.db.Update(context.Background(), func(tx *kv.Tx) error {
		if err := b.timers.Cancel(tx, here, "note", "none"); err != nil {
			return err
		}
		return b.timers.Cancel(tx, here, "note", "b")
	}); err != nil {
		t.Fatal(err)
	}
	if r := b.settled(); !r.Next.IsZero() || r.Recurring != start.Add(2*time.Second) {
		t.Errorf("next %v, recurring %v", r.Next, r.Recurring)
	}
	if _, err := b.settle.Advance(context.Background(), start.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got, want := b.took(), "a=new@0s"; got != want {
		t.Errorf("fired %q, want %q", got, want)
	}
}

// A timer that another one of the same batch cancels does not fire.
func TestCancelledByItsNeighbour(t *testing.T) {
	b := newBed(t, openMem(t), stopped(start))
	b.timers.Handle("cancels", func(tx *kv.Tx, _ clock.Instant, tm timer.T) error {
		return b.timers.Cancel(tx, tm.Cell, "note", string(tm.Payload))
	})
	b.set(timer.T{Cell: here, Kind: "cancels", ID: "first", Due: start, Payload: []byte("b"), OneShot: true}, oneShot(here, "a", 0), oneShot(here, "b", 0))
	b.start()
	b.settled()
	if got, want := b.took(), "a=pa@0s"; got != want {
		t.Errorf("fired %q, want %q", got, want)
	}
}

// A timer that is set for a moment in the past, or for now, fires at once, as
// often as it is set.
func TestOverdueFiresAtOnce(t *testing.T) {
	b := newBed(t, openMem(t), stopped(start))
	b.start()
	for i := range 300 {
		b.set(oneShot(here, "a", -time.Duration(i%2)*time.Second))
		b.settled()
		if got, want := b.took(), fmt.Sprintf("a=pa@%ds", i%2); got != want {
			t.Fatalf("round %d fired %q, want %q", i, got, want)
		}
	}
}

func TestTimersFollowTheRunningClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := kv.Open(memkv.New())
		defer db.Close()
		model := clock.NewModel(clock.State{})
		b := newBed(t, db, model)
		b.start()
		defer b.stop()
		begin := model.Now()
		b.timers.Handle("again", func(tx *kv.Tx, now clock.Instant, tm timer.T) error {
			if err := b.note(tx, now, tm); err != nil {
				return err
			}
			tm.Due = timer.Following(tm.Due, time.Minute, now)
			return b.timers.Set(tx, tm)
		})
		b.set(timer.T{Cell: here, Kind: "again", ID: "r", Due: begin.Add(time.Minute)},
			timer.T{Cell: here, Kind: "note", ID: "o", Due: begin.Add(90 * time.Second), OneShot: true})
		time.Sleep(3*time.Minute + time.Second) // the bubble's clock
		synctest.Wait()
		if got, want := b.took(), "r=@0s o=@0s r=@0s r=@0s"; got != want {
			t.Errorf("fired %q, want %q", got, want)
		}
	})
}

// After downtime one-shots are late and what recurs fires once.
func TestDowntime(t *testing.T) {
	db := openMem(t)
	first := newBed(t, db, stopped(start))
	first.set(oneShot(here, "one", time.Minute), timer.T{Cell: there, Kind: "again", ID: "rec", Due: start.Add(time.Minute)})

	b := newBed(t, db, stopped(start.Add(10*time.Minute+30*time.Second)))
	b.timers.Handle("again", func(tx *kv.Tx, now clock.Instant, tm timer.T) error {
		if err := b.note(tx, now, tm); err != nil {
			return err
		}
		tm.Due = timer.Following(tm.Due, time.Minute, now)
		return b.timers.Set(tx, tm)
	})
	b.start()
	r := b.settled()
	got := strings.Split(b.took(), " ")
	if len(got) != 2 || !strings.Contains(strings.Join(got, " "), "one=pone@9m30s") || !strings.Contains(strings.Join(got, " "), "rec=@9m30s") {
		t.Errorf("fired %q", got)
	}
	if want := start.Add(11 * time.Minute); r.Recurring != want {
		t.Errorf("recurs at %v, want %v", r.Recurring, want)
	}
}

func TestFollowing(t *testing.T) {
	for _, test := range []struct{ due, every, now, want int64 }{
		{10, 5, 9, 10}, {10, 5, 10, 15}, {10, 5, 14, 15}, {10, 5, 15, 20}, {10, 5, 100, 105}, {10, 1, 10, 11},
	} {
		if got := timer.Following(clock.Instant(test.due), time.Duration(test.every), clock.Instant(test.now)); got != clock.Instant(test.want) {
			t.Errorf("Following(%d, %d, %d) = %d, want %d", test.due, test.every, test.now, got, test.want)
		}
	}
}

// One timer that fails does not keep the others of its batch, is tried again,
// and is named as stuck until it works.
func TestFailingTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := kv.Open(memkv.New())
		defer db.Close()
		b := newBed(t, db, stopped(start))
		attempts := 0
		b.timers.Handle("fails", func(tx *kv.Tx, now clock.Instant, tm timer.T) error {
			if attempts++; attempts < 20 {
				return errors.New("out of order")
			}
			return b.note(tx, now, tm)
		})
		b.start()
		defer b.stop()
		b.set(oneShot(here, "a", 0), timer.T{Cell: here, Kind: "fails", ID: "f", Due: start, OneShot: true}, oneShot(there, "b", 0))
		time.Sleep(time.Second) // the bubble's clock
		synctest.Wait()
		if got := b.took(); !strings.Contains(got, "a=pa@0s") || !strings.Contains(got, "b=pb@0s") {
			t.Errorf("fired %q beside the one that fails", got)
		}
		r, err := b.settle.Look(t.Context(), 0, false)
		if err != nil || r.Settled || r.Ready != 1 || len(r.Stuck) != 1 || !strings.Contains(r.Stuck[0].Why, "out of order") {
			t.Errorf("report %+v, %v", r, err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := b.took(); got != "f=@0s" {
			t.Errorf("after it was mended: %q", got)
		}
		if r := b.settled(); len(r.Stuck) != 0 {
			t.Errorf("still stuck: %+v", r.Stuck)
		}
	})
}

func TestUnknownKindIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := kv.Open(memkv.New())
		defer db.Close()
		b := newBed(t, db, stopped(start))
		b.start()
		defer b.stop()
		b.set(timer.T{Cell: here, Kind: "nobody's", ID: "x", Due: start, OneShot: true})
		time.Sleep(time.Minute) // the bubble's clock
		r, err := b.settle.Look(t.Context(), 0, false)
		if err != nil || len(r.Stuck) != 1 || !strings.Contains(r.Stuck[0].Why, "nobody's x: nothing handles its kind") {
			t.Errorf("report %+v, %v", r, err)
		}
	})
}

// queue is an index of its own: rows by due time.
type queue struct {
	db   *kv.DB
	wake func(kv.Stamp)
	lazy bool // does not do what is due

	added func(due clock.Instant) // instead of wake
	looks atomic.Int32

	mu    sync.Mutex
	fired []clock.Instant
}

func (q *queue) key(due clock.Instant) kv.Key {
	return kv.Key(binary.BigEndian.AppendUint64([]byte("queue/"), uint64(due)))
}

func (q *queue) NextDue(_ context.Context, s *kv.Snap) (timer.Due, error) {
	q.looks.Add(1)
	for p, err := range s.Scan(kv.Prefix(kv.Key("queue/")), kv.ScanOptions{Limit: 1}) {
		if err != nil {
			return timer.Due{}, err
		}
		return timer.Due{OneShot: clock.Instant(binary.BigEndian.Uint64(p.Key[6:]))}, nil
	}
	return timer.Due{}, nil
}

func (q *queue) Fire(ctx context.Context, s *timer.Shard, now clock.Instant) error {
	if q.lazy {
		return nil
	}
	_, err := q.db.Update(ctx, func(tx *kv.Tx) error {
		if err := s.Guard(tx); err != nil {
			return err
		}
		tx.DeleteRange(kv.Range{Start: kv.Key("queue/"), End: q.key(now + 1)})
		tx.After(func(kv.Stamp) { q.mu.Lock(); q.fired = append(q.fired, now); q.mu.Unlock() })
		return nil
	})
	return err
}

func (q *queue) put(t *testing.T, due clock.Instant) {
	if _, err := q.db.Update(context.Background(), func(tx *kv.Tx) error {
		tx.Set(q.key(due), nil)
		if q.added != nil {
			tx.After(func(kv.Stamp) { q.added(due) })
			return nil
		}
		tx.After(q.wake)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestIndex(t *testing.T) {
	b := newBed(t, openMem(t), stopped(start))
	q := &queue{db: b.db}
	q.wake = b.timers.Register("queue", q)
	b.start()
	b.settled()
	for _, d := range []time.Duration{30, 10, 20} {
		q.put(t, start.Add(d))
	}
	if _, err := b.settle.Advance(context.Background(), start.Add(100)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]clock.Instant{start + 10, start + 20, start + 30}, q.fired); diff != "" {
		t.Errorf("fired (-want +got):\n%s", diff)
	}
}

// An index is not disturbed by what is due later than what it sleeps for, and
// misses nothing that is due earlier, whenever it is added.
func TestIndexWakesForTheEarliest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := kv.Open(memkv.New())
		defer db.Close()
		b := newBed(t, db, stopped(start))
		q := &queue{db: b.db}
		q.added = b.timers.RegisterEarliest("queue", q)
		b.start()
		defer b.stop()
		synctest.Wait()
		q.put(t, start+100) // nothing was due before
		synctest.Wait()
		before := q.looks.Load()
		for i := range 50 {
			q.put(t, start+101+clock.Instant(i))
		}
		synctest.Wait()
		if n := q.looks.Load() - before; n != 0 {
			t.Errorf("looked %d times at what is due later", n)
		}
		q.put(t, start+50)
		if _, err := b.settle.Advance(t.Context(), start+99); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]clock.Instant{start + 50}, q.fired); diff != "" {
			t.Errorf("fired (-want +got):\n%s", diff)
		}
	})
}

func TestIndexMissesNothing(t *testing.T) {
	b := newBed(t, openMem(t), stopped(start))
	q := &queue{db: b.db}
	q.added = b.timers.RegisterEarliest("queue", q)
	b.start()
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 6))
			for range 200 {
				q.put(t, start+clock.Instant(r.IntN(40))-20)
			}
		})
	}
	wg.Wait()
	if _, err := b.settle.Advance(context.Background(), start+100); err != nil {
		t.Fatal(err)
	}
	if r := b.settled(); !r.Next.IsZero() { // one that was missed would not settle at all
		t.Errorf("something is still due at %s", r.Next)
	}
}

func TestIndexThatMakesNoProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := kv.Open(memkv.New())
		defer db.Close()
		b := newBed(t, db, stopped(start))
		q := &queue{db: b.db, lazy: true}
		q.wake = b.timers.Register("queue", q)
		b.start()
		defer b.stop()
		q.put(t, start)
		time.Sleep(time.Minute) // the bubble's clock
		r, err := b.settle.Look(t.Context(), 0, false)
		if err != nil || len(r.Stuck) != 1 || !strings.Contains(r.Stuck[0].Why, "the same is still due") {
			t.Errorf("report %+v, %v", r, err)
		}
	})
}

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

func TestLayout(t *testing.T) {
	b := newBed(t, openMem(t), stopped(start))
	recurring := oneShot(odd, "r", time.Hour)
	recurring.OneShot = false
	b.set(oneShot(here, "a", time.Second), recurring, oneShot(here, "due", 0))
	b.start()
	b.settled() // the one that is due has fired, so the shard is owned
	var out strings.Builder
	if err := b.db.View(context.Background(), func(s *kv.Snap) error {
		for p, err := range s.Scan(kv.Prefix(kv.Key{keyspace.Format}), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			fmt.Fprintf(&out, "%s = %q\n", p.Key, p.Value)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "layout.golden")
	if *update {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("layout (-want +got):\n%s", diff)
	}
}

func TestCells(t *testing.T) {
	b := newBed(t, openMem(t), stopped(start))
	b.set(oneShot(here, "a", 1), oneShot(there, "a", 1), oneShot(odd, "a", 1), oneShot(here, "b", 1))
	if _, err := b.db.Update(context.Background(), func(tx *kv.Tx) error {
		tx.Set(keyspace.Service(keyspace.Cell{Account: "000000000000", Region: "mars"}, "sqs", 0).Key().Done(), nil)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := b.db.View(context.Background(), func(s *kv.Snap) error {
		got, err := timer.Cells(s, "timer")
		if err != nil {
			return err
		}
		if diff := cmp.Diff([]keyspace.Cell{odd, here, there}, got); diff != "" {
			t.Errorf("cells (-want +got):\n%s", diff)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
