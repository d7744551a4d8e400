package iam

import (
	"context"
	"net/url"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/iam"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

func (s *Service) registerRoles() {
	awsapi.Handle(s.api, shapes.CreateRole, func(ctx context.Context, in *shapes.CreateRoleRequest) ([]awsapi.Access, error) {
		f := &facts{boundary: arn.ARN(value(in.PermissionsBoundary))}
		return s.onNew(ctx, "CreateRole", entity{Kind: role, Name: value(in.RoleName), Path: path(in.Path)}, f.tagged(in.Tags)), nil
	}, s.createRole)
	awsapi.Handle(s.api, shapes.GetRole, on(s, "GetRole", role, func(in *shapes.GetRoleRequest) *string { return in.RoleName }), s.getRole)
	awsapi.Handle(s.api, shapes.ListRoles, nil, s.listRoles)
	awsapi.Handle(s.api, shapes.DeleteRole, on(s, "DeleteRole", role, func(in *shapes.DeleteRoleRequest) *string { return in.RoleName }), s.deleteRole)
	awsapi.Handle(s.api, shapes.UpdateRole, on(s, "UpdateRole", role, func(in *shapes.UpdateRoleRequest) *string { return in.RoleName }), s.updateRole)
	awsapi.Handle(s.api, shapes.UpdateRoleDescription, on(s, "UpdateRoleDescription", role, func(in *shapes.UpdateRoleDescriptionRequest) *string { return in.RoleName }), s.updateRoleDescription)
	awsapi.Handle(s.api, shapes.UpdateAssumeRolePolicy, on(s, "UpdateAssumeRolePolicy", role, func(in *shapes.UpdateAssumeRolePolicyRequest) *string { return in.RoleName }), s.updateAssumeRolePolicy)
	awsapi.Handle(s.api, shapes.ListInstanceProfilesForRole, on(s, "ListInstanceProfilesForRole", role, func(in *shapes.ListInstanceProfilesForRoleRequest) *string { return in.RoleName }), s.listInstanceProfilesForRole)
}

// path is a path in its stored form; "/" when not given.
func path(p *string) string {
	if p == nil || *p == "" {
		return "/"
	}
	return *p
}

// create stores a new entity unless the name is taken.
func (s *Service) create(ctx context.Context, e *entity) error {
	sp := spaceOf(awsapi.From(ctx).Scope.Account)
	_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
		had, err := tx.Get(sp.entity(e.Kind, e.Name))
		if err != nil {
			return err
		}
		if had != nil {
			return exists(e.Kind, e.Name)
		}
		if e.Boundary != "" {
			if err := s.attachable(tx, sp, e.Boundary); err != nil {
				return err
			}
		}
		tx.Signal(sp.changed())
		return jsonrow.Set(tx, sp.entity(e.Kind, e.Name), e)
	})
	return err
}

const defaultSession = 3600 // seconds

func (s *Service) createRole(ctx context.Context, in *shapes.CreateRoleRequest) (*shapes.CreateRoleResponse, error) {
	if err := parseTrust(*in.AssumeRolePolicyDocument); err != nil {
		return nil, err
	}
	tags, err := tagMap(in.Tags, nil)
	if err != nil {
		return nil, err
	}
	e := &entity{
		Kind: role, Name: *in.RoleName, Path: path(in.Path), ID: newID("AROA"), Created: s.clock.Now(), Trust: *in.AssumeRolePolicyDocument,
		Description: value(in.Description), MaxSession: defaultSession, Boundary: arn.ARN(value(in.PermissionsBoundary)), Tags: tags,
	}
	if in.MaxSessionDuration != nil {
		e.MaxSession = *in.MaxSessionDuration
	}
	if err := s.create(ctx, e); err != nil {
		return nil, err
	}
	return &shapes.CreateRoleResponse{Role: s.roleShape(ctx, e, true)}, nil
}

// roleShape renders a role; lists leave out the tags and the boundary.
func (s *Service) roleShape(ctx context.Context, e *entity, full bool) *shapes.Role {
	r := &shapes.Role{
		Path: &e.Path, RoleName: &e.Name, RoleId: &e.ID, Arn: ptr(e.arn(s.scope(ctx)).String()), CreateDate: &e.Created,
		AssumeRolePolicyDocument: ptr(encoded(e.Trust)), MaxSessionDuration: &e.MaxSession,
	}
	if e.Description != "" {
		r.Description = &e.Description
	}
	if full {
		r.Tags = tagList(e.Tags)
		r.PermissionsBoundary = boundaryShape(e)
		r.RoleLastUsed = &shapes.RoleLastUsed{}
	}
	return r
}

func boundaryShape(e *entity) *shapes.AttachedPermissionsBoundary {
	if e.Boundary == "" {
		return nil
	}
	return &shapes.AttachedPermissionsBoundary{PermissionsBoundaryType: ptr("Policy"), PermissionsBoundaryArn: ptr(e.Boundary.String())}
}

// encoded is a policy document as IAM returns it: URL-encoded after RFC 3986.
func encoded(document string) string {
	return strings.ReplaceAll(url.QueryEscape(document), "+", "%20")
}

func (s *Service) getRole(ctx context.Context, in *shapes.GetRoleRequest) (*shapes.GetRoleResponse, error) {
	e, err := s.read(ctx, role, *in.RoleName)
	if err != nil {
		return nil, err
	}
	return &shapes.GetRoleResponse{Role: s.roleShape(ctx, e, true)}, nil
}

func (s *Service) listRoles(ctx context.Context, in *shapes.ListRolesRequest) (*shapes.ListRolesResponse, error) {
	es, err := s.list(ctx, role, in.PathPrefix)
	if err != nil {
		return nil, err
	}
	es, truncated, marker, err := page(es, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &shapes.ListRolesResponse{Roles: []shapes.Role{}, IsTruncated: truncated, Marker: marker}
	for _, e := range es {
		out.Roles = append(out.Roles, *s.roleShape(ctx, e, false))
	}
	return out, nil
}

// remove deletes an entity that nothing hangs on.
func (s *Service) remove(ctx context.Context, k kind, name string, more func(tx *kv.Tx, e *entity) error) error {
	sp := spaceOf(awsapi.From(ctx).Scope.Account)
	_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
		e, err := jsonrow.Load[entity](tx, sp.entity(k, name))
		switch {
		case err != nil:
			return err
		case e == nil:
			return noSuch(k, name)
		case len(e.Attached) > 0:
			return conflict("Cannot delete entity, must detach all policies first.")
		case len(e.Inline) > 0:
			return conflict("Cannot delete entity, must delete policies first.")
		}
		if more != nil {
			if err := more(tx, e); err != nil {
				return err
			}
		}
		tx.Delete(sp.entity(k, name))
		tx.Signal(sp.changed())
		return nil
	})
	return err
}

func (s *Service) deleteRole(ctx context.Context, in *shapes.DeleteRoleRequest) (*schema.Empty, error) {
	return nil, s.remove(ctx, role, *in.RoleName, nil)
}

func (s *Service) updateRole(ctx context.Context, in *shapes.UpdateRoleRequest) (*shapes.UpdateRoleResponse, error) {
	err := s.change(ctx, role, in.RoleName, func(_ *kv.Tx, e *entity) error {
		if in.Description != nil {
			e.Description = *in.Description
		}
		if in.MaxSessionDuration != nil {
			e.MaxSession = *in.MaxSessionDuration
		}
		return nil
	})
	return &shapes.UpdateRoleResponse{}, err
}

func (s *Service) updateRoleDescription(ctx context.Context, in *shapes.UpdateRoleDescriptionRequest) (*shapes.UpdateRoleDescriptionResponse, error) {
	var after entity
	err := s.change(ctx, role, in.RoleName, func(_ *kv.Tx, e *entity) error {
		e.Description = *in.Description
		after = *e
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &shapes.UpdateRoleDescriptionResponse{Role: s.roleShape(ctx, &after, true)}, nil
}

func (s *Service) updateAssumeRolePolicy(ctx context.Context, in *shapes.UpdateAssumeRolePolicyRequest) (*schema.Empty, error) {
	if err := parseTrust(*in.PolicyDocument); err != nil {
		return nil, err
	}
	return nil, s.change(ctx, role, in.RoleName, func(_ *kv.Tx, e *entity) error {
		e.Trust = *in.PolicyDocument
		return nil
	})
}

// listInstanceProfilesForRole answers truthfully that a role has none: there
// are no instances here. Terraform asks before it deletes a role.
func (s *Service) listInstanceProfilesForRole(ctx context.Context, in *shapes.ListInstanceProfilesForRoleRequest) (*shapes.ListInstanceProfilesForRoleResponse, error) {
	if _, err := s.read(ctx, role, *in.RoleName); err != nil {
		return nil, err
	}
	return &shapes.ListInstanceProfilesForRoleResponse{InstanceProfiles: []shapes.InstanceProfile{}, IsTruncated: ptr(false)}, nil
}
