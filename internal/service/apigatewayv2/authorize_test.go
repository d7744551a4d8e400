package apigatewayv2_test

import (
	"bytes"
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
	"testing/synctest"
	"time"

	"github.com/nube-run/nube/internal/awsapi/awstest"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
)

// issuer is an issuer of tokens, and the transport that leads to it.
type issuer struct {
	t   *testing.T
	key *rsa.PrivateKey
}

const issuerURL = "https://issuer.example.com"

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{t, key}
}

func (i *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	var body any
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		body = map[string]string{"jwks_uri": issuerURL + "/keys"}
	case "/keys":
		body = map[string]any{"keys": []map[string]string{{
			"kty": "RSA", "kid": "one", "n": b64(i.key.N.Bytes()), "e": b64(big.NewInt(int64(i.key.E)).Bytes()),
		}}}
	default:
		return nil, errors.New("connection refused")
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: 200, Body: io.NopCloser(bytes.NewReader(text))}, nil
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (i *issuer) token(claims string) string {
	i.t.Helper()
	text := b64([]byte(`{"alg":"RS256","kid":"one"}`)) + "." + b64([]byte(claims))
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, i.key, crypto.SHA256, sum[:])
	if err != nil {
		i.t.Fatal(err)
	}
	return text + "." + b64(signature)
}

// TestJWT: what a token has to be, what clients are told, and what functions
// learn of it.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
func TestJWT(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t)
		i := newIssuer(t)
		b.back = i
		a := do(b, shapes.CreateAuthorizer, &shapes.CreateAuthorizerRequest{
			ApiId: &b.api, Name: ptr("who"), AuthorizerType: ptr("JWT"), IdentitySource: []string{"$request.header.Authorization"},
			JwtConfiguration: &shapes.JWTConfiguration{Issuer: ptr(issuerURL), Audience: []string{"shop"}},
		})
		secure := func(r *shapes.CreateRouteRequest, _ *shapes.CreateIntegrationRequest) {
			r.AuthorizationType, r.AuthorizerId = ptr("JWT"), a.AuthorizerId
		}
		b.route("GET /any", secure)
		b.route("GET /scoped", secure, func(r *shapes.CreateRouteRequest, _ *shapes.CreateIntegrationRequest) {
			r.AuthorizationScopes = []string{"read", "admin"}
		})
		b.route("GET /old", secure, func(_ *shapes.CreateRouteRequest, i *shapes.CreateIntegrationRequest) {
			i.PayloadFormatVersion = ptr("1.0")
		})
		claims := func(more string) string {
			return `{"iss":"https://issuer.example.com","aud":"shop","exp":` + jsonTime(time.Now().Add(time.Hour)) + more + `}`
		}
		good := i.token(claims(`,"sub":"ada","groups":["a","b"],"admin":true,"n":12345678901,"scope":"read write"`))
		for _, tt := range []struct {
			name, path, authorization string
			status                    int
			challenge                 string
		}{
			{"nothing", "/any", "", 401, `Bearer`},
			{"good", "/any", "Bearer " + good, 200, ""},
			{"good, without the word", "/any", good, 200, ""},
			{"no token", "/any", "Bearer abc", 401, `Bearer scope="" error="invalid_token" error_description="invalid number of segments"`},
			{"another audience", "/any", i.token(strings.Replace(claims(""), "shop", "x", 1)), 401, `Bearer scope="" error="invalid_token" error_description="the token does not have a valid audience"`},
			{"expired", "/any", i.token(`{"iss":"https://issuer.example.com","aud":"shop","exp":1}`), 401, `Bearer scope="" error="invalid_token" error_description="the token has expired"`},
			{"with a scope", "/scoped", "Bearer " + good, 200, ""},
			{"without one", "/scoped", i.token(claims("")), 403, `Bearer scope="read admin" error="insufficient_scope" error_description="the token does not have the required scope"`},
		} {
			r := b.request("GET", tt.path, "", "Authorization: "+tt.authorization)
			if r.StatusCode != tt.status || r.Header.Get("Www-Authenticate") != tt.challenge {
				t.Errorf("%s: %d %q, want %d %q", tt.name, r.StatusCode, r.Header.Get("Www-Authenticate"), tt.status, tt.challenge)
			}
		}
		b.request("GET", "/scoped", "", "Authorization: "+good)
		for _, want := range []string{
			`"admin": "true"`, `"groups": "[a b]"`, `"n": "12345678901"`, `"sub": "ada"`, `"scope": "read write"`, "\"scopes\": [\n          \"read\"\n        ]",
		} {
			if !strings.Contains(b.event(), want) {
				t.Errorf("no %s in %s", want, b.event())
			}
		}
		b.request("GET", "/old", "", "Authorization: "+good)
		if got := b.event(); !strings.Contains(got, "\"authorizer\": {\n      \"claims\": {") || !strings.Contains(got, `"scopes": null`) {
			t.Error(got)
		}
		refuses(b, shapes.DeleteAuthorizer, &shapes.DeleteAuthorizerRequest{ApiId: &b.api, AuthorizerId: a.AuthorizerId}, "ConflictException")
	})
}

func jsonTime(t time.Time) string {
	text, err := json.Marshal(t.Unix())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// lambdaAuthorizer makes an authorizer that asks the function judge.
func (b *bed) lambdaAuthorizer(version string, simple bool, ttl int32, sources ...string) *string {
	b.Helper()
	in := &shapes.CreateAuthorizerRequest{
		ApiId: &b.api, Name: ptr("judge" + version), AuthorizerType: ptr("REQUEST"), AuthorizerPayloadFormatVersion: &version, IdentitySource: sources,
		AuthorizerUri: ptr("arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/" + judge + "/invocations"), AuthorizerResultTtlInSeconds: &ttl,
	}
	if simple {
		in.EnableSimpleResponses = ptr(true)
	}
	return do(b, shapes.CreateAuthorizer, in).AuthorizerId
}

func custom(id *string) func(*shapes.CreateRouteRequest, *shapes.CreateIntegrationRequest) {
	return func(r *shapes.CreateRouteRequest, _ *shapes.CreateIntegrationRequest) {
		r.AuthorizationType, r.AuthorizerId = ptr("CUSTOM"), id
	}
}

// TestLambdaAuthorizer: simple answers, policies, what they are kept by and for
// how long.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
func TestLambdaAuthorizer(t *testing.T) {
	b := open(t)
	simple := b.lambdaAuthorizer("2.0", true, 60, "$request.header.authorization", "$request.querystring.q")
	b.route("GET /a/{id}", custom(simple))
	b.route("GET /b", custom(simple))
	ask := func(path string, headers ...string) int {
		b.Helper()
		return b.request("GET", path, "", headers...).StatusCode
	}
	if got := ask("/a/1?q=1"); got != 401 || len(b.asked) > 0 {
		t.Errorf("without an identity: %d, and the function was asked %d times", got, len(b.asked))
	}
	b.judge = `{"isAuthorized":true,"context":{"name":"ada","n":3,"list":["x"],"map":{"a":1}}}`
	if got := ask("/a/1?q=1", "Authorization: secret"); got != 200 {
		t.Errorf("allowed: %d", got)
	}
	golden(t, "authorizer2.json", b.tidy(b.asked[0]))
	if got := b.event(); !strings.Contains(got, `"lambda": {`) || !strings.Contains(got, `"name": "ada"`) || !strings.Contains(got, `"n": 3`) {
		t.Errorf("the event has no context: %s", got)
	}
	if want := "arn:aws:execute-api:eu-central-1:123456789012:" + b.api + "/authorizers/" + *simple; b.source[0].String() != want {
		t.Errorf("the authorizer was called for %s, want %s", b.source[0], want)
	}
	b.judge = `{"isAuthorized":false}`
	if got := []int{ask("/b?q=1", "Authorization: secret"), ask("/b?q=2", "Authorization: secret")}; got[0] != 200 || got[1] != 403 || len(b.asked) != 2 {
		t.Errorf("an answer is kept for all routes by what identifies the caller: %v, asked %d times", got, len(b.asked))
	}
	if err := b.model.Set(b.model.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got := ask("/b?q=1", "Authorization: secret"); got != 403 {
		t.Errorf("after its time: %d", got)
	}
	b.judge = `{"isAuthorized":true}`
	do(b, shapes.ResetAuthorizersCache, &shapes.ResetAuthorizersCacheRequest{ApiId: &b.api, StageName: ptr("$default")})
	if got := ask("/b?q=1", "Authorization: secret"); got != 200 {
		t.Errorf("after the answers were forgotten: %d", got)
	}
	b.judge = `{"principalId":"x"}`
	if got := ask("/b?q=3", "Authorization: secret"); got != 500 {
		t.Errorf("an answer that is none: %d", got)
	}
}

func TestLambdaAuthorizerPolicy(t *testing.T) {
	b := open(t)
	id := b.lambdaAuthorizer("1.0", false, 60, "$request.header.authorization")
	old := func(_ *shapes.CreateRouteRequest, i *shapes.CreateIntegrationRequest) {
		i.PayloadFormatVersion = ptr("1.0")
	}
	b.route("GET /a/{id}", custom(id), old)
	b.route("GET /b", custom(id))
	b.judge = `{"principalId":"ada","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Allow",` +
		`"Resource":"arn:aws:execute-api:eu-central-1:123456789012:` + b.api + `/$default/GET/a/*"}]},"context":{"tier":"gold"}}`
	if r := b.request("GET", "/a/1", "", "Authorization: secret"); r.StatusCode != 200 {
		t.Errorf("what the policy allows: %d", r.StatusCode)
	}
	golden(t, "authorizer1.json", b.tidy(b.asked[0]))
	if got := b.event(); !strings.Contains(got, `"principalId": "ada"`) || !strings.Contains(got, `"tier": "gold"`) {
		t.Errorf("the event has no context: %s", got)
	}
	if r := b.request("GET", "/b", "", "Authorization: secret"); r.StatusCode != 403 || len(b.asked) != 1 {
		t.Errorf("what it does not allow: %d, asked %d times", r.StatusCode, len(b.asked))
	}
}

// TestIAM: requests are signed for execute-api, and the caller is judged by its
// own policies.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
func TestIAM(t *testing.T) {
	b := open(t)
	b.route("POST /a", func(r *shapes.CreateRouteRequest, _ *shapes.CreateIntegrationRequest) {
		r.AuthorizationType = ptr("AWS_IAM")
	})
	if r := b.request("POST", "/a", "x"); r.StatusCode != 403 || !strings.HasSuffix(described(r), `{"message":"Forbidden"}`) {
		t.Errorf("without a signature: %s", described(r))
	}
	client := awstest.Client{Handler: b.edge.Gateway(), Region: scope.Region, Key: "AKIAROOT", Secret: "secret"}
	if r := client.Send("execute-api", "POST", "/a", http.Header{}, []byte("x")); r.Status != 200 {
		t.Fatalf("signed: %d %s", r.Status, r.Body)
	}
	for _, want := range []string{`"iam": {`, `"accessKey": "AKIAROOT"`, `"userArn": "arn:aws:iam::123456789012:root"`, `"cognitoIdentity": null`} {
		if !strings.Contains(b.event(), want) {
			t.Errorf("no %s in %s", want, b.event())
		}
	}
}

// TestCredentials: with a role, a function is called as the role; one that API
// Gateway may not assume is of no use.
func TestCredentials(t *testing.T) {
	b := open(t)
	for _, name := range []string{"caller", "other"} {
		b.route("GET /"+name, func(_ *shapes.CreateRouteRequest, i *shapes.CreateIntegrationRequest) {
			i.CredentialsArn = ptr("arn:aws:iam::123456789012:role/x/" + name)
		})
	}
	if r := b.request("GET", "/caller", ""); r.StatusCode != 200 {
		t.Fatalf("status %d", r.StatusCode)
	}
	p := b.actors[0].Principal
	if p.ARN != "arn:aws:sts::123456789012:assumed-role/caller/BackplaneAssumeRoleSession" || p.Issuer != "arn:aws:iam::123456789012:role/x/caller" {
		t.Errorf("called as %+v", p)
	}
	if r := b.request("GET", "/other", ""); r.StatusCode != 500 || len(b.actors) != 1 {
		t.Errorf("a role that cannot be assumed: %d, called %d times", r.StatusCode, len(b.actors))
	}
}
