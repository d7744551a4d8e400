package apigateway_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	iamshapes "github.com/nube-run/nube/internal/awsapi/shapes/iam"
	"github.com/nube-run/nube/internal/service/apigateway"
)

func TestResponses(t *testing.T) {
	b := open(t)
	b.route("ANY", "/")
	b.deploy()
	const bad = "Bad Gateway\nContent-Length: 35\nContent-Type: application/json\nX-Amzn-Errortype: InternalServerErrorException\n\n{\"message\":\"Internal server error\"}"
	tests := []struct {
		name, payload string
		request       []string // method and headers
		want          string
	}{
		{"plain", `{"statusCode":201,"body":"made"}`, nil, "Created\nContent-Length: 4\nContent-Type: application/json\n\nmade"},
		{"status as a string", `{"statusCode":"404","body":"no"}`, nil, "Not Found\nContent-Length: 2\nContent-Type: application/json\n\nno"},
		{"no body", `{"statusCode":204}`, nil, "No Content\nContent-Type: application/json\n\n"},
		{"headers of all kinds", `{"statusCode":200,"headers":{"content-type":"text/plain","x-n":42,"x-b":true,"x-none":null},"body":""}`, nil,
			"OK\nContent-Length: 0\nContent-Type: text/plain\nX-B: true\nX-N: 42\n\n"},
		{"several values", `{"statusCode":200,"headers":{"set-cookie":"z=0"},"multiValueHeaders":{"Set-Cookie":["a=1","b=2"]},"body":"x"}`, nil,
			"OK\nContent-Length: 1\nContent-Type: application/json\nSet-Cookie: a=1 | b=2 | z=0\n\nx"},
		{"the same value twice", `{"statusCode":200,"headers":{"x-a":"1"},"multiValueHeaders":{"X-A":["1","2"]},"body":"x"}`, nil,
			"OK\nContent-Length: 1\nContent-Type: application/json\nX-A: 1 | 2\n\nx"},
		{"one header in several cases", `{"statusCode":200,"headers":{"set-cookie":"c=3","Set-Cookie":"b=2","SET-COOKIE":"a=1"},"body":"x"}`, nil,
			"OK\nContent-Length: 1\nContent-Type: application/json\nSet-Cookie: a=1 | b=2 | c=3\n\nx"},
		{"remapped", `{"statusCode":401,"headers":{"WWW-Authenticate":"Basic","Date":"never","Connection":"close","Transfer-Encoding":"chunked"}}`, nil,
			"Unauthorized\nContent-Length: 0\nContent-Type: application/json\nX-Amzn-Remapped-Connection: close\nX-Amzn-Remapped-Date: never\nX-Amzn-Remapped-Www-Authenticate: Basic\n\n"},
		{"binary, asked for", `{"statusCode":200,"headers":{"Content-Type":"image/png"},"body":"iVBO","isBase64Encoded":true}`, []string{"GET", "Accept: image/png,*/*"},
			"OK\nContent-Length: 3\nContent-Type: image/png\n\n\x89PN"},
		{"binary, not asked for", `{"statusCode":200,"headers":{"Content-Type":"image/png"},"body":"iVBO","isBase64Encoded":true}`, []string{"GET", "Accept: text/html,image/png"},
			"OK\nContent-Length: 4\nContent-Type: image/png\n\niVBO"},
		{"not Base64", `{"statusCode":200,"body":"???","isBase64Encoded":true}`, []string{"GET", "Accept: image/png"}, bad},
		{"head", `{"statusCode":200,"body":"four"}`, []string{"HEAD"}, "OK\nContent-Length: 4\nContent-Type: application/json\n\n"},
		{"a string", `"hello"`, nil, bad},
		{"null", `null`, nil, bad},
		{"no JSON", `hello`, nil, bad},
		{"body is an object", `{"statusCode":200,"body":{"a":1}}`, nil, bad},
		{"status is out of range", `{"statusCode":42}`, nil, bad},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b.function.says(tt.payload)
			method, headers := "GET", []string(nil)
			if tt.request != nil {
				method, headers = tt.request[0], tt.request[1:]
			}
			if d := cmp.Diff(tt.want, described(b.request(method, "/", "", headers...))); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestFailures is what the gateway says where the function says nothing.
func TestFailures(t *testing.T) {
	b := open(t)
	b.route("POST", "/", func(_ *shapes.PutMethodRequest, i *shapes.PutIntegrationRequest) { i.TimeoutInMillis = ptr(int32(50)) })
	b.deploy()
	late := func(ctx context.Context) (apigateway.Outcome, error) {
		<-ctx.Done()
		return apigateway.Outcome{}, ctx.Err()
	}
	tests := []struct {
		name, want string
		answer     func(context.Context) (apigateway.Outcome, error)
	}{
		{"the function failed", `502 {"message":"Internal server error"}`, func(context.Context) (apigateway.Outcome, error) {
			return apigateway.Outcome{Failed: true, Payload: []byte(`{"statusCode":200}`)}, nil
		}},
		{"no free concurrency", `500 {"message":"Internal server error"}`, func(context.Context) (apigateway.Outcome, error) {
			return apigateway.Outcome{Throttle: true}, nil
		}},
		{"something went wrong", `500 {"message":"Internal server error"}`, func(context.Context) (apigateway.Outcome, error) {
			return apigateway.Outcome{}, errors.New("broken")
		}},
		{"longer than it may be", `504 {"message":"Endpoint request timed out"}`, late},
	}
	for _, tt := range tests {
		b.function.answer = tt.answer
		if got := brief(b.request("POST", "/", "")); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	b.function.events = nil
	b.function.says(`{"statusCode":200,"body":"fits"}`)
	const most = 10 << 20
	if got := brief(b.request("POST", "/", strings.Repeat("x", most+1))); got != `413 {"message":"Request Too Long"}` || len(b.function.events) > 0 {
		t.Errorf("too large: %s, and %d events", got, len(b.function.events))
	}
	if got := brief(b.request("POST", "/", strings.Repeat("x", most))); got != "200 fits" {
		t.Errorf("as large as may be: %s", got)
	}
}

// brief is an answer's status and body.
func brief(r *http.Response) string {
	_, body, _ := strings.Cut(described(r), "\n\n")
	return fmt.Sprintf("%d %s", r.StatusCode, body)
}

func TestRouting(t *testing.T) {
	b := open(t)
	for _, r := range []string{"GET /", "GET /users", "GET /users/me", "GET /users/{id}", "PUT /users/{id}", "ANY /users/{id}/orders", "GET /{any+}", "GET /deep/{a}/x", "GET /deep/{a}/y/{rest+}"} {
		method, path, _ := strings.Cut(r, " ")
		b.route(method, path)
	}
	b.deploy()
	tests := map[string]string{
		"GET /":                    `/ null`,
		"GET /users":               `/users null`,
		"GET /users/":              `/users null`,
		"GET /users/me":            `/users/me null`,
		"GET /users/7":             `/users/{id} {"id":"7"}`,
		"PUT /users/7":             `/users/{id} {"id":"7"}`,
		"PUT /users/me":            "MissingAuthenticationTokenException", // the literal is chosen before the method is looked for
		"DELETE /users/7":          "MissingAuthenticationTokenException",
		"DELETE /users/7/orders":   `/users/{id}/orders {"id":"7"}`,
		"GET /users/7/invoices":    `/{any+} {"any":"users/7/invoices"}`,
		"GET /else":                `/{any+} {"any":"else"}`,
		"GET /deep/1/x":            `/deep/{a}/x {"a":"1"}`,
		"GET /deep/1/y/2/3":        `/deep/{a}/y/{rest+} {"a":"1","rest":"2/3"}`,
		"GET /deep/1":              `/{any+} {"any":"deep/1"}`,
		"POST /else":               "MissingAuthenticationTokenException",
		"GET /users/a%2Fb":         `/users/{id} {"id":"a/b"}`,
		"OPTIONS /users/7/orders/": `/users/{id}/orders {"id":"7"}`,
	}
	got := map[string]string{}
	for request := range tests {
		method, path, _ := strings.Cut(request, " ")
		b.function.events = nil
		r := b.request(method, path, "")
		if got[request] = r.Header.Get("X-Amzn-Errortype"); r.StatusCode == 200 {
			_, rest, _ := strings.Cut(b.function.events[0], `{"resource":"`)
			resource, _, _ := strings.Cut(rest, `"`)
			_, rest, _ = strings.Cut(rest, `"pathParameters":`)
			params, _, _ := strings.Cut(rest, `,"stageVariables"`)
			got[request] = resource + " " + params
		}
	}
	if d := cmp.Diff(tests, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff("Forbidden\nContent-Length: 42\nContent-Type: application/json\nX-Amzn-Errortype: MissingAuthenticationTokenException\n\n"+
		`{"message":"Missing Authentication Token"}`, described(b.request("POST", "/else", ""))); d != "" {
		t.Error(d)
	}
}

// TestPreflight answers a browser as the Framework's `cors: true` declares it.
func TestPreflight(t *testing.T) {
	b := open(t)
	b.route("OPTIONS", "/users", func(_ *shapes.PutMethodRequest, i *shapes.PutIntegrationRequest) {
		i.Type, i.Uri, i.IntegrationHttpMethod = ptr("MOCK"), nil, nil
		i.RequestTemplates, i.ContentHandling = map[string]string{"application/json": "{statusCode:200}"}, ptr("CONVERT_TO_TEXT")
	})
	do(b, shapes.PutIntegrationResponse, &shapes.PutIntegrationResponseRequest{
		RestApiId: &b.api, ResourceId: b.at("/users"), HttpMethod: ptr("OPTIONS"), StatusCode: ptr("200"),
		ResponseParameters: map[string]string{
			"method.response.header.Access-Control-Allow-Origin":  "'*'",
			"method.response.header.Access-Control-Allow-Headers": "'Content-Type,X-Amz-Date'",
			"method.response.header.Access-Control-Allow-Methods": "'OPTIONS,GET'",
		},
		ResponseTemplates: map[string]string{"application/json": ""},
	})
	b.deploy()
	want := "OK\nAccess-Control-Allow-Headers: Content-Type,X-Amz-Date\nAccess-Control-Allow-Methods: OPTIONS,GET\nAccess-Control-Allow-Origin: *\n" +
		"Content-Length: 0\nContent-Type: application/json\n\n"
	got := described(b.request("OPTIONS", "/users", "", "Origin: https://shop.example", "Access-Control-Request-Method: GET"))
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestGatewayResponses(t *testing.T) {
	b := open(t)
	b.route("GET", "/")
	do(b, shapes.PutGatewayResponse, &shapes.PutGatewayResponseRequest{
		RestApiId: &b.api, ResponseType: ptr("DEFAULT_4XX"), ResponseParameters: map[string]string{
			"gatewayresponse.header.Access-Control-Allow-Origin": "'*'", "gatewayresponse.header.X-From": "method.request.header.Origin",
		},
	})
	do(b, shapes.PutGatewayResponse, &shapes.PutGatewayResponseRequest{
		RestApiId: &b.api, ResponseType: ptr("DEFAULT_5XX"), StatusCode: ptr("503"),
		ResponseTemplates: map[string]string{"application/json": `{"error":$context.error.messageString,"stage":"$context.stage"}`},
	})
	b.deploy()
	want := "Forbidden\nAccess-Control-Allow-Origin: *\nContent-Length: 42\nContent-Type: application/json\n" +
		"X-Amzn-Errortype: MissingAuthenticationTokenException\nX-From: https://shop.example\n\n" + `{"message":"Missing Authentication Token"}`
	if d := cmp.Diff(want, described(b.request("GET", "/none", "", "Origin: https://shop.example"))); d != "" {
		t.Error(d)
	}
	b.function.says("no JSON")
	want = "Service Unavailable\nContent-Length: 47\nContent-Type: application/json\nX-Amzn-Errortype: InternalServerErrorException\n\n" +
		`{"error":"Internal server error","stage":"dev"}`
	if d := cmp.Diff(want, described(b.request("GET", "/", ""))); d != "" {
		t.Error(d)
	}
}

// TestDeployments: a stage serves what was deployed, not what is defined.
func TestDeployments(t *testing.T) {
	b := open(t)
	b.route("GET", "/a")
	b.deploy()
	status := func(path string) int { return b.request("GET", path, "").StatusCode }
	b.route("GET", "/b")
	do(b, shapes.DeleteMethod, &shapes.DeleteMethodRequest{RestApiId: &b.api, ResourceId: b.at("/a"), HttpMethod: ptr("GET")})
	if a, c := status("/a"), status("/b"); a != 200 || c != 403 {
		t.Errorf("before the deployment: %d and %d", a, c)
	}
	first := do(b, shapes.GetStage, &shapes.GetStageRequest{RestApiId: &b.api, StageName: ptr("dev")}).DeploymentId
	b.deploy()
	if a, c := status("/a"), status("/b"); a != 403 || c != 200 {
		t.Errorf("after the deployment: %d and %d", a, c)
	}
	do(b, shapes.UpdateStage, &shapes.UpdateStageRequest{RestApiId: &b.api, StageName: ptr("dev"), PatchOperations: []shapes.PatchOperation{
		{Op: ptr("replace"), Path: ptr("/deploymentId"), Value: first},
	}})
	if a, c := status("/a"), status("/b"); a != 200 || c != 403 {
		t.Errorf("back again: %d and %d", a, c)
	}
	_, err := awsapi.Do(b.root, b.front, shapes.DeleteDeployment, &shapes.DeleteDeploymentRequest{RestApiId: &b.api, DeploymentId: first})
	if err == nil {
		t.Error("a deployment that a stage serves was deleted")
	}
	do(b, shapes.DeleteRestApi, &shapes.DeleteRestApiRequest{RestApiId: &b.api})
	if got := status("/a"); got != 404 {
		t.Errorf("without an API: %d", got)
	}
}

// TestSigned: methods with AWS_IAM authorisation know who calls.
func TestSigned(t *testing.T) {
	b := open(t)
	b.route("GET", "/users/{id}", func(m *shapes.PutMethodRequest, _ *shapes.PutIntegrationRequest) {
		m.AuthorizationType = ptr("AWS_IAM")
	})
	b.deploy()
	user := do(b, iamshapes.CreateUser, &iamshapes.CreateUserRequest{UserName: ptr("ana")}).User
	key := do(b, iamshapes.CreateAccessKey, &iamshapes.CreateAccessKeyRequest{UserName: ptr("ana")}).AccessKey
	client := b.client.As(*key.AccessKeyId, *key.SecretAccessKey, "")
	client.Handler = b.edge.Gateway()
	get := func() string { a := client.Send("execute-api", "GET", "/users/7", nil, nil); return string(a.Body) }

	if got := described(b.request("GET", "/users/7", "")); !strings.HasSuffix(got, `{"message":"Missing Authentication Token"}`) {
		t.Errorf("without a signature: %s", got)
	}
	resource := "arn:aws:execute-api:eu-central-1:123456789012:" + b.api + "/dev/GET/users/7"
	want := `{"Message":"User: arn:aws:iam::123456789012:user/ana is not authorized to perform: execute-api:Invoke on resource: ` +
		strings.Replace(resource, account, "********9012", 1) + ` because no identity-based policy allows the execute-api:Invoke action"}`
	if d := cmp.Diff(want, get()); d != "" {
		t.Error(d)
	}
	do(b, iamshapes.PutUserPolicy, &iamshapes.PutUserPolicyRequest{UserName: ptr("ana"), PolicyName: ptr("call"), PolicyDocument: ptr(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"` + resource + `"}]}`)})
	b.function.events, b.function.actors = nil, nil
	if got := get(); got != "ok" {
		t.Fatal(got)
	}
	for _, want := range []string{`"userArn":"` + *user.Arn + `"`, `"accessKey":"` + *key.AccessKeyId + `"`, `"user":"` + *user.UserId + `"`} {
		if !strings.Contains(b.function.events[0], want) {
			t.Errorf("the event has no %s: %s", want, b.function.events[0])
		}
	}
	// The function is called by the gateway on behalf of the method, whoever it was that asked.
	if a := b.function.actors[0]; a.Principal.Service != "apigateway.amazonaws.com" || a.SourceARN.String() != resource {
		t.Errorf("called by %+v", a)
	}
	client.Secret = "wrong"
	if got := get(); !strings.HasPrefix(got, `{"message":"The request signature we calculated does not match the signature you provided.`) {
		t.Errorf("with a wrong secret: %s", got)
	}
	client.Key = "AKIAAAAAAAAAAAAAAAAA"
	if got := get(); got != `{"message":"The security token included in the request is invalid."}` {
		t.Errorf("with a key that nobody has: %s", got)
	}
}
