package lambda

import (
	"context"
	"crypto/rand"
	"net/http"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/shapes/kms"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/runner"
)

// Rows of functions are sealed where they lie whatever their keys are (package
// sealkv). What a customer's own key adds is who may see the variables: whoever
// gives them encrypts with it, whoever reads them decrypts, and each instance that
// starts decrypts as the function's role, which whoever gives them grants that.
//
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html

// environmentBound binds what a key encrypts to its function.
func environmentBound(s arn.Scope, function string) map[string]string {
	return map[string]string{"aws:lambda:FunctionArn": string(s.Function(function))}
}

// lock returns what only who may decrypt with a key can open, nil without a key, and
// grants the function's role to open it. The grant is for this function's variables
// alone: it is of no use when the function is gone.
func (s *Service) lock(ctx context.Context, function, key, role string) ([]byte, error) {
	if key == "" {
		return nil, nil
	}
	marker := make([]byte, 32)
	rand.Read(marker)
	through, bound := awsapi.Through(ctx, "lambda"), environmentBound(awsapi.From(ctx).Scope, function)
	out, err := awsapi.Do(through, s.Caller, kms.Encrypt, &kms.EncryptRequest{KeyId: &key, Plaintext: marker, EncryptionContext: bound})
	if err == nil {
		_, err = awsapi.Do(through, s.Caller, kms.CreateGrant, &kms.CreateGrantRequest{
			KeyId: &key, GranteePrincipal: &role, Operations: []string{"Decrypt"}, Name: ptr("lambda-" + function),
			Constraints: &kms.GrantConstraints{EncryptionContextEquals: bound},
		})
	}
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

// opens returns how an instance of a function gets its variables: as the function's
// role, by way of Lambda. It is nil without variables, or a key of their own.
func (s *Service) opens(scope arn.Scope, function string, c *config) func(context.Context) error {
	if c.Lock == nil || len(c.Env) == 0 {
		return nil
	}
	who := (&envelope{Role: c.Role}).sender(string(scope.Function(function)))
	actor := awsapi.Actor{Account: who.Account, Principal: policy.Principal{ARN: arn.ARN(who.ARN), Issuer: arn.ARN(who.Issuer)}}
	in := &kms.DecryptRequest{CiphertextBlob: c.Lock, EncryptionContext: environmentBound(scope, function)}
	return func(ctx context.Context) error {
		ctx = awsapi.With(ctx, &awsapi.Call{ID: newUUID(), Scope: scope, Actor: actor})
		_, err := awsapi.Do(awsapi.Through(ctx, "lambda"), s.Caller, kms.Decrypt, in)
		return unopened(err)
	}
}

// unopened is what KMS says to an instance that starts, under Lambda's codes.
//
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors
func unopened(err error) error {
	e, ok := fault.As(err)
	if !ok {
		return err
	}
	code, reason, said := "", "", e.Code
	switch e.Code {
	case "AccessDenied":
		code, reason, said = "KMSAccessDeniedException", "KMS access was denied", "AccessDeniedException"
	case "DisabledException":
		code, reason = "KMSDisabledException", "the KMS key used is disabled"
	case "KMSInvalidStateException":
		code, reason = e.Code, "the state of the KMS key used is not valid for Decrypt"
	case "NotFoundException", "InvalidCiphertextException": // of a key that is gone
		code, reason = "KMSNotFoundException", "the KMS key was not found"
	default:
		return err
	}
	return fault.New(code, "Lambda was unable to decrypt the environment variables because %s. Please check the function's KMS key settings. KMS Exception: %s KMS Message: %s",
		reason, said, e.Message).With(http.StatusBadGateway).Because(err)
}

// unstarted is the reason why an update has failed, since no instance of what it
// makes has started, and the reason's code.
//
// https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
func unstarted(f *runner.Fault) (reason, code string) {
	e, ok := fault.As(f.Err)
	if !ok {
		return string(f.Payload), "FunctionError"
	}
	switch e.Code {
	case "KMSAccessDeniedException":
		code = "KMSKeyAccessDenied"
	case "KMSDisabledException":
		code = "DisabledKMSKey"
	case "KMSInvalidStateException":
		code = "InvalidStateKMSKey"
	case "KMSNotFoundException":
		code = "KMSKeyNotFound"
	default:
		code = "FunctionError"
	}
	return e.Message, code
}
