package iam

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/iam"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

func (s *Service) registerManaged() {
	awsapi.Handle(s.api, shapes.CreatePolicy, func(ctx context.Context, in *shapes.CreatePolicyRequest) ([]awsapi.Access, error) {
		resource := s.scope(ctx).Policy(path(in.Path), value(in.PolicyName))
		return []awsapi.Access{{Action: "iam:CreatePolicy", Resource: resource, Keys: new(facts).tagged(in.Tags)}}, nil
	}, s.createPolicy)
	awsapi.Handle(s.api, shapes.GetPolicy, onPolicy(s, "GetPolicy", func(in *shapes.GetPolicyRequest) *string { return in.PolicyArn }), s.getPolicy)
	awsapi.Handle(s.api, shapes.ListPolicies, nil, s.listPolicies)
	awsapi.Handle(s.api, shapes.DeletePolicy, onPolicy(s, "DeletePolicy", func(in *shapes.DeletePolicyRequest) *string { return in.PolicyArn }), s.deletePolicy)
	awsapi.Handle(s.api, shapes.CreatePolicyVersion, onPolicy(s, "CreatePolicyVersion", func(in *shapes.CreatePolicyVersionRequest) *string { return in.PolicyArn }), s.createPolicyVersion)
	awsapi.Handle(s.api, shapes.GetPolicyVersion, onPolicy(s, "GetPolicyVersion", func(in *shapes.GetPolicyVersionRequest) *string { return in.PolicyArn }), s.getPolicyVersion)
	awsapi.Handle(s.api, shapes.ListPolicyVersions, onPolicy(s, "ListPolicyVersions", func(in *shapes.ListPolicyVersionsRequest) *string { return in.PolicyArn }), s.listPolicyVersions)
	awsapi.Handle(s.api, shapes.DeletePolicyVersion, onPolicy(s, "DeletePolicyVersion", func(in *shapes.DeletePolicyVersionRequest) *string { return in.PolicyArn }), s.deletePolicyVersion)
	awsapi.Handle(s.api, shapes.SetDefaultPolicyVersion, onPolicy(s, "SetDefaultPolicyVersion", func(in *shapes.SetDefaultPolicyVersionRequest) *string { return in.PolicyArn }), s.setDefaultPolicyVersion)
	awsapi.Handle(s.api, shapes.ListEntitiesForPolicy, onPolicy(s, "ListEntitiesForPolicy", func(in *shapes.ListEntitiesForPolicyRequest) *string { return in.PolicyArn }), s.listEntitiesForPolicy)
}

// maxVersions is IAM's quota of versions per managed policy.
const maxVersions = 5

func (s *Service) createPolicy(ctx context.Context, in *shapes.CreatePolicyRequest) (*shapes.CreatePolicyResponse, error) {
	if err := parseManaged(*in.PolicyDocument); err != nil {
		return nil, err
	}
	tags, err := tagMap(in.Tags, nil)
	if err != nil {
		return nil, err
	}
	now := s.clock.Now()
	m := &managed{
		ARN: s.scope(ctx).Policy(path(in.Path), *in.PolicyName), Name: *in.PolicyName, Path: path(in.Path), ID: newID("ANPA"),
		Description: value(in.Description), Created: now, Updated: now, Default: "v1", Next: 2, Tags: tags,
		Versions: []version{{ID: "v1", Document: *in.PolicyDocument, Created: now}},
	}
	sp := spaceOf(awsapi.From(ctx).Scope.Account)
	_, err = s.db.Update(ctx, func(tx *kv.Tx) error {
		// Names are unique whatever the path.
		for p, err := range tx.Scan(sp.policies(), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			had, err := jsonrow.Load[managed](tx, p.Key)
			if err != nil {
				return err
			}
			if strings.EqualFold(had.Name, m.Name) {
				return fault.New("EntityAlreadyExists", "A policy called %s already exists. Duplicate names are not allowed.", m.Name).With(http.StatusConflict)
			}
		}
		return jsonrow.Set(tx, sp.policy(m.ARN), m)
	})
	if err != nil {
		return nil, err
	}
	return &shapes.CreatePolicyResponse{Policy: policyShape(m, 0, 0)}, nil
}

func policyShape(m *managed, attached, boundaries int32) *shapes.Policy {
	p := &shapes.Policy{
		PolicyName: &m.Name, PolicyId: &m.ID, Arn: ptr(m.ARN.String()), Path: &m.Path, DefaultVersionId: &m.Default, AttachmentCount: &attached,
		PermissionsBoundaryUsageCount: &boundaries, IsAttachable: ptr(true), CreateDate: &m.Created, UpdateDate: &m.Updated, Tags: tagList(m.Tags),
	}
	if m.Description != "" {
		p.Description = &m.Description
	}
	return p
}

// readPolicy returns a customer's or an AWS managed policy.
func (s *Service) readPolicy(ctx context.Context, a arn.ARN) (*managed, error) {
	if m := awsManaged(a); m != nil {
		return m, nil
	}
	var m *managed
	err := s.db.View(ctx, func(sn *kv.Snap) (err error) {
		m, err = jsonrow.Load[managed](sn, spaceOf(awsapi.From(ctx).Scope.Account).policy(a))
		return err
	})
	if err == nil && m == nil {
		err = policyNotFound(a)
	}
	return m, err
}

// changePolicy runs fn on a customer managed policy.
func (s *Service) changePolicy(ctx context.Context, a arn.ARN, fn func(tx *kv.Tx, m *managed) error) error {
	if awsManaged(a) != nil {
		return fault.New("AccessDenied", "AWS managed policies cannot be changed.").With(http.StatusForbidden)
	}
	sp := spaceOf(awsapi.From(ctx).Scope.Account)
	_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
		m, err := jsonrow.Load[managed](tx, sp.policy(a))
		if err != nil {
			return err
		}
		if m == nil {
			return policyNotFound(a)
		}
		if err := fn(tx, m); err != nil {
			return err
		}
		tx.Signal(sp.changed())
		return jsonrow.Set(tx, sp.policy(a), m)
	})
	return err
}

// everyone returns the entities of all kinds.
func (s *Service) everyone(ctx context.Context) ([]*entity, error) {
	var out []*entity
	for _, k := range []kind{user, group, role} {
		es, err := s.list(ctx, k, nil)
		if err != nil {
			return nil, err
		}
		out = append(out, es...)
	}
	return out, nil
}

// uses counts where a policy is attached and where it is a boundary.
func uses(es []*entity, a arn.ARN) (attached, boundaries int32) {
	for _, e := range es {
		if slices.Contains(e.Attached, a) {
			attached++
		}
		if e.Boundary == a {
			boundaries++
		}
	}
	return attached, boundaries
}

func (s *Service) getPolicy(ctx context.Context, in *shapes.GetPolicyRequest) (*shapes.GetPolicyResponse, error) {
	m, err := s.readPolicy(ctx, arn.ARN(*in.PolicyArn))
	if err != nil {
		return nil, err
	}
	es, err := s.everyone(ctx)
	if err != nil {
		return nil, err
	}
	n, b := uses(es, m.ARN)
	return &shapes.GetPolicyResponse{Policy: policyShape(m, n, b)}, nil
}

func (s *Service) listPolicies(ctx context.Context, in *shapes.ListPoliciesRequest) (*shapes.ListPoliciesResponse, error) {
	var ms []*managed
	if sc := value(in.Scope); sc != "AWS" {
		err := s.db.View(ctx, func(sn *kv.Snap) (err error) {
			ms, err = all[managed](sn, spaceOf(awsapi.From(ctx).Scope.Account).policies())
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if sc := value(in.Scope); sc != "Local" {
		ms = append(ms, awsManagedAll()...)
	}
	es, err := s.everyone(ctx)
	if err != nil {
		return nil, err
	}
	ms = slices.DeleteFunc(ms, func(m *managed) bool {
		n, b := uses(es, m.ARN)
		return in.PathPrefix != nil && !strings.HasPrefix(m.Path, *in.PathPrefix) || value(in.OnlyAttached) && n+b == 0 ||
			value(in.PolicyUsageFilter) == "PermissionsBoundary" && b == 0 || value(in.PolicyUsageFilter) == "PermissionsPolicy" && n == 0
	})
	ms, truncated, marker, err := page(ms, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &shapes.ListPoliciesResponse{Policies: []shapes.Policy{}, IsTruncated: truncated, Marker: marker}
	for _, m := range ms {
		n, b := uses(es, m.ARN)
		p := policyShape(m, n, b)
		p.Tags, p.Description = nil, nil
		out.Policies = append(out.Policies, *p)
	}
	return out, nil
}

func (s *Service) deletePolicy(ctx context.Context, in *shapes.DeletePolicyRequest) (*schema.Empty, error) {
	a := arn.ARN(*in.PolicyArn)
	sp := spaceOf(awsapi.From(ctx).Scope.Account)
	if awsManaged(a) != nil {
		return nil, fault.New("AccessDenied", "AWS managed policies cannot be deleted.").With(http.StatusForbidden)
	}
	_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
		m, err := jsonrow.Load[managed](tx, sp.policy(a))
		if err != nil {
			return err
		}
		if m == nil {
			return policyNotFound(a)
		}
		if len(m.Versions) > 1 {
			return conflict("This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
		}
		for _, k := range []kind{user, group, role} {
			for p, err := range tx.Scan(sp.entities(k), kv.ScanOptions{}) {
				if err != nil {
					return err
				}
				e, err := jsonrow.Load[entity](tx, p.Key)
				if err != nil {
					return err
				}
				if slices.Contains(e.Attached, a) || e.Boundary == a {
					return conflict("Cannot delete a policy attached to entities.")
				}
			}
		}
		tx.Delete(sp.policy(a))
		return nil
	})
	return nil, err
}

func (s *Service) createPolicyVersion(ctx context.Context, in *shapes.CreatePolicyVersionRequest) (*shapes.CreatePolicyVersionResponse, error) {
	if err := parseManaged(*in.PolicyDocument); err != nil {
		return nil, err
	}
	now := s.clock.Now()
	var v version
	err := s.changePolicy(ctx, arn.ARN(*in.PolicyArn), func(_ *kv.Tx, m *managed) error {
		if len(m.Versions) >= maxVersions {
			return limit("A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.")
		}
		v = version{ID: fmt.Sprintf("v%d", m.Next), Document: *in.PolicyDocument, Created: now}
		m.Next++
		m.Versions = append([]version{v}, m.Versions...)
		m.Updated = now
		if value(in.SetAsDefault) {
			m.Default = v.ID
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &shapes.CreatePolicyVersionResponse{PolicyVersion: &shapes.PolicyVersion{
		VersionId: &v.ID, IsDefaultVersion: ptr(value(in.SetAsDefault)), CreateDate: &v.Created,
	}}, nil
}

func noSuchVersion(a arn.ARN, id string) *fault.Error {
	return fault.New("NoSuchEntity", "Policy %s version %s does not exist or is not attachable.", a, id).With(http.StatusNotFound)
}

func (s *Service) getPolicyVersion(ctx context.Context, in *shapes.GetPolicyVersionRequest) (*shapes.GetPolicyVersionResponse, error) {
	m, err := s.readPolicy(ctx, arn.ARN(*in.PolicyArn))
	if err != nil {
		return nil, err
	}
	for _, v := range m.Versions {
		if v.ID == *in.VersionId {
			return &shapes.GetPolicyVersionResponse{PolicyVersion: &shapes.PolicyVersion{
				Document: ptr(encoded(v.Document)), VersionId: &v.ID, IsDefaultVersion: ptr(v.ID == m.Default), CreateDate: &v.Created,
			}}, nil
		}
	}
	return nil, noSuchVersion(m.ARN, *in.VersionId)
}

func (s *Service) listPolicyVersions(ctx context.Context, in *shapes.ListPolicyVersionsRequest) (*shapes.ListPolicyVersionsResponse, error) {
	m, err := s.readPolicy(ctx, arn.ARN(*in.PolicyArn))
	if err != nil {
		return nil, err
	}
	vs, truncated, marker, err := page(m.Versions, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &shapes.ListPolicyVersionsResponse{Versions: []shapes.PolicyVersion{}, IsTruncated: truncated, Marker: marker}
	for _, v := range vs {
		out.Versions = append(out.Versions, shapes.PolicyVersion{VersionId: ptr(v.ID), IsDefaultVersion: ptr(v.ID == m.Default), CreateDate: ptr(v.Created)})
	}
	return out, nil
}

func (s *Service) deletePolicyVersion(ctx context.Context, in *shapes.DeletePolicyVersionRequest) (*schema.Empty, error) {
	return nil, s.changePolicy(ctx, arn.ARN(*in.PolicyArn), func(_ *kv.Tx, m *managed) error {
		if m.Default == *in.VersionId {
			return conflict("Cannot delete the default version of a policy.")
		}
		n := len(m.Versions)
		m.Versions = slices.DeleteFunc(m.Versions, func(v version) bool { return v.ID == *in.VersionId })
		if len(m.Versions) == n {
			return noSuchVersion(m.ARN, *in.VersionId)
		}
		return nil
	})
}

func (s *Service) setDefaultPolicyVersion(ctx context.Context, in *shapes.SetDefaultPolicyVersionRequest) (*schema.Empty, error) {
	now := s.clock.Now()
	return nil, s.changePolicy(ctx, arn.ARN(*in.PolicyArn), func(_ *kv.Tx, m *managed) error {
		if !slices.ContainsFunc(m.Versions, func(v version) bool { return v.ID == *in.VersionId }) {
			return noSuchVersion(m.ARN, *in.VersionId)
		}
		m.Default, m.Updated = *in.VersionId, now
		return nil
	})
}

func (s *Service) listEntitiesForPolicy(ctx context.Context, in *shapes.ListEntitiesForPolicyRequest) (*shapes.ListEntitiesForPolicyResponse, error) {
	m, err := s.readPolicy(ctx, arn.ARN(*in.PolicyArn))
	if err != nil {
		return nil, err
	}
	es, err := s.everyone(ctx)
	if err != nil {
		return nil, err
	}
	out := &shapes.ListEntitiesForPolicyResponse{
		PolicyGroups: []shapes.PolicyGroup{}, PolicyUsers: []shapes.PolicyUser{}, PolicyRoles: []shapes.PolicyRole{}, IsTruncated: ptr(false),
	}
	for _, e := range es {
		attached := slices.Contains(e.Attached, m.ARN) && value(in.PolicyUsageFilter) != "PermissionsBoundary"
		bounded := e.Boundary == m.ARN && value(in.PolicyUsageFilter) != "PermissionsPolicy"
		if !attached && !bounded || in.PathPrefix != nil && !strings.HasPrefix(e.Path, *in.PathPrefix) {
			continue
		}
		if f := value(in.EntityFilter); f != "" && !strings.EqualFold(f, string(e.Kind)) {
			continue
		}
		switch e.Kind {
		case user:
			out.PolicyUsers = append(out.PolicyUsers, shapes.PolicyUser{UserName: &e.Name, UserId: &e.ID})
		case group:
			out.PolicyGroups = append(out.PolicyGroups, shapes.PolicyGroup{GroupName: &e.Name, GroupId: &e.ID})
		case role:
			out.PolicyRoles = append(out.PolicyRoles, shapes.PolicyRole{RoleName: &e.Name, RoleId: &e.ID})
		}
	}
	return out, nil
}

// ManagedDocument returns the default version of a managed policy; ok is false
// when there is none.
func (s *Service) ManagedDocument(ctx context.Context, a arn.ARN) (document string, ok bool, err error) {
	if m := awsManaged(a); m != nil {
		return m.document(), true, nil
	}
	var m *managed
	err = s.db.View(ctx, func(sn *kv.Snap) (err error) {
		m, err = jsonrow.Load[managed](sn, spaceOf(s.account).policy(a))
		return err
	})
	if err != nil || m == nil {
		return "", false, err
	}
	return m.document(), true, nil
}
