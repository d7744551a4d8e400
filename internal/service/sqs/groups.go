package sqs

import (
	"github.com/nube-run/nube/internal/kv"
)

// enliven makes the group of a message known, if it has no other message.
func (q *queue) enliven(tx *kv.Tx, m *message) error {
	alive := q.space.alive(m.group)
	if had, err := tx.Get(alive); err != nil || had != nil {
		return err
	}
	tx.Set(alive, nil)
	// What the group had before lies before this snapshot: another that adds to it
	// now finds it alive, or conflicts.
	g := &group{lane: m.lane, at: m.after, last: tx.Peek().Stamp().At(0xffff)}
	tx.Set(q.space.group(m.group), g.encode())
	tx.Set(q.space.grouped(g.lane, g.at, m.group), nil)
	return nil
}

// place puts a group into the index, where it was or elsewhere, and keeps its state.
// It returns where it is.
func (q *queue) place(tx *kv.Tx, name string, g *group, l lane, at millis) error {
	floor, err := readMillis(tx, q.space.cursor(l))
	if err != nil {
		return err
	}
	at = max(at, floor)
	if l != g.lane || at != g.at {
		tx.Delete(q.space.grouped(g.lane, g.at, name))
		g.lane, g.at = l, at
	}
	tx.Set(q.space.grouped(l, at, name), nil)
	tx.Set(q.space.group(name), g.encode())
	return nil
}

// settle puts a group into the index after some of its messages have gone or have
// become visible, and forgets one that has none left.
func (q *queue) settle(tx *kv.Tx, name string, g *group, now millis) error {
	if len(g.entries) == 0 {
		empty := true
		for _, err := range tx.Scan(q.space.logAfter(name, g.last), kv.ScanOptions{Limit: 1, KeysOnly: true}) {
			if err != nil {
				return err
			}
			empty = false
		}
		if empty {
			tx.Delete(q.space.grouped(g.lane, g.at, name))
			tx.Delete(q.space.group(name))
			tx.Delete(q.space.alive(name))
			return nil
		}
	}
	at, l := g.free(now), g.lane
	if at <= now && g.at > now || l == delayed {
		l = plain
	}
	if g.at <= now && at <= now {
		at = g.at // it was free, and keeps its turn
	}
	if err := q.place(tx, name, g, l, at); err != nil {
		return err
	}
	live := q.live
	where, when := g.lane, g.at
	tx.After(func(kv.Stamp) { live.came(where, when, 1) })
	tx.Signal(q.space.topic())
	return nil
}
