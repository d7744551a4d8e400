package resource

import (
	"context"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi/shapes/iam"
	"github.com/nube-run/nube/internal/stack"
)

// managedPolicy is AWS::IAM::ManagedPolicy. Ref is its ARN.
type managedPolicy struct{ base }

// policyARN returns the ARN of the policy that a request is about: before it
// exists there is only its name.
func policyARN(r stack.Request) string {
	if arn.Looks(r.PhysicalID) {
		return r.PhysicalID
	}
	return r.Stack.Scope.Policy(text(r.Properties, "Path"), r.PhysicalID).String()
}

func (t managedPolicy) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := &iam.CreatePolicyRequest{PolicyName: &r.PhysicalID}
	if err := bind(in, r.Properties, "ManagedPolicyName", "Groups", "Roles", "Users"); err != nil {
		return stack.Progress{}, err
	}
	if _, err := do(ctx, t.base, iam.CreatePolicy, in); err != nil && !(r.Again && present(err)) {
		return stack.Progress{}, err
	}
	r.PhysicalID = policyARN(r)
	done := stack.Progress{PhysicalID: r.PhysicalID}
	err := targets(r.Properties, func(p principal, name string) error { return t.attach(ctx, p, name, r.PhysicalID, true) })
	if err != nil {
		return done, err
	}
	done.Attrs, err = t.Read(ctx, r)
	return done, err
}

func (t managedPolicy) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done := stack.Progress{PhysicalID: r.PhysicalID}
	if !same(r.Old, r.Properties, "PolicyDocument") {
		if err := t.replace(ctx, r.PhysicalID, document(r.Properties.Get("PolicyDocument"))); err != nil {
			return done, err
		}
	}
	is := targetSet(r.Properties)
	err := targets(r.Properties, func(p principal, name string) error { return t.attach(ctx, p, name, r.PhysicalID, true) })
	if err != nil {
		return done, err
	}
	err = targets(r.Old, func(p principal, name string) error {
		if is[target{p, name}] {
			return nil
		}
		return t.attach(ctx, p, name, r.PhysicalID, false)
	})
	if err != nil {
		return done, err
	}
	done.Attrs, err = t.Read(ctx, r)
	return done, err
}

// maxPolicyVersions is how many versions a policy can have.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html
const maxPolicyVersions = 5

// replace makes a document the default version, and makes room for it first.
func (t managedPolicy) replace(ctx context.Context, policy, doc string) error {
	out, err := do(ctx, t.base, iam.ListPolicyVersions, &iam.ListPolicyVersionsRequest{PolicyArn: &policy})
	if err != nil {
		return err
	}
	if len(out.Versions) >= maxPolicyVersions {
		for i := len(out.Versions) - 1; i >= 0; i-- { // the newest first, so the oldest is last
			v := out.Versions[i]
			if val(v.IsDefaultVersion) {
				continue
			}
			if err := run(ctx, t.base, iam.DeletePolicyVersion, &iam.DeletePolicyVersionRequest{PolicyArn: &policy, VersionId: v.VersionId}); err != nil {
				return err
			}
			break
		}
	}
	return run(ctx, t.base, iam.CreatePolicyVersion, &iam.CreatePolicyVersionRequest{PolicyArn: &policy, PolicyDocument: &doc, SetAsDefault: ptr(true)})
}

// Delete detaches the policy from where its properties attached it, and removes
// it with all its versions.
func (t managedPolicy) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	err := targets(r.Properties, func(p principal, name string) error { return t.attach(ctx, p, name, r.PhysicalID, false) })
	if err != nil {
		return stack.Progress{}, err
	}
	out, err := do(ctx, t.base, iam.ListPolicyVersions, &iam.ListPolicyVersionsRequest{PolicyArn: &r.PhysicalID})
	if err != nil {
		return gone(err)
	}
	for _, v := range out.Versions {
		if val(v.IsDefaultVersion) {
			continue
		}
		err := run(ctx, t.base, iam.DeletePolicyVersion, &iam.DeletePolicyVersionRequest{PolicyArn: &r.PhysicalID, VersionId: v.VersionId})
		if err != nil && !absent(err) {
			return stack.Progress{}, err
		}
	}
	return gone(run(ctx, t.base, iam.DeletePolicy, &iam.DeletePolicyRequest{PolicyArn: &r.PhysicalID}))
}

func (t managedPolicy) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	out, err := do(ctx, t.base, iam.GetPolicy, &iam.GetPolicyRequest{PolicyArn: ptr(policyARN(r))})
	if err != nil {
		return nil, found(err)
	}
	p := out.Policy
	a := stack.Attrs{
		"PolicyArn": val(p.Arn), "PolicyId": val(p.PolicyId), "DefaultVersionId": val(p.DefaultVersionId),
		"AttachmentCount": int64(val(p.AttachmentCount)), "PermissionsBoundaryUsageCount": int64(val(p.PermissionsBoundaryUsageCount)),
		"IsAttachable": val(p.IsAttachable),
	}
	if p.CreateDate != nil {
		a["CreateDate"] = p.CreateDate.Time().Format("2006-01-02T15:04:05Z")
	}
	if p.UpdateDate != nil {
		a["UpdateDate"] = p.UpdateDate.Time().Format("2006-01-02T15:04:05Z")
	}
	return a, nil
}
