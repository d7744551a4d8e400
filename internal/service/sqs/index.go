package sqs

import (
	"github.com/nube-run/nube/internal/kv"
)

// place is a row of the index, taken apart.
type place struct {
	key   kv.Key
	lane  lane
	at    millis   // from when on it is visible
	stamp kv.Stamp // of the message, in a standard queue
	group string   // in a FIFO queue
}

// place reads a key of the index.
func (s space) place(k kv.Key, fifo bool) (place, error) {
	d := s.Sub("v").Decode(k)
	p := place{key: k, lane: lane(d.Uint()), at: millis(d.Int())}
	if fifo {
		p.group = d.Str()
	} else {
		own := d.Stamp()
		p.stamp = own.At(own.Op() - 1)
	}
	return p, d.Done()
}

// candidates is what a receive may take, as it was found.
type candidates struct {
	now    millis
	places []place
	from   [lanes]kv.Key // where each lane began
	full   [lanes]bool   // there may be more in the lane
	next   millis        // when the first of the rest becomes visible; zero: there is none
}

// candidates looks for visible messages, or groups, from where the process knows
// that the first can be.
func (q *queue) candidates(snap *kv.Snap, most int) (*candidates, error) {
	now, turn, from := q.live.scanning()
	return q.among(snap, now, turn, from, most)
}

// among looks for visible messages, or groups, one of each lane in turn.
func (q *queue) among(snap *kv.Snap, now millis, turn lane, from [lanes]kv.Key, most int) (*candidates, error) {
	c := &candidates{now: now, from: from}
	var found [lanes][]place
	for n := range lane(lanes) {
		if from[n] == nil {
			continue
		}
		r := kv.Range{Start: from[n], End: q.space.rows(n).End}
		for p, err := range snap.Scan(r, kv.ScanOptions{KeysOnly: true, Limit: most + 1}) {
			if err != nil {
				return nil, err
			}
			x, err := q.space.place(p.Key, q.settings.fifo)
			if err != nil {
				return nil, err
			}
			if x.at > now {
				if c.next == 0 || x.at < c.next {
					c.next = x.at
				}
				break
			}
			if len(found[n]) == most {
				c.full[n] = true
				break
			}
			found[n] = append(found[n], x)
		}
	}
	for left := true; left && len(c.places) < most; {
		left = false
		for i := range lane(lanes) {
			n := (turn + i) % lanes
			if len(found[n]) == 0 {
				continue
			}
			left = true
			c.places, found[n] = append(c.places, found[n][0]), found[n][1:]
			if len(c.places) == most {
				break
			}
		}
	}
	for n := range lane(lanes) {
		c.full[n] = c.full[n] || len(found[n]) > 0
	}
	return c, nil
}

// passed moves the cursors past what was looked at, of which the first done were
// taken, but for what was kept.
func (c *candidates) passed(q *queue, done int, kept *[lanes]kv.Key) {
	var last [lanes]kv.Key
	for i, p := range c.places {
		if i < done {
			last[p.lane] = p.key
		} else {
			c.full[p.lane] = true
		}
	}
	for n := range lane(lanes) {
		switch {
		case kept != nil && kept[n] != nil:
			q.live.passed(n, kept[n])
		case last[n] != nil:
			q.live.passed(n, kv.Next(last[n]))
		case !c.full[n] && c.from[n] != nil:
			q.live.passed(n, q.space.since(n, c.now))
		}
	}
}

// more reports whether there is more to take than was looked at.
func (c *candidates) more() bool {
	for _, f := range c.full {
		if f {
			return true
		}
	}
	return false
}
