package lambda

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/awsapi/wire"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/runner"
	"github.com/nube-run/nube/internal/runner/build"
)

const (
	testAccount = "123456789012"
	testRegion  = "eu-west-1"
	testRole    = "arn:aws:iam::123456789012:role/doer"
)

var testCell = keyspace.Cell{Account: testAccount, Region: testRegion}

// fakeRunner answers as the test says, and remembers what it was asked.
type fakeRunner struct {
	mu      sync.Mutex
	answer  func(s *runner.Spec, in runner.Invocation) (runner.Result, error)
	swap    func(old, next *runner.Spec) error
	calls   []runner.Invocation
	specs   []*runner.Spec
	retired []*runner.Spec
	kept    map[*runner.Spec]int // provisioned
	up      int                  // the most of each that is up
}

func (f *fakeRunner) Invoke(_ context.Context, s *runner.Spec, in runner.Invocation) (runner.Result, error) {
	f.mu.Lock()
	f.calls, f.specs = append(f.calls, in), append(f.specs, s)
	answer := f.answer
	f.mu.Unlock()
	if answer == nil {
		return runner.Result{Payload: in.Payload}, nil
	}
	return answer(s, in)
}

func (f *fakeRunner) Swap(_ context.Context, old, next *runner.Spec) error {
	if f.swap != nil {
		return f.swap(old, next)
	}
	return nil
}

func (f *fakeRunner) Retire(s *runner.Spec) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.retired = append(f.retired, s)
}

func (f *fakeRunner) Warm(context.Context, *runner.Spec) error { return nil }

func (f *fakeRunner) Provision(s *runner.Spec, n int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.kept == nil {
		f.kept = map[*runner.Spec]int{}
	}
	f.kept[s] = n
	return nil
}

func (f *fakeRunner) Provisioned(s *runner.Spec) runner.Provisioned {
	f.mu.Lock()
	defer f.mu.Unlock()
	return runner.Provisioned{Wanted: f.kept[s], Ready: min(f.kept[s], f.up)}
}

// emitted keeps effects instead of delivering them.
type emitted struct {
	mu sync.Mutex
	es []delivery.Effect
}

func (e *emitted) Emit(tx *kv.Tx, es ...delivery.Effect) error {
	tx.Set(spaceOf(testCell).Key().Str("test").Done(), []byte("x"))
	tx.After(func(kv.Stamp) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.es = append(e.es, es...)
	})
	return nil
}

// cloud is the service alone, behind a front that lets everybody do everything.
type cloud struct {
	t      testing.TB
	s      *Service
	front  *awsapi.Front
	run    *fakeRunner
	emit   *emitted
	builds *build.Store
	clock  *clock.Model
	ctx    context.Context
}

type lateCaller struct{ front *awsapi.Front }

func (l *lateCaller) Call(ctx context.Context, m *schema.Model, op *schema.Op, in any) (any, error) {
	return l.front.Call(ctx, m, op, in)
}

func newCloud(t testing.TB, set func(*Options)) *cloud {
	t.Helper()
	db := kv.Open(memkv.New())
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	builds, err := build.Open(filepath.Join(t.TempDir(), "artifacts"))
	if err != nil {
		t.Fatal(err)
	}
	c := &cloud{t: t, run: &fakeRunner{}, emit: &emitted{}, builds: builds, clock: clock.NewModel(clock.State{Stopped: true, At: clock.Unix(1795301973, 0)})}
	late := &lateCaller{}
	o := Options{DB: db, Clock: c.clock, Runner: c.run, Artifacts: builds, Emit: c.emit, Caller: late}
	if set != nil {
		set(&o)
	}
	c.s = New(o)
	c.front = awsapi.New(awsapi.Options{
		Services: []*awsapi.Service{c.s.API()}, Account: testAccount, Region: testRegion, Model: c.clock, Enforcement: awsapi.Off,
	})
	late.front = c.front
	c.ctx = awsapi.With(context.Background(), &awsapi.Call{
		ID: "11111111-2222-4333-8444-555555555555", Scope: arn.In(testRegion, testAccount), Actor: awsapi.RootOf(testAccount),
	})
	return c
}

// try makes a request as JSON. The answer is JSON too; an error is "Code:
// message".
func (c *cloud) try(operation, request string) string {
	c.t.Helper()
	op := shapes.Model.Op(operation)
	if op == nil || !op.Declared {
		c.t.Fatalf("no operation %s", operation)
	}
	in := op.NewInput()
	// The members have their own names here, wherever they go on the wire.
	if err := json.Unmarshal([]byte(request), in); err != nil {
		c.t.Fatalf("%s %s: %v", operation, request, err)
	}
	out, err := c.front.Call(c.ctx, &shapes.Model, op, in)
	if err != nil {
		e, ok := fault.As(err)
		if !ok {
			c.t.Fatalf("%s: an error without a code: %v", operation, err)
		}
		return e.Code + ": " + e.Message
	}
	if op.Output == schema.None {
		return "{}"
	}
	if r, ok := out.(*shapes.InvocationResponse); ok {
		return fmt.Sprintf(`{"ExecutedVersion":%q,"Payload":%q}`, value(r.ExecutedVersion), r.Payload)
	}
	return string(wire.AppendJSON(nil, &shapes.Model, op.Output, out))
}

// do makes a request that must succeed.
func (c *cloud) do(operation, request string) string {
	c.t.Helper()
	out := c.try(operation, request)
	if !strings.HasPrefix(out, "{") {
		c.t.Fatalf("%s %s: %s", operation, request, out)
	}
	return out
}

// want makes a request whose answer must hold some text.
func (c *cloud) want(operation, request string, parts ...string) {
	c.t.Helper()
	out := c.try(operation, request)
	for _, p := range parts {
		if !strings.Contains(out, p) {
			c.t.Errorf("%s %s\n got %s\nwant %s", operation, request, out, p)
		}
	}
}

// archived is a zip file with one file, in base64.
func archived(t testing.TB, name, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create(name)
	if err == nil {
		_, err = f.Write([]byte(text))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

// create makes a Node.js function; more is further members of the request.
func (c *cloud) create(name, more string) string {
	c.t.Helper()
	return c.do("CreateFunction", fmt.Sprintf(`{"FunctionName":%q,"Runtime":"nodejs20.x","Handler":"index.handler","Role":%q,"Code":{"ZipFile":%q}%s}`,
		name, testRole, archived(c.t, "index.js", "exports.handler = async (e) => e"), more))
}
