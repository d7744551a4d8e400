package apigateway_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
)

// TestDomains: a request is found by the domain name that it addresses, and its
// path by the mapping. What a function gets for its path has the mapping's base
// path, and never the stage.
func TestDomains(t *testing.T) {
	b := open(t)
	b.route("GET", "/users")
	b.deploy()
	do(b, shapes.CreateDomainName, &shapes.CreateDomainNameRequest{DomainName: ptr("API.example.com"), EndpointConfiguration: &shapes.EndpointConfiguration{Types: []string{"REGIONAL"}}})
	do(b, shapes.CreateDomainName, &shapes.CreateDomainNameRequest{DomainName: ptr("*.wild.example.com")})
	mapped := func(domain, base, stage string) {
		do(b, shapes.CreateBasePathMapping, &shapes.CreateBasePathMappingRequest{DomainName: &domain, BasePath: &base, RestApiId: &b.api, Stage: &stage})
	}
	mapped("api.example.com", "v1", "dev")
	mapped("api.example.com", "all", "")
	mapped("*.wild.example.com", "", "dev")
	get := func(host, path string) string {
		r := httptest.NewRequest("GET", path, nil)
		r.Host = host
		b.function.events = nil
		w := httptest.NewRecorder()
		b.edge.Gateway().ServeHTTP(w, r)
		if w.Code != 200 {
			return strings.TrimSpace(w.Body.String())
		}
		event := b.function.events[0]
		_, own, _ := strings.Cut(event, `"path":"`)
		own, _, _ = strings.Cut(own, `"`)
		_, rest, _ := strings.Cut(event, `"requestContext":`)
		_, rest, _ = strings.Cut(rest, `"path":"`)
		path, _, _ = strings.Cut(rest, `"`)
		_, rest, _ = strings.Cut(event, `"domainName":"`)
		name, _, _ := strings.Cut(rest, `"`)
		return name + path + " " + own
	}
	const forbidden = `{"message":"Forbidden"}`
	for _, tt := range []struct{ host, path, want string }{
		{"api.example.com", "/v1/users", "api.example.com/v1/users /v1/users"},
		{"api.example.com:3000", "/v1/users?a=1", "api.example.com/v1/users /v1/users"},
		{"api.example.com", "/all/dev/users", "api.example.com/all/dev/users /all/users"},
		{"api.example.com", "/all/none/users", forbidden},
		{"a.wild.example.com", "/users", "a.wild.example.com/users /users"},
		{"localhost", "/users", "localhost/users /users"},
	} {
		if got := get(tt.host, tt.path); got != tt.want {
			t.Errorf("%s%s: %s, want %s", tt.host, tt.path, got, tt.want)
		}
	}
	do(b, shapes.UpdateBasePathMapping, &shapes.UpdateBasePathMappingRequest{DomainName: ptr("api.example.com"), BasePath: ptr("v1"), PatchOperations: []shapes.PatchOperation{
		{Op: ptr("replace"), Path: ptr("/basePath"), Value: ptr("v2")},
	}})
	if got := get("api.example.com", "/v2/users"); got != "api.example.com/v2/users /v2/users" {
		t.Errorf("moved: %s", got)
	}
}
