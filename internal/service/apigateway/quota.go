package apigateway

import (
	"context"
	"sync"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/kv"
)

// quotas keeps what keys have left, so that a request need not read it. The
// counters on disk are what is true; they are read when a key is first seen in
// a period.
type quotas struct {
	mu   sync.Mutex
	left map[quotaKey]*quota
}

// quota is what a key has left of a period.
type quota struct {
	mu    sync.Mutex
	read  bool
	start day
	left  int64
}

func (q *quotas) of(k quotaKey) *quota {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.left == nil {
		q.left = map[quotaKey]*quota{}
	}
	if q.left[k] == nil {
		q.left[k] = &quota{}
	}
	return q.left[k]
}

// reset forgets everything: plans, or what is left of them, were changed.
func (q *quotas) reset() {
	q.mu.Lock()
	defer q.mu.Unlock()
	clear(q.left)
}

// spend takes one request from a quota; false when there is none left.
func (s *Service) spend(ctx context.Context, k quotaKey, settings *shapes.QuotaSettings, today day) (bool, error) {
	q := s.quotas.of(k)
	q.mu.Lock()
	defer q.mu.Unlock()
	if start := periodStart(settings, today); !q.read || q.start != start {
		sp := spaceOf(k.scope)
		_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
			byDay, ext, err := used(tx, sp, k.plan, k.key, start, today)
			q.left = int64(value(settings.Limit)) + ext.extra(start) - sum(byDay)
			return err
		})
		if err != nil {
			return false, err
		}
		q.read, q.start = true, start
	}
	if q.left <= 0 {
		return false, nil
	}
	q.left--
	return true, nil
}

// count adds a request to what a key has used. It does not wait for the disk:
// as on AWS, usage is counted on a best-effort basis.
func (s *Service) count(ctx context.Context, k quotaKey, today day) error {
	_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
		tx.Add(spaceOf(k.scope).usage(k.plan, k.key, today), 1)
		return nil
	}, kv.Relaxed())
	return err
}
