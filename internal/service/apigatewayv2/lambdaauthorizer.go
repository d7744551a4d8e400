package apigatewayv2

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/awsapi/wire"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/policy"
)

// verdict is what a Lambda authorizer said.
type verdict struct {
	caller    caller
	simple    bool        // allowed says it all
	allowed   bool        // of a simple response
	principal string      // of the other kind
	doc       *policy.Doc // of the other kind
	expires   clock.Instant
}

// askAuthorizer lets the route's function judge the request.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
func (x *exchange) askAuthorizer(ctx context.Context) *failure {
	a := x.route.authorizer
	if a == nil {
		_, f := x.internal("authorizer", errors.New("the route's authorizer is gone"))
		return f
	}
	identity := make([]string, len(a.IdentitySource))
	for i, source := range a.IdentitySource {
		v, ok := x.evaluate(source, x.variable)
		if !ok || v == "" {
			return fail(http.StatusUnauthorized, "Unauthorized")
		}
		identity[i] = v
	}
	key := verdictKey{x.target.Scope, x.target.API, x.target.Stage, value(x.plan.stage.DeploymentId), *a.AuthorizerId, strings.Join(identity, "\x00")}
	v := x.s.verdicts.get(key, x.at)
	if v == nil {
		var f *failure
		if v, f = x.callAuthorizer(ctx, a, identity); f != nil {
			return f
		}
		if ttl := value(a.AuthorizerResultTtlInSeconds); ttl > 0 && len(identity) > 0 {
			v.expires = x.at.Add(time.Duration(ttl) * time.Second)
			x.s.verdicts.put(key, v, x.at)
		}
	}
	x.caller = v.caller
	if !v.lets(x) {
		return forbidden()
	}
	return nil
}

// lets reports whether an answer lets a request in.
func (v *verdict) lets(x *exchange) bool {
	if v.simple {
		return v.allowed
	}
	// The policy is that of somebody of the API's account who has no other.
	scope, set := x.target.Scope, policy.Set{Identity: []*policy.Doc{v.doc}}
	return set.Evaluate(&policy.Request{
		Principal: policy.Principal{ARN: scope.AssumedRole("authorizer", v.principal)}, Action: "execute-api:Invoke", Resource: x.executeARN(),
		ResourceAccount: scope.Account,
	}).Allowed()
}

// callAuthorizer asks the authorizer's function.
func (x *exchange) callAuthorizer(ctx context.Context, a *shapes.Authorizer, identity []string) (*verdict, *failure) {
	fn, ok := functionOf(x.expand(*a.AuthorizerUri))
	if !ok {
		_, f := x.internal("authorizer", errors.New("no function in "+*a.AuthorizerUri))
		return nil, f
	}
	ctx, cancel := x.s.Hold.WithTimeout(ctx, x.s.machine, maxAuthorizer)
	defer cancel()
	source := x.target.Scope.Of("execute-api", x.target.API+"/authorizers/"+*a.AuthorizerId)
	out, f := x.invoke(ctx, fn, source, a.AuthorizerCredentialsArn, x.authorizerEvent(a, identity))
	if f == nil && out.Failed {
		f = internal()
		x.problem = "The authorizer's function reported an error"
	}
	if f != nil {
		x.caller.problem = x.problem
		return nil, internal()
	}
	v, err := readVerdict(out.Payload, value(a.EnableSimpleResponses))
	if err != nil {
		x.caller.problem = err.Error()
		x.s.Log.Warn("apigatewayv2: an authorizer's answer cannot be used", "request", x.id, "authorizer", *a.Name, "err", err)
		return nil, internal()
	}
	return v, nil
}

// maxAuthorizer is how long an authorizer may take.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
const maxAuthorizer = 10 * time.Second

// authorizerEvent is the input of an authorizer's function.
func (x *exchange) authorizerEvent(a *shapes.Authorizer, identity []string) []byte {
	q := x.event(&request{http: x.r, path: x.target.Path})
	if *a.AuthorizerPayloadFormatVersion == "2.0" {
		b := append([]byte(`{"version":"2.0","type":"REQUEST","routeArn":`), wire.AppendString(nil, x.executeARN().String())...)
		b = append(b, `,"identitySource":`...)
		if len(identity) == 0 {
			b = append(b, "null"...)
		} else {
			for i, s := range identity {
				b = append(b, "[,"[min(i, 1)])
				b = wire.AppendString(b, s)
			}
			b = append(b, ']')
		}
		return append(q.Append2(b), '}')
	}
	b := append([]byte(`{"version":"1.0","type":"REQUEST","methodArn":`), wire.AppendString(nil, x.executeARN().String())...)
	joined := wire.AppendString(nil, strings.Join(identity, ","))
	b = append(append(b, `,"identitySource":`...), joined...)
	b = append(append(b, `,"authorizationToken":`...), joined...)
	return append(q.Append1(b), '}')
}

// readVerdict reads what an authorizer returned: whether it lets the caller in,
// or a policy that says what the caller may do.
func readVerdict(payload []byte, simple bool) (*verdict, error) {
	var out struct {
		IsAuthorized   *bool           `json:"isAuthorized"`
		PrincipalID    any             `json:"principalId"`
		PolicyDocument json.RawMessage `json:"policyDocument"`
		Context        map[string]any  `json:"context"`
	}
	d := json.NewDecoder(strings.NewReader(string(payload)))
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		return nil, fmt.Errorf("the authorizer's answer: %w", err)
	}
	v := &verdict{simple: simple, caller: caller{context: out.Context}}
	if simple {
		if out.IsAuthorized == nil {
			return nil, errors.New("the authorizer's answer has no isAuthorized")
		}
		v.allowed = *out.IsAuthorized
		return v, v.caller.contextJSON("")
	}
	principal := jsonText(out.PrincipalID)
	if principal == "" {
		return nil, errors.New("the authorizer's answer has no principalId")
	}
	doc, err := policy.Parse(policy.Identity, strings.TrimSpace(string(out.PolicyDocument)))
	if err != nil {
		return nil, fmt.Errorf("the authorizer's policyDocument: %w", err)
	}
	v.principal, v.doc = principal, doc
	return v, v.caller.contextJSON(principal)
}
