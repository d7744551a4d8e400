package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/iam"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

func (s *Service) registerGroups() {
	awsapi.Handle(s.api, shapes.CreateGroup, func(ctx context.Context, in *shapes.CreateGroupRequest) ([]awsapi.Access, error) {
		return s.onNew(ctx, "CreateGroup", entity{Kind: group, Name: value(in.GroupName), Path: path(in.Path)}, &facts{}), nil
	}, s.createGroup)
	awsapi.Handle(s.api, shapes.GetGroup, on(s, "GetGroup", group, func(in *shapes.GetGroupRequest) *string { return in.GroupName }), s.getGroup)
	awsapi.Handle(s.api, shapes.ListGroups, nil, s.listGroups)
	awsapi.Handle(s.api, shapes.DeleteGroup, on(s, "DeleteGroup", group, func(in *shapes.DeleteGroupRequest) *string { return in.GroupName }), s.deleteGroup)
	awsapi.Handle(s.api, shapes.AddUserToGroup, on(s, "AddUserToGroup", group, func(in *shapes.AddUserToGroupRequest) *string { return in.GroupName }), s.addUserToGroup)
	awsapi.Handle(s.api, shapes.RemoveUserFromGroup, on(s, "RemoveUserFromGroup", group, func(in *shapes.RemoveUserFromGroupRequest) *string { return in.GroupName }), s.removeUserFromGroup)
	awsapi.Handle(s.api, shapes.ListGroupsForUser, on(s, "ListGroupsForUser", user, func(in *shapes.ListGroupsForUserRequest) *string { return in.UserName }), s.listGroupsForUser)
}

func (s *Service) createGroup(ctx context.Context, in *shapes.CreateGroupRequest) (*shapes.CreateGroupResponse, error) {
	e := &entity{Kind: group, Name: *in.GroupName, Path: path(in.Path), ID: newID("AGPA"), Created: s.clock.Now()}
	if err := s.create(ctx, e); err != nil {
		return nil, err
	}
	return &shapes.CreateGroupResponse{Group: s.groupShape(ctx, e)}, nil
}

func (s *Service) groupShape(ctx context.Context, e *entity) *shapes.Group {
	return &shapes.Group{Path: &e.Path, GroupName: &e.Name, GroupId: &e.ID, Arn: ptr(e.arn(s.scope(ctx)).String()), CreateDate: &e.Created}
}

// members returns the users of a group.
func (s *Service) members(ctx context.Context, name string) ([]*entity, error) {
	users, err := s.list(ctx, user, nil)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(users, func(u *entity) bool { return !u.in(name) }), nil
}

func (e *entity) in(group string) bool {
	return slices.ContainsFunc(e.Groups, func(g string) bool { return strings.EqualFold(g, group) })
}

func (s *Service) getGroup(ctx context.Context, in *shapes.GetGroupRequest) (*shapes.GetGroupResponse, error) {
	e, err := s.read(ctx, group, *in.GroupName)
	if err != nil {
		return nil, err
	}
	us, err := s.members(ctx, e.Name)
	if err != nil {
		return nil, err
	}
	us, truncated, marker, err := page(us, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &shapes.GetGroupResponse{Group: s.groupShape(ctx, e), Users: []shapes.User{}, IsTruncated: truncated, Marker: marker}
	for _, u := range us {
		out.Users = append(out.Users, *s.userShape(ctx, u, false))
	}
	return out, nil
}

func (s *Service) listGroups(ctx context.Context, in *shapes.ListGroupsRequest) (*shapes.ListGroupsResponse, error) {
	es, err := s.list(ctx, group, in.PathPrefix)
	if err != nil {
		return nil, err
	}
	es, truncated, marker, err := page(es, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &shapes.ListGroupsResponse{Groups: []shapes.Group{}, IsTruncated: truncated, Marker: marker}
	for _, e := range es {
		out.Groups = append(out.Groups, *s.groupShape(ctx, e))
	}
	return out, nil
}

func (s *Service) deleteGroup(ctx context.Context, in *shapes.DeleteGroupRequest) (*schema.Empty, error) {
	sp := spaceOf(awsapi.From(ctx).Scope.Account)
	return nil, s.remove(ctx, group, *in.GroupName, func(tx *kv.Tx, e *entity) error {
		for p, err := range tx.Scan(sp.entities(user), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			u, err := jsonrow.Load[entity](tx, p.Key)
			if err != nil {
				return err
			}
			if u.in(e.Name) {
				return conflict("Cannot delete entity, must remove users from group first.")
			}
		}
		return nil
	})
}

// inGroup checks that the group exists, in the transaction that changes a user.
func inGroup(tx *kv.Tx, account, name string) (*entity, error) {
	e, err := jsonrow.Load[entity](tx, spaceOf(account).entity(group, name))
	if err == nil && e == nil {
		err = noSuch(group, name)
	}
	return e, err
}

// maxGroups is IAM's quota of groups per user.
const maxGroups = 10

func (s *Service) addUserToGroup(ctx context.Context, in *shapes.AddUserToGroupRequest) (*schema.Empty, error) {
	return nil, s.change(ctx, user, in.UserName, func(tx *kv.Tx, u *entity) error {
		g, err := inGroup(tx, awsapi.From(ctx).Scope.Account, *in.GroupName)
		switch {
		case err != nil || u.in(g.Name):
			return err
		case len(u.Groups) >= maxGroups:
			return limit("Cannot exceed quota for GroupsPerUser: %d", maxGroups)
		}
		u.Groups = append(u.Groups, g.Name)
		return nil
	})
}

func (s *Service) removeUserFromGroup(ctx context.Context, in *shapes.RemoveUserFromGroupRequest) (*schema.Empty, error) {
	return nil, s.change(ctx, user, in.UserName, func(tx *kv.Tx, u *entity) error {
		g, err := inGroup(tx, awsapi.From(ctx).Scope.Account, *in.GroupName)
		if err != nil {
			return err
		}
		if !u.in(g.Name) {
			return noSuch(user, *in.UserName)
		}
		u.Groups = slices.DeleteFunc(u.Groups, func(n string) bool { return strings.EqualFold(n, g.Name) })
		return nil
	})
}

func (s *Service) listGroupsForUser(ctx context.Context, in *shapes.ListGroupsForUserRequest) (*shapes.ListGroupsForUserResponse, error) {
	u, err := s.read(ctx, user, *in.UserName)
	if err != nil {
		return nil, err
	}
	names, truncated, marker, err := page(u.Groups, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &shapes.ListGroupsForUserResponse{Groups: []shapes.Group{}, IsTruncated: truncated, Marker: marker}
	for _, n := range names {
		g, err := s.read(ctx, group, n)
		if err != nil {
			return nil, err
		}
		out.Groups = append(out.Groups, *s.groupShape(ctx, g))
	}
	return out, nil
}
