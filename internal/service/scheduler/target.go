package scheduler

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/arn"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/scheduler"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
)

// How often a target is called, unless its schedule says otherwise.
//
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html
const (
	defaultRetries = 185
	defaultAge     = 24 * time.Hour
	firstPause     = time.Second
	lastPause      = 10 * time.Minute
)

// universal is what the ARNs of universal targets begin with.
const universal = "arn:aws:scheduler:::aws-sdk:"

// readTarget reads and checks a target.
func (s *Service) readTarget(ctx context.Context, n name, in *shapes.Target) (target, error) {
	t := target{ARN: value(in.Arn), Role: value(in.RoleArn), Input: in.Input}
	for name, is := range map[string]bool{
		"EcsParameters": in.EcsParameters != nil, "KinesisParameters": in.KinesisParameters != nil, "SageMakerPipelineParameters": in.SageMakerPipelineParameters != nil,
	} {
		if is {
			return t, invalid("%s is not supported: nube has no such targets.", name)
		}
	}
	if err := s.checkTarget(&t); err != nil {
		return t, err
	}
	if b := in.EventBridgeParameters; b != nil {
		t.DetailType, t.Source = value(b.DetailType), value(b.Source)
	}
	if isBus := arn.ARN(t.ARN).Service() == "events"; isBus != (in.EventBridgeParameters != nil) {
		return t, invalid("EventBridgeParameters must be specified for event buses, and for nothing else.")
	}
	if in.SqsParameters != nil {
		t.Group = value(in.SqsParameters.MessageGroupId)
	}
	if isFIFO := arn.ARN(t.ARN).Service() == "sqs" && strings.HasSuffix(t.ARN, ".fifo"); isFIFO && t.Group == "" {
		return t, invalid("SqsParameters.MessageGroupId must be specified for FIFO queues.")
	}
	if p := in.RetryPolicy; p != nil {
		t.Retries, t.Age = p.MaximumRetryAttempts, p.MaximumEventAgeInSeconds
	}
	if d := in.DeadLetterConfig; d != nil && value(d.Arn) != "" {
		t.DeadLetter = *d.Arn
		if !s.Emit.Delivers(t.DeadLetter) {
			return t, invalid("Nothing delivers to the dead-letter queue %s in this cloud.", t.DeadLetter)
		}
	}
	ok, err := s.Roles.AssumableBy(ctx, arn.ARN(t.Role), principal, n.source())
	if err == nil && !ok {
		err = cannotAssume()
	}
	return t, err
}

func cannotAssume() *fault.Error {
	return invalid("The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")
}

// checkTarget refuses what nothing could call.
//
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets.html
func (s *Service) checkTarget(t *target) error {
	if service, operation, ok := t.universal(); ok {
		if unchanging(operation) {
			return invalid("Provided Arn is not in correct format: %s only reads.", operation)
		}
		if _, _, err := s.front.Named(service, operation); err != nil {
			f, _ := fault.As(err)
			return invalid("Target %s is not supported: %s", t.ARN, f.Message).Because(err)
		}
		if !json.Valid([]byte(value(t.Input))) {
			return invalid("Invalid RequestJson provided. Reason: the input of a universal target is the request, as JSON.")
		}
		return nil
	}
	if !arn.IsARN(t.ARN) {
		return invalid("Provided Arn is not in correct format.")
	}
	a := arn.ARN(t.ARN)
	switch a.Service() {
	case "lambda", "sqs", "sns":
		if s.Emit.Delivers(t.ARN) {
			return nil
		}
	case "events":
		if a.ResourceType() == "event-bus" {
			return nil
		}
	}
	return invalid("Target %s is not supported: nube calls Lambda functions, SQS queues, SNS topics, event buses, and as universal targets the operations of its services.", t.ARN)
}

// universal is the service and the operation of a universal target.
func (t *target) universal() (service, operation string, ok bool) {
	rest, ok := strings.CutPrefix(t.ARN, universal)
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, ":")
}

// unchanging reports whether an operation only reads: those are no targets.
//
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
func unchanging(operation string) bool {
	lower := strings.ToLower(operation)
	return slices.ContainsFunc([]string{
		"get", "describe", "list", "poll", "receive", "search", "scan", "query", "select", "read", "lookup", "discover", "validate",
		"batchget", "batchdescribe", "batchread", "transactget", "adminget", "adminlist", "testmigration", "retrieve", "testconnection",
		"translatedocument", "isauthorized", "invokemodel",
	}, func(prefix string) bool { return strings.HasPrefix(lower, prefix) })
}

// shape is the target as it was given.
func (t *target) shape() *shapes.Target {
	out := &shapes.Target{Arn: &t.ARN, RoleArn: &t.Role, Input: t.Input, RetryPolicy: &shapes.RetryPolicy{MaximumRetryAttempts: ptr(int32(defaultRetries)), MaximumEventAgeInSeconds: ptr(int32(86400))}}
	if t.Retries != nil {
		out.RetryPolicy.MaximumRetryAttempts = t.Retries
	}
	if t.Age != nil {
		out.RetryPolicy.MaximumEventAgeInSeconds = t.Age
	}
	if t.DetailType != "" {
		out.EventBridgeParameters = &shapes.EventBridgeParameters{DetailType: &t.DetailType, Source: &t.Source}
	}
	if t.Group != "" {
		out.SqsParameters = &shapes.SqsParameters{MessageGroupId: &t.Group}
	}
	if t.DeadLetter != "" {
		out.DeadLetterConfig = &shapes.DeadLetterConfig{Arn: &t.DeadLetter}
	}
	return out
}

// call is what stands before the input in an effect's payload: how the target is
// called.
type call struct {
	Schedule   string
	At         clock.Instant
	Role       string
	DetailType string `json:",omitempty"`
	Source     string `json:",omitempty"`
	Group      string `json:",omitempty"`
	Default    bool   `json:",omitempty"` // there is no input
}

// effect is one run of a schedule.
func (r *row) effect(n name, at, now clock.Instant) (delivery.Effect, error) {
	t := &r.Target
	id := executionID(n, at)
	line, err := json.Marshal(call{
		Schedule: n.arn(), At: at, Role: t.Role, DetailType: t.DetailType, Source: t.Source, Group: t.Group, Default: t.Input == nil,
	})
	if err != nil {
		return delivery.Effect{}, fmt.Errorf("scheduler: effect: %w", err)
	}
	p := delivery.Policy{MaxAttempts: 1 + defaultRetries, MaxAge: defaultAge, Backoff: firstPause, MaxBackoff: lastPause}
	if t.Retries != nil {
		p.MaxAttempts = 1 + int(*t.Retries)
	}
	if t.Age != nil {
		p.MaxAge = time.Duration(*t.Age) * time.Second
	}
	if t.DeadLetter != "" {
		p.DeadLetter = deadScheme + ":" + t.DeadLetter
	}
	return delivery.Effect{
		Cell: n.cell(), Target: callScheme + ":" + t.ARN, ID: id, Payload: append(append(line, '\n'), value(t.Input)...), SourceARN: n.arn(),
		Actor: delivery.ActorRef{Account: n.scope.Account, Service: principal}, Cause: causeOf(id, now), At: now, Policy: p,
	}, nil
}
