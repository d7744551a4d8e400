package iam

import (
	"context"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/iam"
	"github.com/nube-run/nube/internal/kv"
)

func (s *Service) registerBoundaries() {
	awsapi.Handle(s.api, shapes.PutRolePermissionsBoundary, func(ctx context.Context, in *shapes.PutRolePermissionsBoundaryRequest) ([]awsapi.Access, error) {
		return s.onEntity(ctx, "PutRolePermissionsBoundary", role, in.RoleName, &facts{boundary: arn.ARN(value(in.PermissionsBoundary))})
	}, func(ctx context.Context, in *shapes.PutRolePermissionsBoundaryRequest) (*schema.Empty, error) {
		return nil, s.bound(ctx, role, in.RoleName, arn.ARN(*in.PermissionsBoundary))
	})
	awsapi.Handle(s.api, shapes.PutUserPermissionsBoundary, func(ctx context.Context, in *shapes.PutUserPermissionsBoundaryRequest) ([]awsapi.Access, error) {
		return s.onEntity(ctx, "PutUserPermissionsBoundary", user, in.UserName, &facts{boundary: arn.ARN(value(in.PermissionsBoundary))})
	}, func(ctx context.Context, in *shapes.PutUserPermissionsBoundaryRequest) (*schema.Empty, error) {
		return nil, s.bound(ctx, user, in.UserName, arn.ARN(*in.PermissionsBoundary))
	})
	awsapi.Handle(s.api, shapes.DeleteRolePermissionsBoundary, on(s, "DeleteRolePermissionsBoundary", role, func(in *shapes.DeleteRolePermissionsBoundaryRequest) *string { return in.RoleName }), func(ctx context.Context, in *shapes.DeleteRolePermissionsBoundaryRequest) (*schema.Empty, error) {
		return nil, s.unbound(ctx, role, in.RoleName)
	})
	awsapi.Handle(s.api, shapes.DeleteUserPermissionsBoundary, on(s, "DeleteUserPermissionsBoundary", user, func(in *shapes.DeleteUserPermissionsBoundaryRequest) *string { return in.UserName }), func(ctx context.Context, in *shapes.DeleteUserPermissionsBoundaryRequest) (*schema.Empty, error) {
		return nil, s.unbound(ctx, user, in.UserName)
	})
}

func (s *Service) bound(ctx context.Context, k kind, name *string, a arn.ARN) error {
	sp := spaceOf(awsapi.From(ctx).Scope.Account)
	return s.change(ctx, k, name, func(tx *kv.Tx, e *entity) error {
		if err := s.attachable(tx, sp, a); err != nil {
			return err
		}
		e.Boundary = a
		return nil
	})
}

func (s *Service) unbound(ctx context.Context, k kind, name *string) error {
	return s.change(ctx, k, name, func(_ *kv.Tx, e *entity) error {
		e.Boundary = ""
		return nil
	})
}
