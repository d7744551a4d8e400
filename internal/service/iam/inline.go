package iam

import (
	"context"
	"maps"
	"slices"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/iam"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/policy"
)

func (s *Service) registerInline() {
	awsapi.Handle(s.api, shapes.PutRolePolicy, on(s, "PutRolePolicy", role, func(in *shapes.PutRolePolicyRequest) *string { return in.RoleName }), func(ctx context.Context, in *shapes.PutRolePolicyRequest) (*schema.Empty, error) {
		return nil, s.putInline(ctx, role, in.RoleName, *in.PolicyName, *in.PolicyDocument)
	})
	awsapi.Handle(s.api, shapes.PutUserPolicy, on(s, "PutUserPolicy", user, func(in *shapes.PutUserPolicyRequest) *string { return in.UserName }), func(ctx context.Context, in *shapes.PutUserPolicyRequest) (*schema.Empty, error) {
		return nil, s.putInline(ctx, user, in.UserName, *in.PolicyName, *in.PolicyDocument)
	})
	awsapi.Handle(s.api, shapes.PutGroupPolicy, on(s, "PutGroupPolicy", group, func(in *shapes.PutGroupPolicyRequest) *string { return in.GroupName }), func(ctx context.Context, in *shapes.PutGroupPolicyRequest) (*schema.Empty, error) {
		return nil, s.putInline(ctx, group, in.GroupName, *in.PolicyName, *in.PolicyDocument)
	})
	awsapi.Handle(s.api, shapes.GetRolePolicy, on(s, "GetRolePolicy", role, func(in *shapes.GetRolePolicyRequest) *string { return in.RoleName }), func(ctx context.Context, in *shapes.GetRolePolicyRequest) (*shapes.GetRolePolicyResponse, error) {
		name, doc, err := s.getInline(ctx, role, *in.RoleName, *in.PolicyName)
		return &shapes.GetRolePolicyResponse{RoleName: &name, PolicyName: in.PolicyName, PolicyDocument: &doc}, err
	})
	awsapi.Handle(s.api, shapes.GetUserPolicy, on(s, "GetUserPolicy", user, func(in *shapes.GetUserPolicyRequest) *string { return in.UserName }), func(ctx context.Context, in *shapes.GetUserPolicyRequest) (*shapes.GetUserPolicyResponse, error) {
		name, doc, err := s.getInline(ctx, user, *in.UserName, *in.PolicyName)
		return &shapes.GetUserPolicyResponse{UserName: &name, PolicyName: in.PolicyName, PolicyDocument: &doc}, err
	})
	awsapi.Handle(s.api, shapes.GetGroupPolicy, on(s, "GetGroupPolicy", group, func(in *shapes.GetGroupPolicyRequest) *string { return in.GroupName }), func(ctx context.Context, in *shapes.GetGroupPolicyRequest) (*shapes.GetGroupPolicyResponse, error) {
		name, doc, err := s.getInline(ctx, group, *in.GroupName, *in.PolicyName)
		return &shapes.GetGroupPolicyResponse{GroupName: &name, PolicyName: in.PolicyName, PolicyDocument: &doc}, err
	})
	awsapi.Handle(s.api, shapes.DeleteRolePolicy, on(s, "DeleteRolePolicy", role, func(in *shapes.DeleteRolePolicyRequest) *string { return in.RoleName }), func(ctx context.Context, in *shapes.DeleteRolePolicyRequest) (*schema.Empty, error) {
		return nil, s.deleteInline(ctx, role, in.RoleName, *in.PolicyName)
	})
	awsapi.Handle(s.api, shapes.DeleteUserPolicy, on(s, "DeleteUserPolicy", user, func(in *shapes.DeleteUserPolicyRequest) *string { return in.UserName }), func(ctx context.Context, in *shapes.DeleteUserPolicyRequest) (*schema.Empty, error) {
		return nil, s.deleteInline(ctx, user, in.UserName, *in.PolicyName)
	})
	awsapi.Handle(s.api, shapes.DeleteGroupPolicy, on(s, "DeleteGroupPolicy", group, func(in *shapes.DeleteGroupPolicyRequest) *string { return in.GroupName }), func(ctx context.Context, in *shapes.DeleteGroupPolicyRequest) (*schema.Empty, error) {
		return nil, s.deleteInline(ctx, group, in.GroupName, *in.PolicyName)
	})
	awsapi.Handle(s.api, shapes.ListRolePolicies, on(s, "ListRolePolicies", role, func(in *shapes.ListRolePoliciesRequest) *string { return in.RoleName }), func(ctx context.Context, in *shapes.ListRolePoliciesRequest) (*shapes.ListRolePoliciesResponse, error) {
		names, more, marker, err := s.listInline(ctx, role, *in.RoleName, in.Marker, in.MaxItems)
		return &shapes.ListRolePoliciesResponse{PolicyNames: names, IsTruncated: more, Marker: marker}, err
	})
	awsapi.Handle(s.api, shapes.ListUserPolicies, on(s, "ListUserPolicies", user, func(in *shapes.ListUserPoliciesRequest) *string { return in.UserName }), func(ctx context.Context, in *shapes.ListUserPoliciesRequest) (*shapes.ListUserPoliciesResponse, error) {
		names, more, marker, err := s.listInline(ctx, user, *in.UserName, in.Marker, in.MaxItems)
		return &shapes.ListUserPoliciesResponse{PolicyNames: names, IsTruncated: more, Marker: marker}, err
	})
	awsapi.Handle(s.api, shapes.ListGroupPolicies, on(s, "ListGroupPolicies", group, func(in *shapes.ListGroupPoliciesRequest) *string { return in.GroupName }), func(ctx context.Context, in *shapes.ListGroupPoliciesRequest) (*shapes.ListGroupPoliciesResponse, error) {
		names, more, marker, err := s.listInline(ctx, group, *in.GroupName, in.Marker, in.MaxItems)
		return &shapes.ListGroupPoliciesResponse{PolicyNames: names, IsTruncated: more, Marker: marker}, err
	})
}

// inlineQuota is how many characters all inline policies of an entity may
// have, white space not counted.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func inlineQuota(k kind) int {
	switch k {
	case user:
		return 2048
	case group:
		return 5120
	}
	return 10240
}

func (s *Service) putInline(ctx context.Context, k kind, name *string, policyName, document string) error {
	if _, err := parse(policy.Identity, document); err != nil {
		return err
	}
	return s.change(ctx, k, name, func(_ *kv.Tx, e *entity) error {
		if e.Inline == nil {
			e.Inline = map[string]string{}
		}
		e.Inline[policyName] = document
		total := 0
		for _, d := range e.Inline {
			total += policy.Size(d)
		}
		if max := inlineQuota(k); total > max {
			return limit("Maximum policy size of %d bytes exceeded for %s %s", max, k, e.Name)
		}
		return nil
	})
}

func (s *Service) getInline(ctx context.Context, k kind, name, policyName string) (entityName, document string, err error) {
	e, err := s.read(ctx, k, name)
	if err != nil {
		return "", "", err
	}
	doc, ok := e.Inline[policyName]
	if !ok {
		return "", "", noSuchInline(k, policyName)
	}
	return e.Name, encoded(doc), nil
}

func (s *Service) deleteInline(ctx context.Context, k kind, name *string, policyName string) error {
	return s.change(ctx, k, name, func(_ *kv.Tx, e *entity) error {
		if _, ok := e.Inline[policyName]; !ok {
			return noSuchInline(k, policyName)
		}
		delete(e.Inline, policyName)
		return nil
	})
}

func (s *Service) listInline(ctx context.Context, k kind, name string, marker *string, max *int32) (names []string, more *bool, next *string, err error) {
	e, err := s.read(ctx, k, name)
	if err != nil {
		return nil, nil, nil, err
	}
	names = slices.Sorted(maps.Keys(e.Inline))
	if names == nil {
		names = []string{}
	}
	return page(names, marker, max)
}
