package delivery_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
)

// Targets that have nothing to do cost no memory, however many there have been;
// one that was forgotten goes on where it stood.
func TestIdleTargetsAreForgotten(t *testing.T) {
	const targets = delivery.KeptActors + 500
	down := true // no race: it changes while nothing is under way
	out := &outside{do: func(_ context.Context, e delivery.Effect) delivery.Outcome {
		if down && string(e.Payload) == "first" {
			return delivery.Outcome{Err: errDown, After: 1}
		}
		return delivery.Outcome{}
	}}
	b := memBed(t, out, inside{})
	b.emit(ordered("out:waits", "o", "first"), ordered("out:waits", "o", "second"))
	name := func(i int) string { return fmt.Sprintf("out:%d", i) }
	for i := range targets {
		b.emit(effect(name(i), "x"))
	}
	b.settled()
	if n := b.delivery.Actors(); n > delivery.KeptActors+1 {
		t.Errorf("%d actors are kept of %d", n, targets)
	}
	out.took()
	for i := range targets {
		b.emit(effect(name(i), "y"))
	}
	b.settled()
	if got := strings.Count(out.took(), "y#1"); got != targets {
		t.Errorf("%d of %d arrived", got, targets)
	}
	down = false
	b.advance(start.Add(1))
	if got, want := out.took(), "first#2 second#1"; got != want {
		t.Errorf("handed over %q, want %q", got, want)
	}
	if rows := b.rows(); len(rows) != 0 {
		t.Errorf("rows left: %v", rows)
	}
}

// What keeps delivery from beginning, and passes, does not keep what was emitted
// before for ever.
func TestBeginningIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := kv.Open(memkv.New())
		defer db.Close()
		out := &outside{}
		b := newBed(t, db, clock.NewModel(clock.State{}), delivery.Options{}, out, inside{})
		b.emit(effect("out:a", "x"))
		set := func(fn func(tx *kv.Tx)) {
			if _, err := db.Update(t.Context(), func(tx *kv.Tx) error { fn(tx); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		set(func(tx *kv.Tx) { tx.Set(delivery.BadKey(here), nil) })
		b.start()
		defer b.stop()
		synctest.Wait()
		if got := out.took(); got != "" {
			t.Fatalf("it has begun: %q", got)
		}
		set(func(tx *kv.Tx) { tx.Delete(delivery.BadKey(here)) })
		time.Sleep(time.Minute) // of the bubble
		b.settled()
		if got, want := out.took(), "x#1"; got != want {
			t.Errorf("handed over %q, want %q", got, want)
		}
	})
}
