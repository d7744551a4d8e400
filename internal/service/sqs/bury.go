package sqs

import (
	"context"

	"github.com/nube-run/nube/internal/kv"
)

// deadLetters is a queue's dead-letter queue; nil if it has none, or if what it
// names is not there: messages are then received on and on.
func (s *Service) deadLetters(tx *kv.Tx, q *queue) (*queue, error) {
	if q.settings.redrive == nil {
		return nil, nil
	}
	n, ok := queueByARN(q.settings.redrive.Target)
	if !ok || n.cell() != q.cell() || n.fifo() != q.fifo() {
		return nil, nil
	}
	return s.within(tx, n)
}

// within is a queue in a transaction that changes its messages, and conflicts with
// changes of the queue itself; nil if there is none.
func (s *Service) within(tx *kv.Tx, n name) (*queue, error) {
	raw, err := tx.Get(catalogOf(n.cell()).queue(n.queue))
	if err != nil || raw == nil {
		return nil, err
	}
	q, err := s.known(n, raw)
	if err != nil {
		return nil, err
	}
	return q, s.touchIn(tx, q)
}

// bury takes messages away that are not to be received any more: what has expired
// for good, the rest into the dead-letter queue, or nowhere if that is gone by now.
// What was there is durable, and what is in the dead-letter queue can be received
// from it, when it returns.
func (s *Service) bury(ctx context.Context, q *queue, all []spent, now millis) error {
	for len(all) > 0 {
		n, bytes := 0, 0
		for ; n < len(all) && bytes < moveBytes; n++ {
			bytes += all[n].m.size()
		}
		if err := s.burySome(ctx, q, all[:n], now); err != nil {
			for _, x := range all {
				q.live.came(x.place.lane, x.place.at, 1)
			}
			return err
		}
		all = all[n:]
	}
	return nil
}

// burySome is bury of as many as one transaction takes.
func (s *Service) burySome(ctx context.Context, q *queue, all []spent, now millis) error {
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		if err := q.check(tx); err != nil {
			return err
		}
		dead, err := s.deadLetters(tx, q)
		if err != nil {
			return err
		}
		var moved []*message
		for _, x := range all {
			if dead == nil && !x.expired {
				tx.After(func(kv.Stamp) { q.live.came(x.place.lane, x.place.at, 1) })
				continue
			}
			gone, err := q.take1(tx, x.place, x.stamp, x.m, now)
			if err != nil {
				return err
			}
			if gone && !x.expired {
				moved = append(moved, x.m.to(dead, q, now))
			}
		}
		if len(moved) == 0 {
			return nil
		}
		_, err = s.put(tx, dead, now, moved)
		return err
	})
	return err
}

// to is a message on its way into another queue: its dead-letter queue keeps the
// time at which it was sent, unless it is a FIFO queue.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/setting-up-dead-letter-queue-retention.html
func (m *message) to(target, source *queue, now millis) *message {
	c := *m
	c.after = 0
	c.source = string(source.arn())
	if target.settings.fifo {
		c.sent = now
	}
	return &c
}

// take1 takes one message out of a queue for good. It reports false for one that is
// not where it was.
func (q *queue) take1(tx *kv.Tx, at place, stamp kv.Stamp, m *message, now millis) (bool, error) {
	there, err := tx.Get(at.key)
	if err != nil || there == nil {
		return false, err
	}
	if !q.settings.fifo {
		tx.Delete(at.key)
		tx.Delete(q.space.body(stamp))
		tx.Delete(q.space.state(stamp))
		tx.Add(q.space.count(), -1)
		return true, nil
	}
	g, err := readGroup(tx, q.space, m.group)
	if err != nil || g == nil {
		return false, err
	}
	if v, err := tx.Get(q.space.entry(m.group, stamp)); err != nil || v == nil {
		return false, err
	}
	tx.Delete(q.space.entry(m.group, stamp))
	tx.Add(q.space.count(), -1)
	g.remove(stamp)
	return true, q.settle(tx, m.group, g, now)
}
