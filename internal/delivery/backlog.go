package delivery

import (
	"context"
	"fmt"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/timer"
	"github.com/nube-run/nube/internal/work"
)

// countMax is up to where a target's ready effects are counted.
const countMax = 1000

// stuckAfter is after how many attempts an effect counts as going round.
const stuckAfter = 100

// Backlog implements [work.Backlog]. It reads the store alone, and so says the
// truth also for what another node delivers.
func (d *Delivery) Backlog(ctx context.Context, s *kv.Snap, now clock.Instant) (work.Status, error) {
	st := work.Status{Of: "deliveries"}
	cells, err := timer.Cells(s, service)
	if err != nil {
		return st, err
	}
	for _, c := range cells {
		l := layoutOf(c)
		for _, kind := range []struct {
			row string
			add func(*work.Status, *kv.Snap, string, clock.Instant) error
		}{{rowEffect, l.addEmitted}, {rowRetry, l.addRetries}, {rowParked, l.addParked}} {
			targets, err := l.targets(s, kind.row)
			if err != nil {
				return st, err
			}
			for _, t := range targets {
				if err := ctx.Err(); err != nil {
					return st, err
				}
				if err := kind.add(&st, s, t, now); err != nil {
					return st, fmt.Errorf("deliveries to %s: %w", t, err)
				}
			}
		}
	}
	return st, nil
}

// addEmitted adds the effects that nobody has handed over.
func (l layout) addEmitted(st *work.Status, s *kv.Snap, target string, _ clock.Instant) error {
	v, err := s.Get(l.cursor(target))
	if err != nil {
		return err
	}
	var cursor kv.Stamp
	copy(cursor[:], v)
	n, err := count(s, l.after(target, cursor))
	st.Ready += n
	return err
}

// addRetries adds the effects that are to be tried again, now or later.
func (l layout) addRetries(st *work.Status, s *kv.Snap, target string, now clock.Instant) error {
	due := l.dueUntil(target, now)
	n, err := count(s, due)
	if err != nil {
		return err
	}
	st.Ready += n
	for p, err := range s.Scan(kv.Range{Start: due.End, End: l.of(rowRetry, target).End}, kv.ScanOptions{Limit: 1}) {
		if err != nil {
			return err
		}
		at, err := l.place(p.Key)
		if err != nil {
			return err
		}
		if st.Next.IsZero() || at.due < st.Next {
			st.Next = at.due
		}
		r, err := decodeRow(p.Value, at.stamp)
		if err != nil {
			return err
		}
		later, err := count(s, kv.Range{Start: due.End, End: l.of(rowRetry, target).End})
		if err != nil {
			return err
		}
		st.Waits = append(st.Waits, work.Wait{What: "delivery to " + target, Count: later, At: at.due, Why: r.LastError})
		if r.tries >= stuckAfter {
			st.Stuck = append(st.Stuck, work.Item{
				ID:  target + " " + r.ID,
				Why: fmt.Sprintf("tried %d times: %s", r.tries, r.LastError),
			})
		}
	}
	return nil
}

// addParked adds the orders whose parked effects wait for nothing.
func (l layout) addParked(st *work.Status, s *kv.Snap, target string, _ clock.Instant) error {
	orders, err := l.orders(s, target)
	if err != nil {
		return err
	}
	behind := make(map[string]bool)
	for p, err := range s.Scan(l.of(rowRetry, target), kv.ScanOptions{}) {
		if err != nil {
			return err
		}
		r, err := decodeRow(p.Value, kv.Stamp{})
		if err != nil {
			return err
		}
		behind[r.Order] = true
	}
	for _, o := range orders {
		if !behind[o] {
			st.Ready++
		}
	}
	return nil
}

func count(s *kv.Snap, r kv.Range) (n int, err error) {
	for _, err := range s.Scan(r, kv.ScanOptions{Limit: countMax, KeysOnly: true}) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}
