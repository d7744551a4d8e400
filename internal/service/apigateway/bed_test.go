package apigateway_test

import (
	"context"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/awstest"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk"
	"github.com/nube-run/nube/internal/edge"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/service/apigateway"
	"github.com/nube-run/nube/internal/service/iam"
	"github.com/nube-run/nube/internal/work"
)

var update = flag.Bool("update", false, "write the golden files")

const account = "123456789012"

// noon is where the model clock of the tests stands: 2026-03-01T12:00:00Z.
const noon = 1772366400

// function is what all integrations call. Its answer can be changed between
// requests.
type function struct {
	mu     sync.Mutex
	events []string
	actors []awsapi.Actor
	async  []bool
	called []string
	answer func(ctx context.Context) (apigateway.Outcome, error)

	asked   []string // what the authorizer got
	verdict func(event string) (apigateway.Outcome, error)
}

// judge is the name of the function that authorizers call.
const judge = "judge"

func (f *function) Invoke(ctx context.Context, in apigateway.Invocation) (apigateway.Outcome, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if strings.HasSuffix(in.Function.Resource(), ":"+judge) {
		f.asked, f.actors = append(f.asked, string(in.Payload)), append(f.actors, awsapi.From(ctx).Actor)
		return f.verdict(string(in.Payload))
	}
	f.called = append(f.called, in.Function.String())
	f.events = append(f.events, string(in.Payload))
	f.actors = append(f.actors, awsapi.From(ctx).Actor)
	f.async = append(f.async, in.Async)
	return f.answer(ctx)
}

// says makes the function answer with a payload.
func (f *function) says(payload string) {
	f.answer = func(context.Context) (apigateway.Outcome, error) {
		return apigateway.Outcome{Payload: []byte(payload)}, nil
	}
}

// bed is a gateway with an API on it.
type bed struct {
	*testing.T
	function *function
	gateway  *apigateway.Service
	front    *awsapi.Front
	edge     *edge.Edge
	root     context.Context
	client   awstest.Client // of the AWS endpoint
	api      string
	resource map[string]string // path → id
	backends roundTripper      // of HTTP integrations
	clock    *clock.Model
	db       *kv.DB
	ids      *iam.Service
	mode     awsapi.Enforcement
	logs     lines
	tokens   tokens
}

// lines is what was logged, by group.
type lines struct {
	mu  sync.Mutex
	all map[string][]string
}

func (l *lines) Append(s record.Stream, _ clock.Instant, message []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[string][]string{}
	}
	l.all[s.Group] = append(l.all[s.Group], string(message))
}

// pass lets time pass.
func (b *bed) pass(d time.Duration) {
	b.Helper()
	if err := b.clock.Set(b.clock.Now().Add(d)); err != nil {
		b.Fatal(err)
	}
}

// roundTripper answers for all back ends.
type roundTripper struct {
	answer func(r *http.Request) (*http.Response, error)
}

func (rt *roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return rt.answer(r) }

// open makes a gateway with an empty API.
func open(t *testing.T) *bed {
	t.Helper()
	db := kv.Open(memkv.New())
	t.Cleanup(func() { db.Close() })
	model := clock.NewModel(clock.State{Stopped: true, At: clock.Unix(noon, 0)})
	ids, err := iam.New(t.Context(), iam.Options{DB: db, Clock: model, Account: account, RootKey: "AKIAROOT", Secret: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	fn := &function{}
	fn.says(`{"statusCode":200,"body":"ok"}`)
	b := &bed{T: t, function: fn, clock: model, db: db, ids: ids}
	b.root = awsapi.With(t.Context(), &awsapi.Call{Scope: scope, Actor: awsapi.RootOf(account)})
	b.start()
	made := do(b, shapes.CreateRestApi, &shapes.CreateRestApiRequest{Name: ptr("shop"), BinaryMediaTypes: []string{"image/*"}})
	b.api, b.resource = *made.Id, map[string]string{"/": *made.RootResourceId}
	return b
}

// scope is where everything is.
var scope = arn.In("eu-central-1", account)

// start makes a gateway over what is stored, as it is after a restart.
func (b *bed) start() {
	b.Helper()
	gateway := apigateway.New(apigateway.Options{DB: b.db, Clock: b.clock, Invoke: b.function, Roles: b.function, HTTP: &b.backends, Logs: &b.logs, Pools: &b.tokens})
	b.front = awsapi.New(awsapi.Options{
		Services: []*awsapi.Service{gateway.API(), b.ids.API()}, Identities: b.ids, Account: account, Region: scope.Region, Model: b.clock, Enforcement: b.mode,
	})
	gateway.Use(b.front)
	b.gateway = gateway
	recorder, err := record.Open(record.Options{FS: disk.Mem(), Dir: "records", Model: b.clock})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { recorder.Close() })
	b.edge = edge.New(gateway, scope, work.NewLedger(), recorder)
	b.client = awstest.Client{Handler: b.front, Region: scope.Region, Key: "AKIAROOT", Secret: "secret"}
}

func ptr[T any](v T) *T { return &v }

// at makes the resource of a path and those above it, and returns its id.
func (b *bed) at(path string) *string {
	b.Helper()
	if id, ok := b.resource[path]; ok {
		return &id
	}
	cut := strings.LastIndexByte(path, '/')
	parent := b.at(path[:max(cut, 1)])
	made := do(b, shapes.CreateResource, &shapes.CreateResourceRequest{RestApiId: &b.api, ParentId: parent, PathPart: ptr(path[cut+1:])})
	b.resource[path] = *made.Id
	return made.Id
}

// route leads a method to the function, or where put says.
func (b *bed) route(method, path string, put ...func(*shapes.PutMethodRequest, *shapes.PutIntegrationRequest)) {
	b.Helper()
	m := &shapes.PutMethodRequest{RestApiId: &b.api, ResourceId: b.at(path), HttpMethod: &method, AuthorizationType: ptr("NONE")}
	i := &shapes.PutIntegrationRequest{
		RestApiId: &b.api, ResourceId: m.ResourceId, HttpMethod: &method, Type: ptr("AWS_PROXY"), IntegrationHttpMethod: ptr("POST"),
		Uri: ptr("arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-central-1:123456789012:function:shop/invocations"),
	}
	for _, fn := range put {
		fn(m, i)
	}
	do(b, shapes.PutMethod, m)
	do(b, shapes.PutIntegration, i)
}

// deploy makes what the API is now what stage dev serves.
func (b *bed) deploy() {
	b.Helper()
	do(b, shapes.CreateDeployment, &shapes.CreateDeploymentRequest{
		RestApiId: &b.api, StageName: ptr("dev"), Variables: map[string]string{"color": "blue"},
	})
}

// request sends one to the gateway's own port. Headers are "Name: value".
func (b *bed) request(method, target, body string, headers ...string) *http.Response {
	b.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host, r.RemoteAddr = "localhost:3000", "192.0.2.7:51234"
	for _, h := range headers {
		k, v, _ := strings.Cut(h, ": ")
		r.Header.Add(k, v)
	}
	w := httptest.NewRecorder()
	b.edge.Gateway().ServeHTTP(w, r)
	return w.Result()
}

// described is an answer without what is another every time.
func described(r *http.Response) string {
	var lines []string
	for k, vs := range r.Header {
		switch k {
		case "X-Amzn-Requestid", "X-Amz-Apigw-Id", "X-Amzn-Trace-Id":
		default:
			lines = append(lines, k+": "+strings.Join(vs, " | "))
		}
	}
	slices.Sort(lines)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err.Error()
	}
	return http.StatusText(r.StatusCode) + "\n" + strings.Join(lines, "\n") + "\n\n" + string(body)
}
