package sqs

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
)

// Depth is how much a queue holds at the end of a minute.
type Depth struct {
	Visible, InFlight, Delayed int
	Oldest                     time.Duration // how long the oldest message has been there; 0 if there is none
}

const (
	minute = millis(60_000)
	// activeFor is for how many minutes after it was used an empty queue is measured,
	// and for how many minutes at most it is made up for that nobody has looked.
	//
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/monitoring-using-cloudwatch.html
	activeFor = 6 * 60
	// looked is how many messages of a lane are looked at for the oldest, of those that
	// wait and of those in flight.
	looked = 64
	// poison is how often a message of a standard queue was received that does not
	// count for the age any more.
	//
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
	poison = 3
)

// gauge knows up to when a queue was measured. Nothing runs for it: what a queue holds
// changes when it is used, and with time, which can be reckoned. So it is measured
// when it is used for the first time in a minute, and when somebody asks
// ([Service.Look]), for all minutes since it was measured last.
type gauge struct {
	touched atomic.Int64 // the minute in which the queue was used last
	telling sync.Mutex   // held while the meter is told, so that who looks finds all of it

	mu   sync.Mutex // nobody waits for anything with it
	next int64      // the first minute that is not measured; 0: none ever was
	read int64      // the minute in which the sample was read
	sample
	untold []told // no more than of the last hours
}

// told is what the meter is told of a minute.
type told struct {
	minute int64
	depth  Depth
}

// sample is what the store knows of a queue.
type sample struct {
	total int
	since millis // when the oldest message came; 0: there is none
}

// touch measures a queue that is about to be used, unless it was in this minute. What
// cannot be measured now is when the queue is used next.
func (s *Service) touch(ctx context.Context, q *queue) {
	if s.Meter == nil {
		return
	}
	now := int64(s.now() / minute)
	if g := &q.live.gauge; g.touched.Load() < now && s.measure(ctx, q, now) == nil {
		g.touched.Store(now)
	}
}

// touchIn is touch for a transaction that is about to change a queue.
func (s *Service) touchIn(tx *kv.Tx, q *queue) error {
	if s.Meter == nil {
		return nil
	}
	g, now := &q.live.gauge, int64(s.now()/minute)
	if g.touched.Load() >= now {
		return nil
	}
	found, err := q.sample(tx.Peek())
	if err != nil {
		return err
	}
	tx.After(func(kv.Stamp) {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.next == 0 || !q.live.isLoaded() {
			g.next = now
		} else if g.next < now {
			g.sample, g.read = found, now
			q.reckon(now)
		}
		g.touched.Store(now)
	})
	return nil
}

// Look measures what is to be measured of a queue of an account, or of all that the
// process knows: who asks for metrics looks first.
func (s *Service) Look(ctx context.Context, scope arn.Scope, queueName string) error {
	now := int64(s.now() / minute)
	if queueName != "" {
		q, err := s.named(ctx, name{scope, queueName})
		if fault.Is(err, "QueueDoesNotExist") {
			return nil
		}
		if err != nil {
			return err
		}
		return s.measure(ctx, q, now)
	}
	var errs []error
	s.queues.Range(func(k, q any) bool {
		if k.(name).scope == scope {
			errs = append(errs, s.measure(ctx, q.(*queue), now))
		}
		return true
	})
	return errors.Join(errs...)
}

// measure measures a queue for the minutes before one, and tells the meter. What nobody
// has used since it was read is not read again.
func (s *Service) measure(ctx context.Context, q *queue, now int64) error {
	g := &q.live.gauge
	g.mu.Lock()
	if g.next == 0 {
		g.next = now
	}
	due, stale := g.next < now, g.read == 0 || g.touched.Load() >= g.read
	g.mu.Unlock()
	if due {
		if err := q.load(ctx, s.DB); err != nil {
			return err
		}
		var found sample
		if stale {
			err := s.DB.View(ctx, func(snap *kv.Snap) (err error) {
				found, err = q.sample(snap)
				return err
			})
			if err != nil {
				return err
			}
		}
		g.mu.Lock()
		if stale && g.next < now {
			g.sample, g.read = found, now
		}
		q.reckon(now)
		g.mu.Unlock()
	}
	s.tell(q)
	return nil
}

// tell tells the meter what it was not told.
func (s *Service) tell(q *queue) {
	g := &q.live.gauge
	g.telling.Lock()
	defer g.telling.Unlock()
	g.mu.Lock()
	all := g.untold
	g.untold = nil
	g.mu.Unlock()
	for _, t := range all {
		s.Meter.Depth(q.arn(), clock.UnixMilli(t.minute*int64(minute)), t.depth)
	}
}

// reckon makes of the sample what there was in the minutes before one, with the gauge
// locked: the same in all of them, but for what becomes visible with time.
func (q *queue) reckon(now int64) {
	l := q.live
	g := &l.gauge
	from := max(g.next, now-activeFor)
	if from >= now {
		return
	}
	l.mu.Lock()
	flying := l.inFlight.after(millis(from+1)*minute, minute, int(now-from))
	late := l.late.after(millis(from+1)*minute, minute, int(now-from))
	l.mu.Unlock()
	for i := range flying {
		m := from + int64(i)
		if g.total == 0 && m-g.touched.Load() > activeFor {
			continue
		}
		d := Depth{Visible: max(0, g.total-flying[i]-late[i]), InFlight: flying[i], Delayed: late[i]}
		if end := millis(m+1) * minute; g.since > 0 && g.since < end {
			d.Oldest = time.Duration(end-g.since) * time.Millisecond
		}
		g.untold = append(g.untold, told{m, d})
	}
	g.untold = g.untold[max(0, len(g.untold)-activeFor):]
	g.next = now
}

// sample reads what a queue holds. The oldest message is looked for where a receive
// would look first, and among those in flight: where very many wait, one that was
// received and has come back may be older.
func (q *queue) sample(snap *kv.Snap) (out sample, err error) {
	v, err := snap.Get(q.space.count())
	if err != nil {
		return out, err
	}
	total, err := kv.Int64(v)
	if err != nil || total == 0 {
		return out, err
	}
	out.total = int(total)
	now, from := q.live.places()
	for n := range lane(lanes) {
		if from[n] == nil {
			continue
		}
		end := q.space.rows(n).End
		later := q.space.since(n, now+1)
		for _, r := range [...]kv.Range{{Start: from[n], End: later}, {Start: later, End: end}} {
			if err := q.oldest(snap, r, &out.since); err != nil {
				return out, err
			}
		}
	}
	return out, nil
}

// oldest looks at the first messages of a part of the index.
func (q *queue) oldest(snap *kv.Snap, r kv.Range, since *millis) error {
	for p, err := range snap.Scan(r, kv.ScanOptions{KeysOnly: true, Limit: looked}) {
		if err != nil {
			return err
		}
		at, err := q.space.place(p.Key, q.settings.fifo)
		if err != nil {
			return err
		}
		came, err := q.cameAt(snap, at)
		if err != nil {
			return err
		}
		if came > 0 && (*since == 0 || came < *since) {
			*since = came
		}
	}
	return nil
}

// cameAt is when the message at a place came, or the first of its group; 0 for one that
// does not count.
func (q *queue) cameAt(snap *kv.Snap, at place) (millis, error) {
	if q.settings.fifo {
		for p, err := range snap.Scan(q.space.Key().Str("f").Str(at.group).Range(), kv.ScanOptions{Limit: 1}) {
			if err != nil {
				return 0, err
			}
			m, err := q.decode(p.Value)
			if err != nil {
				return 0, err
			}
			return m.came(), nil
		}
		return 0, nil
	}
	st, err := readState(snap, q.space, at.stamp)
	if err != nil || st != nil && st.count >= poison {
		return 0, err
	}
	b, err := snap.Get(q.space.body(at.stamp))
	if err != nil || b == nil {
		return 0, err
	}
	m, err := q.decode(b)
	if err != nil {
		return 0, err
	}
	return m.came(), nil
}

// came is when a message came into its queue: in a dead-letter queue it keeps the time
// at which it was sent.
func (m *message) came() millis {
	if m.source != "" {
		return m.after
	}
	return m.sent
}
