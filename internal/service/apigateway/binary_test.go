package apigateway_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
)

// TestContentHandling: bytes travel through the JSON of a function as Base64.
func TestContentHandling(t *testing.T) {
	b := open(t)
	b.route("POST", "/", func(_ *shapes.PutMethodRequest, i *shapes.PutIntegrationRequest) {
		i.Type, i.ContentHandling = ptr("AWS"), ptr("CONVERT_TO_TEXT")
		i.RequestTemplates = map[string]string{"image/png": `{"image":"$input.body"}`, "text/plain": `{"text":"$input.body"}`}
	})
	do(b, shapes.PutIntegrationResponse, &shapes.PutIntegrationResponseRequest{
		RestApiId: &b.api, ResourceId: b.at("/"), HttpMethod: ptr("POST"), StatusCode: ptr("200"), ContentHandling: ptr("CONVERT_TO_BINARY"),
		ResponseParameters: map[string]string{"method.response.header.Content-Type": "'image/png'"},
	})
	b.deploy()
	b.function.says(`"iVBO"`)
	r := b.request("POST", "/", "\x89PNG", "Content-Type: image/png")
	if got := brief(r); got != "200 \x89PN" || r.Header.Get("Content-Type") != "image/png" {
		t.Errorf("%q of %s", got, r.Header.Get("Content-Type"))
	}
	if got := b.function.events[0]; got != `{"image":"iVBORw=="}` {
		t.Errorf("the function got %s", got)
	}
	b.request("POST", "/", "plain", "Content-Type: text/plain")
	if got := b.function.events[1]; got != `{"text":"plain"}` {
		t.Errorf("the function got %s", got)
	}
	b.function.says(`"???"`)
	if got := brief(b.request("POST", "/", "x", "Content-Type: text/plain")); got != `500 {"message":"Internal server error"}` {
		t.Errorf("what is no Base64: %s", got)
	}
}

// TestDisabledEndpoint: an API without its execute-api endpoint answers by its
// other names alone.
func TestDisabledEndpoint(t *testing.T) {
	b := open(t)
	b.route("GET", "/users")
	do(b, shapes.UpdateRestApi, &shapes.UpdateRestApiRequest{RestApiId: &b.api, PatchOperations: []shapes.PatchOperation{
		{Op: ptr("replace"), Path: ptr("/disableExecuteApiEndpoint"), Value: ptr("true")},
	}})
	b.deploy()
	get := func(host, path string) string {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host = host
		w := httptest.NewRecorder()
		b.edge.Gateway().ServeHTTP(w, r)
		return brief(w.Result())
	}
	if got := get(b.api+".execute-api.eu-central-1.amazonaws.com", "/dev/users"); got != `403 {"message":"Forbidden"}` {
		t.Errorf("by the endpoint: %s", got)
	}
	if got := get("localhost:3000", "/users"); got != "200 ok" {
		t.Errorf("by the gateway: %s", got)
	}
}
