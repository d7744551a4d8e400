package delivery

import (
	"context"
	"errors"
	"time"
)

// Disturber makes deliveries go wrong on purpose, for tests of what then happens.
type Disturber interface {
	// Disturb is asked about an effect before each time that it is handed over,
	// for the first time or again. It can be delayed at the first time only: one
	// that is delayed at each would never arrive.
	Disturb(e *Effect, first bool) Disturbance
}

// Disturbance is what becomes of handing over an effect. The zero value is
// nothing.
type Disturbance struct {
	Delay time.Duration // it is not handed over now: it waits so long, of model time, and others go first
	Twice bool          // it is handed over once more after it was taken
	Note  string        // what the attempt's span says of it
}

// errDelayed is why an effect waits that was delayed on purpose.
var errDelayed = errors.New("delayed by a fault that was asked for")

// plans say what is to become of the effects of one call, in their order; nil is
// that all are handed over.
type plans []plan

type plan struct {
	Disturbance
	refused Outcome // it is not handed over: the receiver has not admitted it
}

// disturb asks who makes deliveries go wrong about items.
func (a *actor) disturb(items []*item, es []Effect) plans {
	d := a.d.o.Disturber
	if d == nil {
		return nil
	}
	var all plans
	for i, it := range items {
		one := d.Disturb(&es[i], it.tries == 0)
		if one.Delay == 0 && !one.Twice {
			continue
		}
		if all == nil {
			all = make(plans, len(items))
		}
		all[i].Disturbance = one
		if it.hop != nil {
			it.hop.Note("fault", one.Note)
		}
	}
	return all
}

// admit asks a receiver which of the effects it takes at all, if it wants to be
// asked.
func (ps plans) admit(ctx context.Context, rx TxReceiver, items []*item, es []Effect) (plans, error) {
	ax, ok := rx.(Admitter)
	if !ok {
		return ps, nil
	}
	if len(es) == 1 {
		ctx = items[0].within(ctx)
	}
	outcomes, err := call(func() []Outcome { return ax.Admit(ctx, es) }, len(es))
	if err != nil {
		return nil, err
	}
	for i := range outcomes {
		if outcomes[i].Err == nil {
			continue
		}
		if ps == nil {
			ps = make(plans, len(es))
		}
		ps[i].refused = outcomes[i]
	}
	return ps, nil
}

// handOver hands effects over as is planned. What is behind one of its order that
// is delayed, or has failed, is delayed too.
func (ps plans) handOver(es []Effect, accept func([]Effect) []Outcome) []Outcome {
	if ps == nil {
		return accept(es)
	}
	out := make([]Outcome, len(es))
	waits := map[string]bool{} // orders whose next must wait
	var given []Effect
	var places []int
	hand := func() bool {
		if len(given) == 0 {
			return true
		}
		took := accept(given)
		if len(took) != len(given) {
			return false
		}
		for n, i := range places {
			out[i] = took[n]
			if took[n].Err != nil && es[i].Order != "" {
				waits[es[i].Order] = true
			}
		}
		given, places = nil, nil
		return true
	}
	for i := range es {
		order, wait := es[i].Order, ps[i].Delay
		if waits[order] {
			wait = max(wait, 1) // its place behind the other decides
		}
		if wait > 0 {
			out[i] = Outcome{Err: errDelayed, Throttled: true, After: wait}
			if order != "" {
				waits[order] = true
			}
			continue
		}
		if ps[i].refused.Err != nil {
			out[i] = ps[i].refused
			waits[order] = waits[order] || order != "" && !out[i].Permanent
			continue
		}
		given, places = append(given, es[i]), append(places, i)
		if !ps[i].Twice {
			continue
		}
		// At once, so that what follows in its order follows both.
		if !hand() {
			return nil // call says what is wrong with that
		}
		if out[i].Err == nil {
			accept(es[i : i+1])
		}
	}
	if !hand() {
		return nil
	}
	return out
}
