package ssm

import (
	"context"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/ssm"
	"github.com/nube-run/nube/internal/policy"
)

// Actions, resources and condition keys:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html

// need is a permission on a parameter.
func need(ctx context.Context, action, text string, keys policy.KeyMap) ([]awsapi.Access, error) {
	n, err := read(ctx, text)
	if err != nil {
		return nil, err
	}
	a := awsapi.Access{Action: "ssm:" + action, Resource: arn.ARN(n.arn())}
	if keys != nil {
		a.Keys = keys
	}
	return []awsapi.Access{a}, nil
}

func needAll(ctx context.Context, action string, names []string) (all []awsapi.Access, err error) {
	for _, n := range names {
		one, err := need(ctx, action, n, nil)
		if err != nil {
			return nil, err
		}
		all = append(all, one...)
	}
	return all, nil
}

// on is the access function of operations on a parameter.
func on[I any](action string, of func(*I) *string) func(context.Context, *I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in *I) ([]awsapi.Access, error) {
		return need(ctx, action, value(of(in)), nil)
	}
}

func accessPut(ctx context.Context, in *shapes.PutParameterRequest) ([]awsapi.Access, error) {
	keys := tagKeys(in.Tags)
	keys["ssm:overwrite"] = policy.Bool(yes(in.Overwrite))
	if in.Policies != nil {
		keys["ssm:policies"] = policy.One(*in.Policies)
	}
	needs, err := need(ctx, "PutParameter", value(in.Name), keys)
	if err == nil && len(in.Tags) > 0 {
		var tag []awsapi.Access
		tag, err = need(ctx, "AddTagsToResource", value(in.Name), tagKeys(in.Tags))
		needs = append(needs, tag...)
	}
	return needs, err
}

func accessGet(ctx context.Context, in *shapes.GetParameterRequest) ([]awsapi.Access, error) {
	return need(ctx, "GetParameter", value(in.Name), nil)
}

func accessGetAll(ctx context.Context, in *shapes.GetParametersRequest) ([]awsapi.Access, error) {
	return needAll(ctx, "GetParameters", in.Names)
}

func accessDeleteAll(ctx context.Context, in *shapes.DeleteParametersRequest) ([]awsapi.Access, error) {
	return needAll(ctx, "DeleteParameters", in.Names)
}

func accessByPath(ctx context.Context, in *shapes.GetParametersByPathRequest) ([]awsapi.Access, error) {
	return need(ctx, "GetParametersByPath", value(in.Path), policy.KeyMap{"ssm:recursive": policy.Bool(yes(in.Recursive))})
}

// tagKeys are the condition keys of tags that a request gives.
func tagKeys(tags []shapes.Tag) policy.KeyMap {
	keys := policy.KeyMap{}
	var names []string
	for _, t := range tags {
		keys["aws:requesttag/"+strings.ToLower(value(t.Key))] = policy.One(value(t.Value))
		names = append(names, value(t.Key))
	}
	if len(names) > 0 {
		slices.Sort(names)
		keys["aws:tagkeys"] = policy.Many(names...)
	}
	return keys
}

func accessTag(ctx context.Context, in *shapes.AddTagsToResourceRequest) ([]awsapi.Access, error) {
	return need(ctx, "AddTagsToResource", value(in.ResourceId), tagKeys(in.Tags))
}

func accessUntag(ctx context.Context, in *shapes.RemoveTagsFromResourceRequest) ([]awsapi.Access, error) {
	return need(ctx, "RemoveTagsFromResource", value(in.ResourceId), policy.KeyMap{"aws:tagkeys": policy.Many(in.TagKeys...)})
}
