package lambda

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/runner"
)

// What follows when an event is done or given up.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html

// The conditions under which a record is sent.
const (
	conditionSuccess   = "Success"
	conditionExhausted = "RetriesExhausted"
	conditionTooOld    = "EventAgeExceeded"
	conditionOff       = "ZeroReservedConcurrency"
)

// answered is a function's answer to an event; one that failed is the error of
// the event's outcome.
type answered struct {
	res     runner.Result
	version string
}

// shortError bounds what an event remembers of its last failure: less than
// delivery keeps.
const shortError = 900

// Error is the function's error, as JSON that [lastFailure] reads: without the
// stack trace, or with less of the message, if it is too long to be kept.
func (f *answered) Error() string {
	var e struct {
		Message string   `json:"errorMessage"`
		Type    string   `json:"errorType,omitempty"`
		Request string   `json:"requestId,omitempty"`
		Trace   []string `json:"trace,omitempty"`
	}
	text := f.version + " " + string(f.res.Payload)
	if len(text) <= shortError && json.Valid(f.res.Payload) {
		return text
	}
	if json.Unmarshal(f.res.Payload, &e) != nil {
		e.Message, e.Type = string(f.res.Payload), f.res.Fault.Type
	}
	e.Trace = nil
	for {
		b, err := json.Marshal(&e)
		if err != nil {
			return f.version + " null"
		}
		if text = f.version + " " + string(b); len(text) <= shortError {
			return text
		}
		e.Message = strings.ToValidUTF8(e.Message[:len(e.Message)*2/3], "")
		if e.Message == "" {
			e.Type, e.Request = "", ""
		}
	}
}

// lastFailure reads what an event remembers of its last failure; nil if that
// was none of its function's.
func lastFailure(text string) *answered {
	version, payload, ok := strings.Cut(text, " ")
	if !ok || version != latest && !isVersion(version) || !json.Valid([]byte(payload)) {
		return nil
	}
	return &answered{runner.Result{Payload: []byte(payload), Fault: &runner.Fault{Type: "Unhandled"}}, version}
}

// Exhausted implements [delivery.Exhausted]: an event that is given up goes to
// the destination for failures and to the dead-letter target, if the function
// has them.
func (s *Service) Exhausted(e delivery.Effect, o delivery.Outcome, why delivery.Reason) []delivery.Effect {
	if e.Kind != kindInvoke {
		return notTaken(&e)
	}
	env, err := openEnvelope(e.Payload)
	if err != nil {
		return nil
	}
	condition := conditionExhausted
	var last *answered
	switch {
	case why == delivery.TooOld:
		condition, last = conditionTooOld, lastFailure(e.LastError)
	case fault.Is(o.Err, "TooManyRequestsException"):
		condition = conditionOff
	default:
		errors.As(o.Err, &last)
	}
	var out []delivery.Effect
	if env.OnFailure != "" {
		if d, err := s.toDestination(&e, env.OnFailure, env, condition, last); err == nil {
			out = append(out, d)
		}
	}
	if env.DeadLetter != "" {
		if d, err := deadLetter(&e, env, o.Err, last); err == nil {
			out = append(out, d)
		}
	}
	return out
}

// notTaken is what follows when Lambda does not take another service's event:
// that service's own dead letter.
func notTaken(e *delivery.Effect) []delivery.Effect {
	if e.Policy.DeadLetter == "" {
		return nil
	}
	return []delivery.Effect{{
		Cell: e.Cell, Target: e.Policy.DeadLetter, Kind: e.Kind, Payload: e.Payload, Actor: e.Actor, SourceARN: e.SourceARN, Cause: e.Cause, At: e.At,
	}}
}

// maxErrorMessage is how much of an error's message a dead letter has.
const maxErrorMessage = 1 << 10

// deadLetter makes the dead letter of an event: the event, with attributes that
// say why. Queues and topics take the same.
//
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-dlq
func deadLetter(e *delivery.Effect, env *envelope, why error, last *answered) (delivery.Effect, error) {
	code, message := "200", ""
	f, isFault := fault.As(why)
	switch {
	case last != nil:
		message = last.message()
	case isFault:
		if f.Status != 0 {
			code = fmt.Sprint(f.Status)
		}
		message = f.Message
	case why != nil:
		code, message = "500", why.Error()
	}
	if len(message) > maxErrorMessage {
		message = strings.ToValidUTF8(message[:maxErrorMessage], "")
	}
	m := delivery.Message{Attributes: map[string]delivery.MessageAttribute{
		"RequestID": {Type: "String", Text: e.ID},
		"ErrorCode": {Type: "Number", Text: code},
	}}
	if message != "" { // an attribute is not empty
		m.Attributes["ErrorMessage"] = delivery.MessageAttribute{Type: "String", Text: message}
	}
	head, err := m.Head()
	if err != nil {
		return delivery.Effect{}, err
	}
	return delivery.Effect{
		Cell: e.Cell, Target: env.DeadLetter, Kind: delivery.KindMessage, Head: head, Payload: env.event, Actor: env.sender(e.Target),
		SourceARN: e.Target, Cause: e.Cause, At: e.At,
	}, nil
}

// message is what the function said of its failure.
func (f *answered) message() string {
	var e struct {
		Message *string `json:"errorMessage"`
	}
	if json.Unmarshal(f.res.Payload, &e) == nil && e.Message != nil {
		return *e.Message
	}
	return string(f.res.Payload)
}

// toDestination makes the record of an event for its destination: of a success,
// or with the function's last failure if it had one.
//
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-async-destinations
func (s *Service) toDestination(e *delivery.Effect, to string, env *envelope, condition string, last *answered) (delivery.Effect, error) {
	type requestContext struct {
		RequestID string `json:"requestId"`
		Function  string `json:"functionArn"`
		Condition string `json:"condition"`
		Count     int    `json:"approximateInvokeCount"`
	}
	type responseContext struct {
		Status  int     `json:"statusCode"`
		Version string  `json:"executedVersion"`
		Error   *string `json:"functionError,omitempty"`
	}
	now := s.Clock.Now()
	doc := struct {
		Version   string           `json:"version"`
		Timestamp string           `json:"timestamp"`
		Request   requestContext   `json:"requestContext"`
		Payload   json.RawMessage  `json:"requestPayload"`
		Response  *responseContext `json:"responseContext,omitempty"`
		Answer    json.RawMessage  `json:"responsePayload,omitempty"`
	}{
		Version: "1.0", Timestamp: now.Time().Format("2006-01-02T15:04:05.000Z"),
		Request: requestContext{e.ID, qualified(e.Target), condition, e.Attempt},
		Payload: env.event,
	}
	if last != nil {
		doc.Response = &responseContext{Status: 200, Version: last.version}
		if last.res.Fault != nil {
			doc.Response.Error = ptr("Unhandled")
		}
		doc.Answer = json.RawMessage(last.res.Payload)
		if !json.Valid(last.res.Payload) {
			quoted, err := json.Marshal(string(last.res.Payload))
			if err != nil {
				return delivery.Effect{}, fmt.Errorf("record for %s: %w", to, err)
			}
			doc.Answer = quoted
		}
	}
	b, err := json.Marshal(doc)
	if err != nil {
		return delivery.Effect{}, fmt.Errorf("record for %s: %w", to, err)
	}
	if delivery.Scheme(to) == "events" {
		if b, err = busEntry(b, doc.Request.Function, to, condition); err != nil {
			return delivery.Effect{}, fmt.Errorf("record for %s: %w", to, err)
		}
	}
	return delivery.Effect{
		Cell: e.Cell, Target: to, Payload: b, Actor: env.sender(e.Target),
		SourceARN: e.Target, Cause: e.Cause, At: now, Policy: delivery.Policy{MaxAge: defaultAge},
	}, nil
}

// busEntry makes an entry of PutEvents of a record: on a bus the record is the
// detail of an event.
func busEntry(record []byte, function, bus, condition string) ([]byte, error) {
	kind := "Lambda Function Invocation Result - Failure"
	if condition == conditionSuccess {
		kind = "Lambda Function Invocation Result - Success"
	}
	return json.Marshal(struct {
		Source, DetailType, Detail, EventBusName string
		Resources                                []string
	}{"lambda", kind, string(record), bus, []string{bus, function}})
}

// qualified is how records name the function.
func qualified(target string) string {
	if !strings.Contains(arn.ARN(target).ResourceID(), ":") {
		return target + ":" + latest
	}
	return target
}
