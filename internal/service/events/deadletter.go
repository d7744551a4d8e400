package events

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
)

// deadScheme is that of dead-letter queues for what targets did not get.
const deadScheme = "events-dead"

// deadLetters makes the dead letters of all targets: what the target was to get,
// with attributes that say why it did not.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
type deadLetters struct{ s *Service }

// Scheme implements [delivery.Receiver].
func (deadLetters) Scheme() string { return deadScheme }

// Accept implements [delivery.Accepter]; nothing is ever sent here.
func (deadLetters) Accept(_ context.Context, es []delivery.Effect) []delivery.Outcome {
	out := make([]delivery.Outcome, len(es))
	for i := range out {
		out[i] = delivery.Outcome{Err: errors.New("events: a dead letter goes to its queue"), Permanent: true}
	}
	return out
}

// maxErrorMessage is how much of an error's message a dead letter has.
const maxErrorMessage = 1 << 10

// Bury implements [delivery.Undertaker].
func (d deadLetters) Bury(e delivery.Effect, o delivery.Outcome, why delivery.Reason) []delivery.Effect {
	_, queue, _ := strings.Cut(e.Policy.DeadLetter, ":")
	if !d.s.Emit.Delivers(queue) {
		return nil // there was such a service when the target was put
	}
	target, body := e.Target, e.Payload
	for _, scheme := range []string{logsScheme, httpScheme, archiveScheme} {
		target = strings.TrimPrefix(target, scheme+":")
	}
	if target != e.Target || e.Kind == delivery.KindMessage {
		var head map[string]any
		if rest, err := cutHead(body, &head); err == nil {
			body = rest
		}
	}
	code, message := errorOf(e, o, why)
	attributes := map[string]delivery.MessageAttribute{
		"RULE_ARN": text(e.SourceARN), "TARGET_ARN": text(target), "ERROR_CODE": text(code), "ERROR_MESSAGE": text(message),
		"RETRY_ATTEMPTS": {Type: "Number", Text: strconv.Itoa(max(0, e.Attempt-1))},
	}
	switch why {
	case delivery.OutOfRetries:
		attributes["EXHAUSTED_RETRY_CONDITION"] = text("MaximumRetryAttempts")
	case delivery.TooOld:
		attributes["EXHAUSTED_RETRY_CONDITION"] = text("MaximumEventAgeInSeconds")
	}
	m := delivery.Message{Attributes: attributes}
	line, err := m.Head()
	if err != nil {
		return nil
	}
	return []delivery.Effect{{
		Cell: e.Cell, Target: queue, Kind: delivery.KindMessage, Head: line, Payload: body, SourceARN: e.SourceARN, Cause: e.Cause, At: e.At,
		Actor: delivery.ActorRef{Account: e.Cell.Account, Service: principal},
	}}
}

func text(s string) delivery.MessageAttribute {
	if s == "" {
		s = "unknown"
	}
	return delivery.MessageAttribute{Type: "String", Text: strings.ToValidUTF8(s[:min(len(s), maxErrorMessage)], "")}
}

// errorOf is the error that a dead letter names, as EventBridge calls it.
func errorOf(e delivery.Effect, o delivery.Outcome, why delivery.Reason) (code, message string) {
	if why == delivery.TooOld || o.Err == nil {
		return "SDK_CLIENT_ERROR", e.LastError
	}
	f, ok := fault.As(o.Err)
	if !ok {
		return "SDK_CLIENT_ERROR", o.Err.Error()
	}
	switch {
	case strings.Contains(f.Code, "AccessDenied") || strings.Contains(f.Code, "AuthorizationError"):
		return "NO_PERMISSIONS", f.Message
	case strings.Contains(f.Code, "NotFound") || strings.Contains(f.Code, "NonExistent") || strings.Contains(f.Code, "DoesNotExist"):
		return "NO_RESOURCE", f.Message
	case strings.Contains(f.Code, "Throttl") || f.Code == "TooManyRequestsException":
		return "THROTTLING", f.Message
	}
	return f.Code, f.Message
}

var _ interface {
	delivery.Accepter
	delivery.Undertaker
} = deadLetters{}
