package oidc

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/clock"
)

// issuer is an issuer of OpenID Connect as its answers.
type fakeIssuer struct {
	keys  []jwk
	asked []string
	down  bool
}

func (f *fakeIssuer) RoundTrip(r *http.Request) (*http.Response, error) {
	f.asked = append(f.asked, r.URL.Path)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if f.down {
		return nil, errors.New("connection refused")
	}
	var body any
	switch r.URL.String() {
	case "https://issuer.example.com/pool/.well-known/openid-configuration":
		body = map[string]string{"jwks_uri": "https://keys.example.com/set"}
	case "https://keys.example.com/set":
		body = map[string]any{"keys": f.keys}
	default:
		return &http.Response{StatusCode: 404, Status: "404 Not Found", Body: http.NoBody}, nil
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: 200, Body: io.NopCloser(bytes.NewReader(text))}, nil
}

const from = "https://issuer.example.com/pool"

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func rsaKey(t testing.TB, kid string) (*rsa.PrivateKey, jwk) {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return k, jwk{Kty: "RSA", Kid: kid, Use: "sig", N: b64(k.N.Bytes()), E: b64(big.NewInt(int64(k.E)).Bytes())}
}

func ecKey(t testing.TB, kid string, c elliptic.Curve, crv string) (*ecdsa.PrivateKey, jwk) {
	t.Helper()
	k, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := k.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	half := (len(point) - 1) / 2
	return k, jwk{Kty: "EC", Kid: kid, Crv: crv, X: b64(point[1 : 1+half]), Y: b64(point[1+half:])}
}

// sign makes a token.
func sign(t testing.TB, alg, kid string, k crypto.Signer, claims any) string {
	t.Helper()
	head, err := json.Marshal(map[string]string{"alg": alg, "kid": kid, "typ": "JWT"})
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	text := b64(head) + "." + b64(body)
	hash := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[alg[2:]]
	h := hash.New()
	h.Write([]byte(text))
	sum := h.Sum(nil)
	var signature []byte
	switch k := k.(type) {
	case *rsa.PrivateKey:
		if strings.HasPrefix(alg, "PS") {
			signature, err = rsa.SignPSS(rand.Reader, k, hash, sum, nil)
		} else {
			signature, err = rsa.SignPKCS1v15(rand.Reader, k, hash, sum)
		}
	case *ecdsa.PrivateKey:
		r, s, e := ecdsa.Sign(rand.Reader, k, sum)
		size := (k.Curve.Params().BitSize + 7) / 8
		if err = e; err == nil {
			signature = append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + b64(signature)
}

func TestVerify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().Unix()
		key, public := rsaKey(t, "one")
		curve, curved := ecKey(t, "two", elliptic.P256(), "P-256")
		other, _ := rsaKey(t, "one")
		issuer := &fakeIssuer{keys: []jwk{public, curved, {Kty: "oct", Kid: "secret"}}}
		is := New(issuer, clock.Machine{})
		good := map[string]any{"iss": from, "aud": "shop", "exp": now + 60, "iat": now - 60, "sub": "ada", "scope": "read write"}
		with := func(name string, v any) map[string]any {
			out := map[string]any{}
			for k, v := range good {
				out[k] = v
			}
			out[name] = v
			if v == nil {
				delete(out, name)
			}
			return out
		}
		client := with("client_id", "store")
		delete(client, "aud")
		unsigned := func() string {
			head := b64([]byte(`{"alg":"none","kid":"one"}`))
			body, err := json.Marshal(good)
			if err != nil {
				t.Fatal(err)
			}
			return head + "." + b64(body) + "."
		}
		for _, tt := range []struct {
			name, token, want string
		}{
			{"RS256", sign(t, "RS256", "one", key, good), ""},
			{"RS512", sign(t, "RS512", "one", key, good), ""},
			{"PS256", sign(t, "PS256", "one", key, good), ""},
			{"ES256", sign(t, "ES256", "two", curve, good), ""},
			{"an audience among several", sign(t, "RS256", "one", key, with("aud", []string{"x", "shop"})), ""},
			{"client_id", sign(t, "RS256", "one", key, client), ""},
			{"client_id beside another audience", sign(t, "RS256", "one", key, with("aud", "x")), "the token does not have a valid audience"},
			{"no audience", sign(t, "RS256", "one", key, with("aud", nil)), "the token does not have a valid audience"},
			{"expired", sign(t, "RS256", "one", key, with("exp", now)), "the token has expired"},
			{"without an end", sign(t, "RS256", "one", key, with("exp", nil)), "the token has expired"},
			{"not yet", sign(t, "RS256", "one", key, with("nbf", now+60)), "the token is not valid yet"},
			{"issued in the future", sign(t, "RS256", "one", key, with("iat", now+60)), "the token is not valid yet"},
			{"another issuer", sign(t, "RS256", "one", key, with("iss", "https://evil.example.com")), "the token does not have a valid issuer"},
			{"another key", sign(t, "RS256", "one", other, good), "signature verification failed"},
			{"a key of another kind", sign(t, "RS256", "two", key, good), "signature verification failed"},
			{"an unknown key", sign(t, "RS256", "three", key, good), "unable to find a key for the token's kid in the issuer's jwks_uri"},
			{"a secret for a key", sign(t, "RS256", "secret", key, good), "unable to find a key for the token's kid in the issuer's jwks_uri"},
			{"none", unsigned(), "signature verification failed"},
			{"no token", "abc", "invalid number of segments"},
			{"no JSON", "a.b.c", "unable to decode the token's header"},
		} {
			claims, err := is.Verify(t.Context(), tt.token, from, []string{"shop", "store"})
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != tt.want || (err == nil) != (claims != nil) {
				t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
			}
			var bad *Error
			if err != nil && !errors.As(err, &bad) {
				t.Errorf("%s: %T is no reason", tt.name, err)
			}
		}
	})
}

// TestKeysAreKept: the issuer is asked once, again for a key that is not known,
// but not every time, and again when the keys are old.
func TestKeysAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key, public := rsaKey(t, "one")
		next, nextPublic := rsaKey(t, "next")
		issuer := &fakeIssuer{keys: []jwk{public}, down: true}
		is := New(issuer, clock.Machine{})
		verify := func(kid string, k crypto.Signer) error {
			claims := map[string]any{"iss": from, "aud": "shop", "exp": time.Now().Add(time.Minute).Unix()}
			_, err := is.Verify(context.Background(), sign(t, "RS256", kid, k, claims), from, []string{"shop"})
			return err
		}
		if err := verify("one", key); err == nil || !strings.HasPrefix(err.Error(), "OIDC discovery endpoint communication error") {
			t.Error(err)
		}
		issuer.down = false
		time.Sleep(rest)
		for range 3 {
			if err := verify("one", key); err != nil {
				t.Error(err)
			}
		}
		if got := len(issuer.asked); got != 3 {
			t.Errorf("the issuer was asked %d times: %s", got, issuer.asked)
		}
		if err := verify("next", next); err == nil {
			t.Error("a key that is not published")
		}
		issuer.keys = append(issuer.keys, nextPublic)
		time.Sleep(again + time.Second)
		if err := verify("next", next); err != nil {
			t.Errorf("a key that was published since: %v", err)
		}
		asked := len(issuer.asked)
		issuer.keys = issuer.keys[1:]
		if err := verify("one", key); err != nil {
			t.Errorf("a key that is kept: %v", err)
		}
		time.Sleep(keep + time.Second)
		if err := verify("one", key); err == nil || len(issuer.asked) != asked+2 {
			t.Errorf("a key that was withdrawn: %v, the issuer was asked %d times", err, len(issuer.asked)-asked)
		}
	})
}

// TestCallersThatGoAway: whoever asks first and does not wait fails nobody else.
func TestCallersThatGoAway(t *testing.T) {
	key, public := rsaKey(t, "one")
	is := New(&fakeIssuer{keys: []jwk{public}}, clock.Machine{})
	token := sign(t, "RS256", "one", key, map[string]any{"iss": from, "aud": "shop", "exp": time.Now().Add(time.Minute).Unix()})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, _ = is.Verify(gone, token, from, []string{"shop"}) // nobody waits for the answer
	if _, err := is.Verify(t.Context(), token, from, []string{"shop"}); err != nil {
		t.Error(err)
	}
}

func TestScopes(t *testing.T) {
	for text, want := range map[string][]string{
		`{"scope":"read write"}`: {"read", "write"}, `{"scp":["read","write"]}`: {"read", "write"}, `{"scp":"read"}`: {"read"}, `{"scope":3}`: nil, `{}`: nil,
	} {
		var c Claims
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, c.Scopes()); d != "" {
			t.Errorf("%s: %s", text, d)
		}
	}
}

// FuzzVerify: no token that a key has not signed is valid.
func FuzzVerify(f *testing.F) {
	key, public := rsaKey(f, "one")
	_, curved := ecKey(f, "two", elliptic.P384(), "P-384")
	is := New(&fakeIssuer{keys: []jwk{public, curved}}, clock.Machine{})
	good := sign(f, "RS256", "one", key, map[string]any{"iss": from, "aud": "shop", "exp": time.Now().Add(time.Hour).Unix()})
	f.Add(good)
	for _, alg := range []string{"none", "HS256", "RS256", "PS512", "ES384"} {
		f.Add(b64(fmt.Appendf(nil, `{"alg":%q,"kid":"two"}`, alg)) + good[strings.IndexByte(good, '.'):])
	}
	f.Add("..")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := is.Verify(t.Context(), text, from, []string{"shop"}); err == nil && text != good {
			// The signature's last character has bits that mean nothing.
			if strings.TrimRight(text, text[len(text)-1:]) != strings.TrimRight(good, good[len(good)-1:]) && text[:len(text)-1] != good[:len(good)-1] {
				t.Errorf("%s is valid", text)
			}
		}
	})
}

// FuzzParseKeys: no set of keys makes the parser fail otherwise than by an error,
// and every key that it returns can be used.
func FuzzParseKeys(f *testing.F) {
	_, public := rsaKey(f, "one")
	_, curved := ecKey(f, "two", elliptic.P521(), "P-521")
	text, err := json.Marshal(map[string]any{"keys": []jwk{public, curved}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add(`{"keys":[{"kty":"RSA","kid":"a","n":"AQ","e":"AQAB"}]}`)
	f.Add(`{"keys":[{"kty":"EC","kid":"a","crv":"P-256","x":"","y":""}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := parseKeys([]byte(text))
		if err != nil {
			return
		}
		for kid, k := range keys {
			for _, alg := range []string{"RS256", "PS384", "ES512", "ES256", "XX"} {
				if k.verify(&token{alg: alg, kid: kid, signed: "x", signature: make([]byte, 132)}) == nil {
					t.Errorf("key %s accepts a signature of zeros", kid)
				}
			}
		}
	})
}
