package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/iam"
	"github.com/nube-run/nube/internal/stack"
)

// role is AWS::IAM::Role. Ref is its name.
type role struct{ base }

func (t role) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := &iam.CreateRoleRequest{RoleName: &r.PhysicalID}
	if err := bind(in, r.Properties, "RoleName", "Policies", "ManagedPolicyArns"); err != nil {
		return stack.Progress{}, err
	}
	out, err := do(ctx, t.base, iam.CreateRole, in)
	if r.Again && present(err) {
		return t.Update(ctx, r)
	}
	if err != nil {
		return stack.Progress{}, err
	}
	return roleProgress(out.Role), t.permissions(ctx, ofRole, r)
}

func roleProgress(r *iam.Role) stack.Progress {
	return stack.Progress{PhysicalID: val(r.RoleName), Attrs: stack.Attrs{"Arn": val(r.Arn), "RoleId": val(r.RoleId)}}
}

func (t role) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	none := stack.Progress{PhysicalID: r.PhysicalID}
	have, err := do(ctx, t.base, iam.GetRole, &iam.GetRoleRequest{RoleName: &r.PhysicalID})
	if err != nil {
		return none, err
	}
	done := roleProgress(have.Role)
	if !same(r.Old, r.Properties, "AssumeRolePolicyDocument") {
		doc := document(r.Properties.Get("AssumeRolePolicyDocument"))
		if err := run(ctx, t.base, iam.UpdateAssumeRolePolicy, &iam.UpdateAssumeRolePolicyRequest{RoleName: &r.PhysicalID, PolicyDocument: &doc}); err != nil {
			return done, err
		}
	}
	if changed(r.Old, r.Properties, "Description", "MaxSessionDuration") {
		in := &iam.UpdateRoleRequest{RoleName: &r.PhysicalID, Description: ptr(text(r.Properties, "Description")), MaxSessionDuration: ptr(int32(3600))}
		if n, ok := r.Properties.Get("MaxSessionDuration").AsInt(); ok {
			in.MaxSessionDuration = ptr(int32(n))
		}
		if err := run(ctx, t.base, iam.UpdateRole, in); err != nil {
			return done, err
		}
	}
	if err := t.boundary(ctx, r); err != nil {
		return done, err
	}
	set, remove := tagChanges(r.Old, r.Properties)
	if len(remove) > 0 {
		if err := run(ctx, t.base, iam.UntagRole, &iam.UntagRoleRequest{RoleName: &r.PhysicalID, TagKeys: remove}); err != nil {
			return done, err
		}
	}
	if len(set) > 0 {
		if err := run(ctx, t.base, iam.TagRole, &iam.TagRoleRequest{RoleName: &r.PhysicalID, Tags: pairs(set, iamTag)}); err != nil {
			return done, err
		}
	}
	return done, t.permissions(ctx, ofRole, r)
}

func iamTag(k, v string) iam.Tag { return iam.Tag{Key: &k, Value: &v} }

func (t role) boundary(ctx context.Context, r stack.Request) error {
	if same(r.Old, r.Properties, "PermissionsBoundary") {
		return nil
	}
	if arn := text(r.Properties, "PermissionsBoundary"); arn != "" {
		return run(ctx, t.base, iam.PutRolePermissionsBoundary, &iam.PutRolePermissionsBoundaryRequest{RoleName: &r.PhysicalID, PermissionsBoundary: &arn})
	}
	err := run(ctx, t.base, iam.DeleteRolePermissionsBoundary, &iam.DeleteRolePermissionsBoundaryRequest{RoleName: &r.PhysicalID})
	if absent(err) {
		return nil
	}
	return err
}

// Delete removes the role with the policies that its properties gave it. What
// others gave it makes the deletion fail, as in AWS.
func (t role) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	bare := r
	bare.Old, bare.Properties = r.Properties, nil
	if err := t.permissions(ctx, ofRole, bare); err != nil && !absent(err) {
		return stack.Progress{}, err
	}
	return gone(run(ctx, t.base, iam.DeleteRole, &iam.DeleteRoleRequest{RoleName: &r.PhysicalID}))
}

func (t role) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	out, err := do(ctx, t.base, iam.GetRole, &iam.GetRoleRequest{RoleName: &r.PhysicalID})
	if err != nil {
		return nil, found(err)
	}
	return roleProgress(out.Role).Attrs, nil
}
