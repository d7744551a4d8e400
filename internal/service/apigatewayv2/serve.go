package apigatewayv2

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/edge"
	"github.com/nube-run/nube/internal/edge/proxy"
)

// maxPayload is API Gateway's limit of a request's body.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
const maxPayload = 10 << 20

// exchange is one request that a stage answers.
type exchange struct {
	s      *Service
	plan   *plan
	target edge.Target
	r      *http.Request
	w      http.ResponseWriter

	id     string // request id
	trace  string // X-Amzn-Trace-Id
	at     clock.Instant
	began  time.Time
	route  *route
	params map[string]string
	body   []byte
	actor  awsapi.Actor // of AWS_IAM authorisation
	caller caller       // of an authorizer

	status      int // of the answer
	length      int
	integrated  int // status of the integration; 0 when there was none
	integration time.Duration
	problem     string // of the integration, for logs
}

// failure is an answer that API Gateway itself gives.
type failure struct {
	status  int
	message string
	header  http.Header
}

func fail(status int, message string) *failure { return &failure{status: status, message: message} }

func internal() *failure {
	return fail(http.StatusInternalServerError, "Internal Server Error")
}

func forbidden() *failure { return fail(http.StatusForbidden, "Forbidden") }

// Serve implements [edge.Server].
func (s *Service) Serve(w http.ResponseWriter, r *http.Request, t edge.Target, trace string) {
	x := &exchange{s: s, target: t, r: r, w: w, id: requestID(), trace: trace, at: s.Clock.Now(), began: s.machine.Now()}
	answer, f := x.run(r.Context())
	if f != nil {
		answer = proxy.Answer{Status: f.status, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"message":"` + f.message + `"}`)}
		for k, vs := range f.header {
			answer.Header[k] = vs
		}
	}
	x.send(answer)
	if x.plan == nil {
		return
	}
	if x.plan.access != nil {
		x.log(f)
	}
	if m := x.plan.meter; m != nil {
		m.Served(x.status, s.machine.Since(x.began), x.integration, len(x.body)+x.length)
	}
}

// requestID is an id as HTTP APIs give their requests.
func requestID() string {
	var b [11]byte
	rand.Read(b[:])
	return base64.StdEncoding.EncodeToString(b[:])
}

// send writes the answer, dressed for CORS.
func (x *exchange) send(a proxy.Answer) {
	a.Header.Set("Apigw-Requestid", x.id)
	if x.plan != nil && x.plan.cors != nil && !x.preflight() {
		x.plan.cors.Dress(a.Header, x.r)
	}
	x.status, x.length = a.Status, len(a.Body)
	a.Write(x.w, x.r)
}

// preflight reports whether the API itself answers for CORS.
func (x *exchange) preflight() bool { return x.plan.cors != nil && proxy.IsPreflight(x.r) }

// run finds out what answers the request, or says why API Gateway itself has to.
func (x *exchange) run(ctx context.Context) (proxy.Answer, *failure) {
	p, err := x.s.find(ctx, &x.target)
	if err != nil {
		return x.internal("reading the stage", err)
	}
	if p == nil {
		return proxy.Answer{}, fail(http.StatusNotFound, "Not Found")
	}
	x.plan = p
	var values []string
	if x.route, values = p.match(x.r.Method, x.target.Path); x.route == nil {
		if x.preflight() {
			return p.cors.Preflight(x.r), nil
		}
		return proxy.Answer{}, fail(http.StatusNotFound, "Not Found")
	}
	x.name(values)
	if l := x.route.limit; l != nil && !x.s.buckets.take(bucketKey{x.target.Scope, x.target.API, x.target.Stage, *x.route.RouteId}, *l, x.at) {
		return proxy.Answer{}, fail(http.StatusTooManyRequests, "Too Many Requests")
	}
	if x.body, err = io.ReadAll(io.LimitReader(x.r.Body, maxPayload+1)); err != nil {
		return proxy.Answer{}, fail(http.StatusBadRequest, "Bad Request")
	}
	if len(x.body) > maxPayload {
		return proxy.Answer{}, fail(http.StatusRequestEntityTooLarge, "Request Entity Too Large")
	}
	if f := x.authorize(ctx); f != nil {
		return proxy.Answer{}, f
	}
	// After the authorizer: a $default route that has one needs a route for
	// OPTIONS that has none.
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
	if x.preflight() {
		return p.cors.Preflight(x.r), nil
	}
	return x.integrate(ctx)
}

// name gives the values of the path's variables their names.
func (x *exchange) name(values []string) {
	if len(values) == 0 {
		return
	}
	x.params = make(map[string]string, len(values))
	for i, v := range values {
		x.params[x.route.names[i]] = v
	}
}

// integrate passes the request to the route's integration.
func (x *exchange) integrate(ctx context.Context) (proxy.Answer, *failure) {
	i := x.route.integration
	if i == nil {
		x.s.Log.Warn("apigatewayv2: the route has no integration", "request", x.id, "api", x.target.API, "route", *x.route.RouteKey)
		return proxy.Answer{}, internal()
	}
	ctx, cancel := x.s.Hold.WithTimeout(ctx, x.s.machine, time.Duration(*i.TimeoutInMillis)*time.Millisecond)
	defer cancel()
	began := x.s.machine.Now()
	defer func() { x.integration = x.s.machine.Since(began) }()
	request, f := x.mapRequest(i)
	if f != nil {
		return proxy.Answer{}, f
	}
	var a proxy.Answer
	if *i.IntegrationType == "AWS_PROXY" {
		a, f = x.callFunction(ctx, i, request)
	} else {
		a, f = x.callBackend(ctx, i, request)
	}
	if f != nil {
		return a, f
	}
	x.integrated = a.Status
	return x.mapAnswer(i, a)
}

// executeARN names the request as policies do.
func (x *exchange) executeARN() arn.ARN {
	return x.target.Scope.Execute(x.target.API, x.target.Stage, x.r.Method, strings.TrimPrefix(x.target.Path, "/"))
}

// routeARN names the route, as the permissions of functions do.
func (x *exchange) routeARN() arn.ARN {
	if x.route.path == "" {
		return x.target.Scope.Of("execute-api", x.target.API+"/"+x.target.Stage+"/"+defaultRoute)
	}
	return x.target.Scope.Execute(x.target.API, x.target.Stage, x.r.Method, x.route.path)
}

// internal is a failure of ours; what it was stands in the log.
func (x *exchange) internal(what string, err error) (proxy.Answer, *failure) {
	x.s.Log.Error("apigatewayv2: "+what, "request", x.id, "api", x.target.API, "err", err)
	x.problem = what
	return proxy.Answer{}, internal()
}

// rawPath is the path with the stage where it has a name.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func (x *exchange) rawPath(path string) string {
	if x.target.Stage == defaultStage {
		return path
	}
	return "/" + x.target.Stage + path
}
