package apigateway

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/edge"
	"github.com/nube-run/nube/internal/kv"
)

func (s *Service) registerTest() {
	awsapi.Handle(s.api, shapes.TestInvokeMethod, on("POST", func(in *shapes.TestInvokeMethodRequest) string {
		return methodPath(in.RestApiId, in.ResourceId, in.HttpMethod)
	}), s.testInvokeMethod)
}

// testStage is the name of the stage in which methods are tested.
const testStage = "test-invoke-stage"

// trial is a request that is tested without a deployment.
type trial struct {
	method, target string // the path with its query
	headers        map[string]string
	multiple       map[string][]string // headers of several values
	variables      map[string]string
	body           *string
}

// exchange makes the exchange of a trial, whose answer stays in memory and whose
// log is kept.
func (t trial) exchange(ctx context.Context, s *Service, a *api, r *resource) (*exchange, *recorder, error) {
	u, err := url.ParseRequestURI(t.target)
	if err != nil {
		return nil, nil, badRequest("Invalid pathWithQueryString: %s", t.target)
	}
	req := (&http.Request{
		Method: t.method, URL: u, Proto: "HTTP/1.1", Header: http.Header{}, Host: "testPrefix.testDomainName", RemoteAddr: "test-invoke-source-ip",
		Body: http.NoBody,
	}).WithContext(ctx)
	for k, v := range t.headers {
		req.Header.Set(k, v)
	}
	for k, vs := range t.multiple {
		req.Header[http.CanonicalHeaderKey(k)] = vs
	}
	rec := &recorder{head: http.Header{}, status: http.StatusOK}
	stage := &shapes.Stage{StageName: ptr(testStage), DeploymentId: ptr(""), Variables: t.variables}
	call := awsapi.From(ctx)
	x := &exchange{
		s: s, r: req, w: rec, id: awsapi.NewID(), at: s.clock.Now(), params: map[string]string{}, resource: r, actor: call.Actor,
		body:   []byte(value(t.body)),
		plan:   newPlan(a, stage, &deployment{Resources: []*resource{r}, Binary: a.BinaryMediaTypes}),
		target: edge.Target{Scope: call.Scope, API: *a.Id, Stage: testStage, Path: u.EscapedPath(), Domain: "testPrefix.testDomainName"},
		logs:   &logging{level: levelInfo, data: true}, told: &strings.Builder{},
	}
	x.told.WriteString("Execution log for request " + x.id + "\n")
	x.watched()
	return x, rec, nil
}

// testInvokeMethod calls a method as it is now, without a deployment, an
// authorizer or a key: what is asked of the request itself counts.
// https://docs.aws.amazon.com/apigateway/latest/api/API_TestInvokeMethod.html
func (s *Service) testInvokeMethod(ctx context.Context, in *shapes.TestInvokeMethodRequest) (*shapes.TestInvokeMethodResponse, error) {
	r, err := s.readResource(ctx, *in.RestApiId, *in.ResourceId)
	if err != nil {
		return nil, err
	}
	m := r.method(*in.HttpMethod)
	if m == nil {
		return nil, noSuchMethod()
	}
	if m.MethodIntegration == nil {
		return nil, badRequest("No integration defined for method")
	}
	a, err := s.readAPI(ctx, *in.RestApiId)
	if err != nil {
		return nil, err
	}
	t := trial{
		method: *in.HttpMethod, target: value(in.PathWithQueryString), headers: in.Headers, multiple: in.MultiValueHeaders,
		variables: in.StageVariables, body: in.Body,
	}
	if t.target == "" {
		t.target = r.Path
	}
	x, rec, err := t.exchange(ctx, s, a, r)
	if err != nil {
		return nil, err
	}
	x.method = m
	x.plan.root.match(strings.Trim(x.r.URL.EscapedPath(), "/"), x.params)
	err = s.view(ctx, func(sn *kv.Snap, sp space) error { return x.plan.takeParts(sn, sp, *a.Id) })
	if err != nil {
		return nil, err
	}
	g, err := x.plan.makeGate(r, *in.HttpMethod, m)
	if err != nil {
		return nil, err
	}
	x.sayRequest()
	began := s.machine.Now()
	var fail *failure
	if g != nil {
		fail = x.validate(g)
	}
	if fail == nil {
		fail = x.integrate(ctx)
	}
	if fail != nil {
		x.refuse(*fail)
	}
	x.finish(fail)
	resp := &shapes.TestInvokeMethodResponse{
		Status: ptr(int32(rec.status)), Body: ptr(rec.body.String()), Headers: map[string]string{}, MultiValueHeaders: rec.head,
		Latency: ptr(s.machine.Since(began).Milliseconds()), Log: ptr(x.told.String()),
	}
	for k := range rec.head {
		resp.Headers[k] = rec.head.Get(k)
	}
	return resp, nil
}

// testInvokeAuthorizer asks an authorizer as it is now about a request.
// https://docs.aws.amazon.com/apigateway/latest/api/API_TestInvokeAuthorizer.html
func (s *Service) testInvokeAuthorizer(ctx context.Context, in *shapes.TestInvokeAuthorizerRequest) (*shapes.TestInvokeAuthorizerResponse, error) {
	given, err := readPart[shapes.Authorizer](ctx, s, authorizerKind, *in.RestApiId, *in.AuthorizerId, noSuchAuthorizer())
	if err != nil {
		return nil, err
	}
	auth, err := newAuthorizer(given)
	if err != nil {
		return nil, err
	}
	a, err := s.readAPI(ctx, *in.RestApiId)
	if err != nil {
		return nil, err
	}
	t := trial{
		method: http.MethodGet, target: value(in.PathWithQueryString), headers: in.Headers, multiple: in.MultiValueHeaders,
		variables: in.StageVariables, body: in.Body,
	}
	if t.target == "" {
		t.target = "/"
	}
	x, _, err := t.exchange(ctx, s, a, &resource{ID: *a.RootResourceId, Path: "/"})
	if err != nil {
		return nil, err
	}
	auth.ttl = 0 // each test asks anew
	began := s.machine.Now()
	fail := x.askAuthorizer(ctx, auth)
	resp := &shapes.TestInvokeAuthorizerResponse{ClientStatus: ptr(int32(http.StatusOK)), Latency: ptr(s.machine.Since(began).Milliseconds())}
	if x.caller != nil && x.caller.claims != nil {
		resp.Claims = map[string]string{}
		for _, c := range x.caller.claims {
			resp.Claims[c.name] = c.value
		}
	} else if x.caller != nil {
		resp.PrincipalId, resp.Policy, resp.Authorization = &x.caller.principal, &x.caller.text, map[string][]string{}
		for _, p := range x.caller.context {
			resp.Authorization[p.name] = []string{p.value}
		}
		x.say(levelInfo, "Successfully completed authorizer execution")
	} else if fail != nil {
		resp.ClientStatus = ptr(int32(fail.status))
	}
	resp.Log = ptr(x.told.String())
	return resp, nil
}

// recorder keeps a response in memory.
type recorder struct {
	head   http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.head }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }
