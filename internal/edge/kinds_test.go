package edge_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk"
	"github.com/nube-run/nube/internal/edge"
	"github.com/nube-run/nube/internal/record"
)

// httpAPIs has the HTTP API web, whose route fits as it is told.
type httpAPIs struct {
	fit     edge.Fit
	created clock.Instant
	none    bool
}

func (h *httpAPIs) Serve(w http.ResponseWriter, _ *http.Request, t edge.Target, _ string) {
	fmt.Fprintf(w, "HTTP %s %s/%s path %s base %q", t.Scope.Region, t.API, t.Stage, t.Path, t.Base)
}

func (h *httpAPIs) Has(_ context.Context, _ arn.Scope, api string) (bool, error) {
	return api == "web", nil
}

func (h *httpAPIs) Best(context.Context, arn.Scope, string, string) (edge.Route, bool, error) {
	return edge.Route{API: "web", Stage: "$default", Fit: h.fit, Created: h.created}, !h.none, nil
}

func (h *httpAPIs) Domain(_ context.Context, scope arn.Scope, domain, path string) (edge.Target, bool, error) {
	return edge.Target{Kind: edge.HTTP, Scope: scope, API: "web", Stage: "v1", Path: path}, domain == "api.example.com", nil
}

// chooser is REST APIs that can be weighed.
type chooser struct {
	*apis
	fit edge.Fit
}

func (c *chooser) Best(context.Context, arn.Scope, string, string) (edge.Route, bool, error) {
	return edge.Route{API: "main", Stage: "dev", Fit: c.fit, Created: 5}, !c.none, nil
}

// recorded is a recorder of nothing that anybody reads.
func recorded(t *testing.T) *record.Recorder {
	t.Helper()
	r, err := record.Open(record.Options{FS: disk.Mem(), Dir: "records", Model: clock.NewModel(clock.State{})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// urls serves function URLs.
type urls struct{}

func (urls) Serve(w http.ResponseWriter, _ *http.Request, t edge.Target, _ string) {
	fmt.Fprintf(w, "URL %s %s path %s", t.Scope.Region, t.API, t.Path)
}

func TestKinds(t *testing.T) {
	e, _ := open(t)
	e.Add(&httpAPIs{}, urls{})
	for url, want := range map[string]string{
		"http://web.execute-api.us-west-2.amazonaws.com/a/b":    `HTTP us-west-2 web/ path /a/b base ""`,
		"http://web.execute-api.localhost/":                     `HTTP eu-central-1 web/ path / base ""`,
		"http://localhost:4566/_aws/execute-api/web/dev/a":      `HTTP eu-central-1 web/ path /dev/a base ""`,
		"http://localhost:4566/_aws/execute-api/web":            `HTTP eu-central-1 web/ path / base ""`,
		"http://other.execute-api.localhost/dev/a":              `eu-central-1 other/dev path /a base "/dev" domain other.execute-api.localhost busy 1`,
		"http://api.example.com/x":                              `HTTP eu-central-1 web/v1 path /x base ""`,
		"http://abc.lambda-url.us-west-2.on.aws/a/b":            `URL us-west-2 abc path /a/b`,
		"http://localhost:4566/_aws/lambda-url/abc/a%2Fb":       `URL eu-central-1 abc path /a%2Fb`,
		"http://localhost:4566/_aws/lambda-url/abc":             `URL eu-central-1 abc path /`,
		"http://localhost:4566/_aws/lambda-url/":                `no API`,
		"http://www.example.com/x":                              `no API`,
		"http://localhost:4566/2015-03-31/functions/f/versions": `no API`,
	} {
		if got := get(endpoint(e), url).Body.String(); got != want {
			t.Errorf("%s: %s, want %s", url, got, want)
		}
	}
}

// TestChoice: on the gateway the API answers whose route fits closest, among
// equals the oldest.
func TestChoice(t *testing.T) {
	for _, tt := range []struct {
		name       string
		rest, http edge.Fit
		created    clock.Instant
		noREST     bool
		noHTTP     bool
		want       string
	}{
		{"closer REST", edge.Exact, edge.Greedy, 1, false, false, "main"},
		{"closer HTTP", edge.Greedy, edge.Variable, 9, false, false, "web"},
		{"the same, and REST is older", edge.Exact, edge.Exact, 9, false, false, "main"},
		{"the same, and HTTP is older", edge.Exact, edge.Exact, 1, false, false, "web"},
		{"REST has no route", edge.NoRoute, edge.CatchAll, 9, false, false, "web"},
		{"no REST API", edge.NoRoute, edge.NoRoute, 9, true, false, "web"},
		{"no HTTP API", edge.NoRoute, edge.NoRoute, 1, false, true, "main"},
	} {
		e, a := open(t)
		a.none = tt.noREST
		weighed := edge.New(&chooser{a, tt.rest}, e.Scope(), a.ledger, recorded(t))
		weighed.Add(&httpAPIs{fit: tt.http, created: tt.created, none: tt.noHTTP}, nil)
		got := get(weighed.Gateway(), "http://localhost:3000/a").Body.String()
		if api := map[bool]string{true: "web", false: "main"}[got[:4] == "HTTP"]; api != tt.want {
			t.Errorf("%s: %s", tt.name, got)
		}
	}
}

func TestFitOf(t *testing.T) {
	for path, want := range map[string]edge.Fit{"/a": edge.Exact, "/": edge.Exact, "/a/{b}": edge.Variable, "/{a}/{b+}": edge.Greedy} {
		if got := edge.FitOf(path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
}
