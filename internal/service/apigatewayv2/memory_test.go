package apigatewayv2_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/service/apigatewayv2"
)

// Whoever names a new region with each request fills no memory, and still gets an
// answer.
func TestRegionsOfHosts(t *testing.T) {
	b := open(t)
	b.route("GET /a")
	for i := range 2 * apigatewayv2.MaxScopes {
		host := fmt.Sprintf("%s.execute-api.xx-yy-%d.localhost", b.api, i)
		if r := b.send(b.edge.Gateway(), host, "GET", "/a/b", ""); r.StatusCode != 200 { // that of REST APIs: here are none
			t.Fatalf("%s: %d", host, r.StatusCode)
		}
	}
	if n := b.s.Scopes(); n > apigatewayv2.MaxScopes {
		t.Errorf("%d scopes are kept", n)
	}
	if r := b.request("GET", "/a", ""); r.StatusCode != 200 {
		t.Errorf("the API itself: %d", r.StatusCode)
	}
}

// Limits of routes that are not used any more are forgotten.
func TestBucketsAreForgotten(t *testing.T) {
	b := open(t)
	now := b.model.Now()
	for range 5 {
		now = now.Add(time.Hour)
		if n := b.s.Throttled(9000, now); n > 20_000 {
			t.Fatalf("%d limits are remembered", n)
		}
	}
}
