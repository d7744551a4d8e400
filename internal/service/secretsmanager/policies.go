package secretsmanager

import (
	"context"

	"github.com/nube-run/nube/internal/arn"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/secretsmanager"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/policy"
)

// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetResourcePolicy.html
func (s *Service) getResourcePolicy(ctx context.Context, in *shapes.GetResourcePolicyRequest) (*shapes.GetResourcePolicyResponse, error) {
	x, err := s.view(ctx, in.SecretId)
	if err != nil {
		return nil, err
	}
	if x.Deleted != 0 {
		return nil, deleted()
	}
	return &shapes.GetResourcePolicyResponse{ARN: ptr(x.arn()), Name: &x.text, ResourcePolicy: maybe(x.Policy)}, nil
}

func parsePolicy(text string) (*policy.Doc, error) {
	doc, err := policy.Parse(policy.Resource, text)
	if err != nil {
		return nil, fault.New("MalformedPolicyDocumentException", "This resource policy contains invalid Json or an unsupported element: %v", err)
	}
	return doc, nil
}

// public reports whether a policy lets in everybody: somebody of an account that
// it can know nothing of.
func public(doc *policy.Doc, resource string) bool {
	const stranger = "arn:aws:iam::999999999999:user/nobody-in-particular"
	set := policy.Set{Resource: []*policy.Doc{doc}, ResourceDecides: true}
	r := policy.Request{Principal: policy.Principal{ARN: stranger}, Action: "secretsmanager:GetSecretValue", Resource: arn.ARN(resource), ResourceAccount: "999999999999"}
	return set.Evaluate(&r).Allowed()
}

// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutResourcePolicy.html
func (s *Service) putResourcePolicy(ctx context.Context, in *shapes.PutResourcePolicyRequest) (*shapes.PutResourcePolicyResponse, error) {
	doc, err := parsePolicy(value(in.ResourcePolicy))
	if err != nil {
		return nil, err
	}
	x, err := s.change(ctx, in.SecretId, func(_ *kv.Tx, x *secret) error {
		if yes(in.BlockPublicPolicy) && public(doc, x.arn()) {
			return fault.New("PublicPolicyException", "The resource policy grants broad access to the secret.")
		}
		x.Policy = value(in.ResourcePolicy)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &shapes.PutResourcePolicyResponse{ARN: ptr(x.arn()), Name: &x.text}, nil
}

// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteResourcePolicy.html
func (s *Service) deleteResourcePolicy(ctx context.Context, in *shapes.DeleteResourcePolicyRequest) (*shapes.DeleteResourcePolicyResponse, error) {
	x, err := s.change(ctx, in.SecretId, func(_ *kv.Tx, x *secret) error {
		x.Policy = ""
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &shapes.DeleteResourcePolicyResponse{ARN: ptr(x.arn()), Name: &x.text}, nil
}

// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ValidateResourcePolicy.html
func (s *Service) validateResourcePolicy(ctx context.Context, in *shapes.ValidateResourcePolicyRequest) (*shapes.ValidateResourcePolicyResponse, error) {
	doc, err := parsePolicy(value(in.ResourcePolicy))
	if err != nil {
		return nil, err
	}
	resource := "*"
	if in.SecretId != nil {
		x, err := s.view(ctx, in.SecretId)
		if err != nil {
			return nil, err
		}
		resource = x.arn()
	}
	out := &shapes.ValidateResourcePolicyResponse{PolicyValidationPassed: ptr(true), ValidationErrors: []shapes.ValidationErrorsEntry{}}
	if public(doc, resource) {
		*out.PolicyValidationPassed = false
		out.ValidationErrors = append(out.ValidationErrors, shapes.ValidationErrorsEntry{
			CheckName: ptr("ZELKOVA_PUBLIC_POLICY"), ErrorMessage: ptr("The resource policy grants broad access to the secret."),
		})
	}
	return out, nil
}
