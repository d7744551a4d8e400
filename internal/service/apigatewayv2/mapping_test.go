package apigatewayv2_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
)

// backend answers with what it was asked.
type backend struct {
	status int
	fail   bool
}

func (k *backend) RoundTrip(r *http.Request) (*http.Response, error) {
	if k.fail {
		return nil, io.ErrUnexpectedEOF
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s %s\n", r.Method, r.URL)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if name != "X-Amzn-Trace-Id" {
			fmt.Fprintf(&out, "%s: %s\n", name, strings.Join(r.Header[name], " | "))
		}
	}
	fmt.Fprintf(&out, "%s", body)
	h := http.Header{"Content-Type": {"text/plain"}, "Connection": {"close"}, "X-Back": {"1"}}
	return &http.Response{StatusCode: k.status, Header: h, Body: io.NopCloser(strings.NewReader(out.String()))}, nil
}

func toBackend(uri string, set ...func(*shapes.CreateIntegrationRequest)) func(*shapes.CreateRouteRequest, *shapes.CreateIntegrationRequest) {
	return func(_ *shapes.CreateRouteRequest, i *shapes.CreateIntegrationRequest) {
		i.IntegrationType, i.IntegrationMethod, i.IntegrationUri, i.PayloadFormatVersion = ptr("HTTP_PROXY"), ptr("ANY"), &uri, ptr("1.0")
		for _, fn := range set {
			fn(i)
		}
	}
}

// TestHTTPBackends: what back ends get and clients see, with mappings of requests
// and answers.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html
func TestHTTPBackends(t *testing.T) {
	b := open(t)
	k := &backend{status: 200}
	b.back = k
	do(b, shapes.UpdateStage, &shapes.UpdateStageRequest{ApiId: &b.api, StageName: ptr("$default"), StageVariables: map[string]string{"host": "back.example.com"}})
	b.route("ANY /users/{id}", toBackend("https://${stageVariables.host}/people/{id}?own=1"))
	b.route("GET /files/{proxy+}", toBackend("http://files.example.com/{proxy}"))
	b.route("$default", toBackend("https://rest.example.com/base/"))
	b.route("POST /mapped/{id}", toBackend("https://back.example.com/x", func(i *shapes.CreateIntegrationRequest) {
		i.IntegrationMethod = ptr("PUT")
		i.RequestParameters = map[string]string{
			"append:header.x-id": "$request.path.id", "overwrite:header.accept": "text/plain", "remove:header.x-secret": "''",
			"append:header.x-body": "${request.body.user.name} ${request.body.list[1]}", "append:querystring.who": "$context.identity.sourceIp",
			"overwrite:querystring.q": "$request.querystring.q", "remove:querystring.drop": "''", "overwrite:path": "/new/$x/${request.path.id}",
			"append:header.x-none": "$request.header.nothing", "append:header.x-all": "$request.header.x-many",
		}
		i.ResponseParameters = map[string]map[string]string{
			"200": {"append:header.x-more": "$response.header.x-back", "remove:header.x-back": "''"},
			"404": {"overwrite:statuscode": "403", "append:header.error": "${stageVariables.host}"},
		}
	}))
	var out strings.Builder
	ask := func(method, target, body string, headers ...string) {
		fmt.Fprintf(&out, "== %s %s\n%s\n", method, target, described(b.request(method, target, body, headers...)))
	}
	ask("PATCH", "/users/a%20b?x=1&x=2", "body", "X-A: 1", "Connection: keep-alive", "Content-Type: text/plain")
	ask("GET", "/files/a/b%2Fc.txt", "")
	ask("GET", "/store/checkout?a=b", "")
	mapped := []string{"Content-Type: application/json", "X-Secret: s", "Accept: a", "X-Many: 1", "X-Many: 2"}
	ask("POST", "/mapped/7?q=1&q=2&drop=1", `{"user":{"name":"ada"},"list":[1,2]}`, mapped...)
	k.status = 404
	ask("POST", "/mapped/7", `{}`, mapped...)
	k.fail = true
	ask("GET", "/users/1", "")
	golden(t, "backends.txt", out.String())
}

// TestMappedEvent: mappings change what functions get as well.
func TestMappedEvent(t *testing.T) {
	b := open(t)
	b.route("GET /a", func(_ *shapes.CreateRouteRequest, i *shapes.CreateIntegrationRequest) {
		i.RequestParameters = map[string]string{"append:header.x-id": "$context.requestId", "overwrite:path": "/b", "append:querystring.stage": "$context.stage"}
	})
	b.request("GET", "/a?x=1", "")
	for _, want := range []string{`"rawPath": "/b"`, `"rawQueryString": "stage=%24default\u0026x=1"`, `"x-id": "`} {
		if !strings.Contains(b.event(), want) {
			t.Errorf("no %s in %s", want, b.event())
		}
	}
}
