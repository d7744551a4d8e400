package oidc

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/clock"
)

// publisher answers for an issuer's addresses.
type publisher map[string]string

func (p publisher) RoundTrip(r *http.Request) (*http.Response, error) {
	text, ok := p[r.URL.String()]
	if !ok {
		return nil, errors.New("nobody answers at " + r.URL.String())
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text))}, nil
}

// TestVerifyAny: whoever a token is for, it is valid, but only of its issuer.
func TestVerifyAny(t *testing.T) {
	const pool = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_a"
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text := func(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
	is := New(publisher{
		pool + "/.well-known/openid-configuration": `{"jwks_uri":"` + pool + `/.well-known/jwks.json"}`,
		pool + "/.well-known/jwks.json":            `{"keys":[{"kty":"RSA","alg":"RS256","use":"sig","kid":"k","n":"` + text(key.N.Bytes()) + `","e":"` + text(big.NewInt(int64(key.E)).Bytes()) + `"}]}`,
	}, clock.Machine{})
	token := func(claims map[string]any) string {
		body, err := json.Marshal(claims)
		if err != nil {
			t.Fatal(err)
		}
		signed := text([]byte(`{"alg":"RS256","kid":"k"}`)) + "." + text(body)
		sum := sha256.Sum256([]byte(signed))
		signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return signed + "." + text(signature)
	}
	for _, claims := range []map[string]any{
		{"iss": pool, "exp": 1 << 40, "aud": "client-1"}, {"iss": pool, "exp": 1 << 40, "client_id": "client-2"}, {"iss": pool, "exp": 1 << 40, "aud": []string{"a", "b"}},
	} {
		if _, err := is.VerifyAny(t.Context(), token(claims), pool); err != nil {
			t.Errorf("%v: %v", claims, err)
		}
	}
	for want, claims := range map[string]map[string]any{
		"the token does not have a valid issuer":   {"iss": "https://other.example", "exp": 1 << 40, "aud": "a"},
		"the token does not have a valid audience": {"iss": pool, "exp": 1 << 40},
		"the token has expired":                    {"iss": pool, "exp": 1, "aud": "a"},
	} {
		if _, err := is.VerifyAny(t.Context(), token(claims), pool); err == nil || err.Error() != want {
			t.Errorf("%v: %v, want %s", claims, err, want)
		}
	}
	if _, err := is.VerifyAny(t.Context(), token(map[string]any{"iss": "https://gone.example", "exp": 1 << 40, "aud": "a"}), "https://gone.example"); err == nil ||
		!strings.Contains(err.Error(), "communication error") {
		t.Errorf("nobody to ask: %v", err)
	}
}
