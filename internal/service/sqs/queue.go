package sqs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
)

// row is the row of a queue.
type row struct {
	ID         uint64 // generation of its messages; another after each purge
	Created    clock.Instant
	Modified   clock.Instant
	Purged     clock.Instant     `json:",omitempty"` // when it was last
	Attributes map[string]string `json:",omitempty"` // that were set
	Tags       map[string]string `json:",omitempty"`
}

// queue is a queue as it is described in one revision of its row. It is not
// changed.
type queue struct {
	name
	row
	raw      []byte // the row
	key      kv.Key // of the row
	space    space
	live     *live
	settings settings
}

// reader is a transaction or a snapshot.
type reader interface {
	Get(k kv.Key) ([]byte, error)
}

// errStale says that a queue is not as it was described any more.
var errStale = errors.New("sqs: the queue has changed")

// find returns a queue that is to be used. What it returns may be changed or gone by the time that it
// is used: a transaction says so with [queue.check].
func (s *Service) find(ctx context.Context, n name) (*queue, error) {
	q, err := s.named(ctx, n)
	if err == nil {
		s.touch(ctx, q)
	}
	return q, err
}

// named is find for one who only looks.
func (s *Service) named(ctx context.Context, n name) (*queue, error) {
	if q, ok := s.queues.Load(n); ok {
		return q.(*queue), nil
	}
	return s.reload(ctx, n)
}

// reload is find for one who knows that what the process remembers is stale.
func (s *Service) reload(ctx context.Context, n name) (*queue, error) {
	var raw []byte
	key := catalogOf(n.cell()).queue(n.queue)
	known, _ := s.queues.Load(n)
	err := s.DB.View(ctx, func(snap *kv.Snap) (err error) {
		raw, err = snap.Get(key)
		return err
	})
	if err != nil {
		return nil, err
	}
	if raw == nil {
		s.forget(n, known)
		return nil, noQueue()
	}
	return s.learn(n, raw)
}

// forget is told that there is no such queue any more. One that was made in the
// meantime is not forgotten: somebody may wait for its messages.
func (s *Service) forget(n name, known any) {
	if known == nil || s.queues.CompareAndDelete(n, known) {
		s.policies.Delete(n)
	}
}

// learn makes a queue of its row, and remembers it, unless it is of an older
// snapshot than what is remembered.
func (s *Service) learn(n name, raw []byte) (*queue, error) {
	q := &queue{name: n, raw: raw, key: catalogOf(n.cell()).queue(n.queue)}
	if err := json.Unmarshal(raw, &q.row); err != nil {
		return nil, fmt.Errorf("sqs: row of queue %s: %w", n.queue, err)
	}
	q.space = spaceOf(n.cell(), q.ID)
	q.settings = settingsOf(q.Attributes, n)
	s.learning.Lock()
	defer s.learning.Unlock()
	had, ok := s.queues.Load(n)
	switch {
	case ok && had.(*queue).ID == q.ID:
		q.live = had.(*queue).live
	case ok && had.(*queue).ID > q.ID: // who waits, waits for the messages of that one
		q.live = newLive(s, q)
		return q, nil
	default:
		q.live = newLive(s, q)
	}
	s.queues.Store(n, q)
	return q, nil
}

// check makes a transaction conflict with changes of the queue, and fails if there
// was one.
func (q *queue) check(tx *kv.Tx) error {
	raw, err := tx.Get(q.key)
	if err != nil {
		return err
	}
	if !bytes.Equal(raw, q.raw) {
		return errStale
	}
	return nil
}

// update runs fn in a transaction on the queue as it is.
func (s *Service) update(ctx context.Context, n name, fn func(tx *kv.Tx, q *queue) error, o ...kv.Option) (kv.Stamp, *queue, error) {
	q, err := s.find(ctx, n)
	for ; err == nil; q, err = s.reload(ctx, n) {
		stamp, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
			if err := q.check(tx); err != nil {
				return err
			}
			return fn(tx, q)
		}, o...)
		if !errors.Is(err, errStale) {
			return stamp, q, err
		}
	}
	return kv.Stamp{}, nil, err
}

// look runs fn on a snapshot and the queue as it is there.
func (s *Service) look(ctx context.Context, n name, fn func(snap *kv.Snap, q *queue) error) error {
	return s.DB.View(ctx, func(snap *kv.Snap) error {
		raw, err := snap.Get(catalogOf(n.cell()).queue(n.queue))
		if err != nil {
			return err
		}
		if raw == nil {
			return noQueue()
		}
		q, err := s.known(n, raw)
		if err != nil {
			return err
		}
		return fn(snap, q)
	})
}

// known is the queue of a row, remembered or not.
func (s *Service) known(n name, raw []byte) (*queue, error) {
	if q, ok := s.queues.Load(n); ok && bytes.Equal(q.(*queue).raw, raw) {
		return q.(*queue), nil
	}
	return s.learn(n, raw)
}

// change runs fn on a copy of a queue's row and stores it.
func (s *Service) change(ctx context.Context, n name, fn func(tx *kv.Tx, r *row) error) error {
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		had, err := tx.Get(catalogOf(n.cell()).queue(n.queue))
		if err != nil {
			return err
		}
		if had == nil {
			return noQueue()
		}
		var r row
		if err := json.Unmarshal(had, &r); err != nil {
			return fmt.Errorf("sqs: row of queue %s: %w", n.queue, err)
		}
		if err := fn(tx, &r); err != nil {
			return err
		}
		return save(tx, n, &r)
	})
	if err != nil {
		return err
	}
	_, err = s.reload(ctx, n)
	return err
}

// save writes a queue's row.
func save(tx *kv.Tx, n name, r *row) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("sqs: row of queue %s: %w", n.queue, err)
	}
	key := catalogOf(n.cell()).queue(n.queue)
	tx.Set(key, raw)
	tx.Signal(key)
	return nil
}

// newID gives out an ID.
func newID(tx *kv.Tx, c catalog) (uint64, error) {
	had, err := tx.Get(c.next())
	if err != nil {
		return 0, err
	}
	last, err := kv.Int64(had)
	if err != nil {
		return 0, fmt.Errorf("sqs: last ID: %w", err)
	}
	tx.Set(c.next(), kv.Counter(last+1))
	return uint64(last + 1), nil
}
