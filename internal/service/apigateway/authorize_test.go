package apigateway_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	iamshapes "github.com/nube-run/nube/internal/awsapi/shapes/iam"
	"github.com/nube-run/nube/internal/service/apigateway"
)

// judgeURI is what authorizers call.
const judgeURI = "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-central-1:123456789012:function:" + judge + "/invocations"

// authorizer makes one, of the type TOKEN unless put says otherwise.
func (b *bed) authorizer(put ...func(*shapes.CreateAuthorizerRequest)) *string {
	b.Helper()
	in := &shapes.CreateAuthorizerRequest{
		RestApiId: &b.api, Name: ptr("who"), Type: ptr("TOKEN"), AuthorizerUri: ptr(judgeURI), IdentitySource: ptr("method.request.header.Authorization"),
	}
	for _, fn := range put {
		fn(in)
	}
	return do(b, shapes.CreateAuthorizer, in).Id
}

// guarded leads a method behind an authorizer to the function.
func (b *bed) guarded(method, path string, id *string) {
	b.Helper()
	b.route(method, path, func(m *shapes.PutMethodRequest, _ *shapes.PutIntegrationRequest) {
		m.AuthorizationType, m.AuthorizerId = ptr("CUSTOM"), id
	})
}

// verdict is an authorizer's answer about the methods of a resource.
func verdict(effect, resource, more string) apigateway.Outcome {
	return apigateway.Outcome{Payload: []byte(`{"principalId":"ana","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"` +
		effect + `","Resource":"` + resource + `"}]}` + more + `}`)}
}

func always(o apigateway.Outcome, err error) func(string) (apigateway.Outcome, error) {
	return func(string) (apigateway.Outcome, error) { return o, err }
}

func TestTokenAuthorizer(t *testing.T) {
	b := open(t)
	id := b.authorizer(func(in *shapes.CreateAuthorizerRequest) { in.IdentityValidationExpression = ptr("Bearer [a-z]+") })
	b.guarded("GET", "/users/{id}", id)
	b.deploy()
	arn := "arn:aws:execute-api:eu-central-1:123456789012:" + b.api + "/dev/"
	failed := func(payload string) apigateway.Outcome {
		return apigateway.Outcome{Failed: true, Payload: []byte(payload)}
	}
	const nothing = `500 {"message":null}`
	tests := []struct {
		name, token, want, kind string
		verdict                 apigateway.Outcome
		err                     error
		asked                   bool
	}{
		{name: "no token", want: `401 {"message":"Unauthorized"}`, kind: "UnauthorizedException"},
		{name: "not what a token looks like", token: "Basic ana", want: `401 {"message":"Unauthorized"}`, kind: "UnauthorizedException"},
		{name: "allowed", token: "Bearer a", verdict: verdict("Allow", arn+"GET/users/7", ""), want: "200 ok", asked: true},
		{name: "allowed by a pattern", token: "Bearer b", verdict: verdict("Allow", "arn:aws:execute-api:*:*:*/dev/*/users/*", ""), want: "200 ok", asked: true},
		{name: "denied", token: "Bearer c", verdict: verdict("Deny", arn+"GET/users/7", ""), asked: true,
			want: `403 {"Message":"User is not authorized to access this resource with an explicit deny"}`, kind: "AccessDeniedException"},
		{name: "not allowed", token: "Bearer d", verdict: verdict("Allow", arn+"POST/users/7", ""), asked: true,
			want: `403 {"Message":"User is not authorized to access this resource"}`, kind: "AccessDeniedException"},
		{name: "unauthorized", token: "Bearer e", verdict: failed(`{"errorMessage":"Unauthorized"}`), asked: true, want: `401 {"message":"Unauthorized"}`, kind: "UnauthorizedException"},
		{name: "another error", token: "Bearer f", verdict: failed(`{"errorMessage":"Unauthorized: expired"}`), asked: true, want: nothing, kind: "AuthorizerFailureException"},
		{name: "the function cannot be called", token: "Bearer g", err: errors.New("not permitted"), asked: true, want: nothing, kind: "AuthorizerConfigurationException"},
		{name: "no concurrency", token: "Bearer h", verdict: apigateway.Outcome{Throttle: true}, asked: true, want: nothing, kind: "AuthorizerFailureException"},
		{name: "null", token: "Bearer i", verdict: apigateway.Outcome{Payload: []byte("null")}, asked: true, want: nothing, kind: "AuthorizerConfigurationException"},
		{name: "no policy", token: "Bearer j", verdict: apigateway.Outcome{Payload: []byte(`{"principalId":"ana"}`)}, asked: true, want: nothing, kind: "AuthorizerConfigurationException"},
		{name: "no principal", token: "Bearer k", verdict: apigateway.Outcome{Payload: []byte(`{"policyDocument":{"Version":"2012-10-17","Statement":[]}}`)}, asked: true,
			want: nothing, kind: "AuthorizerConfigurationException"},
		{name: "a nested context", token: "Bearer l", verdict: verdict("Allow", "*", `,"context":{"a":{"b":1}}`), asked: true, want: nothing, kind: "AuthorizerConfigurationException"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b.function.asked, b.function.verdict = nil, always(tt.verdict, tt.err)
			var headers []string
			if tt.token != "" {
				headers = []string{"Authorization: " + tt.token}
			}
			r := b.request("GET", "/users/7", "", headers...)
			if got := r.Header.Get("X-Amzn-Errortype"); got != tt.kind {
				t.Errorf("error type %q, want %q", got, tt.kind)
			}
			if d := cmp.Diff(tt.want, brief(r)); d != "" {
				t.Error(d)
			}
			var asked []string
			if tt.asked {
				asked = []string{`{"type":"TOKEN","methodArn":"` + arn + `GET/users/7","authorizationToken":"` + tt.token + `"}`}
			}
			if d := cmp.Diff(asked, b.function.asked); d != "" {
				t.Error(d)
			}
		})
	}
	actor := b.function.actors[len(b.function.actors)-1]
	if want := "arn:aws:execute-api:eu-central-1:123456789012:" + b.api + "/authorizers/" + *id; actor.SourceARN.String() != want {
		t.Errorf("asked for %s, want %s", actor.SourceARN, want)
	}
}

// TestVerdictsAreKept: what an authorizer said holds for its token, in all
// methods, until its time is over.
//
// Mutations that make it fail: answers kept without the identity they are
// about, for ever, over a deployment, or not at all.
func TestVerdictsAreKept(t *testing.T) {
	b := open(t)
	id := b.authorizer(func(in *shapes.CreateAuthorizerRequest) { in.AuthorizerResultTtlInSeconds = ptr(int32(60)) })
	b.guarded("GET", "/a", id)
	b.guarded("GET", "/b", id)
	b.deploy()
	b.function.verdict = func(event string) (apigateway.Outcome, error) {
		var in struct{ MethodArn string }
		if err := json.Unmarshal([]byte(event), &in); err != nil {
			return apigateway.Outcome{}, err
		}
		return verdict("Allow", in.MethodArn, ""), nil
	}
	get := func(path, token string) int { return b.request("GET", path, "", "Authorization: "+token).StatusCode }
	steps := []struct {
		name, path, token string
		status, asked     int
		before            func()
	}{
		{"asked", "/a", "x", 200, 1, nil},
		{"remembered", "/a", "x", 200, 1, nil},
		{"the policy was about the first method", "/b", "x", 403, 1, nil},
		{"another token", "/b", "y", 200, 2, nil},
		{"almost over", "/a", "x", 200, 2, func() { b.pass(time.Minute - time.Second) }},
		{"over", "/a", "x", 200, 3, func() { b.pass(time.Second) }},
		{"flushed", "/a", "x", 200, 4, func() {
			do(b, shapes.FlushStageAuthorizersCache, &shapes.FlushStageAuthorizersCacheRequest{RestApiId: &b.api, StageName: ptr("dev")})
		}},
		{"something else changed", "/a", "x", 200, 4, func() {
			do(b, shapes.UpdateStage, &shapes.UpdateStageRequest{RestApiId: &b.api, StageName: ptr("dev"), PatchOperations: []shapes.PatchOperation{
				{Op: ptr("replace"), Path: ptr("/description"), Value: ptr("new")},
			}})
		}},
		{"deployed anew", "/a", "x", 200, 5, b.deploy},
	}
	for _, s := range steps {
		if s.before != nil {
			s.before()
		}
		if got := get(s.path, s.token); got != s.status || len(b.function.asked) != s.asked {
			t.Errorf("%s: %d, asked %d times; want %d and %d", s.name, got, len(b.function.asked), s.status, s.asked)
		}
	}
}

func TestRequestAuthorizer(t *testing.T) {
	b := open(t)
	sources := "method.request.header.X-User, method.request.querystring.team, stageVariables.color, context.stage"
	id := b.authorizer(func(in *shapes.CreateAuthorizerRequest) { in.Type, in.IdentitySource = ptr("REQUEST"), &sources })
	b.guarded("ANY", "/users/{id}", id)
	b.deploy()
	b.function.verdict = always(verdict("Allow", "*", `,"context":{"plan":"gold","level":3,"beta":true,"none":null}`), nil)
	if got := brief(b.request("GET", "/users/7?team=red", "")); got != `401 {"message":"Unauthorized"}` || len(b.function.asked) != 0 {
		t.Errorf("without a header: %s, asked %v", got, b.function.asked)
	}
	if got := brief(b.request("POST", "/users/7?team=red&x=1", "secret", "X-User: ana")); got != "200 ok" {
		t.Fatal(got)
	}
	var event map[string]any
	if err := json.Unmarshal([]byte(b.function.asked[0]), &event); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"type": "REQUEST", "methodArn": "arn:aws:execute-api:eu-central-1:123456789012:" + b.api + "/dev/POST/users/7", "resource": "/users/{id}", "path": "/users/7",
		"httpMethod": "POST", "pathParameters": map[string]any{"id": "7"}, "queryStringParameters": map[string]any{"team": "red", "x": "1"},
		"stageVariables": map[string]any{"color": "blue"},
	} {
		if d := cmp.Diff(want, event[name]); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	if _, has := event["body"]; has || event["requestContext"].(map[string]any)["stage"] != "dev" {
		t.Errorf("the authorizer got %s", b.function.asked[0])
	}
	var in struct {
		RequestContext struct{ Authorizer map[string]any }
	}
	if err := json.Unmarshal([]byte(b.function.events[0]), &in); err != nil {
		t.Fatal(err)
	}
	latency := in.RequestContext.Authorizer["integrationLatency"]
	want := map[string]any{"principalId": "ana", "integrationLatency": latency, "plan": "gold", "level": "3", "beta": "true"}
	if d := cmp.Diff(want, in.RequestContext.Authorizer); d != "" {
		t.Error(d)
	}
	if _, ok := latency.(float64); !ok {
		t.Errorf("the latency is %v", latency)
	}
	b.request("GET", "/users/8?team=red&x=2", "", "X-User: ana")
	if len(b.function.asked) != 1 {
		t.Errorf("asked again, although the identity is the same: %v", b.function.asked)
	}
}

// TestAuthorizerInTemplates: $context.authorizer is what the authorizer said.
func TestAuthorizerInTemplates(t *testing.T) {
	b := open(t)
	id := b.authorizer()
	b.route("POST", "/", func(m *shapes.PutMethodRequest, i *shapes.PutIntegrationRequest) {
		m.AuthorizationType, m.AuthorizerId = ptr("CUSTOM"), id
		i.Type = ptr("AWS")
		i.RequestTemplates = map[string]string{"application/json": `{"who":"$context.authorizer.principalId","plan":"$context.authorizer.plan","none":"$context.authorizer.none",` +
			`"all":[#foreach($k in $context.authorizer.keySet())"$k"#if($foreach.hasNext),#end#end]}`}
	})
	do(b, shapes.PutIntegrationResponse, &shapes.PutIntegrationResponseRequest{RestApiId: &b.api, ResourceId: b.at("/"), HttpMethod: ptr("POST"), StatusCode: ptr("200")})
	b.deploy()
	b.function.verdict = always(verdict("Allow", "*", `,"context":{"plan":"gold"}`), nil)
	if got := brief(b.request("POST", "/", "", "Authorization: x")); !strings.HasPrefix(got, "200") {
		t.Fatal(got)
	}
	if d := cmp.Diff(`{"who":"ana","plan":"gold","none":"","all":["principalId","integrationLatency","plan"]}`, b.function.events[0]); d != "" {
		t.Error(d)
	}
}

func TestInvokeAuthorizer(t *testing.T) {
	b := open(t)
	id := b.authorizer()
	b.function.verdict = always(verdict("Allow", "*", `,"context":{"plan":"gold"}`), nil)
	out := do(b, shapes.TestInvokeAuthorizer, &shapes.TestInvokeAuthorizerRequest{
		RestApiId: &b.api, AuthorizerId: id, Headers: map[string]string{"Authorization": "x"}, PathWithQueryString: ptr("/users?a=1"),
	})
	if *out.ClientStatus != 200 || *out.PrincipalId != "ana" || !strings.Contains(*out.Policy, `"Effect":"Allow"`) ||
		!cmp.Equal(out.Authorization, map[string][]string{"plan": {"gold"}}) || !strings.Contains(*out.Log, "Using valid authorizer policy for principal: ***") {
		t.Errorf("answered %+v: %s", out, *out.Log)
	}
	if want := `"methodArn":"arn:aws:execute-api:eu-central-1:123456789012:` + b.api + `/test-invoke-stage/GET/users"`; !strings.Contains(b.function.asked[0], want) {
		t.Errorf("asked %s, want %s", b.function.asked[0], want)
	}
	out = do(b, shapes.TestInvokeAuthorizer, &shapes.TestInvokeAuthorizerRequest{RestApiId: &b.api, AuthorizerId: id})
	if *out.ClientStatus != 401 || out.PrincipalId != nil {
		t.Errorf("without a token: %+v", out)
	}
}

// TestResourcePolicy: the API's own policy decides alone, or together with what
// an authorizer says.
//
// Mutations that make it fail: the authorizer asked before the API's policy;
// the API's policy not looked at; its denial taken for the authorizer's.
func TestResourcePolicy(t *testing.T) {
	b := open(t)
	id := b.authorizer()
	for _, path := range []string{"/open", "/closed", "/silent"} {
		b.route("GET", path)
	}
	for _, path := range []string{"/guarded", "/guarded-closed"} {
		b.guarded("GET", path, id)
	}
	do(b, shapes.UpdateRestApi, &shapes.UpdateRestApiRequest{RestApiId: &b.api, PatchOperations: []shapes.PatchOperation{{Op: ptr("replace"), Path: ptr("/policy"), Value: ptr(
		`{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":["execute-api:/*/GET/open","execute-api:/*/GET/closed"],"Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}},
			{"Effect":"Deny","Principal":"*","Action":"execute-api:Invoke","Resource":["execute-api:/*/*/closed","execute-api:/*/*/guarded-closed"]}
		]}`)}}})
	b.deploy()
	denied := func(path, how string) string {
		return `403 {"Message":"User: anonymous is not authorized to perform: execute-api:Invoke on resource: arn:aws:execute-api:eu-central-1:********9012:` + b.api +
			`/dev/GET/` + path + how + `"}`
	}
	tests := []struct {
		path, effect, want string
		asked              int
	}{
		{"/open", "", "200 ok", 0},
		{"/closed", "", denied("closed", " with an explicit deny"), 0},
		{"/silent", "", denied("silent", ""), 0},
		{"/guarded", "Allow", "200 ok", 1},
		{"/guarded", "Deny", `403 {"Message":"User is not authorized to access this resource with an explicit deny"}`, 1},
		{"/guarded-closed", "Allow", denied("guarded-closed", " with an explicit deny"), 0},
	}
	get := func(path, effect string, n int) string {
		b.function.asked, b.function.verdict = nil, always(verdict(effect, "*", ""), nil)
		return brief(b.request("GET", path, "", "Authorization: "+strings.Repeat("x", n)))
	}
	for i, tt := range tests {
		if d := cmp.Diff(tt.want, get(tt.path, tt.effect, i+1)); d != "" || len(b.function.asked) != tt.asked {
			t.Errorf("%s: asked %d times, want %d; %s", tt.path, len(b.function.asked), tt.asked, d)
		}
	}
	// Where denials are not enforced, what the authorizer says still counts: it
	// is the application that speaks.
	b.mode = awsapi.Warn
	b.start()
	for i, tt := range []struct{ path, effect, want string }{
		{"/closed", "", "200 ok"}, {"/silent", "", "200 ok"}, {"/guarded-closed", "Allow", "200 ok"},
		{"/guarded-closed", "Deny", `403 {"Message":"User is not authorized to access this resource with an explicit deny"}`},
	} {
		if got := get(tt.path, tt.effect, 20+i); got != tt.want {
			t.Errorf("%s, without enforcement: %s, want %s", tt.path, got, tt.want)
		}
	}
	b.function.verdict = always(verdict("Allow", "arn:aws:execute-api:*:*:other/*", ""), nil)
	if got := brief(b.request("GET", "/guarded-closed", "", "Authorization: other")); got != `403 {"Message":"User is not authorized to access this resource"}` {
		t.Errorf("not allowed by the authorizer, without enforcement: %s", got)
	}
}

// TestPolicyAndSignature: within an account, what the API's policy allows a user
// needs no policy of the user's own, and what it denies none helps with.
func TestPolicyAndSignature(t *testing.T) {
	b := open(t)
	for _, path := range []string{"/granted", "/denied", "/silent"} {
		b.route("GET", path, func(m *shapes.PutMethodRequest, _ *shapes.PutIntegrationRequest) {
			m.AuthorizationType = ptr("AWS_IAM")
		})
	}
	user := do(b, iamshapes.CreateUser, &iamshapes.CreateUserRequest{UserName: ptr("ana")}).User
	key := do(b, iamshapes.CreateAccessKey, &iamshapes.CreateAccessKeyRequest{UserName: ptr("ana")}).AccessKey
	do(b, shapes.UpdateRestApi, &shapes.UpdateRestApiRequest{RestApiId: &b.api, PatchOperations: []shapes.PatchOperation{{Op: ptr("replace"), Path: ptr("/policy"), Value: ptr(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + *user.Arn + `"},"Action":"execute-api:Invoke","Resource":"execute-api:/*/GET/granted"},` +
			`{"Effect":"Deny","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*/*/denied"}]}`)}}})
	b.deploy()
	client := b.client.As(*key.AccessKeyId, *key.SecretAccessKey, "")
	client.Handler = b.edge.Gateway()
	get := func(path string) string {
		text := string(client.Send("execute-api", "GET", path, nil, nil).Body)
		_, after, _ := strings.Cut(text, path)
		if after == "" {
			return text
		}
		return after
	}
	const implicit = ` because no identity-based policy allows the execute-api:Invoke action"}`
	for path, want := range map[string]string{"/granted": "ok", "/denied": ` with an explicit deny"}`, "/silent": implicit} {
		if got := get(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	do(b, iamshapes.PutUserPolicy, &iamshapes.PutUserPolicyRequest{UserName: ptr("ana"), PolicyName: ptr("call"), PolicyDocument: ptr(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"*"}]}`)})
	for path, want := range map[string]string{"/granted": "ok", "/denied": ` with an explicit deny"}`, "/silent": "ok"} {
		if got := get(path); got != want {
			t.Errorf("%s, with a policy of her own: %s, want %s", path, got, want)
		}
	}
}
