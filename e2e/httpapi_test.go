package e2e

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// issuer is an issuer of OpenID Connect in the test's own process.
type issuer struct {
	t   *testing.T
	key *rsa.PrivateKey
	url string
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{t: t, key: key}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body any = map[string]string{"issuer": i.url, "jwks_uri": i.url + "/keys"}
		if r.URL.Path == "/keys" {
			body = map[string]any{"keys": []map[string]string{{
				"kty": "RSA", "kid": "one", "n": b64(key.N.Bytes()), "e": b64(big.NewInt(int64(key.E)).Bytes()),
			}}}
		}
		json.NewEncoder(w).Encode(body)
	}))
	t.Cleanup(server.Close)
	i.url = server.URL
	return i
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (i *issuer) token(scope string) string {
	i.t.Helper()
	claims := fmt.Sprintf(`{"iss":%q,"aud":"shop","sub":"ada","scope":%q,"exp":%d}`, i.url, scope, time.Now().Add(time.Hour).Unix())
	text := b64([]byte(`{"alg":"RS256","kid":"one"}`)) + "." + b64([]byte(claims))
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, i.key, crypto.SHA256, sum[:])
	if err != nil {
		i.t.Fatal(err)
	}
	return text + "." + b64(signature)
}

// TestHTTPAPI: an HTTP API beside a REST API, and function URLs, work as
// serverless.yml asks for them.
//
// Mutation that it finds: routes whose authorizers nobody asks.
func TestHTTPAPI(t *testing.T) {
	i := newIssuer(t)
	t.Setenv("ISSUER", i.url)
	c := start(t, "memory", "up", "testdata/httpapi")
	t.Run("routes", func(t *testing.T) { httpRoutes(t, c) })
	t.Run("cors", func(t *testing.T) { httpCORS(t, c) })
	t.Run("lambda authorizer", func(t *testing.T) {
		first, second := c.send("GET", "/mine", "", "Authorization", "ana"), c.send("GET", "/mine", "", "Authorization", "ana")
		if first.status != 200 || !strings.Contains(first.body, `"authorizer":{"lambda":{"at":`) || first.body != second.body {
			t.Errorf("%s, then %s", first.text(), second.text())
		}
		for who, want := range map[string]string{"eve": `403 {"message":"Forbidden"}`, "": `401 {"message":"Unauthorized"}`} {
			if r := c.send("GET", "/mine", "", "Authorization", who); r.text() != want {
				t.Errorf("%q: %s, want %s", who, r.text(), want)
			}
		}
	})
	t.Run("tokens", func(t *testing.T) {
		r := c.send("GET", "/scoped", "", "Authorization", "Bearer "+i.token("read write"))
		if r.status != 200 || !strings.Contains(r.body, `"sub":"ada"`) || !strings.Contains(r.body, `"scopes":["read"]`) {
			t.Error(r.text())
		}
		if r := c.send("GET", "/scoped", "", "Authorization", "Bearer "+i.token("write")); r.text() != `403 {"message":"Forbidden"}` {
			t.Error(r.text())
		}
		r = c.send("GET", "/scoped", "", "Authorization", "Bearer x")
		if r.status != 401 || !strings.HasPrefix(r.header.Get("Www-Authenticate"), `Bearer scope="read" error="invalid_token"`) {
			t.Errorf("%s %v", r.text(), r.header)
		}
	})
	t.Run("signatures", func(t *testing.T) {
		if r := c.send("GET", "/signed", ""); r.text() != `403 {"message":"Forbidden"}` {
			t.Error(r.text())
		}
		if status, body := c.signed("execute-api", c.Gateway+"/signed"); status != 200 || !strings.Contains(body, `"userArn":"arn:aws:iam::`) {
			t.Errorf("%d %s", status, body)
		}
	})
	t.Run("function URLs", func(t *testing.T) { functionURLs(t, c) })
	t.Run("logs", func(t *testing.T) {
		c.settle()
		out, err := cloudwatchlogs.NewFromConfig(c.config()).FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{
			LogGroupName: aws.String("/aws/http-api/httpapi-dev"), FilterPattern: aws.String(`"GET /mine"`),
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Events) != 4 || !strings.HasPrefix(*out.Events[0].Message, `{"route":"GET /mine","status":200,"who":"ana","id":"`) {
			t.Errorf("%d lines: %v", len(out.Events), out.Events)
		}
	})
	c.settle()
	c.stop()
}

func httpRoutes(t *testing.T, c *cloud) {
	r := c.send("POST", "/items?q=1&q=2&r=%26", `{"a":1}`, "Content-Type", "application/json", "Cookie", "x=1; y=2")
	if want := `{"route":"POST /items","path":"/items","query":{"q":"1,2","r":"&"},"cookies":["x=1","y=2"],"body":"{\"a\":1}"}`; r.status != 201 || r.body != want {
		t.Errorf("%s, want %s", r.text(), want)
	}
	if got := r.header.Values("Set-Cookie"); len(got) != 2 || got[0] != "a=1; Path=/" || r.header.Get("Apigw-Requestid") == "" {
		t.Errorf("headers %v", r.header)
	}
	for path, want := range map[string]string{
		"/items/a%20b": `{"route":"GET /items/{id}","path":"/items/a%20b","params":{"id":"a b"}}`,
		"/old":         `{"version":"1.0","resource":"/old","path":"/old","params":null}`,
		"/both/x/y":    `{"version":"1.0","resource":"/both/{proxy+}","path":"/both/x/y","params":{"proxy":"x/y"}}`,
		"/both/rest":   `{"rest":"/both/rest","stage":"dev"}`, // the REST API's route fits closer
		"/rest":        `{"rest":"/rest","stage":"dev"}`,
		"/else":        `{"route":"$default","path":"/else"}`,
	} {
		if r := c.send("GET", path, ""); r.status != 200 || r.body != want {
			t.Errorf("%s: %s, want %s", path, r.text(), want)
		}
	}
}

func httpCORS(t *testing.T, c *cloud) {
	r := c.send("OPTIONS", "/items", "", "Origin", "https://shop.example.com", "Access-Control-Request-Method", "POST")
	if r.status != 204 || r.header.Get("Access-Control-Allow-Origin") != "https://shop.example.com" || r.header.Get("Access-Control-Allow-Methods") != "GET,POST" || r.header.Get("Access-Control-Max-Age") != "60" {
		t.Errorf("%d %v", r.status, r.header)
	}
	r = c.send("GET", "/items/1", "", "Origin", "https://shop.example.com")
	if r.header.Get("Access-Control-Allow-Origin") != "https://shop.example.com" || r.header.Get("Access-Control-Expose-Headers") != "x-total" {
		t.Errorf("%d %v", r.status, r.header)
	}
}

// signed sends a request with a signature of the cloud's credentials.
func (c *cloud) signed(service, url string) (status int, body string) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	cfg := c.config()
	keys, err := cfg.Credentials.Retrieve(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	empty := sha256.Sum256(nil)
	if err := v4.NewSigner().SignHTTP(c.t.Context(), keys, r, fmt.Sprintf("%x", empty), service, "us-east-1", time.Now()); err != nil {
		c.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func functionURLs(t *testing.T, c *cloud) {
	client := lambda.NewFromConfig(c.config())
	address := func(name string) (path, host string) {
		out, err := client.GetFunctionUrlConfig(t.Context(), &lambda.GetFunctionUrlConfigInput{FunctionName: aws.String("httpapi-dev-" + name)})
		if err != nil {
			t.Fatal(err)
		}
		host = strings.TrimSuffix(strings.TrimPrefix(*out.FunctionUrl, "https://"), "/")
		id, _, _ := strings.Cut(host, ".")
		return c.Endpoint + "/_aws/lambda-url/" + id, host
	}
	open, host := address("open")
	for _, how := range []struct{ url, host string }{{open + "/a/b", ""}, {c.Endpoint + "/a/b", host}, {c.Gateway + "/a/b", host}} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, how.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = how.host
		r.Header.Set("Origin", "https://shop.example.com")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || string(body) != `{"path":"/a/b","account":"anonymous"}` || resp.Header.Get("Access-Control-Allow-Origin") != "https://shop.example.com" {
			t.Errorf("%s with host %q: %d %s %v", how.url, how.host, resp.StatusCode, body, resp.Header)
		}
	}
	closed, _ := address("closed")
	resp, err := http.Get(closed + "/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 403 {
		t.Errorf("without a signature: %d", resp.StatusCode)
	}
	if status, body := c.signed("lambda", closed+"/x"); status != 200 || !strings.Contains(body, `"path":"/x"`) || !strings.Contains(body, `"iam":{"accessKey":"`) {
		t.Errorf("signed: %d %s", status, body)
	}
}
