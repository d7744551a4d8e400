package apigatewayv2

import (
	"strconv"

	"github.com/nube-run/nube/internal/clock"
)

// MaxScopes is how many scopes are kept in memory.
const MaxScopes = maxScopes

// Scopes is how many scopes are kept now.
func (s *Service) Scopes() int { return max(len(s.plans.all), len(s.plans.watched)) }

// Throttled takes one request of each of n routes that let one pass a second, at an
// instant, and returns how many are remembered then.
func (s *Service) Throttled(n int, now clock.Instant) int {
	for i := range n {
		s.buckets.take(bucketKey{route: strconv.Itoa(i) + now.String()}, limit{1, 1}, now)
	}
	return len(s.buckets.all)
}
