package lambda

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/runner"
)

// recorded is a cloud that records.
func recorded(t *testing.T) (*cloud, *record.Recorder) {
	t.Helper()
	model := clock.NewModel(clock.State{})
	r, err := record.Open(record.Options{FS: disk.Mem(), Dir: "records", Model: model})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return newCloud(t, func(o *Options) { o.Recorder = r }), r
}

// A cold start is shown in its parts, and one that waited says how long.
func TestInvocationsAreTraced(t *testing.T) {
	c, r := recorded(t)
	c.create("f", "")
	began := clock.Machine{}.Now()
	results := []runner.Result{
		{
			Cold: true, Spawned: began, Spawn: 2 * time.Millisecond, Init: 5 * time.Millisecond, Started: began.Add(5 * time.Millisecond), Duration: time.Millisecond,
			Payload: []byte(`"cold"`), Stream: runner.LogStream{Name: "day/[1]a"},
		},
		{Payload: []byte(`{"errorType":"E"}`), Fault: &runner.Fault{Type: "E"}, Started: began.Add(time.Hour)},
	}
	n := 0
	c.run.answer = func(*runner.Spec, runner.Invocation) (runner.Result, error) { n++; return results[n-1], nil }
	var got []string
	for range results {
		ctx, request := r.Begin(c.ctx, record.Span{Name: "request"})
		c.ctx = ctx
		if _, err := c.invoke(nil); err != nil {
			t.Fatal(err)
		}
		request.End(nil)
		spans, err := r.Traces.Trace(context.Background(), record.From(ctx).Trace)
		if err != nil {
			t.Fatal(err)
		}
		byID := map[record.SpanID]string{}
		for _, s := range spans {
			byID[s.ID] = s.Name
		}
		for _, s := range spans {
			if s.Service != "lambda" {
				continue
			}
			line := fmt.Sprintf("%s under %s %d>%d %s log=%s cold=%s %s", s.Name, byID[s.Parent], s.In, s.Out, s.Error, s.Attr(record.LogStream), s.Attr(record.Cold), s.Attr(record.Message))
			if s.Name != "f" {
				line = fmt.Sprintf("%s under %s took %v", s.Name, byID[s.Parent], s.Duration)
			} else if (s.Attr("waited") != "") != (n == 2) {
				t.Errorf("waited %q", s.Attr("waited"))
			}
			got = append(got, line)
		}
		c.ctx = record.With(ctx, record.Cause{})
	}
	want := []string{
		`spawn under f took 2ms`,
		`init under f took 3ms`,
		`invoke under f took 1ms`,
		`f under request 2>6  log=day/[1]a cold=true `,
		`f under request 2>17 E log= cold= {"errorType":"E"}`,
	}
	if d := cmp.Diff(want, got, cmp.Transformer("sorted", func(in []string) map[string]bool {
		out := map[string]bool{}
		for _, s := range in {
			out[s] = true
		}
		return out
	})); d != "" {
		t.Error(d)
	}
}

// What the caller has decided stands; where nobody has, active tracing does.
//
// Mutations that it finds: active tracing over a refusal, a parent without a
// decision.
func TestTraceHeader(t *testing.T) {
	const root, parent = "Root=1-5759e988-bd862e3fe1be46a994272793", ";Parent=53995c3f42cd8ad8"
	for _, test := range []struct{ mode, from, want string }{
		{"PassThrough", root, root},
		{"PassThrough", root + parent, root},
		{"Active", root + parent, root + parent + ";Sampled=1"},
		{"PassThrough", root + ";Sampled=1", root + ";Sampled=1"},
		{"PassThrough", root + ";Sampled=0", root + ";Sampled=0"},
		{"Active", root + ";Sampled=0", root + ";Sampled=0"},
	} {
		c, ok := record.ParseXRay(test.from)
		if !ok {
			t.Fatal(test.from)
		}
		if got := (&target{config: &config{Tracing: test.mode}}).traceHeader(c); got != test.want {
			t.Errorf("%s after %s is %s, want %s", test.mode, test.from, got, test.want)
		}
	}
}
