package apigateway_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/service/apigateway"
)

// responds puts an integration response.
func (b *bed) responds(method, path, status, pattern string, parameters, templates map[string]string) {
	b.Helper()
	do(b, shapes.PutIntegrationResponse, &shapes.PutIntegrationResponseRequest{
		RestApiId: &b.api, ResourceId: b.at(path), HttpMethod: &method, StatusCode: &status, SelectionPattern: &pattern,
		ResponseParameters: parameters, ResponseTemplates: templates,
	})
}

// TestPreflightOfSeveralOrigins answers as the Framework's `cors: origins:`
// declares it.
func TestPreflightOfSeveralOrigins(t *testing.T) {
	b := open(t)
	b.route("OPTIONS", "/users", func(_ *shapes.PutMethodRequest, i *shapes.PutIntegrationRequest) {
		i.Type, i.Uri, i.IntegrationHttpMethod = ptr("MOCK"), nil, nil
		i.RequestTemplates = map[string]string{"application/json": "{statusCode:200}"}
	})
	b.responds("OPTIONS", "/users", "200", "", map[string]string{"method.response.header.Access-Control-Allow-Origin": "'https://a.example'"},
		map[string]string{"application/json": `#set($origin = $input.params("Origin"))
#if($origin == "") #set($origin = $input.params("origin")) #end
#if($origin.matches("https://a[.]example") || $origin.matches("https://.+[.]b[.]example")) #set($context.responseOverride.header.Access-Control-Allow-Origin = $origin) #end`})
	b.deploy()
	for origin, want := range map[string]string{
		"https://a.example": "https://a.example", "https://x.b.example": "https://x.b.example", "https://evil.example": "https://a.example", "": "https://a.example",
	} {
		var headers []string
		if origin != "" {
			headers = []string{"Origin: " + origin}
		}
		r := b.request("OPTIONS", "/users", "", headers...)
		if got := r.Header.Get("Access-Control-Allow-Origin"); got != want || r.StatusCode != 200 {
			t.Errorf("%q: %d %q, want %q", origin, r.StatusCode, got, want)
		}
	}
}

// TestLambdaIntegration: templates make the event and the response, and the
// error's message chooses the status.
func TestLambdaIntegration(t *testing.T) {
	b := open(t)
	b.route("POST", "/users/{id}", func(_ *shapes.PutMethodRequest, i *shapes.PutIntegrationRequest) {
		i.Type, i.PassthroughBehavior = ptr("AWS"), ptr("NEVER")
		i.RequestTemplates = map[string]string{
			"application/json": `{"body": $input.json("$"), "name": $input.json("$.user.name"), "id": "$input.params('id')", "q": "$input.params().querystring.q", ` +
				`"stage": "$context.stage", "principal": "$context.authorizer.principalId", "color": "$stageVariables.color", "no": "$input.path('$.no')"}`,
			"application/x-www-form-urlencoded": `{#foreach($f in $input.path("$").split("&"))"$util.urlDecode($f.split("=")[0])": "$util.escapeJavaScript($f.split("=")[1])"#if($foreach.hasNext), #end#end}`,
			"text/plain":                        `not JSON`,
			"text/broken":                       `$input.body.nothing()`,
		}
	})
	b.responds("POST", "/users/{id}", "200", "", map[string]string{
		"method.response.header.X-Literal": "'it'", "method.response.header.X-Type": "integration.response.header.Content-Type",
		"method.response.header.X-Id": "integration.response.body.user.id", "method.response.header.X-Stage": "context.stage",
	}, nil)
	b.responds("POST", "/users/{id}", "404", `[\s\S]*\[404\][\s\S]*`, nil,
		map[string]string{"application/json": `{"error": "$util.escapeJavaScript($input.path('$.errorMessage'))"}`})
	b.responds("POST", "/users/{id}", "418", `teapot`, nil,
		map[string]string{"text/plain": `#set($context.responseOverride.status = 503)#set($context.responseOverride.header.X-Over = "set")tea`})
	b.deploy()
	fails := func(message string) func(context.Context) (apigateway.Outcome, error) {
		return func(context.Context) (apigateway.Outcome, error) {
			return apigateway.Outcome{Failed: true, Payload: []byte(`{"errorMessage":"` + message + `"}`)}, nil
		}
	}
	says := func(context.Context) (apigateway.Outcome, error) {
		return apigateway.Outcome{Payload: []byte(`{"user":{"id":7}}`)}, nil
	}
	tests := []struct {
		name, media, body string
		answer            func(context.Context) (apigateway.Outcome, error)
		event, want       string
	}{
		{"success", "application/json; charset=utf-8", `{"user":{"name":"Ana"}}`, says,
			`{"body": {"user":{"name":"Ana"}}, "name": "Ana", "id": "7", "q": "x", "stage": "dev", "principal": "", "color": "blue", "no": ""}`,
			"OK\nContent-Length: 17\nContent-Type: application/json\nX-Id: 7\nX-Literal: it\nX-Stage: dev\nX-Type: application/json\n\n" + `{"user":{"id":7}}`},
		{"no body", "", "", says,
			`{"body": {}, "name": "", "id": "7", "q": "x", "stage": "dev", "principal": "", "color": "blue", "no": ""}`, "OK\n"},
		{"a form", "application/x-www-form-urlencoded", "a%20b=1&c=2", says, `{"a b": "1", "c": "2"}`, "OK\n"},
		{"chosen by the error", "", "", fails("[404] it's not here"), "",
			"Not Found\nContent-Length: 33\nContent-Type: application/json\n\n" + `{"error": "[404] it\'s not here"}`},
		{"an error that nothing is for", "", "", fails("oh"), "", "OK\n"},
		{"overridden", "", "", fails("teapot"), "", "Service Unavailable\nContent-Length: 3\nContent-Type: text/plain\nX-Over: set\n\ntea"},
		{"no template for it", "image/png", "x", says, "-", "Unsupported Media Type\n"},
		{"no JSON", "text/plain", "x", says, "-", "Bad Request\n"},
		{"a template that fails", "text/broken", "x", says, "-", "Internal Server Error\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b.function.events, b.function.answer = nil, tt.answer
			var headers []string
			if tt.media != "" {
				headers = []string{"Content-Type: " + tt.media}
			}
			got := described(b.request("POST", "/users/7?q=x", tt.body, headers...))
			if !strings.HasPrefix(got, tt.want) {
				t.Error(cmp.Diff(tt.want, got))
			}
			switch {
			case tt.event == "-" && len(b.function.events) > 0:
				t.Errorf("the function was called with %s", b.function.events)
			case tt.event != "" && tt.event != "-":
				if d := cmp.Diff([]string{tt.event}, b.function.events); d != "" {
					t.Error(d)
				}
			}
		})
	}
}

// TestAsync: a mapped header makes the invocation asynchronous.
func TestAsync(t *testing.T) {
	b := open(t)
	b.route("POST", "/jobs", func(_ *shapes.PutMethodRequest, i *shapes.PutIntegrationRequest) {
		i.Type, i.RequestParameters = ptr("AWS"), map[string]string{"integration.request.header.X-Amz-Invocation-Type": "'Event'"}
	})
	b.responds("POST", "/jobs", "200", "", nil, nil)
	b.deploy()
	b.function.answer = func(context.Context) (apigateway.Outcome, error) { return apigateway.Outcome{}, nil }
	if got := brief(b.request("POST", "/jobs", `{"n":1}`)); got != "200 " {
		t.Error(got)
	}
	if d := cmp.Diff([]bool{true}, b.function.async); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{`{"n":1}`}, b.function.events); d != "" {
		t.Error(d)
	}
}

// TestBadTemplates are refused when they are put, with their place.
func TestBadTemplates(t *testing.T) {
	b := open(t)
	b.route("GET", "/")
	put := func(change func(*shapes.PutIntegrationRequest)) string {
		in := &shapes.PutIntegrationRequest{
			RestApiId: &b.api, ResourceId: b.at("/"), HttpMethod: ptr("GET"), Type: ptr("AWS"), IntegrationHttpMethod: ptr("POST"),
			Uri: ptr("arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-central-1:123456789012:function:shop/invocations"),
		}
		change(in)
		_, err := awsapi.Do(b.root, b.front, shapes.PutIntegration, in)
		if err == nil {
			return ""
		}
		return err.Error()
	}
	for want, change := range map[string]func(*shapes.PutIntegrationRequest){
		"BadRequestException: Invalid mapping template specified for application/json: line 2, column 1: #if without #end": func(i *shapes.PutIntegrationRequest) {
			i.RequestTemplates = map[string]string{"application/json": "{\n#if($a)}"}
		},
		"BadRequestException: Invalid mapping expression parameter specified: integration.response.header.X": func(i *shapes.PutIntegrationRequest) {
			i.RequestParameters = map[string]string{"integration.response.header.X": "'x'"}
		},
		"BadRequestException: Invalid mapping expression specified: x": func(i *shapes.PutIntegrationRequest) {
			i.RequestParameters = map[string]string{"integration.request.header.X": "x"}
		},
	} {
		if got := put(change); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
