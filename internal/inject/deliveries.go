package inject

import (
	"context"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/delivery"
)

// Deliveries disturbs effects on their way: it is a [delivery.Disturber].
type Deliveries struct{ *Set }

// Disturb implements [delivery.Disturber].
func (s Deliveries) Disturb(e *delivery.Effect, first bool) (d delivery.Disturbance) {
	if s.rules.Load() == nil {
		return d
	}
	scheme := delivery.Scheme(e.Target)
	var function string
	if scheme == "lambda" {
		function, _, _ = strings.Cut(arn.ARN(e.Target).ResourceID(), ":")
	}
	befalls := func(k Kind) func(*Rule) bool {
		return func(r *Rule) bool {
			return r.Kind == k && matches(r.Service, scheme) && (r.Function == "" || isFunction(r.Function, function))
		}
	}
	// The effect's span is not in a context here; delivery notes it.
	if first {
		s.struck(context.Background(), befalls(Reorder), func(b blow) { d.Delay, d.Note = max(d.Delay, b.wait), b.String() })
	}
	if d.Delay == 0 {
		s.struck(context.Background(), befalls(Duplicate), func(b blow) { d.Twice, d.Note = true, b.String() })
	}
	return d
}

// Twice reports whether a batch of a source is handed to a function twice, and
// what its span is to say then.
func (s *Set) Twice(function string) (note string, twice bool) {
	if s.rules.Load() == nil {
		return "", false
	}
	s.struck(context.Background(), func(r *Rule) bool {
		return r.Kind == Duplicate && matches(r.Service, "lambda") && isFunction(r.Function, function)
	}, func(b blow) { note, twice = b.String(), true })
	return note, twice
}

// Again reports whether a message of a queue that is being received stays visible,
// so that it is received once more: what a queue that delivers at least once may do.
func (s *Set) Again(ctx context.Context, _ string) (again bool) {
	if s.rules.Load() == nil {
		return false
	}
	s.struck(ctx, func(r *Rule) bool {
		return r.Kind == Duplicate && r.Service == "sqs" && r.Function == ""
	}, func(blow) { again = true })
	return again
}
