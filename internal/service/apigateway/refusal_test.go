package apigateway_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
)

// TestOwnGatewayResponses: an API's own response has its status, headers from
// wherever they may come, and a body for what the caller accepts.
func TestOwnGatewayResponses(t *testing.T) {
	b := open(t)
	b.private("GET", "/users/{id}")
	b.deploy()
	do(b, shapes.PutGatewayResponse, &shapes.PutGatewayResponseRequest{
		RestApiId: &b.api, ResponseType: ptr("INVALID_API_KEY"), StatusCode: ptr("456"),
		ResponseParameters: map[string]string{
			"gatewayresponse.header.X-Literal": "'it's'", "gatewayresponse.header.X-Header": "method.request.header.X-Api-Key", "gatewayresponse.header.X-Query": "method.request.querystring.a",
			"gatewayresponse.header.X-Path": "method.request.path.id", "gatewayresponse.header.X-Stage": "context.stage", "gatewayresponse.header.X-Color": "stageVariables.color",
			"gatewayresponse.header.X-All": "method.request.multivalueheader.X-Tag",
		},
		ResponseTemplates: map[string]string{
			"application/json": `{"type":"$context.error.responseType","text":$context.error.messageString,"id":"$method.request.path.id","q":"${method.request.querystring.a}","color":"$stageVariables.color","none":"$context.nothing","cost":"$5.00"}`,
			"text/plain":       "$context.error.message at $context.resourcePath.",
		},
	})
	b.deploy()
	want := "\nContent-Length: 112\nContent-Type: application/json\nX-All: x,y\nX-Amzn-Errortype: ForbiddenException\nX-Color: blue\nX-Header: k\nX-Literal: it's\nX-Path: 7\nX-Query: 1\nX-Stage: dev\n\n" +
		`{"type":"INVALID_API_KEY","text":"Forbidden","id":"7","q":"1","color":"blue","none":"","cost":"$5.00"}`
	r := b.request("GET", "/users/7?a=1", "", "X-Api-Key: k", "X-Tag: x", "X-Tag: y")
	if r.StatusCode != 456 {
		t.Errorf("status %d", r.StatusCode)
	}
	if d := cmp.Diff(strings.Replace(want, "112", "102", 1), described(r)); d != "" {
		t.Error(d)
	}
	if got := brief(b.request("GET", "/users/7", "", "Accept: text/plain;q=1")); got != "456 Forbidden at /users/{id}." {
		t.Errorf("as text: %s", got)
	}
	patch := func(changes ...shapes.PatchOperation) {
		do(b, shapes.UpdateGatewayResponse, &shapes.UpdateGatewayResponseRequest{RestApiId: &b.api, ResponseType: ptr("INVALID_API_KEY"), PatchOperations: changes})
		b.deploy()
	}
	patch(shapes.PatchOperation{Op: ptr("remove"), Path: ptr("/statusCode")},
		shapes.PatchOperation{Op: ptr("replace"), Path: ptr("/responseTemplates/text~1plain"), Value: ptr("no")})
	if got := brief(b.request("GET", "/users/7", "", "Accept: text/plain")); got != "403 no" {
		t.Errorf("changed: %s", got)
	}
}

// TestClasses: what has no response of its own has that of its class.
func TestClasses(t *testing.T) {
	b := open(t)
	id := b.authorizer()
	b.guarded("GET", "/", id)
	for kind, body := range map[string]string{"DEFAULT_4XX": "four", "DEFAULT_5XX": "five", "UNAUTHORIZED": "who"} {
		do(b, shapes.PutGatewayResponse, &shapes.PutGatewayResponseRequest{
			RestApiId: &b.api, ResponseType: &kind, ResponseTemplates: map[string]string{"application/json": body},
		})
	}
	b.deploy()
	for token, want := range map[string]string{"": "401 who", "deny": "403 four", "fail": "500 five"} {
		b.function.verdict = always(verdict("Deny", "*", ""), nil)
		if token == "fail" {
			b.function.verdict = always(verdict("Allow", "nonsense", ""), nil)
		}
		if got := brief(b.request("GET", "/", "", "Authorization: "+token)); got != want {
			t.Errorf("%q: %s, want %s", token, got, want)
		}
	}
}

// TestStageVariables: the address of an integration may name stage variables,
// or be one.
func TestStageVariables(t *testing.T) {
	b := open(t)
	for path, fn := range map[string]string{"/alias": "arn:aws:lambda:eu-central-1:123456789012:function:${stageVariables.function}:${stageVariables.alias}", "/whole": "${stageVariables.arn}"} {
		b.route("GET", path, func(_ *shapes.PutMethodRequest, i *shapes.PutIntegrationRequest) {
			i.Uri = ptr("arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/" + fn + "/invocations")
		})
	}
	do(b, shapes.CreateDeployment, &shapes.CreateDeploymentRequest{RestApiId: &b.api, StageName: ptr("dev"), Variables: map[string]string{"function": "shop", "alias": "live"}})
	get := func(path string) string {
		b.function.called = nil
		if got := b.request("GET", path, "").StatusCode; got != 200 {
			return strconv.Itoa(got)
		}
		return b.function.called[0]
	}
	const fn = "arn:aws:lambda:eu-central-1:123456789012:function:shop:"
	if got := get("/alias"); got != fn+"live" {
		t.Errorf("called %s", got)
	}
	if got := get("/whole"); got != "500" {
		t.Errorf("without the variable: %s", got)
	}
	b.patch("/variables/alias next", "/variables/arn "+fn+"prod")
	if got := get("/alias"); got != fn+"next" {
		t.Errorf("called %s", got)
	}
	if got := get("/whole"); got != fn+"prod" {
		t.Errorf("called %s", got)
	}
}
