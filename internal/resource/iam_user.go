package resource

import (
	"context"
	"slices"

	"github.com/nube-run/nube/internal/awsapi/shapes/iam"
	"github.com/nube-run/nube/internal/stack"
)

// user is AWS::IAM::User. Ref is its name.
type user struct{ base }

func (t user) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := &iam.CreateUserRequest{UserName: &r.PhysicalID}
	if err := bind(in, r.Properties, "UserName", "Policies", "ManagedPolicyArns", "Groups"); err != nil {
		return stack.Progress{}, err
	}
	out, err := do(ctx, t.base, iam.CreateUser, in)
	if r.Again && present(err) {
		return t.Update(ctx, r)
	}
	if err != nil {
		return stack.Progress{}, err
	}
	done := userProgress(out.User)
	if err := t.groups(ctx, r); err != nil {
		return done, err
	}
	return done, t.permissions(ctx, ofUser, r)
}

func userProgress(u *iam.User) stack.Progress {
	return stack.Progress{PhysicalID: val(u.UserName), Attrs: stack.Attrs{"Arn": val(u.Arn)}}
}

// groups makes the user a member of the groups that it should be in.
func (t user) groups(ctx context.Context, r stack.Request) error {
	is := texts(r.Properties, "Groups")
	for _, g := range is {
		if err := run(ctx, t.base, iam.AddUserToGroup, &iam.AddUserToGroupRequest{UserName: &r.PhysicalID, GroupName: &g}); err != nil {
			return err
		}
	}
	for _, g := range texts(r.Old, "Groups") {
		if slices.Contains(is, g) {
			continue
		}
		err := run(ctx, t.base, iam.RemoveUserFromGroup, &iam.RemoveUserFromGroupRequest{UserName: &r.PhysicalID, GroupName: &g})
		if err != nil && !absent(err) {
			return err
		}
	}
	return nil
}

func (t user) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done := stack.Progress{PhysicalID: r.PhysicalID}
	if !same(r.Old, r.Properties, "Path") {
		path := text(r.Properties, "Path")
		if path == "" {
			path = "/"
		}
		if err := run(ctx, t.base, iam.UpdateUser, &iam.UpdateUserRequest{UserName: &r.PhysicalID, NewPath: &path}); err != nil {
			return done, err
		}
	}
	have, err := do(ctx, t.base, iam.GetUser, &iam.GetUserRequest{UserName: &r.PhysicalID})
	if err != nil {
		return done, err
	}
	done = userProgress(have.User)
	if err := t.boundary(ctx, r); err != nil {
		return done, err
	}
	set, remove := tagChanges(r.Old, r.Properties)
	if len(remove) > 0 {
		if err := run(ctx, t.base, iam.UntagUser, &iam.UntagUserRequest{UserName: &r.PhysicalID, TagKeys: remove}); err != nil {
			return done, err
		}
	}
	if len(set) > 0 {
		if err := run(ctx, t.base, iam.TagUser, &iam.TagUserRequest{UserName: &r.PhysicalID, Tags: pairs(set, iamTag)}); err != nil {
			return done, err
		}
	}
	if err := t.groups(ctx, r); err != nil {
		return done, err
	}
	return done, t.permissions(ctx, ofUser, r)
}

func (t user) boundary(ctx context.Context, r stack.Request) error {
	if same(r.Old, r.Properties, "PermissionsBoundary") {
		return nil
	}
	if arn := text(r.Properties, "PermissionsBoundary"); arn != "" {
		return run(ctx, t.base, iam.PutUserPermissionsBoundary, &iam.PutUserPermissionsBoundaryRequest{UserName: &r.PhysicalID, PermissionsBoundary: &arn})
	}
	err := run(ctx, t.base, iam.DeleteUserPermissionsBoundary, &iam.DeleteUserPermissionsBoundaryRequest{UserName: &r.PhysicalID})
	if absent(err) {
		return nil
	}
	return err
}

// Delete removes the user with what its properties gave it. Access keys and
// what else others gave it make the deletion fail, as in AWS.
func (t user) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	bare := r
	bare.Old, bare.Properties = r.Properties, nil
	if err := t.groups(ctx, bare); err != nil {
		return stack.Progress{}, err
	}
	if err := t.permissions(ctx, ofUser, bare); err != nil {
		return stack.Progress{}, err
	}
	return gone(run(ctx, t.base, iam.DeleteUser, &iam.DeleteUserRequest{UserName: &r.PhysicalID}))
}

func (t user) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	out, err := do(ctx, t.base, iam.GetUser, &iam.GetUserRequest{UserName: &r.PhysicalID})
	if err != nil {
		return nil, found(err)
	}
	return userProgress(out.User).Attrs, nil
}
