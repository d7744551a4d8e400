package timer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/timer"
)

func TestTimersFireWhenTheClockIsSet(t *testing.T) {
	b := newBed(t, openMem(t), stopped(start))
	b.start()
	b.set(oneShot(here, "b", 20*time.Second), oneShot(there, "a", 10*time.Second), oneShot(odd, "c", 30*time.Second))
	if r := b.settled(); r.Next != start.Add(10*time.Second) || !r.Recurring.IsZero() {
		t.Errorf("next %v, recurring %v", r.Next, r.Recurring)
	} else if len(r.Waits) != 1 || r.Waits[0].What != "timer: timers" || r.Waits[0].At != r.Next || r.Waits[0].Recurs {
		t.Errorf("what waits is %v", r.Waits)
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
