package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/stack"
)

// eventInvokeConfig is AWS::Lambda::EventInvokeConfig. Ref is an id of
// CloudFormation's own.
type eventInvokeConfig struct{ base }

func (e eventInvokeConfig) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	var in lambda.PutFunctionEventInvokeConfigRequest
	if err := bind(&in, r.Properties); err != nil {
		return stack.Progress{}, err
	}
	if err := run(ctx, e.base, lambda.PutFunctionEventInvokeConfig, &in); err != nil {
		return stack.Progress{}, err
	}
	return stack.Progress{PhysicalID: r.PhysicalID}, nil
}

// Update puts the whole configuration again: what is not said goes back to the
// default.
func (e eventInvokeConfig) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return e.Create(ctx, r)
}

func (e eventInvokeConfig) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	fn, q := text(r.Properties, "FunctionName"), text(r.Properties, "Qualifier")
	return gone(run(ctx, e.base, lambda.DeleteFunctionEventInvokeConfig, &lambda.DeleteFunctionEventInvokeConfigRequest{FunctionName: &fn, Qualifier: &q}))
}

func (e eventInvokeConfig) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	fn, q := text(r.Properties, "FunctionName"), text(r.Properties, "Qualifier")
	return stack.Attrs{}, found(run(ctx, e.base, lambda.GetFunctionEventInvokeConfig, &lambda.GetFunctionEventInvokeConfigRequest{FunctionName: &fn, Qualifier: &q}))
}
