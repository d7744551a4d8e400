package apigateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/regex"
)

// authorizer is a Lambda authorizer, compiled.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
type authorizer struct {
	*shapes.Authorizer
	token   bool // of the type TOKEN
	sources []string
	pattern *regex.Regexp // that the token has to match, or nil
	ttl     time.Duration

	pools    bool          // of the type COGNITO_USER_POOLS
	audience *regex.Regexp // that the token's aud has to match, or nil
}

func newAuthorizer(a *shapes.Authorizer) (*authorizer, error) {
	if a == nil {
		return nil, errors.New("apigateway: a method's authorizer is not part of its deployment")
	}
	sources, err := identitySources(value(a.IdentitySource))
	if err != nil {
		return nil, err
	}
	out := &authorizer{
		Authorizer: a, token: *a.Type == "TOKEN", pools: *a.Type == userPools, sources: sources, ttl: time.Duration(value(a.AuthorizerResultTtlInSeconds)) * time.Second,
	}
	if text := value(a.IdentityValidationExpression); text != "" {
		if out.pattern, err = regex.CompileWhole(text); err != nil {
			return nil, err
		}
	}
	if out.pools {
		out.pattern, out.audience = nil, out.pattern
	}
	return out, nil
}

// authorized is what an authorizer said of a caller.
type authorized struct {
	principal string
	doc       *policy.Doc
	text      string // of the policy
	context   []pair
	key       string // usageIdentifierKey
	claims    []pair // of a user pool's token; there is nothing else then
	latency   int64  // milliseconds that the authorizer took
	expires   clock.Instant
}

// pair is an entry of the context that an authorizer returns.
type pair struct{ name, value string }

// askAuthorizer lets the method's authorizer judge the caller.
func (x *exchange) askAuthorizer(ctx context.Context, a *authorizer) *failure {
	if x.plan.policy != nil {
		if fail := x.permit(ctx, func(d policy.Decision) bool { return d.Outcome == policy.ExplicitDeny }); fail != nil {
			return fail
		}
	}
	if a.pools {
		return x.askPools(ctx, a)
	}
	identity, ok := x.identity(a)
	if !ok {
		return unauthorized()
	}
	key := verdictKey{x.target.Scope, x.target.API, x.target.Stage, value(x.plan.stage.DeploymentId), *a.Id, strings.Join(identity, "\x00")}
	caller := x.s.verdicts.get(key, x.at)
	if caller == nil {
		var fail *failure
		if caller, fail = x.callAuthorizer(ctx, a, identity); fail != nil {
			return fail
		}
		if a.ttl > 0 && len(a.sources) > 0 {
			caller.expires = x.at.Add(a.ttl)
			x.s.verdicts.put(key, caller, x.at)
		}
	}
	x.caller, x.context = caller, nil // what was known of the caller is known anew
	return x.heed(ctx, caller.doc)
}

// heed does what the policy of an authorizer says of the request, together with
// the API's own.
func (x *exchange) heed(ctx context.Context, own *policy.Doc) *failure {
	ctx, need := x.called(ctx), x.need()
	d, err := x.s.auth.Judge(ctx, need, x.plan.documents(own)...)
	if err == nil && d.Outcome == policy.ExplicitDeny && d.Doc != own {
		if fail := x.denied(ctx, need, d); fail != nil {
			return fail
		}
		// Denials are not enforced: what the authorizer says counts alone.
		d, err = x.s.auth.Judge(ctx, need, own)
	}
	switch {
	case err != nil:
		return x.internal("judging the caller", err)
	case d.Allowed():
		return nil
	case d.Outcome == policy.ExplicitDeny:
		return accessDenied("User is not authorized to access this resource with an explicit deny")
	}
	return accessDenied("User is not authorized to access this resource")
}

// identity is what the caller's identity is taken from; false when some of it is
// missing, or not what the authorizer takes.
func (x *exchange) identity(a *authorizer) ([]string, bool) {
	out := make([]string, len(a.sources))
	for i, source := range a.sources {
		v, err := x.mappedRequest(source)
		if err != nil || v == "" {
			return nil, false
		}
		out[i] = v
	}
	return out, a.pattern == nil || a.pattern.MatchString(out[0])
}

func unauthorized() *failure {
	return &failure{"UNAUTHORIZED", http.StatusUnauthorized, "UnauthorizedException", "Unauthorized"}
}

// misconfigured is the answer when an authorizer cannot be called, or says
// something that is no answer. API Gateway gives no message.
func (x *exchange) misconfigured(a *authorizer, why error) *failure {
	x.s.log.Warn("apigateway: an authorizer's answer is of no use", "request", x.id, "authorizer", value(a.Name), "err", why)
	x.say(levelError, "Execution failed due to configuration error: %v", why)
	return &failure{"AUTHORIZER_CONFIGURATION_ERROR", http.StatusInternalServerError, "AuthorizerConfigurationException", ""}
}

// authorizerTimeout is how long an authorizer may take.
const authorizerTimeout = 29 * time.Second

// callAuthorizer calls the authorizer's function.
func (x *exchange) callAuthorizer(ctx context.Context, a *authorizer, identity []string) (*authorized, *failure) {
	fn, ok := functionOf(x.expand(*a.AuthorizerUri))
	if !ok {
		return nil, x.misconfigured(a, fmt.Errorf("no function in %s", *a.AuthorizerUri))
	}
	x.say(levelInfo, "Starting authorizer: %s for request: %s", *a.Id, x.id)
	payload := x.authorizerEvent(a, identity)
	began := x.s.machine.Now()
	ctx, cancel := x.s.hold.WithTimeout(ctx, x.s.machine, authorizerTimeout)
	defer cancel()
	scope := x.target.Scope
	source := scope.Of("execute-api", x.target.API+"/authorizers/"+*a.Id)
	called := awsapi.With(ctx, &awsapi.Call{ID: x.id, Scope: scope, Actor: awsapi.ServiceActor(scope.Account, service, source)})
	out, err := x.s.invoke.Invoke(called, Invocation{Function: fn, Payload: payload, TraceID: x.trace})
	switch {
	case errors.Is(err, context.DeadlineExceeded) || out.Throttle:
		return nil, x.authorizerFailed(a, "the function had no answer in time")
	case err != nil:
		return nil, x.misconfigured(a, err)
	case out.Failed && errorMessage(out.Payload) == "Unauthorized":
		return nil, unauthorized()
	case out.Failed:
		return nil, x.authorizerFailed(a, "the function failed")
	}
	x.say(levelInfo, "Authorizer result body before parsing: %s", out.Payload)
	caller, err := readVerdict(out.Payload)
	if err != nil {
		return nil, x.misconfigured(a, err)
	}
	caller.latency = x.s.machine.Since(began).Milliseconds()
	x.say(levelInfo, "Using valid authorizer policy for principal: %s", redact(caller.principal))
	return caller, nil
}

func (x *exchange) authorizerFailed(a *authorizer, why string) *failure {
	x.s.log.Warn("apigateway: an authorizer failed", "request", x.id, "authorizer", value(a.Name), "why", why)
	x.say(levelError, "Execution failed due to an authorizer error: %s", why)
	return &failure{"AUTHORIZER_FAILURE", http.StatusInternalServerError, "AuthorizerFailureException", ""}
}

// readVerdict reads what an authorizer returned.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
func readVerdict(payload []byte) (*authorized, error) {
	var out struct {
		PrincipalID        any             `json:"principalId"`
		PolicyDocument     json.RawMessage `json:"policyDocument"`
		Context            json.RawMessage `json:"context"`
		UsageIdentifierKey string          `json:"usageIdentifierKey"`
	}
	if err := json.Unmarshal(payload, &out); err != nil {
		return nil, fmt.Errorf("could not parse the policy: %w", err)
	}
	caller := &authorized{key: out.UsageIdentifierKey, text: string(out.PolicyDocument)}
	switch out.PrincipalID.(type) {
	case string, float64:
		caller.principal = text(out.PrincipalID)
	default:
		return nil, errors.New("the answer has no principalId")
	}
	doc, err := policy.Parse(policy.Identity, strings.TrimSpace(caller.text))
	if err != nil {
		return nil, fmt.Errorf("invalid policy document: %w", err)
	}
	caller.doc = doc
	caller.context, err = readContext(out.Context)
	return caller, err
}

// readContext reads the context of an authorizer's answer in its own order.
func readContext(raw json.RawMessage) ([]pair, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, errors.New("the context is not an object")
	}
	var out []pair
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		v, err := d.Token()
		if err != nil {
			return nil, err
		}
		if _, nested := v.(json.Delim); nested {
			return nil, fmt.Errorf("the context's value %s is neither a string, nor a number, nor a boolean", name)
		}
		if v != nil {
			out = append(out, pair{name.(string), fmt.Sprint(v)})
		}
	}
	return out, nil
}

// verdictKey is what an authorizer's answer is kept by: everything that it
// could be about. A deployment begins anew.
type verdictKey struct {
	scope                                        arn.Scope
	api, stage, deployment, authorizer, identity string
}
