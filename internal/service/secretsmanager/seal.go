package secretsmanager

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
const defaultKey = "alias/aws/secretsmanager"

// payload is a value: text or bytes.
type payload struct {
	text   *string
	binary []byte
}

// payloadOf is the value that a call gives, if it gives one.
func payloadOf(text *string, binary []byte) (*payload, error) {
	switch {
	case text != nil && binary != nil:
		return nil, invalidParameter("You can't specify both a binary secret value and a string secret value in the same secret.")
	case text != nil:
		return &payload{text: text}, nil
	case binary != nil:
		return &payload{binary: binary}, nil
	}
	return nil, nil
}

func (p *payload) bytes() []byte {
	if p.text != nil {
		return []byte(*p.text)
	}
	return p.binary
}

func (p *payload) same(o *payload) bool {
	return (p.text == nil) == (o.text == nil) && string(p.bytes()) == string(o.bytes())
}

// encryptionContext binds a data key to a version of a secret.
//
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
func (n name) encryptionContext(version string) map[string]string {
	return map[string]string{"SecretARN": n.arn(), "SecretVersionId": version}
}

// seal encrypts a value under a new data key, with the rights of who calls.
func (s *Service) seal(ctx context.Context, n name, keyID, version string, p *payload) (*versionRow, error) {
	if keyID == "" {
		keyID = defaultKey
	}
	key, err := awsapi.Do(awsapi.Through(ctx, "secretsmanager"), s.Caller, kms.GenerateDataKey, &kms.GenerateDataKeyRequest{
		KeyId: &keyID, KeySpec: ptr("AES_256"), EncryptionContext: n.encryptionContext(version),
	})
	if err != nil {
		return nil, keyError(err, "EncryptionFailure")
	}
	aead, err := gcm(key.Plaintext)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, aead.NonceSize())
	rand.Read(nonce)
	return &versionRow{
		Sealed: key.CiphertextBlob, Body: aead.Seal(nonce, nonce, p.bytes(), []byte(version)), Binary: p.text == nil, Key: *key.KeyId,
	}, nil
}

// open decrypts the value of a version, with the rights of who calls.
func (s *Service) open(ctx context.Context, n name, version string, v *versionRow) (*payload, error) {
	key, err := awsapi.Do(awsapi.Through(ctx, "secretsmanager"), s.Caller, kms.Decrypt, &kms.DecryptRequest{
		CiphertextBlob: v.Sealed, EncryptionContext: n.encryptionContext(version),
	})
	if err != nil {
		return nil, keyError(err, "DecryptionFailure")
	}
	aead, err := gcm(key.Plaintext)
	if err != nil {
		return nil, err
	}
	if len(v.Body) < aead.NonceSize() {
		return nil, fmt.Errorf("the value of %s is damaged", n.arn())
	}
	text, err := aead.Open([]byte{}, v.Body[:aead.NonceSize()], v.Body[aead.NonceSize():], []byte(version))
	if err != nil {
		return nil, fmt.Errorf("the value of %s: %w", n.arn(), err)
	}
	if v.Binary {
		return &payload{binary: text}, nil
	}
	return &payload{text: ptr(string(text))}, nil
}

func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// keyError is what KMS says, in the service's terms: a denial stays one.
func keyError(err error, code string) error {
	e, ok := fault.As(err)
	if !ok {
		return err
	}
	if e.Code == "AccessDenied" {
		return fault.New("AccessDenied", "Access to KMS is not allowed: %s", e.Message).Because(err)
	}
	return fault.New(code, "Secrets Manager can't use the KMS key: %s: %s", e.Code, e.Message).Because(err)
}
