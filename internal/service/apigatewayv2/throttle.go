package apigatewayv2

import (
	"maps"
	"sync"

	"github.com/nube-run/nube/internal/arn"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/clock"
)

// limit is a rate of requests a second and how many may come at once.
type limit struct{ rate, burst float64 }

// limitOf is the limit of a route: its own settings, else those of all routes;
// nil where nothing is limited. The account's limits are not enforced.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
func limitOf(st *shapes.Stage, key string) *limit {
	settings := []*shapes.RouteSettings{st.DefaultRouteSettings}
	if own, ok := st.RouteSettings[key]; ok {
		settings = []*shapes.RouteSettings{&own, st.DefaultRouteSettings}
	}
	for _, s := range settings {
		switch {
		case s == nil || s.ThrottlingRateLimit == nil && s.ThrottlingBurstLimit == nil:
		case s.ThrottlingBurstLimit == nil:
			return &limit{*s.ThrottlingRateLimit, max(*s.ThrottlingRateLimit, 1)}
		case s.ThrottlingRateLimit == nil:
			return &limit{float64(*s.ThrottlingBurstLimit), float64(*s.ThrottlingBurstLimit)}
		default:
			return &limit{*s.ThrottlingRateLimit, float64(*s.ThrottlingBurstLimit)}
		}
	}
	return nil
}

// bucketKey names what is limited.
type bucketKey struct {
	scope             arn.Scope
	api, stage, route string
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

// maxBuckets is from how many buckets on those are forgotten that are full: routes
// come and go.
const maxBuckets = 10_000

// fill adds the tokens that have come since it was filled last.
func (t *bucket) fill(now clock.Instant) {
	if passed := now.Sub(t.at).Seconds(); passed > 0 {
		t.tokens = min(t.tokens+passed*t.limit.rate, t.limit.burst)
		t.at = now
	}
}

// take takes one token; false when there is none.
func (b *buckets) take(k bucketKey, l limit, now clock.Instant) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.all[k]
	if t == nil || t.limit != l {
		if len(b.all) >= maxBuckets {
			// One that is full again is as good as a new one.
			maps.DeleteFunc(b.all, func(_ bucketKey, t *bucket) bool { t.fill(now); return t.tokens >= t.limit.burst })
		}
		if b.all == nil {
			b.all = map[bucketKey]*bucket{}
		}
		t = &bucket{limit: l, tokens: l.burst, at: now}
		b.all[k] = t
	}
	t.fill(now)
	if t.tokens < 1 {
		return false
	}
	t.tokens--
	return true
}
