package apigateway_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	iamshapes "github.com/nube-run/nube/internal/awsapi/shapes/iam"
)

// AssumableBy implements [apigateway.Roles].
func (f *function) AssumableBy(_ context.Context, role arn.ARN, service string, source arn.ARN) (bool, error) {
	return role.Name() == "caller" && service == "apigateway.amazonaws.com" && source.Service() == "execute-api", nil
}

const callersOwn = "arn:aws:iam::*:user/*"

// TestCredentials: a function is called as the role that the integration names,
// or as who made the request; without either by API Gateway on behalf of the
// method. Credentials that are of no use are not replaced by others.
//
// Mutations that make it fail: credentials passed over; a role that is not asked
// whom it trusts; a request without a caller passed on as API Gateway's own; no
// stage variables in credentials.
func TestCredentials(t *testing.T) {
	b := open(t)
	route := func(path, auth, credentials string) {
		b.route("GET", path, func(m *shapes.PutMethodRequest, i *shapes.PutIntegrationRequest) {
			m.AuthorizationType, i.Credentials = &auth, &credentials
			if strings.HasPrefix(path, "/mapped") {
				i.Type = ptr("AWS")
			}
		})
		if strings.HasPrefix(path, "/mapped") {
			do(b, shapes.PutIntegrationResponse, &shapes.PutIntegrationResponseRequest{RestApiId: &b.api, ResourceId: b.at(path), HttpMethod: ptr("GET"), StatusCode: ptr("200")})
			do(b, shapes.PutMethodResponse, &shapes.PutMethodResponseRequest{RestApiId: &b.api, ResourceId: b.at(path), HttpMethod: ptr("GET"), StatusCode: ptr("200")})
		}
	}
	route("/role", "NONE", "arn:aws:iam::123456789012:role/x/caller")
	route("/mapped", "NONE", "arn:aws:iam::123456789012:role/x/caller")
	route("/variable", "NONE", "arn:aws:iam::123456789012:${stageVariables.role}")
	route("/distrustful", "NONE", "arn:aws:iam::123456789012:role/other")
	route("/own", "AWS_IAM", callersOwn)
	route("/nobody", "NONE", callersOwn)
	route("/none", "NONE", "")
	do(b, shapes.CreateDeployment, &shapes.CreateDeploymentRequest{RestApiId: &b.api, StageName: ptr("dev"), Variables: map[string]string{"role": "role/x/caller"}})

	const session = "arn:aws:sts::123456789012:assumed-role/caller/BackplaneAssumeRoleSession of arn:aws:iam::123456789012:role/x/caller"
	tests := []struct{ path, as string }{
		{"/role", session},
		{"/mapped", session},
		{"/variable", session},
		{"/distrustful", ""},
		{"/own", "arn:aws:iam::123456789012:root"},
		{"/nobody", ""},
		{"/none", "apigateway.amazonaws.com for arn:aws:execute-api:eu-central-1:123456789012:" + b.api + "/dev/GET/none"},
	}
	signed := b.client
	signed.Handler = b.edge.Gateway()
	for _, tt := range tests {
		b.function.actors = nil
		status, want, got := 0, 200, ""
		if tt.path == "/own" {
			status = signed.Send("execute-api", "GET", tt.path, nil, nil).Status
		} else {
			status = b.request("GET", tt.path, "").StatusCode
		}
		for _, a := range b.function.actors {
			got += whom(a)
		}
		if tt.as == "" {
			want = 500
		}
		if status != want || got != tt.as {
			t.Errorf("%s: %d, called as %q, want %d as %q", tt.path, status, got, want, tt.as)
		}
	}
}

// whom is whom a function is called by.
func whom(a awsapi.Actor) string {
	switch p := a.Principal; {
	case p.Service != "":
		return p.Service + " for " + a.SourceARN.String()
	case p.Issuer != "":
		return p.ARN.String() + " of " + p.Issuer.String()
	default:
		return p.ARN.String()
	}
}

// TestPassingCredentials: who gives API Gateway a role has to be allowed to pass
// it, and what is no role is refused.
//
// Mutations that make it fail: PutIntegration without iam:PassRole; the same of
// UpdateIntegration; credentials not looked at.
func TestPassingCredentials(t *testing.T) {
	b := open(t)
	b.route("GET", "/a")
	do(b, iamshapes.CreateUser, &iamshapes.CreateUserRequest{UserName: ptr("ana")})
	key := do(b, iamshapes.CreateAccessKey, &iamshapes.CreateAccessKeyRequest{UserName: ptr("ana")}).AccessKey
	allow := func(statements string) {
		do(b, iamshapes.PutUserPolicy, &iamshapes.PutUserPolicyRequest{UserName: ptr("ana"), PolicyName: ptr("p"),
			PolicyDocument: ptr(`{"Version":"2012-10-17","Statement":[` + statements + `]}`)})
	}
	const (
		role = "arn:aws:iam::123456789012:role/x/caller"
		edit = `{"Effect":"Allow","Action":"apigateway:*","Resource":"*"}`
		pass = `,{"Effect":"Allow","Action":"iam:PassRole","Resource":"` + role + `","Condition":{"StringEquals":{"iam:PassedToService":"apigateway.amazonaws.com"}}}`
	)
	ana := b.client.As(*key.AccessKeyId, *key.SecretAccessKey, "")
	path := "/restapis/" + b.api + "/resources/" + *b.at("/a") + "/methods/GET/integration"
	put := func(credentials string) string {
		return ana.REST("apigateway", "PUT", path, map[string]any{
			"type": "AWS_PROXY", "httpMethod": "POST", "credentials": credentials,
			"uri": "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-central-1:123456789012:function:shop/invocations",
		}).Error()
	}
	patch := func(credentials string) string {
		return ana.REST("apigateway", "PATCH", path, map[string]any{
			"patchOperations": []map[string]string{{"op": "replace", "path": "/credentials", "value": credentials}},
		}).Error()
	}
	allow(edit)
	for name, call := range map[string]func(string) string{"PutIntegration": put, "UpdateIntegration": patch} {
		got := call(role)
		for _, want := range []string{"AccessDenied", "iam:PassRole", role} {
			if !strings.Contains(got, want) {
				t.Errorf("%s without the permission: %q, want %s", name, got, want)
			}
		}
		if d := cmp.Diff("", call(callersOwn)); d != "" {
			t.Errorf("%s with the caller's own: %s", name, d)
		}
	}
	allow(edit + pass)
	for name, call := range map[string]func(string) string{"PutIntegration": put, "UpdateIntegration": patch} {
		if got := call(role); got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
	ana = b.client
	for _, bad := range []string{"caller", "arn:aws:iam::123456789012:user/ana", "arn:aws:sts::123456789012:assumed-role/caller/x"} {
		if got := put(bad); !strings.HasPrefix(got, "BadRequestException: Invalid ARN") {
			t.Errorf("PutIntegration with %s: %q", bad, got)
		}
	}
}
