package apigateway_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
)

// TestValidators: parameters come first, then the body.
//
// Mutations that make it fail: blank parameters taken; bodies not validated.
func TestValidators(t *testing.T) {
	b := open(t)
	model := func(name, schema string) {
		do(b, shapes.CreateModel, &shapes.CreateModelRequest{RestApiId: &b.api, Name: &name, ContentType: ptr("application/json"), Schema: &schema})
	}
	model("Item", `{"type":"object","required":["name"],"properties":{"name":{"type":"string"}}}`)
	model("Items", `{"type":"array","items":{"$ref":"https://apigateway.amazonaws.com/restapis/`+b.api+`/models/Item"}}`)
	validator := func(body, parameters bool) *string {
		return do(b, shapes.CreateRequestValidator, &shapes.CreateRequestValidatorRequest{
			RestApiId: &b.api, Name: ptr("v"), ValidateRequestBody: &body, ValidateRequestParameters: &parameters,
		}).Id
	}
	for path, id := range map[string]*string{"/both/{id}": validator(true, true), "/body/{id}": validator(true, false), "/none/{id}": validator(false, false)} {
		b.route("POST", path, func(m *shapes.PutMethodRequest, _ *shapes.PutIntegrationRequest) {
			m.RequestValidatorId, m.RequestModels = id, map[string]string{"application/json": "Item", "application/list+json": "Items"}
			m.RequestParameters = map[string]bool{"method.request.header.X-A": true, "method.request.querystring.b": true, "method.request.path.id": true, "method.request.header.X-C": false}
		})
	}
	do(b, shapes.PutGatewayResponse, &shapes.PutGatewayResponseRequest{RestApiId: &b.api, ResponseType: ptr("BAD_REQUEST_BODY"), ResponseTemplates: map[string]string{
		"application/json": `{"message":$context.error.messageString,"why":"$context.error.validationErrorString"}`,
	}})
	b.deploy()
	missing := func(names string) string {
		return `400 {"message":"Missing required request parameters: [` + names + `]"}`
	}
	invalid := func(why string) string { return `400 {"message":"Invalid request body","why":"[` + why + `]"}` }
	const noName = `object has missing required properties (["name"])`
	tests := []struct {
		name, target, body string
		headers            []string
		want               string
	}{
		{"all there", "/both/1?b=2", `{"name":"ana"}`, []string{"X-A: 1"}, "200 ok"},
		{"nothing there", "/both/1", `{"name":"ana"}`, nil, missing("X-A, b")},
		{"blank", "/both/1?b=", `{"name":"ana"}`, []string{"X-A:  "}, missing("X-A, b")},
		{"parameters come before the body", "/both/1?b=2", `{}`, nil, missing("X-A")},
		{"parameters do not matter", "/body/1", `{"name":"ana"}`, nil, "200 ok"},
		{"an empty object", "/body/1", `{}`, nil, invalid(noName)},
		{"no body", "/body/1", ``, nil, invalid(noName)},
		{"no JSON", "/body/1", `{"name"`, nil, invalid("the body is not JSON: unexpected EOF")},
		{"a wrong type", "/body/1", `{"name":7}`, []string{"Content-Type: application/json; charset=utf-8"},
			invalid(`instance type (integer) does not match any allowed primitive type (allowed: ["string"])`)},
		{"another media type", "/body/1", `[{"name":"ana"},{}]`, []string{"Content-Type: application/list+json"}, invalid(noName)},
		{"a media type without a model", "/body/1", `<name/>`, []string{"Content-Type: text/xml"}, "200 ok"},
		{"nothing is validated", "/none/1", `no`, nil, "200 ok"},
	}
	for _, tt := range tests {
		if d := cmp.Diff(tt.want, brief(b.request("POST", tt.target, tt.body, tt.headers...))); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
	do(b, shapes.DeleteGatewayResponse, &shapes.DeleteGatewayResponseRequest{RestApiId: &b.api, ResponseType: ptr("BAD_REQUEST_BODY")})
	b.deploy()
	want := "Bad Request\nContent-Length: 34\nContent-Type: application/json\nX-Amzn-Errortype: BadRequestException\n\n" + `{"message":"Invalid request body"}`
	if d := cmp.Diff(want, described(b.request("POST", "/body/1", "{}"))); d != "" {
		t.Error(d)
	}
}
