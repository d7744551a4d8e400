package scheduler

import (
	"context"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/scheduler"
	"github.com/nube-run/nube/internal/policy"
)

// Actions, resources and condition keys:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridgescheduler.html

func nameOf(ctx context.Context, group, schedule *string) name {
	n := name{awsapi.From(ctx).Scope, value(group), value(schedule)}
	if n.group == "" {
		n.group = defaultGroup
	}
	return n
}

func need(action string, n name, keys policy.KeyMap) []awsapi.Access {
	a := awsapi.Access{Action: "scheduler:" + action, Resource: arn.ARN(n.arn())}
	if keys != nil {
		a.Keys = keys
	}
	return []awsapi.Access{a}
}

// onSchedule is the access function of operations on a schedule.
func onSchedule[I any](action string, names func(*I) (group, schedule *string)) func(context.Context, *I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in *I) ([]awsapi.Access, error) {
		group, schedule := names(in)
		return need(action, nameOf(ctx, group, schedule), nil), nil
	}
}

// onGroup is the access function of operations on a group.
func onGroup[I any](action string, group func(*I) *string) func(context.Context, *I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in *I) ([]awsapi.Access, error) {
		return need(action, nameOf(ctx, group(in), nil), nil), nil
	}
}

func accessCreate(ctx context.Context, in *shapes.CreateScheduleInput) ([]awsapi.Access, error) {
	return append(need("CreateSchedule", nameOf(ctx, in.GroupName, in.Name), nil), passing(in.Target)...), nil
}

func accessUpdate(ctx context.Context, in *shapes.UpdateScheduleInput) ([]awsapi.Access, error) {
	return append(need("UpdateSchedule", nameOf(ctx, in.GroupName, in.Name), nil), passing(in.Target)...), nil
}

// passing is the permission to give Scheduler the target's role.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/security_iam_id-based-policies.html
func passing(t *shapes.Target) []awsapi.Access {
	if t == nil || value(t.RoleArn) == "" {
		return nil
	}
	return []awsapi.Access{{Action: "iam:PassRole", Resource: arn.ARN(*t.RoleArn), Keys: policy.KeyMap{"iam:passedtoservice": policy.One(principal)}}}
}

func accessCreateGroup(ctx context.Context, in *shapes.CreateScheduleGroupInput) ([]awsapi.Access, error) {
	n := nameOf(ctx, in.Name, nil)
	needs := need("CreateScheduleGroup", n, tagKeys(in.Tags))
	if len(in.Tags) > 0 {
		needs = append(needs, need("TagResource", n, tagKeys(in.Tags))...)
	}
	return needs, nil
}

func onTagged(action string, resource *string, keys policy.KeyMap) ([]awsapi.Access, error) {
	n, err := taggedName(resource)
	return need(action, n, keys), err
}

func accessTag(_ context.Context, in *shapes.TagResourceInput) ([]awsapi.Access, error) {
	return onTagged("TagResource", in.ResourceArn, tagKeys(in.Tags))
}

func accessUntag(_ context.Context, in *shapes.UntagResourceInput) ([]awsapi.Access, error) {
	return onTagged("UntagResource", in.ResourceArn, policy.KeyMap{"aws:tagkeys": policy.Many(in.TagKeys...)})
}

func accessListTags(_ context.Context, in *shapes.ListTagsForResourceInput) ([]awsapi.Access, error) {
	return onTagged("ListTagsForResource", in.ResourceArn, nil)
}

// tagKeys are the condition keys of tags that a request gives.
func tagKeys(tags []shapes.Tag) policy.KeyMap {
	if len(tags) == 0 {
		return nil
	}
	keys := policy.KeyMap{}
	var names []string
	for _, t := range tags {
		keys["aws:requesttag/"+strings.ToLower(value(t.Key))] = policy.One(value(t.Value))
		names = append(names, value(t.Key))
	}
	slices.Sort(names)
	keys["aws:tagkeys"] = policy.Many(names...)
	return keys
}
