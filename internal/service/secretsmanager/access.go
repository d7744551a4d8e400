package secretsmanager

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/secretsmanager"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/policy"
)

// Actions, resources and condition keys:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html

// need is a permission on a secret. One that is not there is judged by the name
// that the call gives it.
func (s *Service) need(ctx context.Context, action string, id *string, keys policy.KeyMap) ([]awsapi.Access, error) {
	x, err := s.view(ctx, id)
	if err != nil && !fault.Is(err, "ResourceNotFoundException") {
		return nil, err
	}
	if keys == nil {
		keys = policy.KeyMap{}
	}
	a := x.arn()
	if err != nil && arn.Looks(value(id)) {
		a = value(id)
	}
	keys["secretsmanager:secretid"] = policy.One(a)
	for k, v := range x.Tags {
		keys["aws:resourcetag/"+strings.ToLower(k)] = policy.One(v)
		keys["secretsmanager:resourcetag/"+strings.ToLower(k)] = policy.One(v)
	}
	if x.Rotation != nil {
		keys["secretsmanager:resource/allowrotationlambdaarn"] = policy.One(x.Rotation.Function)
	}
	return []awsapi.Access{{Action: "secretsmanager:" + action, Resource: arn.ARN(a), Keys: keys}}, nil
}

// on is the access function of operations on a secret.
func on[I any](s *Service, action string, id func(*I) *string) func(context.Context, *I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in *I) ([]awsapi.Access, error) { return s.need(ctx, action, id(in), nil) }
}

func (s *Service) accessCreate(ctx context.Context, in *shapes.CreateSecretRequest) ([]awsapi.Access, error) {
	n := name{scope: awsapi.From(ctx).Scope, text: value(in.Name), suffix: suffixFor(ctx, value(in.Name))}
	keys := tagKeys(in.Tags)
	keys["secretsmanager:name"] = policy.One(n.text)
	given(keys, "secretsmanager:description", in.Description)
	given(keys, "secretsmanager:kmskeyid", in.KmsKeyId)
	needs := []awsapi.Access{{Action: "secretsmanager:CreateSecret", Resource: arn.ARN(n.arn()), Keys: keys}}
	if len(in.Tags) > 0 {
		needs = append(needs, awsapi.Access{Action: "secretsmanager:TagResource", Resource: arn.ARN(n.arn()), Keys: keys})
	}
	return needs, nil
}

func given(keys policy.KeyMap, key string, v *string) {
	if v != nil {
		keys[key] = policy.One(*v)
	}
}

// tagKeys are the condition keys of tags that a request gives.
func tagKeys(tags []shapes.Tag) policy.KeyMap {
	keys := policy.KeyMap{}
	var names []string
	for _, t := range tags {
		keys["aws:requesttag/"+strings.ToLower(value(t.Key))] = policy.One(value(t.Value))
		names = append(names, value(t.Key))
	}
	if len(names) > 0 {
		slices.Sort(names)
		keys["aws:tagkeys"] = policy.Many(names...)
	}
	return keys
}

func (s *Service) accessUpdate(ctx context.Context, in *shapes.UpdateSecretRequest) ([]awsapi.Access, error) {
	keys := policy.KeyMap{}
	given(keys, "secretsmanager:description", in.Description)
	given(keys, "secretsmanager:kmskeyid", in.KmsKeyId)
	return s.need(ctx, "UpdateSecret", in.SecretId, keys)
}

func (s *Service) accessDelete(ctx context.Context, in *shapes.DeleteSecretRequest) ([]awsapi.Access, error) {
	keys := policy.KeyMap{"secretsmanager:forcedeletewithoutrecovery": policy.Bool(yes(in.ForceDeleteWithoutRecovery))}
	if in.RecoveryWindowInDays != nil {
		keys["secretsmanager:recoverywindowindays"] = policy.One(strconv.FormatInt(*in.RecoveryWindowInDays, 10))
	}
	return s.need(ctx, "DeleteSecret", in.SecretId, keys)
}

func (s *Service) accessTag(ctx context.Context, in *shapes.TagResourceRequest) ([]awsapi.Access, error) {
	return s.need(ctx, "TagResource", in.SecretId, tagKeys(in.Tags))
}

func (s *Service) accessUntag(ctx context.Context, in *shapes.UntagResourceRequest) ([]awsapi.Access, error) {
	return s.need(ctx, "UntagResource", in.SecretId, policy.KeyMap{"aws:tagkeys": policy.Many(in.TagKeys...)})
}

func (s *Service) accessPutPolicy(ctx context.Context, in *shapes.PutResourcePolicyRequest) ([]awsapi.Access, error) {
	return s.need(ctx, "PutResourcePolicy", in.SecretId, policy.KeyMap{"secretsmanager:blockpublicpolicy": policy.Bool(yes(in.BlockPublicPolicy))})
}

func (s *Service) accessValidate(ctx context.Context, in *shapes.ValidateResourcePolicyRequest) ([]awsapi.Access, error) {
	if in.SecretId == nil {
		return []awsapi.Access{{Action: "secretsmanager:ValidateResourcePolicy", Resource: awsapi.From(ctx).Scope.Of("secretsmanager", "secret:*")}}, nil
	}
	return s.need(ctx, "ValidateResourcePolicy", in.SecretId, nil)
}

// accessRotate: who has a secret rotated must be allowed to invoke the function that
// does it.
func (s *Service) accessRotate(ctx context.Context, in *shapes.RotateSecretRequest) ([]awsapi.Access, error) {
	keys := policy.KeyMap{}
	given(keys, "secretsmanager:rotationlambdaarn", in.RotationLambdaARN)
	needs, err := s.need(ctx, "RotateSecret", in.SecretId, keys)
	if err != nil {
		return nil, err
	}
	function := value(in.RotationLambdaARN)
	if x, err := s.view(ctx, in.SecretId); err == nil && function == "" && x.Rotation != nil {
		function = x.Rotation.Function
	}
	if arn.Looks(function) {
		needs = append(needs, awsapi.Access{Action: "lambda:InvokeFunction", Resource: arn.ARN(function)})
	}
	return needs, nil
}

// accessBatch: each secret is asked for when it is read.
func accessBatch(_ context.Context, in *shapes.BatchGetSecretValueRequest) ([]awsapi.Access, error) {
	needs := []awsapi.Access{{Action: "secretsmanager:BatchGetSecretValue"}}
	if len(in.Filters) > 0 {
		needs = append(needs, awsapi.Access{Action: "secretsmanager:ListSecrets"})
	}
	return needs, nil
}

func (s *Service) accessGet(ctx context.Context, in *shapes.GetSecretValueRequest) ([]awsapi.Access, error) {
	keys := policy.KeyMap{}
	given(keys, "secretsmanager:versionid", in.VersionId)
	if in.VersionStage != nil || in.VersionId == nil {
		keys["secretsmanager:versionstage"] = policy.One(stageOf(in.VersionStage))
	}
	return s.need(ctx, "GetSecretValue", in.SecretId, keys)
}

func (s *Service) accessStage(ctx context.Context, in *shapes.UpdateSecretVersionStageRequest) ([]awsapi.Access, error) {
	keys := policy.KeyMap{}
	given(keys, "secretsmanager:versionstage", in.VersionStage)
	return s.need(ctx, "UpdateSecretVersionStage", in.SecretId, keys)
}

// ResourcePolicy implements [awsapi.ResourcePolicier]: the policy of a secret.
func (s *Service) ResourcePolicy(ctx context.Context, resource arn.ARN) (*policy.Doc, error) {
	if resource.Service() != "secretsmanager" {
		return nil, nil
	}
	x, err := s.view(ctx, ptr(string(resource)))
	if err != nil || x.Policy == "" {
		if _, coded := fault.As(err); coded {
			return nil, nil
		}
		return nil, err
	}
	doc, err := policy.Parse(policy.Resource, x.Policy)
	if err != nil {
		return nil, fmt.Errorf("policy of %s: %w", resource, err)
	}
	return doc, nil
}
