package apigateway_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
)

// patch changes stage dev: "path value" each.
func (b *bed) patch(changes ...string) {
	b.Helper()
	in := &shapes.UpdateStageRequest{RestApiId: &b.api, StageName: ptr("dev")}
	for _, c := range changes {
		path, value, _ := strings.Cut(c, " ")
		in.PatchOperations = append(in.PatchOperations, shapes.PatchOperation{Op: ptr("replace"), Path: &path, Value: &value})
	}
	do(b, shapes.UpdateStage, in)
}

func TestAccessLogs(t *testing.T) {
	b := open(t)
	id := b.authorizer()
	b.route("GET", "/users/{id}")
	b.guarded("GET", "/guarded", id)
	b.deploy()
	b.patch("/accessLogSettings/destinationArn arn:aws:logs:eu-central-1:123456789012:log-group:access",
		`/accessLogSettings/format {"id":"$context.requestId","ip":"$context.identity.sourceIp","user":"$context.identity.user","line":"$context.httpMethod $context.resourcePath $context.protocol",`+
			`"path":"$context.path","status":$context.status,"length":$context.responseLength,"back":"$context.integrationStatus","who":"$context.authorizer.principalId",`+
			`"plan":"$context.authorizer.plan","error":"$context.error.responseType: $context.error.message","color":"$stageVariables.color","none":"$context.nothing","cost":"$5"}`)
	b.function.verdict = always(verdict("Allow", "*", `,"context":{"plan":"gold"}`), nil)
	b.request("GET", "/users/7", "")
	b.request("GET", "/guarded", "", "Authorization: x")
	b.request("GET", "/guarded", "")
	b.request("GET", "/none", "")
	b.function.says("no JSON")
	b.request("GET", "/users/7", "")
	uuid := regexp.MustCompile(`"id":"[0-9a-f-]{36}","ip":"192.0.2.7","user":"-",`)
	var got []string
	for _, line := range b.logs.all["access"] {
		got = append(got, uuid.ReplaceAllString(line, ""))
	}
	const rest = `"color":"blue","none":"-","cost":"$5"}`
	want := []string{
		`{"line":"GET /users/{id} HTTP/1.1","path":"/users/7","status":200,"length":2,"back":"200","who":"-","plan":"-","error":"-: -",` + rest,
		`{"line":"GET /guarded HTTP/1.1","path":"/guarded","status":200,"length":2,"back":"200","who":"ana","plan":"gold","error":"-: -",` + rest,
		`{"line":"GET /guarded HTTP/1.1","path":"/guarded","status":401,"length":26,"back":"-","who":"-","plan":"-","error":"UNAUTHORIZED: Unauthorized",` + rest,
		`{"line":"GET - HTTP/1.1","path":"/none","status":403,"length":42,"back":"-","who":"-","plan":"-","error":"MISSING_AUTHENTICATION_TOKEN: Missing Authentication Token",` + rest,
		`{"line":"GET /users/{id} HTTP/1.1","path":"/users/7","status":502,"length":35,"back":"200","who":"-","plan":"-","error":"DEFAULT_5XX: Internal server error",` + rest,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestExecutionLogs(t *testing.T) {
	b := open(t)
	b.route("POST", "/info/{id}")
	b.route("POST", "/error")
	b.route("POST", "/off")
	b.private("POST", "/private")
	b.deploy()
	b.patch("/info~1{id}/POST/logging/loglevel INFO", "/info~1{id}/POST/logging/dataTrace true", "/error/POST/logging/loglevel ERROR", "/private/POST/logging/loglevel INFO")
	group := "API-Gateway-Execution-Logs_" + b.api + "/dev"
	log := func(path, body string, headers ...string) string {
		b.logs.all = nil
		b.request("POST", path, body, headers...)
		var out []string
		for _, line := range b.logs.all[group] {
			id, rest, _ := strings.Cut(line, ") ")
			if event, ok := strings.CutPrefix(rest, "Endpoint request body after transformations: "); ok {
				rest = "Endpoint request body after transformations: EVENT"
				if !strings.HasPrefix(event, `{"resource":"/info/{id}"`) || !strings.HasSuffix(event, " [TRUNCATED]") {
					rest += event
				}
			}
			out = append(out, strings.ReplaceAll(rest, strings.TrimPrefix(id, "("), "ID"))
		}
		return strings.Join(out, "\n")
	}
	fn := "arn:aws:lambda:eu-central-1:123456789012:function:shop"
	want := `Starting execution for request: ID
HTTP Method: POST, Resource Path: /info/{id}
Method request path: {id=7}
Method request query string: {a=1}
Method request headers: {Authorization=****er-ana}
Method request body before transformations: hello
Endpoint request URI: ` + fn + `
Endpoint request body after transformations: EVENT
Endpoint response body before transformations: {"statusCode":200,"body":"ok"}
Successfully completed execution
Method completed with status: 200`
	if d := cmp.Diff(want, log("/info/7?a=1", "hello", "Authorization: Bearer-ana")); d != "" {
		t.Error(d)
	}
	if got := log("/error", ""); got != "" {
		t.Errorf("what went well was logged: %s", got)
	}
	if got := log("/off", ""); got != "" {
		t.Errorf("what is off was logged: %s", got)
	}
	want = "Starting execution for request: ID\nHTTP Method: POST, Resource Path: /private\nMethod request path: {}\nMethod request query string: {}\n" +
		"Verifying Usage Plan for request: ID. API Key: ****** API Stage: " + b.api + "/dev\nExecution failed: Forbidden\nMethod completed with status: 403"
	if d := cmp.Diff(want, log("/private", "", "X-Api-Key: secret")); d != "" {
		t.Error(d)
	}
	b.function.says("no JSON")
	if d := cmp.Diff("Execution failed: Internal server error", log("/error", "")); d != "" {
		t.Error(d)
	}
}
