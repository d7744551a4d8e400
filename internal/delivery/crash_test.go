package delivery_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/disk/disktest"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/pebblekv"
	"github.com/nube-run/nube/internal/work"
)

// history is what was acknowledged and what arrived, over all lives of a cloud.
type history struct {
	mu    sync.Mutex
	acked map[string][]int // by target and order: what was emitted, in order
	first map[string][]int // by target and order: what succeeded, each once, in order
	seen  map[string]bool
	calls map[string]int
}

func newHistory() *history {
	return &history{acked: map[string][]int{}, first: map[string][]int{}, seen: map[string]bool{}, calls: map[string]int{}}
}

func (h *history) arrived(e delivery.Effect) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := e.Target + " " + e.Order
	n := number(e)
	if key := k + " " + strconv.Itoa(n); !h.seen[key] {
		h.seen[key] = true
		h.first[k] = append(h.first[k], n)
	}
}

// number reads the number that a payload begins with.
func number(e delivery.Effect) int {
	digits, _, _ := strings.Cut(string(e.Payload), " ")
	n, _ := strconv.Atoi(digits)
	return n
}

// fails says whether a call is to fail: some percent of an effect's first few.
func (h *history) fails(seed uint64, e delivery.Effect, percent uint64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := fmt.Sprint(e.Target, " ", e.ID)
	h.calls[key]++
	if h.calls[key] > 6 {
		return false
	}
	sum := fnv.New64a()
	fmt.Fprint(sum, seed, key, h.calls[key])
	return sum.Sum64()%100 < percent
}

// Through power cuts, failures and restarts every acknowledged effect arrives,
// exactly once where it is taken inside the store, in order where it has one.
//
// Mutations that make it fail: a cursor that goes past an effect which is not
// settled; a failed effect that is deleted without a row for its next attempt;
// an order that is not blocked while one of it is retried.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { lives(t, seed) })
	}
}

func lives(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 4))
	h := newHistory()
	out := &outside{limits: delivery.Limits{Batch: 1 + r.IntN(4), InFlight: 1 + r.IntN(8)}}
	out.do = func(_ context.Context, e delivery.Effect) delivery.Outcome {
		if h.fails(seed, e, 30) {
			return delivery.Outcome{Err: errDown, Throttled: number(e)%2 == 0}
		}
		h.arrived(e)
		return delivery.Outcome{}
	}
	in := inside{do: func(_ *kv.Tx, e delivery.Effect) delivery.Outcome {
		if h.fails(seed, e, 20) {
			return delivery.Outcome{Err: errDown}
		}
		return delivery.Outcome{}
	}}
	o := delivery.Options{Bytes: []int{0, 20_000}[r.IntN(2)], Shards: 1 + r.IntN(3)}
	mem := disktest.NewMem()
	now := start
	next := 0
	const last = 3
	for life := range last + 1 {
		e, err := pebblekv.Open("kv", pebblekv.Options{FS: mem.FS()})
		if err != nil {
			t.Fatal(err)
		}
		db := kv.Open(e)
		b := newBed(t, db, stopped(now), o, out, in).start()
		var crashed *disktest.Mem
		crashAt := r.IntN(60)
		for i := range 60 {
			var es []delivery.Effect
			var keys []string
			payload := fmt.Sprint(next, " ")
			if r.IntN(5) == 0 {
				payload += strings.Repeat("p", 5000)
			}
			shared := []byte(payload)
			for range 1 + r.IntN(3) {
				eff := delivery.Effect{
					Cell: []keyspace.Cell{here, there}[r.IntN(2)], Order: []string{"", "", "k1", "k2"}[r.IntN(4)], Payload: shared, At: now,
				}
				eff.Target = fmt.Sprintf("%s:%d@%s", []string{"out", "in"}[r.IntN(2)], r.IntN(3), eff.Cell.Region)
				es = append(es, eff)
				keys = append(keys, eff.Target+" "+eff.Order)
			}
			b.emit(es...)
			for _, k := range keys {
				h.acked[k] = append(h.acked[k], next)
			}
			next++
			if r.IntN(6) == 0 {
				now = now.Add(time.Duration(r.IntN(int(time.Minute))))
				if err := b.model.Set(now); err != nil {
					t.Fatal(err)
				}
			}
			if life < last && i == crashAt {
				crashed = mem.Crash(r, r.IntN(101))
				break
			}
		}
		if life == last {
			now = now.Add(24 * time.Hour)
			b.advance(now)
			check(t, h, b)
		}
		b.stop()
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		mem = crashed
	}
}

func check(t *testing.T, h *history, b *bed) {
	t.Helper()
	for k, acked := range h.acked {
		target, order, _ := strings.Cut(k, " ")
		got := h.first[k]
		if strings.HasPrefix(target, "in:") {
			got = nil
			counts := map[int]int{}
			for _, p := range b.logged(target) {
				counts[number(delivery.Effect{Payload: []byte(p)})]++
			}
			for _, p := range b.logged(target) {
				n := number(delivery.Effect{Payload: []byte(p)})
				if contains(acked, n) {
					got = append(got, n)
				}
			}
			// The same number may go to one target several times, in one
			// emission: as often as it was acknowledged over all orders.
			want := map[int]int{}
			for k2, ns := range h.acked {
				if t2, _, _ := strings.Cut(k2, " "); t2 == target {
					for _, n := range ns {
						want[n]++
					}
				}
			}
			for n, c := range counts {
				if c != want[n] {
					t.Errorf("%s: %d arrived %d times, want %d", target, n, c, want[n])
				}
			}
		}
		for _, n := range acked {
			if !contains(got, n) {
				t.Errorf("%s: %d was acknowledged and never arrived", k, n)
			}
		}
		if order != "" && !strings.HasPrefix(target, "in:") {
			for i := 1; i < len(got); i++ {
				if got[i] < got[i-1] {
					t.Errorf("%s: %d before %d", k, got[i-1], got[i])
				}
			}
		}
	}
	if rows := b.rows(); len(rows) != 0 {
		t.Errorf("rows left: %v", rows)
	}
}

func contains(ns []int, n int) bool {
	for _, m := range ns {
		if m == n {
			return true
		}
	}
	return false
}

// Order inside the store is looked at by itself: one order, whose log must be
// exactly what was emitted, through failures and restarts.
func TestOrderInsideTheStore(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 5))
		h := newHistory()
		in := inside{do: func(_ *kv.Tx, e delivery.Effect) delivery.Outcome {
			if h.fails(seed, e, 25) {
				return delivery.Outcome{Err: errDown}
			}
			return delivery.Outcome{}
		}}
		db := openMem(t)
		now := start
		n := 0
		var b *bed
		for range 5 {
			b = newBed(t, db, stopped(now), delivery.Options{}, &outside{}, in).start()
			for range 30 {
				b.emit(ordered("in:q", "k", fmt.Sprint(n)))
				n++
				if r.IntN(4) == 0 {
					now = now.Add(time.Duration(r.IntN(int(10 * time.Second))))
					if err := b.model.Set(now); err != nil {
						t.Fatal(err)
					}
				}
			}
			b.stop()
		}
		b.start()
		now = now.Add(24 * time.Hour)
		b.advance(now)
		got := b.logged("in:q")
		for i, p := range got {
			if p != fmt.Sprint(i) {
				t.Fatalf("seed %d: %v", seed, got)
			}
		}
		if len(got) != n {
			t.Fatalf("seed %d: %d arrived, want %d", seed, len(got), n)
		}
		b.stop()
	}
}

// Two lives of a process that was not told to stop: what the old one still does
// after the new one has taken over does not count.
//
// Mutation: settle without the shard's Guard.
func TestTheOldProcessIsShutOut(t *testing.T) {
	hold := make(chan struct{})
	reached := make(chan struct{})
	oldOut := &outside{do: func(context.Context, delivery.Effect) delivery.Outcome {
		close(reached)
		<-hold
		return delivery.Outcome{Then: []delivery.Effect{effect("in:log", "from the old one")}}
	}}
	old := memBed(t, oldOut, inside{})
	old.emit(effect("out:a", "x"))
	<-reached
	newOut := &outside{do: func(context.Context, delivery.Effect) delivery.Outcome {
		return delivery.Outcome{Then: []delivery.Effect{effect("in:log", "from the new one")}}
	}}
	b := newBed(t, old.db, stopped(clock.Instant(start)), delivery.Options{}, newOut, inside{}).start()
	b.settled()
	close(hold)
	tokens := work.Settler{Ledger: old.ledger, DB: old.db, Clock: old.model}
	if _, err := tokens.Settle(context.Background(), 0, false); err != nil { // the old one has done what it could
		t.Fatal(err)
	}
	old.stop()
	if got := strings.Join(b.logged("in:log"), ", "); got != "from the new one" {
		t.Errorf("logged %q", got)
	}
	if rows := b.rows(); len(rows) != 0 {
		t.Errorf("the old one left rows: %v", rows)
	}
}

// The same where effects are taken inside the store: an old process that is in the
// middle of its transaction when the new one takes over commits nothing.
//
// Mutation: settleTx without the shard's Guard: it is taken twice.
func TestTheOldProcessIsShutOutOfTheStore(t *testing.T) {
	reached, hold := make(chan struct{}), make(chan struct{})
	begun := sync.OnceFunc(func() { close(reached) })
	old := memBed(t, &outside{}, inside{do: func(*kv.Tx, delivery.Effect) delivery.Outcome {
		begun()
		<-hold
		return delivery.Outcome{}
	}})
	old.emit(effect("in:log", "x"))
	<-reached
	b := newBed(t, old.db, stopped(clock.Instant(start)), delivery.Options{}, &outside{}, inside{}).start()
	b.settled()
	close(hold)
	tokens := work.Settler{Ledger: old.ledger, DB: old.db, Clock: old.model}
	if _, err := tokens.Settle(context.Background(), 0, false); err != nil { // the old one has done what it could
		t.Fatal(err)
	}
	old.stop()
	if got := strings.Join(b.logged("in:log"), ", "); got != "x" {
		t.Errorf("logged %q", got)
	}
	if rows := b.rows(); len(rows) != 0 {
		t.Errorf("the old one left rows: %v", rows)
	}
}

// A restart finds what is to be tried again and what is parked, also of targets
// for which nothing new comes, and knows that a retry holds up its order.
func TestRestartFindsRetries(t *testing.T) {
	for name, more := range map[string][]delivery.Effect{
		"nothing is parked": nil,
		"one is parked":     {ordered("out:t", "k", "2")},
	} {
		t.Run(name, func(t *testing.T) {
			down := &outside{do: func(context.Context, delivery.Effect) delivery.Outcome {
				return delivery.Outcome{Err: errDown, After: time.Minute}
			}}
			b := memBed(t, down, inside{})
			b.emit(append([]delivery.Effect{ordered("out:t", "k", "1")}, more...)...)
			b.settled()
			b.stop()

			up := &outside{}
			c := newBed(t, b.db, b.model, delivery.Options{}, up, inside{}).start()
			c.settled()
			want := "1#2"
			if more == nil {
				c.emit(ordered("out:t", "k", "2"))
				c.settled()
			}
			if got := up.took(); got != "" {
				t.Errorf("handed over %q before the retry", got)
			}
			want += " 2#1"
			c.advance(start.Add(time.Hour))
			if got := up.took(); got != want {
				t.Errorf("handed over %q, want %q", got, want)
			}
		})
	}
}

// A process that dies between the outcome of a retry and its successors leaves
// parked effects that wait for nothing.
func TestRestartFindsParkedEffectsThatAreFree(t *testing.T) {
	hold, reached := make(chan struct{}), make(chan struct{})
	out := &outside{do: func(ctx context.Context, e delivery.Effect) delivery.Outcome {
		switch {
		case e.Attempt == 1 && string(e.Payload) == "1":
			return delivery.Outcome{Err: errDown, After: time.Minute}
		case string(e.Payload) == "2":
			close(reached)
			<-ctx.Done() // never settled
			close(hold)
		}
		return delivery.Outcome{}
	}}
	b := memBed(t, out, inside{})
	b.emit(ordered("out:t", "k", "1"), ordered("out:t", "k", "2"), ordered("out:t", "k", "3"))
	b.settled()
	if err := b.model.Set(start.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	<-reached
	b.stop()
	<-hold
	up := &outside{}
	c := newBed(t, b.db, b.model, delivery.Options{}, up, inside{})
	look, err := c.settle.Look(context.Background(), 0, false)
	if err != nil || look.Settled || look.Ready != 1 {
		t.Errorf("before it starts: %+v, %v", look, err)
	}
	c.start()
	c.settled()
	if got, want := up.took(), "2#1 3#1"; got != want {
		t.Errorf("handed over %q, want %q", got, want)
	}
}
