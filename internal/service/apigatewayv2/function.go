package apigatewayv2

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/edge/proxy"
	"github.com/nube-run/nube/internal/fault"
)

// event is a request as functions get it.
func (x *exchange) event(r *request) *proxy.Request {
	path := x.rawPath(r.path)
	q := &proxy.Request{
		HTTP: r.http, Body: x.body, ID: x.id, Trace: x.trace, At: x.at, Account: x.target.Scope.Account, API: x.target.API, Domain: x.target.Domain,
		Stage: x.target.Stage, Path: path, Mapped: path, RouteKey: *x.route.RouteKey, Params: x.params, Variables: x.plan.stage.StageVariables,
	}
	if x.target.Base != "/"+x.target.Stage {
		q.Mapped = x.target.Base + r.path
	}
	if x.route.path == "" && len(q.Params) == 0 {
		q.Params = nil
	}
	if k := x.actor; k.KeyID != "" || k.UserID != "" {
		q.Identity = proxy.Identity{AccessKey: k.KeyID, Account: k.Account, Caller: k.UserID, User: k.UserID, ARN: k.Principal.ARN.String()}
	}
	return q
}

// callFunction calls the function of an integration with the request.
func (x *exchange) callFunction(ctx context.Context, i *shapes.Integration, r *request) (proxy.Answer, *failure) {
	q := x.event(r)
	var payload []byte
	if *i.PayloadFormatVersion == "2.0" {
		q.Authorizer = x.caller.format2
		payload = q.Event2()
	} else {
		q.Authorizer = x.caller.format1
		if q.Authorizer == nil {
			q.Authorizer = []byte(`{"claims":null,"scopes":null}`)
		}
		payload = q.Event1()
	}
	fn, ok := functionOf(x.expand(*i.IntegrationUri))
	if !ok {
		return x.internal("integration", errors.New("no function in "+*i.IntegrationUri))
	}
	out, f := x.invoke(ctx, fn, x.routeARN(), i.CredentialsArn, payload)
	if f != nil {
		return proxy.Answer{}, f
	}
	if out.Failed {
		x.problem = "The function reported an error"
		return proxy.Answer{}, internal()
	}
	var a proxy.Answer
	var err error
	if *i.PayloadFormatVersion == "2.0" {
		a, err = proxy.Read2(out.Payload, true)
	} else {
		a, err = proxy.Read1(out.Payload)
	}
	if err != nil {
		x.problem = err.Error()
		x.s.Log.Warn("apigatewayv2: the function's answer cannot be used", "request", x.id, "function", fn, "err", err)
		return proxy.Answer{}, internal()
	}
	if a.Header.Get("Content-Type") == "" && a.Status != http.StatusNoContent {
		a.Header.Set("Content-Type", "text/plain; charset=utf-8")
	}
	return a, nil
}

// invoke calls a function for the API; source is what the function's permissions
// may name, credentials a role to call it with.
func (x *exchange) invoke(ctx context.Context, fn, source arn.ARN, credentials *string, payload []byte) (Outcome, *failure) {
	var out Outcome
	actor, err := x.acting(ctx, source, credentials)
	if err == nil {
		called := awsapi.With(ctx, &awsapi.Call{ID: awsapi.NewID(), Scope: x.target.Scope, Actor: actor})
		out, err = x.s.Invoke.Invoke(called, fn, payload)
	}
	switch {
	case err == nil:
		return out, nil
	case errors.Is(err, context.DeadlineExceeded), fault.Is(err, "TooManyRequestsException"):
		x.problem = err.Error()
		return out, fail(http.StatusServiceUnavailable, "Service Unavailable")
	case fault.Is(err, "RequestTooLargeException"):
		x.problem = err.Error()
		return out, fail(http.StatusRequestEntityTooLarge, "Request Entity Too Large")
	}
	x.problem = err.Error()
	x.s.Log.Warn("apigatewayv2: the function could not be called", "request", x.id, "function", fn, "err", err)
	return out, internal()
}

// expand replaces the stage variables in an integration's URI.
func (x *exchange) expand(s string) string {
	for k, v := range x.plan.stage.StageVariables {
		s = strings.ReplaceAll(s, "${stageVariables."+k+"}", v)
	}
	return s
}
