package sqs

import (
	"context"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/work"
)

// Backlog implements [work.Backlog]. A message that lies in a queue, or that a
// client holds, is for the world outside to move; what a mapping will take of it the
// mappings report. The end of a delay, and of a visibility that a mapping holds, are
// instants at which something is going to happen.
func (s *Service) Backlog(ctx context.Context, snap *kv.Snap, now clock.Instant) (work.Status, error) {
	st := work.Status{Of: "queues"}
	cells, err := s.cells.all(snap)
	if err != nil {
		return st, err
	}
	for _, c := range cells {
		cat := catalogOf(c)
		for p, err := range snap.Scan(cat.queues(), kv.ScanOptions{}) {
			if err != nil {
				return st, err
			}
			if err := ctx.Err(); err != nil {
				return st, err
			}
			d := cat.Sub("queue").Decode(p.Key)
			n := name{arn.In(c.Region, c.Account), d.Str()}
			if err := d.Done(); err != nil {
				return st, err
			}
			q, err := s.known(n, p.Value)
			if err != nil {
				return st, err
			}
			if err := q.addTo(&st, snap, millis(now.UnixMilli())); err != nil {
				return st, err
			}
		}
	}
	return st, nil
}

func (q *queue) addTo(st *work.Status, snap *kv.Snap, now millis) error {
	v, err := snap.Get(q.space.count())
	if err != nil || v == nil {
		return err
	}
	total, err := kv.Int64(v)
	if err != nil || total == 0 {
		return err
	}
	st.External += int(total)
	st.Waits = append(st.Waits, work.Wait{What: "queue " + q.name.arn().String(), Count: int(total), External: true})
	next := clock.Instant(0)
	for _, l := range [...]lane{delayed, held} {
		at, err := q.firstAfter(snap, l, now)
		if err != nil {
			return err
		}
		i := clock.UnixMilli(int64(at))
		if at != 0 && (st.Next.IsZero() || i < st.Next) {
			st.Next = i
		}
		if at != 0 && (next.IsZero() || i < next) {
			next = i
		}
	}
	if !next.IsZero() {
		st.Waits = append(st.Waits, work.Wait{What: "message becomes visible in queue " + q.name.arn().String(), At: next})
	}
	return nil
}

// firstAfter is when the first row of a lane becomes visible that is not; zero for
// none.
func (q *queue) firstAfter(snap *kv.Snap, l lane, now millis) (millis, error) {
	r := kv.Range{Start: q.space.since(l, now+1), End: q.space.rows(l).End}
	for p, err := range snap.Scan(r, kv.ScanOptions{Limit: 1, KeysOnly: true}) {
		if err != nil {
			return 0, err
		}
		x, err := q.space.place(p.Key, q.settings.fifo)
		return x.at, err
	}
	return 0, nil
}
