package pebblekv

import (
	"sync"

	"github.com/nube-run/nube/internal/kv/driver"
)

// request is a call of Commit that waits in the queue.
type request struct {
	batches []*driver.Batch
	results []driver.Result
	turn    chan turn // capacity one
	waits   bool      // for the sync of its group
}

// turn is what a request is woken up for.
type turn bool

const (
	lead     turn = true  // take the queue and commit it
	finished turn = false // the results are in
)

// queue is the requests that wait for a leader. The leader is always the first
// of them.
type queue struct {
	mu      sync.Mutex
	waiting []*request
	led     bool
}

// join adds r and reports whether it has to lead.
func (q *queue) join(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, r)
	if q.led {
		return false
	}
	q.led = true
	return true
}

// take returns all requests that wait and leaves the queue led.
func (q *queue) take() []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	rs := q.waiting
	q.waiting = nil
	return rs
}

// pass puts back what the leader has left over and makes the first request the
// new leader.
func (q *queue) pass(rest []*request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(rest) > 0 {
		q.waiting = append(rest, q.waiting...)
	}
	if q.led = len(q.waiting) > 0; q.led {
		q.waiting[0].turn <- lead
	}
}
