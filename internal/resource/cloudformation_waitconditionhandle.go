package resource

import (
	"context"

	"github.com/nube-run/nube/internal/stack"
)

// waitHandle is AWS::CloudFormation::WaitConditionHandle: a place to send
// signals to. Nothing here waits for them; the type WaitCondition is not
// offered. Templates use it alone, as a resource that does nothing.
type waitHandle struct{}

func (waitHandle) Create(_ context.Context, r stack.Request) (stack.Progress, error) {
	url := "https://cloudformation-waitcondition-" + r.Stack.Scope.Region + ".s3.amazonaws.com/" + r.Stack.ID + "/" + r.LogicalID
	return stack.Progress{PhysicalID: url, Attrs: stack.Attrs{"Id": url}}, nil
}

func (waitHandle) Update(_ context.Context, r stack.Request) (stack.Progress, error) {
	return stack.Progress{PhysicalID: r.PhysicalID, Attrs: r.Attrs}, nil
}

func (waitHandle) Delete(context.Context, stack.Request) (stack.Progress, error) {
	return stack.Progress{}, nil
}

func (waitHandle) Read(_ context.Context, r stack.Request) (stack.Attrs, error) {
	return stack.Attrs{"Id": r.PhysicalID}, nil
}
