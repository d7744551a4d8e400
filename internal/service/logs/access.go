package logs

import (
	"context"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/logs"
	"github.com/nube-run/nube/internal/policy"
)

// Actions and resources:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
//
// CloudWatch Logs names a group to IAM as its stream without a name,
// log-group:NAME:log-stream:, which is why policies for groups end in ":*".

func groupResource(s arn.Scope, group string) arn.ARN { return s.LogStream(group, "") }

// onGroup is the access function of operations on a group, given by its name or
// as an identifier, which may be its ARN.
//
//go:noinline
func onGroup[I any](action string, of func(I) (name, identifier *string)) func(context.Context, I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in I) ([]awsapi.Access, error) {
		name, id := of(in)
		group, err := groupName(ctx, name, id)
		if err != nil {
			return nil, err
		}
		return []awsapi.Access{{Action: "logs:" + action, Resource: groupResource(awsapi.From(ctx).Scope, group)}}, nil
	}
}

// onStream is the access function of operations on a stream.
//
//go:noinline
func onStream[I any](action string, of func(I) (group, identifier, stream *string)) func(context.Context, I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in I) ([]awsapi.Access, error) {
		name, id, stream := of(in)
		group, err := groupName(ctx, name, id)
		if err != nil {
			return nil, err
		}
		return []awsapi.Access{{Action: "logs:" + action, Resource: awsapi.From(ctx).Scope.LogStream(group, value(stream))}}, nil
	}
}

// accessAllGroups is the access function of operations on no group in
// particular.
func accessAllGroups(action string) func(context.Context, *shapes.DescribeLogGroupsRequest) ([]awsapi.Access, error) {
	return func(ctx context.Context, _ *shapes.DescribeLogGroupsRequest) ([]awsapi.Access, error) {
		return []awsapi.Access{{Action: "logs:" + action, Resource: groupResource(awsapi.From(ctx).Scope, "")}}, nil
	}
}

// accessCreateGroup: who makes a group with tags must be allowed to tag it.
func accessCreateGroup(ctx context.Context, in *shapes.CreateLogGroupRequest) ([]awsapi.Access, error) {
	resource := groupResource(awsapi.From(ctx).Scope, value(in.LogGroupName))
	keys := tagKeys(in.Tags)
	need := []awsapi.Access{{Action: "logs:CreateLogGroup", Resource: resource, Keys: keys}}
	if len(in.Tags) > 0 {
		need = append(need, awsapi.Access{Action: "logs:TagResource", Resource: resource, Keys: keys})
	}
	return need, nil
}

func accessTagGroup(ctx context.Context, in *shapes.TagLogGroupRequest) ([]awsapi.Access, error) {
	return []awsapi.Access{{Action: "logs:TagLogGroup", Resource: groupResource(awsapi.From(ctx).Scope, value(in.LogGroupName)), Keys: tagKeys(in.Tags)}}, nil
}

func accessTagResource(_ context.Context, in *shapes.TagResourceRequest) ([]awsapi.Access, error) {
	return []awsapi.Access{{Action: "logs:TagResource", Resource: taggedResource(in.ResourceArn), Keys: tagKeys(in.Tags)}}, nil
}

func accessUntagResource(_ context.Context, in *shapes.UntagResourceRequest) ([]awsapi.Access, error) {
	return []awsapi.Access{{Action: "logs:UntagResource", Resource: taggedResource(in.ResourceArn), Keys: policy.KeyMap{"aws:tagkeys": policy.Many(in.TagKeys...)}}}, nil
}

// onARN is the access function of operations on what an ARN names.
//
//go:noinline
func onARN[I any](action string, name func(I) *string) func(context.Context, I) ([]awsapi.Access, error) {
	return func(_ context.Context, in I) ([]awsapi.Access, error) {
		return []awsapi.Access{{Action: "logs:" + action, Resource: taggedResource(name(in))}}, nil
	}
}

// taggedResource is the resource of an ARN given by the caller: that of a group
// as IAM sees it.
func taggedResource(p *string) arn.ARN {
	a := arn.ARN(value(p))
	if strings.HasPrefix(a.Resource(), groupPrefix) && !strings.Contains(a.Resource()[len(groupPrefix):], ":") {
		return a + ":log-stream:"
	}
	return a
}

// tagKeys are the condition keys of tags in a request.
func tagKeys(tags map[string]string) policy.Keys {
	if len(tags) == 0 {
		return nil
	}
	keys := make(policy.KeyMap, len(tags)+1)
	var names []string
	for k, v := range tags {
		keys["aws:requesttag/"+strings.ToLower(k)] = policy.One(v)
		names = append(names, k)
	}
	slices.Sort(names)
	keys["aws:tagkeys"] = policy.Many(names...)
	return keys
}
