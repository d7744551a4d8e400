package clock

import (
	"context"
	"time"
)

// Machine is the machine's clock. Its zero value is ready for use; it has no
// state, and exists so that a function that reads real time says so in its
// parameters.
type Machine struct{}

// Now returns the machine's time.
func (Machine) Now() time.Time { return time.Now() }

// Since returns the time elapsed since t.
func (Machine) Since(t time.Time) time.Duration { return time.Since(t) }

// NewTimer is [time.NewTimer].
func (Machine) NewTimer(d time.Duration) *time.Timer { return time.NewTimer(d) }

// NewTicker is [time.NewTicker].
func (Machine) NewTicker(d time.Duration) *time.Ticker { return time.NewTicker(d) }

// AfterFunc is [time.AfterFunc].
func (Machine) AfterFunc(d time.Duration, f func()) *time.Timer { return time.AfterFunc(d, f) }

// WithTimeout is [context.WithTimeout].
func (Machine) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d)
}

// WithDeadline is [context.WithDeadline].
func (Machine) WithDeadline(ctx context.Context, t time.Time) (context.Context, context.CancelFunc) {
	return context.WithDeadline(ctx, t)
}

// Wait blocks for d or until ctx ends, and returns ctx's error in that case.
// It is for backoff between attempts at something outside, never for order
// between goroutines.
func (Machine) Wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
