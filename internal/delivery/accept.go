package delivery

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// errReceiver is wrapped by the errors of a receiver that does not keep its
// contract. They count as failures of the effects.
var errReceiver = errors.New("delivery: the receiver failed")

// accept hands over effects outside of the store, in a goroutine of its own.
func (a *actor) accept(ctx context.Context, items []*item) {
	defer func() { a.done <- items }()
	a.begin(items)
	es := effects(items)
	if len(es) == 1 {
		ctx = items[0].within(ctx)
	}
	planned := a.disturb(items, es)
	outcomes, err := call(func() []Outcome {
		rx, ok := a.receiver.(Accepter)
		if !ok { // its service was there when the effect was emitted
			panic("nothing delivers to " + a.key.name)
		}
		return planned.handOver(es, func(es []Effect) []Outcome { return rx.Accept(ctx, es) })
	}, len(es))
	for i, it := range items {
		if err != nil {
			it.outcome = Outcome{Err: err}
		} else {
			it.outcome = outcomes[i]
		}
		it.end()
	}
}

// effects returns the effects as a receiver sees them.
func effects(items []*item) []Effect {
	es := make([]Effect, len(items))
	for i, it := range items {
		es[i] = it.Effect
		es[i].Payload, es[i].Head = it.Effect.whole(), nil
		es[i].Cause = it.cause()
		es[i].Attempt = it.attempts + 1
	}
	return es
}

// call calls a receiver for n effects, and makes a panic of it an error.
func call(fn func() []Outcome, n int) (out []Outcome, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: it panicked: %v\n%s", errReceiver, r, debug.Stack())
		}
	}()
	out = fn()
	if len(out) != n {
		return nil, fmt.Errorf("%w: %d outcomes for %d effects", errReceiver, len(out), n)
	}
	return out, nil
}
