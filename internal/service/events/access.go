package events

import (
	"context"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/policy"
)

// Actions, resources and condition keys:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html

func need(action, resource string, keys policy.KeyMap) []awsapi.Access {
	a := awsapi.Access{Action: "events:" + action, Resource: arn.ARN(resource)}
	if keys != nil {
		a.Keys = keys
	}
	return []awsapi.Access{a}
}

// onBus is the access function of operations on a bus.
func onBus[I any](action string, name func(*I) *string) func(context.Context, *I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in *I) ([]awsapi.Access, error) {
		b, err := busOf(ctx, name(in))
		if err != nil {
			return nil, err
		}
		return need(action, b.arn(), nil), nil
	}
}

// onRule is the access function of operations on a rule.
func onRule[I any](action string, names func(*I) (rule, bus *string)) func(context.Context, *I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in *I) ([]awsapi.Access, error) {
		name, on := names(in)
		r, err := ruleOf(ctx, name, on)
		if err != nil {
			return nil, err
		}
		return need(action, r.arn(), nil), nil
	}
}

func accessCreateBus(ctx context.Context, in *shapes.CreateEventBusRequest) ([]awsapi.Access, error) {
	b := bus{awsapi.From(ctx).Scope, value(in.Name)}
	needs := need("CreateEventBus", b.arn(), tagKeys(in.Tags))
	if len(in.Tags) > 0 {
		needs = append(needs, need("TagResource", b.arn(), tagKeys(in.Tags))...)
	}
	return needs, nil
}

// accessPut: one permission a bus, with the sources and the kinds of what is for
// it.
func accessPut(ctx context.Context, in *shapes.PutEventsRequest) ([]awsapi.Access, error) {
	var needs []awsapi.Access
	for i := range in.Entries {
		e := &in.Entries[i]
		b, err := busOf(ctx, e.EventBusName)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(needs, func(a awsapi.Access) bool { return a.Resource.String() == b.arn() })
		if at < 0 {
			needs = append(needs, need("PutEvents", b.arn(), policy.KeyMap{"events:eventbusinvocation": policy.One("false")})...)
			at = len(needs) - 1
		}
		keys := needs[at].Keys.(policy.KeyMap)
		add := func(key, v string) {
			if v != "" {
				old, _ := keys.Key(key)
				keys[key] = policy.Many(append(slices.Clone(old.Strings()), v)...)
			}
		}
		add("events:source", value(e.Source))
		add("events:detail-type", value(e.DetailType))
	}
	return needs, nil
}

func accessPutRule(ctx context.Context, in *shapes.PutRuleRequest) ([]awsapi.Access, error) {
	r, err := ruleOf(ctx, in.Name, in.EventBusName)
	if err != nil {
		return nil, err
	}
	keys := tagKeys(in.Tags)
	needs := need("PutRule", r.arn(), keys)
	if len(in.Tags) > 0 {
		needs = append(needs, need("TagResource", r.arn(), keys)...)
	}
	return append(needs, passing(in.RoleArn)...), nil
}

// passing is the permission to give EventBridge a role.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
func passing(role *string) []awsapi.Access {
	if value(role) == "" {
		return nil
	}
	return []awsapi.Access{{Action: "iam:PassRole", Resource: arn.ARN(*role), Keys: policy.KeyMap{"iam:passedtoservice": policy.One(principal)}}}
}

func accessPutTargets(ctx context.Context, in *shapes.PutTargetsRequest) ([]awsapi.Access, error) {
	r, err := ruleOf(ctx, in.Rule, in.EventBusName)
	if err != nil {
		return nil, err
	}
	var targets []string
	roles := map[string]bool{}
	var passes []awsapi.Access
	for i := range in.Targets {
		t := &in.Targets[i]
		targets = append(targets, value(t.Arn))
		if role := value(t.RoleArn); !roles[role] {
			roles[role] = true
			passes = append(passes, passing(t.RoleArn)...)
		}
	}
	return append(need("PutTargets", r.arn(), policy.KeyMap{"events:targetarn": policy.Many(targets...)}), passes...), nil
}

func accessTag(_ context.Context, in *shapes.TagResourceRequest) ([]awsapi.Access, error) {
	if !isTagged(value(in.ResourceARN)) {
		return nil, notTagged(value(in.ResourceARN))
	}
	return need("TagResource", value(in.ResourceARN), tagKeys(in.Tags)), nil
}

func accessUntag(_ context.Context, in *shapes.UntagResourceRequest) ([]awsapi.Access, error) {
	if !isTagged(value(in.ResourceARN)) {
		return nil, notTagged(value(in.ResourceARN))
	}
	return need("UntagResource", value(in.ResourceARN), policy.KeyMap{"aws:tagkeys": policy.Many(in.TagKeys...)}), nil
}

func accessListTags(_ context.Context, in *shapes.ListTagsForResourceRequest) ([]awsapi.Access, error) {
	if !isTagged(value(in.ResourceARN)) {
		return nil, notTagged(value(in.ResourceARN))
	}
	return need("ListTagsForResource", value(in.ResourceARN), nil), nil
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
