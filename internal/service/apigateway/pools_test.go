package apigateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/service/apigateway"
)

// tokens knows the tokens of one issuer, by their text.
type tokens struct{ asked []string }

const issuer = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_b"

func (ts *tokens) Verify(_ context.Context, token, from string) (map[string]any, error) {
	ts.asked = append(ts.asked, from+" "+token)
	if token == "offline" {
		return nil, errors.New("no route to the issuer")
	}
	if from != issuer {
		return nil, fmt.Errorf("%w: the token does not have a valid issuer", apigateway.ErrToken)
	}
	n := func(s string) json.Number { return json.Number(s) }
	switch token {
	case "id":
		return map[string]any{"sub": "u-1", "token_use": "id", "aud": "client-1", "exp": n("1772370000"), "auth_time": n("1772366400"), "email_verified": true,
			"cognito:groups": []any{"admin", "users"}}, nil
	case "access":
		return map[string]any{"sub": "u-1", "token_use": "access", "client_id": "client-1", "scope": "shop/read shop/write"}, nil
	case "old":
		return nil, apigateway.ErrExpired
	}
	return nil, apigateway.ErrToken
}

// TestUserPools: a token is of the pool, of the use that the method's scopes ask
// for, and for one of the authorizer's clients.
//
// Mutations that make it fail: access tokens taken where there are no scopes;
// tokens for others taken.
func TestUserPools(t *testing.T) {
	b := open(t)
	pool := func(name, audience string) *string {
		return b.authorizer(func(in *shapes.CreateAuthorizerRequest) {
			in.Name, in.Type, in.AuthorizerUri, in.IdentityValidationExpression = &name, ptr("COGNITO_USER_POOLS"), nil, &audience
			in.ProviderARNs = []string{"arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_a", "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_b"}
		})
	}
	guard := func(path string, id *string, scopes ...string) {
		b.route("GET", path, func(m *shapes.PutMethodRequest, _ *shapes.PutIntegrationRequest) {
			m.AuthorizationType, m.AuthorizerId, m.AuthorizationScopes = ptr("COGNITO_USER_POOLS"), id, scopes
		})
	}
	all := pool("all", "")
	guard("/me", all)
	guard("/read", all, "shop/read", "shop/all")
	guard("/admin", all, "shop/admin")
	guard("/other", pool("other", "client-[2-9]"))
	b.deploy()
	const unauthorized = `401 {"message":"Unauthorized"}`
	for _, tt := range []struct{ path, token, want string }{
		{"/me", "", unauthorized},
		{"/me", "id", "200 ok"},
		{"/me", "Bearer id", "200 ok"},
		{"/me", "access", unauthorized},
		{"/me", "nonsense", unauthorized},
		{"/me", "old", `401 {"message":"The incoming token has expired"}`},
		{"/me", "offline", `500 {"message":null}`},
		{"/read", "access", "200 ok"},
		{"/read", "id", unauthorized},
		{"/admin", "access", unauthorized},
		{"/other", "id", unauthorized},
	} {
		b.function.events = nil
		if got := brief(b.request("GET", tt.path, "", "Authorization: "+tt.token)); got != tt.want {
			t.Errorf("%s with %q: %s, want %s", tt.path, tt.token, got, tt.want)
		}
	}
	b.request("GET", "/me", "", "Authorization: id")
	var event struct {
		RequestContext struct{ Authorizer any }
	}
	if err := json.Unmarshal([]byte(b.function.events[0]), &event); err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{"sub": "u-1", "token_use": "id", "aud": "client-1", "exp": "Sun Mar 01 13:00:00 UTC 2026", "auth_time": "1772366400", "email_verified": "true",
		"cognito:groups": "admin,users"}
	if d := cmp.Diff(any(map[string]any{"claims": claims}), event.RequestContext.Authorizer); d != "" {
		t.Error(d)
	}
	if got := b.tokens.asked[0]; got != "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_a id" {
		t.Errorf("asked %s", got)
	}
	out := do(b, shapes.TestInvokeAuthorizer, &shapes.TestInvokeAuthorizerRequest{RestApiId: &b.api, AuthorizerId: all, Headers: map[string]string{"Authorization": "id"}})
	if *out.ClientStatus != 200 || out.Claims["sub"] != "u-1" {
		t.Errorf("tested: %+v", out)
	}
}
