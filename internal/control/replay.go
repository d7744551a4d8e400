package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/record"
)

// Application is what can be given the same once more.
type Application interface {
	// Call calls a function, with its qualifier, as the account's root. The
	// function's own failure is no error.
	Call(ctx context.Context, fn arn.ARN, clientContext string, event []byte) (Called, error)
	// Handler is what answers on the AWS endpoint, or on the gateway.
	Handler(endpoint bool) http.Handler
	// Function returns the full name of a function from the one in its manifest.
	Function(ctx context.Context, name string) (string, error)
}

// Called is a function's answer.
type Called struct {
	Payload []byte
	Failed  bool // the payload describes the function's own error
	Version string
}

// Recorded is what a function or an API was given, and what it answered.
type Recorded struct {
	Trace    string    `json:"trace"`
	Request  string    `json:"request,omitempty"`
	Time     time.Time `json:"time"` // model time
	By       string    `json:"by,omitempty"`
	Function string    `json:"function,omitempty"` // ARN, as it was invoked; none of a request over HTTP
	// Context is the client's.
	Context json.RawMessage `json:"clientContext,omitempty"`
	Event   json.RawMessage `json:"event,omitempty"`
	HTTP    *HTTPRequest    `json:"http,omitempty"` // and then there is no event
	Answer  Answer          `json:"answer"`
}

// HTTPRequest is a request to the application.
type HTTPRequest struct {
	Method   string      `json:"method"`
	Path     string      `json:"path"` // with the query
	Host     string      `json:"host"`
	Endpoint bool        `json:"endpoint,omitempty"` // it was sent to the AWS endpoint
	Header   http.Header `json:"headers"`
	Body     string      `json:"body,omitempty"`
	Base64   bool        `json:"base64,omitempty"` // the body is binary, and Body its base64

	remote string
}

// Answer is what was answered: a payload or, over HTTP, the rest.
type Answer struct {
	Payload  json.RawMessage `json:"payload,omitempty"` // what is not JSON is a string of it
	Error    string          `json:"error,omitempty"`   // of the function, which the payload describes, or why it was not invoked
	Version  string          `json:"version,omitempty"` // of the function
	Status   int             `json:"status,omitempty"`
	Header   http.Header     `json:"headers,omitempty"`
	Body     string          `json:"body,omitempty"`
	Base64   bool            `json:"base64,omitempty"`
	Duration time.Duration   `json:"duration"` // nanoseconds
}

// ReplayRequest says what to give in place of what was recorded.
type ReplayRequest struct {
	Event json.RawMessage `json:"event,omitempty"`
	HTTP  *HTTPRequest    `json:"http,omitempty"`
}

// Replay is what came of giving the same, or an edited event, once more.
type Replay struct {
	Trace    string   `json:"trace"`    // of the replay
	Function string   `json:"function"` // that was called; none over HTTP
	Edited   bool     `json:"edited,omitempty"`
	Same     bool     `json:"same"` // the answer is the recorded one
	Answer   Answer   `json:"answer"`
	Recorded Recorded `json:"recorded"`
}

// replays answers GET and POST below replays: what is recorded under an id, and
// what the same gives now. The parameter function chooses one, or names another;
// invocation=1 asks for what a function got where an ID also means the request
// over HTTP that led to it.
func (s *Server) replays(w http.ResponseWriter, r *http.Request, id string, body []byte) {
	if id == "" || r.Method != http.MethodGet && r.Method != http.MethodPost {
		refuse(w, http.StatusNotFound, "A replay is GET or POST replays/ID.")
		return
	}
	var req ReplayRequest
	if len(body) > 0 {
		if err := json.Unmarshal(body, &req); err != nil {
			refuse(w, http.StatusBadRequest, "The request is not JSON: "+err.Error())
			return
		}
	}
	ctx := r.Context()
	q := r.URL.Query()
	function := q.Get("function")
	var x *record.Exchange
	var instead bool
	m, err := s.mean(ctx, s.region(q), id)
	if err == nil {
		x, instead, err = m.choose(function, q.Get("invocation") == "1")
	}
	var fn arn.ARN
	if err == nil {
		fn = arn.ARN(x.Function)
		if instead {
			fn, err = s.another(ctx, fn, function)
		}
	}
	var out any
	if err == nil {
		if r.Method == http.MethodGet {
			out = recordedOf(x)
		} else {
			out, err = s.replay(ctx, x, fn, req)
		}
	}
	var cannot *unreplayable
	switch {
	case errors.As(err, &cannot):
		refuse(w, cannot.status, cannot.message)
	case err != nil:
		refuse(w, http.StatusInternalServerError, text(err))
	default:
		answer(w, out)
	}
}

// another is the ARN of a function that has not got the event.
func (s *Server) another(ctx context.Context, fn arn.ARN, name string) (arn.ARN, error) {
	full, err := s.Application.Function(ctx, name)
	if err != nil {
		return "", &unreplayable{http.StatusNotFound, err.Error()}
	}
	return fn.Scope().Function(full), nil
}

// replay gives what was recorded, or what is given in its place, once more. The
// trace of it says of what it is a replay.
func (s *Server) replay(ctx context.Context, x *record.Exchange, fn arn.ARN, req ReplayRequest) (*Replay, error) {
	out := &Replay{Recorded: recordedOf(x), Function: string(fn)}
	ctx, hop := s.Recorder.Begin(ctx, record.Span{Kind: record.Server, Service: "nube", Name: "replay", Resource: string(fn)})
	hop.Note("replay of", x.Trace.XRay())
	out.Trace = record.From(ctx).Trace.String()
	began := s.machine.Now()
	var err error
	if x.HTTP != nil {
		err = s.requestAgain(ctx, x, req.HTTP, out)
	} else {
		err = s.callAgain(ctx, x, fn, req.Event, out)
	}
	out.Answer.Duration = s.machine.Since(began)
	hop.End(err)
	return out, err
}

func (s *Server) callAgain(ctx context.Context, x *record.Exchange, fn arn.ARN, edited json.RawMessage, out *Replay) error {
	event := x.Event
	if len(edited) > 0 {
		event, out.Edited = edited, !sameJSON(edited, x.Event)
	}
	got, err := s.Application.Call(ctx, fn, x.Context, event)
	if err != nil {
		return &unreplayable{http.StatusConflict, fmt.Sprintf("%s could not be invoked: %s", functionName(string(fn)), text(err))}
	}
	out.Answer.Payload, out.Answer.Version = jsonOf(got.Payload), got.Version
	if got.Failed {
		out.Answer.Error = errorType(got.Payload)
	}
	was := &out.Recorded.Answer
	out.Same = (was.Error != "") == got.Failed && sameJSON(x.Answer, got.Payload)
	return nil
}

// errorType is the type in the description of a function's error.
func errorType(payload []byte) string {
	var e struct {
		Type string `json:"errorType"`
	}
	_ = json.Unmarshal(payload, &e) // what is no description has no type
	return or(e.Type, "Unhandled")
}

func recordedOf(x *record.Exchange) Recorded {
	out := Recorded{
		Trace: x.Trace.String(), Request: x.Request, Time: x.Start.Time(), By: x.By, Function: x.Function,
		Answer: Answer{Version: x.Version, Error: x.Error, Duration: x.Duration},
	}
	if x.Context != "" {
		out.Context = jsonOf([]byte(x.Context))
	}
	h := x.HTTP
	if h == nil {
		out.Event, out.Answer.Payload = jsonOf(x.Event), jsonOf(x.Answer)
		return out
	}
	out.HTTP = &HTTPRequest{Method: h.Method, Path: h.URI, Host: h.Host, Endpoint: h.Endpoint, Header: h.Header, remote: h.Remote}
	out.HTTP.Body, out.HTTP.Base64 = textOf(x.Event)
	out.Answer.Status, out.Answer.Header = h.Status, h.Answer
	out.Answer.Body, out.Answer.Base64 = textOf(x.Answer)
	return out
}
