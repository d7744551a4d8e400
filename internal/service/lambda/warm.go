package lambda

import (
	"context"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
)

// Warm starts an instance of a function, unless the runner may not have another,
// and waits until it is up. It is the platform's own: nobody is authorised.
func (s *Service) Warm(ctx context.Context, fn arn.ARN) error {
	name := string(fn)
	ctx = awsapi.With(ctx, &awsapi.Call{ID: awsapi.NewID(), Scope: fn.Scope(), Actor: awsapi.RootOf(fn.Account())})
	r, err := parseRef(ctx, &name, nil)
	if err != nil {
		return err
	}
	t, err := s.target(ctx, r)
	if err != nil {
		return err
	}
	return s.Runner.Warm(ctx, t.spec)
}
