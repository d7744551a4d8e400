package resource

import (
	"context"
	"slices"

	"github.com/nube-run/nube/internal/awsapi/shapes/iam"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
)

// principal is a kind of IAM entity that policies belong to. The three kinds
// have the same operations under different names.
type principal uint8

const (
	ofRole principal = iota
	ofUser
	ofGroup
)

// attach attaches a managed policy, or detaches it.
func (b base) attach(ctx context.Context, p principal, name, policy string, on bool) error {
	var err error
	switch {
	case p == ofRole && on:
		err = run(ctx, b, iam.AttachRolePolicy, &iam.AttachRolePolicyRequest{RoleName: &name, PolicyArn: &policy})
	case p == ofRole:
		err = run(ctx, b, iam.DetachRolePolicy, &iam.DetachRolePolicyRequest{RoleName: &name, PolicyArn: &policy})
	case p == ofUser && on:
		err = run(ctx, b, iam.AttachUserPolicy, &iam.AttachUserPolicyRequest{UserName: &name, PolicyArn: &policy})
	case p == ofUser:
		err = run(ctx, b, iam.DetachUserPolicy, &iam.DetachUserPolicyRequest{UserName: &name, PolicyArn: &policy})
	case on:
		err = run(ctx, b, iam.AttachGroupPolicy, &iam.AttachGroupPolicyRequest{GroupName: &name, PolicyArn: &policy})
	default:
		err = run(ctx, b, iam.DetachGroupPolicy, &iam.DetachGroupPolicyRequest{GroupName: &name, PolicyArn: &policy})
	}
	if !on && absent(err) {
		return nil
	}
	return err
}

// put sets an inline policy.
func (b base) put(ctx context.Context, p principal, name, policy, document string) error {
	switch p {
	case ofRole:
		return run(ctx, b, iam.PutRolePolicy, &iam.PutRolePolicyRequest{RoleName: &name, PolicyName: &policy, PolicyDocument: &document})
	case ofUser:
		return run(ctx, b, iam.PutUserPolicy, &iam.PutUserPolicyRequest{UserName: &name, PolicyName: &policy, PolicyDocument: &document})
	}
	return run(ctx, b, iam.PutGroupPolicy, &iam.PutGroupPolicyRequest{GroupName: &name, PolicyName: &policy, PolicyDocument: &document})
}

// drop removes an inline policy. That it is gone already is success.
func (b base) drop(ctx context.Context, p principal, name, policy string) error {
	var err error
	switch p {
	case ofRole:
		err = run(ctx, b, iam.DeleteRolePolicy, &iam.DeleteRolePolicyRequest{RoleName: &name, PolicyName: &policy})
	case ofUser:
		err = run(ctx, b, iam.DeleteUserPolicy, &iam.DeleteUserPolicyRequest{UserName: &name, PolicyName: &policy})
	default:
		err = run(ctx, b, iam.DeleteGroupPolicy, &iam.DeleteGroupPolicyRequest{GroupName: &name, PolicyName: &policy})
	}
	if absent(err) {
		return nil
	}
	return err
}

// permissions makes the inline and managed policies of a role or user those of
// its properties. What was there before and is not wanted any more goes; what
// others have added stays.
func (b base) permissions(ctx context.Context, p principal, r stack.Request) error {
	want := map[string]bool{}
	for _, item := range items(r.Properties, "Policies") {
		name := text(item, "PolicyName")
		want[name] = true
		if err := b.put(ctx, p, r.PhysicalID, name, document(item.Get("PolicyDocument"))); err != nil {
			return err
		}
	}
	for _, item := range items(r.Old, "Policies") {
		if name := text(item, "PolicyName"); !want[name] {
			if err := b.drop(ctx, p, r.PhysicalID, name); err != nil {
				return err
			}
		}
	}
	was, is := texts(r.Old, "ManagedPolicyArns"), texts(r.Properties, "ManagedPolicyArns")
	for _, arn := range is {
		if err := b.attach(ctx, p, r.PhysicalID, arn, true); err != nil {
			return err
		}
	}
	for _, arn := range was {
		if !slices.Contains(is, arn) {
			if err := b.attach(ctx, p, r.PhysicalID, arn, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// items returns the elements of a property that is a list.
func items(props *template.Value, name string) []*template.Value {
	if v := props.Get(name); v != nil {
		return v.Items
	}
	return nil
}

// targets calls fn for each role, user and group that a policy names.
func targets(props *template.Value, fn func(p principal, name string) error) error {
	for _, t := range []struct {
		property string
		p        principal
	}{{"Roles", ofRole}, {"Users", ofUser}, {"Groups", ofGroup}} {
		for _, name := range texts(props, t.property) {
			if err := fn(t.p, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// target is one role, user or group.
type target struct {
	p    principal
	name string
}

// targetSet returns the roles, users and groups that a policy names.
func targetSet(props *template.Value) map[target]bool {
	set := map[target]bool{}
	targets(props, func(p principal, name string) error { // never fails
		set[target{p, name}] = true
		return nil
	})
	return set
}
