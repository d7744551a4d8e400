package sqs

import (
	"context"
	"errors"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/timer"
)

// arm has a queue looked through when a message that was sent then expires, unless it
// is looked through before that anyway.
func (s *Service) arm(tx *kv.Tx, q *queue, sent millis) error {
	had, err := readMillis(tx, q.space.sweep())
	due := sent + millis(q.settings.retention.Milliseconds())
	if err != nil || had != 0 && had <= due {
		return err
	}
	s.setSweep(tx, q.name, q.space, had, due)
	return nil
}

// rearm has a queue looked through at once, if it has anything: its messages expire
// sooner than they did.
func (s *Service) rearm(tx *kv.Tx, n name, id uint64) error {
	sp := spaceOf(n.cell(), id)
	had, err := readMillis(tx, sp.sweep())
	if err != nil || had == 0 {
		return err
	}
	s.setSweep(tx, n, sp, had, min(had, s.now()))
	return nil
}

// setSweep moves the instant at which a queue is looked through; zero is none.
func (s *Service) setSweep(tx *kv.Tx, n name, sp space, had, at millis) {
	cat := catalogOf(n.cell())
	if had != 0 {
		tx.Delete(cat.due(had, n.queue))
	}
	if at == 0 {
		tx.Delete(sp.sweep())
		return
	}
	tx.Set(sp.sweep(), millisRow(at))
	tx.Set(cat.due(at, n.queue), nil)
	if s.sweepAt != nil {
		tx.After(func(kv.Stamp) { s.sweepAt(clock.UnixMilli(int64(at))) })
	}
}

// sweeper is the [timer.Index] of retention: one row for each queue that has
// messages, at when the oldest of them expires. It recurs, as long as there are any,
// so the cloud is settled without it. Nobody receives a message that has expired,
// whether it was swept or not.
type sweeper struct{ s *Service }

// NextDue implements [timer.Index].
func (x *sweeper) NextDue(_ context.Context, snap *kv.Snap) (due timer.Due, err error) {
	cells, err := x.s.cells.all(snap)
	if err != nil {
		return due, err
	}
	for _, c := range cells {
		at, _, err := firstDue(snap, c)
		if err != nil {
			return due, err
		}
		if i := clock.UnixMilli(int64(at)); at != 0 && (due.Recurring.IsZero() || i < due.Recurring) {
			due.Recurring = i
		}
	}
	return due, nil
}

// firstDue is the queue of a cell that is looked through first, and when.
func firstDue(snap *kv.Snap, c keyspace.Cell) (millis, string, error) {
	cat := catalogOf(c)
	for p, err := range snap.Scan(cat.dues(), kv.ScanOptions{Limit: 1, KeysOnly: true}) {
		if err != nil {
			return 0, "", err
		}
		d := cat.Sub("due").Decode(p.Key)
		at, queue := millis(d.Int()), d.Str()
		return at, queue, d.Done()
	}
	return 0, "", nil
}

// Fire implements [timer.Index].
func (x *sweeper) Fire(ctx context.Context, shard *timer.Shard, now clock.Instant) error {
	for {
		var n name
		var at millis
		err := x.s.DB.View(ctx, func(snap *kv.Snap) error {
			cells, err := x.s.cells.all(snap)
			if err != nil {
				return err
			}
			for _, c := range cells {
				when, queue, err := firstDue(snap, c)
				if err != nil {
					return err
				}
				if when != 0 && when <= millis(now.UnixMilli()) {
					n, at = name{arn.In(c.Region, c.Account), queue}, when
					return nil
				}
			}
			return nil
		})
		if err != nil || at == 0 {
			return err
		}
		if err := x.sweep(ctx, shard, n, at, millis(now.UnixMilli())); err != nil {
			return err
		}
	}
}

// Limits of one step of a sweep.
const (
	sweepRows  = 256
	sweepBytes = 4 << 20
)

// sweep takes away what has expired of a queue, a part at a time, and moves its row.
func (x *sweeper) sweep(ctx context.Context, shard *timer.Shard, n name, at, now millis) error {
	_, _, err := x.s.update(ctx, n, func(tx *kv.Tx, q *queue) error {
		if err := shard.Guard(tx); err != nil {
			return err
		}
		had, err := readMillis(tx, q.space.sweep())
		if err != nil {
			return err
		}
		if had != at {
			tx.Delete(catalogOf(n.cell()).due(at, n.queue)) // of another generation
			return nil
		}
		next, err := q.expire(tx, now)
		if err != nil {
			return err
		}
		x.s.setSweep(tx, n, q.space, had, next)
		return nil
	})
	if fault.Is(err, "QueueDoesNotExist") || errors.Is(err, errStale) {
		_, err = x.s.DB.Update(ctx, func(tx *kv.Tx) error {
			if err := shard.Guard(tx); err != nil {
				return err
			}
			tx.Delete(catalogOf(n.cell()).due(at, n.queue))
			return nil
		})
	}
	return err
}

// expire takes away messages that have expired, as many as fit into a step, and
// returns when there is more to do; zero for never.
func (q *queue) expire(tx *kv.Tx, now millis) (millis, error) {
	if q.settings.fifo {
		return q.expireGroups(tx, now)
	}
	retention := millis(q.settings.retention.Milliseconds())
	rows, bytes := 0, 0
	flying, late := map[millis]int{}, map[millis]int{}
	live := q.live
	tx.After(func(kv.Stamp) { live.count(flying, late) })
	for p, err := range tx.Scan(q.space.bodies(), kv.ScanOptions{}) {
		if err != nil {
			return 0, err
		}
		m, err := q.decode(p.Value)
		if err != nil {
			return 0, err
		}
		if due := m.sent + retention; due > now {
			return due, nil
		}
		if rows, bytes = rows+1, bytes+len(p.Value); rows > sweepRows || bytes > sweepBytes {
			return now, nil
		}
		d := q.space.Sub("m").Decode(p.Key)
		stamp := d.Stamp()
		if err := d.Done(); err != nil {
			return 0, err
		}
		st, err := readState(tx, q.space, stamp)
		if err != nil {
			return 0, err
		}
		if st == nil {
			st = &state{lane: m.lane, receipt: receipt{until: m.after}}
		}
		tx.Delete(p.Key)
		tx.Delete(q.space.state(stamp))
		tx.Delete(q.space.indexed(st.lane, st.until, stamp))
		tx.Add(q.space.count(), -1)
		if st.count > 0 {
			flying[st.until]--
		} else { // it may be delayed for longer than it is kept
			late[st.until]--
		}
	}
	return 0, nil
}
