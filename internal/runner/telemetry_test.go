package runner

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/record"
)

// An application's OpenTelemetry SDK finds the receiver and knows who it is;
// what the function says of itself comes first.
func TestTelemetryEnvironment(t *testing.T) {
	g := newRig(t, func(o *Options) { o.Telemetry = "http://127.0.0.1:4318" })
	env := func(own map[string]string) map[string]any {
		res := g.invoke(languages()[0].spec(t, func(s *Spec) { s.Env = own }), do{"do": "env"})
		all := document(t, res.Payload)["env"].(map[string]any)
		if !strings.Contains(all["OTEL_RESOURCE_ATTRIBUTES"].(string), "faas.instance="+res.Stream.Name) {
			t.Errorf("%v does not name the instance %s", all["OTEL_RESOURCE_ATTRIBUTES"], res.Stream.Name)
		}
		return all
	}
	plain := env(nil)
	for k, want := range map[string]any{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
		"OTEL_SERVICE_NAME": plain["AWS_LAMBDA_FUNCTION_NAME"], "OTEL_PROPAGATORS": nil,
	} {
		if plain[k] != want {
			t.Errorf("%s = %v, want %v", k, plain[k], want)
		}
	}
	own := env(map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_RESOURCE_ATTRIBUTES": "team=shop, faas.name=mine"})
	if own["OTEL_EXPORTER_OTLP_ENDPOINT"] != "http://collector:4318" {
		t.Errorf("the function's own endpoint became %v", own["OTEL_EXPORTER_OTLP_ENDPOINT"])
	}
	if got := own["OTEL_RESOURCE_ATTRIBUTES"].(string); !strings.HasPrefix(got, "team=shop, faas.name=mine,cloud.provider=aws,") || strings.Count(got, "faas.name=") != 1 {
		t.Errorf("the function's own attributes became %s", got)
	}
}

func TestNoTelemetry(t *testing.T) {
	g := newRig(t, nil)
	env := document(t, g.invoke(languages()[0].spec(t), do{"do": "env"}).Payload)["env"].(map[string]any)
	for k := range env {
		if strings.HasPrefix(k, "OTEL_") {
			t.Errorf("%s without a receiver", k)
		}
	}
}

// Who calls with an instance's key calls because of its invocation, if it has
// one of that trace and no other.
func TestCauseOf(t *testing.T) {
	r := &Runner{}
	cause := func(trace, span byte) record.Cause {
		return record.Cause{Trace: record.TraceID{trace}, Span: record.SpanID{span}, Request: "r"}
	}
	in := func(c record.Cause) *invocation { return &invocation{Invocation: Invocation{Cause: c}} }
	r.keyed.Store("idle", &instance{})
	r.keyed.Store("one", &instance{active: []*invocation{in(cause(1, 1))}})
	r.keyed.Store("two", &instance{active: []*invocation{in(cause(1, 1)), in(cause(2, 2))}})
	for _, test := range []struct {
		key   string
		trace byte
		want  record.Cause
	}{
		{"nobody", 0, record.Cause{}}, {"idle", 0, record.Cause{}}, {"one", 0, cause(1, 1)}, {"one", 1, cause(1, 1)}, {"one", 3, record.Cause{}},
		{"two", 0, record.Cause{}}, {"two", 2, cause(2, 2)},
	} {
		var trace record.TraceID
		trace[0] = test.trace
		if got := r.CauseOf(test.key, trace); got != test.want {
			t.Errorf("%s in %d: %+v, want %+v", test.key, test.trace, got, test.want)
		}
	}
}

// The report of an invocation whose trace is kept says which.
func TestXRayLine(t *testing.T) {
	g := newRig(t, nil)
	s := languages()[0].spec(t)
	cause := record.Cause{Trace: record.TraceID{0x67, 0x89, 0x12, 0x33, 1}, Span: record.SpanID{2}}
	for _, sampled := range []bool{true, false} {
		cause.Sampled = sampled
		res := g.invoke(s, do{"do": "echo"}, func(in *Invocation) { in.Cause, in.TraceID, in.Tail = cause, cause.Root(), true })
		const line = "\t\nXRAY TraceId: 1-67891233-010000000000000000000000\tSegmentId: 0200000000000000\tSampled: true\t\n"
		if tail := string(res.Tail); strings.Contains(tail, "XRAY") != sampled || strings.HasSuffix(tail, line) != sampled {
			t.Errorf("sampled %v: the log ends with %q", sampled, res.Tail)
		}
	}
}

// A cold start says how long its parts took, a warm invocation only when it
// began.
func TestPhases(t *testing.T) {
	g := newRig(t, nil)
	s := languages()[0].spec(t)
	cold := g.invoke(s, do{"do": "echo"})
	if !cold.Cold || cold.Spawned.IsZero() || cold.Spawn <= 0 || cold.Init < cold.Spawn || cold.Started.Before(cold.Spawned.Add(cold.Init)) {
		t.Errorf("cold: %+v", cold)
	}
	if warm := g.invoke(s, do{"do": "echo"}); warm.Cold || !warm.Spawned.IsZero() || warm.Spawn != 0 || warm.Init != 0 || !warm.Started.After(cold.Started) {
		t.Errorf("warm: %+v", warm)
	}
}

// A function without a network of its own reaches the receiver, as it reaches
// the platform's services, and nothing else.
func TestIsolatedTelemetry(t *testing.T) {
	listen := func() (url, port string) {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		_, port, _ = net.SplitHostPort(l.Addr().String())
		return "http://" + l.Addr().String(), port
	}
	endpoint, platform := listen()
	telemetry, receiver := listen()
	_, stranger := listen()
	g := newRig(t, func(o *Options) { o.Endpoint, o.Telemetry = endpoint, telemetry })
	dir := t.TempDir()
	const code = `import socket
def handler(event, context):
    out = []
    for port in event["ports"]:
        try:
            socket.create_connection(("127.0.0.1", int(port)), 5).close()
            out.append("ok")
        except OSError:
            out.append("refused")
    return out
`
	if err := os.WriteFile(filepath.Join(dir, "index.py"), []byte(code), 0o644); err != nil {
		t.Fatal(err)
	}
	python := languages()[2].spec(t, func(s *Spec) { s.CodeDir, s.Isolated = dir, true })
	res, err := g.Invoke(context.Background(), python, Invocation{
		RequestID: newID(), ARN: python.Function, Payload: fmt.Appendf(nil, `{"ports":[%s,%s,%s]}`, platform, receiver, stranger),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `["ok", "ok", "refused"]`
	if !g.opts.Sandbox.Report().PlatformOnly {
		want = "Runtime.InvalidEntrypoint" // it is not started with less confinement than it asked for
	}
	if !strings.Contains(string(res.Payload), want) {
		t.Errorf("platform, receiver and stranger: %s, want %s", res.Payload, want)
	}
}
