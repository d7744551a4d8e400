package delivery

import (
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

// disturbances are those of the effects of one call, in their order; nil is
// none.
type disturbances []Disturbance

// disturb asks about items.
func (a *actor) disturb(items []*item, es []Effect) disturbances {
	d := a.d.o.Disturber
	if d == nil {
		return nil
	}
	var all disturbances
	for i, it := range items {
		one := d.Disturb(&es[i], it.tries == 0)
		if one.Delay == 0 && !one.Twice {
			continue
		}
		if all == nil {
			all = make(disturbances, len(items))
		}
		all[i] = one
		if it.hop != nil {
			it.hop.Note("fault", one.Note)
		}
	}
	return all
}

// handOver hands effects over as they are disturbed. What is behind one of its
// order that is delayed, or has failed, is delayed too.
func (ds disturbances) handOver(es []Effect, accept func([]Effect) []Outcome) []Outcome {
	if ds == nil {
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
		order, wait := es[i].Order, ds[i].Delay
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
		given, places = append(given, es[i]), append(places, i)
		if !ds[i].Twice {
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
