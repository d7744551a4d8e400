package sqs

import (
	"context"
	"slices"
	"time"

	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
)

// want says what a receive takes.
type want struct {
	messages   int
	bytes      int  // of the events that mappings make of them; 0: any number
	first      bool // the first is taken however large it is
	visibility time.Duration
	nonce      uint64
	held       bool   // by a mapping
	attempt    string // ReceiveRequestAttemptId
	again      bool   // the first one stays visible, by a fault that was asked for
}

// lane is where messages go that are taken.
func (w *want) lane(l lane) lane {
	if w.held {
		return held
	}
	return l
}

// taken is a message that was received.
type taken struct {
	*message
	stamp kv.Stamp
	receipt
	handle string
	event  []byte // of a mapping
}

// catch is what a receive took.
type catch struct {
	got  []*taken
	next millis // when the first of the rest becomes visible; zero: never
	more bool   // there is more already
	full bool   // the next one does not fit into the bytes that are wanted
}

// inFlightMax is how many messages of a queue can be in flight.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-fifo.html
const inFlightMax = 120_000

// errOverLimit is what a standard queue answers then; a FIFO queue has nothing to
// give, and says no more.
func errOverLimit() *fault.Error {
	return fault.New("OverLimit", "The maximum number of in flight messages is reached.")
}

// pass is what became of one look at the index.
type pass struct {
	got    []*taken
	bytes  int
	full   bool
	done   int // places that were looked at
	spent  []spent
	flying map[millis]int
	moved  []place // where rows are now
	// kept is, of each lane, the first place whose message is not on the disk yet.
	kept [lanes]kv.Key
}

// spent is a message that is not to be received any more.
type spent struct {
	place   place
	stamp   kv.Stamp
	m       *message
	expired bool // or else received too often
}

// take receives what is visible.
//
// The commit is relaxed, and so it looks at what is committed, on the disk or not;
// but of what was sent it gives out only what is. What has expired or was received
// too often goes first, in a commit that waits for the disk.
func (s *Service) take(ctx context.Context, q *queue, w want) (r catch, err error) {
	if err := q.load(ctx, s.DB); err != nil {
		return r, err
	}
	if crowded, next := q.live.crowded(); crowded {
		r.next = next
		if q.settings.fifo {
			return r, nil
		}
		return r, errOverLimit()
	}
	w.again = s.Disturb != nil && !q.settings.fifo && s.Disturb.Again(ctx, q.queue)
	q.live.taking.Lock()
	defer q.live.taking.Unlock()
	for {
		durable, c, err := s.glance(ctx, q)
		if err != nil {
			return r, err
		}
		if c != nil {
			c.passed(q, 0, nil)
			r.next = c.next
			return r, nil
		}
		var p *pass
		stamp, err := s.DB.Update(ctx, func(tx *kv.Tx) (err error) {
			if err := q.check(tx); err != nil {
				return err
			}
			if c, err = q.candidates(tx.Peek(), w.messages-len(r.got)); err != nil {
				return err
			}
			if p, err = s.pass(tx, q, c, durable, w, w.messages-len(r.got)); err != nil {
				return err
			}
			if w.attempt != "" {
				q.noteAttempt(tx, c.now, w.attempt, slices.Concat(r.got, p.got))
			}
			return nil
		}, kv.Relaxed())
		if err != nil {
			return r, err
		}
		c.passed(q, p.done, &p.kept)
		q.live.took(stamp, p)
		r.got = append(r.got, p.got...)
		w.bytes, w.first = w.bytes-p.bytes, w.first && len(r.got) == 0
		if err := s.bury(ctx, q, p.spent, c.now); err != nil {
			return r, err
		}
		switch {
		case p.full, len(r.got) >= w.messages, len(r.got) > 0 && (w.visibility <= 0 || w.again): // what stays visible is taken once
			s.trim(ctx, q, len(r.got))
			r.more, r.full = p.full || c.more(), p.full
			return r, nil
		case len(p.got) == 0 && len(p.spent) == 0 && len(p.moved) == 0: // what there is is not on the disk yet
			r.next = c.next
			return r, nil
		}
	}
}

// glance looks whether there is anything to take, on what is on the disk: whoever
// only asks waits for nothing. It returns what it saw if that is nothing, and if it
// saw all that receives have done.
func (s *Service) glance(ctx context.Context, q *queue) (durable kv.Stamp, c *candidates, err error) {
	err = s.DB.View(ctx, func(snap *kv.Snap) (err error) {
		durable = snap.Stamp().At(0xffff)
		if !q.live.sawAll(durable) {
			return nil
		}
		c, err = q.candidates(snap, 1)
		return err
	})
	if err != nil || c != nil && len(c.places) > 0 {
		c = nil
	}
	return durable, c, err
}

// pass is one transaction of a receive.
func (s *Service) pass(tx *kv.Tx, q *queue, c *candidates, durable kv.Stamp, w want, most int) (*pass, error) {
	p := &pass{flying: map[millis]int{}}
	dead, err := s.deadLetters(tx, q)
	if err != nil {
		return nil, err
	}
	until := c.now + millis(w.visibility.Milliseconds())
	for _, at := range c.places {
		if len(p.got) == most || p.full {
			break
		}
		p.done++
		switch {
		case q.settings.fifo:
			err = s.takeGroup(tx, q, c, at, durable, w, until, most, dead, p)
		case at.stamp.Compare(durable) > 0:
			p.keep(at)
		default:
			err = s.takeMessage(tx, q, c, at, w, until, dead, p)
		}
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

// fits reports whether there is room for a message, and notes it if there is none.
func (p *pass) fits(q *queue, w *want, t *taken) (bool, error) {
	if !w.held {
		return true, nil
	}
	t.handle = q.handle(t)
	var err error
	if t.event, err = t.record(q); err != nil {
		return false, err
	}
	size := len(t.event) + 1
	if p.full = w.bytes > 0 && p.bytes+size > w.bytes && !(w.first && len(p.got) == 0); p.full {
		return false, nil
	}
	p.bytes += size
	return true, nil
}

// keep leaves a place where it is for the next look.
func (p *pass) keep(at place) {
	if p.kept[at.lane] == nil {
		p.kept[at.lane] = at.key
	}
}

// takeMessage receives a message of a standard queue.
func (s *Service) takeMessage(tx *kv.Tx, q *queue, c *candidates, at place, w want, until millis, dead *queue, p *pass) error {
	there, err := tx.Get(at.key)
	if err != nil || there == nil {
		return err // somebody was there before
	}
	b, err := tx.Peek().Get(q.space.body(at.stamp))
	if err != nil {
		return err
	}
	if b == nil {
		tx.Delete(at.key)
		return nil
	}
	m, err := q.decode(b)
	if err != nil {
		return err
	}
	st, err := readState(tx, q.space, at.stamp)
	if err != nil {
		return err
	}
	if st == nil {
		st = &state{}
	}
	if gone, expired := q.spent(m, st.count, c.now, dead); gone {
		p.spent = append(p.spent, spent{at, at.stamp, m, expired})
		return nil
	}
	t := &taken{message: m, stamp: at.stamp, receipt: st.again(c.now, until, w.nonce)}
	if ok, err := p.fits(q, &w, t); !ok {
		p.keep(at)
		return err
	}
	st.lane, st.receipt = w.lane(laneOf(m.group)), t.receipt
	if w.again && len(p.got) == 0 {
		until = at.at
		st.lane, st.until = at.lane, until
	}
	tx.Delete(at.key)
	tx.Set(q.space.indexed(st.lane, until, at.stamp), nil)
	tx.Set(q.space.state(at.stamp), st.encode())
	p.moved = append(p.moved, place{lane: st.lane, at: until})
	t.receipt = st.receipt
	p.got = append(p.got, t)
	p.flying[until]++
	return nil
}

// spent reports whether a message is not to be received any more.
func (q *queue) spent(m *message, count int, now millis, dead *queue) (gone, expired bool) {
	if m.sent+millis(q.settings.retention.Milliseconds()) <= now {
		return true, true
	}
	return dead != nil && count >= q.settings.redrive.Max, false
}

// takeGroup receives messages from the head of a group of a FIFO queue, in order,
// and locks the group.
func (s *Service) takeGroup(tx *kv.Tx, q *queue, c *candidates, at place, durable kv.Stamp, w want, until millis, most int, dead *queue, p *pass) error {
	there, err := tx.Get(at.key)
	if err != nil || there == nil {
		return err
	}
	g, err := readGroup(tx, q.space, at.group)
	if err != nil {
		return err
	}
	if g == nil {
		tx.Delete(at.key)
		return nil
	}
	n, later := 0, millis(0)
	visit := func(stamp kv.Stamp, had receipt, b []byte) (*entry, bool, error) {
		m, err := q.decode(b)
		if err != nil {
			return nil, false, err
		}
		if m.after > c.now {
			later = m.after
			return nil, false, nil
		}
		if gone, expired := q.spent(m, had.count, c.now, dead); gone {
			p.spent = append(p.spent, spent{at, stamp, m, expired})
			return nil, false, nil
		}
		t := &taken{message: m, stamp: stamp, receipt: had.again(c.now, until, w.nonce)}
		if ok, err := p.fits(q, &w, t); !ok {
			return nil, false, err
		}
		p.got = append(p.got, t)
		p.flying[until]++
		n++
		return &entry{stamp, t.receipt}, true, nil
	}
	first := len(p.spent)
	for i := 0; i < len(g.entries) && len(p.got) < most; i++ {
		e := &g.entries[i]
		if e.until > c.now {
			break // what follows it waits for it
		}
		b, err := tx.Peek().Get(q.space.entry(at.group, e.stamp))
		if err != nil {
			return err
		}
		if b == nil { // its deletion came before this look, and its entry should have gone with it
			continue
		}
		now, ok, err := visit(e.stamp, e.receipt, b)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		g.entries[i] = *now
	}
	if len(p.spent) == first && n == len(g.entries) && len(p.got) < most {
		for pair, err := range tx.Peek().Scan(q.space.logAfter(at.group, g.last), kv.ScanOptions{Limit: most - len(p.got)}) {
			if err != nil {
				return err
			}
			stamp, err := q.space.stampOf(pair.Key, at.group)
			if err != nil {
				return err
			}
			if stamp.Compare(durable) > 0 {
				break
			}
			e, ok, err := visit(stamp, receipt{}, pair.Value)
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			g.last, g.entries = stamp, append(g.entries, *e)
		}
	}
	switch {
	case n > 0:
		if err := q.place(tx, at.group, g, w.lane(plain), until); err != nil {
			return err
		}
	case later > 0 && len(p.spent) == first:
		if err := q.place(tx, at.group, g, delayed, later); err != nil {
			return err
		}
	default:
		p.keep(at) // what is spent goes first, or nothing of it is on the disk yet
		return nil
	}
	p.moved = append(p.moved, place{lane: g.lane, at: g.at})
	return nil
}

// stampOf is the stamp in the key of a message of a group.
func (s space) stampOf(k kv.Key, group string) (kv.Stamp, error) {
	d := s.Sub("f", group).Decode(k)
	return d.Stamp(), d.Done()
}
