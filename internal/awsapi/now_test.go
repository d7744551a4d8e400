package awsapi

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/sigv4"
)

// A presigned URL ages with the model clock, and every other signature with the
// machine's: whoever moves the clock must not lock out clients.
func TestSignaturesUnderAMovedClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		model := clock.NewModel(clock.State{})
		f := New(Options{Model: model})
		age := func(signed time.Time, presigned bool) time.Duration {
			return f.now(&sigv4.Auth{Time: signed.Truncate(time.Second), Presigned: presigned}).Sub(signed).Round(time.Second)
		}
		move := func(d time.Duration) {
			if err := model.Set(model.Now().Add(d)); err != nil {
				t.Fatal(err)
			}
		}
		before := time.Now()
		time.Sleep(10 * time.Second)
		if got := age(before, true); got != 10*time.Second {
			t.Errorf("presigned, nobody moved the clock: %v old", got)
		}
		move(24 * time.Hour)
		same := time.Now()
		if got := age(same, true); got != 0 {
			t.Errorf("presigned in the second of the move: %v old", got)
		}
		time.Sleep(10 * time.Second)
		if got := age(same, true); got != 10*time.Second {
			t.Errorf("presigned in the second of the move, ten seconds ago: %v old", got)
		}
		if got := age(before, true); got != 24*time.Hour+20*time.Second {
			t.Errorf("presigned before the move: %v old", got)
		}
		if got := age(before, false); got != 20*time.Second {
			t.Errorf("signed before the move: %v old", got)
		}
		model.Stop()
		time.Sleep(time.Hour)
		if got := age(before, true); got != 24*time.Hour+20*time.Second {
			t.Errorf("presigned, the clock stands still: %v old", got)
		}
		if got := age(time.Now().Add(time.Minute), true); got != -time.Minute {
			t.Errorf("presigned in the future: %v old", got)
		}
	})
}
