package apigateway

import (
	"sync"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
)

// limit is a rate of requests a second and how many may come at once.
type limit struct {
	rate  float64
	burst float64
}

// limitOf reads a limit; nil where nothing is limited. A burst that is not given
// is as large as the rate; below 0 switches a limit off.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html
func limitOf(rate *float64, burst *int32) *limit {
	switch {
	case rate == nil || *rate < 0 || value(burst) < 0:
		return nil
	case burst == nil:
		return &limit{rate: *rate, burst: max(*rate, 1)}
	}
	return &limit{rate: *rate, burst: float64(*burst)}
}

// bucketKey names what is limited: all that a key may send to a stage or one of
// its methods, or all that anybody may send to a method.
type bucketKey struct {
	scope                         arn.Scope
	api, stage, plan, key, method string
}

// buckets are the token buckets of all limits. They are filled in the model's
// time: where it stands still, a burst is all there is.
type buckets struct {
	mu  sync.Mutex
	all map[bucketKey]*bucket
}

type bucket struct {
	limit  limit
	tokens float64
	at     clock.Instant
}

// take takes one token; false when there is none.
func (b *buckets) take(k bucketKey, l limit, now clock.Instant) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all == nil {
		b.all = map[bucketKey]*bucket{}
	}
	t := b.all[k]
	if t == nil || t.limit != l {
		t = &bucket{limit: l, tokens: l.burst, at: now}
		b.all[k] = t
	}
	if passed := now.Sub(t.at).Seconds(); passed > 0 {
		t.tokens = min(t.tokens+passed*l.rate, l.burst)
	}
	t.at = now
	if t.tokens < 1 {
		return false
	}
	t.tokens--
	return true
}
