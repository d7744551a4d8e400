package lambda

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	message "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/nube-run/nube/conformance/target"
)

// consumer fails where a record is not as documented, or says "throw", and reports
// those that say "report".
//
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event
const consumer = `
exports.handler = async (event) => {
  const batchItemFailures = [];
  for (const r of event.Records) {
    const a = r.attributes;
    const fine = r.eventSource === 'aws:sqs' && r.messageId && r.receiptHandle && /^[0-9a-f]{32}$/.test(r.md5OfBody) && r.eventSourceARN && r.awsRegion &&
      /^[0-9]{13}$/.test(a.SentTimestamp) && /^[0-9]{13}$/.test(a.ApproximateFirstReceiveTimestamp) && a.ApproximateReceiveCount === '1' && a.SenderId;
    if (!fine) throw new Error(JSON.stringify(r));
    if (r.eventSourceARN.endsWith('.fifo') && !(a.MessageGroupId && a.SequenceNumber && a.MessageDeduplicationId)) throw new Error(JSON.stringify(r));
    if (r.body === 'attributes' && r.messageAttributes.color.stringValue !== 'red') throw new Error(JSON.stringify(r));
    if (r.body === 'throw') throw new Error('as it was told');
    if (r.body === 'report') batchItemFailures.push({ itemIdentifier: r.messageId });
  }
  return { batchItemFailures };
};`

const readsQueues = `{"Effect":"Allow","Action":["sqs:ReceiveMessage","sqs:DeleteMessage","sqs:GetQueueAttributes"],"Resource":"*"}`

// visible is for how long, in seconds, a message that failed stays invisible, and the
// function's time-out, which must not be longer.
const visible = 3

// queue is a function with a role of its own, and a queue with dead letters: what
// has failed once goes there.
type queue struct {
	*suite
	sqs               *sqs.Client
	url, dead, source *string
}

func openQueue(t *testing.T, suffix, statements string) *queue {
	t.Helper()
	x := &queue{suite: &suite{T: t, Client: lambda.NewFromConfig(target.Config()), ctx: t.Context(), name: aws.String(target.Name())}, sqs: sqs.NewFromConfig(target.Config())}
	role, _ := target.NewRole(t, `{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}`, statements)
	x.role = &role
	in := x.function()
	in.Code.ZipFile, in.Timeout = zipped(t, consumer), aws.Int32(visible)
	fn, err := x.CreateFunction(x.ctx, in)
	target.Must(t, err)
	x.arn = *fn.FunctionArn
	t.Cleanup(func() {
		if _, err := x.DeleteFunction(context.Background(), &lambda.DeleteFunctionInput{FunctionName: x.name}); err != nil {
			t.Errorf("cleaning up: %v", err)
		}
	})
	x.active()
	var dead *string
	x.dead, dead = x.made("dead"+suffix, map[string]string{})
	x.url, x.source = x.made("queue"+suffix, map[string]string{
		"VisibilityTimeout": fmt.Sprint(visible), "RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":1}`, *dead),
	})
	return x
}

// made makes a queue, and returns its URL and ARN.
func (x *queue) made(name string, attributes map[string]string) (url, arn *string) {
	x.Helper()
	if name[len(name)-1] == 'o' {
		attributes["FifoQueue"], attributes["ContentBasedDeduplication"] = "true", "true"
	}
	out, err := x.sqs.CreateQueue(x.ctx, &sqs.CreateQueueInput{QueueName: aws.String(target.Name() + name), Attributes: attributes})
	target.Must(x, err)
	x.Cleanup(func() {
		if _, err := x.sqs.DeleteQueue(context.Background(), &sqs.DeleteQueueInput{QueueUrl: out.QueueUrl}); err != nil {
			x.Errorf("cleaning up: %v", err)
		}
	})
	return out.QueueUrl, aws.String(x.attributes(out.QueueUrl)["QueueArn"])
}

func (x *queue) attributes(url *string) map[string]string {
	x.Helper()
	out, err := x.sqs.GetQueueAttributes(x.ctx, &sqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []message.QueueAttributeName{"All"}})
	target.Must(x, err)
	return out.Attributes
}

// maps makes the mapping that a request asks for, until the test ends.
func (x *queue) maps(change func(*lambda.CreateEventSourceMappingInput)) *lambda.CreateEventSourceMappingOutput {
	x.Helper()
	in := &lambda.CreateEventSourceMappingInput{FunctionName: x.name, EventSourceArn: x.source}
	if change != nil {
		change(in)
	}
	out, err := x.CreateEventSourceMapping(x.ctx, in)
	target.Must(x, err)
	x.Cleanup(func() {
		if _, err := x.DeleteEventSourceMapping(context.Background(), &lambda.DeleteEventSourceMappingInput{UUID: out.UUID}); err != nil {
			x.Errorf("cleaning up: %v", err)
		}
	})
	return out
}

func (x *queue) send(bodies ...string) {
	x.Helper()
	var entries []message.SendMessageBatchRequestEntry
	for i, b := range bodies {
		e := message.SendMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), MessageBody: &b}
		if (*x.url)[len(*x.url)-1] == 'o' {
			e.MessageGroupId = aws.String("g")
		}
		if b == "attributes" {
			e.MessageAttributes = map[string]message.MessageAttributeValue{"color": {DataType: aws.String("String"), StringValue: aws.String("red")}}
		}
		entries = append(entries, e)
	}
	_, err := x.sqs.SendMessageBatch(x.ctx, &sqs.SendMessageBatchInput{QueueUrl: x.url, Entries: entries})
	target.Must(x, err)
}

// drained waits until the queue is empty, and returns what is among the dead letters.
func (x *queue) drained() []string {
	x.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		a := x.attributes(x.url)
		if a["ApproximateNumberOfMessages"] == "0" && a["ApproximateNumberOfMessagesNotVisible"] == "0" {
			break
		}
		if time.Now().After(deadline) {
			x.Fatalf("the queue has %v", a)
		}
	}
	var bodies []string
	for {
		out, err := x.sqs.ReceiveMessage(x.ctx, &sqs.ReceiveMessageInput{QueueUrl: x.dead, MaxNumberOfMessages: 10, WaitTimeSeconds: 1})
		target.Must(x, err)
		if len(out.Messages) == 0 {
			slices.Sort(bodies)
			return bodies
		}
		for _, m := range out.Messages {
			bodies = append(bodies, *m.Body)
			_, err := x.sqs.DeleteMessage(x.ctx, &sqs.DeleteMessageInput{QueueUrl: x.dead, ReceiptHandle: m.ReceiptHandle})
			target.Must(x, err)
		}
	}
}

func (x *queue) expect(want ...string) {
	x.Helper()
	if got := x.drained(); !slices.Equal(got, want) {
		x.Errorf("dead letters %q, want %q", got, want)
	}
}

// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
func TestQueue(t *testing.T) {
	for _, suffix := range []string{"", ".fifo"} {
		t.Run("queue"+suffix, func(t *testing.T) {
			x := openQueue(t, suffix, readsQueues)
			made := x.maps(nil)
			if *made.State != "Creating" || *made.BatchSize != 10 || *made.MaximumBatchingWindowInSeconds != 0 || *made.FunctionArn != x.arn || *made.EventSourceArn != *x.source ||
				made.StartingPosition != "" || made.ScalingConfig != nil {
				t.Errorf("made %+v", made)
			}
			x.send("one", "attributes", "three")
			x.expect()
			x.send("four", "throw")
			x.expect("four", "throw")
		})
	}
}

// Of a batch that is reported in part the rest is done.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
func TestQueueReports(t *testing.T) {
	for _, suffix := range []string{"", ".fifo"} {
		t.Run("queue"+suffix, func(t *testing.T) {
			x := openQueue(t, suffix, readsQueues)
			x.maps(func(in *lambda.CreateEventSourceMappingInput) {
				in.FunctionResponseTypes = []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures}
			})
			x.send("one", "report", "three")
			x.expect("report")
		})
	}
}

// What no filter matches is deleted, and not handed over.
//
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html
func TestQueueFilters(t *testing.T) {
	x := openQueue(t, "", readsQueues)
	x.maps(func(in *lambda.CreateEventSourceMappingInput) {
		in.FilterCriteria = &types.FilterCriteria{Filters: []types.Filter{{Pattern: aws.String(`{"body":["throw"]}`)}}}
	})
	x.send("throw", "fine", "other", `{"throw":1}`)
	x.expect("throw")
}

// A batch that is gathered for a while is one.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html
func TestQueueWindow(t *testing.T) {
	x := openQueue(t, "", readsQueues)
	x.maps(func(in *lambda.CreateEventSourceMappingInput) {
		in.BatchSize, in.MaximumBatchingWindowInSeconds = aws.Int32(100), aws.Int32(1)
		in.ScalingConfig = &types.ScalingConfig{MaximumConcurrency: aws.Int32(2)}
	})
	x.send("one")
	x.send("two")
	x.expect()
}

// What a mapping of a queue cannot be.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
func TestQueueMappingRefused(t *testing.T) {
	x := openQueue(t, "", readsQueues)
	_, slow := x.made("slow", map[string]string{"VisibilityTimeout": "1"})
	_, fifo := x.made("ordered.fifo", map[string]string{})
	for _, c := range []struct {
		says   string
		change func(*lambda.CreateEventSourceMappingInput)
	}{
		{"Queue visibility timeout: 1 seconds is less than Function timeout: 3 seconds", func(in *lambda.CreateEventSourceMappingInput) { in.EventSourceArn = slow }},
		{"Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10", func(in *lambda.CreateEventSourceMappingInput) { in.BatchSize = aws.Int32(11) }},
		{"Batching window is not supported for FIFO queues", func(in *lambda.CreateEventSourceMappingInput) {
			in.EventSourceArn, in.MaximumBatchingWindowInSeconds = fifo, aws.Int32(1)
		}},
		{"", func(in *lambda.CreateEventSourceMappingInput) { in.EventSourceArn, in.BatchSize = fifo, aws.Int32(11) }},
		{"StartingPosition is not valid for SQS event sources.", func(in *lambda.CreateEventSourceMappingInput) { in.StartingPosition = types.EventSourcePositionLatest }},
		{"", func(in *lambda.CreateEventSourceMappingInput) { in.BisectBatchOnFunctionError = aws.Bool(true) }},
		{"", func(in *lambda.CreateEventSourceMappingInput) { in.ParallelizationFactor = aws.Int32(2) }},
		{"", func(in *lambda.CreateEventSourceMappingInput) { in.EventSourceArn = aws.String(*x.source + "-none") }},
	} {
		in := &lambda.CreateEventSourceMappingInput{FunctionName: x.name, EventSourceArn: x.source}
		c.change(in)
		_, err := x.CreateEventSourceMapping(x.ctx, in)
		target.Refused(t, err, "InvalidParameterValueException", c.says)
	}
	made := x.maps(nil)
	_, err := x.CreateEventSourceMapping(x.ctx, &lambda.CreateEventSourceMappingInput{FunctionName: x.name, EventSourceArn: x.source})
	target.Refused(t, err, "ResourceConflictException", *made.UUID)
}

// The function reads with its role.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions
func TestQueueRole(t *testing.T) {
	x := openQueue(t, "", `{"Effect":"Allow","Action":"sqs:GetQueueAttributes","Resource":"*"}`)
	_, err := x.CreateEventSourceMapping(x.ctx, &lambda.CreateEventSourceMappingInput{FunctionName: x.name, EventSourceArn: x.source})
	target.Refused(t, err, "InvalidParameterValueException", "execution role does not have permissions to call ReceiveMessage on SQS")
}
