package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/stack"
)

// connection is AWS::Events::Connection. Ref is its name. It has no SecretArn:
// its credentials are not in Secrets Manager.
type connection struct{ base }

func refusedOfConnection() []string {
	return []string{"AuthParameters.ConnectivityParameters", "InvocationConnectivityParameters", "KmsKeyIdentifier"}
}

func (c connection) progress(r stack.Request, arn *string) stack.Progress {
	return stack.Progress{PhysicalID: r.PhysicalID, Attrs: stack.Attrs{
		"Arn": val(arn), "ArnForPolicy": r.Stack.Scope.Of("events", "connection/"+r.PhysicalID).String(),
	}}
}

func (c connection) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := &events.CreateConnectionRequest{Name: &r.PhysicalID}
	if err := bind(in, r.Properties, "Name"); err != nil {
		return stack.Progress{}, err
	}
	out, err := do(ctx, c.base, events.CreateConnection, in)
	if r.Again && present(err) {
		have, err := do(ctx, c.base, events.DescribeConnection, &events.DescribeConnectionRequest{Name: &r.PhysicalID})
		if err != nil {
			return stack.Progress{}, err
		}
		return c.progress(r, have.ConnectionArn), nil
	}
	if err != nil {
		return stack.Progress{}, err
	}
	return c.progress(r, out.ConnectionArn), nil
}

func (c connection) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := &events.UpdateConnectionRequest{Name: &r.PhysicalID, Description: ptr("")}
	if err := bind(in, r.Properties, "Name"); err != nil {
		return stack.Progress{}, err
	}
	out, err := do(ctx, c.base, events.UpdateConnection, in)
	if err != nil {
		return stack.Progress{}, err
	}
	return c.progress(r, out.ConnectionArn), nil
}

func (c connection) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, c.base, events.DeleteConnection, &events.DeleteConnectionRequest{Name: &r.PhysicalID}))
}

func (c connection) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	out, err := do(ctx, c.base, events.DescribeConnection, &events.DescribeConnectionRequest{Name: &r.PhysicalID})
	if err != nil {
		return nil, found(err)
	}
	return c.progress(r, out.ConnectionArn).Attrs, nil
}
