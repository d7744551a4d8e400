package sqs

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/packed"
)

// attemptVersion is the first byte of an attempt's row.
//
//	1  number of messages, of each stamp, nonce (eight bytes), group
const attemptVersion = 1

// noteAttempt keeps what a receive with an attempt id took.
func (q *queue) noteAttempt(tx *kv.Tx, now millis, id string, got []*taken) {
	b := binary.AppendUvarint([]byte{attemptVersion}, uint64(len(got)))
	for _, t := range got {
		b = append(b, t.stamp[:]...)
		b = binary.BigEndian.AppendUint64(b, t.nonce)
		b = packed.String(b, t.group)
	}
	tx.Set(q.space.attempt(now, id), b)
}

// repeat gives the messages once more that a receive with the same attempt id took
// in the five minutes before, as long as none of them has been deleted or given
// back, or has become visible by itself. They have the same handles, and are
// invisible from now on for as long as at first.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-receiverequestattemptid-request-parameter.html
func (s *Service) repeat(ctx context.Context, q *queue, w want) (got []*taken, err error) {
	var flying map[millis]int
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		got, flying = nil, map[millis]int{}
		if err := q.check(tx); err != nil {
			return err
		}
		now := q.live.now()
		for _, in := range [...]millis{now, now - bucket} {
			b, err := tx.Get(q.space.attempt(in, w.attempt))
			if err != nil {
				return err
			}
			if b != nil {
				got, err = q.again(tx, b, now, now+millis(w.visibility.Milliseconds()), flying)
				return err
			}
		}
		return nil
	}, kv.Relaxed())
	if err != nil || len(got) == 0 {
		return nil, err
	}
	q.live.count(flying, nil)
	for _, t := range got {
		t.handle = q.handle(t)
	}
	return got, nil
}

// again reads an attempt's row, and holds its messages anew. It returns none unless
// all are still as they were.
func (q *queue) again(tx *kv.Tx, b []byte, now, until millis, flying map[millis]int) ([]*taken, error) {
	d := packed.Read(b)
	if d.Byte() != attemptVersion {
		d.Fail()
	}
	groups := map[string]*group{}
	got := make([]*taken, 0, 10)
	for range d.Count(19) {
		var stamp kv.Stamp
		d.Into(stamp[:])
		nonce, name := d.Fixed(), d.String()
		if d.Err() != nil {
			break
		}
		g := groups[name]
		if g == nil {
			var err error
			if g, err = readGroup(tx, q.space, name); err != nil || g == nil {
				return nil, err
			}
			groups[name] = g
		}
		e := g.find(stamp)
		if e == nil || e.nonce != nonce || e.until <= now {
			return nil, nil
		}
		v, err := tx.Get(q.space.entry(name, stamp))
		if err != nil || v == nil {
			return nil, err
		}
		m, err := q.decode(v)
		if err != nil {
			return nil, err
		}
		flying[e.until]--
		flying[until]++
		e.until = until
		got = append(got, &taken{message: m, stamp: stamp, receipt: e.receipt})
	}
	if err := d.Done(); err != nil {
		return nil, fmt.Errorf("sqs: an attempt's row: %w", err)
	}
	for name, g := range groups {
		if err := q.settle(tx, name, g, now); err != nil {
			return nil, err
		}
	}
	return got, nil
}
