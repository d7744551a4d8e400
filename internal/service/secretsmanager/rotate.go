package secretsmanager

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/secretsmanager"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/cron"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/timer"
)

// principal is the service as functions' policies know it.
const principal = "secretsmanager.amazonaws.com"

// steps are what a function is called for, in this order.
//
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-lambda-function-overview.html
func steps() []string { return []string{"createSecret", "setSecret", "testSecret", "finishSecret"} }

// kindStep is a step of a rotation among effects.
const kindStep = "step"

// step is the payload of an effect, and the event that the function gets.
type step struct {
	Step               string
	SecretID           string `json:"SecretId"`
	ClientRequestToken string
	RotationToken      string
}

func (r *rotationRow) rules() *shapes.RotationRulesType {
	if r.Days == 0 && r.Schedule == "" && r.Duration == "" {
		return nil
	}
	out := &shapes.RotationRulesType{Duration: maybe(r.Duration), ScheduleExpression: maybe(r.Schedule)}
	if r.Days != 0 {
		out.AutomaticallyAfterDays = &r.Days
	}
	return out
}

// set takes rules over.
//
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotationRulesType.html
func (r *rotationRow) set(rules *shapes.RotationRulesType) error {
	if rules == nil {
		return nil
	}
	if rules.AutomaticallyAfterDays != nil && rules.ScheduleExpression != nil {
		return invalidParameter("You can't specify both AutomaticallyAfterDays and ScheduleExpression.")
	}
	if rules.AutomaticallyAfterDays != nil || rules.ScheduleExpression != nil {
		r.Days, r.Schedule = 0, value(rules.ScheduleExpression)
	}
	if rules.AutomaticallyAfterDays != nil {
		r.Days = *rules.AutomaticallyAfterDays
	}
	if rules.Duration != nil {
		hours, ok := strings.CutSuffix(*rules.Duration, "h")
		n, err := strconv.Atoi(hours)
		if !ok || err != nil || n < 1 || n > 24 {
			return invalidParameter("Duration is a number of hours such as 3h, not %s.", *rules.Duration)
		}
		r.Duration = *rules.Duration
	}
	if r.Schedule == "" {
		return nil
	}
	e, err := cron.Parse(cron.Rules, r.Schedule)
	if err != nil {
		return invalidParameter("ScheduleExpression: %v.", err)
	}
	if e.Kind == cron.Rate && e.Every < 4*time.Hour {
		return invalidParameter("A secret is rotated every four hours at most: %s.", r.Schedule)
	}
	return nil
}

// next is when the secret is rotated after now; zero if never.
func (r *rotationRow) next(now clock.Instant) clock.Instant {
	switch {
	case !r.Enabled:
		return 0
	case r.Days != 0:
		return now.Add(time.Duration(r.Days) * day)
	case r.Schedule == "":
		return 0
	}
	e, err := cron.Parse(cron.Rules, r.Schedule)
	if err != nil {
		return 0 // it was parsed when it was set
	}
	start := r.Since.Time()
	if e.Kind == cron.Rate {
		start = start.Add(e.Every)
	}
	at, ok := e.Next(now.Time(), start, time.UTC)
	if !ok {
		return 0
	}
	return clock.At(at)
}

// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
func (s *Service) rotateSecret(ctx context.Context, in *shapes.RotateSecretRequest) (*shapes.RotateSecretResponse, error) {
	x, err := s.view(ctx, in.SecretId)
	if err != nil {
		return nil, err
	}
	function := value(in.RotationLambdaARN)
	if function == "" && x.Rotation != nil {
		function = x.Rotation.Function
	}
	if function == "" {
		return nil, invalidRequest("No Lambda rotation function ARN is associated with this secret.")
	}
	if err := s.callable(ctx, x.name, function); err != nil {
		return nil, err
	}
	now, token := s.Clock.Now(), tokenOf(in.ClientRequestToken)
	at := in.RotateImmediately == nil || *in.RotateImmediately
	x, err = s.change(ctx, in.SecretId, func(tx *kv.Tx, x *secret) error {
		if _, known := x.Versions[token]; at && known {
			return nil // the request is repeated
		}
		if x.Rotation == nil {
			x.Rotation = &rotationRow{}
		}
		r := x.Rotation
		if err := r.set(in.RotationRules); err != nil {
			return err
		}
		r.Enabled, r.Function, r.Since = true, function, now
		if at {
			if p := x.Stages[pending]; p != "" && p != x.Stages[current] {
				return invalidRequest("A previous rotation isn't complete. That rotation will be reattempted.")
			}
			if err := s.begin(tx, x, token, now); err != nil {
				return err
			}
		}
		return s.setNext(tx, x, now)
	})
	if err != nil {
		return nil, err
	}
	out := &shapes.RotateSecretResponse{ARN: ptr(x.arn()), Name: &x.text}
	if at {
		out.VersionId = &token
	}
	return out, nil
}

// callable says whether the service may call a function for a secret.
func (s *Service) callable(ctx context.Context, n name, function string) error {
	_, err := awsapi.Do(s.acting(ctx, n), s.Caller, lambda.Invoke, &lambda.InvocationRequest{FunctionName: &function, InvocationType: ptr("DryRun")})
	e, coded := fault.As(err)
	switch {
	case err == nil || !coded:
		return err
	case e.Code == "AccessDenied":
		return fault.New("AccessDenied", "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the principal %s.", principal).Because(err)
	case e.Code == "ResourceNotFoundException":
		return fault.New("ResourceNotFoundException", "Lambda does not exist. %s", e.Message).Because(err)
	}
	return invalidRequest("Secrets Manager cannot invoke the specified Lambda function: %s", e.Message)
}

// acting is a context in which the service acts for a secret.
func (s *Service) acting(ctx context.Context, n name) context.Context {
	call := awsapi.Call{ID: awsapi.From(ctx).ID, Scope: n.scope, Actor: awsapi.ServiceActor(n.scope.Account, principal, arn.ARN(n.arn()))}
	return awsapi.With(ctx, &call)
}

// begin begins a rotation: with the label, and the first step.
func (s *Service) begin(tx *kv.Tx, x *secret, token string, now clock.Instant) error {
	if _, ok := x.Versions[token]; !ok {
		if x.Versions == nil {
			x.Versions = map[string]clock.Instant{}
		}
		x.Versions[token] = now
	}
	x.label(pending, token)
	return s.emit(tx, x.name, 0, token, now)
}

func (s *Service) emit(tx *kv.Tx, n name, number int, token string, now clock.Instant) error {
	e, err := effect(n, number, token, now)
	if err != nil {
		return err
	}
	return s.Emit.Emit(tx, e)
}

// effect is a step that is to be done.
func effect(n name, number int, token string, now clock.Instant) (delivery.Effect, error) {
	b, err := json.Marshal(step{Step: steps()[number], SecretID: n.arn(), ClientRequestToken: token, RotationToken: token})
	if err != nil {
		return delivery.Effect{}, err
	}
	return delivery.Effect{
		Cell: n.cell(), Target: n.arn(), Kind: kindStep, Order: token, Payload: b, SourceARN: n.arn(), At: now,
		Actor:  delivery.ActorRef{Account: n.scope.Account, Service: principal},
		Policy: delivery.Policy{MaxAttempts: 5, Backoff: time.Minute, MaxBackoff: 30 * time.Minute},
	}, nil
}

// setNext sets the timer of the next rotation.
func (s *Service) setNext(tx *kv.Tx, x *secret, now clock.Instant) error {
	x.Rotation.Next = x.Rotation.next(now)
	if x.Rotation.Next == 0 {
		return nil
	}
	return s.Timers.Set(tx, timer.T{Cell: x.cell(), Kind: timerRotate, ID: x.text, Due: x.Rotation.Next})
}

// fireRotate begins a rotation that is due, and sets the next. One that is under
// way is begun anew with the version that it has.
func (s *Service) fireRotate(tx *kv.Tx, now clock.Instant, t timer.T) error {
	x, ok, err := named(tx, t)
	if err != nil || !ok || x.Deleted != 0 || x.Rotation == nil || !x.Rotation.Enabled || x.Rotation.Next == 0 || x.Rotation.Next > now {
		return err
	}
	token := x.Stages[pending]
	if token == "" || token == x.Stages[current] {
		token = awsapi.NewID()
	}
	if err := s.begin(tx, x, token, now); err != nil {
		return err
	}
	if err := s.setNext(tx, x, now); err != nil {
		return err
	}
	return jsonrow.Set(tx, x.space().secret(x.text), &x.secretRow)
}

// Scheme implements [delivery.Receiver].
func (s *Service) Scheme() string { return "secretsmanager" }

// Limits implements [delivery.Limiter].
func (s *Service) Limits(string) delivery.Limits { return delivery.Limits{Batch: 1} }

// Accept implements [delivery.Accepter]: it calls functions for the steps of
// rotations.
func (s *Service) Accept(ctx context.Context, es []delivery.Effect) []delivery.Outcome {
	out := make([]delivery.Outcome, len(es))
	for i := range es {
		out[i] = s.accept(ctx, &es[i])
	}
	return out
}

func (s *Service) accept(ctx context.Context, e *delivery.Effect) delivery.Outcome {
	give := func(err error) delivery.Outcome { return delivery.Outcome{Err: err, Permanent: true} }
	var st step
	if err := json.Unmarshal(e.Payload, &st); err != nil || e.Kind != kindStep {
		return give(fmt.Errorf("%s takes no effects of the kind %q", e.Target, e.Kind))
	}
	scope := arn.ARN(e.Target).Scope()
	ctx = awsapi.With(ctx, &awsapi.Call{ID: e.ID, Scope: scope, Actor: awsapi.Actor{Account: scope.Account, Principal: policy.Principal{Service: principal}, SourceARN: arn.ARN(e.Target)}})
	x, err := s.view(ctx, &e.Target)
	if fault.Is(err, "ResourceNotFoundException") {
		return delivery.Outcome{} // it has been deleted since
	}
	if err != nil {
		return delivery.Outcome{Err: err}
	}
	if x.Deleted != 0 || x.Rotation == nil || !x.Rotation.Enabled || x.Stages[pending] != st.ClientRequestToken && x.Stages[current] != st.ClientRequestToken {
		return delivery.Outcome{} // it was called off
	}
	res, err := awsapi.Do(ctx, s.Caller, lambda.Invoke, &lambda.InvocationRequest{FunctionName: &x.Rotation.Function, Payload: e.Payload})
	if err != nil {
		return delivery.Outcome{Err: fmt.Errorf("%s of %s: %w", st.Step, x.text, err)}
	}
	if res.FunctionError != nil {
		return delivery.Outcome{Err: fmt.Errorf("%s of %s: %s: %s", st.Step, x.text, *res.FunctionError, res.Payload)}
	}
	for i, name := range steps() {
		if name == st.Step && i < len(steps())-1 {
			then, err := effect(x.name, i+1, st.ClientRequestToken, s.Clock.Now())
			if err != nil {
				return give(err)
			}
			return delivery.Outcome{Then: []delivery.Effect{then}}
		}
	}
	if err := s.finish(ctx, e.Target, st.ClientRequestToken); err != nil {
		return delivery.Outcome{Err: err}
	}
	return delivery.Outcome{}
}

// finish notes a rotation that its function has finished.
func (s *Service) finish(ctx context.Context, id, token string) error {
	now := s.Clock.Now()
	_, err := s.change(ctx, &id, func(_ *kv.Tx, x *secret) error {
		if x.Stages[current] != token {
			return fmt.Errorf("the function has not given %s the label %s", token, current)
		}
		if x.Stages[pending] == token {
			delete(x.Stages, pending)
		}
		x.Rotation.Last, x.Changed = now, now
		return nil
	})
	return err
}

// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CancelRotateSecret.html
func (s *Service) cancelRotateSecret(ctx context.Context, in *shapes.CancelRotateSecretRequest) (*shapes.CancelRotateSecretResponse, error) {
	x, err := s.change(ctx, in.SecretId, func(_ *kv.Tx, x *secret) error {
		if x.Rotation != nil {
			x.Rotation.Enabled, x.Rotation.Next = false, 0
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := &shapes.CancelRotateSecretResponse{ARN: ptr(x.arn()), Name: &x.text}
	if p := x.Stages[pending]; p != "" && p != x.Stages[current] {
		out.VersionId = &p
	}
	return out, nil
}

var _ interface {
	delivery.Accepter
	delivery.Limiter
} = (*Service)(nil)
