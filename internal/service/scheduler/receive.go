package scheduler

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/policy"
)

// callScheme is that of the calls of targets.
const callScheme = "scheduler-call"

// targets is delivery's receiver of the runs of schedules: it calls their targets.
type targets struct{ s *Service }

// Scheme implements [delivery.Receiver].
func (targets) Scheme() string { return callScheme }

// Limits implements [delivery.Limiter].
func (targets) Limits(string) delivery.Limits { return delivery.Limits{Batch: 1, Apart: true} }

// Accept implements [delivery.Accepter].
func (r targets) Accept(ctx context.Context, es []delivery.Effect) []delivery.Outcome {
	out := make([]delivery.Outcome, len(es))
	for i := range es {
		out[i] = r.accept(ctx, &es[i])
	}
	return out
}

// open divides the payload of a run.
func open(payload []byte) (c call, input string, err error) {
	line, rest, ok := bytes.Cut(payload, []byte("\n"))
	if err := json.Unmarshal(line, &c); err != nil || !ok {
		return c, "", errors.Join(errors.New("scheduler: not the run of a schedule"), err)
	}
	return c, string(rest), nil
}

func (r targets) accept(ctx context.Context, e *delivery.Effect) delivery.Outcome {
	c, input, err := open(e.Payload)
	if err != nil {
		return delivery.Outcome{Err: err, Permanent: true}
	}
	role, from := arn.ARN(c.Role), arn.ARN(c.Schedule)
	switch ok, err := r.s.Roles.AssumableBy(ctx, role, principal, sourceOf(from)); {
	case err != nil:
		return delivery.Outcome{Err: fmt.Errorf("role %s: %w", role, err)}
	case !ok:
		return delivery.Outcome{Err: fault.New("AccessDeniedException", "%s", cannotAssume().Message), Permanent: true}
	}
	own := arn.Scope{Partition: role.Partition(), Account: role.Account()}
	ctx = awsapi.With(ctx, &awsapi.Call{ID: e.ID, Scope: from.Scope(), Actor: awsapi.Actor{
		Account: role.Account(), Principal: policy.Principal{ARN: own.AssumedRole(role.Name(), e.ID), Issuer: role},
	}})
	if err := r.s.call(ctx, e, &c, input); err != nil {
		f, refused := fault.As(err)
		again := !refused || f.Status >= 500 || strings.Contains(f.Code, "Throttl") || f.Code == "TooManyRequestsException"
		return delivery.Outcome{Err: fmt.Errorf("call of %s: %w", c.Schedule, err), Permanent: !again}
	}
	return delivery.Outcome{}
}

// call calls a target as the actor of ctx.
//
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-templated.html
func (s *Service) call(ctx context.Context, e *delivery.Effect, c *call, input string) error {
	input = fill(input, e, c)
	t := target{ARN: strings.TrimPrefix(e.Target, callScheme+":")}
	if service, operation, ok := t.universal(); ok {
		_, err := s.front.CallNamed(ctx, service, operation, []byte(input))
		return err
	}
	a := arn.ARN(t.ARN)
	awsapi.From(ctx).Scope = a.Scope() // the call is of this run alone
	if c.Default && a.Service() != "events" {
		input = defaultInput(e, c)
	}
	switch a.Service() {
	case "lambda":
		_, err := awsapi.Do(ctx, s.front, lambda.Invoke, &lambda.InvocationRequest{FunctionName: &t.ARN, InvocationType: ptr("Event"), Payload: []byte(input)})
		return err
	case "sns":
		_, err := awsapi.Do(ctx, s.front, sns.Publish, &sns.PublishInput{TopicArn: &t.ARN, Message: &input})
		return err
	case "sqs":
		url := "https://sqs." + a.Region() + ".amazonaws.com/" + a.Account() + "/" + a.Resource()
		_, err := awsapi.Do(ctx, s.front, sqs.SendMessage, &sqs.SendMessageRequest{QueueUrl: &url, MessageBody: &input, MessageGroupId: given(c.Group)})
		return err
	}
	if c.Default {
		input = "{}"
	}
	out, err := awsapi.Do(ctx, s.front, events.PutEvents, &events.PutEventsRequest{Entries: []events.PutEventsRequestEntry{
		{EventBusName: &t.ARN, DetailType: &c.DetailType, Source: &c.Source, Detail: &input, Resources: []string{c.Schedule}, Time: &c.At},
	}})
	if err != nil {
		return err
	}
	for _, entry := range out.Entries {
		if entry.ErrorCode != nil {
			return fault.New(*entry.ErrorCode, "%s", value(entry.ErrorMessage))
		}
	}
	return nil
}

const timeFormat = "2006-01-02T15:04:05Z"

// fill puts what a run is into its input.
//
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
func fill(input string, e *delivery.Effect, c *call) string {
	return strings.NewReplacer(
		"<aws.scheduler.schedule-arn>", c.Schedule, "<aws.scheduler.scheduled-time>", c.At.Time().Format(timeFormat),
		"<aws.scheduler.execution-id>", e.ID, "<aws.scheduler.attempt-number>", strconv.Itoa(max(1, e.Attempt)),
	).Replace(input)
}

// defaultInput is what a target gets whose schedule has no input.
func defaultInput(e *delivery.Effect, c *call) string {
	a := arn.ARN(c.Schedule)
	b, err := json.Marshal(struct {
		Version    string   `json:"version"`
		ID         string   `json:"id"`
		DetailType string   `json:"detail-type"`
		Source     string   `json:"source"`
		Account    string   `json:"account"`
		Time       string   `json:"time"`
		Region     string   `json:"region"`
		Resources  []string `json:"resources"`
		Detail     string   `json:"detail"`
	}{"0", e.ID, "Scheduled Event", "aws.scheduler", a.Account(), c.At.Time().Format(timeFormat), a.Region(), []string{c.Schedule}, "{}"})
	if err != nil {
		return "{}"
	}
	return string(b)
}

// deadScheme is that of dead-letter queues of schedules.
const deadScheme = "scheduler-dead"

// deadLetters makes the dead letters of schedules: the input, with attributes
// that say why the target was not called.
//
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
type deadLetters struct{ s *Service }

// Scheme implements [delivery.Receiver].
func (deadLetters) Scheme() string { return deadScheme }

// Accept implements [delivery.Accepter]; nothing is ever sent here.
func (deadLetters) Accept(_ context.Context, es []delivery.Effect) []delivery.Outcome {
	out := make([]delivery.Outcome, len(es))
	for i := range out {
		out[i] = delivery.Outcome{Err: errors.New("scheduler: a dead letter goes to its queue"), Permanent: true}
	}
	return out
}

// Bury implements [delivery.Undertaker]. The queue takes the letter from the
// schedule's role.
func (d deadLetters) Bury(e delivery.Effect, o delivery.Outcome, why delivery.Reason) []delivery.Effect {
	_, queue, _ := strings.Cut(e.Policy.DeadLetter, ":")
	c, input, err := open(e.Payload)
	if err != nil || !d.s.Emit.Delivers(queue) {
		return nil
	}
	if c.Default {
		input = defaultInput(&e, &c)
	}
	attributes := map[string]delivery.MessageAttribute{}
	add := func(name, text string) {
		if text != "" {
			attributes[name] = delivery.MessageAttribute{Type: "String", Text: strings.ToValidUTF8(text[:min(len(text), 1024)], "")}
		}
	}
	code, message := "InternalServerError", e.LastError
	if o.Err != nil {
		message = o.Err.Error()
	}
	if f, ok := fault.As(o.Err); ok {
		code, message = f.Code, f.Message
	}
	add("ERROR_CODE", code)
	add("ERROR_MESSAGE", message)
	add("EXECUTION_ID", e.ID)
	add("IS_PAYLOAD_TRUNCATED", "false")
	add("RETRY_ATTEMPTS", strconv.Itoa(max(0, e.Attempt-1)))
	add("SCHEDULED_TIME", c.At.Time().Format(timeFormat))
	add("SCHEDULE_ARN", c.Schedule)
	add("TARGET_ARN", strings.TrimPrefix(e.Target, callScheme+":"))
	switch why {
	case delivery.OutOfRetries:
		add("EXHAUSTED_RETRY_CONDITION", "MaximumRetryAttempts")
	case delivery.TooOld:
		add("EXHAUSTED_RETRY_CONDITION", "MaximumEventAgeInSeconds")
	}
	line, err := (&delivery.Message{Attributes: attributes}).Head()
	if err != nil {
		return nil
	}
	role := arn.ARN(c.Role)
	own := arn.Scope{Partition: role.Partition(), Account: role.Account()}
	return []delivery.Effect{{
		Cell: e.Cell, Target: queue, Kind: delivery.KindMessage, Head: line, Payload: []byte(fill(input, &e, &c)), SourceARN: e.SourceARN, Cause: e.Cause, At: e.At,
		Actor: delivery.ActorRef{Account: role.Account(), ARN: string(own.AssumedRole(role.Name(), e.ID)), Issuer: c.Role},
	}}
}

var _ interface {
	delivery.Accepter
	delivery.Limiter
} = targets{}

var _ interface {
	delivery.Accepter
	delivery.Undertaker
} = deadLetters{}
