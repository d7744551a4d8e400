package control

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/record"
)

// TraceQuery says which requests are wanted; its zero value means the latest.
type TraceQuery struct {
	Function string    // that took part, by its name or the end of it
	Status   string    // of the answer: 404, or 4xx for any that begins so
	Errors   bool      // only those in which something failed
	All      bool      // deployments too
	Since    time.Time // model time
	Limit    int       // at most so many; 20 where it is not said
}

// TraceSummary is one request and what became of it.
type TraceSummary struct {
	Trace    string        `json:"trace"`
	Time     time.Time     `json:"time"` // model time
	Service  string        `json:"service"`
	Name     string        `json:"name"`
	Status   int           `json:"status,omitempty"`
	Duration time.Duration `json:"duration"` // of the request; nanoseconds
	Error    string        `json:"error,omitempty"`
	Errors   int           `json:"errors"` // spans that failed
	Spans    int           `json:"spans"`
	Request  string        `json:"request,omitempty"`
	By       string        `json:"by,omitempty"`
}

// TraceReport is what a request has caused.
type TraceReport struct {
	Trace string       `json:"trace"`
	XRay  string       `json:"xray"`
	Whole bool         `json:"whole"` // nothing was left out for being too much
	Spans []*TraceSpan `json:"spans"`
}

// TraceSpan is one hop and what it has caused.
type TraceSpan struct {
	ID          string        `json:"id"`
	Parent      string        `json:"parent,omitempty"`
	Trace       string        `json:"trace"`
	Linked      bool          `json:"linked,omitempty"`      // it is of another trace, and goes on from here
	Application bool          `json:"application,omitempty"` // the application reports it of itself
	Kind        string        `json:"kind"`
	Service     string        `json:"service"`
	Name        string        `json:"name"`
	Resource    string        `json:"resource,omitempty"`
	Request     string        `json:"request,omitempty"`
	By          string        `json:"by,omitempty"`
	Time        time.Time     `json:"time"`     // model time
	Began       time.Time     `json:"began"`    // machine time
	Duration    time.Duration `json:"duration"` // nanoseconds
	Status      int           `json:"status,omitempty"`
	In          int64         `json:"bytesIn,omitempty"`
	Out         int64         `json:"bytesOut,omitempty"`
	Error       string        `json:"error,omitempty"`
	Details     []Detail      `json:"details,omitempty"`
	Links       []TraceLink   `json:"links,omitempty"`
	Children    []*TraceSpan  `json:"children,omitempty"`
}

// Detail is one more thing that is known of a span.
type Detail struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// TraceLink names another span that a span continues.
type TraceLink struct {
	Trace string `json:"trace"`
	Span  string `json:"span"`
}

// traces answers for everything below traces: the list of requests, one tree,
// or requests as they end.
func (s *Server) traces(w http.ResponseWriter, r *http.Request, id string) {
	switch {
	case r.Method != http.MethodGet:
		refuse(w, http.StatusMethodNotAllowed, "Traces are read with GET, not "+r.Method)
	case id != "":
		s.trace(w, r, id)
	default:
		q, err := traceQuery(r.URL.Query(), s.Recorder.Now())
		if err != nil {
			refuse(w, http.StatusBadRequest, err.Error())
			return
		}
		s.listTraces(w, r, q)
	}
}

// sinceOf reads from when on something is wanted: a time (RFC 3339), or for how long
// until now.
func sinceOf(text string, now clock.Instant) (time.Time, error) {
	if ago, err := time.ParseDuration(text); err == nil {
		return now.Add(-ago).Time(), nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return t, errors.New("since is neither a time nor a duration such as 10m: " + text)
	}
	return t, nil
}

// traceQuery reads a query.
func traceQuery(v url.Values, now clock.Instant) (TraceQuery, error) {
	q := TraceQuery{Function: v.Get("function"), Status: strings.ToLower(v.Get("status")), Errors: v.Get("errors") == "1", All: v.Get("all") == "1", Limit: 20}
	if t := v.Get("since"); t != "" {
		var err error
		if q.Since, err = sinceOf(t, now); err != nil {
			return q, err
		}
	}
	if t := v.Get("limit"); t != "" {
		n, err := strconv.Atoi(t)
		if err != nil || n < 1 {
			return q, errors.New("limit is not a number: " + t)
		}
		q.Limit = n
	}
	if t := strings.TrimRight(q.Status, "x"); len(q.Status) > 3 || strings.Trim(t, "0123456789") != "" || q.Status != "" && t == "" {
		return q, errors.New("status is no status such as 404 or 5xx: " + q.Status)
	}
	return q, nil
}

// listTraces streams summaries, the newest first or, with follow=1, those to
// come.
func (s *Server) listTraces(w http.ResponseWriter, r *http.Request, q TraceQuery) {
	ctx := r.Context()
	w.Header().Set("Content-Type", "application/x-ndjson")
	lines := newLines(w)
	each := func(span *record.Span, err error) bool {
		if err == nil {
			var sum *TraceSummary
			if sum, err = s.summary(ctx, span.Trace, &q); err == nil {
				if sum == nil {
					return true
				}
				lines.write(sum)
				q.Limit--
				return q.Limit != 0
			}
		}
		if ctx.Err() == nil {
			lines.write(Problem{Message: text(err)})
		}
		return false
	}
	if r.URL.Query().Get("follow") == "1" {
		q.Limit = 0
		spans := s.Recorder.Traces.Follow(ctx)
		lines.flush() // what the client does from now on is followed
		for span, err := range spans {
			if err == nil && !first(&span) {
				continue
			}
			if !each(&span, err) {
				return
			}
		}
		return
	}
	recent := record.TraceQuery{Match: q.mayBe}
	if !q.Since.IsZero() {
		recent.From = clock.At(q.Since)
	}
	for span, err := range s.Recorder.Traces.Recent(ctx, recent) {
		if !each(&span, err) {
			return
		}
	}
}

// first reports whether a span is a request from outside, whose end is the end
// of what its caller sees. Callers may have spans of their own, which are not
// here.
func first(s *record.Span) bool {
	return s.Parent.IsZero() && !s.Foreign || s.Kind == record.Server && s.Status != 0 && !s.Foreign
}

// mayBe tells by one span whether its trace can be meant.
func (q *TraceQuery) mayBe(s *record.Span) bool {
	switch {
	case q.Function != "":
		return q.isFunction(s)
	case q.Status != "":
		return s.Status != 0 && q.isStatus(s.Status)
	case q.Errors:
		return failed(s)
	}
	return true
}

// isFunction reports whether a span is an invocation of the function.
func (q *TraceQuery) isFunction(s *record.Span) bool {
	return s.Attr(record.LogStream) != "" && (s.Name == q.Function || strings.HasSuffix(s.Name, "-"+q.Function))
}

func (q *TraceQuery) isStatus(status int) bool {
	return strings.HasPrefix(strconv.Itoa(status), strings.TrimRight(q.Status, "x"))
}

// isDeployment reports whether what a span begins is a deployment. What it looks for
// and does not find it makes, so that its errors are its own alone.
func isDeployment(root *record.Span) bool { return root.Service == Service && root.Name == "deploy" }

func failed(s *record.Span) bool { return s.Error != "" || s.Status >= 500 }

// summary sums a trace up; nil if it is not meant.
func (s *Server) summary(ctx context.Context, id record.TraceID, q *TraceQuery) (*TraceSummary, error) {
	spans, err := s.Recorder.Traces.Trace(ctx, id)
	if err != nil {
		return nil, err
	}
	known := make(map[record.SpanID]bool, len(spans))
	for i := range spans {
		known[spans[i].ID] = true
	}
	sum := &TraceSummary{Trace: id.String(), Spans: len(spans)}
	var root *record.Span
	function, status := q.Function == "", q.Status == ""
	for i := range spans {
		span := &spans[i]
		function = function || q.isFunction(span)
		status = status || span.Status != 0 && !span.Foreign && q.isStatus(span.Status)
		if failed(span) {
			sum.Errors++
		}
		// What an application reports of itself is the request only of a trace
		// that has nothing else.
		if top := !known[span.Parent]; top && (root == nil || root.Foreign && !span.Foreign) {
			root = span
		}
	}
	if root == nil || !function || !status {
		return nil, nil
	}
	if isDeployment(root) {
		if !q.All {
			return nil, nil
		}
		if root.Error == "" {
			sum.Errors = 0
		}
	}
	if q.Errors && sum.Errors == 0 {
		return nil, nil
	}
	sum.Time, sum.Service, sum.Name, sum.Status = root.Start.Time(), root.Service, root.Name, root.Status
	sum.Duration, sum.Error, sum.Request, sum.By = root.Duration, root.Error, root.Request, root.By
	return sum, nil
}

// trace answers with the tree of a trace, or of the request with an id.
func (s *Server) trace(w http.ResponseWriter, r *http.Request, name string) {
	id, err := s.findTrace(r.Context(), name)
	if err == nil && id.IsZero() {
		refuse(w, http.StatusNotFound, "No trace or request "+name+" is recorded. It may be too long ago.")
		return
	}
	var report TraceReport
	if err == nil {
		report, err = s.report(r.Context(), id)
	}
	switch {
	case err != nil:
		refuse(w, http.StatusInternalServerError, text(err))
	case len(report.Spans) == 0:
		refuse(w, http.StatusNotFound, "No trace "+name+" is recorded. It may be too long ago.")
	default:
		answer(w, report)
	}
}

// findTrace returns the trace that is meant by a trace id, in the form of
// X-Ray or of W3C or in a whole header, or by the id of a request or span; the
// zero one if there is none.
func (s *Server) findTrace(ctx context.Context, name string) (record.TraceID, error) {
	if id, err := record.ParseTraceID(strings.ToLower(name)); err == nil {
		return id, nil
	}
	if c, ok := record.ParseXRay(name); ok {
		return c.Trace, nil
	}
	if c, ok := record.ParseTraceparent(name); ok {
		return c.Trace, nil
	}
	span, err := record.ParseSpanID(name)
	match := func(x *record.Span) bool { return x.Request == name || err == nil && x.ID == span }
	for found, err := range s.Recorder.Traces.Recent(ctx, record.TraceQuery{Match: match}) {
		return found.Trace, err
	}
	return record.TraceID{}, nil
}

// report puts the tree of a trace together.
func (s *Server) report(ctx context.Context, id record.TraceID) (TraceReport, error) {
	nodes, whole, err := s.Recorder.Traces.Tree(ctx, id)
	if err != nil {
		return TraceReport{}, err
	}
	return TraceReport{Trace: id.String(), XRay: id.XRay(), Whole: whole, Spans: spansOf(nodes)}, nil
}

func spansOf(nodes []*record.Node) []*TraceSpan {
	out := make([]*TraceSpan, len(nodes))
	for i, n := range nodes {
		t := &TraceSpan{
			ID: n.ID.String(), Trace: n.Trace.String(), Linked: n.Linked, Application: n.Foreign, Kind: n.Kind.String(), Service: n.Service, Name: n.Name,
			Resource: n.Resource, Request: n.Request, By: n.By, Time: n.Start.Time(), Began: n.Began.UTC(), Duration: n.Duration,
			Status: n.Status, In: n.In, Out: n.Out, Error: n.Error,
		}
		if !n.Parent.IsZero() {
			t.Parent = n.Parent.String()
		}
		for _, a := range n.Attrs {
			t.Details = append(t.Details, Detail{a.Key, a.Value})
		}
		for _, l := range n.Links {
			t.Links = append(t.Links, TraceLink{l.Trace.String(), l.Span.String()})
		}
		if len(n.Children) > 0 {
			t.Children = spansOf(n.Children)
		}
		out[i] = t
	}
	slices.SortStableFunc(out, func(a, b *TraceSpan) int { return cmp.Compare(a.Began.UnixNano(), b.Began.UnixNano()) })
	return out
}
