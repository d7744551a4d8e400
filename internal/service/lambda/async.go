package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/runner"
)

// Asynchronous invocation: Lambda queues the event, tries a failed one twice
// more after one and two minutes, and one that was throttled, or met an error of
// Lambda's own, with pauses that grow from a second to five minutes, as long as
// the event lives.
//
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
const (
	defaultRetries = 2
	defaultAge     = 6 * time.Hour
	retryPause     = time.Minute // before the first retry; twice that before the second
	firstThrottle  = time.Second
	lastThrottle   = 5 * time.Minute
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
	return delivery.ActorRef{Account: role.Account(), ARN: string(scope.AssumedRole(role.Name(), name)), Issuer: e.Role}
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
	e, err := s.event(ctx, r, event, record.From(ctx))
	if err != nil {
		return err
	}
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error { return s.Emit.Emit(tx, e) })
	return err
}

// event is the effect of an event for a function, which is as the function is
// configured now.
func (s *Service) event(ctx context.Context, r ref, event []byte, cause record.Cause) (delivery.Effect, error) {
	t, err := s.target(ctx, r)
	if err != nil {
		return delivery.Effect{}, err
	}
	call := awsapi.From(ctx)
	env := envelope{DeadLetter: t.config.DeadLetter, Role: t.config.Role, event: event}
	policy := delivery.Policy{MaxAttempts: 1 + defaultRetries, MaxAge: defaultAge, Backoff: firstThrottle, MaxBackoff: lastThrottle}
	if a := t.function.Async[r.asyncKey()]; a != nil {
		env.OnSuccess, env.OnFailure = a.OnSuccess, a.OnFailure
		if a.Attempts != nil {
			policy.MaxAttempts = 1 + int(*a.Attempts)
		}
		if a.Age != nil {
			policy.MaxAge = time.Duration(*a.Age) * time.Second
		}
	}
	payload, err := env.encode()
	if err != nil {
		return delivery.Effect{}, err
	}
	return delivery.Effect{
		Cell: cell(ctx), Target: string(r.arn(call.Scope)), ID: requestID(ctx), Kind: kindInvoke, Payload: payload, Cause: cause, At: s.Clock.Now(),
		Actor: delivery.ActorRef{
			Account: call.Actor.Account, ARN: string(call.Actor.Principal.ARN), Issuer: string(call.Actor.Principal.Issuer),
			Service: call.Actor.Principal.Service, UserID: call.Actor.UserID,
		},
		Policy: policy,
	}, nil
}

// Scheme implements [delivery.Receiver].
func (s *Service) Scheme() string { return "lambda" }

// Limits implements [delivery.Limiter]: events of one function run side by
// side, as many as it has concurrency for, and fail each for itself.
func (s *Service) Limits(string) delivery.Limits {
	return delivery.Limits{Batch: 1, InFlight: s.Concurrency, Apart: true}
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
		return delivery.Outcome{Err: &answered{res, t.config.Version}, After: time.Duration(e.Attempt) * retryPause}
	case env.OnSuccess == "":
		return delivery.Outcome{}
	}
	then, err := s.toDestination(e, env.OnSuccess, env, conditionSuccess, &answered{res, t.config.Version})
	if err != nil {
		return delivery.Outcome{Err: err, Permanent: true}
	}
	return delivery.Outcome{Then: []delivery.Effect{then}}
}

// acceptForeign takes another service's effect, as Lambda takes the events of S3
// or SNS: the call is judged for that service, by the function's resource
// policy, and from then on the event is Lambda's own, with its retries and
// destinations. One becomes the other in one transaction.
func (s *Service) acceptForeign(ctx context.Context, e *delivery.Effect) delivery.Outcome {
	in := shapes.InvocationRequest{FunctionName: &e.Target, InvocationType: ptr("DryRun"), Payload: e.Payload}
	if _, err := awsapi.Do(ctx, s.Caller, shapes.Invoke, &in); err != nil {
		return s.outcome(err)
	}
	if len(e.Payload) > maxAsync {
		return s.outcome(tooLarge(len(e.Payload), "Event", maxAsync))
	}
	r, err := parseRef(ctx, &e.Target, nil)
	if err != nil {
		return s.outcome(err)
	}
	own, err := s.event(ctx, r, e.Payload, record.From(ctx))
	if err != nil {
		return s.outcome(err)
	}
	return delivery.Outcome{Then: []delivery.Effect{own}}
}

// actor rebuilds who acts from an effect.
func actor(e *delivery.Effect) awsapi.Actor {
	return awsapi.Actor{
		Account: e.Actor.Account, UserID: e.Actor.UserID, SourceARN: arn.ARN(e.SourceARN),
		Principal: policy.Principal{ARN: arn.ARN(e.Actor.ARN), Issuer: arn.ARN(e.Actor.Issuer), Service: e.Actor.Service},
	}
}

// outcome says what an error means for an event: throttling and Lambda's own
// errors are waited for, and what Lambda refuses it refuses for good.
func (s *Service) outcome(err error) delivery.Outcome {
	f, ok := fault.As(err)
	if !ok || f.Code == "TooManyRequestsException" || f.Status >= http.StatusInternalServerError {
		return delivery.Outcome{Err: err, Throttled: true}
	}
	return delivery.Outcome{Err: err, Permanent: true}
}

var _ interface {
	delivery.Accepter
	delivery.Limiter
	delivery.Exhausted
} = (*Service)(nil)
