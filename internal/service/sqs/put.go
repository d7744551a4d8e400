package sqs

import (
	"github.com/nube-run/nube/internal/kv"
)

// put adds messages to a queue in a transaction, in their order. It returns where
// among the appends of the commit each is. A message is delayed until its after, if
// that is later than now.
func (s *Service) put(tx *kv.Tx, q *queue, now millis, ms []*message) ([]uint16, error) {
	ops := make([]uint16, len(ms))
	floors := map[lane]millis{}
	oldest := now
	type spot struct {
		lane lane
		at   millis
	}
	came := make(map[spot]int, 1)
	late := map[millis]int{}
	for i, m := range ms {
		oldest = min(oldest, m.sent)
		m.lane = plain
		if !q.settings.fifo {
			m.lane = laneOf(m.group)
		}
		if m.after > now {
			m.lane = delayed
		}
		floor, ok := floors[m.lane]
		if !ok {
			var err error
			if floor, err = readMillis(tx, q.space.cursor(m.lane)); err != nil {
				return nil, err
			}
			floors[m.lane] = floor
		}
		m.after = max(m.after, now, floor)
		if m.lane == delayed {
			late[m.after]++
		}
		came[spot{m.lane, m.after}]++
		if q.settings.fifo {
			ops[i] = tx.Append(q.space.logPrefix(m.group), nil, q.encode(m))
			if err := q.enliven(tx, m); err != nil {
				return nil, err
			}
			continue
		}
		ops[i] = tx.Append(q.space.bodyPrefix(), nil, q.encode(m))
		tx.Append(q.space.indexPrefix(m.lane, m.after), nil, nil)
	}
	tx.Add(q.space.count(), int64(len(ms)))
	if err := s.arm(tx, q, oldest); err != nil {
		return nil, err
	}
	tx.Signal(q.space.topic())
	l := q.live
	tx.After(func(kv.Stamp) {
		l.count(nil, late)
		for p, n := range came {
			l.came(p.lane, p.at, n)
		}
	})
	return ops, nil
}
