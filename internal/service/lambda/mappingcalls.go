package lambda

import (
	"context"
	"fmt"
	"strconv"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/runner"
	"github.com/nube-run/nube/internal/sources"
)

// What event source mappings need of functions: [sources.Functions].

// Permits judges permissions of the actor in a context. It is an
// *awsapi.Front.
type Permits interface {
	Permit(ctx context.Context, needs ...awsapi.Access) error
}

// inside is a context in which a mapping acts, under an id of its own.
func inside(ctx context.Context, m *sources.Mapping, id string) context.Context {
	return awsapi.With(ctx, &awsapi.Call{ID: id, Scope: m.Function.Scope()})
}

// Reader implements [sources.Functions]: the function reads with its role.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-permissions.html
func (s *Service) Reader(ctx context.Context, m *sources.Mapping, needs []awsapi.Access) (delivery.ActorRef, error) {
	ctx = inside(ctx, m, newUUID())
	r, err := parseRef(ctx, ptr(string(m.Function)), nil)
	if err != nil {
		return delivery.ActorRef{}, err
	}
	t, err := s.target(ctx, r)
	if err != nil {
		return delivery.ActorRef{}, err
	}
	who := (&envelope{Role: t.config.Role}).sender(string(m.Function))
	if s.Permits == nil {
		return who, nil
	}
	ctx = awsapi.As(ctx, awsapi.Actor{Account: who.Account, Principal: policy.Principal{ARN: arn.ARN(who.ARN), Issuer: arn.ARN(who.Issuer)}})
	if err := s.Permits.Permit(ctx, needs...); err != nil {
		if _, denied := fault.As(err); !denied {
			return delivery.ActorRef{}, fmt.Errorf("role of %s: %w", m.Function, err)
		}
		return delivery.ActorRef{}, s.denied(ctx, m, needs, err)
	}
	return who, nil
}

// Invoke calls the function of a mapping, for [sources.Functions]. The call
// counts as any other; it needs no permission, because who made the mapping had
// it.
func (s mappingCalls) Invoke(ctx context.Context, c sources.Call) (sources.Answer, error) {
	m := c.Mapping
	ctx = inside(ctx, m, newUUID())
	r, err := parseRef(ctx, ptr(string(m.Function)), nil)
	if err != nil {
		return sources.Answer{}, err
	}
	t, err := s.target(ctx, r)
	if err != nil {
		return sources.Answer{}, err
	}
	in := runner.Invocation{RequestID: awsapi.From(ctx).ID, ARN: m.Function, Payload: c.Payload}
	var hop *record.Hop
	if s.Recorder != nil {
		ctx, hop = s.Recorder.Join(ctx, record.Span{
			Kind: record.Consumer, Service: "lambda", Name: m.Source.Service() + " → " + t.function.Name, Resource: string(m.Source), Request: in.RequestID,
		}, c.Causes)
		hop.Note("mapping", m.ID)
		hop.Note("records", strconv.Itoa(c.Records))
		if c.Attempt > 1 {
			hop.Note(record.Attempt, strconv.Itoa(c.Attempt))
		}
	}
	res, err := s.run(ctx, t, in)
	if hop != nil {
		failed := err
		if failed == nil && res.Fault != nil {
			failed = fault.New(res.Fault.Type, "%s", res.Payload)
		}
		hop.End(failed)
	}
	if err != nil {
		return sources.Answer{}, err
	}
	return sources.Answer{Request: in.RequestID, Version: t.config.Version, Payload: res.Payload, Failed: res.Fault != nil}, nil
}

// mappingCalls is the service as mappings see it: its own Invoke is for other
// services.
type mappingCalls struct{ *Service }

// Functions returns what event source mappings need of the service.
func (s *Service) Functions() sources.Functions { return mappingCalls{s} }
