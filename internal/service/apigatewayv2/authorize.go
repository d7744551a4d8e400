package apigatewayv2

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/wire"
	"github.com/nube-run/nube/internal/edge/proxy"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/service/apigatewayv2/oidc"
)

// caller is what a route's authorization found out.
type caller struct {
	claims  map[string]string // of a JWT, each as a text
	context map[string]any    // of a Lambda authorizer
	format1 []byte            // requestContext.authorizer of events; nil for none
	format2 []byte
	problem string // of the authorizer, for logs
}

// property is $context.authorizer.key.
func (c *caller) property(key string) string {
	if name, ok := strings.CutPrefix(key, "claims."); ok {
		return c.claims[name]
	}
	if key == "error" {
		return c.problem
	}
	return jsonText(c.context[key])
}

// authorize lets the route's authorization judge the request.
func (x *exchange) authorize(ctx context.Context) *failure {
	switch *x.route.AuthorizationType {
	case "AWS_IAM":
		return x.authenticate(ctx)
	case "JWT":
		return x.checkToken(ctx)
	case "CUSTOM":
		return x.askAuthorizer(ctx)
	}
	return nil
}

// authenticate verifies the request's signature, and judges its caller by its
// own policies: HTTP APIs have none.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
func (x *exchange) authenticate(ctx context.Context) *failure {
	actor, err := x.s.auth.Authenticate(x.r, "execute-api", x.body)
	if err != nil {
		if _, coded := fault.As(err); !coded {
			_, f := x.internal("verifying a signature", err)
			return f
		}
		x.caller.problem = err.Error()
		return forbidden()
	}
	x.actor = actor
	ctx = awsapi.With(ctx, &awsapi.Call{
		ID: x.id, Scope: x.target.Scope, Actor: actor, SourceIP: proxy.SourceIP(x.r), UserAgent: x.r.UserAgent(), TLS: x.r.TLS != nil,
	})
	need := awsapi.Access{Action: "execute-api:Invoke", Resource: x.executeARN()}
	d, err := x.s.auth.Judge(ctx, need)
	if err != nil {
		_, f := x.internal("judging the caller", err)
		return f
	}
	if err := x.s.auth.Refuse(ctx, need, d); err != nil {
		x.caller.problem = err.Error()
		return forbidden()
	}
	x.caller.format2 = iamJSON(&actor)
	return nil
}

// iamJSON is requestContext.authorizer of a signed request.
func iamJSON(a *awsapi.Actor) []byte {
	b := []byte(`{"iam":{"accessKey":`)
	b = wire.AppendString(b, a.KeyID)
	b = wire.AppendString(append(b, `,"accountId":`...), a.Account)
	b = wire.AppendString(append(b, `,"callerId":`...), a.UserID)
	b = append(b, `,"cognitoIdentity":null,"principalOrgId":null`...)
	b = wire.AppendString(append(b, `,"userArn":`...), a.Principal.ARN.String())
	b = wire.AppendString(append(b, `,"userId":`...), a.UserID)
	return append(b, `}}`...)
}

// checkToken verifies the request's JSON Web Token.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
func (x *exchange) checkToken(ctx context.Context) *failure {
	a := x.route.authorizer
	if a == nil {
		_, f := x.internal("authorizer", errors.New("the route's authorizer is gone"))
		return f
	}
	text, _ := x.evaluate(a.IdentitySource[0], x.variable)
	if len(text) > 7 && strings.EqualFold(text[:7], "Bearer ") {
		text = strings.TrimSpace(text[7:])
	}
	if text == "" {
		return challenge(http.StatusUnauthorized, "Unauthorized", "Bearer")
	}
	scope := strings.Join(x.route.AuthorizationScopes, " ")
	claims, err := x.s.issuers.Verify(ctx, text, *a.JwtConfiguration.Issuer, a.JwtConfiguration.Audience)
	if err != nil {
		x.caller.problem = err.Error()
		var bad *oidc.Error
		if !errors.As(err, &bad) {
			_, f := x.internal("verifying a token", err)
			return f
		}
		x.s.Log.Info("apigatewayv2: a token is not valid", "request", x.id, "authorizer", *a.Name, "why", err)
		return challenge(http.StatusUnauthorized, "Unauthorized", fmt.Sprintf("Bearer scope=%q error=%q error_description=%q", scope, "invalid_token", bad.Description))
	}
	var granted []string
	for _, s := range claims.Scopes() {
		if slices.Contains(x.route.AuthorizationScopes, s) {
			granted = append(granted, s)
		}
	}
	if len(x.route.AuthorizationScopes) > 0 && granted == nil {
		x.caller.problem = "the token has none of the route's scopes"
		return challenge(http.StatusForbidden, "Forbidden",
			fmt.Sprintf("Bearer scope=%q error=%q error_description=%q", scope, "insufficient_scope", "the token does not have the required scope"))
	}
	x.caller.accept(claims, granted)
	return nil
}

// challenge is an answer that says how to authorize a request, RFC 6750.
func challenge(status int, message, how string) *failure {
	return &failure{status, message, http.Header{"Www-Authenticate": {how}}}
}

// accept takes the claims of a token, each as a text.
func (c *caller) accept(claims oidc.Claims, scopes []string) {
	c.claims = make(map[string]string, len(claims))
	b := []byte(`{"claims":{`)
	for i, k := range slices.Sorted(maps.Keys(claims)) {
		c.claims[k] = claimText(claims[k])
		if i > 0 {
			b = append(b, ',')
		}
		b = append(wire.AppendString(b, k), ':')
		b = wire.AppendString(b, c.claims[k])
	}
	b = append(b, `},"scopes":`...)
	if scopes == nil {
		b = append(b, "null}"...)
	} else {
		for i, s := range scopes {
			b = append(b, "[,"[min(i, 1)])
			b = wire.AppendString(b, s)
		}
		b = append(b, "]}"...)
	}
	c.format1 = b
	c.format2 = append(append([]byte(`{"jwt":`), b...), '}')
}

// claimText is a claim as events have it: lists as their items in brackets, with
// spaces between.
func claimText(v any) string {
	list, ok := v.([]any)
	if !ok {
		if b, ok := v.(bool); ok {
			return fmt.Sprint(b)
		}
		return jsonText(v)
	}
	items := make([]string, len(list))
	for i, item := range list {
		items[i] = claimText(item)
	}
	return "[" + strings.Join(items, " ") + "]"
}

// contextJSON is requestContext.authorizer of a request that a Lambda authorizer
// let in.
func (c *caller) contextJSON(principal string) error {
	text := []byte("null")
	var err error
	if c.context != nil {
		if text, err = json.Marshal(c.context); err != nil {
			return err
		}
	}
	c.format2 = append(append([]byte(`{"lambda":`), text...), '}')
	flat := maps.Clone(c.context)
	if flat == nil {
		flat = map[string]any{}
	}
	if principal != "" {
		flat["principalId"] = principal
	}
	c.format1, err = json.Marshal(flat)
	return err
}
