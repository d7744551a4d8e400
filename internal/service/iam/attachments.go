package iam

import (
	"context"
	"slices"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/iam"
	"github.com/nube-run/nube/internal/kv"
)

func (s *Service) registerAttachments() {
	awsapi.Handle(s.api, shapes.AttachRolePolicy, func(ctx context.Context, in *shapes.AttachRolePolicyRequest) ([]awsapi.Access, error) {
		return s.onAttached(ctx, "AttachRolePolicy", role, in.RoleName, in.PolicyArn)
	}, func(ctx context.Context, in *shapes.AttachRolePolicyRequest) (*schema.Empty, error) {
		return nil, s.attach(ctx, role, in.RoleName, arn.ARN(*in.PolicyArn))
	})
	awsapi.Handle(s.api, shapes.AttachUserPolicy, func(ctx context.Context, in *shapes.AttachUserPolicyRequest) ([]awsapi.Access, error) {
		return s.onAttached(ctx, "AttachUserPolicy", user, in.UserName, in.PolicyArn)
	}, func(ctx context.Context, in *shapes.AttachUserPolicyRequest) (*schema.Empty, error) {
		return nil, s.attach(ctx, user, in.UserName, arn.ARN(*in.PolicyArn))
	})
	awsapi.Handle(s.api, shapes.AttachGroupPolicy, func(ctx context.Context, in *shapes.AttachGroupPolicyRequest) ([]awsapi.Access, error) {
		return s.onAttached(ctx, "AttachGroupPolicy", group, in.GroupName, in.PolicyArn)
	}, func(ctx context.Context, in *shapes.AttachGroupPolicyRequest) (*schema.Empty, error) {
		return nil, s.attach(ctx, group, in.GroupName, arn.ARN(*in.PolicyArn))
	})
	awsapi.Handle(s.api, shapes.DetachRolePolicy, func(ctx context.Context, in *shapes.DetachRolePolicyRequest) ([]awsapi.Access, error) {
		return s.onAttached(ctx, "DetachRolePolicy", role, in.RoleName, in.PolicyArn)
	}, func(ctx context.Context, in *shapes.DetachRolePolicyRequest) (*schema.Empty, error) {
		return nil, s.detach(ctx, role, in.RoleName, arn.ARN(*in.PolicyArn))
	})
	awsapi.Handle(s.api, shapes.DetachUserPolicy, func(ctx context.Context, in *shapes.DetachUserPolicyRequest) ([]awsapi.Access, error) {
		return s.onAttached(ctx, "DetachUserPolicy", user, in.UserName, in.PolicyArn)
	}, func(ctx context.Context, in *shapes.DetachUserPolicyRequest) (*schema.Empty, error) {
		return nil, s.detach(ctx, user, in.UserName, arn.ARN(*in.PolicyArn))
	})
	awsapi.Handle(s.api, shapes.DetachGroupPolicy, func(ctx context.Context, in *shapes.DetachGroupPolicyRequest) ([]awsapi.Access, error) {
		return s.onAttached(ctx, "DetachGroupPolicy", group, in.GroupName, in.PolicyArn)
	}, func(ctx context.Context, in *shapes.DetachGroupPolicyRequest) (*schema.Empty, error) {
		return nil, s.detach(ctx, group, in.GroupName, arn.ARN(*in.PolicyArn))
	})
	awsapi.Handle(s.api, shapes.ListAttachedRolePolicies, on(s, "ListAttachedRolePolicies", role, func(in *shapes.ListAttachedRolePoliciesRequest) *string { return in.RoleName }), func(ctx context.Context, in *shapes.ListAttachedRolePoliciesRequest) (*shapes.ListAttachedRolePoliciesResponse, error) {
		ps, more, marker, err := s.listAttached(ctx, role, *in.RoleName, in.Marker, in.MaxItems)
		return &shapes.ListAttachedRolePoliciesResponse{AttachedPolicies: ps, IsTruncated: more, Marker: marker}, err
	})
	awsapi.Handle(s.api, shapes.ListAttachedUserPolicies, on(s, "ListAttachedUserPolicies", user, func(in *shapes.ListAttachedUserPoliciesRequest) *string { return in.UserName }), func(ctx context.Context, in *shapes.ListAttachedUserPoliciesRequest) (*shapes.ListAttachedUserPoliciesResponse, error) {
		ps, more, marker, err := s.listAttached(ctx, user, *in.UserName, in.Marker, in.MaxItems)
		return &shapes.ListAttachedUserPoliciesResponse{AttachedPolicies: ps, IsTruncated: more, Marker: marker}, err
	})
	awsapi.Handle(s.api, shapes.ListAttachedGroupPolicies, on(s, "ListAttachedGroupPolicies", group, func(in *shapes.ListAttachedGroupPoliciesRequest) *string { return in.GroupName }), func(ctx context.Context, in *shapes.ListAttachedGroupPoliciesRequest) (*shapes.ListAttachedGroupPoliciesResponse, error) {
		ps, more, marker, err := s.listAttached(ctx, group, *in.GroupName, in.Marker, in.MaxItems)
		return &shapes.ListAttachedGroupPoliciesResponse{AttachedPolicies: ps, IsTruncated: more, Marker: marker}, err
	})
}

// attachable checks that a managed policy exists.
func (s *Service) attachable(tx *kv.Tx, sp space, a arn.ARN) error {
	if awsManaged(a) != nil {
		return nil
	}
	had, err := tx.Get(sp.policy(a))
	if err == nil && had == nil {
		err = noSuchPolicy(a)
	}
	return err
}

// maxAttached is IAM's default quota of managed policies per entity.
const maxAttached = 10

func (s *Service) attach(ctx context.Context, k kind, name *string, a arn.ARN) error {
	sp := spaceOf(awsapi.From(ctx).Scope.Account)
	return s.change(ctx, k, name, func(tx *kv.Tx, e *entity) error {
		if err := s.attachable(tx, sp, a); err != nil {
			return err
		}
		if slices.Contains(e.Attached, a) {
			return nil
		}
		if len(e.Attached) >= maxAttached {
			return limit("Cannot exceed quota for PoliciesPer%s: %d", k.title(), maxAttached)
		}
		e.Attached = append(e.Attached, a)
		return nil
	})
}

func (s *Service) detach(ctx context.Context, k kind, name *string, a arn.ARN) error {
	return s.change(ctx, k, name, func(_ *kv.Tx, e *entity) error {
		if !slices.Contains(e.Attached, a) {
			return policyNotFound(a)
		}
		e.Attached = slices.DeleteFunc(e.Attached, func(x arn.ARN) bool { return x == a })
		return nil
	})
}

func (s *Service) listAttached(ctx context.Context, k kind, name string, marker *string, max *int32) ([]shapes.AttachedPolicy, *bool, *string, error) {
	e, err := s.read(ctx, k, name)
	if err != nil {
		return nil, nil, nil, err
	}
	out := []shapes.AttachedPolicy{}
	for _, a := range e.Attached {
		out = append(out, shapes.AttachedPolicy{PolicyArn: ptr(a.String()), PolicyName: ptr(policyName(a))})
	}
	return page(out, marker, max)
}

// policyName is the last part of a policy's ARN.
func policyName(a arn.ARN) string {
	r := a.Resource()
	for i := len(r) - 1; i >= 0; i-- {
		if r[i] == '/' {
			return r[i+1:]
		}
	}
	return r
}
