package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/nube-run/nube/internal/control"
)

// fixture is what tests are given: an event as a function had it, and what it
// answered.
type fixture struct {
	Function string          `json:"function"`
	Event    json.RawMessage `json:"event"`
	Context  fixtureContext  `json:"context"`
	Answer   *fixtureAnswer  `json:"answer,omitempty"` // none to an event that was edited
}

type fixtureContext struct {
	Request  string          `json:"requestId"`
	Trace    string          `json:"traceId"`
	Function string          `json:"functionArn"`
	Version  string          `json:"version,omitempty"`
	Client   json.RawMessage `json:"clientContext,omitempty"`
	By       string          `json:"by,omitempty"`
	Time     string          `json:"time"`
}

type fixtureAnswer struct {
	Payload json.RawMessage `json:"payload"`
	Error   string          `json:"error,omitempty"` // its type; the payload describes it
}

// save writes a fixture.
func (r *replaying) save(ctx context.Context, file string, edited json.RawMessage) error {
	var x control.Recorded
	if err := r.call(ctx, http.MethodGet, nil, &x); err != nil {
		return err
	}
	f := fixture{
		Function: functionOf(x.Function), Event: x.Event,
		Context: fixtureContext{
			Request: x.Request, Trace: x.Trace, Function: x.Function, Version: x.Answer.Version, Client: x.Context, By: x.By,
			Time: x.Time.UTC().Format("2006-01-02T15:04:05.000Z"),
		},
	}
	if edited != nil {
		f.Event = edited
	} else {
		f.Answer = &fixtureAnswer{x.Answer.Payload, x.Answer.Error}
	}
	b, err := indented(f)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, b, 0o644); err != nil {
		return fmt.Errorf("--save: %w", err)
	}
	if r.output == "json" {
		return r.json(struct {
			File     string `json:"file"`
			Function string `json:"function"`
		}{file, f.Function})
	}
	r.note("an event of %s is in %s", f.Function, file)
	return nil
}

// readEvent reads a fixture, or a file that is an event and nothing else.
func readEvent(file, data string, sampled *sampleFlags) (f fixture, err error) {
	if data != "" || sampled.name != "" || sampled.list {
		return f, usage("the event is one of --data, --event and --sample")
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return f, usage("--event: %w", err)
	}
	if !json.Valid(b) {
		return f, usage("--event: %s is not JSON", file)
	}
	if json.Unmarshal(b, &f) != nil || f.Function == "" || f.Event == nil {
		return fixture{Event: b}, nil
	}
	return f, nil
}

// addContext says the client's context in the headers of an invocation.
func (f *fixture) addContext(h http.Header) {
	if f.Context.Client != nil {
		h.Set("X-Amz-Client-Context", base64.StdEncoding.EncodeToString(f.Context.Client))
	}
}

// functionOf is the name in a function's ARN, with its qualifier if it has one.
func functionOf(arn string) string {
	_, name, _ := strings.Cut(arn, ":function:")
	return name
}
