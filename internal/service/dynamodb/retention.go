package dynamodb

import (
	"context"
	"time"

	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/timer"
)

// trimming is the [timer.Index] of what streams forget: records after a day, and whole streams a day after they were
// closed. Records go at most trimStep later than they could, many at a time. When there is something to do next stands in
// the stream's row and is never moved by a write: what is written later is forgotten later.
//
// It recurs as long as there is a stream, so the cloud is settled without it.
type trimming struct{ s *Service }

// trimStep is the distance between two trimmings of a stream.
const trimStep = 5 * time.Minute

// roundUp is the next of the instants at which streams are trimmed.
func roundUp(i instant) instant {
	step := instant(trimStep)
	return (i + step - 1) / step * step
}

// NextDue implements [timer.Index].
func (x *trimming) NextDue(_ context.Context, sn *kv.Snap) (due timer.Due, err error) {
	cells, err := x.s.cells.all(sn)
	if err != nil {
		return due, err
	}
	for _, c := range cells {
		for p, err := range sn.Scan(catalogOf(c).streams(), kv.ScanOptions{}) {
			if err != nil {
				return due, err
			}
			at, err := trimTime(p.Value)
			if err != nil {
				return due, err
			}
			due.Recurring = earliest(due.Recurring, at)
		}
	}
	return due, nil
}

// Fire implements [timer.Index].
func (x *trimming) Fire(ctx context.Context, shard *timer.Shard, now instant) error {
	type dueFeed struct {
		cell keyspace.Cell
		*feed
	}
	var due []dueFeed
	err := x.s.db.View(ctx, func(sn *kv.Snap) error {
		cells, err := x.s.cells.all(sn)
		if err != nil {
			return err
		}
		for _, c := range cells {
			for p, err := range sn.Scan(catalogOf(c).streams(), kv.ScanOptions{}) {
				if err != nil {
					return err
				}
				f, err := decodeFeed(c, p.Value)
				if err != nil {
					return err
				}
				if f.trim <= now {
					due = append(due, dueFeed{c, f})
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, f := range due {
		for more := true; more; {
			gone := false
			_, err := x.s.db.Update(ctx, func(tx *kv.Tx) (err error) {
				if err := shard.Guard(tx); err != nil {
					return err
				}
				gone, more, err = trim(tx, f.cell, f.Table, f.Label, now)
				return err
			})
			if err != nil {
				return err
			}
			if gone {
				x.s.clear(f.cell, f.ID)
			}
		}
	}
	return nil
}

// trimRecords is how many records one transaction looks at.
const trimRecords = 4096

// trim forgets what is too old in a stream. It reports whether the stream itself is gone, whose keys are then to be
// cleared, and whether there is more to forget.
func trim(tx *kv.Tx, c keyspace.Cell, table, label string, now instant) (gone, more bool, err error) {
	f, err := readFeed(tx, c, table, label)
	if err != nil || f == nil {
		return false, false, err
	}
	if f.closed() && now.Sub(f.Closed) >= retention {
		tx.Delete(catalogOf(c).stream(table, label))
		tx.Set(catalogOf(c).gone(f.ID), nil)
		return true, false, nil
	}
	// What is written from now on is kept for a day at least.
	f.trim = roundUp(now.Add(retention))
	if f.closed() {
		f.trim = roundUp(f.Closed.Add(retention))
	}
	horizon, err := f.horizon(tx)
	if err != nil {
		return false, false, err
	}
	cut := horizon
	n := 0
	// Records come only at the end, and go only here: reading them conflicts with nobody.
	for at, r := range f.rows(tx.Peek(), horizon, kv.ScanOptions{}) {
		if r.err != nil {
			return false, false, r.err
		}
		created, err := createdAt(r.row)
		if err != nil {
			return false, false, err
		}
		if over := created.Add(retention); over > now {
			f.trim = min(f.trim, roundUp(over))
			break
		}
		cut = at
		if n++; n == trimRecords {
			more = true
			break
		}
	}
	if n > 0 {
		log := f.layout.log()
		tx.DeleteRange(kv.Range{Start: log, End: kv.Next(append(log[:len(log):len(log)], cut[:]...))})
		tx.Set(f.layout.horizon(), cut[:])
	}
	if more {
		f.trim = now
	}
	return false, more, f.save(tx, c)
}
