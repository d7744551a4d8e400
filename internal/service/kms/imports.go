package kms

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/kms"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/timer"
)

// Whether imported material expires.
const (
	expires = "KEY_MATERIAL_EXPIRES"
	never   = "KEY_MATERIAL_DOES_NOT_EXPIRE"
)

// importToken is what an import token holds, sealed: nothing of an import lies in
// the store before it is done.
type importToken struct {
	Key, Algorithm string
	Private        []byte // PKCS #8
	Until          clock.Instant
}

// tokenLife is how long an import token can be used.
//
// https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-get-public-key-and-token.html
const tokenLife = day

func tokenBound() []byte { return []byte("kms import token") }

// importable says whether a key takes material.
func (k *key) importable() error {
	if k.Origin != "EXTERNAL" {
		return unsupported("%s origin is %s which is not valid for this operation.", k.arn(), k.Origin)
	}
	if k.State == pendingDeletion {
		return k.ready()
	}
	return nil
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_GetParametersForImport.html
func (s *Service) getParametersForImport(ctx context.Context, in *shapes.GetParametersForImportRequest) (*shapes.GetParametersForImportResponse, error) {
	k, err := s.find(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	if err := k.importable(); err != nil {
		return nil, err
	}
	spec, algorithm := value(in.WrappingKeySpec), value(in.WrappingAlgorithm)
	if !strings.HasPrefix(spec, "RSA_") || algorithm == "SM2PKE" {
		return nil, unsupported("SM2 is not offered: Go's standard library does not have the curve.")
	}
	if algorithm == "RSAES_PKCS1_V1_5" {
		return nil, unsupported("RSAES_PKCS1_V1_5 is no longer supported: use RSAES_OAEP_SHA_256.")
	}
	private, err := newPrivate(spec)
	if err != nil {
		return nil, err
	}
	t := importToken{Key: k.arn(), Algorithm: algorithm, Until: s.Clock.Now().Add(tokenLife)}
	if t.Private, err = x509.MarshalPKCS8PrivateKey(private); err != nil {
		return nil, err
	}
	public, err := publicHalf(private)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	token, err := s.Sealer.Seal(ctx, text, tokenBound())
	if err != nil {
		return nil, err
	}
	return &shapes.GetParametersForImportResponse{KeyId: ptr(k.arn()), ImportToken: token, PublicKey: public, ParametersValidTo: &t.Until}, nil
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html
func (s *Service) importKeyMaterial(ctx context.Context, in *shapes.ImportKeyMaterialRequest) (*shapes.ImportKeyMaterialResponse, error) {
	k, err := s.find(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	if err := k.importable(); err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	var validTo clock.Instant
	switch model := or(in.ExpirationModel, expires); {
	case model == expires && in.ValidTo == nil:
		return nil, fault.Validation("A validTo date must be set if the ExpirationModel is %s", expires)
	case model == never && in.ValidTo != nil:
		return nil, fault.Validation("ValidTo must not be set if the ExpirationModel is %s", never)
	case in.ValidTo != nil:
		if validTo = *in.ValidTo; validTo <= now {
			return nil, fault.Validation("The ValidTo date is in the past")
		}
	}
	material, err := s.unwrap(ctx, k, now, in.ImportToken, in.EncryptedKeyMaterial)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(append([]byte(k.id), material...))
	sealed, err := s.Sealer.Seal(ctx, material, k.bound(1))
	if err != nil {
		return nil, err
	}
	_, err = s.change(ctx, ptr(k.arn()), func(tx *kv.Tx, k *key) error {
		if err := k.importable(); err != nil {
			return err
		}
		if k.Digest != nil && !bytes.Equal(k.Digest, digest[:]) {
			return fault.New("IncorrectKeyMaterialException", "The key material in the request is not that which was imported into the key before")
		}
		tx.Set(k.space().material(k.id, 1), sealed)
		k.Material, k.Digest, k.ValidTo = 1, digest[:], validTo
		if k.State == pendingImport {
			k.State = enabled
		}
		if validTo == 0 {
			return nil
		}
		return s.Timers.Set(tx, timer.T{Cell: k.cell(), Kind: timerExpire, ID: k.id, Due: validTo, OneShot: false})
	})
	return &shapes.ImportKeyMaterialResponse{}, err
}

// unwrap opens material that was encrypted for a token's public key.
//
// https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-encrypt-key-material.html
func (s *Service) unwrap(ctx context.Context, k *key, now clock.Instant, token, wrapped []byte) ([]byte, error) {
	bad := fault.New("InvalidImportTokenException", "The import token is invalid or is not of this key")
	text, err := s.Sealer.Open(ctx, token, tokenBound())
	if err != nil {
		return nil, bad.Because(err)
	}
	var t importToken
	if err := json.Unmarshal(text, &t); err != nil {
		return nil, bad.Because(err)
	}
	switch {
	case t.Key != k.arn():
		return nil, bad
	case t.Until <= now:
		return nil, fault.New("ExpiredImportTokenException", "The import token has expired")
	}
	private, err := rsaKey(t.Private)
	if err != nil {
		return nil, err
	}
	hash := oaepHash("RSAES_OAEP_SHA_256")
	if strings.HasSuffix(t.Algorithm, "_SHA_1") {
		hash = oaepHash("RSAES_OAEP_SHA_1")
	}
	var material []byte
	if strings.HasPrefix(t.Algorithm, "RSA_AES_KEY_WRAP") {
		n := private.Size()
		if len(wrapped) <= n {
			return nil, invalidCiphertext()
		}
		var wrapping []byte
		if wrapping, err = rsa.DecryptOAEP(hash, nil, private, wrapped[:n], nil); err == nil {
			material, err = unwrapKey(wrapping, wrapped[n:])
		}
	} else {
		material, err = rsa.DecryptOAEP(hash, nil, private, wrapped, nil)
	}
	if err != nil {
		return nil, invalidCiphertext().Because(err)
	}
	if !checkMaterial(k.Spec, material) {
		return nil, fault.New("IncorrectKeyMaterialException", "The key material in the request is not that of a %s key", k.Spec)
	}
	return material, nil
}

// unwrapKey unwraps with AES key wrap with padding (RFC 5649).
func unwrapKey(key, wrapped []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	n := len(wrapped)/8 - 1
	if len(wrapped)%8 != 0 || n < 1 {
		return nil, errors.New("wrapped key: length")
	}
	var a [8]byte
	r := make([]byte, n*8)
	if n == 1 {
		var b [16]byte
		block.Decrypt(b[:], wrapped)
		copy(a[:], b[:8])
		copy(r, b[8:])
	} else {
		copy(a[:], wrapped)
		copy(r, wrapped[8:])
		var b [16]byte
		for j := 5; j >= 0; j-- {
			for i := n; i >= 1; i-- {
				binary.BigEndian.PutUint64(b[:8], binary.BigEndian.Uint64(a[:])^uint64(n*j+i))
				copy(b[8:], r[(i-1)*8:i*8])
				block.Decrypt(b[:], b[:])
				copy(a[:], b[:8])
				copy(r[(i-1)*8:], b[8:])
			}
		}
	}
	size := int(binary.BigEndian.Uint32(a[4:]))
	if !bytes.Equal(a[:4], []byte{0xa6, 0x59, 0x59, 0xa6}) || size > len(r) || size <= len(r)-8 {
		return nil, fmt.Errorf("wrapped key: integrity check")
	}
	for _, c := range r[size:] {
		if c != 0 {
			return nil, fmt.Errorf("wrapped key: padding")
		}
	}
	return r[:size], nil
}
