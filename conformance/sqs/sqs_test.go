// Package sqs holds Amazon SQS' documentation to a server, through AWS's own SDK. Each case cites its page.
package sqs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/nube-run/nube/conformance/target"
)

func TestMain(m *testing.M) { os.Exit(target.Main(m)) }

// suite is a client and a queue of its own.
type suite struct {
	*testing.T
	*sqs.Client
	ctx   context.Context
	name  string
	queue *string
}

func open(t *testing.T, attributes ...string) *suite {
	t.Helper()
	t.Parallel()
	x := &suite{T: t, Client: sqs.NewFromConfig(target.Config()), ctx: t.Context(), name: target.Name()}
	x.queue = x.create(x.name, attributes...)
	return x
}

// fifo is a suite whose queue is one.
func fifo(t *testing.T, attributes ...string) *suite {
	t.Helper()
	t.Parallel()
	x := &suite{T: t, Client: sqs.NewFromConfig(target.Config()), ctx: t.Context(), name: target.Name() + ".fifo"}
	x.queue = x.create(x.name, append(attributes, "FifoQueue", "true")...)
	return x
}

// create makes a queue, and deletes it at the end of the test.
func (x *suite) create(name string, attributes ...string) *string {
	x.Helper()
	out, err := x.CreateQueue(x.ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: pairs(attributes)})
	target.Must(x, err)
	x.Cleanup(func() {
		if _, err := x.DeleteQueue(context.Background(), &sqs.DeleteQueueInput{QueueUrl: out.QueueUrl}); err != nil {
			x.Errorf("cleaning up: %v", err)
		}
	})
	return out.QueueUrl
}

func pairs(list []string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(list); i += 2 {
		m[list[i]] = list[i+1]
	}
	return m
}

func (x *suite) set(queue *string, attributes ...string) {
	x.Helper()
	_, err := x.SetQueueAttributes(x.ctx, &sqs.SetQueueAttributesInput{QueueUrl: queue, Attributes: pairs(attributes)})
	target.Must(x, err)
}

func (x *suite) attributes(queue *string) map[string]string {
	x.Helper()
	out, err := x.GetQueueAttributes(x.ctx, &sqs.GetQueueAttributesInput{QueueUrl: queue, AttributeNames: []types.QueueAttributeName{"All"}})
	target.Must(x, err)
	return out.Attributes
}

func (x *suite) send(body string, more ...func(*sqs.SendMessageInput)) *sqs.SendMessageOutput {
	x.Helper()
	in := &sqs.SendMessageInput{QueueUrl: x.queue, MessageBody: &body}
	for _, m := range more {
		m(in)
	}
	out, err := x.SendMessage(x.ctx, in)
	target.Must(x, err)
	return out
}

func in(group, dedup string) func(*sqs.SendMessageInput) {
	return func(in *sqs.SendMessageInput) {
		in.MessageGroupId = &group
		if dedup != "" {
			in.MessageDeduplicationId = &dedup
		}
	}
}

// receive waits for up to ten messages of a queue, with all that there is of them.
func (x *suite) receive(queue *string, seconds int32, more ...func(*sqs.ReceiveMessageInput)) []types.Message {
	x.Helper()
	in := &sqs.ReceiveMessageInput{
		QueueUrl: queue, MaxNumberOfMessages: 10, WaitTimeSeconds: seconds, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
	}
	for _, m := range more {
		m(in)
	}
	out, err := x.ReceiveMessage(x.ctx, in)
	target.Must(x, err)
	return out.Messages
}

// gather receives until it has n messages, or nothing comes.
func (x *suite) gather(queue *string, n int) (all []types.Message) {
	x.Helper()
	for len(all) < n {
		got := x.receive(queue, 5)
		if len(got) == 0 {
			return all
		}
		all = append(all, got...)
	}
	return all
}

func (x *suite) delete(ms ...types.Message) {
	x.Helper()
	for _, m := range ms {
		_, err := x.DeleteMessage(x.ctx, &sqs.DeleteMessageInput{QueueUrl: x.queue, ReceiptHandle: m.ReceiptHandle})
		target.Must(x, err)
	}
}

func bodies(ms []types.Message) string {
	var out []string
	for _, m := range ms {
		out = append(out, *m.Body)
	}
	return strings.Join(out, " ")
}

func (x *suite) expect(what, got, want string) {
	x.Helper()
	if got != want {
		x.Errorf("%s: %q, want %q", what, got, want)
	}
}

// refused checks the type of an error, and the code that older clients know it by.
func refused[E error](t testing.TB, err error, code string) {
	t.Helper()
	var as E
	if !errors.As(err, &as) {
		t.Errorf("%v is no %T", err, as)
		return
	}
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() != code {
		t.Errorf("the code is %s, want %s", api.ErrorCode(), code)
	}
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
func TestCreateQueue(t *testing.T) {
	x := open(t, "VisibilityTimeout", "40")
	again, err := x.CreateQueue(x.ctx, &sqs.CreateQueueInput{QueueName: &x.name, Attributes: pairs([]string{"VisibilityTimeout", "40"})})
	target.Must(t, err)
	x.expect("the same name", *again.QueueUrl, *x.queue)
	_, err = x.CreateQueue(x.ctx, &sqs.CreateQueueInput{QueueName: &x.name, Attributes: pairs([]string{"VisibilityTimeout", "41"})})
	refused[*types.QueueNameExists](t, err, "QueueAlreadyExists")
	_, err = x.CreateQueue(x.ctx, &sqs.CreateQueueInput{QueueName: aws.String(x.name + "x"), Attributes: pairs([]string{"DelaySeconds", "901"})})
	refused[*types.InvalidAttributeValue](t, err, "InvalidAttributeValue")
	_, err = x.CreateQueue(x.ctx, &sqs.CreateQueueInput{QueueName: aws.String(x.name + "x"), Attributes: pairs([]string{"Nonsense", "1"})})
	refused[*types.InvalidAttributeName](t, err, "InvalidAttributeName")
	url, err := x.GetQueueUrl(x.ctx, &sqs.GetQueueUrlInput{QueueName: &x.name})
	target.Must(t, err)
	x.expect("its URL", *url.QueueUrl, *x.queue)
	_, err = x.GetQueueUrl(x.ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(x.name + "x")})
	refused[*types.QueueDoesNotExist](t, err, "AWS.SimpleQueueService.NonExistentQueue")
	list, err := x.ListQueues(x.ctx, &sqs.ListQueuesInput{QueueNamePrefix: &x.name})
	target.Must(t, err)
	if !slices.Equal(list.QueueUrls, []string{*x.queue}) {
		t.Errorf("listed %v", list.QueueUrls)
	}
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
func TestQueueAttributes(t *testing.T) {
	x := open(t)
	a := x.attributes(x.queue)
	for k, want := range map[string]string{
		"VisibilityTimeout": "30", "DelaySeconds": "0", "MessageRetentionPeriod": "345600", "ReceiveMessageWaitTimeSeconds": "0", "MaximumMessageSize": "1048576",
		"ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0", "ApproximateNumberOfMessagesDelayed": "0", "SqsManagedSseEnabled": "true",
	} {
		x.expect(k, a[k], want)
	}
	if !strings.HasPrefix(a["QueueArn"], "arn:aws:sqs:") || !strings.HasSuffix(a["QueueArn"], ":"+x.name) {
		t.Errorf("ARN %s", a["QueueArn"])
	}
	x.set(x.queue, "DelaySeconds", "3")
	out, err := x.GetQueueAttributes(x.ctx, &sqs.GetQueueAttributesInput{QueueUrl: x.queue, AttributeNames: []types.QueueAttributeName{"DelaySeconds"}})
	target.Must(t, err)
	if len(out.Attributes) != 1 || out.Attributes["DelaySeconds"] != "3" {
		t.Errorf("%v", out.Attributes)
	}
}

// The SDK itself checks the digests of what it sends and gets.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
func TestMessageAttributes(t *testing.T) {
	x := open(t)
	sent := x.send("body é", func(in *sqs.SendMessageInput) {
		in.MessageAttributes = map[string]types.MessageAttributeValue{
			"text": {DataType: aws.String("String"), StringValue: aws.String("世")}, "number": {DataType: aws.String("Number.float"), StringValue: aws.String("1.50")},
			"bytes": {DataType: aws.String("Binary"), BinaryValue: []byte{0, 1, 255}},
		}
		in.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{
			"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")},
		}
	})
	ms := x.receive(x.queue, 5)
	if len(ms) != 1 {
		t.Fatalf("%d messages", len(ms))
	}
	m := ms[0]
	x.expect("id", *m.MessageId, *sent.MessageId)
	x.expect("digest", *m.MD5OfMessageAttributes, *sent.MD5OfMessageAttributes)
	x.expect("number", *m.MessageAttributes["number"].StringValue, "1.50")
	x.expect("bytes", string(m.MessageAttributes["bytes"].BinaryValue), "\x00\x01\xff")
	x.expect("trace", m.Attributes["AWSTraceHeader"], "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")
	x.expect("receives", m.Attributes["ApproximateReceiveCount"], "1")
	x.delete(m)
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
func TestVisibility(t *testing.T) {
	x := open(t, "VisibilityTimeout", "2")
	x.send("m")
	first := x.receive(x.queue, 5)
	x.expect("received", bodies(first), "m")
	x.expect("in flight", bodies(x.receive(x.queue, 0)), "")
	second := x.receive(x.queue, 10)
	x.expect("after its timeout", bodies(second), "m")
	x.expect("receives", second[0].Attributes["ApproximateReceiveCount"], "2")
	change := func(handle *string, seconds int32) error {
		_, err := x.ChangeMessageVisibility(x.ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: x.queue, ReceiptHandle: handle, VisibilityTimeout: seconds})
		return err
	}
	target.Must(t, change(second[0].ReceiptHandle, 0))
	third := x.receive(x.queue, 5)
	x.expect("given back", bodies(third), "m")
	if err := change(third[0].ReceiptHandle, 43201); err == nil {
		t.Error("it can be held for more than 12 hours")
	}
	if err := change(aws.String("nonsense"), 1); err == nil {
		t.Error("nonsense is a handle")
	}
	x.delete(third...)
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-delay-queues.html
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-timers.html
func TestDelay(t *testing.T) {
	x := open(t, "DelaySeconds", "2")
	x.send("queue")
	x.send("none", func(in *sqs.SendMessageInput) { in.DelaySeconds = 0 }) // the SDK leaves zero out: the queue's
	x.expect("at once", bodies(x.receive(x.queue, 0)), "")
	began := time.Now()
	if got := x.gather(x.queue, 2); len(got) != 2 || time.Since(began) < time.Second {
		t.Errorf("%d messages after %v", len(got), time.Since(began))
	}
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
func TestLongPoll(t *testing.T) {
	x := open(t)
	began := time.Now()
	x.expect("nothing", bodies(x.receive(x.queue, 1)), "")
	if d := time.Since(began); d < 900*time.Millisecond {
		t.Errorf("a long poll of a second took %v", d)
	}
	got := make(chan []types.Message, 1)
	go func() {
		out, err := x.ReceiveMessage(x.ctx, &sqs.ReceiveMessageInput{QueueUrl: x.queue, WaitTimeSeconds: 20})
		if err != nil {
			t.Error(err)
			close(got)
			return
		}
		got <- out.Messages
	}()
	x.send("m")
	x.expect("woken", bodies(<-got), "m")
	_, err := x.ReceiveMessage(x.ctx, &sqs.ReceiveMessageInput{QueueUrl: x.queue, WaitTimeSeconds: 21})
	target.Refused(t, err, "InvalidParameterValue", "WaitTimeSeconds")
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-batch-api-actions.html
func TestBatches(t *testing.T) {
	x := open(t)
	entry := func(id, body string) types.SendMessageBatchRequestEntry {
		return types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &body}
	}
	batch := func(es ...types.SendMessageBatchRequestEntry) (*sqs.SendMessageBatchOutput, error) {
		return x.SendMessageBatch(x.ctx, &sqs.SendMessageBatchInput{QueueUrl: x.queue, Entries: append([]types.SendMessageBatchRequestEntry{}, es...)})
	}
	out, err := batch(entry("a", "1"), entry("b", "\x01"), entry("c", "2"))
	target.Must(t, err)
	if len(out.Successful) != 2 || len(out.Failed) != 1 || *out.Failed[0].Id != "b" || !out.Failed[0].SenderFault {
		t.Errorf("%d succeeded, %+v failed", len(out.Successful), out.Failed)
	}
	_, err = batch()
	refused[*types.EmptyBatchRequest](t, err, "AWS.SimpleQueueService.EmptyBatchRequest")
	_, err = batch(entry("a", "1"), entry("a", "2"))
	refused[*types.BatchEntryIdsNotDistinct](t, err, "AWS.SimpleQueueService.BatchEntryIdsNotDistinct")
	_, err = batch(entry("a b", "1"))
	refused[*types.InvalidBatchEntryId](t, err, "AWS.SimpleQueueService.InvalidBatchEntryId")
	var many []types.SendMessageBatchRequestEntry
	for i := range 11 {
		many = append(many, entry(fmt.Sprint(i), "m"))
	}
	_, err = batch(many...)
	refused[*types.TooManyEntriesInBatchRequest](t, err, "AWS.SimpleQueueService.TooManyEntriesInBatchRequest")
	big := strings.Repeat("x", 1<<19)
	_, err = batch(entry("a", big), entry("b", big+"x"))
	refused[*types.BatchRequestTooLong](t, err, "AWS.SimpleQueueService.BatchRequestTooLong")
	ms := x.gather(x.queue, 2)
	var entries []types.DeleteMessageBatchRequestEntry
	for i, m := range ms {
		entries = append(entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), ReceiptHandle: m.ReceiptHandle})
	}
	gone, err := x.DeleteMessageBatch(x.ctx, &sqs.DeleteMessageBatchInput{QueueUrl: x.queue, Entries: entries})
	target.Must(t, err)
	if len(gone.Successful) != 2 || len(gone.Failed) != 0 {
		t.Errorf("%+v", gone)
	}
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
func TestFIFO(t *testing.T) {
	x := fifo(t, "ContentBasedDeduplication", "true")
	var last string
	for _, m := range strings.Fields("a1 b1 a2 a3 b2") {
		out := x.send(m, in(m[:1], ""))
		if len(*out.SequenceNumber) != 20 || *out.SequenceNumber <= last {
			t.Errorf("sequence number %s after %s", *out.SequenceNumber, last)
		}
		last = *out.SequenceNumber
	}
	var a []types.Message
	for _, m := range x.receive(x.queue, 5) {
		if (*m.Body)[0] == 'a' {
			a = append(a, m)
		}
	}
	if len(a) == 0 {
		t.Fatal("nothing of group a")
	}
	x.expect("the first of its group", *a[0].Body, "a1")
	for _, m := range x.receive(x.queue, 0) {
		if (*m.Body)[0] == 'a' {
			t.Errorf("%s comes while its group is in flight", *m.Body)
		}
	}
	x.delete(a...)
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html
	again := x.send("a1", in("a", ""))
	if *again.SequenceNumber > last {
		t.Errorf("a duplicate has a number of its own, %s", *again.SequenceNumber)
	}
	_, err := x.SendMessage(x.ctx, &sqs.SendMessageInput{QueueUrl: x.queue, MessageBody: aws.String("m")})
	target.Refused(t, err, "MissingParameter", "MessageGroupId")
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
func TestDeadLetters(t *testing.T) {
	x := open(t, "VisibilityTimeout", "1")
	dead := x.create(x.name + "-dead")
	deadARN := x.attributes(dead)["QueueArn"]
	x.set(x.queue, "RedrivePolicy", `{"deadLetterTargetArn":"`+deadARN+`","maxReceiveCount":"1"}`)
	sent := x.send("poison")
	x.expect("received", bodies(x.receive(x.queue, 5)), "poison")
	x.expect("received again", bodies(x.receive(x.queue, 3)), "")
	ms := x.receive(dead, 5)
	x.expect("dead letters", bodies(ms), "poison")
	if len(ms) > 0 {
		x.expect("id", *ms[0].MessageId, *sent.MessageId)
		x.expect("source", ms[0].Attributes["DeadLetterQueueSourceArn"], x.attributes(x.queue)["QueueArn"])
	}
	list, err := x.ListDeadLetterSourceQueues(x.ctx, &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: dead})
	target.Must(t, err)
	if !slices.Equal(list.QueueUrls, []string{*x.queue}) {
		t.Errorf("source queues %v", list.QueueUrls)
	}
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
	for _, m := range ms {
		_, err := x.ChangeMessageVisibility(x.ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: dead, ReceiptHandle: m.ReceiptHandle})
		target.Must(t, err)
	}
	_, err = x.StartMessageMoveTask(x.ctx, &sqs.StartMessageMoveTaskInput{SourceArn: &deadARN})
	target.Must(t, err)
	x.expect("moved back", bodies(x.receive(x.queue, 20)), "poison")
	tasks, err := x.ListMessageMoveTasks(x.ctx, &sqs.ListMessageMoveTasksInput{SourceArn: &deadARN})
	target.Must(t, err)
	if len(tasks.Results) != 1 || *tasks.Results[0].SourceArn != deadARN {
		t.Errorf("tasks %+v", tasks.Results)
	}
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_PurgeQueue.html
func TestPurge(t *testing.T) {
	x := open(t)
	x.send("m")
	_, err := x.PurgeQueue(x.ctx, &sqs.PurgeQueueInput{QueueUrl: x.queue})
	target.Must(t, err)
	_, err = x.PurgeQueue(x.ctx, &sqs.PurgeQueueInput{QueueUrl: x.queue})
	refused[*types.PurgeQueueInProgress](t, err, "AWS.SimpleQueueService.PurgeQueueInProgress")
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_AddPermission.html
func TestPermissions(t *testing.T) {
	x := open(t)
	_, err := x.AddPermission(x.ctx, &sqs.AddPermissionInput{QueueUrl: x.queue, Label: aws.String("let"), AWSAccountIds: []string{account(x)}, Actions: []string{"SendMessage"}})
	target.Must(t, err)
	var p struct {
		Statement []struct{ Sid, Effect, Resource string }
	}
	if err := json.Unmarshal([]byte(x.attributes(x.queue)["Policy"]), &p); err != nil || len(p.Statement) != 1 || p.Statement[0].Sid != "let" || p.Statement[0].Effect != "Allow" {
		t.Errorf("policy %s", x.attributes(x.queue)["Policy"])
	}
	_, err = x.RemovePermission(x.ctx, &sqs.RemovePermissionInput{QueueUrl: x.queue, Label: aws.String("let")})
	target.Must(t, err)
	if p, ok := x.attributes(x.queue)["Policy"]; ok {
		t.Errorf("policy %s", p)
	}
}

// account is the caller's, from the ARN of its queue.
func account(x *suite) string { return strings.Split(x.attributes(x.queue)["QueueArn"], ":")[4] }

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_TagQueue.html
func TestTags(t *testing.T) {
	x := open(t)
	_, err := x.TagQueue(x.ctx, &sqs.TagQueueInput{QueueUrl: x.queue, Tags: map[string]string{"a": "1", "b": "2"}})
	target.Must(t, err)
	_, err = x.UntagQueue(x.ctx, &sqs.UntagQueueInput{QueueUrl: x.queue, TagKeys: []string{"a"}})
	target.Must(t, err)
	out, err := x.ListQueueTags(x.ctx, &sqs.ListQueueTagsInput{QueueUrl: x.queue})
	target.Must(t, err)
	if len(out.Tags) != 1 || out.Tags["b"] != "2" {
		t.Errorf("%v", out.Tags)
	}
}
