package kms

import (
	"context"
	"crypto"
	"crypto/x509"
	"fmt"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/kms"
	"github.com/nube-run/nube/internal/fault"
)

// wrapping returns the symmetric key that is to encrypt data keys.
func (s *Service) wrapping(ctx context.Context, id *string, operation string) (*key, error) {
	k, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := k.usable(forEncryption, operation); err != nil {
		return nil, err
	}
	if k.Spec != symmetric {
		return nil, usage(k, operation)
	}
	return k, nil
}

// dataKey makes a data key and encrypts it.
func (s *Service) dataKey(ctx context.Context, operation string, id *string, spec *string, bytes *int32, context map[string]string, dry bool) (k *key, text, blob []byte, err error) {
	n := 0
	switch {
	case (spec == nil) == (bytes == nil):
		return nil, nil, nil, fault.Validation("Please specify either number of bytes or key spec.")
	case bytes != nil:
		n = int(*bytes)
	case *spec == "AES_128":
		n = 16
	default:
		n = 32
	}
	if k, err = s.wrapping(ctx, id, operation); err != nil {
		return nil, nil, nil, err
	}
	if dry {
		return nil, nil, nil, dryRun()
	}
	text = random(n)
	blob, err = s.seal(ctx, k, symmetric, text, context)
	return k, text, blob, err
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html
func (s *Service) generateDataKey(ctx context.Context, in *shapes.GenerateDataKeyRequest) (*shapes.GenerateDataKeyResponse, error) {
	if in.Recipient != nil {
		return nil, unsupported("Recipient is not offered: %s.", noEnclave)
	}
	k, text, blob, err := s.dataKey(ctx, "GenerateDataKey", in.KeyId, in.KeySpec, in.NumberOfBytes, in.EncryptionContext, yes(in.DryRun))
	if err != nil {
		return nil, err
	}
	return &shapes.GenerateDataKeyResponse{CiphertextBlob: blob, Plaintext: text, KeyId: ptr(k.arn())}, nil
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyWithoutPlaintext.html
func (s *Service) generateDataKeyWithout(ctx context.Context, in *shapes.GenerateDataKeyWithoutPlaintextRequest) (*shapes.GenerateDataKeyWithoutPlaintextResponse, error) {
	k, _, blob, err := s.dataKey(ctx, "GenerateDataKeyWithoutPlaintext", in.KeyId, in.KeySpec, in.NumberOfBytes, in.EncryptionContext, yes(in.DryRun))
	if err != nil {
		return nil, err
	}
	return &shapes.GenerateDataKeyWithoutPlaintextResponse{CiphertextBlob: blob, KeyId: ptr(k.arn())}, nil
}

// pair is a data key pair: PKCS #8, and its public half as a SubjectPublicKeyInfo.
type pair struct {
	key                   *key
	private, public, blob []byte
}

func (s *Service) dataKeyPair(ctx context.Context, operation string, id, spec *string, context map[string]string, dry bool) (p pair, err error) {
	if _, err := specOf(value(spec)); err != nil {
		return p, err
	}
	if p.key, err = s.wrapping(ctx, id, operation); err != nil {
		return p, err
	}
	if dry {
		return p, dryRun()
	}
	private, err := newPrivate(*spec)
	if err != nil {
		return p, fault.Validation("%s is not the spec of a key pair", *spec)
	}
	if p.private, err = x509.MarshalPKCS8PrivateKey(private); err != nil {
		return p, err
	}
	if p.public, err = publicHalf(private); err != nil {
		return p, err
	}
	p.blob, err = s.seal(ctx, p.key, symmetric, p.private, context)
	return p, err
}

// publicHalf is the public key of a private one.
func publicHalf(private any) ([]byte, error) {
	of, ok := private.(interface{ Public() crypto.PublicKey })
	if !ok {
		return nil, fmt.Errorf("kms: %T has no public half", private)
	}
	return x509.MarshalPKIXPublicKey(of.Public())
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyPair.html
func (s *Service) generateDataKeyPair(ctx context.Context, in *shapes.GenerateDataKeyPairRequest) (*shapes.GenerateDataKeyPairResponse, error) {
	if in.Recipient != nil {
		return nil, unsupported("Recipient is not offered: %s.", noEnclave)
	}
	p, err := s.dataKeyPair(ctx, "GenerateDataKeyPair", in.KeyId, in.KeyPairSpec, in.EncryptionContext, yes(in.DryRun))
	if err != nil {
		return nil, err
	}
	return &shapes.GenerateDataKeyPairResponse{
		PrivateKeyCiphertextBlob: p.blob, PrivateKeyPlaintext: p.private, PublicKey: p.public, KeyId: ptr(p.key.arn()), KeyPairSpec: in.KeyPairSpec,
	}, nil
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyPairWithoutPlaintext.html
func (s *Service) generateDataKeyPairWithout(ctx context.Context, in *shapes.GenerateDataKeyPairWithoutPlaintextRequest) (*shapes.GenerateDataKeyPairWithoutPlaintextResponse, error) {
	p, err := s.dataKeyPair(ctx, "GenerateDataKeyPairWithoutPlaintext", in.KeyId, in.KeyPairSpec, in.EncryptionContext, yes(in.DryRun))
	if err != nil {
		return nil, err
	}
	return &shapes.GenerateDataKeyPairWithoutPlaintextResponse{PrivateKeyCiphertextBlob: p.blob, PublicKey: p.public, KeyId: ptr(p.key.arn()), KeyPairSpec: in.KeyPairSpec}, nil
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateRandom.html
func (s *Service) generateRandom(_ context.Context, in *shapes.GenerateRandomRequest) (*shapes.GenerateRandomResponse, error) {
	switch {
	case in.CustomKeyStoreId != nil:
		return nil, unsupported("Custom key stores are not offered: %s.", noStores)
	case in.Recipient != nil:
		return nil, unsupported("Recipient is not offered: %s.", noEnclave)
	case in.NumberOfBytes == nil:
		return nil, fault.Validation("NumberOfBytes is required")
	}
	return &shapes.GenerateRandomResponse{Plaintext: random(int(*in.NumberOfBytes))}, nil
}
