package timer_test

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/timer"
)

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
