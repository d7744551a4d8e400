package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/stack"
)

// apiDestination is AWS::Events::ApiDestination. Ref is its name.
type apiDestination struct{ base }

func (a apiDestination) progress(r stack.Request, arn *string) stack.Progress {
	return stack.Progress{PhysicalID: r.PhysicalID, Attrs: stack.Attrs{
		"Arn": val(arn), "ArnForPolicy": r.Stack.Scope.Of("events", "api-destination/"+r.PhysicalID).String(),
	}}
}

func (a apiDestination) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := &events.CreateApiDestinationRequest{Name: &r.PhysicalID}
	if err := bind(in, r.Properties, "Name"); err != nil {
		return stack.Progress{}, err
	}
	out, err := do(ctx, a.base, events.CreateApiDestination, in)
	if r.Again && present(err) {
		have, err := do(ctx, a.base, events.DescribeApiDestination, &events.DescribeApiDestinationRequest{Name: &r.PhysicalID})
		if err != nil {
			return stack.Progress{}, err
		}
		return a.progress(r, have.ApiDestinationArn), nil
	}
	if err != nil {
		return stack.Progress{}, err
	}
	return a.progress(r, out.ApiDestinationArn), nil
}

func (a apiDestination) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := &events.UpdateApiDestinationRequest{Name: &r.PhysicalID, Description: ptr(""), InvocationRateLimitPerSecond: ptr(int32(300))}
	if err := bind(in, r.Properties, "Name"); err != nil {
		return stack.Progress{}, err
	}
	out, err := do(ctx, a.base, events.UpdateApiDestination, in)
	if err != nil {
		return stack.Progress{}, err
	}
	return a.progress(r, out.ApiDestinationArn), nil
}

func (a apiDestination) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, a.base, events.DeleteApiDestination, &events.DeleteApiDestinationRequest{Name: &r.PhysicalID}))
}

func (a apiDestination) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	out, err := do(ctx, a.base, events.DescribeApiDestination, &events.DescribeApiDestinationRequest{Name: &r.PhysicalID})
	if err != nil {
		return nil, found(err)
	}
	return a.progress(r, out.ApiDestinationArn).Attrs, nil
}
