package resource

import (
	"context"
	"errors"

	"github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/stack"
)

// permission is AWS::Lambda::Permission: a statement of a function's resource
// policy. Ref is the statement's id.
type permission struct{ base }

func (p permission) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := lambda.AddPermissionRequest{StatementId: &r.PhysicalID}
	if err := bind(&in, r.Properties); err != nil {
		return stack.Progress{}, err
	}
	if err := run(ctx, p.base, lambda.AddPermission, &in); err != nil && !(r.Again && present(err)) {
		return stack.Progress{}, err
	}
	return stack.Progress{PhysicalID: r.PhysicalID, Attrs: stack.Attrs{"Id": r.PhysicalID}}, nil
}

// Update is never called: every property makes a new statement.
func (p permission) Update(context.Context, stack.Request) (stack.Progress, error) {
	return stack.Progress{}, errors.New("a permission cannot be changed")
}

func (p permission) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	fn := text(r.Properties, "FunctionName")
	return gone(run(ctx, p.base, lambda.RemovePermission, &lambda.RemovePermissionRequest{FunctionName: &fn, StatementId: &r.PhysicalID}))
}

func (p permission) Read(_ context.Context, r stack.Request) (stack.Attrs, error) {
	return stack.Attrs{"Id": r.PhysicalID}, nil
}
