package apigateway_test

import (
	"fmt"
	"net/http/httptest"
	"testing"
)

// Whoever names a new region with each request has none of them watched.
func TestRegionsOfHosts(t *testing.T) {
	b := open(t)
	b.route("GET", "/a")
	b.deploy()
	get := func(region string) int {
		r := httptest.NewRequest("GET", "http://"+b.api+".execute-api."+region+".localhost/dev/a", nil)
		w := httptest.NewRecorder()
		b.edge.Gateway().ServeHTTP(w, r)
		return w.Code
	}
	if r := get(scope.Region); r != 200 {
		t.Fatalf("the API itself: %d", r)
	}
	before := b.gateway.Watched()
	for i := range 50 {
		if r := get(fmt.Sprint("xx-yy-", i)); r == 200 {
			t.Fatalf("region %d answers", i)
		}
	}
	if after := b.gateway.Watched(); after != before {
		t.Errorf("%d regions are watched, before there were %d", after, before)
	}
}
