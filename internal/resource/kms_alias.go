package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/kms"
	"github.com/nube-run/nube/internal/stack"
)

// keyAlias is AWS::KMS::Alias. Ref is its name.
type keyAlias struct{ base }

func (t keyAlias) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	err := run(ctx, t.base, kms.CreateAlias, &kms.CreateAliasRequest{AliasName: &r.PhysicalID, TargetKeyId: ptr(text(r.Properties, "TargetKeyId"))})
	if r.Again && present(err) {
		err = nil
	}
	return stack.Progress{PhysicalID: r.PhysicalID}, err
}

func (t keyAlias) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return stack.Progress{PhysicalID: r.PhysicalID}, run(ctx, t.base, kms.UpdateAlias, &kms.UpdateAliasRequest{AliasName: &r.PhysicalID, TargetKeyId: ptr(text(r.Properties, "TargetKeyId"))})
}

func (t keyAlias) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, t.base, kms.DeleteAlias, &kms.DeleteAliasRequest{AliasName: &r.PhysicalID}))
}

func (t keyAlias) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	return nil, found(run(ctx, t.base, kms.DescribeKey, &kms.DescribeKeyRequest{KeyId: &r.PhysicalID}))
}
