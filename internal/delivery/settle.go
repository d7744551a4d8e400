package delivery

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
)

// goneMax is how many of a target's effects that were given up are kept.
const goneMax = 100

// verdict is what settling makes of an item.
type verdict uint8

const (
	succeeded verdict = iota
	givenUp
	postponed // to be tried again
	parked    // behind one of its order, of the same transaction, that is to be tried again
)

// settle commits the outcomes of effects that were handed over, and parks what
// is to be parked.
//
// The commit waits for the disk unless it only takes away new effects that were
// done and more is under way: to hand those over again is all that a lost one
// costs. Everything else is read again from the durable state, and must be
// there.
func (a *actor) settle(ctx context.Context, items []*item) error {
	relaxed := (a.flying > 0 || len(a.queue) > 0) && len(a.parking) == 0
	for _, it := range items {
		o := &it.outcome
		relaxed = relaxed && it.place.kind == rowEffect && o.Err == nil && len(o.Then) == 0 && !it.tooOld
	}
	var opts []kv.Option
	if relaxed {
		opts = append(opts, kv.Relaxed())
	}
	now := a.d.o.Model.Now()
	verdicts := make([]verdict, len(items))
	_, err := a.d.o.DB.Update(ctx, func(tx *kv.Tx) error {
		if err := a.share.Guard(tx); err != nil {
			return err
		}
		return a.conclude(tx, now, items, verdicts)
	}, opts...)
	if err != nil {
		return err
	}
	return a.concluded(ctx, items, verdicts)
}

// settleTx hands over effects inside the store and settles them in the same
// transaction.
func (a *actor) settleTx(ctx context.Context, rx TxReceiver, items []*item) error {
	now := a.d.o.Model.Now()
	verdicts := make([]verdict, len(items))
	a.begin(items)
	es := effects(items)
	planned, err := a.disturb(items, es).admit(ctx, rx, items, es)
	if err == nil {
		err = a.handOverTx(ctx, rx, now, items, es, planned, verdicts)
	}
	if err == nil {
		for i, it := range items {
			if verdicts[i] != parked { // those were not tried
				it.end()
			}
		}
		return a.concluded(ctx, items, verdicts)
	}
	if !errors.Is(err, errReceiver) && !errors.Is(err, kv.ErrTooLarge) && !errors.Is(err, kv.ErrTooSlow) {
		return err
	}
	// One of them spoils it for all: each for itself, and that one fails.
	if len(items) > 1 {
		for _, it := range items {
			if it.place.kind == rowEffect && a.blocked[it.Order] {
				delete(a.orders, it.Order)
				a.parking = append(a.parking, it) // the one before it has just failed
				continue
			}
			if err := a.settleTx(ctx, rx, []*item{it}); err != nil {
				return err
			}
		}
		return nil
	}
	items[0].outcome = Outcome{Err: err}
	items[0].end()
	return a.settle(ctx, items)
}

// handOverTx is the transaction of settleTx.
func (a *actor) handOverTx(ctx context.Context, rx TxReceiver, now clock.Instant, items []*item, es []Effect, planned plans, verdicts []verdict) error {
	_, err := a.d.o.DB.Update(ctx, func(tx *kv.Tx) error {
		if err := a.share.Guard(tx); err != nil {
			return err
		}
		outcomes, err := call(func() []Outcome {
			return planned.handOver(es, func(es []Effect) []Outcome { return rx.AcceptTx(tx, now, es) })
		}, len(es))
		if err != nil {
			return err
		}
		for i, it := range items {
			it.outcome = outcomes[i]
		}
		return a.conclude(tx, now, items, verdicts)
	})
	return err
}

// conclude writes what becomes of items, the parking, and the cursor.
func (a *actor) conclude(tx *kv.Tx, now clock.Instant, items []*item, verdicts []verdict) error {
	leaving := make(map[*item]bool, len(items)+len(a.parking))
	var behind map[string]bool // orders that have failed here
	for i, it := range items {
		leaving[it] = true
		if behind[it.Order] {
			if it.outcome.Err == nil {
				return fmt.Errorf("%w: it took an effect after one of the same order that it did not", errReceiver)
			}
			a.parkRow(tx, it)
			verdicts[i] = parked
			continue
		}
		v, err := a.concludeOne(tx, now, it)
		if err != nil {
			return err
		}
		verdicts[i] = v
		if v == postponed && it.Order != "" {
			if behind == nil {
				behind = make(map[string]bool)
			}
			behind[it.Order] = true
		}
	}
	for _, it := range a.parking {
		leaving[it] = true
		a.parkRow(tx, it)
	}
	// The cursor goes to the last effect before the first that stays.
	var cursor kv.Stamp
	for _, it := range a.window {
		if !it.settled && !leaving[it] {
			break
		}
		cursor = it.place.stamp
	}
	if !cursor.IsZero() {
		tx.Set(a.layout.cursor(a.key.name), cursor[:])
	}
	return nil
}

// parkRow moves an effect behind those of its order.
func (a *actor) parkRow(tx *kv.Tx, it *item) {
	tx.Delete(a.layout.key(it.place))
	tx.Set(a.layout.parked(a.key.name, it.Order, it.place.stamp), it.row.encode())
}

// concludeOne writes what becomes of one item.
func (a *actor) concludeOne(tx *kv.Tx, now clock.Instant, it *item) (verdict, error) {
	tx.Delete(a.layout.key(it.place))
	o := it.outcome
	if it.tooOld {
		return givenUp, a.giveUp(tx, it, it.row, o, TooOld)
	}
	if o.Err == nil {
		if err := a.d.Emit(tx, o.Then...); err != nil {
			return 0, err
		}
		return succeeded, a.release(tx, it)
	}
	r := it.row
	r.tries++
	if !o.Throttled {
		r.attempts++
	}
	r.LastError = clip(o.Err.Error())
	switch {
	case o.Permanent:
		return givenUp, a.giveUp(tx, it, r, o, Rejected)
	case r.Policy.MaxAttempts > 0 && r.attempts >= r.Policy.MaxAttempts:
		return givenUp, a.giveUp(tx, it, r, o, OutOfRetries)
	}
	due := now.Add(max(r.pause(o), 1))
	if r.Policy.MaxAge > 0 {
		due = min(due, r.At.Add(r.Policy.MaxAge)+1)
	}
	tx.Set(a.layout.retry(a.key.name, due, it.place.stamp), r.encode())
	return postponed, a.d.Emit(tx, o.Then...)
}

// clip shortens an error's text to what an envelope should carry.
func clip(s string) string { return s[:min(len(s), 1000)] }

// pause returns how long to wait before the next try. Without a word of the
// receiver it doubles with each, and half of it is jitter from the effect's id.
func (r *row) pause(o Outcome) time.Duration {
	if o.After > 0 {
		return o.After
	}
	d, limit := r.Policy.Backoff, r.Policy.MaxBackoff
	if d <= 0 {
		d = defaultBackoff
	}
	if limit <= 0 {
		limit = defaultMaxBackoff
	}
	for range r.tries - 1 {
		if d >= limit {
			break
		}
		d *= 2
	}
	d = min(d, limit)
	h := fnv.New64a()
	h.Write([]byte(r.ID))
	rng := rand.New(rand.NewPCG(h.Sum64(), uint64(r.tries)))
	return d/2 + time.Duration(rng.Int64N(int64(d/2)+1))
}

// giveUp emits the dead letter of an effect and keeps it to be looked at.
func (a *actor) giveUp(tx *kv.Tx, it *item, r row, o Outcome, why Reason) error {
	e := r.Effect
	e.Payload, e.Head = e.whole(), nil
	e.Attempt, e.Cause = r.attempts, it.cause()
	then := append(slices.Clone(o.Then), a.afterwards(e, o, why)...)
	if err := a.d.Emit(tx, then...); err != nil {
		return err
	}
	if err := a.release(tx, it); err != nil {
		return err
	}
	// What is kept has its payload with it, cut short: it is for people.
	r.kind, r.Payload = payloadInline, r.Payload[:min(len(r.Payload), inlineMax)]
	tx.Set(a.layout.gone(a.key.name, it.place.stamp), r.encode())
	return a.trimGone(tx)
}

// afterwards is what follows when an effect is given up.
func (a *actor) afterwards(e Effect, o Outcome, why Reason) []Effect {
	dl := e.Policy.DeadLetter
	if u, ok := a.d.receivers[Scheme(dl)].(Undertaker); ok {
		return u.Bury(e, o, why)
	}
	if x, ok := a.receiver.(Exhausted); ok {
		return x.Exhausted(e, o, why)
	}
	if dl == "" {
		return nil
	}
	return []Effect{{
		Cell: e.Cell, Target: dl, Kind: e.Kind, Order: e.Order, Payload: e.Payload,
		Actor: e.Actor, SourceARN: e.SourceARN, Cause: e.Cause, At: e.At,
	}}
}

// trimGone removes the oldest of the effects that were given up, if they are
// too many.
func (a *actor) trimGone(tx *kv.Tx) error {
	n := 0
	for p, err := range tx.Peek().Scan(a.layout.of(rowGone, a.key.name), kv.ScanOptions{Reverse: true, KeysOnly: true}) {
		if err != nil {
			return err
		}
		if n++; n >= goneMax {
			tx.Delete(p.Key)
		}
	}
	return nil
}

// release says that an item refers to its shared payload no longer, and removes
// the payload if it was the only one. While several refer to it they only count
// down, so that the many actors of a fan-out do not conflict; see concluded.
func (a *actor) release(tx *kv.Tx, it *item) error {
	if it.kind != payloadAt {
		return nil
	}
	count := a.layout.count(it.payload)
	v, err := tx.Peek().Get(count)
	if err != nil {
		return err
	}
	if n, err := kv.Int64(v); err != nil || n > 1 {
		it.shares = true
		tx.Add(count, -1)
		return err
	}
	it.shares = false
	if _, err := tx.Get(count); err != nil { // nobody else may count now
		return err
	}
	tx.Delete(count)
	tx.Delete(a.layout.payload(it.payload))
	return nil
}

// concluded brings what is in memory to where the store is now.
func (a *actor) concluded(ctx context.Context, items []*item, verdicts []verdict) error {
	for i, it := range items {
		it.settled = true
		a.drop(it)
		if it.tooOld {
			a.aged(it)
		}
		if told := a.d.o.Settled; told != nil && verdicts[i] != parked && !it.outcome.Throttled {
			told(&it.Effect, it.outcome.Err, verdicts[i] == givenUp)
		}
		switch verdicts[i] {
		case succeeded:
			a.failures = 0
		case postponed, givenUp:
			if it.outcome.Err != nil {
				a.failures++
			}
		}
		if it.Order == "" {
			continue
		}
		delete(a.orders, it.Order)
		switch {
		case verdicts[i] == postponed:
			a.blocked[it.Order] = true
		case verdicts[i] != parked && a.blocked[it.Order] && it.place.kind != rowEffect:
			a.freed = append(a.freed, it.Order)
		}
	}
	for _, it := range a.parking {
		it.settled = true
		a.drop(it)
	}
	a.parking = nil
	done := 0
	for done < len(a.window) && a.window[done].settled {
		done++
	}
	a.window = slices.Delete(a.window, 0, done)
	a.park()
	for i, it := range items {
		// Of several that counted down at once each may have left one to the
		// others. Who dies here leaves it to the next start.
		if it.shares && verdicts[i] <= givenUp {
			if err := a.d.sweep(ctx, a.key.cell, it.payload); err != nil {
				return err
			}
		}
	}
	return nil
}

// park moves effects from the queue behind a retry of their order that is new.
func (a *actor) park() {
	rest := a.queue[:0]
	for _, it := range a.queue {
		if it.place.kind == rowEffect && a.blocked[it.Order] {
			a.parking = append(a.parking, it)
		} else {
			rest = append(rest, it)
		}
	}
	clear(a.queue[len(rest):])
	a.queue = rest
}
