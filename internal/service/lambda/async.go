package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/runner"
)

// Asynchronous invocation: Lambda queues the event, tries a failed one twice
// more after one and two minutes, and one that was throttled for up to six
// hours.
//
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
const (
	defaultRetries = 2
	defaultAge     = 6 * time.Hour
	retryPause     = time.Minute // before the first retry; twice that before the second
	throttlePause  = time.Second
)

// kindInvoke marks the effects of this service's own events. Their payload is
// an envelope; those of others are the event itself.
const kindInvoke = "invoke"

// envelope is an event with where its outcome goes, as it was configured when
// the event came. It is a line of JSON, followed by the event.
type envelope struct {
	OnSuccess  string `json:",omitempty"`
	OnFailure  string `json:",omitempty"`
	DeadLetter string `json:",omitempty"`
	Role       string // of the function, which is who sends its outcomes
	event      []byte
}

func (e *envelope) encode() ([]byte, error) {
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("event: %w", err)
	}
	return append(append(b, '\n'), e.event...), nil
}

// sender is who sends the outcome of an event: the function, with its role.
func (e *envelope) sender(function string) delivery.ActorRef {
	role, fn := arn.ARN(e.Role), arn.ARN(function)
	name, _, _ := strings.Cut(fn.ResourceID(), ":")
	scope := arn.Scope{Partition: role.Partition(), Account: role.Account()}
	return delivery.ActorRef{Account: role.Account(), ARN: string(scope.AssumedRole(role.Name(), name))}
}

func openEnvelope(b []byte) (*envelope, error) {
	head, event, ok := bytes.Cut(b, []byte("\n"))
	e := &envelope{event: event}
	if err := json.Unmarshal(head, e); err != nil || !ok {
		return nil, errors.Join(errors.New("not an event's envelope"), err)
	}
	return e, nil
}

// enqueue accepts an event: when it returns, the event is on disk.
func (s *Service) enqueue(ctx context.Context, r ref, event []byte) error {
	t, err := s.target(ctx, r)
	if err != nil {
		return err
	}
	call, c := awsapi.From(ctx), cell(ctx)
	env := envelope{DeadLetter: t.config.DeadLetter, Role: t.config.Role, event: event}
	attempts, age := 1+defaultRetries, defaultAge
	if a := t.function.Async[r.asyncKey()]; a != nil {
		env.OnSuccess, env.OnFailure = a.OnSuccess, a.OnFailure
		if a.Attempts != nil {
			attempts = 1 + int(*a.Attempts)
		}
		if a.Age != nil {
			age = time.Duration(*a.Age) * time.Second
		}
	}
	payload, err := env.encode()
	if err != nil {
		return err
	}
	e := delivery.Effect{
		Cell: c, Target: string(r.arn(call.Scope)), ID: requestID(ctx), Kind: kindInvoke, Payload: payload, Cause: record.From(ctx), At: s.Clock.Now(),
		Actor:  delivery.ActorRef{Account: call.Actor.Account, ARN: string(call.Actor.Principal.ARN), Service: call.Actor.Principal.Service, UserID: call.Actor.UserID},
		Policy: delivery.Policy{MaxAttempts: attempts, MaxAge: age},
	}
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error { return s.Emit.Emit(tx, e) })
	return err
}

// Scheme implements [delivery.Receiver].
func (s *Service) Scheme() string { return "lambda" }

// Limits implements [delivery.Limiter]: events of one function run side by
// side, as many as it has concurrency for.
func (s *Service) Limits(string) delivery.Limits {
	return delivery.Limits{Batch: 1, InFlight: s.Concurrency}
}

// Accept implements [delivery.Accepter].
func (s *Service) Accept(ctx context.Context, es []delivery.Effect) []delivery.Outcome {
	out := make([]delivery.Outcome, len(es))
	for i := range es {
		out[i] = s.accept(ctx, &es[i])
	}
	return out
}

func (s *Service) accept(ctx context.Context, e *delivery.Effect) delivery.Outcome {
	scope, ok := functionARN(e.Target)
	if !ok {
		return delivery.Outcome{Err: fmt.Errorf("%s is no function", e.Target), Permanent: true}
	}
	ctx = awsapi.With(ctx, &awsapi.Call{ID: e.ID, Scope: scope, Actor: actor(e)})
	if e.Kind != kindInvoke {
		return s.acceptForeign(ctx, e)
	}
	env, err := openEnvelope(e.Payload)
	if err != nil {
		return delivery.Outcome{Err: err, Permanent: true}
	}
	r, err := parseRef(ctx, &e.Target, nil)
	if err != nil {
		return delivery.Outcome{Err: err, Permanent: true}
	}
	t, err := s.target(ctx, r)
	if err != nil {
		return s.outcome(err)
	}
	if t.function.Reserved != nil && *t.function.Reserved == 0 {
		// Lambda does not try events of a function that is switched off.
		return delivery.Outcome{Err: throttled(true), Permanent: true}
	}
	res, err := s.run(ctx, t, runner.Invocation{RequestID: e.ID, ARN: arn.ARN(e.Target), Payload: env.event})
	switch {
	case err != nil:
		return s.outcome(err)
	case res.Fault != nil:
		return delivery.Outcome{Err: fault.New(res.Fault.Type, "%s", res.Payload), After: time.Duration(e.Attempt) * retryPause}
	case env.OnSuccess == "":
		return delivery.Outcome{}
	}
	then, err := s.toDestination(e, env.OnSuccess, t.config.Version, env, "Success", &res)
	if err != nil {
		return delivery.Outcome{Err: err, Permanent: true}
	}
	return delivery.Outcome{Then: []delivery.Effect{then}}
}

// acceptForeign takes another service's effect, as Lambda takes the events of S3
// or SNS: the call is judged for that service, by the function's resource
// policy, and from then on the event is Lambda's own, with its retries and
// destinations.
func (s *Service) acceptForeign(ctx context.Context, e *delivery.Effect) delivery.Outcome {
	if err := s.Enqueue(ctx, arn.ARN(e.Target), e.Payload); err != nil {
		return s.outcome(err)
	}
	return delivery.Outcome{}
}

// actor rebuilds who acts from an effect.
func actor(e *delivery.Effect) awsapi.Actor {
	return awsapi.Actor{
		Account: e.Actor.Account, UserID: e.Actor.UserID, SourceARN: arn.ARN(e.SourceARN),
		Principal: policy.Principal{ARN: arn.ARN(e.Actor.ARN), Service: e.Actor.Service},
	}
}

// outcome says what an error means for an event: throttling is waited for,
// and what Lambda refuses for good is.
func (s *Service) outcome(err error) delivery.Outcome {
	e, ok := fault.As(err)
	switch {
	case ok && e.Code == "TooManyRequestsException":
		return delivery.Outcome{Err: err, Throttled: true, After: throttlePause}
	case ok:
		return delivery.Outcome{Err: err, Permanent: true}
	}
	return delivery.Outcome{Err: err}
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
	condition := "RetriesExhausted"
	switch {
	case why == delivery.TooOld:
		condition = "EventAgeExceeded"
	case fault.Is(o.Err, "TooManyRequestsException"):
		condition = "ZeroReservedConcurrency"
	}
	var out []delivery.Effect
	if env.OnFailure != "" {
		var res *runner.Result
		if f, ok := fault.As(o.Err); ok && json.Valid([]byte(f.Message)) {
			res = &runner.Result{Payload: []byte(f.Message), Fault: &runner.Fault{Type: f.Code}}
		}
		if d, err := s.toDestination(&e, env.OnFailure, latest, env, condition, res); err == nil {
			out = append(out, d)
		}
	}
	if env.DeadLetter != "" {
		out = append(out, delivery.Effect{
			Cell: e.Cell, Target: env.DeadLetter, Payload: env.event, Actor: env.sender(e.Target),
			SourceARN: e.Target, Cause: e.Cause, At: e.At,
		})
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

// toDestination makes the record of an invocation for its destination.
//
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
func (s *Service) toDestination(e *delivery.Effect, to, version string, env *envelope, condition string, res *runner.Result) (delivery.Effect, error) {
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
	doc := struct {
		Version   string           `json:"version"`
		Timestamp string           `json:"timestamp"`
		Request   requestContext   `json:"requestContext"`
		Payload   json.RawMessage  `json:"requestPayload"`
		Response  *responseContext `json:"responseContext,omitempty"`
		Answer    json.RawMessage  `json:"responsePayload,omitempty"`
	}{
		Version: "1.0", Timestamp: s.Clock.Now().Time().Format("2006-01-02T15:04:05.000Z"),
		Request: requestContext{e.ID, qualified(e.Target), condition, e.Attempt},
		Payload: env.event,
	}
	if res != nil {
		doc.Response = &responseContext{Status: 200, Version: version}
		if res.Fault != nil {
			doc.Response.Error = ptr("Unhandled")
		}
		doc.Answer = json.RawMessage(res.Payload)
		if !json.Valid(res.Payload) {
			quoted, err := json.Marshal(string(res.Payload))
			if err != nil {
				return delivery.Effect{}, err
			}
			doc.Answer = quoted
		}
	}
	b, err := json.Marshal(doc)
	if err != nil {
		return delivery.Effect{}, fmt.Errorf("record for %s: %w", to, err)
	}
	return delivery.Effect{
		Cell: e.Cell, Target: to, Payload: b, Actor: env.sender(e.Target),
		SourceARN: e.Target, Cause: e.Cause, At: s.Clock.Now(), Policy: delivery.Policy{MaxAttempts: 3, MaxAge: defaultAge},
	}, nil
}

// qualified is how records name the function.
func qualified(target string) string {
	a := arn.ARN(target)
	if !strings.Contains(a.ResourceID(), ":") {
		return target + ":" + latest
	}
	return target
}

var _ interface {
	delivery.Accepter
	delivery.Limiter
	delivery.Exhausted
} = (*Service)(nil)
