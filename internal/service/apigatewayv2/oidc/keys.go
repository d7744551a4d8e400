package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha256" // hashes of the algorithms
	_ "crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
)

// jwk is a key of a set, RFC 7517.
type jwk struct {
	Kty string `json:"kty"`
	Kid string `json:"kid"`
	Use string `json:"use"`
	Alg string `json:"alg"`
	N   string `json:"n"`
	E   string `json:"e"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Y   string `json:"y"`
}

// key is a public key.
type key struct {
	alg    string // the only one it is for, or ""
	public crypto.PublicKey
}

// parseKeys reads a set of keys. Those of other kinds are passed over.
func parseKeys(text []byte) (map[string]key, error) {
	var set struct {
		Keys []jwk `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("the set of keys: %w", err)
	}
	out := map[string]key{}
	for _, k := range set.Keys {
		if k.Kid == "" || k.Use != "" && k.Use != "sig" {
			continue
		}
		var public crypto.PublicKey
		var err error
		switch k.Kty {
		case "RSA":
			public, err = k.rsa()
		case "EC":
			public, err = k.ec()
		default:
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("the key %s: %w", k.Kid, err)
		}
		out[k.Kid] = key{k.Alg, public}
	}
	return out, nil
}

func (k *jwk) rsa() (crypto.PublicKey, error) {
	n, err := base64.RawURLEncoding.DecodeString(k.N)
	if err != nil {
		return nil, err
	}
	e, err := base64.RawURLEncoding.DecodeString(k.E)
	if err != nil {
		return nil, err
	}
	exponent := new(big.Int).SetBytes(e)
	if len(n) < 128 || len(n) > 2048 || !exponent.IsInt64() || exponent.Int64() < 3 || exponent.Int64() > 1<<31-1 {
		return nil, fmt.Errorf("its modulus or exponent is out of bounds")
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent.Int64())}, nil
}

func (k *jwk) ec() (crypto.PublicKey, error) {
	var curve elliptic.Curve
	switch k.Crv {
	case "P-256":
		curve = elliptic.P256()
	case "P-384":
		curve = elliptic.P384()
	case "P-521":
		curve = elliptic.P521()
	default:
		return nil, fmt.Errorf("the curve %s is not known", k.Crv)
	}
	size := (curve.Params().BitSize + 7) / 8
	point := make([]byte, 1, 1+2*size)
	point[0] = 4 // uncompressed, SEC 1 section 2.3.3
	for _, text := range []string{k.X, k.Y} {
		c, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			return nil, err
		}
		if len(c) != size {
			return nil, fmt.Errorf("a coordinate has %d bytes instead of %d", len(c), size)
		}
		point = append(point, c...)
	}
	return ecdsa.ParseUncompressedPublicKey(curve, point)
}

// verify checks a token's signature.
func (k key) verify(t *token) error {
	wrong := invalid("signature verification failed")
	if k.alg != "" && k.alg != t.alg || len(t.alg) != 5 {
		return wrong
	}
	var hash crypto.Hash
	switch t.alg[2:] {
	case "256":
		hash = crypto.SHA256
	case "384":
		hash = crypto.SHA384
	case "512":
		hash = crypto.SHA512
	default:
		return wrong
	}
	h := hash.New()
	h.Write([]byte(t.signed))
	sum := h.Sum(nil)
	switch public := k.public.(type) {
	case *rsa.PublicKey:
		if t.alg[:2] == "RS" && rsa.VerifyPKCS1v15(public, hash, sum, t.signature) == nil {
			return nil
		}
		if t.alg[:2] == "PS" && rsa.VerifyPSS(public, hash, sum, t.signature, nil) == nil {
			return nil
		}
	case *ecdsa.PublicKey:
		size := (public.Curve.Params().BitSize + 7) / 8
		if t.alg != algOf(public.Curve) || len(t.signature) != 2*size {
			return wrong
		}
		r, s := new(big.Int).SetBytes(t.signature[:size]), new(big.Int).SetBytes(t.signature[size:])
		if ecdsa.Verify(public, sum, r, s) {
			return nil
		}
	}
	return wrong
}

// algOf is the algorithm that belongs to a curve, RFC 7518 section 3.4.
func algOf(c elliptic.Curve) string {
	switch c.Params().BitSize {
	case 256:
		return "ES256"
	case 384:
		return "ES384"
	}
	return "ES512"
}
