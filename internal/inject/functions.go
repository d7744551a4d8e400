package inject

import (
	"context"
	"time"

	"github.com/nube-run/nube/internal/fault"
)

// Functions disturbs invocations: it is a runner's Disturber.
type Functions struct{ *Set }

// Disturb says after how long an invocation's process is killed, negative for
// never, and with what the invocation is answered instead of being made.
func (f Functions) Disturb(ctx context.Context, function string) (kill time.Duration, err error) {
	if f.rules.Load() == nil {
		return -1, nil
	}
	befalls := func(r *Rule) bool {
		switch r.Kind {
		case Latency, Error, Throttle, Kill:
			return r.Service == "" && isFunction(r.Function, function)
		}
		return false
	}
	kill = -1
	var wait time.Duration
	f.struck(ctx, befalls, func(b blow) {
		switch {
		case b.Kind == Latency:
			wait += b.wait
		case b.Kind == Kill && kill < 0:
			kill = b.wait
		case b.Kind == Error && err == nil:
			err = fault.New(b.Code, "%s", b.Message)
		case b.Kind == Throttle && err == nil:
			err = throttled("lambda")
		}
	})
	if wait > 0 {
		if ended := f.machine.Wait(ctx, wait); ended != nil && err == nil {
			err = ended
		}
	}
	return kill, err
}
