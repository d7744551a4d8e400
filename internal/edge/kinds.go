package edge

import (
	"context"
	"net/http"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
)

// FunctionURLs is the path on the AWS endpoint below which the URLs of functions
// are found by their ids.
const FunctionURLs = "/_aws/lambda-url/"

// Kind is what a request addresses.
type Kind uint8

// The kinds of targets.
const (
	REST     Kind = iota // a REST API
	HTTP                 // an HTTP API
	Function             // the URL of a function
)

// Server answers requests to targets of one kind.
type Server interface {
	// Serve answers a request; trace is its X-Amzn-Trace-Id.
	Serve(w http.ResponseWriter, r *http.Request, t Target, trace string)
}

// HTTPAPIs serves HTTP APIs. Service apigatewayv2 implements it. Where a
// target's Stage is empty, the path's first segment may be one.
type HTTPAPIs interface {
	Server
	// Has reports whether an API is one of these.
	Has(ctx context.Context, scope arn.Scope, api string) (bool, error)
	// Best returns the API that answers a request on the gateway best; ok is
	// false when there is none at all.
	Best(ctx context.Context, scope arn.Scope, method, path string) (r Route, ok bool, err error)
	Domains
}

// Domains finds the API to which a domain name and a path are mapped. [APIs]
// may implement it.
type Domains interface {
	Domain(ctx context.Context, scope arn.Scope, domain, path string) (t Target, ok bool, err error)
}

// URLs serves the URLs of functions, whose id is a target's API. Service lambda
// implements it.
type URLs interface{ Server }

// Chooser is implemented by [APIs] that can be weighed against HTTP APIs.
type Chooser interface {
	Best(ctx context.Context, scope arn.Scope, method, path string) (r Route, ok bool, err error)
}

// Route is how well an API answers a request on the gateway, where no API is
// addressed. Of several, the one whose route fits closest answers; among equals
// the oldest. When no route fits, the oldest API says so.
type Route struct {
	API, Stage string
	Fit        Fit
	Created    clock.Instant // of the API
}

// Fit is how closely a route fits a request.
type Fit uint8

// The fits, from none to closest.
const (
	NoRoute  Fit = iota
	CatchAll     // the route $default
	Greedy       // a path that ends in a greedy variable
	Variable     // a path with variables
	Exact        // the path itself
)

// FitOf is how closely a route's path fits what it matches.
func FitOf(path string) Fit {
	switch {
	case strings.Contains(path, "+}"):
		return Greedy
	case strings.Contains(path, "{"):
		return Variable
	}
	return Exact
}

// closer reports whether a route is to be taken before another.
func (r Route) closer(o Route) bool {
	if r.Fit != o.Fit {
		return r.Fit > o.Fit
	}
	return r.Created < o.Created
}

// Add gives the edge what it serves besides REST APIs. It must be called before
// the edge serves.
func (e *Edge) Add(apis HTTPAPIs, urls URLs) { e.http, e.urls = apis, urls }

// choose finds the API that answers a request on the gateway.
func (e *Edge) choose(r *http.Request, path string) (kind Kind, api, stage string, ok bool, err error) {
	ctx, scope := r.Context(), e.Scope()
	if e.http != nil {
		best, has, err := e.http.Best(ctx, scope, r.Method, path)
		if err != nil {
			return HTTP, "", "", false, err
		}
		if has {
			if c, is := e.apis.(Chooser); is {
				rest, any, err := c.Best(ctx, scope, r.Method, path)
				if err != nil || any && rest.closer(best) {
					return REST, rest.API, rest.Stage, any, err
				}
			}
			return HTTP, best.API, best.Stage, true, nil
		}
	}
	api, stage, ok, err = e.apis.Default(ctx, scope, r.Method, path)
	return REST, api, stage, ok, err
}

// server is what answers for a kind.
func (e *Edge) server(k Kind) Server {
	switch k {
	case HTTP:
		return e.http
	case Function:
		return e.urls
	}
	return e.apis
}

// isHTTP reports whether an API is an HTTP API. What cannot be read is left to
// service apigateway, which will fail to read it as well.
func (e *Edge) isHTTP(r *http.Request, scope arn.Scope, api string) bool {
	if e.http == nil {
		return false
	}
	has, err := e.http.Has(r.Context(), scope, api)
	return has && err == nil
}

func (e *Edge) httpTarget(r *http.Request, scope arn.Scope, api, path string) Target {
	return Target{Kind: HTTP, Scope: scope, API: api, Path: path, Domain: hostName(r.Host)}
}

func (e *Edge) url(r *http.Request, id, path string) Target {
	return Target{Kind: Function, Scope: e.Scope(), API: id, Path: path, Domain: hostName(r.Host)}
}

// otherHost reads the host names of functions' URLs, and those that are mapped
// to APIs.
func (e *Edge) otherHost(r *http.Request) (Target, bool) {
	host := hostName(r.Host)
	if id, rest, ok := strings.Cut(host, ".lambda-url."); ok && e.urls != nil && !strings.Contains(id, ".") {
		t := e.url(r, id, r.URL.EscapedPath())
		t.Scope = e.scopeOf(rest)
		return t, true
	}
	if e.http != nil {
		if t, ok := e.mapped(e.http, r, host); ok {
			return t, true
		}
	}
	if d, ok := e.apis.(Domains); ok {
		return e.mapped(d, r, host)
	}
	return Target{}, false
}

// mapped asks for the target of a domain name. One that cannot be read is as
// good as none.
func (e *Edge) mapped(d Domains, r *http.Request, host string) (Target, bool) {
	t, ok, err := d.Domain(r.Context(), e.Scope(), host, r.URL.EscapedPath())
	if err != nil || !ok {
		return Target{}, false
	}
	t.Domain = host
	return t, true
}

// names are the service and the resource of a target, for its span.
func (t Target) names() (service, resource string) {
	switch t.Kind {
	case HTTP:
		return "apigateway", t.Scope.HTTPAPI(t.API).String()
	case Function:
		return "lambda", "" // the invocation, which follows, names its function
	}
	return "apigateway", t.Scope.RestAPI(t.API).String()
}
