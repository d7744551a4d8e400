package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/secretsmanager"
	"github.com/nube-run/nube/internal/stack"
)

// secretPolicy is AWS::SecretsManager::ResourcePolicy. Ref is the secret's ARN.
type secretPolicy struct{ base }

func (t secretPolicy) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := &secretsmanager.PutResourcePolicyRequest{ResourcePolicy: ptr(document(r.Properties.Get("ResourcePolicy")))}
	if err := bind(in, r.Properties, "ResourcePolicy"); err != nil {
		return stack.Progress{}, err
	}
	out, err := do(ctx, t.base, secretsmanager.PutResourcePolicy, in)
	if err != nil {
		return stack.Progress{}, err
	}
	return secretProgress(val(out.ARN)), nil
}

func (t secretPolicy) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return t.Create(ctx, r)
}

func (t secretPolicy) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, t.base, secretsmanager.DeleteResourcePolicy, &secretsmanager.DeleteResourcePolicyRequest{SecretId: ptr(text(r.Properties, "SecretId"))}))
}

func (t secretPolicy) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	out, err := do(ctx, t.base, secretsmanager.GetResourcePolicy, &secretsmanager.GetResourcePolicyRequest{SecretId: ptr(text(r.Properties, "SecretId"))})
	if err != nil {
		return nil, found(err)
	}
	return secretProgress(val(out.ARN)).Attrs, nil
}
