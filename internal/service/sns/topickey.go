package sns

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/shapes/kms"
	"github.com/nube-run/nube/internal/fault"
)

// mayUse asks KMS, as whoever publishes, for what the key of a topic takes: a new
// data key, and to decrypt it. What is published is sealed where it lies whatever
// the topic says (package sealkv).
//
// https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
func (s *Service) mayUse(ctx context.Context, n name, t *topic) error {
	key := t.Attributes["KmsMasterKeyId"]
	if key == "" || s.Caller == nil {
		return nil
	}
	ctx = awsapi.Through(ctx, "sns")
	bound, spec := map[string]string{"aws:sns:topicArn": n.arn()}, "AES_256"
	made, err := awsapi.Do(ctx, s.Caller, kms.GenerateDataKey, &kms.GenerateDataKeyRequest{KeyId: &key, KeySpec: &spec, EncryptionContext: bound})
	if err == nil {
		_, err = awsapi.Do(ctx, s.Caller, kms.Decrypt, &kms.DecryptRequest{CiphertextBlob: made.CiphertextBlob, EncryptionContext: bound})
	}
	return keyError(err)
}

// keyError is what KMS says, under SNS's codes.
//
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors
func keyError(err error) error {
	e, ok := fault.As(err)
	if !ok {
		return err
	}
	code := ""
	switch e.Code {
	case "AccessDenied":
		code = "KMSAccessDenied"
	case "DisabledException":
		code = "KMSDisabled"
	case "NotFoundException":
		code = "KMSNotFound"
	case "KMSInvalidStateException":
		code = "KMSInvalidState"
	default:
		return err
	}
	return fault.New(code, "%s", e.Message).Because(err)
}
