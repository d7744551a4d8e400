package apigateway_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
)

// TestHTTPProxy: a back end gets the request, and the caller its answer.
func TestHTTPProxy(t *testing.T) {
	b := open(t)
	b.route("ANY", "/orders/{id}", func(_ *shapes.PutMethodRequest, i *shapes.PutIntegrationRequest) {
		i.Type, i.IntegrationHttpMethod = ptr("HTTP_PROXY"), ptr("ANY")
		i.Uri = ptr("http://${stageVariables.color}.example/v1/{order}/lines")
		i.RequestParameters = map[string]string{"integration.request.path.order": "method.request.path.id"}
		i.TimeoutInMillis = ptr(int32(50))
	})
	b.deploy()
	b.backends.answer = func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		text := fmt.Sprintf("%s %s %s from %s: %s", r.Method, r.URL, r.Header.Get("X-Tag"), r.Header.Get("X-Forwarded-For"), body)
		return &http.Response{StatusCode: 418, Header: http.Header{"X-Pot": {"tea"}, "Connection": {"close"}}, Body: io.NopCloser(strings.NewReader(text))}, err
	}
	got := described(b.request("PUT", "/orders/a%20b?x=1&x=2", "two", "X-Tag: blue"))
	if d := cmp.Diff("I'm a teapot\nX-Pot: tea\n\nPUT http://blue.example/v1/a%20b/lines?x=1&x=2 blue from 192.0.2.7: two", got); d != "" {
		t.Error(d)
	}
	b.backends.answer = func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }
	if got := brief(b.request("GET", "/orders/7", "")); got != `504 {"message":"Network error communicating with endpoint"}` {
		t.Errorf("nobody there: %s", got)
	}
	b.backends.answer = func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }
	if got := brief(b.request("GET", "/orders/7", "")); got != `504 {"message":"Endpoint request timed out"}` {
		t.Errorf("too late: %s", got)
	}
}

// TestHTTPBackend: templates and mappings stand between the caller and a back
// end.
func TestHTTPBackend(t *testing.T) {
	b := open(t)
	b.route("POST", "/orders/{id}", func(_ *shapes.PutMethodRequest, i *shapes.PutIntegrationRequest) {
		i.Type, i.IntegrationHttpMethod, i.Uri = ptr("HTTP"), ptr("PUT"), ptr("http://back.example/{order}?fixed=1")
		i.RequestParameters = map[string]string{
			"integration.request.path.order": "method.request.path.id", "integration.request.querystring.from": "method.request.header.X-Tag",
			"integration.request.header.X-Stage": "context.stage", "integration.request.header.X-None": "method.request.header.X-None",
		}
		i.RequestTemplates = map[string]string{"application/json": `#set($context.requestOverride.header.X-Own = "own"){"got":$input.json('$.a')}`}
		i.PassthroughBehavior = ptr("NEVER")
	})
	for code, pattern := range map[string]string{"200": "", "404": "4\\d\\d"} {
		do(b, shapes.PutIntegrationResponse, &shapes.PutIntegrationResponseRequest{
			RestApiId: &b.api, ResourceId: b.at("/orders/{id}"), HttpMethod: ptr("POST"), StatusCode: &code, SelectionPattern: &pattern,
			ResponseParameters: map[string]string{"method.response.header.X-Pot": "integration.response.header.X-Pot"},
			ResponseTemplates:  map[string]string{"application/json": `{"said":$input.json('$.text')}`},
		})
	}
	b.deploy()
	status, seen := 201, ""
	b.backends.answer = func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		h := r.Header
		seen = fmt.Sprintf("%s %s\nstage %q, own %q, none %q, secret %q, type %q\n%s", r.Method, r.URL, h["X-Stage"], h["X-Own"], h["X-None"], h["X-Secret"], h["Content-Type"], body)
		return &http.Response{StatusCode: status, Header: http.Header{"X-Pot": {"tea"}}, Body: io.NopCloser(strings.NewReader(`{"text":"hot"}`))}, err
	}
	got := described(b.request("POST", "/orders/a%20b?x=1", `{"a":1}`, "X-Tag: blue", "X-Secret: s"))
	if d := cmp.Diff("OK\nContent-Length: 14\nContent-Type: application/json\nX-Pot: tea\n\n"+`{"said":"hot"}`, got); d != "" {
		t.Error(d)
	}
	want := "PUT http://back.example/a%20b?fixed=1&from=blue\nstage [\"dev\"], own [\"own\"], none [], secret [], type [\"application/json\"]\n{\"got\":1}"
	if d := cmp.Diff(want, seen); d != "" {
		t.Error(d)
	}
	status = 418
	if got := b.request("POST", "/orders/7", "{}").StatusCode; got != 404 {
		t.Errorf("a status that a pattern fits: %d", got)
	}
	if got := brief(b.request("POST", "/orders/7", "<a/>", "Content-Type: text/xml")); got != `415 {"message":"Unsupported Media Type"}` {
		t.Errorf("a media type without a template: %s", got)
	}
}
