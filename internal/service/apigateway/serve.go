package apigateway

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/edge"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/vtl"
)

// maxPayload is API Gateway's limit of a request's body.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
const maxPayload = 10 << 20

// exchange is one request that a stage answers.
type exchange struct {
	s      *Service
	plan   *plan
	target edge.Target
	r      *http.Request
	w      http.ResponseWriter

	id       string // request id
	trace    string // X-Amzn-Trace-Id
	at       clock.Instant
	resource *resource
	method   *shapes.Method
	params   map[string]string
	body     []byte
	actor    awsapi.Actor // of AWS_IAM authorisation
	context  *vtl.Map     // $context, once a template needs it

	caller  *authorized      // of a Lambda authorizer
	key     *subscription    // of the API key
	packer  *packer          // where responses are compressed
	packed  []byte           // the body as it came, where it was compressed
	invalid string           // what is wrong with the body
	logs    *logging         // of the method, if it is logged
	watch   *watch           // where there are logs
	told    *strings.Builder // takes the log of a test
}

// Serve answers a request that was addressed to an API and a stage. trace is
// the request's X-Amzn-Trace-Id.
func (s *Service) Serve(w http.ResponseWriter, r *http.Request, t edge.Target, trace string) {
	x := &exchange{s: s, target: t, r: r, w: w, id: awsapi.NewID(), trace: trace, at: s.clock.Now(), params: map[string]string{}}
	fail := x.run(r.Context())
	if fail != nil {
		x.refuse(*fail)
	}
	if x.packer != nil {
		// The caller is gone when this fails, and nothing can be said to it.
		x.packer.finish()
	}
	if x.watch != nil {
		x.finish(fail)
	}
}

// run answers the request, or says why API Gateway itself has to.
func (x *exchange) run(ctx context.Context) *failure {
	p, err := x.s.plan(ctx, x.target)
	if err != nil {
		return x.internal("reading the stage", err)
	}
	if p == nil {
		return &failure{"MISSING_AUTHENTICATION_TOKEN", http.StatusForbidden, "ForbiddenException", "Forbidden"}
	}
	x.plan = p
	if value(p.api.DisableExecuteApiEndpoint) && strings.Contains(x.target.Domain, ".execute-api.") {
		return &failure{"DEFAULT_4XX", http.StatusForbidden, "ForbiddenException", "Forbidden"}
	}
	if value(p.stage.TracingEnabled) {
		ctx = record.Sample(ctx)
		x.trace = record.From(ctx).XRay()
	}
	if p.observed {
		x.watched()
	}
	if p.Compress != nil {
		x.packer = newPacker(x.w, x.r, int(*p.Compress))
		x.w = x.packer
	}
	if fail := x.route(); fail != nil {
		return fail
	}
	if x.r.Body != http.NoBody {
		x.body, err = io.ReadAll(io.LimitReader(x.r.Body, maxPayload+1))
	}
	if err != nil {
		return &failure{"BAD_REQUEST_BODY", http.StatusBadRequest, "BadRequestException", "Invalid request body"}
	}
	if len(x.body) > maxPayload {
		return tooLarge()
	}
	if x.packer != nil {
		if fail := x.unpack(); fail != nil {
			return fail
		}
	}
	if x.logs = p.logging[x.method]; x.logs != nil {
		x.sayRequest()
	}
	if fail := x.admit(ctx); fail != nil {
		return fail
	}
	return x.integrate(ctx)
}

func tooLarge() *failure {
	return &failure{"REQUEST_TOO_LARGE", http.StatusRequestEntityTooLarge, "RequestTooLargeException", "Request Too Long"}
}

// integrate passes the request to the method's integration.
func (x *exchange) integrate(ctx context.Context) *failure {
	i := x.method.MethodIntegration
	ctx, cancel := x.s.hold.WithTimeout(ctx, x.s.machine, millis(i.TimeoutInMillis))
	defer cancel()
	if x.watch != nil {
		defer x.timeIntegration()()
	}
	switch *i.Type {
	case "AWS_PROXY":
		return x.proxyFunction(ctx, i)
	case "AWS":
		return x.callFunction(ctx, i)
	case "MOCK":
		return x.mock(i)
	case "HTTP_PROXY":
		return x.proxyHTTP(ctx, i)
	case "HTTP":
		return x.callHTTP(ctx, i)
	}
	return x.internal("integration", errors.New("unknown type "+*i.Type))
}

// route finds the resource and its method. What no method answers is, in
// API Gateway's words, a missing authentication token.
func (x *exchange) route() *failure {
	path := strings.TrimSuffix(strings.TrimPrefix(x.target.Path, "/"), "/")
	if x.resource = x.plan.root.match(path, x.params); x.resource != nil {
		x.method = x.resource.method(x.r.Method)
	}
	if x.method == nil {
		return &failure{"MISSING_AUTHENTICATION_TOKEN", http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token"}
	}
	return nil
}

func (x *exchange) executeARN() arn.ARN {
	return x.target.Scope.Execute(x.target.API, x.target.Stage, x.r.Method, strings.TrimPrefix(x.target.Path, "/"))
}

// authenticate verifies the signature of a request to a method with AWS_IAM
// authorisation, and judges its caller.
func (x *exchange) authenticate(ctx context.Context) *failure {
	body := x.body
	if x.packed != nil {
		body = x.packed
	}
	actor, err := x.s.auth.Authenticate(x.r, "execute-api", body)
	if err != nil {
		return x.unsigned(err)
	}
	x.actor = actor
	return x.permit(ctx, nil)
}

// unsigned is the answer to a request that is not signed as it has to be.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
func (x *exchange) unsigned(err error) *failure {
	e, coded := fault.As(err)
	if !coded {
		return x.internal("verifying a signature", err)
	}
	switch e.Code {
	case "MissingAuthenticationTokenException":
		return &failure{"MISSING_AUTHENTICATION_TOKEN", http.StatusForbidden, e.Code, "Missing Authentication Token"}
	case "ExpiredTokenException":
		return &failure{"EXPIRED_TOKEN", http.StatusForbidden, e.Code, e.Message}
	}
	return &failure{"INVALID_SIGNATURE", http.StatusForbidden, e.Code, e.Message}
}

func (x *exchange) sourceIP() string {
	host, _, err := net.SplitHostPort(x.r.RemoteAddr)
	if err != nil {
		return x.r.RemoteAddr
	}
	return host
}

// internal is a failure of ours; what it was stands in the log.
func (x *exchange) internal(what string, err error) *failure {
	x.s.log.Error("apigateway: "+what, "request", x.id, "api", x.target.API, "err", err)
	return &failure{"API_CONFIGURATION_ERROR", http.StatusInternalServerError, "InternalServerErrorException", "Internal server error"}
}

// identify puts the headers on a response by which it can be found again.
func (x *exchange) identify(h http.Header) {
	own := []string{x.id, x.extendedID(), x.trace}
	h["X-Amzn-Requestid"] = own[:1:1]
	h["X-Amz-Apigw-Id"] = own[1:2:2]
	if x.trace != "" {
		h["X-Amzn-Trace-Id"] = own[2:]
	}
}
