package resource

import (
	"context"
	"errors"

	"github.com/nube-run/nube/internal/awsapi/shapes/logs"
	"github.com/nube-run/nube/internal/stack"
)

// logGroup is AWS::Logs::LogGroup. Ref is its name.
type logGroup struct{ base }

func refusedOfLogGroup() []string {
	return []string{"BearerTokenAuthenticationEnabled", "DataProtectionPolicy", "DeletionProtectionEnabled", "FieldIndexPolicies", "KmsKeyId", "ResourcePolicyDocument"}
}

func (g logGroup) progress(r stack.Request) stack.Progress {
	arn := r.Stack.Scope.LogGroup(r.PhysicalID).String() + ":*"
	return stack.Progress{PhysicalID: r.PhysicalID, Attrs: stack.Attrs{"Arn": arn}}
}

func (g logGroup) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := &logs.CreateLogGroupRequest{LogGroupName: &r.PhysicalID, Tags: tagMap(r.Properties)}
	if err := bind(in, r.Properties, "LogGroupName", "RetentionInDays", "Tags"); err != nil {
		return stack.Progress{}, err
	}
	if err := run(ctx, g.base, logs.CreateLogGroup, in); err != nil && !(r.Again && present(err)) {
		return stack.Progress{}, err
	}
	return g.progress(r), g.retain(ctx, r)
}

// retain sets or removes the retention.
func (g logGroup) retain(ctx context.Context, r stack.Request) error {
	days := r.Properties.Get("RetentionInDays")
	switch n, _ := days.AsInt(); {
	case days != nil:
		return run(ctx, g.base, logs.PutRetentionPolicy, &logs.PutRetentionPolicyRequest{LogGroupName: &r.PhysicalID, RetentionInDays: ptr(int32(n))})
	case r.Old.Get("RetentionInDays") != nil:
		return run(ctx, g.base, logs.DeleteRetentionPolicy, &logs.DeleteRetentionPolicyRequest{LogGroupName: &r.PhysicalID})
	}
	return nil
}

func (g logGroup) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	if !same(r.Old, r.Properties, "LogGroupClass") {
		return stack.Progress{}, errors.New("the class of a log group cannot be changed; give the log group another name to make a new one")
	}
	if !same(r.Old, r.Properties, "RetentionInDays") {
		if err := g.retain(ctx, r); err != nil {
			return stack.Progress{}, err
		}
	}
	arn := r.Stack.Scope.LogGroup(r.PhysicalID).String()
	set, remove := tagChanges(r.Old, r.Properties)
	if len(remove) > 0 {
		if err := run(ctx, g.base, logs.UntagResource, &logs.UntagResourceRequest{ResourceArn: &arn, TagKeys: remove}); err != nil {
			return stack.Progress{}, err
		}
	}
	if len(set) > 0 {
		if err := run(ctx, g.base, logs.TagResource, &logs.TagResourceRequest{ResourceArn: &arn, Tags: set}); err != nil {
			return stack.Progress{}, err
		}
	}
	return g.progress(r), nil
}

func (g logGroup) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, g.base, logs.DeleteLogGroup, &logs.DeleteLogGroupRequest{LogGroupName: &r.PhysicalID}))
}

func (g logGroup) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	out, err := do(ctx, g.base, logs.DescribeLogGroups, &logs.DescribeLogGroupsRequest{LogGroupNamePrefix: &r.PhysicalID})
	if err != nil {
		return nil, err
	}
	for _, have := range out.LogGroups { // in the order of names, so the one that is the prefix comes first
		if val(have.LogGroupName) == r.PhysicalID {
			return g.progress(r).Attrs, nil
		}
	}
	return nil, stack.ErrNotFound
}
