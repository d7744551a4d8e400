package resource

import (
	"context"
	"errors"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/stack"
)

// version is AWS::Lambda::Version. Ref is its ARN, with the number.
type version struct{ base }

// Create publishes the function as it is. A function that has not changed since
// its last version gets no new one, so that publishing again is harmless.
func (v version) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	var in lambda.PublishVersionRequest
	if err := bind(&in, r.Properties, "ProvisionedConcurrencyConfig"); err != nil {
		return stack.Progress{}, err
	}
	c, err := do(ctx, v.base, lambda.PublishVersion, &in)
	if err != nil {
		return stack.Progress{}, err
	}
	return provision(ctx, v.base, r, stack.Progress{PhysicalID: val(c.FunctionArn), Attrs: versionAttrs(c)})
}

func versionAttrs(c *lambda.FunctionConfiguration) stack.Attrs {
	return stack.Attrs{"Version": val(c.Version), "FunctionArn": val(c.FunctionArn)}
}

// Update is never called: every property makes a new version.
func (v version) Update(context.Context, stack.Request) (stack.Progress, error) {
	return stack.Progress{}, errors.New("a version cannot be changed")
}

// qualified cuts the ARN of a version or alias into the function's and the
// qualifier.
func qualified(id string) (function, qualifier string) {
	a := arn.ARN(id)
	return id[:max(0, len(id)-len(a.Name())-1)], a.Name()
}

func (v version) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	fn, number := qualified(r.PhysicalID)
	return gone(run(ctx, v.base, lambda.DeleteFunction, &lambda.DeleteFunctionRequest{FunctionName: &fn, Qualifier: &number}))
}

func (v version) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	fn, number := qualified(r.PhysicalID)
	c, err := do(ctx, v.base, lambda.GetFunctionConfiguration, &lambda.GetFunctionConfigurationRequest{FunctionName: &fn, Qualifier: &number})
	if err != nil {
		return nil, found(err)
	}
	return versionAttrs(c), nil
}
