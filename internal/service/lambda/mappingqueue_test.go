package lambda

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/sources"
)

const queueARN = "arn:aws:sqs:eu-west-1:123456789012:q"

// emptyQueues are queues that never have a message; of those whose name begins with
// "no" there are none.
type emptyQueues struct{}

func (emptyQueues) Service() string { return "sqs" }
func (emptyQueues) Needs(a arn.ARN) []awsapi.Access {
	return []awsapi.Access{{Action: "sqs:ReceiveMessage", Resource: a}, {Action: "sqs:DeleteMessage", Resource: a}}
}
func (emptyQueues) Changed(a arn.ARN) kv.Key { return kv.Key(a) }
func (emptyQueues) Describe(_ *kv.Snap, a arn.ARN) (sources.Description, error) {
	if strings.HasPrefix(a.Resource(), "no") {
		return sources.Description{}, fmt.Errorf("%w: %s", sources.ErrNoSource, a)
	}
	return sources.Description{Visibility: 30 * time.Second, Topic: kv.Key("topic of " + a)}, nil
}
func (emptyQueues) Unlock(context.Context, arn.ARN, delivery.ActorRef) error { return nil }
func (emptyQueues) Pending(*kv.Snap, arn.ARN, clock.Instant) (sources.Pending, error) {
	return sources.Pending{}, nil
}
func (emptyQueues) Receive(context.Context, arn.ARN, sources.Portion, time.Duration) (sources.Received, error) {
	return sources.Received{}, nil
}
func (emptyQueues) Delete(context.Context, arn.ARN, ...string) error { return nil }
func (emptyQueues) Return(context.Context, arn.ARN, time.Duration, ...string) error {
	return nil
}

// What a mapping of a queue is, and what it cannot be, in AWS's words.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
func TestQueueMappings(t *testing.T) {
	c, _, permits := mapped(t)
	c.create("f", "")
	c.create("slow", `,"Timeout":31`)
	create := func(more string) string {
		return `{"FunctionName":"f","EventSourceArn":"` + queueARN + `"` + more + `}`
	}
	for more, says := range map[string]string{
		`,"StartingPosition":"LATEST"`:       `StartingPosition is not valid for SQS event sources.`,
		`,"BatchSize":11`:                    `Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10`,
		`,"BisectBatchOnFunctionError":true`: `Unsupported BisectBatchOnFunctionError parameter for given event source mapping type.`,
		`,"DestinationConfig":{}`:            `Unsupported DestinationConfig parameter`,
		`,"ParallelizationFactor":2`:         `Unsupported ParallelizationFactor parameter`,
		`,"MaximumRetryAttempts":2`:          `Unsupported MaximumRetryAttempts parameter`,
		`,"MaximumRecordAgeInSeconds":60`:    `Unsupported MaximumRecordAgeInSeconds parameter`,
		`,"TumblingWindowInSeconds":5`:       `Unsupported TumblingWindowInSeconds parameter`,
		`,"ProvisionedPollerConfig":{}`:      `nube does not support provisioned mode`,
		`,"EventSourceArn":"` + queueARN + `x.fifo","MaximumBatchingWindowInSeconds":1`: `Batching window is not supported for FIFO queues`,
		`,"EventSourceArn":"` + queueARN + `x.fifo","BatchSize":11`:                     `between 1 and 10`,
		`,"EventSourceArn":"` + strings.TrimSuffix(queueARN, "q") + `none"`:             `AWS.SimpleQueueService.NonExistentQueue`,
		`,"FunctionName":"slow"`: `Queue visibility timeout: 30 seconds is less than Function timeout: 31 seconds`,
	} {
		c.want("CreateEventSourceMapping", create(more), "InvalidParameterValueException", says)
	}
	permits.set(true)
	c.want("CreateEventSourceMapping", create(""), "InvalidParameterValueException", "The function execution role does not have permissions to call ReceiveMessage on SQS")
	permits.set(false)

	out := c.do("CreateEventSourceMapping", create(`,"BatchSize":100,"MaximumBatchingWindowInSeconds":5,"ScalingConfig":{"MaximumConcurrency":7},"FunctionResponseTypes":["ReportBatchItemFailures"]`))
	for _, part := range []string{
		`"BatchSize":100`, `"EventSourceArn":"` + queueARN + `"`, `"FunctionResponseTypes":["ReportBatchItemFailures"]`, `"MaximumBatchingWindowInSeconds":5`,
		`"ScalingConfig":{"MaximumConcurrency":7}`, `"State":"Creating"`, `"StateTransitionReason":"USER_INITIATED"`,
	} {
		if !strings.Contains(out, part) {
			t.Errorf("%s has no %s", out, part)
		}
	}
	for _, part := range []string{"StartingPosition", "ParallelizationFactor", "DestinationConfig", "TumblingWindow", "MaximumRetryAttempts"} {
		if strings.Contains(out, part) {
			t.Errorf("%s has %s", out, part)
		}
	}
	id := uuidOf(t, out)
	c.want("CreateEventSourceMapping", create(""), `ResourceConflictException: An event source mapping with SQS arn (" `+queueARN+` ") and function (" f ") already exists. Please update or delete the existing mapping with UUID `+id)
	c.want("UpdateEventSourceMapping", `{"UUID":"`+id+`","MaximumBatchingWindowInSeconds":0}`, "Maximum batch window in seconds")
	c.want("UpdateEventSourceMapping", `{"UUID":"`+id+`","FunctionName":"slow"}`, "Queue visibility timeout")
	if out := c.do("UpdateEventSourceMapping", `{"UUID":"`+id+`","ScalingConfig":{},"BatchSize":10,"MaximumBatchingWindowInSeconds":0}`); strings.Contains(out, "ScalingConfig") {
		t.Errorf("updated: %s", out)
	}
}
