package apigatewayv2_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/service/apigatewayv2"
)

// TestEvents holds events to AWS's documented examples.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func TestEvents(t *testing.T) {
	b := open(t)
	do(b, shapes.UpdateStage, &shapes.UpdateStageRequest{ApiId: &b.api, StageName: ptr("$default"), StageVariables: map[string]string{"stageVariable1": "value1"}})
	b.route("POST /my/{parameter1}")
	b.route("GET /old/{proxy+}", func(_ *shapes.CreateRouteRequest, i *shapes.CreateIntegrationRequest) {
		i.PayloadFormatVersion = ptr("1.0")
	})
	b.route("$default")
	headers := []string{"Cookie: cookie1; cookie2", "Header1: value1", "Header2: value1", "Header2: value2", "User-Agent: agent", "Content-Type: text/plain"}
	b.request("POST", "/my/v%20a?parameter1=value1&parameter1=value2&parameter2=a%2Fb", "Hello from Lambda", headers...)
	golden(t, "event2.json", b.event())
	b.request("GET", "/old/a/b?parameter1=value1&parameter1=value2&parameter2=value", "", headers...)
	golden(t, "event1.json", b.event())
	b.request("GET", "/", "")
	golden(t, "event2-bare.json", b.event())
	if want := "arn:aws:execute-api:eu-central-1:123456789012:" + b.api + "/$default/POST/my/{parameter1}"; b.source[0].String() != want {
		t.Errorf("the function was called for %s, want %s", b.source[0], want)
	}
	if want := "arn:aws:execute-api:eu-central-1:123456789012:" + b.api + "/$default/$default"; b.source[2].String() != want {
		t.Errorf("the function was called for %s, want %s", b.source[2], want)
	}
}

// TestBodies: what is not text is in base64, a form and what is compressed too.
func TestBodies(t *testing.T) {
	b := open(t)
	b.route("POST /")
	for _, tt := range []struct {
		headers []string
		body    string
		want    string
	}{
		{[]string{"Content-Type: application/json; charset=utf-8"}, `{"a":1}`, `"body": "{\"a\":1}"`},
		{[]string{"Content-Type: application/vnd.api+json"}, `{}`, `"body": "{}"`},
		{[]string{"Content-Type: application/x-www-form-urlencoded"}, "a=b", `"body": "YT1i"`},
		{[]string{"Content-Type: image/png"}, "\x89PNG", `"body": "iVBORw=="`},
		{[]string{"Content-Type: text/plain", "Content-Encoding: gzip"}, "ab", `"body": "YWI="`},
		{nil, "ab", `"body": "YWI="`},
	} {
		b.request("POST", "/", tt.body, tt.headers...)
		event := b.event()
		if !strings.Contains(event, tt.want) || strings.Contains(tt.want, "=") != strings.Contains(event, `"isBase64Encoded": true`) && tt.body != "a=b" {
			t.Errorf("%v: no %s in %s", tt.headers, tt.want, event)
		}
	}
}

// TestAnswers holds what clients see to what functions say.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html#http-api-develop-integrations-lambda.response
func TestAnswers(t *testing.T) {
	b := open(t)
	b.route("GET /")
	b.route("GET /1", func(_ *shapes.CreateRouteRequest, i *shapes.CreateIntegrationRequest) {
		i.PayloadFormatVersion = ptr("1.0")
	})
	var out strings.Builder
	for _, path := range []string{"/", "/1"} {
		for _, says := range []string{
			`"Hello from Lambda!"`,
			`{ "message": "Hello from Lambda!" }`,
			`{"statusCode":201,"headers":{"Content-Type":"text/html","X-N":3},"body":"<p>","cookies":["a=1; Path=/","b=2"]}`,
			`{"statusCode":"204"}`,
			`{"statusCode":200,"body":"aGk=","isBase64Encoded":true}`,
			`{"statusCode":200,"multiValueHeaders":{"Set-Cookie":["a=1","b=2"]},"body":"x"}`,
			`{"statusCode":99}`,
			`{"statusCode":200,"body":{"a":1}}`,
			`null`,
			`[1,2]`,
			`not JSON`,
		} {
			b.says(says)
			fmt.Fprintf(&out, "== %s %s\n%s\n", path, says, described(b.request("GET", path, "")))
		}
	}
	golden(t, "answers.txt", out.String())
}

// TestFailures: what API Gateway itself answers.
func TestFailures(t *testing.T) {
	b := open(t)
	b.route("GET /")
	b.route("POST /")
	do(b, shapes.CreateRoute, &shapes.CreateRouteRequest{ApiId: &b.api, RouteKey: ptr("GET /nowhere")})
	b.route("GET /slow", func(_ *shapes.CreateRouteRequest, i *shapes.CreateIntegrationRequest) {
		i.TimeoutInMillis = ptr(int32(50))
	})
	wait := func(payload []byte) (apigatewayv2.Outcome, error) {
		return apigatewayv2.Outcome{}, context.DeadlineExceeded
	}
	failed := func([]byte) (apigatewayv2.Outcome, error) {
		return apigatewayv2.Outcome{Payload: []byte(`{"errorMessage":"boom"}`), Failed: true}, nil
	}
	for _, tt := range []struct {
		method, path, body string
		answer             func([]byte) (apigatewayv2.Outcome, error)
		status             int
		want               string
	}{
		{"GET", "/other", "", nil, 404, `{"message":"Not Found"}`},
		{"DELETE", "/", "", nil, 404, `{"message":"Not Found"}`},
		{"GET", "/nowhere", "", nil, 500, `{"message":"Internal Server Error"}`},
		{"GET", "/", "", failed, 500, `{"message":"Internal Server Error"}`},
		{"GET", "/slow", "", wait, 503, `{"message":"Service Unavailable"}`},
		{"POST", "/", strings.Repeat("x", 10<<20+1), nil, 413, `{"message":"Request Entity Too Large"}`},
	} {
		if tt.answer != nil {
			b.answer = tt.answer
		}
		r := b.request(tt.method, tt.path, tt.body)
		if got := described(r); r.StatusCode != tt.status || !strings.HasSuffix(got, "\n"+tt.want) || r.Header.Get("Content-Type") != "application/json" || len(r.Header.Get("Apigw-Requestid")) != 16 {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, r.StatusCode, got)
		}
	}
}

// TestRouteChoice holds the choice of routes to AWS's documented example.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html#http-api-develop-routes.evaluation
func TestRouteChoice(t *testing.T) {
	b := open(t)
	for _, key := range []string{
		"GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "$default", "ANY /both", "POST /both", "GET /a/{x}/c", "GET /a/b/{y}", "PUT /caf%C3%A9",
	} {
		b.route(key)
	}
	b.answer = func(payload []byte) (apigatewayv2.Outcome, error) {
		return apigatewayv2.Outcome{Payload: payload}, nil // the event has no statusCode, so it is the body
	}
	for _, tt := range []struct{ method, path, want string }{
		{"GET", "/pets/dog/1", "GET /pets/dog/1"},
		{"GET", "/pets/dog/2", "GET /pets/dog/{id}"},
		{"GET", "/pets/cat/1", "GET /pets/{proxy+}"},
		{"POST", "/test/5", "ANY /{proxy+}"},
		{"POST", "/pets/dog/1", "ANY /{proxy+}"},
		{"GET", "/", "$default"},
		{"POST", "/both", "POST /both"},
		{"GET", "/both", "ANY /both"},
		{"GET", "/both/", "ANY /{proxy+}"},
		{"GET", "/pets/", "ANY /{proxy+}"},
		{"GET", "/a/b/c", "GET /a/b/{y}"},
		{"GET", "/a/z/c", "GET /a/{x}/c"},
	} {
		b.request(tt.method, tt.path, "")
		if got := b.event(); !strings.Contains(got, fmt.Sprintf(`"routeKey": %q`, tt.want)) {
			t.Errorf("%s %s: not %s: %s", tt.method, tt.path, tt.want, got)
		}
	}
	refuses(b, shapes.CreateRoute, &shapes.CreateRouteRequest{ApiId: &b.api, RouteKey: ptr("GET /a/{other}/c")}, "ConflictException")
}

// TestAddresses: an API is found by host name, by path and on the gateway, with
// stages that have names and without.
func TestAddresses(t *testing.T) {
	b := open(t)
	b.route("GET /users/{id}")
	do(b, shapes.CreateStage, &shapes.CreateStageRequest{ApiId: &b.api, StageName: ptr("dev"), AutoDeploy: ptr(true)})
	b.answer = func(payload []byte) (apigatewayv2.Outcome, error) { return apigatewayv2.Outcome{Payload: payload}, nil }
	host := b.api + ".execute-api.eu-central-1.amazonaws.com"
	for _, tt := range []struct{ host, path, rawPath, stage string }{
		{host, "/users/1", "/users/1", "$default"},
		{host, "/dev/users/1", "/dev/users/1", "dev"},
		{"localhost:4566", "/_aws/execute-api/" + b.api + "/users/1", "/users/1", "$default"},
		{"localhost:4566", "/_aws/execute-api/" + b.api + "/$default/users/1", "/users/1", "$default"},
		{"localhost:4566", "/_aws/execute-api/" + b.api + "/dev/users/1", "/dev/users/1", "dev"},
	} {
		r := b.send(b.endpoint(), tt.host, "GET", tt.path, "")
		event := b.event()
		if r.StatusCode != 200 || !strings.Contains(event, fmt.Sprintf(`"rawPath": %q`, tt.rawPath)) || !strings.Contains(event, fmt.Sprintf(`"stage": %q`, tt.stage)) {
			t.Errorf("%s%s: %d %s", tt.host, tt.path, r.StatusCode, event)
		}
	}
	if r := b.send(b.endpoint(), host, "GET", "/other/users/1", ""); r.StatusCode != 404 {
		t.Errorf("a stage that is none: %d", r.StatusCode)
	}
	do(b, shapes.CreateDomainName, &shapes.CreateDomainNameRequest{DomainName: ptr("API.example.com")})
	do(b, shapes.CreateApiMapping, &shapes.CreateApiMappingRequest{DomainName: ptr("api.example.com"), ApiId: &b.api, Stage: ptr("dev"), ApiMappingKey: ptr("shop/v1")})
	if r := b.send(b.edge.Gateway(), "api.example.com:3000", "GET", "/shop/v1/users/1", ""); r.StatusCode != 200 || !strings.Contains(b.event(), `"rawPath": "/dev/users/1"`) {
		t.Errorf("by a domain name: %d %s", r.StatusCode, b.event())
	}
	refuses(b, shapes.DeleteStage, &shapes.DeleteStageRequest{ApiId: &b.api, StageName: ptr("dev")}, "BadRequestException")
	refuses(b, shapes.DeleteApi, &shapes.DeleteApiRequest{ApiId: &b.api}, "BadRequestException")
	do(b, shapes.UpdateApi, &shapes.UpdateApiRequest{ApiId: &b.api, DisableExecuteApiEndpoint: ptr(true)})
	if r := b.send(b.endpoint(), host, "GET", "/users/1", ""); r.StatusCode != 404 {
		t.Errorf("an endpoint that is switched off: %d", r.StatusCode)
	}
	if r := b.request("GET", "/users/1", ""); r.StatusCode != 200 {
		t.Errorf("the gateway of an API whose endpoint is switched off: %d", r.StatusCode)
	}
}

// TestDeployments: what a stage serves changes with a deployment, by itself only
// where it deploys by itself.
func TestDeployments(t *testing.T) {
	b := open(t)
	b.route("GET /a")
	do(b, shapes.CreateStage, &shapes.CreateStageRequest{ApiId: &b.api, StageName: ptr("slow")})
	at := func(path string) int {
		return b.send(b.endpoint(), "localhost", "GET", "/_aws/execute-api/"+b.api+path, "").StatusCode
	}
	if got := at("/slow/a"); got != 404 {
		t.Errorf("before the first deployment: %d", got)
	}
	d := do(b, shapes.CreateDeployment, &shapes.CreateDeploymentRequest{ApiId: &b.api, StageName: ptr("slow")})
	id := b.route("GET /b")
	for path, want := range map[string]int{"/a": 200, "/b": 200, "/slow/a": 200, "/slow/b": 404} {
		if got := at(path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	refuses(b, shapes.DeleteDeployment, &shapes.DeleteDeploymentRequest{ApiId: &b.api, DeploymentId: d.DeploymentId}, "Active stages")
	do(b, shapes.DeleteRoute, &shapes.DeleteRouteRequest{ApiId: &b.api, RouteId: &id})
	if got := at("/b"); got != 404 {
		t.Errorf("a route that is gone: %d", got)
	}
	all := do(b, shapes.GetDeployments, &shapes.GetDeploymentsRequest{ApiId: &b.api}).Items
	if len(all) != 2 {
		t.Errorf("there are %d deployments: one by hand and the last by itself are wanted", len(all))
	}
	do(b, shapes.DeleteStage, &shapes.DeleteStageRequest{ApiId: &b.api, StageName: ptr("$default")})
	if all := do(b, shapes.GetDeployments, &shapes.GetDeploymentsRequest{ApiId: &b.api}).Items; len(all) != 1 {
		t.Errorf("%d deployments are left", len(all))
	}
}

// TestCORS: the API answers preflight requests itself, and its headers take the
// place of the integration's.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
func TestCORS(t *testing.T) {
	b := open(t, func(in *shapes.CreateApiRequest) {
		in.CorsConfiguration = &shapes.Cors{
			AllowOrigins: []string{"https://shop.example.com", "http://*"}, AllowMethods: []string{"GET", "POST"}, AllowHeaders: []string{"content-type"},
			ExposeHeaders: []string{"x-total"}, MaxAge: ptr(int32(300)), AllowCredentials: ptr(true),
		}
	})
	b.route("GET /a")
	b.route("ANY /any")
	b.says(`{"statusCode":200,"headers":{"Access-Control-Allow-Origin":"https://evil.example.com","X-Total":"3"},"body":"ok"}`)
	var out strings.Builder
	for _, tt := range []struct {
		method, path string
		headers      []string
	}{
		{"OPTIONS", "/a", []string{"Origin: https://shop.example.com", "Access-Control-Request-Method: GET"}},
		{"OPTIONS", "/any", []string{"Origin: https://shop.example.com", "Access-Control-Request-Method: POST"}},
		{"OPTIONS", "/a", []string{"Origin: https://evil.example.com", "Access-Control-Request-Method: GET"}},
		{"OPTIONS", "/a", []string{"Origin: https://shop.example.com", "Access-Control-Request-Method: DELETE"}},
		{"OPTIONS", "/a", nil},
		{"GET", "/a", []string{"Origin: https://shop.example.com"}},
		{"GET", "/a", []string{"Origin: http://localhost:8080"}},
		{"GET", "/a", []string{"Origin: https://evil.example.com"}},
		{"GET", "/a", nil},
		{"GET", "/none", []string{"Origin: https://shop.example.com"}},
	} {
		fmt.Fprintf(&out, "== %s %s %s\n%s\n", tt.method, tt.path, strings.Join(tt.headers, ", "), described(b.request(tt.method, tt.path, "", tt.headers...)))
	}
	golden(t, "cors.txt", out.String())
	if len(b.events) != 4 {
		t.Errorf("the function was called %d times: preflight requests are the API's own", len(b.events))
	}
	refuses(b, shapes.UpdateApi, &shapes.UpdateApiRequest{ApiId: &b.api, CorsConfiguration: &shapes.Cors{AllowOrigins: []string{"*"}, AllowCredentials: ptr(true)}}, "BadRequestException")
	do(b, shapes.DeleteCorsConfiguration, &shapes.DeleteCorsConfigurationRequest{ApiId: &b.api})
	if r := b.request("OPTIONS", "/a", "", "Origin: https://shop.example.com", "Access-Control-Request-Method: GET"); r.StatusCode != http.StatusNotFound {
		t.Errorf("without CORS a preflight request is like any other: %d", r.StatusCode)
	}
}

// TestThrottling: a burst is what the bucket holds while the model's time stands
// still; afterwards it fills at its rate.
func TestThrottling(t *testing.T) {
	b := open(t)
	b.route("GET /a")
	b.route("GET /b")
	do(b, shapes.UpdateStage, &shapes.UpdateStageRequest{
		ApiId: &b.api, StageName: ptr("$default"), RouteSettings: map[string]shapes.RouteSettings{"GET /a": {ThrottlingRateLimit: ptr(2.0), ThrottlingBurstLimit: ptr(int32(2))}},
	})
	statuses := func(path string, n int) (out []int) {
		for range n {
			out = append(out, b.request("GET", path, "").StatusCode)
		}
		return out
	}
	if got := fmt.Sprint(statuses("/a", 3), statuses("/b", 3)); got != "[200 200 429] [200 200 200]" {
		t.Error(got)
	}
	if err := b.model.Set(b.model.Now().Add(500_000_000)); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(statuses("/a", 2)); got != "[200 429]" {
		t.Error(got)
	}
	refuses(b, shapes.UpdateStage, &shapes.UpdateStageRequest{ApiId: &b.api, StageName: ptr("$default"), RouteSettings: map[string]shapes.RouteSettings{"GET /z": {}}}, "Unable to find Route by key GET /z")
}

// TestAccessLogs: a line for each request, with what API Gateway knows of it.
func TestAccessLogs(t *testing.T) {
	b := open(t)
	b.route("GET /a")
	do(b, shapes.UpdateStage, &shapes.UpdateStageRequest{ApiId: &b.api, StageName: ptr("$default"), AccessLogSettings: &shapes.AccessLogSettings{
		DestinationArn: ptr("arn:aws:logs:eu-central-1:123456789012:log-group:/aws/http-api/shop"),
		Format:         ptr(`$context.httpMethod $context.path "$context.routeKey" $context.status $context.responseLength $context.integrationStatus $context.error.message ${context.stage} $$ $contextual id=$context.requestId`),
	}})
	b.request("GET", "/a?x=1", "")
	b.request("GET", "/b", "")
	for i, want := range []string{
		`/aws/http-api/shop GET /a "GET /a" 200 2 200 - $default $$ $contextual id=`,
		`/aws/http-api/shop GET /b "-" 404 23 - Not Found $default $$ $contextual id=`,
	} {
		if i >= len(b.all) || !strings.HasPrefix(b.all[i], want) {
			t.Errorf("line %d of %q, want %s", i, b.all, want)
		}
	}
	refuses(b, shapes.UpdateStage, &shapes.UpdateStageRequest{ApiId: &b.api, StageName: ptr("$default"), AccessLogSettings: &shapes.AccessLogSettings{
		DestinationArn: ptr("arn:aws:logs:eu-central-1:123456789012:log-group:x"), Format: ptr("$context.status"),
	}}, "Access Log format must contain")
	for _, arn := range []string{"arn:aws:logs:eu-central-1:999999999999:log-group:x", "arn:aws:logs:us-east-1:123456789012:log-group:x"} {
		refuses(b, shapes.UpdateStage, &shapes.UpdateStageRequest{ApiId: &b.api, StageName: ptr("$default"), AccessLogSettings: &shapes.AccessLogSettings{
			DestinationArn: &arn, Format: ptr("$context.requestId"),
		}}, "own account and region")
	}
}

// TestStageVariables: an integration may leave its function to the stage.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-stages.html#http-api-stages.stage-variables
func TestStageVariables(t *testing.T) {
	b := open(t)
	do(b, shapes.UpdateStage, &shapes.UpdateStageRequest{ApiId: &b.api, StageName: ptr("$default"), StageVariables: map[string]string{"fn": "judge"}})
	b.judge = `"the other function"`
	b.route("GET /", func(_ *shapes.CreateRouteRequest, i *shapes.CreateIntegrationRequest) {
		i.IntegrationUri = ptr("arn:aws:lambda:eu-central-1:123456789012:function:${stageVariables.fn}")
	})
	if got := described(b.request("GET", "/", "")); !strings.HasSuffix(got, "\nthe other function") {
		t.Error(got)
	}
}

// TestChangesUnderTraffic: a route that stays answers through every change of
// the others, and what a change has returned is what the next request sees.
func TestChangesUnderTraffic(t *testing.T) {
	b := open(t)
	b.route("GET /stays")
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if r := b.request("GET", "/stays", ""); r.StatusCode != 200 {
					t.Errorf("status %d", r.StatusCode)
					return
				}
			}
		})
	}
	for i := range 20 {
		path := fmt.Sprintf("/r%d", i)
		id := b.route("GET " + path)
		if r := b.request("GET", path, ""); r.StatusCode != 200 {
			t.Errorf("%s: %d after it was made", path, r.StatusCode)
		}
		do(b, shapes.DeleteRoute, &shapes.DeleteRouteRequest{ApiId: &b.api, RouteId: &id})
		if r := b.request("GET", path, ""); r.StatusCode != 404 {
			t.Errorf("%s: %d after it was deleted", path, r.StatusCode)
		}
	}
	close(done)
	wg.Wait()
}
