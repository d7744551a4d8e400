package otlp

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sort"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/otlp/message"
	"github.com/nube-run/nube/internal/record"
)

// collector is a receiver that a test looks into. It answers by answer, if
// there is one.
type collector struct {
	mu     sync.Mutex
	got    []string // one line an item
	posts  int
	answer func(n int, w http.ResponseWriter)
}

// RoundTrip takes a request in the place of a network.
func (c *collector) RoundTrip(req *http.Request) (*http.Response, error) {
	z, err := gzip.NewReader(req.Body)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	typ, ok := requestOf(strings.TrimPrefix(req.URL.Path, "/base"))
	if err := message.Check(typ, body); err != nil || !ok || req.Header.Get("Content-Type") != protobufType || req.Header.Get("Api-Key") != "secret" {
		return nil, fmt.Errorf("%s %v: %w", req.URL, req.Header, err)
	}
	w := httptest.NewRecorder()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.posts++
	if c.answer != nil {
		c.answer(c.posts, w)
	}
	if w.Code == http.StatusOK {
		c.take(typ, body)
	}
	return w.Result(), nil
}

func (c *collector) take(typ message.Type, body []byte) {
	for p := range message.Parts(body) {
		var res []string
		for a := range message.ResourceAttrs(p.Resource) {
			if !strings.HasPrefix(a.Key, "telemetry.") && !strings.HasPrefix(a.Key, "cloud.") {
				res = append(res, a.Key+"="+a.String())
			}
		}
		for _, item := range p.Items {
			line := strings.Join(res, " ") + ": "
			switch typ {
			case message.TracesRequest:
				s := message.ReadSpan(item)
				line += fmt.Sprintf("%s kind=%d", s.Name, s.Kind)
				if s.Failed {
					line += fmt.Sprintf(" failed %q", s.Message)
				}
				line += words(s.Attrs)
			case message.LogsRequest:
				l := message.ReadLogRecord(item)
				line += message.Text(l.Body) + words(l.Attrs)
			default:
				m := message.ReadMetric(item)
				for _, p := range m.Points {
					line += fmt.Sprintf("%s n=%v sum=%v", m.Name, p.Count, p.Sum) + words(p.Attrs)
				}
			}
			c.got = append(c.got, line)
		}
	}
}

func words(as []message.Attr) string {
	var b strings.Builder
	for i := range as {
		if as[i].Key != "nube.model_time" {
			b.WriteString(" " + as[i].Key + "=" + as[i].String())
		}
	}
	return b.String()
}

func (c *collector) lines() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	sort.Strings(c.got)
	return c.got
}

// exporting runs an exporter to c until the function returned is called.
func exporting(t *testing.T, b *bed, c *collector, log *slog.Logger) (e *Exporter, stop func()) {
	t.Helper()
	e, err := NewExporter(ExporterOptions{
		Target: Target{URL: "http://collector:4318/base/", Headers: map[string]string{"Api-Key": "secret"}}, Recorder: b.Recorder,
		Account: "1", Region: "r", Version: "v", Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	e.client.Transport = c
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); e.Run(ctx) }()
	synctest.Wait() // it follows the records
	return e, func() { cancel(); <-done }
}

func TestExport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, c := newBed(t), &collector{}
		e, stop := exporting(t, b, c, nil)
		b.Forward = e.Forward
		r := b.Recorder
		ctx, request := r.Begin(record.With(context.Background(), record.Cause{By: "ana"}), record.Span{Kind: record.Server, Service: "apigateway", Name: "POST /users", Resource: "arn:aws:apigateway:r::/restapis/a"})
		request.Answered(502)
		request.Carried(3, 4)
		request.Requested("req-1")
		in, function := r.Begin(ctx, record.Span{Service: "lambda", Name: "shop-fn", Resource: "arn:aws:lambda:r:1:function:shop-fn", Request: "req-1"})
		function.Note(record.Cold, "true")
		function.Note(record.LogStream, "day/[1]a")
		function.Note("waited", "2ms")
		_, call := r.Begin(in, record.Span{Kind: record.Server, Service: "dynamodb", Name: "PutItem", Resource: "arn:aws:dynamodb:r:1:table/users/index/x"})
		call.End(fault.New("AccessDenied", "not authorized"))
		function.End(nil)
		_, publish := r.Begin(in, record.Span{Kind: record.Server, Service: "sns", Name: "Publish", Resource: "arn:aws:sns:r:1:topic"})
		publish.End(nil)
		_, put := r.Begin(in, record.Span{Kind: record.Server, Service: "s3", Name: "PutObject", Resource: "arn:aws:s3:::bucket/a/b"})
		put.End(nil)
		_, invoke := r.Begin(in, record.Span{Kind: record.Server, Service: "lambda", Name: "Invoke", Resource: "arn:aws:lambda:r:1:function:f"})
		invoke.End(nil)
		_, deliver := r.Begin(in, record.Span{Kind: record.Consumer, Service: "delivery", Name: "sqs", Resource: "arn:aws:sqs:r:1:queue", Links: []record.Link{{Trace: record.TraceID{1}}}})
		deliver.Note("given up", "true")
		deliver.End(nil)
		_, batch := r.Begin(in, record.Span{Kind: record.Consumer, Service: "lambda", Name: "dynamodb → fn", Resource: "arn:aws:dynamodb:r:1:table/users/stream/x"})
		batch.End(nil)
		request.End(nil)
		b.accept("/v1/traces", spans(`{"traceId":"5759e988bd862e3fe1be46a994272793","spanId":"53995c3f42cd8ad8","name":"own"}`))
		b.accept("/v1/metrics", `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"own","gauge":{"dataPoints":[{"asInt":"1"}]}}]}]}]}`)
		if _, err := r.Logs.Writer(record.Stream{Account: "1", Region: "r", Group: "/aws/lambda/fn", Name: "s"}).Append(now, now, []byte("hello\xff")); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Logs.Writer(record.Stream{Account: "1", Region: "r", Group: "/otlp/shop", Name: "s"}).Append(now, now, []byte("went as it came")); err != nil {
			t.Fatal(err)
		}
		r.Metrics.Series(record.Metric{Account: "1", Region: "r", Namespace: "AWS/Lambda", Name: "Errors", Dims: []record.Attr{{Key: "FunctionName", Value: "fn"}}}).Observe(now, 2)
		r.Metrics.Meter("1", "r", "arn", record.Requests).Observe(now, 1)
		r.Metrics.Flush()
		stop()
		want := []string{
			": own n=1 sum=1",
			"service.name=apigateway: POST /users kind=2 failed \"\" aws.request_id=req-1 nube.principal=ana http.request.method=POST url.path=/users cloud.resource_id=arn:aws:apigateway:r::/restapis/a http.response.status_code=502 http.request.body.size=3 http.response.body.size=4",
			"service.name=delivery: deliver queue kind=5 aws.request_id=req-1 nube.principal=ana messaging.system=aws_sqs messaging.operation.type=process messaging.destination.name=queue cloud.resource_id=arn:aws:sqs:r:1:queue messaging.batch.message_count=2 nube.given_up=true",
			"service.name=dynamodb: dynamodb.PutItem kind=2 failed \"not authorized\" aws.request_id=req-1 error.type=AccessDenied nube.principal=ana rpc.system=aws-api rpc.service=dynamodb rpc.method=PutItem cloud.resource_id=arn:aws:dynamodb:r:1:table/users/index/x db.system.name=aws.dynamodb db.operation.name=PutItem aws.dynamodb.table_names=[\"users\"]",
			"service.name=fn aws.log.group.names=[\"/aws/lambda/fn\"] faas.name=fn: hello\uFFFD aws.log.stream.names=[\"s\"]",
			"service.name=lambda: dynamodb → fn kind=5 aws.request_id=req-1 nube.principal=ana faas.trigger=datasource messaging.system=nube messaging.operation.type=process messaging.destination.name=users/stream/x cloud.resource_id=arn:aws:dynamodb:r:1:table/users/stream/x",
			"service.name=lambda: lambda.Invoke kind=2 aws.request_id=req-1 nube.principal=ana rpc.system=aws-api rpc.service=lambda rpc.method=Invoke cloud.resource_id=arn:aws:lambda:r:1:function:f faas.invoked_name=f faas.invoked_provider=aws",
			"service.name=nube: amazonaws.com/AWS/Lambda/Errors n=1 sum=2 Namespace=AWS/Lambda MetricName=Errors FunctionName=fn",
			"service.name=nube: amazonaws.com/nube/meter/Requests n=1 sum=1 Namespace=nube/meter MetricName=Requests Resource=arn",
			"service.name=s3: s3.PutObject kind=2 aws.request_id=req-1 nube.principal=ana rpc.system=aws-api rpc.service=s3 rpc.method=PutObject cloud.resource_id=arn:aws:s3:::bucket/a/b aws.s3.bucket=bucket aws.s3.key=a/b",
			"service.name=shop faas.instance=day/[1]a: own kind=0",
			"service.name=shop-fn: shop-fn kind=2 aws.request_id=req-1 nube.principal=ana faas.name=shop-fn faas.invocation_id=req-1 faas.instance=day/[1]a cloud.resource_id=arn:aws:lambda:r:1:function:shop-fn faas.coldstart=true nube.waited=2ms",
			"service.name=sns: sns.Publish kind=2 aws.request_id=req-1 nube.principal=ana rpc.system=aws-api rpc.service=sns rpc.method=Publish cloud.resource_id=arn:aws:sns:r:1:topic messaging.system=aws.sns messaging.destination.name=topic messaging.operation.type=send",
		}
		if d := cmp.Diff(want, c.lines()); d != "" {
			t.Error(d)
		}
	})
}

// What a receiver cannot take now is sent again; what it never takes is lost,
// and said once.
//
// Mutations that it finds: no second try, no pause, 429 and 503 taken for
// refusals.
func TestExportTriesAgain(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer func(n int, w http.ResponseWriter)
		after  time.Duration
		posts  int
		got    int
		log    []string
	}{
		{"taken", nil, 3 * time.Second, 1, 1, nil},
		{"busy, then taken", func(n int, w http.ResponseWriter) {
			if n == 1 {
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(http.StatusTooManyRequests)
			}
		}, 9 * time.Second, 2, 1, []string{"telemetry is not exported", "telemetry is exported again"}},
		{"down for a while", func(n int, w http.ResponseWriter) {
			if n < 4 {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}, 9 * time.Second, 4, 1, []string{"telemetry is not exported", "telemetry is exported again"}},
		{"refused", func(_ int, w http.ResponseWriter) { w.WriteHeader(http.StatusBadRequest) }, time.Minute, 1, 0, []string{"telemetry is not exported"}},
		{"down for good", func(_ int, w http.ResponseWriter) { w.WriteHeader(http.StatusGatewayTimeout) }, 10 * time.Minute, 18, 0, []string{"telemetry is not exported"}},
		{"rejected in part", func(_ int, w http.ResponseWriter) {
			w.Write(message.AppendResponse(nil, message.TracesRequest, false, 1, "why"))
		}, 3 * time.Second, 1, 1, []string{"telemetry was rejected by the receiver of the export"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, c := newBed(t), &collector{answer: test.answer}
				var log bytes.Buffer
				_, stop := exporting(t, b, c, slog.New(slog.NewTextHandler(&log, nil)))
				_, hop := b.Recorder.Begin(context.Background(), record.Span{Name: "x"})
				hop.End(nil)
				time.Sleep(test.after)
				stop()
				about := 0 // pauses have jitter
				if test.posts > 10 {
					about = 8
				}
				if c.posts < test.posts-about || c.posts > test.posts+about || len(c.got) != test.got {
					t.Errorf("%d requests, %d spans got through", c.posts, len(c.got))
				}
				for _, want := range test.log {
					if strings.Count(log.String(), want) != 1 {
						t.Errorf("the log does not say once %q:\n%s", want, log.String())
					}
				}
				if len(test.log) == 0 && log.Len() > 0 {
					t.Errorf("logged %s", log.String())
				}
			})
		})
	}
}

// What waits is bounded, and when the cloud stops it does not wait for a
// receiver that does not answer.
func TestExportIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, c := newBed(t), &collector{answer: func(_ int, w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) }}
		e, stop := exporting(t, b, c, nil)
		for range 100 {
			e.Forward(message.LogsRequest, make([]byte, 1<<20))
		}
		e.mu.Lock()
		bytes, lost := e.bytes, e.lost
		e.mu.Unlock()
		if bytes > queueBytes || lost == 0 {
			t.Errorf("%d bytes wait, %d requests lost", bytes, lost)
		}
		began := clock.Machine{}.Now()
		stop()
		if took := (clock.Machine{}).Since(began); took > lastWords {
			t.Errorf("it took %v to stop", took)
		}
	})
}

func TestExportTargets(t *testing.T) {
	for _, url := range []string{"", "localhost:4318", "ftp://x", "http://", ":"} {
		if _, err := NewExporter(ExporterOptions{Target: Target{URL: url}}); err == nil {
			t.Errorf("%q was taken", url)
		}
	}
}
