package kms

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"hash"
	"slices"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/kms"
	"github.com/nube-run/nube/internal/fault"
)

// algorithmOf is the algorithm that a call asks for, which the key must have.
func (k *key) algorithmOf(asked *string) (string, error) {
	kind, err := specOf(k.Spec)
	if err != nil {
		return "", err
	}
	algorithm := or(asked, symmetric)
	if !slices.Contains(kind.encryption, algorithm) {
		return "", fault.New("InvalidKeyUsageException", "Algorithm %s and key spec %s are incompatible.", algorithm, k.Spec)
	}
	return algorithm, nil
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html
func (s *Service) encrypt(ctx context.Context, in *shapes.EncryptRequest) (*shapes.EncryptResponse, error) {
	k, err := s.find(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	if err := k.usable(forEncryption, "Encrypt"); err != nil {
		return nil, err
	}
	algorithm, err := k.algorithmOf(in.EncryptionAlgorithm)
	if err != nil {
		return nil, err
	}
	if yes(in.DryRun) {
		return nil, dryRun()
	}
	blob, err := s.seal(ctx, k, algorithm, in.Plaintext, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	return &shapes.EncryptResponse{CiphertextBlob: blob, KeyId: ptr(k.arn()), EncryptionAlgorithm: &algorithm}, nil
}

// seal encrypts with a key's present material.
func (s *Service) seal(ctx context.Context, k *key, algorithm string, plaintext []byte, context map[string]string) ([]byte, error) {
	material, err := s.material(ctx, k.name, k.Material)
	if err != nil {
		return nil, err
	}
	if algorithm == symmetric {
		if err := checkContext(context); err != nil {
			return nil, err
		}
		return encryptWith(k.name, k.Material, material, plaintext, context)
	}
	if len(context) > 0 {
		return nil, fault.Validation("EncryptionContext is not supported for the algorithm %s", algorithm)
	}
	private, err := rsaKey(material)
	if err != nil {
		return nil, err
	}
	out, err := rsa.EncryptOAEP(oaepHash(algorithm), rand.Reader, &private.PublicKey, plaintext, nil)
	if errors.Is(err, rsa.ErrMessageTooLong) {
		return nil, fault.Validation("Plaintext is longer than a %s key encrypts with %s", k.Spec, algorithm)
	}
	return out, err
}

func oaepHash(algorithm string) hash.Hash {
	if algorithm == "RSAES_OAEP_SHA_1" {
		return crypto.SHA1.New()
	}
	return crypto.SHA256.New()
}

func rsaKey(material []byte) (*rsa.PrivateKey, error) {
	p, err := x509.ParsePKCS8PrivateKey(material)
	if err != nil {
		return nil, err
	}
	private, ok := p.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("kms: the material is %T, not RSA", p)
	}
	return private, nil
}

// unseal decrypts what a key made, with whichever of its materials did.
func (s *Service) unseal(ctx context.Context, id *string, asked *string, blob []byte, context map[string]string, operation string) (*key, string, []byte, error) {
	var k *key
	var err error
	of, number, symmetricBlob := readBlob(ctx, blob)
	if id != nil {
		k, err = s.find(ctx, id)
	} else if !symmetricBlob {
		err = invalidCiphertext()
	} else if k, err = s.load(ctx, of); fault.Is(err, "NotFoundException") {
		err = invalidCiphertext() // of a key that is gone, or of another cloud
	}
	if err != nil {
		return nil, "", nil, err
	}
	if err := k.usable(forEncryption, operation); err != nil {
		return nil, "", nil, err
	}
	algorithm, err := k.algorithmOf(asked)
	if err != nil {
		return nil, "", nil, err
	}
	if algorithm != symmetric {
		material, err := s.material(ctx, k.name, k.Material)
		if err != nil {
			return nil, "", nil, err
		}
		private, err := rsaKey(material)
		if err != nil {
			return nil, "", nil, err
		}
		text, err := rsa.DecryptOAEP(oaepHash(algorithm), nil, private, blob, nil)
		if err != nil {
			return nil, "", nil, invalidCiphertext()
		}
		return k, algorithm, text, nil
	}
	switch {
	case !symmetricBlob:
		return nil, "", nil, invalidCiphertext()
	case of.arn() != k.arn():
		return nil, "", nil, incorrectKey()
	case number == 0 || number > k.Material:
		return nil, "", nil, invalidCiphertext()
	}
	material, err := s.material(ctx, k.name, number)
	if err != nil {
		return nil, "", nil, err
	}
	text, err := decryptWith(material, blob, context)
	return k, algorithm, text, err
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html
func (s *Service) decrypt(ctx context.Context, in *shapes.DecryptRequest) (*shapes.DecryptResponse, error) {
	if in.Recipient != nil {
		return nil, unsupported("Recipient is not offered: %s.", noEnclave)
	}
	k, algorithm, text, err := s.unseal(ctx, in.KeyId, in.EncryptionAlgorithm, in.CiphertextBlob, in.EncryptionContext, "Decrypt")
	if err != nil {
		return nil, err
	}
	if yes(in.DryRun) {
		return nil, dryRun()
	}
	return &shapes.DecryptResponse{KeyId: ptr(k.arn()), Plaintext: text, EncryptionAlgorithm: &algorithm}, nil
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html
func (s *Service) reEncrypt(ctx context.Context, in *shapes.ReEncryptRequest) (*shapes.ReEncryptResponse, error) {
	from, old, text, err := s.unseal(ctx, in.SourceKeyId, in.SourceEncryptionAlgorithm, in.CiphertextBlob, in.SourceEncryptionContext, "ReEncrypt")
	if err != nil {
		return nil, err
	}
	to, err := s.find(ctx, in.DestinationKeyId)
	if err != nil {
		return nil, err
	}
	if err := to.usable(forEncryption, "ReEncrypt"); err != nil {
		return nil, err
	}
	algorithm, err := to.algorithmOf(in.DestinationEncryptionAlgorithm)
	if err != nil {
		return nil, err
	}
	if yes(in.DryRun) {
		return nil, dryRun()
	}
	blob, err := s.seal(ctx, to, algorithm, text, in.DestinationEncryptionContext)
	if err != nil {
		return nil, err
	}
	return &shapes.ReEncryptResponse{
		CiphertextBlob: blob, SourceKeyId: ptr(from.arn()), KeyId: ptr(to.arn()), SourceEncryptionAlgorithm: &old, DestinationEncryptionAlgorithm: &algorithm,
	}, nil
}
