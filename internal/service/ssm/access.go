package ssm

import (
	"context"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/ssm"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/policy"
)

// Actions, resources and condition keys:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html

// keys are the condition keys of a call on a parameter: those of the request, and
// the parameter's tags, which are read when a policy asks for them.
//
// https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-access.html
type keys struct {
	s    *Service
	ctx  context.Context
	name name
	more policy.KeyMap
}

// Key implements [policy.Keys].
func (k keys) Key(key string) (policy.Value, bool) {
	if v, ok := k.more[key]; ok {
		return v, true
	}
	prefix, tag, _ := strings.Cut(key, "/")
	if prefix != "aws:resourcetag" && prefix != "ssm:resourcetag" {
		return policy.Value{}, false
	}
	var row parameterRow
	err := k.s.DB.View(k.ctx, func(snap *kv.Snap) error {
		_, err := jsonrow.Get(snap, k.name.space().parameter(k.name.text), &row)
		return err
	})
	if err != nil {
		return policy.Value{}, false // a condition on what cannot be read does not hold
	}
	for name, v := range row.Tags {
		if strings.EqualFold(name, tag) {
			return policy.One(v), true
		}
	}
	return policy.Value{}, false
}

// need is a permission on a parameter.
func (s *Service) need(ctx context.Context, action, text string, more policy.KeyMap) ([]awsapi.Access, error) {
	n, err := read(ctx, text)
	if err != nil {
		return nil, err
	}
	return []awsapi.Access{{Action: "ssm:" + action, Resource: arn.ARN(n.arn()), Keys: keys{s, ctx, n, more}}}, nil
}

func (s *Service) needAll(ctx context.Context, action string, names []string) (all []awsapi.Access, err error) {
	for _, n := range names {
		one, err := s.need(ctx, action, n, nil)
		if err != nil {
			return nil, err
		}
		all = append(all, one...)
	}
	return all, nil
}

// on is the access function of operations on a parameter.
func on[I any](s *Service, action string, of func(*I) *string) func(context.Context, *I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in *I) ([]awsapi.Access, error) {
		return s.need(ctx, action, value(of(in)), nil)
	}
}

func (s *Service) accessPut(ctx context.Context, in *shapes.PutParameterRequest) ([]awsapi.Access, error) {
	keys := tagKeys(in.Tags)
	keys["ssm:overwrite"] = policy.Bool(yes(in.Overwrite))
	if in.Policies != nil {
		keys["ssm:policies"] = policy.One(*in.Policies)
	}
	needs, err := s.need(ctx, "PutParameter", value(in.Name), keys)
	if err == nil && len(in.Tags) > 0 {
		var tag []awsapi.Access
		tag, err = s.need(ctx, "AddTagsToResource", value(in.Name), tagKeys(in.Tags))
		needs = append(needs, tag...)
	}
	return needs, err
}

func (s *Service) accessGet(ctx context.Context, in *shapes.GetParameterRequest) ([]awsapi.Access, error) {
	return s.need(ctx, "GetParameter", value(in.Name), nil)
}

func (s *Service) accessGetAll(ctx context.Context, in *shapes.GetParametersRequest) ([]awsapi.Access, error) {
	return s.needAll(ctx, "GetParameters", in.Names)
}

func (s *Service) accessDeleteAll(ctx context.Context, in *shapes.DeleteParametersRequest) ([]awsapi.Access, error) {
	return s.needAll(ctx, "DeleteParameters", in.Names)
}

func (s *Service) accessByPath(ctx context.Context, in *shapes.GetParametersByPathRequest) ([]awsapi.Access, error) {
	return s.need(ctx, "GetParametersByPath", value(in.Path), policy.KeyMap{"ssm:recursive": policy.Bool(yes(in.Recursive))})
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

func (s *Service) accessTag(ctx context.Context, in *shapes.AddTagsToResourceRequest) ([]awsapi.Access, error) {
	return s.need(ctx, "AddTagsToResource", value(in.ResourceId), tagKeys(in.Tags))
}

func (s *Service) accessUntag(ctx context.Context, in *shapes.RemoveTagsFromResourceRequest) ([]awsapi.Access, error) {
	return s.need(ctx, "RemoveTagsFromResource", value(in.ResourceId), policy.KeyMap{"aws:tagkeys": policy.Many(in.TagKeys...)})
}
