package nubetest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/record"
)

// struck returns what spans say of the faults that befell them, as "service name:
// fault".
func (c *Cloud) struck(t *testing.T) []string {
	t.Helper()
	var out []string
	collect := func(s *record.Span) bool {
		for _, a := range s.Attrs {
			if a.Key == record.Fault {
				out = append(out, s.Service+" "+s.Name+": "+a.Value)
			}
		}
		return false
	}
	for _, err := range c.api().Recorder.Traces.Recent(t.Context(), record.TraceQuery{Match: collect}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// has fails the test unless some text has all the words.
func has(t *testing.T, texts []string, words ...string) {
	t.Helper()
	for _, s := range texts {
		all := true
		for _, w := range words {
			all = all && strings.Contains(s, w)
		}
		if all {
			return
		}
	}
	t.Errorf("nothing has %q in %q", words, texts)
}

// followed is how often the follower was told of a thing.
func (c *Cloud) followed(t *testing.T, id string) string {
	t.Helper()
	return get(t, "GET", c.Gateway()+"/followed/"+id, "", 200)
}

func TestThrottledCall(t *testing.T) {
	t.Parallel()
	c := Start(t, application())
	f := c.Fault(t, Fault{Kind: Throttle, Service: "dynamodb", Operation: "PutItem", Function: "api", Count: 1})
	if got := get(t, "PUT", c.Gateway()+"/things/one", "", 503); !strings.Contains(got, "ProvisionedThroughputExceededException") {
		t.Errorf("the function saw %s", got)
	}
	get(t, "PUT", c.Gateway()+"/things/one", "", 200)
	if f.Hits() != 1 {
		t.Errorf("%d hits, want 1", f.Hits())
	}
	has(t, c.struck(t), "dynamodb PutItem", "throttle (f1)")
}

// A call that is served and whose answer is an error has had its effect.
func TestErrorAfter(t *testing.T) {
	t.Parallel()
	c := Start(t, application())
	f := c.Fault(t, Fault{Kind: Error, Code: "InternalServerError", Service: "dynamodb", Operation: "Put*", After: true})
	if got := get(t, "PUT", c.Gateway()+"/things/one", "", 503); !strings.Contains(got, "InternalServerError") {
		t.Errorf("the function saw %s", got)
	}
	f.Remove()
	get(t, "GET", c.Gateway()+"/things/one", "", 200)
	c.Fault(t, Fault{Kind: Error, Code: "InternalServerError", Service: "dynamodb", Operation: "Put*"})
	get(t, "PUT", c.Gateway()+"/things/two", "", 503)
	get(t, "GET", c.Gateway()+"/things/two", "", 404)
}

func TestLostConnections(t *testing.T) {
	t.Parallel()
	c := Start(t, application())
	put := func(id string) error {
		req, err := http.NewRequestWithContext(t.Context(), "PUT", c.Gateway()+"/things/"+id, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	f := c.Fault(t, Fault{Kind: Lost, Service: Gateway, Operation: "PUT /things/*"})
	if err := put("one"); !errors.Is(err, io.EOF) && (err == nil || !strings.Contains(err.Error(), "reset")) {
		t.Errorf("the client saw %v", err)
	}
	get(t, "GET", c.Gateway()+"/things/one", "", 404)
	f.Remove()
	c.Fault(t, Fault{Kind: Lost, Service: Gateway, Operation: "PUT *", After: true})
	if err := put("one"); err == nil {
		t.Error("the client was answered")
	}
	c.Settle(t)
	get(t, "GET", c.Gateway()+"/things/one", "", 200)
	has(t, c.struck(t), "execute-api PUT /things/one", "lost after it was served")

	// Of a service: the function's call breaks.
	c.Fault(t, Fault{Kind: Lost, Service: "dynamodb", Operation: "PutItem", Count: 1})
	c.api().Faults.Remove("f2")
	if got := get(t, "PUT", c.Gateway()+"/things/two", "", 503); !strings.Contains(got, "EOF") && !strings.Contains(got, "reset") {
		t.Errorf("the function saw %s", got)
	}
}

func TestKilledFunction(t *testing.T) {
	t.Parallel()
	c := Start(t, application(), At(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)))
	c.Fault(t, Fault{Kind: Kill, Function: "worker", Count: 1})
	var failed *FunctionError
	if _, err := c.Invoke(t.Context(), "worker", []byte(`1`)); !errors.As(err, &failed) || !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("the caller saw %v", err)
	}
	if answer, err := c.Invoke(t.Context(), "worker", []byte(`1`)); err != nil || string(answer) != "1" {
		t.Errorf("afterwards %s, %v", answer, err)
	}
	has(t, c.struck(t), "app-dev-worker", "kill (f1)")
}

func TestFailedAndThrottledFunction(t *testing.T) {
	t.Parallel()
	c := Start(t, application())
	f := c.Fault(t, Fault{Kind: Error, Code: "Broken", Message: "by the test", Function: "worker"})
	if _, err := c.Invoke(t.Context(), "worker", []byte(`1`)); err == nil || !strings.Contains(err.Error(), `{"errorType":"Broken","errorMessage":"by the test"}`) {
		t.Errorf("the caller saw %v", err)
	}
	f.Remove()
	c.Fault(t, Fault{Kind: Throttle, Function: "worker"})
	if _, err := c.Invoke(t.Context(), "worker", []byte(`1`)); err == nil || !strings.Contains(err.Error(), "TooManyRequestsException") {
		t.Errorf("the caller saw %v", err)
	}
}

func TestLatency(t *testing.T) {
	t.Parallel()
	c := Start(t, application())
	c.Fault(t, Fault{Kind: Latency, Wait: 80 * time.Millisecond, Service: "dynamodb"})
	began := time.Now()
	get(t, "PUT", c.Gateway()+"/things/one", "", 200)
	if took := time.Since(began); took < 80*time.Millisecond {
		t.Errorf("it took %v", took)
	}
	has(t, c.struck(t), "dynamodb PutItem", "latency")
}

// Batches of a stream come twice.
func TestDuplicates(t *testing.T) {
	t.Parallel()
	c := Start(t, application())
	get(t, "PUT", c.Gateway()+"/things/once", "", 200)
	c.Settle(t)
	c.Fault(t, Fault{Kind: Duplicate, Function: "follower"})
	get(t, "PUT", c.Gateway()+"/things/twice", "", 200)
	c.Settle(t)
	if got := c.followed(t, "once"); got != "1" {
		t.Errorf("told %s times of what was put before the fault", got)
	}
	if got := c.followed(t, "twice"); got != "2" {
		t.Errorf("told %s times of what was put under the fault, want 2", got)
	}
	has(t, c.struck(t), "lambda again", "duplicate (f1)")
}

// Events of asynchronous invocations come twice, and out of order.
func TestReorder(t *testing.T) {
	t.Parallel()
	c := Start(t, application(), At(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)))
	f := c.Fault(t, Fault{Kind: Reorder, Wait: time.Minute, Function: "worker", Count: 1})
	starts := func() int { return strings.Count(strings.Join(c.Logs(t, "worker"), "\n"), "START RequestId") }
	get(t, "POST", c.Gateway()+"/things/1", "", 202) // held back
	c.Settle(t)
	if n := starts(); n != 0 {
		t.Errorf("%d invocations of the event that is held back", n)
	}
	get(t, "POST", c.Gateway()+"/things/2", "", 202)
	c.Settle(t)
	if n := starts(); n != 1 {
		t.Errorf("%d invocations of the event that overtakes it, want 1", n)
	}
	c.Clock().Advance(t, time.Minute)
	if n := starts(); n != 2 {
		t.Errorf("%d invocations in the end, want 2", n)
	}
	if f.Hits() != 1 {
		t.Errorf("%d hits, want 1", f.Hits())
	}
	c.Fault(t, Fault{Kind: Duplicate, Service: "lambda"})
	get(t, "POST", c.Gateway()+"/things/3", "", 202)
	c.Settle(t)
	if n := starts(); n != 4 {
		t.Errorf("%d invocations when one came twice, want 4", n)
	}
	has(t, c.struck(t), "delivery lambda", "reorder (f1)")
	has(t, c.struck(t), "delivery lambda", "duplicate (f2)")
}

func TestRefusedFaults(t *testing.T) {
	t.Parallel()
	c := Start(t)
	for _, f := range []Fault{{Kind: "typo"}, {Kind: Latency}, {Kind: "disk-full"}} {
		o := &owner{TB: t}
		if !fails(o, func(t testing.TB) { c.Fault(t, f) }) {
			t.Errorf("%v was taken", f)
		}
	}
}

// fails reports whether f fails its test.
func fails(o *owner, f func(testing.TB)) bool {
	done := make(chan bool)
	go func() {
		failed := true
		defer func() { done <- failed }()
		f(&fatal{o})
		failed = false
	}()
	return <-done
}

// fatal ends its goroutine, as a test does.
type fatal struct{ *owner }

func (fatal) Fatalf(string, ...any)    { runtime.Goexit() }
func (fatal) Context() context.Context { return context.Background() }
