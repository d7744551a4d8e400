package delivery

import (
	"context"
	"errors"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/timer"
	"github.com/nube-run/nube/internal/work"
)

// breakAfter is how many failures in a row make a target get one effect at a
// time.
const breakAfter = 5

// keptActors is about how many actors are kept that have nothing to do. One of
// more targets than that reads anew where it stands when it is woken: there may
// be a target for each recipient of a mail.
const keptActors = 1024

// again is after how long an actor that the store has failed tries again.
const again = time.Second

// actor delivers the effects of one target. Its goroutine lives while there is
// something to do; what it leaves behind is small.
type actor struct {
	d        *Delivery
	key      target
	layout   layout
	share    *share
	receiver Receiver

	// Guarded by the delivery's mu.
	running bool
	woken   bool          // while it ran
	token   work.Token    // while it runs
	nudge   chan struct{} // holds one wake-up of a running actor
	next    clock.Instant // when a retry is due; zero: none that is not being looked at
	index   int           // in the due heap

	// Guarded by the budget's mu.
	inLine, called bool
	wants          int

	// Of its goroutine, and of the next one.
	loaded   bool
	read     kv.Stamp           // effects up to here were read
	window   []*item            // effects that were read from "e" and are not all settled, in order
	queue    []*item            // to be handed over, in order
	parking  []*item            // to be parked behind a retry of their order
	held     map[kv.Stamp]*item // every item in memory
	orders   map[string]bool    // that are being handed over
	blocked  map[string]bool    // orders that have an effect in retry, or parked ones
	freed    []string           // blocked orders whose first parked effect may go now
	flying   int                // calls under way
	done     chan []*item       // calls that have come back
	failures int                // in a row
}

// item is one effect in memory.
type item struct {
	row
	place   place
	size    int
	tooOld  bool
	outcome Outcome
	hop     *hop // of the attempt; nil when nobody records
	shares  bool // its payload with others, when it was released
	settled bool
}

// newActorLocked makes the actor of a target.
func (d *Delivery) newActorLocked(t target, s *share) *actor {
	a := &actor{
		d: d, key: t, layout: layoutOf(t.cell), share: s, receiver: d.receivers[Scheme(t.name)],
		nudge: make(chan struct{}, 1), index: -1, done: make(chan []*item, window),
		held: make(map[kv.Stamp]*item), orders: make(map[string]bool), blocked: make(map[string]bool),
	}
	d.actors[t] = a
	return a
}

// wakeLocked makes the actor look, in a goroutine of its own if it has none.
func (a *actor) wakeLocked() {
	switch {
	case a.share.ended:
	case a.running:
		a.woken = true
		select {
		case a.nudge <- struct{}{}:
		default:
		}
	default:
		a.running = true
		a.token = a.d.o.Ledger.Begin(work.Delivery, a.key.name)
		a.share.actors.Go(a.run)
	}
}

// run delivers until there is nothing to do.
func (a *actor) run() {
	ctx := a.share.Context()
	for {
		err := a.deliver(ctx)
		if err != nil && ctx.Err() == nil {
			a.d.o.Log.Error("delivery failed", "target", a.key.name, "err", err)
			if !errors.Is(err, timer.ErrLost) && !errors.Is(err, kv.ErrBroken) && !errors.Is(err, kv.ErrClosed) {
				a.d.o.Machine.AfterFunc(again, func() { a.d.poke(a.key) })
			}
		}
		a.d.mu.Lock()
		if a.woken && err == nil {
			a.woken = false
			a.d.mu.Unlock()
			continue
		}
		a.running, a.woken = false, false
		tok := a.token
		if len(a.d.actors) > keptActors && a.index < 0 && a.d.actors[a.key] == a {
			delete(a.d.actors, a.key)
		}
		a.d.mu.Unlock()
		tok.End()
		return
	}
}

// deliver hands over what there is, and returns when nothing is left that can
// be handed over now.
func (a *actor) deliver(ctx context.Context) error {
	defer a.forget()
	for {
		if err := a.fill(ctx); err != nil {
			return err
		}
		worked, err := a.work(ctx)
		if err != nil {
			return err
		}
		if worked {
			continue
		}
		if a.flying == 0 {
			return nil
		}
		select {
		case items := <-a.done:
			if err := a.settle(ctx, a.gather(items)); err != nil {
				return err
			}
		case <-a.nudge:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// work settles what can be settled at once and hands over what can be handed
// over. It reports whether there may be more to do at once.
func (a *actor) work(ctx context.Context) (bool, error) {
	if old := a.takeOld(); len(old) > 0 || len(a.parking) > 0 && a.flying == 0 {
		return true, a.settle(ctx, old)
	}
	limits := a.limits()
	if rx, ok := a.receiver.(TxReceiver); ok {
		items := a.take(limits.Batch, true)
		if len(items) == 0 {
			return false, nil
		}
		return true, a.settleTx(ctx, rx, items)
	}
	for a.flying < limits.InFlight {
		items := a.take(limits.Batch, false)
		if len(items) == 0 {
			break
		}
		a.flying++
		a.share.actors.Go(func() { a.accept(ctx, items) })
	}
	return false, nil
}

// take takes up to n effects from the queue that may be handed over now. Unless
// they are handed over in one transaction, one in its order, of an order only
// one may be under way.
func (a *actor) take(n int, inTx bool) []*item {
	var items []*item
	rest := a.queue[:0]
	for i, it := range a.queue {
		if len(items) == n {
			rest = append(rest, a.queue[i:]...)
			break
		}
		if o := it.Order; o != "" {
			if a.orders[o] && !inTx {
				rest = append(rest, it)
				continue
			}
			a.orders[o] = true
		}
		items = append(items, it)
	}
	clear(a.queue[len(rest):])
	a.queue = rest
	return items
}

// takeOld takes the effects from the queue that have become too old to be
// handed over. One in an order waits until those before it are back.
func (a *actor) takeOld() []*item {
	var old []*item
	rest := a.queue[:0]
	for _, it := range a.queue {
		if it.tooOld && !a.orders[it.Order] {
			old = append(old, it)
		} else {
			rest = append(rest, it)
		}
	}
	clear(a.queue[len(rest):])
	a.queue = rest
	return old
}

// limits returns the limits of the target, as its failures allow them.
func (a *actor) limits() Limits {
	l := Limits{Batch: 1, InFlight: 8}
	if _, ok := a.receiver.(TxReceiver); ok {
		l = Limits{Batch: window, InFlight: 1}
	}
	if lr, ok := a.receiver.(Limiter); ok {
		own := lr.Limits(a.key.name)
		if own.Batch > 0 {
			l.Batch = min(own.Batch, window)
		}
		if own.InFlight > 0 {
			l.InFlight = min(own.InFlight, window)
		}
		l.Apart = own.Apart
	}
	if a.failures >= breakAfter && !l.Apart {
		l = Limits{Batch: 1, InFlight: 1}
	}
	return l
}

// gather takes what else has come back, to settle it in one transaction.
func (a *actor) gather(items []*item) []*item {
	a.flying--
	for len(items) < window {
		select {
		case more := <-a.done:
			a.flying--
			items = append(items, more...)
		default:
			return items
		}
	}
	return items
}

// forget waits for the calls under way and lets go of what is in memory, when
// the goroutine ends. What was not settled is read again.
func (a *actor) forget() {
	for a.flying > 0 {
		a.gather(<-a.done)
	}
	if len(a.held) > 0 {
		a.loaded = false
	}
	for _, it := range a.held {
		a.drop(it)
	}
	a.window, a.queue, a.parking = nil, nil, nil
	clear(a.orders)
}

// drop lets go of one item.
func (a *actor) drop(it *item) {
	delete(a.held, it.place.stamp)
	next := a.d.budget.give(it.size)
	if len(next) == 0 {
		return
	}
	a.d.mu.Lock()
	defer a.d.mu.Unlock()
	for _, n := range next {
		a.d.pokeLocked(n.key) // itself, unless it has been let go since
	}
}
