package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/edge"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/runner"
)

// TestURLConfigs is the life of a function's URL.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
func TestURLConfigs(t *testing.T) {
	c := newCloud(t, nil)
	c.create("f", "")
	c.do("PublishVersion", `{"FunctionName":"f"}`)
	c.do("CreateAlias", `{"FunctionName":"f","Name":"live","FunctionVersion":"1"}`)
	c.want("GetFunctionUrlConfig", `{"FunctionName":"f"}`, "ResourceNotFoundException: The resource you requested does not exist.")
	made := c.do("CreateFunctionUrlConfig", `{"FunctionName":"f","AuthType":"NONE","Cors":{"AllowOrigins":["*"]}}`)
	if !regexp.MustCompile(`"FunctionUrl":"https://[a-z2-7]{32}\.lambda-url\.eu-west-1\.on\.aws/"`).MatchString(made) || !strings.Contains(made, `"InvokeMode":"BUFFERED"`) {
		t.Error(made)
	}
	c.want("CreateFunctionUrlConfig", `{"FunctionName":"f","AuthType":"NONE"}`, "ResourceConflictException: Failed to create function url config")
	c.want("CreateFunctionUrlConfig", `{"FunctionName":"f","Qualifier":"live","AuthType":"AWS_IAM"}`, `"FunctionArn":"arn:aws:lambda:eu-west-1:123456789012:function:f:live"`)
	c.want("CreateFunctionUrlConfig", `{"FunctionName":"f","Qualifier":"1","AuthType":"NONE"}`, "ValidationException")
	c.want("CreateFunctionUrlConfig", `{"FunctionName":"f","Qualifier":"none","AuthType":"NONE"}`, "ResourceNotFoundException")
	c.want("CreateFunctionUrlConfig", `{"FunctionName":"g","AuthType":"NONE"}`, "ResourceNotFoundException")
	c.want("UpdateFunctionUrlConfig", `{"FunctionName":"f","InvokeMode":"RESPONSE_STREAM"}`, "nube does not support responses as a stream")
	c.want("UpdateFunctionUrlConfig", `{"FunctionName":"f","AuthType":"AWS_IAM","Cors":{"MaxAge":5}}`, `"AuthType":"AWS_IAM"`, `"Cors":{"MaxAge":5}`)
	c.want("ListFunctionUrlConfigs", `{"FunctionName":"f","MaxItems":1}`, `"NextMarker"`)
	c.want("ListFunctionUrlConfigs", `{"FunctionName":"f"}`, "function:f:live")
	c.do("DeleteAlias", `{"FunctionName":"f","Name":"live"}`)
	c.want("GetFunctionUrlConfig", `{"FunctionName":"f","Qualifier":"live"}`, "ResourceNotFoundException")
	c.do("DeleteFunctionUrlConfig", `{"FunctionName":"f"}`)
	c.want("DeleteFunctionUrlConfig", `{"FunctionName":"f"}`, "ResourceNotFoundException")
}

// door judges callers by the resource policy alone: who signs as somebody is an
// administrator.
type door struct{ signed bool }

func (d door) Authenticate(*http.Request, string, []byte) (awsapi.Actor, error) {
	if !d.signed {
		return awsapi.Actor{}, fault.New("MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	return awsapi.Actor{Account: testAccount, UserID: "AIDA", KeyID: "AKIA", Principal: policy.Principal{ARN: "arn:aws:iam::123456789012:user/ada"}}, nil
}

func (d door) Judge(ctx context.Context, need awsapi.Access, docs ...*policy.Doc) (policy.Decision, error) {
	a := awsapi.From(ctx).Actor
	set := policy.Set{Resource: docs}
	if docs[0] == nil {
		set.Resource = nil
	}
	if d.signed {
		all, err := policy.Parse(policy.Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
		if err != nil {
			return policy.Decision{}, err
		}
		set.Identity = []*policy.Doc{all}
	}
	return set.Evaluate(&policy.Request{Principal: a.Principal, Action: need.Action, Resource: need.Resource, ResourceAccount: testAccount, Keys: need.Keys}), nil
}

func (door) Refuse(_ context.Context, _ awsapi.Access, d policy.Decision) error {
	if d.Allowed() {
		return nil
	}
	return errors.New("denied")
}

// urlID makes a URL and returns its id.
func (c *cloud) urlID(request string) string {
	c.t.Helper()
	var made struct{ FunctionUrl string }
	if err := json.Unmarshal([]byte(c.do("CreateFunctionUrlConfig", request)), &made); err != nil {
		c.t.Fatal(err)
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(made.FunctionUrl, "https://"), ".")
	return id
}

// visit sends a request to a URL.
func (c *cloud) visit(d door, id, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	c.t.Helper()
	r := httptest.NewRequest(method, "http://"+id+".lambda-url.eu-west-1.on.aws"+path, strings.NewReader(body))
	for _, h := range headers {
		k, v, _ := strings.Cut(h, ": ")
		r.Header.Add(k, v)
	}
	w := httptest.NewRecorder()
	c.s.URLs(d).Serve(w, r, edge.Target{
		Kind: edge.Function, Scope: arn.In(testRegion, testAccount), API: id, Path: r.URL.EscapedPath(), Domain: r.URL.Host,
	}, "Root=1-5759e988-bd862e3fe1be46a994272793")
	return w
}

// TestURLPermissions: a URL that asks for no signature takes both permissions.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
func TestURLPermissions(t *testing.T) {
	c := newCloud(t, nil)
	c.create("f", "")
	open := c.urlID(`{"FunctionName":"f","AuthType":"NONE"}`)
	allow := func(id, more string) {
		c.do("AddPermission", `{"FunctionName":"f","StatementId":"`+id+`","Principal":"*",`+more+`}`)
	}
	steps := []struct {
		allow  func()
		status int
	}{
		{func() {}, 403},
		{func() { allow("iam", `"Action":"lambda:InvokeFunctionUrl","FunctionUrlAuthType":"AWS_IAM"`) }, 403},
		{func() { allow("use", `"Action":"lambda:InvokeFunctionUrl","FunctionUrlAuthType":"NONE"`) }, 403},
		{func() { allow("invoke", `"Action":"lambda:InvokeFunction","InvokedViaFunctionUrl":true`) }, 200},
	}
	for i, s := range steps {
		s.allow()
		if w := c.visit(door{}, open, "GET", "/", ""); w.Code != s.status {
			t.Errorf("step %d: %d %s", i, w.Code, w.Body)
		}
	}
	if w := c.visit(door{}, "nobody", "GET", "/", ""); w.Code != 403 || w.Body.String() != `{"Message":"Forbidden"}` {
		t.Errorf("a URL that does not exist: %d %s", w.Code, w.Body)
	}
	if len(c.run.calls) != 1 {
		t.Errorf("the function was called %d times", len(c.run.calls))
	}
}

// TestURLAnswers: what callers see to what functions say, and what functions get.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
func TestURLAnswers(t *testing.T) {
	c := newCloud(t, nil)
	c.create("f", "")
	id := c.urlID(`{"FunctionName":"f","AuthType":"AWS_IAM","Cors":{"AllowOrigins":["https://a.example.com"],"AllowMethods":["GET"],"ExposeHeaders":["x-a"],"MaxAge":5}}`)
	if w := c.visit(door{}, id, "GET", "/", ""); w.Code != 403 || w.Body.String() != `{"Message":"Missing Authentication Token"}` {
		t.Errorf("without a signature: %d %s", w.Code, w.Body)
	}
	says := func(res runner.Result, err error) {
		c.run.answer = func(*runner.Spec, runner.Invocation) (runner.Result, error) { return res, err }
	}
	for _, tt := range []struct {
		name   string
		res    runner.Result
		err    error
		status int
		kind   string
		body   string
	}{
		{"a string", runner.Result{Payload: []byte(`"Hello, world!"`)}, nil, 200, "application/json", `"Hello, world!"`},
		{"JSON", runner.Result{Payload: []byte(`{"message":"hi"}`)}, nil, 200, "application/json", `{"message":"hi"}`},
		{"a response", runner.Result{Payload: []byte(`{"statusCode":201,"headers":{"Content-Type":"text/html"},"body":"<p>"}`)}, nil, 201, "text/html", `<p>`},
		{"one without a type", runner.Result{Payload: []byte(`{"statusCode":200,"body":"{}"}`)}, nil, 200, "application/json", `{}`},
		{"a failure", runner.Result{Payload: []byte(`{}`), Fault: &runner.Fault{Type: "Error"}}, nil, 502, "application/json", `Internal Server Error`},
		{"no room", runner.Result{}, &runner.Throttled{}, 429, "application/json", `{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}`},
		{"trouble", runner.Result{}, errors.New("x"), 500, "application/json", `{"Message":null}`},
	} {
		says(tt.res, tt.err)
		w := c.visit(door{true}, id, "GET", "/", "", "Origin: https://a.example.com")
		if w.Code != tt.status || w.Header().Get("Content-Type") != tt.kind || w.Body.String() != tt.body {
			t.Errorf("%s: %d %v %s", tt.name, w.Code, w.Header(), w.Body)
		}
		if w.Header().Get("Access-Control-Allow-Origin") != "https://a.example.com" || w.Header().Get("Access-Control-Expose-Headers") != "x-a" {
			t.Errorf("%s: %v", tt.name, w.Header())
		}
	}
	says(runner.Result{Payload: []byte(`null`)}, nil)
	calls := len(c.run.calls)
	w := c.visit(door{}, id, "OPTIONS", "/", "", "Origin: https://a.example.com", "Access-Control-Request-Method: GET")
	if w.Code != 200 || w.Header().Get("Access-Control-Allow-Methods") != "GET" || w.Header().Get("Access-Control-Max-Age") != "5" || len(c.run.calls) != calls {
		t.Errorf("preflight: %d %v", w.Code, w.Header())
	}
	if w := c.visit(door{true}, id, "POST", "/", strings.Repeat("x", maxURL+1)); w.Code != 413 {
		t.Errorf("a body that is too large: %d", w.Code)
	}
	c.visit(door{true}, id, "POST", "/a%20b?x=1&x=2", "hi", "Content-Type: text/plain", "Cookie: a=1; b=2")
	event := string(c.run.calls[len(c.run.calls)-1].Payload)
	for _, want := range []string{
		`"routeKey":"$default","rawPath":"/a%20b","rawQueryString":"x=1&x=2","cookies":["a=1","b=2"]`, `"queryStringParameters":{"x":"1,2"}`,
		`"requestContext":{"accountId":"123456789012","apiId":"` + id + `","authorizer":{"iam":{"accessKey":"AKIA","accountId":"123456789012","callerId":"AIDA","cognitoIdentity":null,` +
			`"principalOrgId":null,"userArn":"arn:aws:iam::123456789012:user/ada","userId":"AIDA"}},"domainName":"` + id + `.lambda-url.eu-west-1.on.aws","domainPrefix":"` + id + `"`,
		`"stage":"$default"`, `"body":"hi","isBase64Encoded":false}`,
	} {
		if !strings.Contains(event, want) {
			t.Errorf("no %s in %s", want, event)
		}
	}
	if got := c.run.calls[len(c.run.calls)-1].ARN; got != "arn:aws:lambda:eu-west-1:123456789012:function:f" {
		t.Errorf("invoked as %s", got)
	}
}
