package clock

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// Time that is held does not count, however often and at whatever moment.
func TestHold(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(h *Hold)
		want time.Duration // until the timer of 10 s fires
	}{
		{"never", func(*Hold) {}, 10 * time.Second},
		{"once", func(h *Hold) { time.Sleep(time.Second); h.Take(); time.Sleep(time.Hour); h.Release() }, time.Hour + 10*time.Second},
		{"twice at once", func(h *Hold) {
			h.Take()
			time.Sleep(time.Second)
			h.Take()
			time.Sleep(time.Minute)
			h.Release()
			time.Sleep(time.Second)
			h.Release()
		}, time.Minute + 12*time.Second},
		{"one after the other", func(h *Hold) {
			for range 3 {
				time.Sleep(time.Second)
				h.Take()
				time.Sleep(time.Minute)
				h.Release()
			}
		}, 3*time.Minute + 10*time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, start := &Hold{}, time.Now()
				fired := make(chan time.Duration, 1)
				h.AfterFunc(Machine{}, 10*time.Second, func() { fired <- time.Since(start) })
				tt.do(h)
				if got := <-fired; got < tt.want || got > tt.want+lookAgain {
					t.Errorf("fired after %v, want %v", got, tt.want)
				}
			})
		})
	}
}

func TestHeldContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &Hold{}
		ctx, cancel := h.WithTimeout(t.Context(), Machine{}, time.Second)
		defer cancel()
		h.Take()
		time.Sleep(time.Hour)
		if err := ctx.Err(); err != nil {
			t.Errorf("while time stands still: %v", err)
		}
		h.Release()
		<-ctx.Done()
		if err := ctx.Err(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("when it is over: %v", err)
		}
		stopped, cancel := h.WithTimeout(t.Context(), Machine{}, time.Second)
		cancel()
		time.Sleep(time.Hour)
		if err := stopped.Err(); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
}

func TestHeldTimerStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, h := range map[string]*Hold{"held": {}, "none": nil} {
			timer := h.AfterFunc(Machine{}, time.Second, func() { t.Errorf("%s: fired after Stop", name) })
			if !timer.Stop() || timer.Stop() {
				t.Errorf("%s: stopped not once", name)
			}
		}
		time.Sleep(time.Hour)
	})
}
