package ssm

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/shapes/kms"
	"github.com/nube-run/nube/internal/fault"
)

// defaultKey encrypts where no other key is given.
const defaultKey = "alias/aws/ssm"

// encryptionContext binds a SecureString to its parameter.
//
// https://docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html
func (n name) encryptionContext() map[string]string {
	return map[string]string{"PARAMETER_ARN": n.arn()}
}

// seal encrypts a value into its version, with the rights of who calls.
func (s *Service) seal(ctx context.Context, n name, v *versionRow, text string) error {
	ctx = awsapi.Through(ctx, "ssm")
	if v.Tier != advanced {
		out, err := awsapi.Do(ctx, s.Caller, kms.Encrypt, &kms.EncryptRequest{KeyId: &v.KeyID, Plaintext: []byte(text), EncryptionContext: n.encryptionContext()})
		if err != nil {
			return keyError(err)
		}
		v.Sealed = out.CiphertextBlob
		return nil
	}
	key, err := awsapi.Do(ctx, s.Caller, kms.GenerateDataKey, &kms.GenerateDataKeyRequest{KeyId: &v.KeyID, KeySpec: ptr("AES_256"), EncryptionContext: n.encryptionContext()})
	if err != nil {
		return keyError(err)
	}
	aead, err := gcm(key.Plaintext)
	if err != nil {
		return err
	}
	nonce := make([]byte, aead.NonceSize())
	rand.Read(nonce)
	v.Sealed, v.Body = key.CiphertextBlob, aead.Seal(nonce, nonce, []byte(text), []byte(n.arn()))
	return nil
}

// open decrypts the value of a version, with the rights of who calls.
func (s *Service) open(ctx context.Context, n name, v *versionRow) (string, error) {
	ctx = awsapi.Through(ctx, "ssm")
	out, err := awsapi.Do(ctx, s.Caller, kms.Decrypt, &kms.DecryptRequest{CiphertextBlob: v.Sealed, EncryptionContext: n.encryptionContext()})
	if err != nil {
		return "", keyError(err)
	}
	if v.Body == nil {
		return string(out.Plaintext), nil
	}
	aead, err := gcm(out.Plaintext)
	if err != nil {
		return "", err
	}
	if len(v.Body) < aead.NonceSize() {
		return "", fmt.Errorf("ssm: the value of %s is damaged", n.arn())
	}
	text, err := aead.Open(nil, v.Body[:aead.NonceSize()], v.Body[aead.NonceSize():], []byte(n.arn()))
	if err != nil {
		return "", fmt.Errorf("ssm: the value of %s: %w", n.arn(), err)
	}
	return string(text), nil
}

func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// keyError is what KMS says, in the Parameter Store's terms: a denial stays one.
func keyError(err error) error {
	e, ok := fault.As(err)
	if !ok || e.Code == "AccessDenied" {
		return err
	}
	return fault.New("InvalidKeyId", "%s (Service: AWSKMS; Error Code: %s)", e.Message, e.Code).Because(err)
}
