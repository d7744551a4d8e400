package apigatewayv2_test

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk"
	"github.com/nube-run/nube/internal/edge"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/service/apigatewayv2"
	"github.com/nube-run/nube/internal/service/iam"
	"github.com/nube-run/nube/internal/work"
)

var update = flag.Bool("update", false, "write the golden files")

const (
	account  = "123456789012"
	function = "arn:aws:lambda:eu-central-1:123456789012:function:shop"
	judge    = "arn:aws:lambda:eu-central-1:123456789012:function:judge"
	noon     = 1772366400 // where the model clock of the tests stands: 2026-03-01T12:00:00Z
)

// functions are what integrations and authorizers call.
type functions struct {
	mu     sync.Mutex
	events []string // of the integration
	asked  []string // of the authorizer
	source []arn.ARN
	actors []awsapi.Actor
	answer func(payload []byte) (apigatewayv2.Outcome, error)
	judge  string // what the authorizer says
}

func (f *functions) Invoke(ctx context.Context, fn arn.ARN, payload []byte) (apigatewayv2.Outcome, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.source = append(f.source, awsapi.From(ctx).Actor.SourceARN)
	f.actors = append(f.actors, awsapi.From(ctx).Actor)
	if fn == judge {
		f.asked = append(f.asked, string(payload))
		return apigatewayv2.Outcome{Payload: []byte(f.judge)}, nil
	}
	f.events = append(f.events, string(payload))
	return f.answer(payload)
}

// says makes the function answer with a payload.
func (f *functions) says(payload string) {
	f.answer = func([]byte) (apigatewayv2.Outcome, error) { return apigatewayv2.Outcome{Payload: []byte(payload)}, nil }
}

// AssumableBy implements [apigatewayv2.Roles].
func (f *functions) AssumableBy(_ context.Context, role arn.ARN, service string, source arn.ARN) (bool, error) {
	return role.Name() == "caller" && service == "apigateway.amazonaws.com" && source.Service() == "execute-api", nil
}

// apis is a REST API service that has none.
type apis struct{}

func (apis) Serve(w http.ResponseWriter, _ *http.Request, _ edge.Target, _ string) {
	io.WriteString(w, "REST")
}

func (apis) Default(context.Context, arn.Scope, string, string) (string, string, bool, error) {
	return "", "", false, nil
}

// lines is a log.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) Append(s record.Stream, _ clock.Instant, m []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, s.Group+" "+string(m))
}

// bed is a gateway with an HTTP API on it.
type bed struct {
	*testing.T
	functions
	lines
	s     *apigatewayv2.Service
	front *awsapi.Front
	edge  *edge.Edge
	model *clock.Model
	root  context.Context
	api   string
	back  http.RoundTripper // of HTTP integrations and issuers
}

// RoundTrip implements [http.RoundTripper].
func (b *bed) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.back == nil {
		return nil, fault.New("NoBackEnd", "no back end")
	}
	return b.back.RoundTrip(r)
}

// scope is where the APIs of the tests are.
var scope = arn.In("eu-central-1", account)

func open(t *testing.T, set ...func(*shapes.CreateApiRequest)) *bed {
	t.Helper()
	db := kv.Open(memkv.New())
	t.Cleanup(func() { db.Close() })
	b := &bed{T: t, model: clock.NewModel(clock.State{Stopped: true, At: clock.Unix(noon, 0)})}
	b.says(`{"statusCode":200,"body":"ok"}`)
	ids, err := iam.New(t.Context(), iam.Options{DB: db, Clock: b.model, Account: account, RootKey: "AKIAROOT", Secret: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	s := apigatewayv2.New(apigatewayv2.Options{DB: db, Clock: b.model, Invoke: &b.functions, HTTP: b, Logs: &b.lines, Roles: &b.functions})
	b.s = s
	b.front = awsapi.New(awsapi.Options{
		Services: []*awsapi.Service{s.API(), ids.API()}, Identities: ids, Account: account, Region: scope.Region, Model: b.model,
	})
	s.Use(b.front)
	recorder, err := record.Open(record.Options{FS: disk.Mem(), Dir: "records", Model: b.model})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { recorder.Close() })
	b.edge = edge.New(apis{}, scope, work.NewLedger(), recorder)
	b.edge.Add(s, nil)
	b.root = awsapi.With(t.Context(), &awsapi.Call{Scope: scope, Actor: awsapi.RootOf(account)})
	in := &shapes.CreateApiRequest{Name: ptr("shop"), ProtocolType: ptr("HTTP")}
	for _, fn := range set {
		fn(in)
	}
	b.api = *do(b, shapes.CreateApi, in).ApiId
	if in.Target == nil { // with one it has a stage already
		do(b, shapes.CreateStage, &shapes.CreateStageRequest{ApiId: &b.api, StageName: ptr("$default"), AutoDeploy: ptr(true)})
	}
	return b
}

func ptr[T any](v T) *T { return &v }

func do[I, O any](b *bed, op schema.TypedOp[I, O], in I) O {
	b.Helper()
	out, err := awsapi.Do(b.root, b.front, op, in)
	if err != nil {
		b.Fatalf("%s: %v", op.Op.Name, err)
	}
	return out
}

// refuses holds an operation to an error.
func refuses[I, O any](b *bed, op schema.TypedOp[I, O], in I, want string) {
	b.Helper()
	_, err := awsapi.Do(b.root, b.front, op, in)
	if err == nil || !strings.Contains(err.Error(), want) {
		b.Errorf("%s: %v, want %s", op.Op.Name, err, want)
	}
}

// route leads a key to the function, or where set says, and returns its id.
func (b *bed) route(key string, set ...func(*shapes.CreateRouteRequest, *shapes.CreateIntegrationRequest)) string {
	b.Helper()
	i := &shapes.CreateIntegrationRequest{ApiId: &b.api, IntegrationType: ptr("AWS_PROXY"), IntegrationUri: ptr(function), PayloadFormatVersion: ptr("2.0")}
	r := &shapes.CreateRouteRequest{ApiId: &b.api, RouteKey: &key}
	for _, fn := range set {
		fn(r, i)
	}
	r.Target = ptr("integrations/" + *do(b, shapes.CreateIntegration, i).IntegrationId)
	return *do(b, shapes.CreateRoute, r).RouteId
}

// request sends one to the gateway's own port. Headers are "Name: value".
func (b *bed) request(method, target, body string, headers ...string) *http.Response {
	b.Helper()
	return b.send(b.edge.Gateway(), "localhost:3000", method, target, body, headers...)
}

func (b *bed) send(h http.Handler, host, method, target, body string, headers ...string) *http.Response {
	b.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host, r.RemoteAddr = host, "192.0.2.7:51234"
	for _, h := range headers {
		k, v, _ := strings.Cut(h, ": ")
		r.Header.Add(k, v)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// endpoint is the AWS endpoint.
func (b *bed) endpoint() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, ok := b.edge.Find(r)
		if !ok {
			io.WriteString(w, "no API")
			return
		}
		b.edge.Serve(w, r, t)
	})
}

// described is an answer without what is another every time.
func described(r *http.Response) string {
	var head []string
	for k, vs := range r.Header {
		if k != "Apigw-Requestid" {
			head = append(head, k+": "+strings.Join(vs, " | "))
		}
	}
	slices.Sort(head)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err.Error()
	}
	return http.StatusText(r.StatusCode) + "\n" + strings.Join(head, "\n") + "\n\n" + string(body)
}

// event is the last event of the function, indented, without what is another
// every time.
func (b *bed) event() string { return b.tidy(b.events[len(b.events)-1]) }

func (b *bed) tidy(event string) string {
	b.Helper()
	var v any
	if err := json.Unmarshal([]byte(event), &v); err != nil {
		b.Fatalf("%v: %s", err, event)
	}
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		b.Fatal(err)
	}
	out := strings.ReplaceAll(string(text), b.api, "{api}")
	for _, unstable := range []string{`"(?:requestId|extendedRequestId)": "[^"]+"`, `Root=1-[0-9a-f-]+[^"]*`} {
		out = regexp.MustCompile(unstable).ReplaceAllStringFunc(out, func(s string) string {
			name, _, ok := strings.Cut(s, ": ")
			if ok {
				return name + `: "…"`
			}
			return "Root=…"
		})
	}
	return out
}

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s differs (-golden +now; -update accepts it):\n%s", path, d)
	}
}
