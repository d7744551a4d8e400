package timer_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/timer"
)

func guarded(db *kv.DB, s *timer.Shard) error {
	_, err := db.Update(context.Background(), func(tx *kv.Tx) error {
		if err := s.Guard(tx); err != nil {
			return err
		}
		tx.Add(kv.Key("n"), 1)
		return nil
	})
	return err
}

// A node that is alone gets its shards at once, also when the process before it
// gave no sign of its end, and shuts that one out.
func TestLonelyOwner(t *testing.T) {
	db := openMem(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	old := timer.Owner{DB: db}
	shards := old.Own(ctx, "x", 3)
	got := map[int]*timer.Shard{}
	for range 3 {
		s := <-shards
		got[s.Index] = s
	}
	if len(got) != 3 {
		t.Fatalf("got shards %v", got)
	}
	if err := guarded(db, got[1]); err != nil {
		t.Fatal(err)
	}
	successor := timer.Owner{DB: db}
	s := <-successor.Own(ctx, "x", 1)
	if err := guarded(db, s); err != nil {
		t.Fatal(err)
	}
	if err := guarded(db, got[0]); !errors.Is(err, timer.ErrLost) {
		t.Errorf("the old owner's transaction: %v, want %v", err, timer.ErrLost)
	}
	if !errors.Is(context.Cause(got[0].Context()), timer.ErrLost) {
		t.Errorf("the old shard's context: %v", context.Cause(got[0].Context()))
	}
	if err := guarded(db, got[1]); err != nil {
		t.Errorf("another shard was lost too: %v", err)
	}
	cancel()
	for range shards { // ends
	}
}

// Of two nodes one has the shard; when it stops, or goes silent, the other gets
// it, and nothing that the first guards commits from then on.
func TestTwoNodes(t *testing.T) {
	for _, silent := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			db := kv.Open(memkv.New())
			defer db.Close()
			var wg sync.WaitGroup
			defer wg.Wait()
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			actx, stopA := context.WithCancel(ctx)
			a := (&timer.Owner{DB: db, Node: "a", TTL: 10 * time.Second}).Own(actx, "x", 1)
			first := <-a
			b := (&timer.Owner{DB: db, Node: "b", TTL: 10 * time.Second}).Own(ctx, "x", 1)
			time.Sleep(time.Minute) // the bubble's clock: a lives and beats
			synctest.Wait()
			select {
			case <-b:
				t.Fatal("two nodes own the shard")
			default:
			}
			began := time.Now()
			if silent {
				// The store turns its back on a: it stops beating without
				// letting go, as a node that is cut off.
				stopBeating(t, db, first)
			} else {
				stopA()
				if _, open := <-a; open {
					t.Error("a got another shard")
				}
			}
			second := <-b
			if d := time.Since(began); silent && d > 21*time.Second || !silent && d != 0 {
				t.Errorf("b waited %v", d)
			}
			if err := guarded(db, second); err != nil {
				t.Error(err)
			}
			if err := guarded(db, first); !errors.Is(err, timer.ErrLost) {
				t.Errorf("a's transaction: %v, want %v", err, timer.ErrLost)
			}
			stopA()
			cancel()
			wg.Go(func() {
				for range a {
				}
			})
			wg.Go(func() {
				for range b {
				}
			})
		})
	}
}

// stopBeating makes a shard's holder stop, by ending what it holds with.
func stopBeating(t *testing.T, db *kv.DB, s *timer.Shard) {
	t.Helper()
	s.Forget()
}
