package otlp

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk"
	"github.com/nube-run/nube/internal/otlp/message"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/work"
)

// logged keeps what was written to logs.
type logged struct {
	mu    sync.Mutex
	lines []string
	err   error
}

func (l *logged) Write(s record.Stream, at clock.Instant, text []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf("%s %s %d %s", s.Group, s.Name, at, text))
	return l.err
}

// bed is a receiver with its records in memory.
type bed struct {
	*Receiver
	t       testing.TB
	logs    *logged
	forward [][]byte
}

const now = clock.Instant(1_700_000_000_000_000_000)

func newBed(t testing.TB) *bed {
	model := clock.NewModel(clock.State{Stopped: true, At: now})
	r, err := record.Open(record.Options{FS: disk.Mem(), Dir: "records", Model: model})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	b := &bed{t: t, logs: &logged{}}
	b.Receiver = &Receiver{
		Recorder: r, Logs: b.logs, Model: model, Ledger: work.NewLedger(), Account: "1", Region: "r",
		Forward: func(_ message.Type, body []byte) { b.forward = append(b.forward, body) },
	}
	return b
}

// post sends JSON and returns the status and the answer.
func (b *bed) post(path, body string) (int, string) {
	b.t.Helper()
	req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	w := httptest.NewRecorder()
	b.ServeHTTP(w, req)
	if got := w.Header().Get("Content-Type"); got != jsonType {
		b.t.Errorf("answered as %s", got)
	}
	return w.Code, w.Body.String()
}

func (b *bed) accept(path, body string) {
	b.t.Helper()
	if code, answer := b.post(path, body); code != 200 || answer != "{}" {
		b.t.Fatalf("%d %s", code, answer)
	}
}

// spans wraps spans in a request of one function's instance.
func spans(in string) string {
	return `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}},
		{"key":"faas.instance","value":{"stringValue":"day/[1]a"}}]},"scopeSpans":[{"spans":[` + in + `]}]}]}`
}

func TestSpansAreRecorded(t *testing.T) {
	b := newBed(t)
	const trace = "5759e988bd862e3fe1be46a994272793"
	b.accept("/v1/traces", spans(`{"traceId":"`+trace+`","spanId":"53995c3f42cd8ad8","parentSpanId":"0000000000000000","name":"handler","kind":2,
		"startTimeUnixNano":"1500000000000000000","endTimeUnixNano":"1500000000000000500",
		"attributes":[{"key":"faas.execution","value":{"stringValue":"req"}},{"key":"http.status_code","value":{"intValue":"503"}}],
		"events":[{"name":"exception","attributes":[{"key":"exception.type","value":{"stringValue":"IOError"}},{"key":"exception.message","value":{"stringValue":"gone"}},
			{"key":"exception.stacktrace","value":{"stringValue":"long"}}]}],
		"links":[{"traceId":"`+trace+`","spanId":"0000000000000001"},{"traceId":"","spanId":""}],"status":{"code":2}},
		{"traceId":"`+trace+`","spanId":"53995c3f42cd8ad9","parentSpanId":"53995c3f42cd8ad8","name":"step"}`))
	id, err := record.ParseTraceID(trace)
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.Recorder.Traces.Trace(context.Background(), id)
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	s := got[0]
	if s.Began.UnixNano() != 1500000000000000000 || s.Duration != 500 || s.Start >= now {
		t.Errorf("times %v %v %v", s.Began, s.Duration, s.Start)
	}
	s.Began, s.Start = time.Time{}, 0
	want := record.Span{
		Trace: id, ID: s.ID, Kind: record.Server, Service: "shop", Name: "handler", Request: "req", Duration: 500, Status: 503, Error: "IOError", Foreign: true,
		Attrs: []record.Attr{
			{Key: "faas.execution", Value: "req"}, {Key: "http.status_code", Value: "503"},
			{Key: "event", Value: "exception exception.type=IOError exception.message=gone"}, {Key: "message", Value: "gone"},
		},
		Links: []record.Link{{Trace: id, Span: record.SpanID{7: 1}}},
	}
	if d := cmp.Diff(want, s); d != "" {
		t.Error(d)
	}
	if s := got[1]; s.Parent != got[0].ID || s.Error != "" || s.Start != now && s.Began.IsZero() {
		t.Errorf("%+v", s)
	}
	if len(b.forward) != 1 || message.Check(message.TracesRequest, b.forward[0]) != nil {
		t.Errorf("passed on %x", b.forward)
	}
}

// An SDK that knows nothing of the platform begins a trace of its own; its
// spans are in the tree of the request nevertheless.
func TestApplicationsHangInTheTree(t *testing.T) {
	b := newBed(t)
	ctx, request := b.Recorder.Begin(context.Background(), record.Span{Name: "request"})
	_, function := b.Recorder.Begin(ctx, record.Span{Name: "function"})
	function.Note(record.LogStream, "day/[1]a")
	const ids = `"traceId":"5759e988bd862e3fe1be46a994272793","name":`
	b.accept("/v1/traces", spans(fmt.Sprintf(`{%s"handler","spanId":"0000000000000001","startTimeUnixNano":"%d"},
		{%[1]s"inner","spanId":"0000000000000002","parentSpanId":"0000000000000001","startTimeUnixNano":"%[2]d"},
		{%[1]s"remote","spanId":"0000000000000003","parentSpanId":"00000000000000ff","flags":768,"startTimeUnixNano":"%[2]d"},
		{%[1]s"another time","spanId":"0000000000000004","startTimeUnixNano":"1"}`, ids, b.Machine.Now().UnixNano())))
	function.End(nil)
	request.End(nil)
	nodes, whole, err := b.Recorder.Traces.Tree(context.Background(), record.From(ctx).Trace)
	if err != nil || !whole {
		t.Fatal(err)
	}
	var got []string
	var list func([]*record.Node, string)
	list = func(nodes []*record.Node, path string) {
		for _, n := range nodes {
			got = append(got, path+n.Name)
			list(n.Children, path+n.Name+"/")
		}
	}
	list(nodes, "")
	want := []string{"request", "request/function", "request/function/handler", "request/function/handler/inner", "request/function/remote"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestRejected(t *testing.T) {
	b := newBed(t)
	code, got := b.post("/v1/traces", spans(`{"name":"a","traceId":"00000000000000000000000000000000","spanId":"0000000000000001"},
		{"name":"b","traceId":"5759e988bd862e3fe1be46a994272793","spanId":"01"},
		{"name":"c","traceId":"5759e988bd862e3fe1be46a994272793","spanId":"0000000000000001","parentSpanId":"01"},
		{"name":"d","traceId":"5759e988bd862e3fe1be46a994272793","spanId":"0000000000000001","endTimeUnixNano":"9223372036854775808"},
		{"name":"good","traceId":"5759e988bd862e3fe1be46a994272793","spanId":"0000000000000001"}`))
	if want := `{"partialSuccess":{"rejectedSpans":"4","errorMessage":"the span \"a\" has no valid trace id and span id"}}`; code != 200 || got != want {
		t.Errorf("%d %s", code, got)
	}
	code, got = b.post("/v1/metrics", `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"sum":{"dataPoints":[{},{}]}},{}]}]}]}`)
	if want := `{"partialSuccess":{"rejectedDataPoints":"3","errorMessage":"a metric has no name"}}`; code != 200 || got != want {
		t.Errorf("%d %s", code, got)
	}
	code, got = b.post("/v1/logs", fmt.Sprintf(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":%q}}]}]}]}`, strings.Repeat("x", maxLine)))
	if want := `{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"a log record has 1048576 bytes at most"}}`; code != 200 || got != want {
		t.Errorf("%d %s", code, got)
	}
	b.logs.err = io.ErrShortWrite
	if code, got = b.post("/v1/logs", `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}`); code != 503 || got != `{"code":14,"message":"the records cannot be written"}` {
		t.Errorf("%d %s", code, got)
	}
}

func TestLogRecords(t *testing.T) {
	b := newBed(t)
	b.accept("/v1/logs", `{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"my shop"}},{"key":"service.instance.id","value":{"stringValue":"a:b"}}]},
		"scopeLogs":[{"logRecords":[{"severityNumber":9,"severityText":"INFO","body":{"stringValue":"hi"},"eventName":"e",
			"traceId":"5759e988bd862e3fe1be46a994272793","spanId":"53995c3f42cd8ad8","attributes":[{"key":"n","value":{"intValue":"7"}},{"key":"x","value":{"doubleValue":"NaN"}}]}]}]},
		{"scopeLogs":[{"logRecords":[{"body":{"doubleValue":"Infinity"}}]}]}]}`)
	want := []string{
		`/otlp/my_shop a_b 1700000000000000000 {"body":"hi","severity_text":"INFO","severity_number":9,"event_name":"e","trace_id":"5759e988bd862e3fe1be46a994272793","span_id":"53995c3f42cd8ad8","attributes":{"n":7,"x":"NaN"}}`,
		`/otlp/unknown_service default 1700000000000000000 {"body":"+Inf"}`,
	}
	if d := cmp.Diff(want, b.logs.lines); d != "" {
		t.Error(d)
	}
}

// Points that count from their start become what has come since the one before.
//
// Mutations that it finds: totals are added up, what was counted before the
// receiver began counts again.
func TestPoints(t *testing.T) {
	b := newBed(t)
	b.Began = time.Unix(0, 100)
	send := func(start int, counter, sum string) {
		b.accept("/v1/metrics", fmt.Sprintf(`{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}},{"key":"service.namespace","value":{"stringValue":"my"}}]},
		"scopeMetrics":[{"metrics":[
			{"name":"counter","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{"startTimeUnixNano":"%d","asInt":"%s","attributes":[{"key":"route","value":{"stringValue":"/"}}]}]}},
			{"name":"level","gauge":{"dataPoints":[{"asDouble":%[2]s}]}},
			{"name":"queue","sum":{"aggregationTemporality":2,"dataPoints":[{"asDouble":%[2]s}]}},
			{"name":"took","histogram":{"aggregationTemporality":2,"dataPoints":[{"startTimeUnixNano":"%[1]d","count":"%[2]s","sum":%[3]s,"bucketCounts":["%[2]s","0"],"explicitBounds":[5]}]}},
			{"name":"odd","gauge":{"dataPoints":[{"asDouble":"NaN"},{"flags":1}]}}]}]}]}`, start, counter, sum))
	}
	send(99, "10", "50") // counted before the receiver began
	send(99, "12", "58")
	send(99, "12", "58") // nothing new
	send(200, "3", "9")  // a new process
	got := map[string]string{}
	for p, err := range b.Recorder.Metrics.Read(context.Background(), record.MetricQuery{Account: "1", Region: "r", Namespace: "my/shop"}) {
		if err != nil {
			t.Fatal(err)
		}
		got[fmt.Sprint(p.Metric.Name, p.Metric.Dims)] = fmt.Sprintf("n=%v sum=%v min=%v max=%v p50=%.1f", p.Stat.Count, p.Stat.Sum, p.Stat.Min, p.Stat.Max, p.Stat.Percentile(50))
	}
	want := map[string]string{
		"counter[{route /}]": "n=2 sum=5 min=2 max=3 p50=2.0",
		"level[]":            "n=4 sum=37 min=3 max=12 p50=10.0",
		"queue[]":            "n=4 sum=37 min=3 max=12 p50=10.0",
		"took[]":             "n=5 sum=17 min=5 max=5 p50=5.0",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// More series than are remembered are no reason to count anything twice.
func TestForgottenSeries(t *testing.T) {
	began := time.Unix(1_700_000_000, 0)
	var d deltas
	point := func(sum float64) *message.Point {
		return &message.Point{Start: uint64(began.Add(time.Second).UnixNano()), Count: sum, Sum: sum}
	}
	at := began.Add(time.Minute)
	if p := point(5); !d.since("a", p, began, at) || p.Sum != 5 {
		t.Errorf("the first point is %+v", p)
	}
	for i := range seriesMax {
		d.since(fmt.Sprint("other", i), point(1), began, at)
	}
	if p := point(7); d.since("a", p, began, at) {
		t.Errorf("%+v counts what was counted", p)
	}
	if p := point(9); !d.since("a", p, began, at) || p.Sum != 2 {
		t.Errorf("the point after is %+v", p)
	}
	for range 2 { // one that is known forgets nothing
		if n := len(d.last); n > seriesMax {
			t.Errorf("%d series are remembered", n)
		}
		d.since("a", point(10), began, at)
	}
}

func TestRefused(t *testing.T) {
	b := newBed(t)
	packed := func(s string) string {
		var out bytes.Buffer
		z := gzip.NewWriter(&out)
		io.WriteString(z, s)
		z.Close()
		return out.String()
	}
	b.MaxBody = 1 << 10
	long := strings.Repeat("x", 1<<10+1)
	for _, test := range []struct {
		method, path, kind, encoding, body string
		status                             int
		want                               string
	}{
		{"POST", "/v1/traces", jsonType, "gzip", packed(`{}`), 200, "{}"},
		{"POST", "/v1/traces", protobufType, "", "", 200, ""},
		{"POST", "/v1/traces", protobufType, "identity", "\x0a\x00", 200, ""},
		{"POST", "/v1/profiles", jsonType, "", "{}", 404, `{"code":5,"message":"/v1/profiles is none of`},
		{"GET", "/v1/traces", jsonType, "", "", 405, `{"code":12,`},
		{"POST", "/v1/traces", "text/plain", "", "{}", 415, "\x08\x03\x12"},
		{"POST", "/v1/traces", "", "", "{}", 415, "\x08\x03\x12"},
		{"POST", "/v1/traces", jsonType, "zstd", "{}", 415, `{"code":3,"message":"the content encoding`},
		{"POST", "/v1/traces", jsonType, "gzip", "{}", 400, `{"code":3,"message":"gzip: `},
		{"POST", "/v1/traces", jsonType, "gzip", packed("{}")[:12], 400, `{"code":3,"message":"`},
		{"POST", "/v1/traces", jsonType, "", "{", 400, `{"code":3,"message":"otlp: malformed`},
		{"POST", "/v1/traces", protobufType, "", "\x0a", 400, "\x08\x03\x12"},
		{"POST", "/v1/traces", jsonType, "", long, 413, `{"code":8,`},
		{"POST", "/v1/traces", jsonType, "gzip", packed(long), 413, `{"code":8,`},
	} {
		req := httptest.NewRequest(test.method, test.path, strings.NewReader(test.body))
		req.Header.Set("Content-Type", test.kind)
		req.Header.Set("Content-Encoding", test.encoding)
		w := httptest.NewRecorder()
		b.ServeHTTP(w, req)
		if got := w.Body.String(); w.Code != test.status || !strings.HasPrefix(got, test.want) {
			t.Errorf("%s %s %q %q %.20q: %d %q, want %d %q", test.method, test.path, test.kind, test.encoding, test.body, w.Code, got, test.status, test.want)
		}
	}
	if n := len(b.Ledger.Entries()); n != 0 {
		t.Errorf("%d requests are under way", n)
	}
}

// A function that is frozen while it sends keeps nobody from settling.
func TestUnfinishedRequests(t *testing.T) {
	b := newBed(t)
	in, out := io.Pipe()
	req := httptest.NewRequest(http.MethodPost, "/v1/traces", in)
	req.Header.Set("Content-Type", jsonType)
	done := make(chan int)
	go func() {
		w := httptest.NewRecorder()
		b.ServeHTTP(w, req)
		done <- w.Code
	}()
	if _, err := io.WriteString(out, "{"); err != nil { // it reads
		t.Fatal(err)
	}
	if es := b.Ledger.Entries(); len(es) != 0 {
		t.Errorf("under way: %v", es)
	}
	if _, err := io.WriteString(out, "}"); err != nil {
		t.Fatal(err)
	}
	out.Close()
	if code := <-done; code != http.StatusOK {
		t.Errorf("answered %d", code)
	}
}

func FuzzReceive(f *testing.F) {
	f.Add("/v1/traces", true, []byte(spans(`{"traceId":"5759e988bd862e3fe1be46a994272793","spanId":"53995c3f42cd8ad8"}`)))
	f.Add("/v1/metrics", true, []byte(`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"s","sum":{"aggregationTemporality":2,"dataPoints":[{"asInt":"1"}]}}]}]}]}`))
	f.Add("/v1/logs", false, []byte("\x0a\x00"))
	b := newBed(f)
	f.Fuzz(func(t *testing.T, path string, asJSON bool, body []byte) {
		req := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		req.URL.Path = path
		req.Header.Set("Content-Type", protobufType)
		if asJSON {
			req.Header.Set("Content-Type", jsonType)
		}
		w := httptest.NewRecorder()
		b.ServeHTTP(w, req)
		if w.Code >= 500 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		b.forward = nil
	})
}
