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

// testInvokeMethod calls a method as it is now, without a deployment.
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
	target := value(in.PathWithQueryString)
	if target == "" {
		target = r.Path
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, badRequest("Invalid pathWithQueryString: %s", target)
	}
	var a *api
	err = s.view(ctx, func(sn *kv.Snap, sp space) (err error) {
		a, err = load[api](sn, sp.api(*in.RestApiId))
		return err
	})
	if err != nil {
		return nil, err
	}
	call := awsapi.From(ctx)
	req := (&http.Request{
		Method: *in.HttpMethod, URL: u, Proto: "HTTP/1.1", Header: http.Header{}, Host: "testPrefix.testDomainName", RemoteAddr: "test-invoke-source-ip",
		Body: http.NoBody,
	}).WithContext(ctx)
	for k, v := range in.Headers {
		req.Header.Set(k, v)
	}
	for k, vs := range in.MultiValueHeaders {
		req.Header[http.CanonicalHeaderKey(k)] = vs
	}
	rec := &recorder{head: http.Header{}, status: http.StatusOK}
	stage := &shapes.Stage{StageName: ptr(testStage), DeploymentId: ptr(""), Variables: in.StageVariables}
	x := &exchange{
		s: s, r: req, w: rec, id: awsapi.NewID(), at: s.clock.Now(), params: map[string]string{}, resource: r, method: m, actor: call.Actor,
		body:   []byte(value(in.Body)),
		plan:   newPlan(a, stage, &deployment{Resources: []*resource{r}, Binary: a.BinaryMediaTypes}),
		target: edge.Target{Scope: call.Scope, API: *in.RestApiId, Stage: testStage, Path: u.EscapedPath(), Domain: "testPrefix.testDomainName"},
	}
	x.plan.root.match(strings.Trim(u.EscapedPath(), "/"), x.params)
	began := s.machine.Now()
	if fail := x.integrate(ctx); fail != nil {
		x.refuse(*fail)
	}
	resp := &shapes.TestInvokeMethodResponse{
		Status: ptr(int32(rec.status)), Body: ptr(rec.body.String()), Headers: map[string]string{}, MultiValueHeaders: rec.head,
		Latency: ptr(s.machine.Since(began).Milliseconds()), Log: ptr("Execution log for request " + x.id),
	}
	for k := range rec.head {
		resp.Headers[k] = rec.head.Get(k)
	}
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
