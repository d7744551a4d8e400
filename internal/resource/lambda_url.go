package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/stack"
)

// functionURL is AWS::Lambda::Url. Ref is the ARN of the function, with the
// alias if it has one.
type functionURL struct{ base }

func (u functionURL) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := lambda.CreateFunctionUrlConfigRequest{}
	if err := bind(&in, r.Properties, "TargetFunctionArn=FunctionName"); err != nil {
		return stack.Progress{}, err
	}
	err := run(ctx, u.base, lambda.CreateFunctionUrlConfig, &in)
	if r.Again && present(err) {
		return u.Update(ctx, r)
	}
	if err != nil {
		return stack.Progress{}, err
	}
	return u.progress(ctx, r)
}

func (u functionURL) progress(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := lambda.GetFunctionUrlConfigRequest{FunctionName: ptr(text(r.Properties, "TargetFunctionArn"))}
	if q := text(r.Properties, "Qualifier"); q != "" {
		in.Qualifier = &q
	}
	out, err := do(ctx, u.base, lambda.GetFunctionUrlConfig, &in)
	if err != nil {
		return stack.Progress{PhysicalID: r.PhysicalID}, err
	}
	return stack.Progress{PhysicalID: val(out.FunctionArn), Attrs: stack.Attrs{"FunctionArn": val(out.FunctionArn), "FunctionUrl": val(out.FunctionUrl)}}, nil
}

func (u functionURL) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := lambda.UpdateFunctionUrlConfigRequest{InvokeMode: ptr("BUFFERED"), Cors: &lambda.Cors{}}
	if !r.Old.Has("Cors") && !r.Properties.Has("Cors") {
		in.Cors = nil
	}
	if err := bind(&in, r.Properties, "TargetFunctionArn=FunctionName"); err != nil {
		return stack.Progress{PhysicalID: r.PhysicalID}, err
	}
	if err := run(ctx, u.base, lambda.UpdateFunctionUrlConfig, &in); err != nil {
		return stack.Progress{PhysicalID: r.PhysicalID}, err
	}
	return u.progress(ctx, r)
}

func (u functionURL) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := lambda.DeleteFunctionUrlConfigRequest{FunctionName: ptr(text(r.Properties, "TargetFunctionArn"))}
	if q := text(r.Properties, "Qualifier"); q != "" {
		in.Qualifier = &q
	}
	return gone(run(ctx, u.base, lambda.DeleteFunctionUrlConfig, &in))
}

func (u functionURL) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	p, err := u.progress(ctx, r)
	return p.Attrs, found(err)
}
