package kvtest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/nube-run/nube/internal/kv"
)

func signalled(w *kv.Watch) bool {
	select {
	case <-w.C():
		return true
	default:
		return false
	}
}

func testWatches(t *testing.T, open Open) {
	t.Run("Signals", func(t *testing.T) { testSignals(t, open) })
	t.Run("Relaxed", func(t *testing.T) { testRelaxed(t, open) })
	t.Run("NothingIsMissed", func(t *testing.T) { testNothingMissed(t, open) })
}

func testSignals(t *testing.T, open Open) {
	db := openDB(t, open)
	a, b := kv.Key("a"), kv.Key("b")
	wa, wab := db.Watch(a), db.Watch(a, b)
	defer wab.Close()
	order := ""
	wf := db.WatchFunc(func() { order += "f" }, b)
	defer wf.Close()
	signal := func(topics ...kv.Key) kv.Stamp {
		t.Helper()
		return update(t, db, func(tx *kv.Tx) error {
			for _, topic := range topics {
				tx.Signal(topic)
			}
			return nil
		})
	}
	check := func(what string, wantA, wantAB bool) {
		t.Helper()
		if gotA, gotAB := signalled(wa), signalled(wab); gotA != wantA || gotAB != wantAB {
			t.Errorf("%s: signalled a %v, a or b %v; want %v, %v", what, gotA, gotAB, wantA, wantAB)
		}
	}
	check("at first", false, false)
	signal(a)
	check("a", true, true)
	check("received", false, false)
	signal(b)
	signal(b)
	check("b, twice", false, true)
	check("coalesced", false, false)
	signal(kv.Key("c"))
	check("another topic", false, false)
	wa.Close()
	signal(a)
	check("closed", false, true)

	// Signals come once the update is committed, then After, then Update
	// returns.
	order = ""
	var seen kv.Stamp
	stamp := update(t, db, func(tx *kv.Tx) error {
		tx.Set(kv.Key("k"), nil)
		tx.Signal(b)
		tx.After(func(s kv.Stamp) { order += "1"; seen = s })
		tx.After(func(kv.Stamp) { order += "2" })
		return nil
	})
	if order != "f12" || seen != stamp {
		t.Errorf("order %s with %v, want f12 with %v", order, seen, stamp)
	}
	if _, err := db.Update(context.Background(), func(tx *kv.Tx) error { tx.Signal(b); return errOnPurpose }); err == nil || order != "f12" {
		t.Errorf("a failed update: %v, order %s", err, order)
	}
}

// testRelaxed waits for what relaxed commits promise.
func testRelaxed(t *testing.T, open Open) {
	db, ctx := openDB(t, open), context.Background()
	w := db.Watch(kv.Key("topic"))
	defer w.Close()
	for i := range 20 {
		want := fmt.Sprint(i)
		var after sync.WaitGroup
		after.Add(1)
		update(t, db, func(tx *kv.Tx) error {
			tx.Set(kv.Key("k"), []byte(want))
			tx.Signal(kv.Key("topic"))
			tx.After(func(kv.Stamp) { after.Done() })
			return nil
		}, kv.Relaxed())
		update(t, db, func(tx *kv.Tx) error {
			if v, err := tx.Get(kv.Key("k")); string(v) != want || err != nil {
				t.Errorf("the next update reads %s, %v; want %s", v, err, want)
			}
			return nil
		}, kv.Relaxed())
		if i%2 == 0 { // an update that is not relaxed takes it along
			if _, err := db.Update(ctx, func(*kv.Tx) error { return errOnPurpose }); err == nil {
				t.Error("no error")
			}
			if got := dump(t, db)["k"]; got != want {
				t.Errorf("after an update that failed, a view reads %s; want %s", got, want)
			}
		}
		<-w.C() // comes by itself
		after.Wait()
		if got := dump(t, db)["k"]; got != want {
			t.Errorf("after the signal, a view reads %s; want %s", got, want)
		}
	}
}

// testNothingMissed hands a token from goroutine to goroutine: each registers,
// reads, and waits for the signal if it is not its turn.
func testNothingMissed(t *testing.T, open Open) {
	db, ctx := openDB(t, open), context.Background()
	const workers, rounds = 4, 25
	turn := kv.Key("turn")
	topic := func(n int64) kv.Key { return kv.Key(fmt.Sprint("topic", n%workers)) }
	var wg sync.WaitGroup
	for me := range int64(workers) {
		wg.Go(func() {
			w := db.Watch(topic(me))
			defer w.Close()
			for n := me; n < workers*rounds; n += workers {
				for {
					var at int64
					err := db.View(ctx, func(s *kv.Snap) error {
						v, err := s.Get(turn)
						if err == nil {
							at, err = kv.Int64(v)
						}
						return err
					})
					if err != nil {
						t.Error(err)
						return
					}
					if at == n {
						break
					}
					<-w.C()
				}
				_, err := db.Update(ctx, func(tx *kv.Tx) error {
					tx.Add(turn, 1)
					tx.Signal(topic(n + 1))
					return nil
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}
