package kms

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/fault"
)

// What keys are for.
const (
	forEncryption = "ENCRYPT_DECRYPT"
	forSignatures = "SIGN_VERIFY"
	forMACs       = "GENERATE_VERIFY_MAC"
	forAgreement  = "KEY_AGREEMENT"
)

// symmetric is the spec of a key that encrypts with AES-256-GCM.
const symmetric = "SYMMETRIC_DEFAULT"

// spec says what a key of a kind can do.
//
// https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html
type spec struct {
	usages     []string
	encryption []string
	signing    []string
	mac        string
}

// specOf returns what a kind of key can do, or why there is none of it.
func specOf(name string) (spec, error) {
	switch name {
	case symmetric:
		return spec{usages: []string{forEncryption}, encryption: []string{symmetric}}, nil
	case "RSA_2048", "RSA_3072", "RSA_4096":
		return spec{
			usages: []string{forEncryption, forSignatures}, encryption: []string{"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"},
			signing: []string{"RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512", "RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512"},
		}, nil
	case "ECC_NIST_P256":
		return spec{usages: []string{forSignatures, forAgreement}, signing: []string{"ECDSA_SHA_256"}}, nil
	case "ECC_NIST_P384":
		return spec{usages: []string{forSignatures, forAgreement}, signing: []string{"ECDSA_SHA_384"}}, nil
	case "ECC_NIST_P521":
		return spec{usages: []string{forSignatures, forAgreement}, signing: []string{"ECDSA_SHA_512"}}, nil
	case "ECC_NIST_EDWARDS25519":
		return spec{usages: []string{forSignatures}, signing: []string{"ED25519_SHA_512", "ED25519_PH_SHA_512"}}, nil
	case "HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512":
		return spec{usages: []string{forMACs}, mac: strings.Replace(name, "HMAC_", "HMAC_SHA_", 1)}, nil
	case "ECC_SECG_P256K1", "SM2":
		return spec{}, unsupported("%s keys are not offered: Go's standard library, which all of nube's cryptography is from, does not have the curve", name)
	case "ML_DSA_44", "ML_DSA_65", "ML_DSA_87":
		return spec{}, unsupported("%s keys are not offered", name)
	}
	return spec{}, fault.Validation("%s is not a key spec: it is %s, RSA_2048, RSA_3072, RSA_4096, ECC_NIST_P256, ECC_NIST_P384, ECC_NIST_P521, ECC_NIST_EDWARDS25519, HMAC_224, HMAC_256, HMAC_384 or HMAC_512", name, symmetric)
}

// usageOf is what a new key is for: symmetric keys need not say.
func (s spec) usageOf(name, asked string) (string, error) {
	switch {
	case asked == "" && name == symmetric:
		return forEncryption, nil
	case asked == "":
		return "", fault.Validation("You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.")
	case !slices.Contains(s.usages, asked):
		return "", fault.Validation("KeyUsage %s is not compatible with KeySpec %s", asked, name)
	}
	return asked, nil
}

// newMaterial makes the material of a key.
func newMaterial(spec string) ([]byte, error) {
	switch spec {
	case symmetric:
		return random(32), nil
	case "HMAC_224":
		return random(28), nil
	case "HMAC_256":
		return random(32), nil
	case "HMAC_384":
		return random(48), nil
	case "HMAC_512":
		return random(64), nil
	}
	private, err := newPrivate(spec)
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKCS8PrivateKey(private)
}

// newPrivate makes the private key of a pair.
func newPrivate(spec string) (any, error) {
	switch spec {
	case "RSA_2048":
		return rsa.GenerateKey(rand.Reader, 2048)
	case "RSA_3072":
		return rsa.GenerateKey(rand.Reader, 3072)
	case "RSA_4096":
		return rsa.GenerateKey(rand.Reader, 4096)
	case "ECC_NIST_EDWARDS25519":
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
	if c := curveOf(spec); c != nil {
		return ecdsa.GenerateKey(c, rand.Reader)
	}
	return nil, fmt.Errorf("kms: no key pairs of %s", spec)
}

// curveOf is the curve of a spec, nil for others.
func curveOf(spec string) elliptic.Curve {
	switch spec {
	case "ECC_NIST_P256":
		return elliptic.P256()
	case "ECC_NIST_P384":
		return elliptic.P384()
	case "ECC_NIST_P521":
		return elliptic.P521()
	}
	return nil
}

// checkMaterial reports whether imported material is that of a spec.
func checkMaterial(spec string, material []byte) bool {
	switch n := len(material); spec {
	case symmetric, "HMAC_256":
		return n == 32
	case "HMAC_224":
		return n == 28
	case "HMAC_384":
		return n == 48
	case "HMAC_512":
		return n == 64
	}
	private, err := x509.ParsePKCS8PrivateKey(material)
	if err != nil {
		return false
	}
	switch p := private.(type) {
	case *rsa.PrivateKey:
		return fmt.Sprintf("RSA_%d", p.N.BitLen()) == spec
	case *ecdsa.PrivateKey:
		return p.Curve == curveOf(spec)
	case ed25519.PrivateKey:
		return spec == "ECC_NIST_EDWARDS25519"
	}
	return false
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}
