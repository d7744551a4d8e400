package delivery

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
)

// fill reads what can be handed over, as far as window and budget allow:
// retries that are due, parked effects that are free, then new ones.
func (a *actor) fill(ctx context.Context) error {
	now := a.d.o.Model.Now()
	var next clock.Instant
	err := a.d.o.DB.View(ctx, func(s *kv.Snap) (err error) {
		if !a.loaded {
			if err := a.load(s); err != nil {
				return err
			}
		}
		if next, err = a.fillRetries(s, now); err != nil {
			return err
		}
		if err := a.fillFreed(s, now); err != nil {
			return err
		}
		return a.fillNew(s, now)
	})
	if err != nil {
		return fmt.Errorf("delivery to %s: %w", a.key.name, err)
	}
	a.d.setNext(a, next)
	return nil
}

// load finds out where the target stands, when the actor begins or after what
// it had in memory was lost.
func (a *actor) load(s *kv.Snap) error {
	v, err := s.Get(a.layout.cursor(a.key.name))
	if err != nil {
		return err
	}
	a.read = kv.Stamp{}
	copy(a.read[:], v)
	clear(a.blocked)
	a.freed = nil
	inRetry := make(map[string]bool)
	for p, err := range s.Scan(a.layout.of(rowRetry, a.key.name), kv.ScanOptions{}) {
		if err != nil {
			return err
		}
		r, err := decodeRow(p.Value, kv.Stamp{})
		if err != nil {
			return err
		}
		if r.Order != "" {
			a.blocked[r.Order], inRetry[r.Order] = true, true
		}
	}
	orders, err := a.layout.orders(s, a.key.name)
	if err != nil {
		return err
	}
	for _, o := range orders {
		a.blocked[o] = true
		if !inRetry[o] {
			a.freed = append(a.freed, o)
		}
	}
	a.loaded = true
	return nil
}

// fillRetries reads retries that are due, and returns when the next is.
func (a *actor) fillRetries(s *kv.Snap, now clock.Instant) (next clock.Instant, err error) {
	due := a.layout.dueUntil(a.key.name, now)
	for p, err := range s.Scan(due, kv.ScanOptions{}) {
		if err != nil {
			return 0, err
		}
		if more, err := a.hold(s, p, now); err != nil || !more {
			return 0, err // the rest when there is room
		}
	}
	later := kv.Range{Start: due.End, End: a.layout.of(rowRetry, a.key.name).End}
	for p, err := range s.Scan(later, kv.ScanOptions{Limit: 1, KeysOnly: true}) {
		if err != nil {
			return 0, err
		}
		at, err := a.layout.place(p.Key)
		return at.due, err
	}
	return 0, nil
}

// fillFreed reads the first parked effect of each order that may go on. An
// order that has none is blocked no longer.
func (a *actor) fillFreed(s *kv.Snap, now clock.Instant) error {
	for len(a.freed) > 0 {
		order := a.freed[0]
		found := false
		for p, err := range s.Scan(a.layout.parkedOf(a.key.name, order), kv.ScanOptions{Limit: 1}) {
			if err != nil {
				return err
			}
			if more, err := a.hold(s, p, now); err != nil || !more {
				return err
			}
			found = true
		}
		if !found {
			delete(a.blocked, order)
		}
		a.freed = a.freed[1:]
	}
	return nil
}

// fillNew reads effects that were emitted since.
func (a *actor) fillNew(s *kv.Snap, now clock.Instant) error {
	if len(a.window) >= window {
		return nil
	}
	for p, err := range s.Scan(a.layout.after(a.key.name, a.read), kv.ScanOptions{Limit: window - len(a.window)}) {
		if err != nil {
			return err
		}
		if more, err := a.hold(s, p, now); err != nil || !more {
			return err
		}
	}
	return nil
}

// hold takes a row into memory, unless it is there already, and reports whether
// there was room.
func (a *actor) hold(s *kv.Snap, p kv.Pair, now clock.Instant) (bool, error) {
	at, err := a.layout.place(p.Key)
	if err != nil {
		return false, err
	}
	if a.held[at.stamp] != nil {
		return true, nil
	}
	if len(a.held) >= 2*window {
		return false, nil
	}
	r, err := decodeRow(p.Value, at.stamp)
	if err != nil {
		return false, fmt.Errorf("%w at %s", err, p.Key)
	}
	r.Cell, r.Target = a.key.cell, a.key.name
	if r.ID == "" {
		r.ID = hex.EncodeToString(at.stamp[:])
	}
	if r.kind == payloadAt {
		if r.Payload, err = s.Get(a.layout.payload(r.payload)); err != nil {
			return false, err
		}
		if r.Payload == nil {
			return false, fmt.Errorf("delivery: the payload of %s is missing", p.Key)
		}
	}
	it := &item{row: r, place: at, size: len(p.Value) + len(r.Payload)}
	if !a.d.budget.take(a, it.size, len(a.held) > 0) {
		return false, nil
	}
	it.tooOld = r.Policy.MaxAge > 0 && now > r.At.Add(r.Policy.MaxAge)
	a.held[at.stamp] = it
	if at.kind == rowEffect {
		a.window = append(a.window, it)
		a.read = at.stamp
		if r.Order != "" && a.blocked[r.Order] {
			a.parking = append(a.parking, it)
			return true, nil
		}
	}
	a.queue = append(a.queue, it)
	return true, nil
}
