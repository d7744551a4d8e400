package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/secretsmanager"
	"github.com/nube-run/nube/internal/stack"
)

// rotationSchedule is AWS::SecretsManager::RotationSchedule. Ref is the secret's
// ARN.
type rotationSchedule struct{ base }

func refusedOfRotation() []string {
	return []string{"HostedRotationLambda", "ExternalSecretRotationMetadata", "ExternalSecretRotationRoleArn"}
}

func (t rotationSchedule) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := &secretsmanager.RotateSecretRequest{ClientRequestToken: &r.Token}
	if v := r.Properties.Get("RotateImmediatelyOnUpdate"); v != nil {
		in.RotateImmediately = ptr(has(r.Properties, "RotateImmediatelyOnUpdate"))
	}
	if err := bind(in, r.Properties, "RotateImmediatelyOnUpdate"); err != nil {
		return stack.Progress{}, err
	}
	out, err := do(ctx, t.base, secretsmanager.RotateSecret, in)
	if err != nil {
		return stack.Progress{}, err
	}
	return secretProgress(val(out.ARN)), nil
}

func (t rotationSchedule) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return t.Create(ctx, r)
}

func (t rotationSchedule) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, t.base, secretsmanager.CancelRotateSecret, &secretsmanager.CancelRotateSecretRequest{SecretId: ptr(text(r.Properties, "SecretId"))}))
}

func (t rotationSchedule) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	out, err := do(ctx, t.base, secretsmanager.DescribeSecret, &secretsmanager.DescribeSecretRequest{SecretId: ptr(text(r.Properties, "SecretId"))})
	if err != nil {
		return nil, found(err)
	}
	return secretProgress(val(out.ARN)).Attrs, nil
}
