package iam

import (
	"context"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/iam"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

func (s *Service) registerUsers() {
	awsapi.Handle(s.api, shapes.CreateUser, func(ctx context.Context, in *shapes.CreateUserRequest) ([]awsapi.Access, error) {
		f := &facts{boundary: arn.ARN(value(in.PermissionsBoundary))}
		return s.onNew(ctx, "CreateUser", entity{Kind: user, Name: value(in.UserName), Path: path(in.Path)}, f.tagged(in.Tags)), nil
	}, s.createUser)
	awsapi.Handle(s.api, shapes.GetUser, func(ctx context.Context, in *shapes.GetUserRequest) ([]awsapi.Access, error) {
		return s.onSelf(ctx, "GetUser", in.UserName)
	}, s.getUser)
	awsapi.Handle(s.api, shapes.ListUsers, nil, s.listUsers)
	awsapi.Handle(s.api, shapes.UpdateUser, on(s, "UpdateUser", user, func(in *shapes.UpdateUserRequest) *string { return in.UserName }), s.updateUser)
	awsapi.Handle(s.api, shapes.DeleteUser, on(s, "DeleteUser", user, func(in *shapes.DeleteUserRequest) *string { return in.UserName }), s.deleteUser)
	awsapi.Handle(s.api, shapes.ListAccountAliases, nil, s.listAccountAliases)
}

func (s *Service) createUser(ctx context.Context, in *shapes.CreateUserRequest) (*shapes.CreateUserResponse, error) {
	tags, err := tagMap(in.Tags, nil)
	if err != nil {
		return nil, err
	}
	e := &entity{
		Kind: user, Name: *in.UserName, Path: path(in.Path), ID: newID("AIDA"), Created: s.clock.Now(),
		Boundary: arn.ARN(value(in.PermissionsBoundary)), Tags: tags,
	}
	if err := s.create(ctx, e); err != nil {
		return nil, err
	}
	return &shapes.CreateUserResponse{User: s.userShape(ctx, e, true)}, nil
}

func (s *Service) userShape(ctx context.Context, e *entity, full bool) *shapes.User {
	u := &shapes.User{Path: &e.Path, UserName: &e.Name, UserId: &e.ID, Arn: ptr(e.arn(s.scope(ctx)).String()), CreateDate: &e.Created}
	if full {
		u.Tags = tagList(e.Tags)
		u.PermissionsBoundary = boundaryShape(e)
	}
	return u
}

func (s *Service) getUser(ctx context.Context, in *shapes.GetUserRequest) (*shapes.GetUserResponse, error) {
	name := value(in.UserName)
	if in.UserName == nil {
		a := awsapi.From(ctx).Actor
		if a.Principal.IsRoot() {
			return &shapes.GetUserResponse{User: &shapes.User{
				Path: ptr("/"), UserName: ptr("root"), UserId: &a.Account, Arn: ptr(a.Principal.ARN.String()), CreateDate: ptr(s.clock.Now()),
			}}, nil
		}
		if name = userOf(a.Principal.ARN); name == "" {
			return nil, invalid("Must specify userName when calling with non-User credentials")
		}
	}
	e, err := s.read(ctx, user, name)
	if err != nil {
		return nil, err
	}
	return &shapes.GetUserResponse{User: s.userShape(ctx, e, true)}, nil
}

func (s *Service) listUsers(ctx context.Context, in *shapes.ListUsersRequest) (*shapes.ListUsersResponse, error) {
	es, err := s.list(ctx, user, in.PathPrefix)
	if err != nil {
		return nil, err
	}
	es, truncated, marker, err := page(es, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &shapes.ListUsersResponse{Users: []shapes.User{}, IsTruncated: truncated, Marker: marker}
	for _, e := range es {
		out.Users = append(out.Users, *s.userShape(ctx, e, false))
	}
	return out, nil
}

// updateUser renames or moves a user; its keys follow.
func (s *Service) updateUser(ctx context.Context, in *shapes.UpdateUserRequest) (*schema.Empty, error) {
	sp := spaceOf(awsapi.From(ctx).Scope.Account)
	_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
		e, err := jsonrow.Load[entity](tx, sp.entity(user, *in.UserName))
		if err != nil {
			return err
		}
		if e == nil {
			return noSuch(user, *in.UserName)
		}
		if in.NewPath != nil {
			e.Path = *in.NewPath
		}
		if in.NewUserName != nil && sp.entity(user, *in.NewUserName).String() != sp.entity(user, *in.UserName).String() {
			taken, err := tx.Get(sp.entity(user, *in.NewUserName))
			if err != nil {
				return err
			}
			if taken != nil {
				return exists(user, *in.NewUserName)
			}
			tx.Delete(sp.entity(user, *in.UserName))
			if err := renameKeys(tx, sp, e.Name, *in.NewUserName); err != nil {
				return err
			}
		}
		if in.NewUserName != nil {
			e.Name = *in.NewUserName
		}
		tx.Signal(sp.changed())
		return jsonrow.Set(tx, sp.entity(user, e.Name), e)
	})
	return nil, err
}

func (s *Service) deleteUser(ctx context.Context, in *shapes.DeleteUserRequest) (*schema.Empty, error) {
	sp := spaceOf(awsapi.From(ctx).Scope.Account)
	return nil, s.remove(ctx, user, *in.UserName, func(tx *kv.Tx, e *entity) error {
		if len(e.Groups) > 0 {
			return conflict("Cannot delete entity, must remove users from group first.")
		}
		keys, err := keysOf(tx, sp, e.Name)
		if err != nil {
			return err
		}
		if len(keys) > 0 {
			return conflict("Cannot delete entity, must delete access keys first.")
		}
		return nil
	})
}

// listAccountAliases answers truthfully: an account here has no alias.
func (s *Service) listAccountAliases(context.Context, *shapes.ListAccountAliasesRequest) (*shapes.ListAccountAliasesResponse, error) {
	return &shapes.ListAccountAliasesResponse{AccountAliases: []string{}, IsTruncated: ptr(false)}, nil
}
