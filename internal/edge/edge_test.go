package edge_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk"
	"github.com/nube-run/nube/internal/edge"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/work"
)

// apis serves by saying what was addressed.
type apis struct {
	ledger *work.Ledger
	none   bool
	err    error
}

func (a *apis) Serve(w http.ResponseWriter, r *http.Request, t edge.Target, trace string) {
	w.Header().Set("Trace", trace)
	fmt.Fprintf(w, "%s %s/%s path %s base %q domain %s busy %d", t.Scope.Region, t.API, t.Stage, t.Path, t.Base, t.Domain, len(a.ledger.Entries()))
}

func (a *apis) Default(_ context.Context, _ arn.Scope, method, path string) (api, stage string, ok bool, err error) {
	return "main", "dev", !a.none, a.err
}

func open(t *testing.T) (*edge.Edge, *apis) {
	t.Helper()
	recorder, err := record.Open(record.Options{FS: disk.Mem(), Dir: "records", Model: clock.NewModel(clock.State{})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { recorder.Close() })
	a := &apis{ledger: work.NewLedger()}
	return edge.New(a, arn.In("eu-central-1", "123456789012"), a.ledger, recorder), a
}

// endpoint is the AWS endpoint: what addresses no API is not found.
func endpoint(e *edge.Edge) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if t, ok := e.Find(r); ok {
			e.Serve(w, r, t)
			return
		}
		fmt.Fprint(w, "no API")
	})
}

func get(h http.Handler, url string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", url, nil)
	for _, h := range headers {
		k, v, _ := strings.Cut(h, ": ")
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestAddresses(t *testing.T) {
	e, a := open(t)
	tests := []struct {
		name, url string
		handler   http.Handler
		want      string
	}{
		{"gateway", "http://localhost:3000/users/a%2Fb?x=1", e.Gateway(), `eu-central-1 main/dev path /users/a%2Fb base "" domain localhost busy 1`},
		{"host name on the gateway", "http://abc.execute-api.us-west-2.amazonaws.com/prod/users", e.Gateway(),
			`us-west-2 abc/prod path /users base "/prod" domain abc.execute-api.us-west-2.amazonaws.com busy 1`},
		{"host name on the endpoint", "http://abc.execute-api.localhost:4566/prod", endpoint(e), `eu-central-1 abc/prod path / base "/prod" domain abc.execute-api.localhost busy 1`},
		{"path", "http://localhost:4566/_aws/execute-api/abc/prod/users/7", endpoint(e), `eu-central-1 abc/prod path /users/7 base "/prod" domain localhost busy 1`},
		{"older path", "http://localhost:4566/restapis/abc/prod/_user_request_/users/7", endpoint(e), `eu-central-1 abc/prod path /users/7 base "/prod" domain localhost busy 1`},
		{"older path, root", "http://localhost:4566/restapis/abc/prod/_user_request_", endpoint(e), `eu-central-1 abc/prod path / base "/prod" domain localhost busy 1`},
		{"API Gateway's own API", "http://localhost:4566/restapis/abc/resources", endpoint(e), "no API"},
		{"no stage", "http://localhost:4566/_aws/execute-api/abc", endpoint(e), "no API"},
		{"host name without a stage", "http://abc.execute-api.localhost:4566/", endpoint(e), "no API"},
		{"IPv6", "http://[::1]:3000/", e.Gateway(), `eu-central-1 main/dev path / base "" domain [::1] busy 1`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, get(tt.handler, tt.url).Body.String()); d != "" {
				t.Error(d)
			}
		})
	}
	if n := len(a.ledger.Entries()); n != 0 {
		t.Errorf("%d requests are still under way", n)
	}
	e.Move(arn.In("sa-east-1", "123456789012"))
	if got := get(e.Gateway(), "http://localhost:3000/").Body.String(); !strings.HasPrefix(got, "sa-east-1 ") {
		t.Errorf("after moving: %s", got)
	}
}

func TestNothingToServe(t *testing.T) {
	e, a := open(t)
	a.none = true
	if w := get(e.Gateway(), "http://localhost:3000/"); w.Code != 404 || !strings.Contains(w.Body.String(), "No API is deployed") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	a.err = context.Canceled
	if w := get(e.Gateway(), "http://localhost:3000/"); w.Code != 500 || w.Body.String() != `{"message":"Internal server error"}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestTraces: a request goes on with its caller's trace, or begins one.
func TestTraces(t *testing.T) {
	e, _ := open(t)
	const root = "Root=1-67891233-abcdef012345678912345678"
	if got := get(e.Gateway(), "http://localhost:3000/", "X-Amzn-Trace-Id: "+root+";Parent=53995c3f42cd8ad8;Sampled=1").Header().Get("Trace"); !strings.HasPrefix(got, root+";") {
		t.Errorf("X-Ray: %s", got)
	}
	got := get(e.Gateway(), "http://localhost:3000/", "Traceparent: 00-67891233abcdef012345678912345678-53995c3f42cd8ad8-01").Header().Get("Trace")
	if !strings.HasPrefix(got, root+";") {
		t.Errorf("W3C: %s", got)
	}
	one, two := get(e.Gateway(), "http://localhost:3000/").Header().Get("Trace"), get(e.Gateway(), "http://localhost:3000/").Header().Get("Trace")
	if !strings.HasPrefix(one, "Root=1-") || one == two {
		t.Errorf("new ones: %s and %s", one, two)
	}
}
