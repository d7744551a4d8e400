package lambda

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/runner"
	"github.com/nube-run/nube/internal/runner/sandbox"
	"github.com/nube-run/nube/internal/work"
)

func mustDecode(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (c *cloud) invoke(set func(*shapes.InvocationRequest)) (*shapes.InvocationResponse, error) {
	in := &shapes.InvocationRequest{FunctionName: ptr("f")}
	if set != nil {
		set(in)
	}
	return awsapi.Do(c.ctx, c.front, shapes.Invoke, in)
}

func TestInvoke(t *testing.T) {
	c := newCloud(t, nil)
	c.create("f", "")
	out, err := c.invoke(func(in *shapes.InvocationRequest) {
		in.Payload, in.ClientContext = []byte(`{"a": 1}`), ptr(base64.StdEncoding.EncodeToString([]byte("{\"custom\":\n{\"k\":\"v\"}}")))
	})
	if err != nil || value(out.StatusCode) != 200 || string(out.Payload) != `{"a": 1}` || value(out.ExecutedVersion) != "$LATEST" || out.FunctionError != nil {
		t.Errorf("%+v %v", out, err)
	}
	in := c.run.calls[0]
	if in.RequestID != "11111111-2222-4333-8444-555555555555" || in.ARN != fnARN+"f" || in.ClientContext != `{"custom":{"k":"v"}}` || in.Limit.Unreserved != 1000 {
		t.Errorf("invocation %+v", in)
	}
	if s := c.run.specs[0]; s.Name != "f" || s.Version != "$LATEST" || s.Timeout != 3*time.Second || s.MemoryMB != 128 || s.Role != testRole {
		t.Errorf("spec %+v", s)
	}

	if _, err := c.invoke(nil); err != nil || string(c.run.calls[1].Payload) != "{}" || c.run.specs[0] != c.run.specs[1] {
		t.Errorf("without a payload: %q %v; the spec must be the same", c.run.calls[1].Payload, err)
	}
	c.run.answer = func(*runner.Spec, runner.Invocation) (runner.Result, error) {
		return runner.Result{Payload: []byte(`{"errorMessage":"x"}`), Fault: &runner.Fault{Type: "E"}, Tail: []byte("log")}, nil
	}
	out, err = c.invoke(func(in *shapes.InvocationRequest) { in.LogType = ptr("Tail") })
	if err != nil || value(out.FunctionError) != "Unhandled" || value(out.StatusCode) != 200 || value(out.LogResult) != "bG9n" || !c.run.calls[2].Tail {
		t.Errorf("%+v %v", out, err)
	}
	out, err = c.invoke(func(in *shapes.InvocationRequest) { in.InvocationType = ptr("DryRun") })
	if err != nil || value(out.StatusCode) != 204 || len(c.run.calls) != 3 {
		t.Errorf("dry run: %+v %v, %d calls", out, err, len(c.run.calls))
	}
	for _, tt := range []struct {
		set  func(*shapes.InvocationRequest)
		code string
	}{
		{func(in *shapes.InvocationRequest) { in.Payload = []byte("{") }, "InvalidRequestContentException"},
		{func(in *shapes.InvocationRequest) { in.ClientContext = ptr("no base64") }, "InvalidRequestContentException"},
		{func(in *shapes.InvocationRequest) { in.FunctionName = ptr("g") }, "ResourceNotFoundException"},
		{func(in *shapes.InvocationRequest) { in.Qualifier = ptr("nope") }, "ResourceNotFoundException"},
		{func(in *shapes.InvocationRequest) { in.Payload = []byte(`"` + strings.Repeat("x", 6<<20) + `"`) }, "RequestTooLargeException"},
		{func(in *shapes.InvocationRequest) {
			in.Payload, in.InvocationType = []byte(`"`+strings.Repeat("x", 1<<20)+`"`), ptr("Event")
		}, "RequestTooLargeException"},
	} {
		if _, err := c.invoke(tt.set); !fault.Is(err, tt.code) {
			t.Errorf("got %v, want %s", err, tt.code)
		}
	}
}

// Other services invoke as themselves.
func TestInvoker(t *testing.T) {
	c := newCloud(t, nil)
	c.create("f", "")
	res, err := c.s.Invoke(c.ctx, fnARN+"f", []byte(`"hi"`))
	if err != nil || string(res.Payload) != `"hi"` || res.Failed || res.Version != "$LATEST" {
		t.Errorf("%+v %v", res, err)
	}
	if _, err := c.s.Invoke(c.ctx, fnARN+"none", nil); !fault.Is(err, "ResourceNotFoundException") {
		t.Errorf("%v", err)
	}
}

// event enqueues an event and returns its effect.
func (c *cloud) event(payload string) delivery.Effect {
	c.t.Helper()
	out, err := c.invoke(func(in *shapes.InvocationRequest) {
		in.InvocationType, in.Payload = ptr("Event"), []byte(payload)
	})
	if err != nil || value(out.StatusCode) != 202 || out.ExecutedVersion != nil || len(out.Payload) != 0 {
		c.t.Fatalf("%+v %v", out, err)
	}
	e := c.emit.es[len(c.emit.es)-1]
	e.Attempt = 1
	return e
}

func TestEvents(t *testing.T) {
	c := newCloud(t, nil)
	c.create("f", "")
	c.create("after", "")
	e := c.event(`{"n":1}`)
	if e.Target != fnARN+"f" || e.Cell != testCell || e.Policy != (delivery.Policy{MaxAttempts: 3, MaxAge: 6 * time.Hour, Backoff: time.Second, MaxBackoff: 5 * time.Minute}) || e.ID == "" {
		t.Errorf("effect %+v", e)
	}
	if o := c.s.Accept(context.Background(), []delivery.Effect{e})[0]; o.Err != nil || len(o.Then) != 0 {
		t.Errorf("outcome %+v", o)
	}
	if in := c.run.calls[0]; string(in.Payload) != `{"n":1}` || in.RequestID != e.ID || in.ARN != fnARN+"f" {
		t.Errorf("invocation %+v", in)
	}

	c.want("PutFunctionEventInvokeConfig", `{"FunctionName":"f","DestinationConfig":{"OnFailure":{"Destination":"arn:aws:sqs:eu-west-1:123456789012:q"}}}`,
		"InvalidParameterValueException: The destination arn:aws:sqs:eu-west-1:123456789012:q cannot be used")
	c.want("PutFunctionEventInvokeConfig", `{"FunctionName":"f","MaximumRetryAttempts":1,"MaximumEventAgeInSeconds":60,"DestinationConfig":{"OnSuccess":{"Destination":"`+fnARN+`after"},"OnFailure":{"Destination":"`+fnARN+`after"}}}`,
		`"FunctionArn":"`+fnARN+`f:$LATEST"`, `"MaximumRetryAttempts":1`)
	e = c.event(`{"n":2}`)
	if e.Policy.MaxAttempts != 2 || e.Policy.MaxAge != time.Minute {
		t.Errorf("policy %+v", e.Policy)
	}
	o := c.s.Accept(context.Background(), []delivery.Effect{e})[0]
	if o.Err != nil || len(o.Then) != 1 || o.Then[0].Target != fnARN+"after" || o.Then[0].Actor.ARN != "arn:aws:sts::123456789012:assumed-role/doer/f" {
		t.Fatalf("outcome %+v", o)
	}
	var doc struct {
		RequestContext  struct{ RequestID, FunctionArn, Condition string }
		ResponsePayload json.RawMessage
	}
	if err := json.Unmarshal(o.Then[0].Payload, &doc); err != nil || doc.RequestContext.Condition != "Success" ||
		doc.RequestContext.FunctionArn != fnARN+"f:$LATEST" || string(doc.ResponsePayload) != `{"n":2}` {
		t.Errorf("record %s %v", o.Then[0].Payload, err)
	}

	c.run.answer = func(*runner.Spec, runner.Invocation) (runner.Result, error) {
		return runner.Result{Payload: []byte(`{"errorMessage":"x"}`), Fault: &runner.Fault{Type: "E"}}, nil
	}
	o = c.s.Accept(context.Background(), []delivery.Effect{e})[0]
	if o.Err == nil || o.Permanent || o.Throttled {
		t.Errorf("a function that fails: %+v", o)
	}
	e.Attempt = 2
	then := c.s.Exhausted(e, o, delivery.OutOfRetries)
	if len(then) != 1 || !strings.Contains(string(then[0].Payload), `"condition":"RetriesExhausted","approximateInvokeCount":2`) ||
		!strings.Contains(string(then[0].Payload), `"functionError":"Unhandled"},"responsePayload":{"errorMessage":"x"}`) {
		t.Errorf("given up: %+v", then)
	}
	if then := c.s.Exhausted(e, delivery.Outcome{Err: errors.New("late")}, delivery.TooOld); !strings.Contains(string(then[0].Payload), "EventAgeExceeded") {
		t.Errorf("too old: %s", then[0].Payload)
	}
	c.run.answer = func(*runner.Spec, runner.Invocation) (runner.Result, error) {
		return runner.Result{}, &runner.Throttled{}
	}
	if o := c.s.Accept(context.Background(), []delivery.Effect{e})[0]; !o.Throttled || o.After != 0 {
		t.Errorf("throttled: %+v", o)
	}
	c.do("PutFunctionConcurrency", `{"FunctionName":"f","ReservedConcurrentExecutions":0}`)
	if o := c.s.Accept(context.Background(), []delivery.Effect{e})[0]; !o.Permanent || !strings.Contains(string(c.s.Exhausted(e, o, delivery.Rejected)[0].Payload), "ZeroReservedConcurrency") {
		t.Errorf("switched off: %+v", o)
	}
	c.do("DeleteFunction", `{"FunctionName":"f"}`)
	if o := c.s.Accept(context.Background(), []delivery.Effect{e})[0]; !o.Permanent {
		t.Errorf("deleted: %+v", o)
	}
	if o := c.s.Accept(context.Background(), []delivery.Effect{{Target: "arn:aws:lambda:eu-west-1:123456789012:layer:x"}})[0]; !o.Permanent {
		t.Errorf("no function: %+v", o)
	}
}

// What other services emit is called in their name, and is then an event like
// any other; what Lambda does not take is those services' dead letter.
func TestForeignEffects(t *testing.T) {
	c := newCloud(t, nil)
	c.create("f", "")
	e := delivery.Effect{Target: fnARN + "f", ID: "11111111-2222-4333-8444-666666666666", Payload: []byte(`{"Records":[]}`), Actor: delivery.ActorRef{Account: testAccount, Service: "sns.amazonaws.com"}}
	own := c.s.Accept(context.Background(), []delivery.Effect{e})[0]
	if own.Err != nil || len(c.run.calls) != 0 || len(own.Then) != 1 || own.Then[0].Policy.MaxAttempts != 3 {
		t.Fatalf("outcome %+v, %d invocations", own, len(c.run.calls))
	}
	if o := c.s.Accept(context.Background(), own.Then)[0]; o.Err != nil {
		t.Errorf("outcome %+v", o)
	}
	if in := c.run.calls[0]; string(in.Payload) != `{"Records":[]}` || in.RequestID != e.ID {
		t.Errorf("invocation %+v", in)
	}

	e.Target, e.Policy.DeadLetter = fnARN+"gone", "arn:aws:sqs:eu-west-1:123456789012:dead"
	o := c.s.Accept(context.Background(), []delivery.Effect{e})[0]
	if !o.Permanent {
		t.Errorf("no such function: %+v", o)
	}
	if dead := c.s.Exhausted(e, o, delivery.Rejected); len(dead) != 1 || dead[0].Target != e.Policy.DeadLetter || string(dead[0].Payload) != `{"Records":[]}` {
		t.Errorf("dead letters %+v", dead)
	}
}

func TestInvokeAsync(t *testing.T) {
	c := newCloud(t, nil)
	c.create("f", "")
	out, err := awsapi.Do(c.ctx, c.front, shapes.InvokeAsync, &shapes.InvokeAsyncRequest{FunctionName: ptr("f"), InvokeArgs: body(`{"old":true}`)})
	if err != nil || value(out.Status) != 202 || len(c.emit.es) != 1 {
		t.Errorf("%+v %v", out, err)
	}
}

type body2 struct{ *strings.Reader }

func (body2) Close() error { return nil }

func body(s string) body2 { return body2{strings.NewReader(s)} }

func TestEventInvokeConfigs(t *testing.T) {
	c := newCloud(t, nil)
	c.create("f", `,"Publish":true`)
	c.want("GetFunctionEventInvokeConfig", `{"FunctionName":"f"}`, "ResourceNotFoundException: The function "+fnARN+"f:$LATEST doesn't have an EventInvokeConfig")
	c.want("PutFunctionEventInvokeConfig", `{"FunctionName":"f"}`, "You must specify at least one of error handling or destination setting.")
	c.want("UpdateFunctionEventInvokeConfig", `{"FunctionName":"f","MaximumRetryAttempts":0}`, "ResourceNotFoundException")
	c.do("PutFunctionEventInvokeConfig", `{"FunctionName":"f","MaximumRetryAttempts":0}`)
	c.want("UpdateFunctionEventInvokeConfig", `{"FunctionName":"f","MaximumEventAgeInSeconds":100}`, `"MaximumRetryAttempts":0`, `"MaximumEventAgeInSeconds":100`)
	c.do("PutFunctionEventInvokeConfig", `{"FunctionName":"f","Qualifier":"1","MaximumRetryAttempts":2}`)
	c.want("ListFunctionEventInvokeConfigs", `{"FunctionName":"f"}`, fnARN+`f:$LATEST"`, fnARN+`f:1"`)
	c.do("DeleteFunctionEventInvokeConfig", `{"FunctionName":"f"}`)
	c.want("DeleteFunctionEventInvokeConfig", `{"FunctionName":"f"}`, "ResourceNotFoundException")
	if e := c.event(`1`); e.Policy.MaxAttempts != 3 {
		t.Errorf("policy %+v", e.Policy)
	}
}

type noLogs struct{}

func (noLogs) Append(runner.LogStream, []runner.LogEvent) {}

type noMeter struct{}

func (noMeter) Invoked(runner.Use) {}

// The whole way, with a process: an archive is uploaded, invoked, changed while
// it is warm, and invoked again.
func TestWithAProcess(t *testing.T) {
	dir := t.TempDir()
	box, err := sandbox.Open(sandbox.Options{Dir: filepath.Join(dir, "box")})
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	run := filepath.Join(dir, "run")
	if err := os.MkdirAll(run, 0o755); err != nil {
		t.Fatal(err)
	}
	var real *runner.Runner
	c := newCloud(t, func(o *Options) {
		real, err = runner.Open(runner.Options{Sandbox: box, Model: o.Clock, Ledger: work.NewLedger(), Logs: noLogs{}, Meter: noMeter{}, Dir: run})
		if err != nil {
			t.Fatal(err)
		}
		o.Runner = real
	})
	defer real.Close()
	c.create("f", `,"Environment":{"Variables":{"WHO":"me"}}`)
	update := func(js string) {
		t.Helper()
		c.do("UpdateFunctionCode", fmt.Sprintf(`{"FunctionName":"f","ZipFile":%q}`, archived(t, "index.js", js)))
	}
	update("exports.handler = async (e) => [process.env.WHO, e]")
	for _, tt := range []struct{ js, want string }{
		{"", `["me",{"a":1}]`},
		{"exports.handler = async () => 2", "2"},
		{"exports.handler = ", "2"}, // does not initialise
		{"exports.handler = async () => { throw new TypeError('three') }", `{"errorType":"TypeError","errorMessage":"three"`},
	} {
		if tt.js != "" {
			update(tt.js)
		}
		out, err := c.invoke(func(in *shapes.InvocationRequest) { in.Payload = []byte(`{"a":1}`) })
		if err != nil || !strings.HasPrefix(string(out.Payload), tt.want) {
			t.Errorf("%q: %s %v, want %s", tt.js, out.Payload, err, tt.want)
		}
	}
}
