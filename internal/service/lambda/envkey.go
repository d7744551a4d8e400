package lambda

import (
	"context"
	"crypto/rand"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/shapes/kms"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/fault"
)

// Rows of functions are sealed where they lie whatever their keys are (package
// sealkv). What a customer's own key adds is who may see the variables: whoever
// gives them encrypts with it, and whoever reads them decrypts.
//
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html

// environmentBound binds what a key encrypts to its function.
func environmentBound(s arn.Scope, function string) map[string]string {
	return map[string]string{"aws:lambda:FunctionArn": string(s.Function(function))}
}

// lock returns what only who may decrypt with a key can open, nil without a key.
func (s *Service) lock(ctx context.Context, function, key string) ([]byte, error) {
	if key == "" {
		return nil, nil
	}
	marker := make([]byte, 32)
	rand.Read(marker)
	out, err := awsapi.Do(awsapi.Through(ctx, "lambda"), s.Caller, kms.Encrypt, &kms.EncryptRequest{
		KeyId: &key, Plaintext: marker, EncryptionContext: environmentBound(awsapi.From(ctx).Scope, function),
	})
	if e, ok := fault.As(err); ok {
		return nil, invalid("Lambda was unable to configure access to your environment variables because the KMS key is invalid for CreateGrant. Please check your KMS key settings. KMS Exception: %s KMS Message: %s", e.Code, e.Message)
	}
	if err != nil {
		return nil, err
	}
	return out.CiphertextBlob, nil
}

// show renders a configuration for whoever calls. Its variables are there only for
// who may decrypt with its key.
func (s *Service) show(ctx context.Context, c *config, name string, qualified bool) *shapes.FunctionConfiguration {
	scope := awsapi.From(ctx).Scope
	out := c.shape(scope, name, qualified)
	if c.Lock == nil || out.Environment == nil {
		return out
	}
	_, err := awsapi.Do(awsapi.Through(ctx, "lambda"), s.Caller, kms.Decrypt, &kms.DecryptRequest{CiphertextBlob: c.Lock, EncryptionContext: environmentBound(scope, name)})
	if err == nil {
		return out
	}
	code, message := "InternalError", err.Error()
	if e, ok := fault.As(err); ok {
		if code, message = e.Code, e.Message; code == "AccessDenied" {
			code = "AccessDeniedException"
		}
	}
	out.Environment = &shapes.EnvironmentResponse{Error: &shapes.EnvironmentError{
		ErrorCode: &code, Message: ptr("Lambda was unable to decrypt your environment variables because the KMS access was denied. Please check your KMS permissions. KMS Exception: " + code + " KMS Message: " + message),
	}}
	return out
}
