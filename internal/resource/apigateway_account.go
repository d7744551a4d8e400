package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/stack"
)

// account is AWS::ApiGateway::Account: the role with which API Gateway writes
// logs, for the whole account. Ref is an id of CloudFormation's own.
type account struct{ base }

func (a account) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	var p patch
	p.add("replace", "/cloudwatchRoleArn", text(r.Properties, "CloudWatchRoleArn"))
	done := stack.Progress{PhysicalID: r.PhysicalID, Attrs: stack.Attrs{"Id": r.PhysicalID}}
	if err := run(ctx, a.base, apigateway.UpdateAccount, &apigateway.UpdateAccountRequest{PatchOperations: p}); err != nil {
		return stack.Progress{}, err
	}
	return done, nil
}

func (a account) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return a.Create(ctx, r)
}

// Delete leaves the setting as it is, as CloudFormation does: other stacks of
// the account may rely on it.
func (a account) Delete(context.Context, stack.Request) (stack.Progress, error) {
	return stack.Progress{}, nil
}

func (a account) Read(_ context.Context, r stack.Request) (stack.Attrs, error) {
	return stack.Attrs{"Id": r.PhysicalID}, nil
}
