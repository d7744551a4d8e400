package main

import (
	"bytes"
	"flag"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/control"
)

var update = flag.Bool("update", false, "write the golden files")

// A tree as people see it is a golden file; so that what a word or a column
// becomes is seen.
func TestShowTrace(t *testing.T) {
	at := time.Date(2026, 11, 22, 3, 8, 56, 0, time.UTC)
	span := func(after, took time.Duration, s control.TraceSpan, children ...*control.TraceSpan) *control.TraceSpan {
		s.Time, s.Began, s.Duration, s.Children = at.Add(after), at.Add(after), took, children
		return &s
	}
	const ms = time.Millisecond
	const fn = "arn:aws:lambda:us-east-1:000000000000:function:shop-dev-userApi"
	report := control.TraceReport{Trace: "6b025cc87b70923c61de92940ba9dae3", XRay: "1-6b025cc8-7b70923c61de92940ba9dae3", Spans: []*control.TraceSpan{
		span(0, 17*ms, control.TraceSpan{Kind: "server", Service: "apigateway", Name: "POST /users", Status: 502, In: 38, Out: 11 << 10},
			span(ms, 16*ms, control.TraceSpan{Kind: "server", Service: "lambda", Name: "Invoke", Resource: fn},
				span(2*ms, 14890*time.Microsecond, control.TraceSpan{
					Kind: "internal", Service: "lambda", Name: "shop-dev-userApi", Resource: fn, In: 2 << 20,
					Details: []control.Detail{{Key: "cold", Value: "true"}, {Key: "log", Value: "stream"}},
				},
					span(3*ms, ms, control.TraceSpan{Kind: "internal", Service: "lambda", Name: "spawn"}),
					span(4*ms, ms, control.TraceSpan{Application: true, Service: "shop", Name: "charge", Error: "IOError", Details: []control.Detail{{Key: "k", Value: "v"}, {Key: "message", Value: "no\nluck"}}}),
					span(5*ms, ms, control.TraceSpan{Kind: "server", Service: "dynamodb", Name: "PutItem", Resource: "arn:aws:dynamodb:us-east-1:0:table/users/index/x", Status: 0, Error: "AccessDenied",
						Details: []control.Detail{{Key: "attempt", Value: "2"}, {Key: "message", Value: "not authorized"}}}),
					span(6*ms, ms, control.TraceSpan{Kind: "server", Service: "s3", Name: "PutObject", Resource: "arn:aws:s3:::bucket/a:b/c"}),
				))),
		span(2*time.Second, 3*time.Minute, control.TraceSpan{Kind: "consumer", Service: "delivery", Name: "https", Resource: "https://example.com/hook", Linked: true,
			Links: []control.TraceLink{{}}, Details: []control.Detail{{Key: "waited", Value: "2s"}}},
			span(2*time.Second, 1500*ms, control.TraceSpan{Kind: "server", Service: "sts", Name: "GetCallerIdentity"})),
	}}
	var out bytes.Buffer
	a := &app{terminal: terminal{out: &out}, output: "text"}
	if err := a.showTrace(&report); err != nil {
		t.Fatal(err)
	}
	for _, s := range []control.TraceSummary{
		{Trace: report.Trace, Time: at, Service: "apigateway", Name: "GET /users", Status: 404, Duration: ms, Spans: 1},
		{Trace: report.Trace, Time: at, Service: "lambda", Name: "Invoke", Duration: 2 * time.Second, Errors: 2, Spans: 3},
		{Trace: report.Trace, Time: at, Service: "lambda", Name: "Invoke", Error: "AccessDenied", Errors: 1, Spans: 3},
	} {
		out.WriteString(a.summary(&s) + "\n")
	}
	golden(t, "trace.golden", out.Bytes())
}

func TestExportHeaders(t *testing.T) {
	got, err := exportHeaders(" api-key=a%20b , Authorization = Basic x==,")
	if d := cmp.Diff(map[string]string{"api-key": "a b", "Authorization": "Basic x=="}, got); d != "" || err != nil {
		t.Error(d, err)
	}
	for _, bad := range []string{"key", "=value", "k=%zz"} {
		if _, err := exportHeaders(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
