package control

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/record"
)

// tracing is a server that has recorded three requests: one that is fine, one
// that a function fails, and one that is called by a client with a trace.
func tracing(t *testing.T) (s *Server, traces []string) {
	t.Helper()
	model := clock.NewModel(clock.State{Stopped: true, At: clock.Unix(1_700_000_000, 0)})
	r, err := record.Open(record.Options{FS: disk.Mem(), Dir: "records", Model: model})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	for i, req := range []struct {
		name, function string
		status         int
		err            error
		from           string
	}{
		{"GET /", "shop-dev-list", 200, nil, ""},
		{"POST /", "shop-dev-create", 502, fault.New("Unhandled", "no luck"), ""},
		{"GET /nothing", "shop-dev-list", 404, nil, "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8"},
	} {
		if err := model.Set(clock.Unix(int64(1_700_000_000+60*i), 0)); err != nil {
			t.Fatal(err)
		}
		c, _ := record.ParseXRay(req.from)
		ctx, top := r.Begin(record.With(context.Background(), c), record.Span{Kind: record.Server, Service: "apigateway", Name: req.name})
		_, fn := r.Begin(ctx, record.Span{Service: "lambda", Name: req.function, Resource: "arn:fn", Request: fmt.Sprint("invocation-", i)})
		fn.Note(record.LogStream, "s")
		fn.End(req.err)
		top.Answered(req.status)
		top.Requested(fmt.Sprint("request-", i))
		top.End(nil)
		traces = append(traces, record.From(ctx).Trace.String())
	}
	return &Server{Recorder: r}, traces
}

// get asks below traces.
func (s *Server) get(ctx context.Context, id, query string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, Prefix+"traces?"+query, nil)
	s.traces(w, r, id)
	return w
}

// A deployment is shown to who asks for it, and what it looked for and did not find is
// none of its errors, unless it failed. What is done aside is not shown at all.
func TestDeploymentsAreNotRequests(t *testing.T) {
	s, _ := tracing(t)
	deploy := func(err error) {
		ctx, top := s.Recorder.Begin(t.Context(), record.Span{Service: Service, Name: "deploy"})
		_, look := s.Recorder.Begin(ctx, record.Span{Kind: record.Server, Service: "sqs", Name: "GetQueueUrl"})
		look.End(fault.New("QueueDoesNotExist", "not yet"))
		top.End(err)
	}
	deploy(nil)
	deploy(fault.New("Failed", "rolled back"))
	_, aside := s.Recorder.Begin(record.Aside(t.Context()), record.Span{Kind: record.Server, Service: "lambda", Name: "ListFunctions"})
	aside.End(nil)
	list := func(query string) (out []string) {
		w := httptest.NewRecorder()
		s.traces(w, httptest.NewRequest(http.MethodGet, "/?"+query, nil), "")
		for l := range strings.Lines(w.Body.String()) {
			var sum TraceSummary
			if err := json.Unmarshal([]byte(l), &sum); err != nil {
				t.Fatal(err)
			}
			out = append(out, fmt.Sprintf("%s %s %d", sum.Service, sum.Name, sum.Errors))
		}
		return out
	}
	requests := []string{"apigateway GET /nothing 0", "apigateway POST / 2", "apigateway GET / 0"}
	for query, want := range map[string][]string{
		"":               requests,
		"all=1":          append([]string{"nube deploy 2", "nube deploy 0"}, requests...),
		"errors=1":       requests[1:2],
		"errors=1&all=1": {"nube deploy 2", requests[1]},
	} {
		if d := cmp.Diff(want, list(query)); d != "" {
			t.Errorf("%s (-want +got)\n%s", query, d)
		}
	}
}

func TestListTraces(t *testing.T) {
	s, _ := tracing(t)
	for _, test := range []struct{ query, want string }{
		{"", "GET /nothing 404 0/2, POST / 502 2/2, GET / 200 0/2"},
		{"limit=1", "GET /nothing 404 0/2"},
		{"function=list", "GET /nothing 404 0/2, GET / 200 0/2"},
		{"function=shop-dev-create", "POST / 502 2/2"},
		{"function=ist", ""},
		{"status=404", "GET /nothing 404 0/2"},
		{"status=4xx&function=list", "GET /nothing 404 0/2"},
		{"status=5xx&function=list", ""},
		{"errors=1", "POST / 502 2/2"},
		{"since=" + url.QueryEscape(time.Unix(1_700_000_060, 0).Format(time.RFC3339Nano)), "GET /nothing 404 0/2, POST / 502 2/2"},
		{"since=60s", "GET /nothing 404 0/2, POST / 502 2/2"}, // by the model's clock
		{"status=x", `{"message":"status is no status such as 404 or 5xx: x"}`},
		{"status=5432", `{"message":"status is no status such as 404 or 5xx: 5432"}`},
		{"since=noon", `{"message":"since is neither a time nor a duration such as 10m: noon"}`},
		{"limit=-1", `{"message":"limit is not a number: -1"}`},
	} {
		w := s.get(t.Context(), "", test.query)
		var got []string
		for line := range strings.Lines(w.Body.String()) {
			var sum TraceSummary
			if err := json.Unmarshal([]byte(line), &sum); err != nil || sum.Trace == "" {
				got = append(got, strings.TrimSpace(line))
				continue
			}
			got = append(got, fmt.Sprintf("%s %d %d/%d", sum.Name, sum.Status, sum.Errors, sum.Spans))
		}
		if d := cmp.Diff(test.want, strings.Join(got, ", ")); d != "" {
			t.Errorf("%s: %s", test.query, d)
		}
	}
}

func TestOneTrace(t *testing.T) {
	s, traces := tracing(t)
	xray := "1-" + traces[1][:8] + "-" + traces[1][8:]
	for _, id := range []string{traces[1], strings.ToUpper(traces[1]), xray, "Root=" + xray + ";Sampled=1", "00-" + traces[1] + "-53995c3f42cd8ad8-01", "request-1", "invocation-1"} {
		w := s.get(t.Context(), id, "")
		var report TraceReport
		if err := json.Unmarshal(w.Body.Bytes(), &report); err != nil || w.Code != 200 || report.Trace != traces[1] || report.XRay != xray || !report.Whole {
			t.Errorf("%s: %d %s", id, w.Code, w.Body)
			continue
		}
		top := report.Spans[0]
		if len(report.Spans) != 1 || top.Name != "POST /" || top.Status != 502 || top.Kind != "server" || len(top.Children) != 1 {
			t.Errorf("%s: %s", id, w.Body)
			continue
		}
		fn := top.Children[0]
		if fn.Parent != top.ID || fn.Error != "Unhandled" || fn.Details[1] != (Detail{record.Message, "no luck"}) {
			t.Errorf("%s: %s", id, w.Body)
		}
		if by := s.get(t.Context(), fn.ID, ""); by.Body.String() != w.Body.String() {
			t.Errorf("by its span: %s", by.Body)
		}
	}
	for _, id := range []string{"nothing", "5759e988bd862e3fe1be46a994272794", "53995c3f42cd8ad9"} {
		if w := s.get(t.Context(), id, ""); w.Code != 404 || !strings.Contains(w.Body.String(), id+" is recorded") {
			t.Errorf("%s: %d %s", id, w.Code, w.Body)
		}
	}
	w := httptest.NewRecorder()
	s.traces(w, httptest.NewRequest(http.MethodDelete, "/", nil), "")
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("DELETE: %d", w.Code)
	}
}

// Requests are told of as they end: what they are made of is not.
func TestFollowTraces(t *testing.T) {
	s, _ := tracing(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.traces(w, r, "") }))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"?follow=1&status=201", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for _, status := range []int{200, 201} {
		below, top := s.Recorder.Begin(context.Background(), record.Span{Kind: record.Server, Service: "apigateway", Name: "PUT /"})
		_, call := s.Recorder.Begin(below, record.Span{Kind: record.Server, Service: "dynamodb", Name: "PutItem"})
		call.End(nil)
		top.Answered(status)
		top.End(nil)
	}
	line, err := bufio.NewReader(resp.Body).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var sum TraceSummary
	if err := json.Unmarshal(line, &sum); err != nil || sum.Status != 201 || sum.Spans != 2 {
		t.Errorf("%s %v", line, err)
	}
}
