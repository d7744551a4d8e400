package work

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

// A sleeper woken at work must not park before it has looked, or the cloud
// would look calm with a wake-up outstanding.
func TestSleeperWokenAtWorkDoesNotPark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLedger()
		s := l.Sleeper(Delivery, "actor")
		s.Wake()
		s.Wake() // wake-ups coalesce
		if err := s.Sleep(t.Context(), "no effects", nil); err != nil {
			t.Fatal(err)
		}
		if begun, calm := l.epoch(); calm || begun != 1 {
			t.Errorf("epoch %d, calm %v: it parked with a wake-up outstanding; want 1, false", begun, calm)
		}
	})
}

func TestSleeperIsActiveAsSoonAsItIsWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLedger()
		s := l.Sleeper(Delivery, "actor")
		go func() {
			defer s.End()
			if err := s.Sleep(t.Context(), "no effects", nil); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		if _, calm := l.epoch(); !calm {
			t.Fatal("a sleeper that sleeps is active")
		}
		s.Wake() // its goroutine has not run yet
		if _, calm := l.epoch(); calm {
			t.Error("a woken sleeper is not active")
		}
		synctest.Wait()
		if es := l.Entries(); len(es) != 0 {
			t.Errorf("after its end: %v", es)
		}
	})
}

func TestSleeperWakesForAlarmAndContext(t *testing.T) {
	l := NewLedger()
	s := l.Sleeper(Timer, "loop")
	alarm := make(chan struct{})
	close(alarm)
	if err := s.Sleep(context.Background(), "nothing due", alarm); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Sleep(ctx, "nothing due", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Sleep = %v, want %v", err, context.Canceled)
	}
	if _, calm := l.epoch(); calm {
		t.Error("a sleeper that woke by itself is not active")
	}
}
