package sns

import "context"

// Kept is how many topics and policies are kept in memory.
func (s *Service) Kept() (n int) {
	count := func(_, _ any) bool { n++; return true }
	s.topics.Range(count)
	s.policies.Range(count)
	return n
}

// Paced is how many endpoints are known that were called not long ago.
func (h *HTTP) Paced() int { return len(h.next) }

// Pace waits until an endpoint may be called.
func (h *HTTP) Pace(ctx context.Context, target string, perSecond int) error {
	return h.pace(ctx, target, perSecond)
}

// Present is what the error of a row is that must be there.
var Present = present
