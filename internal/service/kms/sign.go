package kms

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"fmt"
	"hash"
	"slices"
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/kms"
	"github.com/nube-run/nube/internal/fault"
)

// pairOf returns a key and its private half.
func (s *Service) pairOf(ctx context.Context, id *string, usage, operation string) (*key, crypto.Signer, error) {
	k, err := s.find(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if err := k.usable(usage, operation); err != nil {
		return nil, nil, err
	}
	private, err := s.private(ctx, k)
	return k, private, err
}

func (s *Service) private(ctx context.Context, k *key) (crypto.Signer, error) {
	material, err := s.material(ctx, k.name, k.Material)
	if err != nil {
		return nil, err
	}
	private, err := x509.ParsePKCS8PrivateKey(material)
	if err != nil {
		return nil, fmt.Errorf("key material of %s: %w", k.arn(), err)
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("key material of %s: %T does not sign", k.arn(), private)
	}
	return signer, nil
}

// message is what is signed: a digest, or for Ed25519 the message itself.
type message struct {
	text []byte
	opts crypto.SignerOpts
}

// messageOf reads the message of a call.
//
// https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
func (k *key) messageOf(algorithm, kind *string, text []byte) (message, error) {
	spec, err := specOf(k.Spec)
	if err != nil {
		return message{}, err
	}
	if !slices.Contains(spec.signing, value(algorithm)) {
		return message{}, fault.New("InvalidKeyUsageException", "Algorithm %s and key spec %s are incompatible.", value(algorithm), k.Spec)
	}
	digest := or(kind, "RAW") == "DIGEST"
	switch *algorithm {
	case "ED25519_SHA_512":
		if digest {
			return message{}, fault.Validation("ED25519_SHA_512 takes a message of the type RAW")
		}
		return message{text, &ed25519.Options{}}, nil
	case "ED25519_PH_SHA_512":
		if !digest {
			return message{}, fault.Validation("ED25519_PH_SHA_512 takes a message of the type DIGEST")
		}
	}
	h := crypto.SHA512
	switch {
	case strings.HasSuffix(*algorithm, "_256"):
		h = crypto.SHA256
	case strings.HasSuffix(*algorithm, "_384"):
		h = crypto.SHA384
	}
	if !digest {
		sum := h.New()
		sum.Write(text)
		text = sum.Sum(nil)
	} else if len(text) != h.Size() {
		return message{}, fault.Validation("Digest is invalid length for algorithm %s.", *algorithm)
	}
	var opts crypto.SignerOpts = h
	switch {
	case strings.HasPrefix(*algorithm, "RSASSA_PSS"):
		opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: h}
	case strings.HasPrefix(*algorithm, "ED25519"):
		opts = &ed25519.Options{Hash: h}
	}
	return message{text, opts}, nil
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
func (s *Service) sign(ctx context.Context, in *shapes.SignRequest) (*shapes.SignResponse, error) {
	k, private, err := s.pairOf(ctx, in.KeyId, forSignatures, "Sign")
	if err != nil {
		return nil, err
	}
	m, err := k.messageOf(in.SigningAlgorithm, in.MessageType, in.Message)
	if err != nil {
		return nil, err
	}
	if yes(in.DryRun) {
		return nil, dryRun()
	}
	signature, err := private.Sign(rand.Reader, m.text, m.opts)
	if err != nil {
		return nil, fmt.Errorf("signing with %s: %w", k.arn(), err)
	}
	return &shapes.SignResponse{KeyId: ptr(k.arn()), Signature: signature, SigningAlgorithm: in.SigningAlgorithm}, nil
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_Verify.html
func (s *Service) verify(ctx context.Context, in *shapes.VerifyRequest) (*shapes.VerifyResponse, error) {
	k, private, err := s.pairOf(ctx, in.KeyId, forSignatures, "Verify")
	if err != nil {
		return nil, err
	}
	m, err := k.messageOf(in.SigningAlgorithm, in.MessageType, in.Message)
	if err != nil {
		return nil, err
	}
	if yes(in.DryRun) {
		return nil, dryRun()
	}
	if !m.verified(private.Public(), in.Signature) {
		return nil, fault.New("KMSInvalidSignatureException", "")
	}
	return &shapes.VerifyResponse{KeyId: ptr(k.arn()), SignatureValid: ptr(true), SigningAlgorithm: in.SigningAlgorithm}, nil
}

func (m message) verified(public crypto.PublicKey, signature []byte) bool {
	switch p := public.(type) {
	case *rsa.PublicKey:
		if o, ok := m.opts.(*rsa.PSSOptions); ok {
			return rsa.VerifyPSS(p, o.Hash, m.text, signature, o) == nil
		}
		return rsa.VerifyPKCS1v15(p, m.opts.HashFunc(), m.text, signature) == nil
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(p, m.text, signature)
	case ed25519.PublicKey:
		o, ok := m.opts.(*ed25519.Options)
		return ok && ed25519.VerifyWithOptions(p, m.text, signature, o) == nil
	}
	return false
}

// mac is the code of a message under an HMAC key.
func (s *Service) mac(ctx context.Context, id, algorithm *string, text []byte, operation string) (*key, []byte, error) {
	k, err := s.find(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if err := k.usable(forMACs, operation); err != nil {
		return nil, nil, err
	}
	kind, err := specOf(k.Spec)
	if err != nil {
		return nil, nil, err
	}
	if kind.mac != value(algorithm) {
		return nil, nil, fault.New("InvalidKeyUsageException", "Algorithm %s and key spec %s are incompatible.", value(algorithm), k.Spec)
	}
	material, err := s.material(ctx, k.name, k.Material)
	if err != nil {
		return nil, nil, err
	}
	h := hmac.New(hashOf(kind.mac), material)
	h.Write(text)
	return k, h.Sum(nil), nil
}

func hashOf(mac string) func() hash.Hash {
	switch mac {
	case "HMAC_SHA_224":
		return sha256.New224
	case "HMAC_SHA_256":
		return sha256.New
	case "HMAC_SHA_384":
		return sha512.New384
	}
	return sha512.New
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateMac.html
func (s *Service) generateMac(ctx context.Context, in *shapes.GenerateMacRequest) (*shapes.GenerateMacResponse, error) {
	k, mac, err := s.mac(ctx, in.KeyId, in.MacAlgorithm, in.Message, "GenerateMac")
	if err != nil {
		return nil, err
	}
	if yes(in.DryRun) {
		return nil, dryRun()
	}
	return &shapes.GenerateMacResponse{Mac: mac, MacAlgorithm: in.MacAlgorithm, KeyId: ptr(k.arn())}, nil
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_VerifyMac.html
func (s *Service) verifyMac(ctx context.Context, in *shapes.VerifyMacRequest) (*shapes.VerifyMacResponse, error) {
	k, mac, err := s.mac(ctx, in.KeyId, in.MacAlgorithm, in.Message, "VerifyMac")
	if err != nil {
		return nil, err
	}
	if yes(in.DryRun) {
		return nil, dryRun()
	}
	if !hmac.Equal(mac, in.Mac) {
		return nil, fault.New("KMSInvalidMacException", "")
	}
	return &shapes.VerifyMacResponse{KeyId: ptr(k.arn()), MacValid: ptr(true), MacAlgorithm: in.MacAlgorithm}, nil
}

// deriveSharedSecret agrees on a secret with the holder of another key pair of the
// same curve (ECDH; NIST SP 800-56A, 5.7.1.2).
//
// https://docs.aws.amazon.com/kms/latest/APIReference/API_DeriveSharedSecret.html
func (s *Service) deriveSharedSecret(ctx context.Context, in *shapes.DeriveSharedSecretRequest) (*shapes.DeriveSharedSecretResponse, error) {
	if in.Recipient != nil {
		return nil, unsupported("Recipient is not offered: %s.", noEnclave)
	}
	k, private, err := s.pairOf(ctx, in.KeyId, forAgreement, "DeriveSharedSecret")
	if err != nil {
		return nil, err
	}
	own, err := ecdhOf(private)
	if err != nil {
		return nil, err
	}
	var other *ecdh.PublicKey
	public, err := x509.ParsePKIXPublicKey(in.PublicKey)
	if p, ok := public.(*ecdsa.PublicKey); err == nil && ok {
		other, err = p.ECDH()
	}
	if err != nil || other == nil || other.Curve() != own.Curve() {
		return nil, fault.Validation("PublicKey is not a key of %s in the form of a SubjectPublicKeyInfo", k.Spec)
	}
	if yes(in.DryRun) {
		return nil, dryRun()
	}
	secret, err := own.ECDH(other)
	if err != nil {
		return nil, err
	}
	return &shapes.DeriveSharedSecretResponse{KeyId: ptr(k.arn()), SharedSecret: secret, KeyAgreementAlgorithm: in.KeyAgreementAlgorithm, KeyOrigin: &k.Origin}, nil
}

func ecdhOf(private crypto.Signer) (*ecdh.PrivateKey, error) {
	p, ok := private.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("kms: %T agrees on nothing", private)
	}
	return p.ECDH()
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html
func (s *Service) getPublicKey(ctx context.Context, in *shapes.GetPublicKeyRequest) (*shapes.GetPublicKeyResponse, error) {
	k, err := s.find(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	if k.Spec == symmetric || k.Usage == forMACs {
		return nil, unsupported("%s has no public key.", k.arn())
	}
	if err := k.ready(); err != nil {
		return nil, err
	}
	private, err := s.private(ctx, k)
	if err != nil {
		return nil, err
	}
	public, err := publicHalf(private)
	if err != nil {
		return nil, err
	}
	m := k.metadata()
	return &shapes.GetPublicKeyResponse{
		KeyId: m.Arn, PublicKey: public, CustomerMasterKeySpec: m.KeySpec, KeySpec: m.KeySpec, KeyUsage: m.KeyUsage, EncryptionAlgorithms: m.EncryptionAlgorithms,
		SigningAlgorithms: m.SigningAlgorithms, KeyAgreementAlgorithms: m.KeyAgreementAlgorithms,
	}, nil
}
