package apigateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/arn"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/vtl"
)

// Pools verifies the tokens of user pools. What it wants of the world is the
// pool's keys, which their issuer publishes.
type Pools interface {
	// Verify returns the claims of a token that an issuer has signed and that is
	// valid now. An error is [ErrToken], [ErrExpired], or says why the issuer
	// cannot be asked.
	Verify(ctx context.Context, token, issuer string) (map[string]any, error)
}

// What may be wrong with a token.
var (
	ErrToken   = errors.New("the token is not valid")
	ErrExpired = errors.New("the token has expired")
)

// issuerOf is the issuer of a user pool's tokens.
// https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html
func issuerOf(pool string) (string, bool) {
	p := arn.ARN(pool).Parts()
	id, ok := strings.CutPrefix(p.Resource, "userpool/")
	if !ok || id == "" || p.Service != "cognito-idp" || p.Region == "" {
		return "", false
	}
	return "https://cognito-idp." + p.Region + ".amazonaws.com/" + id, true
}

// supportedPools refuses an authorizer whose tokens could not be verified.
func (s *Service) supportedPools(a *shapes.Authorizer) error {
	if s.pools == nil {
		return badRequest("Authorizers of type COGNITO_USER_POOLS are not supported here: nothing verifies the tokens of user pools.")
	}
	if len(a.ProviderARNs) == 0 {
		return badRequest("Invalid authorizer specified: COGNITO_USER_POOLS authorizers need at least one provider ARN")
	}
	for _, pool := range a.ProviderARNs {
		if _, ok := issuerOf(pool); !ok {
			return badRequest("Invalid ARN specified in the request: %s. It must name a user pool of Amazon Cognito.", pool)
		}
	}
	return nil
}

// askPools lets the caller in whose token one of the authorizer's user pools has
// issued: an identity token, or where the method has scopes an access token with
// one of them.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-integrate-with-cognito.html
func (x *exchange) askPools(ctx context.Context, a *authorizer) *failure {
	token, ok := x.identity(a)
	if !ok {
		return unauthorized()
	}
	claims, err := x.verifyToken(ctx, a, strings.TrimPrefix(token[0], "Bearer "))
	switch {
	case errors.Is(err, ErrExpired):
		return &failure{"UNAUTHORIZED", http.StatusUnauthorized, "UnauthorizedException", "The incoming token has expired"}
	case errors.Is(err, ErrToken):
		x.say(levelError, "Unauthorized request: %s: %v", x.id, err)
		return unauthorized()
	case err != nil:
		return x.authorizerFailed(a, "the user pool's keys cannot be read: "+err.Error())
	}
	scopes := []string(nil)
	if x.method != nil {
		scopes = x.method.AuthorizationScopes
	}
	if !accepted(claims, scopes) || a.audience != nil && !a.audience.MatchString(fmt.Sprint(claims["aud"])) {
		return unauthorized()
	}
	x.caller, x.context = &authorized{claims: claimTexts(claims)}, nil
	if x.plan.policy == nil {
		return nil
	}
	return x.heed(ctx, policy.Nothing(policy.Identity))
}

// verifyToken asks each pool whose token it is.
func (x *exchange) verifyToken(ctx context.Context, a *authorizer, token string) (claims map[string]any, err error) {
	err = ErrToken
	for _, pool := range a.ProviderARNs {
		issuer, _ := issuerOf(pool)
		if claims, err = x.s.pools.Verify(ctx, token, issuer); err == nil || !errors.Is(err, ErrToken) {
			return claims, err
		}
	}
	return nil, err
}

// accepted reports whether a token is of the use that a method's scopes ask for,
// and has one of them.
func accepted(claims map[string]any, scopes []string) bool {
	if len(scopes) == 0 {
		return claims["token_use"] == "id"
	}
	has, _ := claims["scope"].(string)
	return claims["token_use"] == "access" && slices.ContainsFunc(strings.Fields(has), func(s string) bool { return slices.Contains(scopes, s) })
}

// claimTexts are the claims as functions get them, in order: all as text, lists
// with commas, and two of the times as dates.
func claimTexts(claims map[string]any) []pair {
	out := make([]pair, 0, len(claims))
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		out = append(out, pair{name, claimText(name, claims[name])})
	}
	return out
}

func claimText(name string, v any) string {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil && (name == "exp" || name == "iat") {
			return time.Unix(n, 0).UTC().Format("Mon Jan 02 15:04:05 MST 2006")
		}
		return v.String()
	case []any:
		items := make([]string, len(v))
		for i, item := range v {
			items[i] = claimText("", item)
		}
		return strings.Join(items, ",")
	case map[string]any:
		text, err := json.Marshal(v)
		if err == nil {
			return string(text)
		}
	}
	return fmt.Sprint(v)
}

// claimVariables is $context.authorizer.claims.
func (a *authorized) claimVariables() *vtl.Map {
	m := &vtl.Map{Quiet: true}
	for _, c := range a.claims {
		m.Put(c.name, c.value)
	}
	return m
}
