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
