package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// spanNode is a span in the output of nube trace --output json.
type spanNode struct {
	ID, Parent, Service, Name, Kind, Error string
	Linked, Application                    bool
	Status                                 int
	Details                                []struct{ Key, Value string }
	Children                               []*spanNode
}

// tree is what nube trace says of an id.
func (c *cloud) tree(id string) []*spanNode {
	c.t.Helper()
	out, code := c.nube("trace", id, "--output", "json")
	var report struct {
		Whole bool
		Spans []*spanNode
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != 0 || !report.Whole {
		c.t.Fatalf("nube trace %s ended with %d: %v\n%s", id, code, err, out)
	}
	return report.Spans
}

// drawn is a tree without what differs from run to run.
func drawn(spans []*spanNode, indent string) string {
	var b strings.Builder
	for _, s := range spans {
		b.WriteString(indent + s.Service + " " + s.Name)
		if s.Status != 0 {
			fmt.Fprintf(&b, " %d", s.Status)
		}
		if s.Error != "" {
			b.WriteString(" failed: " + s.Error)
		}
		for _, d := range s.Details {
			if d.Key == "message" || d.Key == "items" {
				b.WriteString(" " + d.Key + "=" + d.Value)
			}
		}
		b.WriteString("\n" + drawn(s.Children, indent+"  "))
	}
	return b.String()
}

// TestOpenTelemetry runs functions that report of themselves with an unmodified
// SDK of OpenTelemetry, which finds the receiver by itself: whatever it knows of
// the platform's trace, its spans hang below its invocation.
//
// Mutation that it finds: functions that are not told where the receiver is.
func TestOpenTelemetry(t *testing.T) {
	c := start(t, "memory", "up", "testdata/otel")
	const own = `        otel-dev-FN handler items=3
          otel-dev-FN step failed: *errors.errorString message=it did not work
`
	for _, test := range []struct {
		path, traceparent string
		told              bool // of the invocation's span
	}{
		{"plain", "", false},
		{"xray", "", true}, // tracing: Active
		{"untraced", "", false},
		{"untraced", "00-5b8efff798038103d269b633813fc60c-eee19b7ec3c1b174-01", true},
	} {
		t.Run(fmt.Sprint(test.path, " ", test.told), func(t *testing.T) {
			r := want(t, c.send(http.MethodGet, "/"+test.path, "", "Traceparent", test.traceparent), http.StatusOK)
			id := r.header.Get("X-Amzn-Requestid")
			c.settle()
			spans := c.tree(id)
			got := drawn(withoutPhases(spans), "")
			below := strings.ReplaceAll(own, "FN", test.path)
			expect := fmt.Sprintf("apigateway GET /%[1]s 200\n  lambda Invoke\n    lambda otel-dev-%[1]s\n%[2]s", test.path, strings.ReplaceAll(below, "        ", "      "))
			if got != expect {
				t.Errorf("the tree is\n%swant\n%s", got, expect)
			}
			// What the function was told is where it stands.
			header := r.object(t)["header"].(string)
			function := spans[0].Children[0].Children[0]
			if strings.Contains(header, ";Parent="+function.ID+";Sampled=1") != test.told || !test.told && strings.Contains(header, ";") {
				t.Errorf("the function's span is %s, and it was told %s", function.ID, header)
			}
			if test.traceparent != "" && (!strings.HasPrefix(header, "Root=1-5b8efff7-98038103d269b633813fc60c;") || spans[0].Parent != "eee19b7ec3c1b174") {
				t.Errorf("the caller's trace does not go on: below %s, told %s", spans[0].Parent, header)
			}
			for _, s := range function.Children {
				if s.Application && (s.Linked == test.told || test.told && s.Parent != function.ID) {
					t.Errorf("the application's span %+v", s)
				}
			}
		})
	}
}

// withoutPhases takes the parts of cold starts out of a tree.
func withoutPhases(spans []*spanNode) []*spanNode {
	var out []*spanNode
	for _, s := range spans {
		if s.Service == "lambda" && (s.Name == "spawn" || s.Name == "init" || s.Name == "invoke") {
			continue
		}
		s.Children = withoutPhases(s.Children)
		out = append(out, s)
	}
	return out
}

// TestOTLP sends traces, metrics and logs with OpenTelemetry's SDK, and finds
// them where the README says. Nothing of it may be rejected.
//
// Mutation that it finds: a receiver that cannot read gzip.
func TestOTLP(t *testing.T) {
	c := start(t, "memory", "start", "--otlp", "127.0.0.1:0")
	ctx := t.Context()
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { t.Errorf("the SDK says %v", err) }))
	res := resource.NewSchemaless(attribute.String("service.name", "checkout"))

	traces, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(c.OTLP+"/v1/traces"), otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
	if err != nil {
		t.Fatal(err)
	}
	tp := trace.NewTracerProvider(trace.WithBatcher(traces), trace.WithResource(res))
	ctx, span := tp.Tracer("t").Start(ctx, "checkout")
	_, child := tp.Tracer("t").Start(ctx, "pay")
	child.AddEvent("asked")
	child.End()

	metrics, err := otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpointURL(c.OTLP+"/v1/metrics"))
	if err != nil {
		t.Fatal(err)
	}
	mp := metric.NewMeterProvider(metric.WithReader(metric.NewPeriodicReader(metrics)), metric.WithResource(res))
	orders, err := mp.Meter("t").Int64Counter("orders")
	if err != nil {
		t.Fatal(err)
	}
	orders.Add(ctx, 3)
	took, err := mp.Meter("t").Float64Histogram("took")
	if err != nil {
		t.Fatal(err)
	}
	took.Record(ctx, 0.5)

	logs, err := otlploghttp.New(ctx, otlploghttp.WithEndpointURL(c.OTLP+"/v1/logs"))
	if err != nil {
		t.Fatal(err)
	}
	lp := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(logs)), sdklog.WithResource(res))
	var said log.Record
	said.SetBody(attribute.StringValue("the order is placed"))
	lp.Logger("t").Emit(ctx, said)
	span.End()
	for _, flush := range []func(context.Context) error{tp.Shutdown, mp.Shutdown, lp.Shutdown} {
		if err := flush(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	}

	id := span.SpanContext().TraceID().String()
	if got := drawn(c.tree(id), ""); got != "checkout checkout\n  checkout pay\n" {
		t.Errorf("the tree is\n%s", got)
	}
	if out, code := c.nube("trace"); code != 0 || !strings.Contains(out, id) {
		t.Errorf("nube trace: %d %s", code, out)
	}
	line := regexp.MustCompile(`{"body":"the order is placed","trace_id":"` + id + `","span_id":"[0-9a-f]{16}"}`)
	if out, code := c.nube("logs", "/otlp/checkout"); code != 0 || !line.MatchString(out) {
		t.Errorf("nube logs: %d %s", code, out)
	}
}

// TestExport exports what happens to another receiver, and reads it with the
// official library.
//
// Mutations that it finds: what is left is not sent at the end; requests without
// the headers that were asked for.
func TestExport(t *testing.T) {
	var mu sync.Mutex
	got := map[string]string{} // name → kind
	paths := map[string]int{}
	jaeger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		body, err := io.ReadAll(z)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		paths[r.URL.Path]++
		if r.Header.Get("Authorization") != "Bearer token" {
			t.Errorf("headers %v", r.Header)
		}
		if r.URL.Path != "/v1/traces" {
			return
		}
		var in collectortrace.ExportTraceServiceRequest
		if err := proto.Unmarshal(body, &in); err != nil {
			t.Error(err)
		}
		for _, rs := range in.ResourceSpans {
			for _, ss := range rs.ScopeSpans {
				for _, s := range ss.Spans {
					got[s.Name] = s.Kind.String()
					if len(s.TraceId) != 16 || len(s.SpanId) != 8 || s.EndTimeUnixNano < s.StartTimeUnixNano {
						t.Errorf("%v", s)
					}
				}
			}
		}
	}))
	defer jaeger.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20token")
	c := start(t, "memory", "up", "testdata/otel", "--otlp-export", jaeger.URL)
	want(t, c.send(http.MethodGet, "/plain", ""), http.StatusOK)
	c.settle()
	c.stop() // what is left is sent
	mu.Lock()
	defer mu.Unlock()
	for name, kind := range map[string]string{
		"GET /plain": "SPAN_KIND_SERVER", "lambda.Invoke": "SPAN_KIND_SERVER", "otel-dev-plain": "SPAN_KIND_SERVER", "spawn": "SPAN_KIND_INTERNAL",
		"handler": "SPAN_KIND_SERVER", "step": "SPAN_KIND_INTERNAL",
	} {
		if got[name] != kind {
			t.Errorf("%s is %q, want %s", name, got[name], kind)
		}
	}
	for _, path := range []string{"/v1/traces", "/v1/logs", "/v1/metrics"} {
		if paths[path] == 0 {
			t.Errorf("nothing came to %s", path)
		}
	}
}

// TestTracesOff runs the same requests with everything recorded, without traces
// and without what is replayed, and gets the same answers: byte for byte, but for
// ids and times.
//
// Mutations that it finds: no cause where nothing is recorded, an operation that
// asks the records.
func TestTracesOff(t *testing.T) {
	varies := regexp.MustCompile(`[0-9A-Z]{26}|\d{4}-\d\d-\d\dT[0-9:.]+Z|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|Root=1-[-0-9a-f]+(;[A-Za-z]+=[0-9a-f]+)*|` +
		`(Date|X-Amz-Apigw-Id|Content-Length): [^\r\n]+|127\.0\.0\.1:\d+`)
	said := map[string]string{}
	for _, without := range []string{"", "traces", "exchanges"} {
		args := []string{"up", "../examples/shop"}
		if without != "" {
			args = append(args, "--"+without, "off")
		}
		c := start(t, "memory", args...)
		var out bytes.Buffer
		keep := func(r reply) reply {
			fmt.Fprintf(&out, "%d\n", r.status)
			r.header.Write(&out)
			fmt.Fprintf(&out, "%s\n", r.body)
			return r
		}
		user := keep(c.create("Ana", "ana@example.com")).object(t)
		path := "/users/" + user["id"].(string)
		keep(c.send(http.MethodGet, path, ""))
		keep(c.send(http.MethodPut, path, `{"name":"Anna","email":"anna@example.com"}`))
		missing := keep(c.send(http.MethodGet, "/users/none", ""))
		keep(c.send(http.MethodPost, "/users", `{`))
		keep(c.send(http.MethodPatch, "/nowhere", ""))
		keep(c.send(http.MethodDelete, path, ""))
		c.settle()
		text, code := c.nube("logs", "userApi")
		fmt.Fprintf(&out, "%d %d lines of logs\n", code, strings.Count(text, "\n"))
		said[without] = varies.ReplaceAllString(out.String(), "…")
		list, code := c.nube("trace")
		if code != 0 || (list == "") != (without == "traces") {
			t.Errorf("without %q nube trace says %d %s", without, code, list)
		}
		again, code := c.nube("replay", missing.header.Get("X-Amzn-Requestid"))
		if (code != 0) != (without == "exchanges") {
			t.Errorf("without %q nube replay says %d %s", without, code, again)
		}
		if said[""] != said[without] {
			t.Errorf("with everything:\n%s\nwithout %s:\n%s", said[""], without, said[without])
		}
	}
}
