package nubetest

import (
	"testing"
	"time"

	"github.com/nube-run/nube/internal/clock"
)

// Clock is the time of a cloud: of its time-to-live, schedules, retries, delays,
// sessions and timestamps. Signatures, and time-outs of functions and
// connections, stay on the machine's.
type Clock struct{ c *Cloud }

// Clock is the cloud's clock. It runs until it is stopped.
func (c *Cloud) Clock() Clock { return Clock{c} }

// Now is what it shows.
func (k Clock) Now() time.Time {
	now, _ := k.c.api().Clock.Now()
	return now.Time()
}

// Stop makes it stand still.
func (k Clock) Stop(t testing.TB) {
	t.Helper()
	if err := k.c.api().Clock.Stop(t.Context()); err != nil {
		t.Fatalf("nubetest: %v", err)
	}
}

// Run lets it run on from where it is.
func (k Clock) Run(t testing.TB) {
	t.Helper()
	if err := k.c.api().Clock.Run(t.Context()); err != nil {
		t.Fatalf("nubetest: %v", err)
	}
}

// Set moves it at once, as if the cloud had been off until then: what was due
// once is late, and schedules skip what they missed.
func (k Clock) Set(t testing.TB, to time.Time) {
	t.Helper()
	if err := k.c.api().Clock.Set(t.Context(), clock.At(to)); err != nil {
		t.Fatalf("nubetest: %v", err)
	}
}

// Advance moves it by d, from one due to the next, and lets the cloud settle at
// each. When it returns, everything that was due in between has been done in its
// order.
func (k Clock) Advance(t testing.TB, d time.Duration) {
	t.Helper()
	ctx, cancel := clock.Machine{}.WithTimeout(t.Context(), settleWithin)
	defer cancel()
	now, _ := k.c.api().Clock.Now()
	r, err := k.c.api().Clock.Advance(ctx, now.Add(d))
	if err != nil {
		t.Fatalf("nubetest: advancing the clock by %v came to %v: %v%s", d, k.Now(), err, inTheWay(r))
	}
}
