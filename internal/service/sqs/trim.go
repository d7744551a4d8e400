package sqs

import (
	"context"

	"github.com/nube-run/nube/internal/kv"
)

// trimEvery is how many messages are taken between two times that the cursors are
// written down: what a new start walks over at most.
const trimEvery = 1000

// trim notes that messages were taken, and now and then writes down from where on
// the index has rows. Whoever adds a row reads the cursor of its lane, so that none
// comes to lie before it. It must be called with taking held.
func (s *Service) trim(ctx context.Context, q *queue, n int) {
	l := q.live
	l.mu.Lock()
	l.taken += n
	due := l.taken >= trimEvery
	from := l.from
	l.mu.Unlock()
	if !due {
		return
	}
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		if err := q.check(tx); err != nil {
			return err
		}
		for n, start := range from {
			if start == nil {
				continue
			}
			if err := q.trimLane(tx, lane(n), start); err != nil {
				return err
			}
		}
		return nil
	}, kv.Relaxed())
	if err == nil {
		l.mu.Lock()
		l.taken = 0
		l.mu.Unlock()
	}
}

// trimLane writes down the cursor of one lane: the instant of the first row, or
// where the process believes that it can be.
func (q *queue) trimLane(tx *kv.Tx, n lane, start kv.Key) error {
	had, err := readMillis(tx, q.space.cursor(n))
	if err != nil {
		return err
	}
	d := q.space.Sub("v").Decode(start)
	d.Uint()
	to := millis(d.Int())
	if d.Err() != nil {
		return d.Err()
	}
	if to <= had {
		return nil
	}
	for p, err := range tx.Scan(kv.Range{Start: q.space.since(n, had), End: q.space.since(n, to)}, kv.ScanOptions{Limit: 1, KeysOnly: true}) {
		if err != nil {
			return err
		}
		first, err := q.space.place(p.Key, q.settings.fifo)
		if err != nil {
			return err
		}
		to = first.at
	}
	if to > had {
		tx.Set(q.space.cursor(n), millisRow(to))
	}
	return nil
}
