package iam

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/iam"
	"github.com/nube-run/nube/internal/kv"
)

func (s *Service) registerTags() {
	awsapi.Handle(s.api, shapes.TagRole, func(ctx context.Context, in *shapes.TagRoleRequest) ([]awsapi.Access, error) {
		return s.onEntity(ctx, "TagRole", role, in.RoleName, new(facts).tagged(in.Tags))
	}, func(ctx context.Context, in *shapes.TagRoleRequest) (*schema.Empty, error) {
		return nil, s.tag(ctx, role, in.RoleName, in.Tags)
	})
	awsapi.Handle(s.api, shapes.UntagRole, func(ctx context.Context, in *shapes.UntagRoleRequest) ([]awsapi.Access, error) {
		return s.onEntity(ctx, "UntagRole", role, in.RoleName, &facts{tagKeys: in.TagKeys})
	}, func(ctx context.Context, in *shapes.UntagRoleRequest) (*schema.Empty, error) {
		return nil, s.untag(ctx, role, in.RoleName, in.TagKeys)
	})
	awsapi.Handle(s.api, shapes.ListRoleTags, on(s, "ListRoleTags", role, func(in *shapes.ListRoleTagsRequest) *string { return in.RoleName }), func(ctx context.Context, in *shapes.ListRoleTagsRequest) (*shapes.ListRoleTagsResponse, error) {
		e, err := s.read(ctx, role, *in.RoleName)
		if err != nil {
			return nil, err
		}
		tags, truncated, marker, err := page(tagList(e.Tags), in.Marker, in.MaxItems)
		return &shapes.ListRoleTagsResponse{Tags: tags, IsTruncated: truncated, Marker: marker}, err
	})
	awsapi.Handle(s.api, shapes.TagUser, func(ctx context.Context, in *shapes.TagUserRequest) ([]awsapi.Access, error) {
		return s.onEntity(ctx, "TagUser", user, in.UserName, new(facts).tagged(in.Tags))
	}, func(ctx context.Context, in *shapes.TagUserRequest) (*schema.Empty, error) {
		return nil, s.tag(ctx, user, in.UserName, in.Tags)
	})
	awsapi.Handle(s.api, shapes.UntagUser, func(ctx context.Context, in *shapes.UntagUserRequest) ([]awsapi.Access, error) {
		return s.onEntity(ctx, "UntagUser", user, in.UserName, &facts{tagKeys: in.TagKeys})
	}, func(ctx context.Context, in *shapes.UntagUserRequest) (*schema.Empty, error) {
		return nil, s.untag(ctx, user, in.UserName, in.TagKeys)
	})
	awsapi.Handle(s.api, shapes.ListUserTags, on(s, "ListUserTags", user, func(in *shapes.ListUserTagsRequest) *string { return in.UserName }), func(ctx context.Context, in *shapes.ListUserTagsRequest) (*shapes.ListUserTagsResponse, error) {
		e, err := s.read(ctx, user, *in.UserName)
		if err != nil {
			return nil, err
		}
		tags, truncated, marker, err := page(tagList(e.Tags), in.Marker, in.MaxItems)
		return &shapes.ListUserTagsResponse{Tags: tags, IsTruncated: truncated, Marker: marker}, err
	})
	awsapi.Handle(s.api, shapes.TagPolicy, func(ctx context.Context, in *shapes.TagPolicyRequest) ([]awsapi.Access, error) {
		return s.onManaged(ctx, "TagPolicy", in.PolicyArn, new(facts).tagged(in.Tags))
	}, func(ctx context.Context, in *shapes.TagPolicyRequest) (*schema.Empty, error) {
		return nil, s.changePolicy(ctx, arn.ARN(*in.PolicyArn), func(_ *kv.Tx, m *managed) (err error) {
			m.Tags, err = tagMap(in.Tags, m.Tags)
			return err
		})
	})
	awsapi.Handle(s.api, shapes.UntagPolicy, func(ctx context.Context, in *shapes.UntagPolicyRequest) ([]awsapi.Access, error) {
		return s.onManaged(ctx, "UntagPolicy", in.PolicyArn, &facts{tagKeys: in.TagKeys})
	}, func(ctx context.Context, in *shapes.UntagPolicyRequest) (*schema.Empty, error) {
		return nil, s.changePolicy(ctx, arn.ARN(*in.PolicyArn), func(_ *kv.Tx, m *managed) error {
			dropTags(m.Tags, in.TagKeys)
			return nil
		})
	})
	awsapi.Handle(s.api, shapes.ListPolicyTags, onPolicy(s, "ListPolicyTags", func(in *shapes.ListPolicyTagsRequest) *string { return in.PolicyArn }), func(ctx context.Context, in *shapes.ListPolicyTagsRequest) (*shapes.ListPolicyTagsResponse, error) {
		m, err := s.readPolicy(ctx, arn.ARN(*in.PolicyArn))
		if err != nil {
			return nil, err
		}
		tags, truncated, marker, err := page(tagList(m.Tags), in.Marker, in.MaxItems)
		return &shapes.ListPolicyTagsResponse{Tags: tags, IsTruncated: truncated, Marker: marker}, err
	})
}

const maxTags = 50

// tagMap adds tags to those that are there. Keys are compared without regard
// to case, and keep the case they came with.
func tagMap(add []shapes.Tag, have map[string]string) (map[string]string, error) {
	out := maps.Clone(have)
	if out == nil {
		out = make(map[string]string, len(add))
	}
	for _, t := range add {
		for k := range out {
			if strings.EqualFold(k, value(t.Key)) {
				delete(out, k)
			}
		}
		out[value(t.Key)] = value(t.Value)
	}
	if len(out) > maxTags {
		return nil, limit("The number of tags has reached the maximum limit.")
	}
	return out, nil
}

func tagList(m map[string]string) []shapes.Tag {
	out := make([]shapes.Tag, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, shapes.Tag{Key: ptr(k), Value: ptr(m[k])})
	}
	return out
}

func dropTags(m map[string]string, keys []string) {
	for k := range m {
		if slices.ContainsFunc(keys, func(x string) bool { return strings.EqualFold(x, k) }) {
			delete(m, k)
		}
	}
}

func (s *Service) tag(ctx context.Context, k kind, name *string, tags []shapes.Tag) error {
	return s.change(ctx, k, name, func(_ *kv.Tx, e *entity) (err error) {
		e.Tags, err = tagMap(tags, e.Tags)
		return err
	})
}

func (s *Service) untag(ctx context.Context, k kind, name *string, keys []string) error {
	return s.change(ctx, k, name, func(_ *kv.Tx, e *entity) error {
		dropTags(e.Tags, keys)
		return nil
	})
}
