package resource

import (
	"context"
	"fmt"

	"github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/stack"
)

// provision gives a version or alias the concurrency that its properties say,
// or takes it away, and returns p with what it still waits for: CloudFormation
// holds a stack until the instances are up.
//
// When it is asked again it does not ask again: that would forgive instances
// that fail to start.
func provision(ctx context.Context, b base, r stack.Request, p stack.Progress) (stack.Progress, error) {
	fn, qualifier := qualified(p.PhysicalID)
	const property = "ProvisionedConcurrencyConfig"
	want, ok := r.Properties.Get(property, "ProvisionedConcurrentExecutions").AsInt()
	if !ok {
		if r.Old.Get(property) == nil {
			return p, nil
		}
		_, err := gone(run(ctx, b, lambda.DeleteProvisionedConcurrencyConfig, &lambda.DeleteProvisionedConcurrencyConfigRequest{FunctionName: &fn, Qualifier: &qualifier}))
		return p, err
	}
	have, err := do(ctx, b, lambda.GetProvisionedConcurrencyConfig, &lambda.GetProvisionedConcurrencyConfigRequest{FunctionName: &fn, Qualifier: &qualifier})
	if err != nil && !fault.Is(err, "ProvisionedConcurrencyConfigNotFoundException") {
		return p, err
	}
	if err != nil || !r.Again || int64(val(have.RequestedProvisionedConcurrentExecutions)) != want {
		err := run(ctx, b, lambda.PutProvisionedConcurrencyConfig, &lambda.PutProvisionedConcurrencyConfigRequest{
			FunctionName: &fn, Qualifier: &qualifier, ProvisionedConcurrentExecutions: ptr(int32(want)),
		})
		if err != nil {
			return p, err
		}
		p.Wait = "provisioned concurrency to be ready"
		return p, nil
	}
	switch val(have.Status) {
	case "FAILED":
		return p, fmt.Errorf("provisioned concurrency of %s failed: %s", p.PhysicalID, val(have.StatusReason))
	case "IN_PROGRESS":
		p.Wait = "provisioned concurrency to be ready"
	}
	return p, nil
}
