package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk"
	"github.com/nube-run/nube/internal/record"
)

// again is an application that says what it was given.
type again struct {
	payload string // of functions; "" is the event
	failed  bool
	err     error
	breaks  bool // the connection
}

func (a *again) Call(_ context.Context, fn arn.ARN, client string, event []byte) (Called, error) {
	if a.payload != "" {
		event = []byte(a.payload)
	}
	return Called{Payload: event, Failed: a.failed, Version: fn.ResourceID() + client}, a.err
}

func (a *again) Handler(endpoint bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.breaks {
			panic(http.ErrAbortHandler)
		}
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Date", "another")
		w.Header().Set("X-Was", r.Header.Get("X-Was"))
		fmt.Fprintf(w, "%s %s %s from %s, %d of %s bytes, trace %q, endpoint %v: %s", r.Method, r.Host, r.RequestURI, r.RemoteAddr,
			r.ContentLength, r.Header.Get("Content-Length"), r.Header.Get(record.XRayHeader), endpoint, body)
	})
}

func (a *again) Function(_ context.Context, name string) (string, error) {
	if name == "other" {
		return "app-dev-other", nil
	}
	return "", errors.New("there is no function " + name)
}

// asked is what the application of the test answers to the request that it has
// had.
const asked = `PUT localhost:3000 /users/a%2Fb?x=1 from 10.0.0.9:7, 7 of 7 bytes, trace "", endpoint false: {"a":1}`

// replayer is a server that has recorded a request that a function has answered,
// an event that was tried twice, and a message that two functions got.
func replayer(t *testing.T, app *again) (s *Server, ids map[string]string) {
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
	ids = map[string]string{}
	fn := func(name string) string { return "arn:aws:lambda:us-east-1:000000000000:function:app-dev-" + name }
	called := func(ctx context.Context, request, function, event, answer, failure string) {
		ctx, hop := r.Begin(ctx, record.Span{Service: "lambda", Name: function, Request: request})
		hop.Note(record.LogStream, "s")
		hop.End(nil)
		hop.Exchanged(record.Exchange{Function: fn(function), Version: "$LATEST", Event: []byte(event), Answer: []byte(answer), Error: failure})
		ids[request], ids["span of "+request] = record.From(ctx).Trace.String(), record.From(ctx).Span.String()
	}
	ctx, hop := r.Begin(t.Context(), record.Span{Kind: record.Server, Service: "apigateway", Name: "PUT /users"})
	called(ctx, "request-1", "api", `{"path":"/users"}`, `{"statusCode":200}`, "")
	called(ctx, "other", "late", `1`, `2`, "")
	hop.Requested("request-1")
	hop.End(nil)
	hop.Exchanged(record.Exchange{Event: []byte(`{"a":1}`), Answer: []byte(asked), HTTP: &record.HTTPExchange{
		Method: "PUT", Host: "localhost:3000", URI: "/users/a%2Fb?x=1", Remote: "10.0.0.9:7", Status: 200,
		Header: http.Header{"Content-Length": {"7"}, "X-Was": {"there"}, record.XRayHeader: {"Root=1-5759e988-bd862e3fe1be46a994272793"}},
		Answer: http.Header{"X-Was": {"there"}, "Date": {"then"}},
	}})
	called(t.Context(), "event-1", "worker", `{"n":1}`, `{"errorType":"Broken"}`, "Broken")
	called(t.Context(), "event-1", "worker", `{"n":2}`, `{"n":2}`, "")
	for _, f := range []string{"one", "two"} {
		called(t.Context(), "invocation-"+f, f, `{"Records":[{"Sns":{"MessageId":"message-1","Message":"mentions message-2"}}]}`, `null`, "")
	}
	called(t.Context(), "invocation-3", "one", `{"Records":[{"eventID":"record-1"},{"eventID":"record-2"}]}`, `null`, "")
	// A trace that goes on in that of another's batch.
	alone, cause := r.Begin(t.Context(), record.Span{Service: "dynamodb", Name: "PutItem"})
	cause.End(nil)
	first, before := r.Begin(t.Context(), record.Span{Service: "dynamodb", Name: "PutItem"})
	before.End(nil)
	joined, hop := r.Join(t.Context(), record.Span{Service: "lambda", Name: "batch"}, []record.Cause{record.From(first), record.From(alone)})
	called(joined, "batch-1", "follower", `"batch"`, `"batch"`, "")
	hop.End(nil)
	ids["alone"] = record.From(alone).Trace.String()
	// A mail that a function has sent, and one that came of it.
	sending, hop := r.Begin(t.Context(), record.Span{Service: "lambda", Name: "mailer"})
	_, send := r.Begin(sending, record.Span{Service: "ses", Name: "SendEmail"})
	send.End(nil)
	hop.End(nil)
	hop.Exchanged(record.Exchange{Function: fn("mailer"), Event: []byte(`"mail"`), Answer: []byte(`"mail"`)})
	mailed, now := record.From(sending).Trace.String(), model.Now().Time()
	ids["mailed"] = mailed
	box := letters{all: map[string]Mail{"mail-1": {Trace: mailed, Time: now}, "mail-2": {From: "sns", Trace: mailed, Time: now.Add(-1)}}}
	return &Server{Recorder: r, Region: func() string { return "" }, Application: app, Mailbox: box}, ids
}

// letters is a mailbox of which one letter at a time is read.
type letters struct {
	Mailbox
	all map[string]Mail
}

func (l letters) Mail(_ context.Context, _, _, id string) (Letter, error) {
	m, ok := l.all[id]
	if !ok {
		return Letter{}, ErrNoMail
	}
	return Letter{Mail: m}, nil
}

// again asks for a replay.
func (s *Server) again(t *testing.T, method, id, query, body string) (r Replay, code int, text string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.replays(w, httptest.NewRequestWithContext(t.Context(), method, Prefix+"replays/x?"+query, nil), id, []byte(body))
	if w.Code == 200 {
		if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
	}
	return r, w.Code, strings.TrimSpace(w.Body.String())
}

func TestReplayedInvocations(t *testing.T) {
	s, ids := replayer(t, &again{})
	for _, test := range []struct{ id, query, function, event string }{
		{"request-1", "function=api", "api", `{"path":"/users"}`},
		{"request-1", "invocation=1", "api", `{"path":"/users"}`},
		{ids["request-1"], "invocation=1", "api", `{"path":"/users"}`},
		{ids["request-1"], "function=late", "late", `1`},
		{"event-1", "", "worker", `{"n":2}`}, // the last attempt
		{ids["span of event-1"], "", "worker", `{"n":2}`},
		{"message-1", "function=two", "two", ""},
		{"message-1", "function=app-dev-one", "one", ""},
		{"record-2", "", "one", ""},
		{ids["invocation-3"], "", "one", ""},
		{ids["alone"], "", "follower", `"batch"`},
		{"mail-1", "", "mailer", `"mail"`},
		{"event-1", "function=other", "other", `{"n":2}`}, // another than had it
	} {
		r, code, text := s.again(t, "POST", test.id, test.query, "")
		if code != 200 || functionName(r.Function) != "app-dev-"+test.function || test.event != "" && string(r.Answer.Payload) != test.event {
			t.Errorf("%s %s: %d %s", test.id, test.query, code, text)
			continue
		}
		if r.Trace == r.Recorded.Trace || r.Edited {
			t.Errorf("%s: replayed in %s, edited %v", test.id, r.Trace, r.Edited)
		}
		// The replay's own trace says of what it is one.
		tree, _, _ := s.Recorder.Traces.Tree(t.Context(), mustTrace(t, r.Trace))
		was := mustTrace(t, r.Recorded.Trace)
		if len(tree) != 1 || tree[0].Attr("replay of") != was.XRay() {
			t.Errorf("%s: its trace is %+v", test.id, tree)
		}
	}
	for _, test := range []struct {
		id, query string
		code      int
		want      string
	}{
		{"nothing", "", 404, "No trace, request, event or mail nothing is recorded"},
		{"message-2", "", 404, "message-2 is recorded"}, // a text mentions it
		{"1-5759e988-bd862e3fe1be46a994272793", "", 404, "is recorded"},
		{"message-1", "", 409, "2 functions got message-1: app-dev-one, app-dev-two; --function chooses one"},
		{"event-1", "function=nobody", 404, "there is no function nobody"},
		{"mail-2", "", 409, "was not sent by a function whose event is recorded, but by sns; `nube replay " + ids["mailed"]},
		{"", "", 404, "replays/ID"},
	} {
		if _, code, text := s.again(t, "POST", test.id, test.query, ""); code != test.code || !strings.Contains(text, test.want) {
			t.Errorf("%s %s: %d %s", test.id, test.query, code, text)
		}
	}
}

func TestReplayTellsTheSame(t *testing.T) {
	for _, test := range []struct {
		app    again
		edited string
		same   bool
		error  string
	}{
		{again{}, "", true, ""},
		{again{payload: " {\n\"n\": 2 } "}, "", true, ""},
		{again{payload: `{"n":2.0}`}, "", false, ""},
		{again{payload: `{"n":2}`, failed: true}, "", false, "Unhandled"},
		{again{payload: `{"errorType":"New","n":2}`, failed: true}, "", false, "New"},
		{again{}, `{"n":3}`, false, ""},
		{again{payload: `{"n":2}`}, `{"n":3}`, true, ""},
	} {
		s, _ := replayer(t, &test.app)
		body := ""
		if test.edited != "" {
			body = `{"event":` + test.edited + `}`
		}
		r, code, text := s.again(t, "POST", "event-1", "", body)
		if code != 200 || r.Same != test.same || r.Answer.Error != test.error || r.Edited != (test.edited != "") {
			t.Errorf("%+v: %d %s", test, code, text)
		}
	}
	s, _ := replayer(t, &again{err: errors.New("Function not found")})
	if _, code, text := s.again(t, "POST", "event-1", "", ""); code != 409 || !strings.Contains(text, "app-dev-worker could not be invoked: Function not found") {
		t.Errorf("%d %s", code, text)
	}
	if _, code, _ := s.again(t, "POST", "event-1", "", "{"); code != 400 {
		t.Errorf("what is no JSON: %d", code)
	}
}

func TestReplayedRequest(t *testing.T) {
	app := &again{}
	s, ids := replayer(t, app)
	for _, id := range []string{"request-1", ids["request-1"], strings.ToUpper(ids["request-1"])} {
		r, code, text := s.again(t, "POST", id, "", "")
		if code != 200 || r.Answer.Status != 200 || r.Answer.Body != asked || !r.Same || r.Function != "" {
			t.Errorf("%s: %d %s", id, code, text)
		}
	}
	var x Recorded
	w := httptest.NewRecorder()
	s.replays(w, httptest.NewRequest("GET", Prefix+"replays/x", nil), "request-1", nil)
	if err := json.Unmarshal(w.Body.Bytes(), &x); err != nil || x.HTTP == nil || x.HTTP.Body != `{"a":1}` || x.Event != nil {
		t.Fatalf("%s", w.Body)
	}
	x.HTTP.Path, x.HTTP.Body, x.HTTP.Base64 = "/new", "//79", true
	body, err := json.Marshal(ReplayRequest{HTTP: x.HTTP})
	if err != nil {
		t.Fatal(err)
	}
	r, code, text := s.again(t, "POST", "request-1", "", string(body))
	if code != 200 || r.Same || !r.Edited || !strings.HasPrefix(r.Answer.Body, "UFVUIGxvY2FsaG9zdDozMDAwIC9uZXcgZnJvbSAxMC4wLjAuOTo3LCAzIG9mIDMgYnl0ZXM") {
		t.Errorf("edited: %d %s", code, text)
	}
	if _, code, text := s.again(t, "POST", "request-1", "", `{"http":{"method":"PUT","body":"%","base64":true}}`); code != 400 || !strings.Contains(text, "not base64") {
		t.Errorf("bad base64: %d %s", code, text)
	}
	app.breaks = true
	if r, _, text := s.again(t, "POST", "request-1", "", ""); r.Same || r.Answer.Error != "the connection was broken" {
		t.Error(text)
	}
}

func TestHasEvent(t *testing.T) {
	for event, want := range map[string]bool{
		`{"id":"x","detail":{}}`:                                true,
		`{"Records":[{"eventID":"y"},{"eventID":"x"}]}`:         true,
		`{"Records":[{"messageId":"x","body":""}]}`:             true,
		`{"Records":[{"Sns":{"MessageId":"x"}}]}`:               true,
		`{"Records":[{"ses":{"mail":{"messageId":"x"}}}]}`:      true,
		`{"Records":[{"body":"x"}]}`:                            false,
		`{"detail":{"id":"x"}}`:                                 false,
		`"x"`:                                                   false,
		`{"Records":["x"]}`:                                     false,
		`{"Records":[{"Sns":{"MessageId":"y","Subject":"x"}}]}`: false,
	} {
		if got := hasEvent([]byte(event), "x"); got != want {
			t.Errorf("%s: %v", event, got)
		}
	}
}

func mustTrace(t *testing.T, id string) record.TraceID {
	t.Helper()
	trace, err := record.ParseTraceID(id)
	if err != nil {
		t.Fatal(err)
	}
	return trace
}
