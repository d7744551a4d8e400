// Package edge is where an application's HTTP requests come in: it finds out
// which API and stage, or which function's URL, a request addresses, gives it a
// trace and a token of work, and hands it to the service.
//
// It does not route within an API and knows no integration: that are the
// services apigateway, which implements [APIs], apigatewayv2, which implements
// [HTTPAPIs], and lambda, which implements [URLs].
//
// An API can be addressed in four ways; an HTTP API's stage $default is not part
// of any:
//
//	http://localhost:3000/users                               the gateway: the application's own port, without the stage
//	http://localhost:4566/_aws/execute-api/{api}/{stage}/users  on the AWS endpoint
//	http://localhost:4566/restapis/{api}/{stage}/_user_request_/users  the older form of the same, of REST APIs
//	http://{api}.execute-api.{region}.…/{stage}/users         by host name, on either port
//
// The URL of a function is http://{id}.lambda-url.{region}.…/ by host name, and
// http://localhost:4566/_aws/lambda-url/{id}/ on the AWS endpoint. Domain names
// that are mapped to APIs are found by their own name.
//
// Where an application has several APIs, the gateway asks them all: see [Route].
//
// Invariants: every request that is served has a token in the ledger from
// before it is read until its answer is written.
package edge

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/work"
)

// Target is an API and a stage, as a request addressed them.
type Target struct {
	Kind   Kind
	Scope  arn.Scope
	API    string
	Stage  string
	Path   string // below the stage, still escaped, beginning with a slash
	Base   string // what stood before Path: "/dev", or "" where the stage is not part of the address
	Mapped string // the part of Base that a domain name's mapping brought, the stage is none of it: "/orders", or ""
	Domain string // host name that was addressed, without the port

	endpoint bool // it was found on the AWS endpoint
}

// APIs serves requests that address an API. Service apigateway implements it.
type APIs interface {
	Server
	// Default returns the API and stage that answer a request on the gateway,
	// where neither is addressed; ok is false when there is none at all.
	Default(ctx context.Context, scope arn.Scope, method, path string) (api, stage string, ok bool, err error)
}

// Edge finds the target of requests.
type Edge struct {
	apis     APIs
	ledger   *work.Ledger
	recorder *record.Recorder
	scope    atomic.Pointer[arn.Scope]

	http HTTPAPIs // nil: there are none
	urls URLs     // nil: there are none
}

// New returns an edge whose APIs are in the given scope until it is moved.
func New(apis APIs, scope arn.Scope, l *work.Ledger, r *record.Recorder) *Edge {
	e := &Edge{apis: apis, ledger: l, recorder: r}
	e.Move(scope)
	return e
}

// Move turns the edge to another account and region: those of the application
// that was deployed last.
func (e *Edge) Move(scope arn.Scope) { e.scope.Store(&scope) }

// Scope returns where the edge's APIs are.
func (e *Edge) Scope() arn.Scope { return *e.scope.Load() }

// Gateway serves the application's own port.
func (e *Edge) Gateway() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if t, ok := e.byHost(r); ok {
			e.serve(w, r, t)
			return
		}
		token := e.ledger.Begin(work.Request, r.Method+" "+r.URL.Path)
		defer token.End()
		path := r.URL.EscapedPath()
		kind, api, stage, ok, err := e.choose(r, path)
		switch {
		case err != nil:
			refuse(w, http.StatusInternalServerError, "Internal server error")
		case !ok:
			refuse(w, http.StatusNotFound, "No API is deployed. `nube deploy DIR` deploys the application in DIR.")
		default:
			e.traced(w, r, Target{Kind: kind, Scope: e.Scope(), API: api, Stage: stage, Path: path, Domain: hostName(r.Host)})
		}
	})
}

// Find tells whether a request on the AWS endpoint addresses an API.
func (e *Edge) Find(r *http.Request) (Target, bool) {
	if t, ok := e.byHost(r); ok {
		return t, true
	}
	path := r.URL.EscapedPath()
	if rest, ok := strings.CutPrefix(path, FunctionURLs); ok && e.urls != nil {
		id, rest, _ := strings.Cut(rest, "/")
		return e.url(r, id, "/"+rest), id != ""
	}
	if rest, ok := strings.CutPrefix(path, "/_aws/execute-api/"); ok {
		api, rest, _ := strings.Cut(rest, "/")
		if e.isHTTP(r, e.Scope(), api) {
			return e.httpTarget(r, e.Scope(), api, "/"+rest), true
		}
		stage, rest, _ := strings.Cut(rest, "/")
		return e.target(r, api, stage, rest), api != "" && stage != ""
	}
	if rest, ok := strings.CutPrefix(path, "/restapis/"); ok {
		head, rest, ok := strings.Cut(rest, "/_user_request_")
		api, stage, _ := strings.Cut(head, "/")
		return e.target(r, api, stage, strings.TrimPrefix(rest, "/")), ok && api != "" && stage != ""
	}
	return Target{}, false
}

// Serve answers a request on the AWS endpoint whose target was found.
func (e *Edge) Serve(w http.ResponseWriter, r *http.Request, t Target) {
	t.endpoint = true
	e.serve(w, r, t)
}

// byHost reads host names of the form {api}.execute-api.{region}.….
func (e *Edge) byHost(r *http.Request) (Target, bool) {
	api, rest, ok := strings.Cut(hostName(r.Host), ".execute-api.")
	if !ok || strings.Contains(api, ".") {
		return e.otherHost(r)
	}
	scope := e.scopeOf(rest)
	if e.isHTTP(r, scope, api) {
		return e.httpTarget(r, scope, api, r.URL.EscapedPath()), true
	}
	stage, path, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	t := e.target(r, api, stage, path)
	t.Scope = scope
	return t, stage != ""
}

// scopeOf is where the rest of a host name says that an API is.
func (e *Edge) scopeOf(rest string) arn.Scope {
	if region, _, ok := strings.Cut(rest, "."); ok && strings.Count(region, "-") >= 2 {
		return arn.In(region, e.scope.Load().Account)
	}
	return e.Scope()
}

func (e *Edge) target(r *http.Request, api, stage, path string) Target {
	return Target{Scope: e.Scope(), API: api, Stage: stage, Path: "/" + path, Base: "/" + stage, Domain: hostName(r.Host)}
}

func (e *Edge) serve(w http.ResponseWriter, r *http.Request, t Target) {
	token := e.ledger.Begin(work.Request, r.Method+" "+t.Path)
	defer token.End()
	e.traced(w, r, t)
}

// traced begins the request's trace, or goes on with the caller's.
func (e *Edge) traced(w http.ResponseWriter, r *http.Request, t Target) {
	ctx := r.Context()
	if c, ok := record.ParseXRay(r.Header.Get(record.XRayHeader)); ok {
		ctx = record.With(ctx, c)
	} else if c, ok := record.ParseTraceparent(r.Header.Get(record.ParentHeader)); ok {
		ctx = record.With(ctx, c)
	}
	service, resource := t.names()
	ctx, hop := e.recorder.Begin(ctx, record.Span{Kind: record.Server, Service: service, Name: r.Method + " " + t.Path, Resource: resource})
	n := &noted{ResponseWriter: w}
	if e.recorder.Exchanges.Kept() {
		n.exchange = begin(r, t)
	}
	e.server(t.Kind).Serve(n, r.WithContext(ctx), t, record.From(ctx).Root())
	n.end(hop, r)
}

// hostName is the host of an authority, without the port.
func hostName(host string) string {
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		host = host[:i]
	}
	return host
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write([]byte(`{"message":"` + message + `"}`))
}
