package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/awsapi/wire"
	"github.com/nube-run/nube/internal/edge"
	"github.com/nube-run/nube/internal/edge/proxy"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/runner"
)

// Authenticator verifies the signatures of requests to function URLs, and judges
// who may call them. It is the front.
type Authenticator interface {
	Authenticate(r *http.Request, service string, body []byte) (awsapi.Actor, error)
	Judge(ctx context.Context, need awsapi.Access, docs ...*policy.Doc) (policy.Decision, error)
	Refuse(ctx context.Context, need awsapi.Access, d policy.Decision) error
}

// URLs serves the URLs of functions. It implements [edge.URLs].
type URLs struct {
	s    *Service
	auth Authenticator
}

// URLs returns what serves the URLs of the service's functions.
func (s *Service) URLs(a Authenticator) *URLs { return &URLs{s, a} }

// maxURL is the largest body of a request and of an answer.
const maxURL = 6 << 20

// visit is one request to a URL.
type visit struct {
	*URLs
	r      *http.Request
	target edge.Target
	id     string
	trace  string
	url    *functionURL
	body   []byte
	actor  awsapi.Actor
}

// Serve implements [edge.Server].
func (us *URLs) Serve(w http.ResponseWriter, r *http.Request, t edge.Target, trace string) {
	v := &visit{URLs: us, r: r, target: t, id: awsapi.NewID(), trace: trace}
	ctx := awsapi.With(r.Context(), &awsapi.Call{
		ID: v.id, Scope: t.Scope, SourceIP: proxy.SourceIP(r), UserAgent: r.UserAgent(), Host: r.Host, TLS: r.TLS != nil,
	})
	a := v.answer(ctx)
	a.Header.Set("X-Amzn-Requestid", v.id)
	if trace != "" {
		a.Header.Set("X-Amzn-Trace-Id", trace)
	}
	a.Write(w, r)
}

// complaint is an answer of Lambda's own.
func complaint(status int, code, body string) proxy.Answer {
	return proxy.Answer{Status: status, Header: http.Header{"Content-Type": {"application/json"}, "X-Amzn-Errortype": {code}}, Body: []byte(body)}
}

// forbiddenURL is the answer to whoever may not call a URL, and for one that does
// not exist.
func forbiddenURL() proxy.Answer {
	return complaint(http.StatusForbidden, "AccessDeniedException", `{"Message":"Forbidden"}`)
}

func (v *visit) failed(err error) proxy.Answer {
	if errors.Is(err, context.Canceled) {
		return complaint(499, "RequestCanceled", `{"Message":null}`)
	}
	return complaint(http.StatusInternalServerError, "ServiceException", `{"Message":null}`)
}

// answer finds out what answers the request.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
func (v *visit) answer(ctx context.Context) proxy.Answer {
	f, r, u, err := v.s.urlOwner(ctx, v.target.API)
	if err != nil {
		return v.failed(err)
	}
	if f == nil || u == nil {
		return forbiddenURL()
	}
	v.url = u
	cors := corsOf(u.CORS)
	if cors != nil && proxy.IsPreflight(v.r) {
		a := cors.Preflight(v.r)
		a.Status = http.StatusOK
		return a
	}
	if v.body, err = io.ReadAll(io.LimitReader(v.r.Body, maxURL+1)); err != nil {
		return complaint(http.StatusBadRequest, "BadRequestException", `{"Message":"Bad Request"}`)
	}
	if len(v.body) > maxURL {
		return complaint(http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", `{"Message":"Request Entity Too Large"}`)
	}
	a, ok := v.authorize(ctx, r)
	if ok {
		a = v.invoke(ctx, r)
	}
	if cors != nil {
		cors.Dress(a.Header, v.r)
	}
	return a
}

func corsOf(c *shapes.Cors) *proxy.CORS {
	if c == nil {
		return nil
	}
	return &proxy.CORS{
		Credentials: value(c.AllowCredentials), Headers: c.AllowHeaders, Methods: c.AllowMethods, Origins: c.AllowOrigins, Expose: c.ExposeHeaders,
		MaxAge: value(c.MaxAge), HasMaxAge: c.MaxAge != nil,
	}
}

// authorize finds out who calls, if the URL asks for that, and judges the caller
// by its own policies and the function's: to call a URL takes the permission to
// use it and the one to invoke the function by it.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
func (v *visit) authorize(ctx context.Context, r ref) (proxy.Answer, bool) {
	if v.url.Auth == "AWS_IAM" {
		actor, err := v.auth.Authenticate(v.r, "lambda", v.body)
		if e, coded := fault.As(err); coded {
			return complaint(http.StatusForbidden, e.Code, `{"Message":`+string(wire.AppendString(nil, e.Message))+`}`), false
		}
		if err != nil {
			return v.failed(err), false
		}
		v.actor = actor
		ctx = awsapi.As(ctx, actor)
	}
	resource := r.arn(v.target.Scope)
	doc, err := v.s.ResourcePolicy(ctx, resource)
	if err != nil {
		return v.failed(err), false
	}
	auth := policy.One(v.url.Auth)
	for _, need := range []awsapi.Access{
		{Action: "lambda:InvokeFunctionUrl", Resource: resource, Keys: policy.KeyMap{"lambda:functionurlauthtype": auth}},
		{Action: "lambda:InvokeFunction", Resource: resource, Keys: policy.KeyMap{"lambda:functionurlauthtype": auth, "lambda:invokedviafunctionurl": policy.Bool(true)}},
	} {
		d, err := v.auth.Judge(ctx, need, doc)
		if err != nil {
			return v.failed(err), false
		}
		if v.auth.Refuse(ctx, need, d) != nil {
			return forbiddenURL(), false
		}
	}
	return proxy.Answer{}, true
}

// invoke calls the function.
func (v *visit) invoke(ctx context.Context, r ref) proxy.Answer {
	t, err := v.s.target(ctx, r)
	if err != nil {
		return v.failed(err)
	}
	res, err := v.s.run(ctx, t, runner.Invocation{RequestID: v.id, ARN: r.arn(v.target.Scope), Payload: v.event()})
	switch {
	case fault.Is(err, "TooManyRequestsException"):
		return complaint(http.StatusTooManyRequests, "TooManyRequestsException", `{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}`)
	case err != nil:
		return v.failed(err)
	case res.Fault != nil:
		return badFunction()
	}
	a, err := proxy.Read2(res.Payload, false)
	if err != nil || len(a.Body) > maxURL {
		return badFunction()
	}
	if a.Header.Get("Content-Type") == "" && len(a.Body) > 0 {
		a.Header.Set("Content-Type", "application/json")
	}
	return a
}

// badFunction is the answer when a function failed, or answered what is no
// answer.
func badFunction() proxy.Answer {
	return complaint(http.StatusBadGateway, "InternalServerErrorException", "Internal Server Error")
}

// event is the request as the function gets it.
func (v *visit) event() []byte {
	q := &proxy.Request{
		HTTP: v.r, Body: v.body, ID: v.id, Trace: v.trace, At: v.s.Clock.Now(), Account: "anonymous", API: v.target.API, Domain: v.target.Domain,
		Stage: "$default", RouteKey: "$default", Path: v.target.Path,
	}
	if v.url.Auth == "AWS_IAM" {
		q.Account, q.Authorizer = v.target.Scope.Account, v.iam()
	}
	return q.Event2()
}

// iam is requestContext.authorizer of a signed request.
func (v *visit) iam() []byte {
	type signer struct {
		AccessKey       string  `json:"accessKey"`
		AccountID       string  `json:"accountId"`
		CallerID        string  `json:"callerId"`
		CognitoIdentity *string `json:"cognitoIdentity"`
		PrincipalOrgID  *string `json:"principalOrgId"`
		UserARN         string  `json:"userArn"`
		UserID          string  `json:"userId"`
	}
	a := &v.actor
	text, err := json.Marshal(map[string]signer{"iam": {
		AccessKey: a.KeyID, AccountID: a.Account, CallerID: a.UserID, UserARN: a.Principal.ARN.String(), UserID: a.UserID,
	}})
	if err != nil {
		return nil // texts are no error
	}
	return text
}
