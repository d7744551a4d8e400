package sqs_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/arn"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/sources"
)

// localstack#10281: the dead-letter queue of a
// FIFO queue was never filled. floci#1416: nor was
// that of a standard one.
func TestDeadLetters(t *testing.T) {
	for _, suffix := range []string{"", ".fifo"} {
		b := newBed(t)
		dead := b.create("dead"+suffix, "MessageRetentionPeriod", "600")
		q := b.create("q"+suffix, "RedrivePolicy", redrive("dead"+suffix, "2"))
		group := func(in *shapes.SendMessageRequest) {
			if suffix != "" {
				to("g", *in.MessageBody)(in)
			}
		}
		sent := b.send(q, "poison", group)
		b.send(q, "good", group)
		for range 2 {
			ms := b.receive(q)
			expect(b, "received", sorted(ms), "good poison")
			b.advance(30 * time.Second)
		}
		// The third time it is not received but goes, and the rest of its batch
		// had two receives of its own.
		expect(b, "the third time", bodies(b.receive(q)), "")
		expect(b, "left", b.counts(q), "0 0 0")
		ms := b.receive(dead)
		expect(b, "dead letters", sorted(ms), "good poison")
		for _, m := range ms {
			if *m.Body != "poison" {
				continue
			}
			expect(b, "id", *m.MessageId, *sent.MessageId)
			expect(b, "source", m.Attributes["DeadLetterQueueSourceArn"], queueARN+"q"+suffix)
			expect(b, "receives", m.Attributes["ApproximateReceiveCount"], "1")
			if suffix == "" {
				expect(b, "sent", m.Attributes["SentTimestamp"], "1772366400000")
			} else {
				expect(b, "sent", m.Attributes["SentTimestamp"], "1772366460000")
			}
		}
		urls := do(b, shapes.ListDeadLetterSourceQueues, &shapes.ListDeadLetterSourceQueuesRequest{QueueUrl: dead}).QueueUrls
		if len(urls) != 1 || urls[0] != *q {
			t.Errorf("source queues %v", urls)
		}
		// In a standard queue it is as old as when it was sent, in a FIFO queue it
		// is new.
		b.advance(9*time.Minute + time.Second)
		if suffix == "" {
			expect(b, "retention", b.counts(dead), "0 0 0")
		} else {
			expect(b, "retention", b.counts(dead), "2 0 0")
		}
	}
}

// A message that has been received often enough keeps those of its group waiting no
// longer than until the next receive.
func TestDeadLetterOfAGroup(t *testing.T) {
	b := newBed(t)
	b.create("dead.fifo")
	q := b.create("q.fifo", "RedrivePolicy", redrive("dead.fifo", "1"), "ContentBasedDeduplication", "true")
	b.send(q, "1", to("g", ""))
	b.send(q, "2", to("g", ""))
	expect(b, "received", bodies(b.receive(q, most(1))), "1")
	b.advance(30 * time.Second)
	expect(b, "received", bodies(b.receive(q, most(1))), "2")
	expect(b, "counts", b.counts(q), "0 1 0")
}

func TestRedrivePolicies(t *testing.T) {
	b := newBed(t)
	dead := b.create("dead")
	b.create("dead.fifo")
	q := b.create("q")
	for _, policy := range []string{
		"x", `{}`, `{"deadLetterTargetArn":"` + queueARN + `dead"}`, redrive("dead", "0"), redrive("dead", "1001"), redrive("none", "1"), redrive("dead.fifo", "1"),
		`{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:123456789012:dead","maxReceiveCount":1}`,
	} {
		refused(b, "InvalidParameterValue", shapes.SetQueueAttributes, &shapes.SetQueueAttributesRequest{QueueUrl: q, Attributes: pairs([]string{"RedrivePolicy", policy})})
	}
	b.set(q, "RedrivePolicy", redrive("dead", `"5"`))
	b.set(q, "RedrivePolicy", "")
	if p := b.attributes(q)["RedrivePolicy"]; p != "" {
		t.Errorf("it is still %s", p)
	}
	b.set(dead, "RedriveAllowPolicy", `{"redrivePermission":"denyAll"}`)
	refused(b, "InvalidParameterValue", shapes.SetQueueAttributes, &shapes.SetQueueAttributesRequest{QueueUrl: q, Attributes: pairs([]string{"RedrivePolicy", redrive("dead", "5")})})
	b.set(dead, "RedriveAllowPolicy", `{"redrivePermission":"byQueue","sourceQueueArns":["`+queueARN+`q"]}`)
	b.set(q, "RedrivePolicy", redrive("dead", "5"))
	refused(b, "InvalidParameterValue", shapes.SetQueueAttributes, &shapes.SetQueueAttributesRequest{QueueUrl: dead, Attributes: pairs([]string{"RedriveAllowPolicy", `{"redrivePermission":"byQueue"}`})})
}

func TestMoveTasks(t *testing.T) {
	for _, suffix := range []string{"", ".fifo"} {
		b := newBed(t)
		dead := b.create("dead" + suffix)
		q := b.create("q"+suffix, "RedrivePolicy", redrive("dead"+suffix, "1"))
		group := func(in *shapes.SendMessageRequest) {
			if suffix != "" {
				to("g", *in.MessageBody)(in)
			}
		}
		for _, body := range []string{"1", "2", "3"} {
			b.send(q, body, group)
		}
		b.receive(q)
		b.advance(30 * time.Second)
		b.receive(q)
		expect(b, "dead", b.counts(dead), "3 0 0")
		source := queueARN + "dead" + suffix
		refused(b, "InvalidParameterValue", shapes.StartMessageMoveTask, &shapes.StartMessageMoveTaskRequest{SourceArn: ptr(queueARN + "q" + suffix)})
		refused(b, "ResourceNotFoundException", shapes.StartMessageMoveTask, &shapes.StartMessageMoveTaskRequest{SourceArn: ptr(queueARN + "none" + suffix)})
		task := do(b, shapes.StartMessageMoveTask, &shapes.StartMessageMoveTaskRequest{SourceArn: &source, MaxNumberOfMessagesPerSecond: ptr(int32(1))})
		b.settle()
		list := func() shapes.ListMessageMoveTasksResultEntry {
			return do(b, shapes.ListMessageMoveTasks, &shapes.ListMessageMoveTasksRequest{SourceArn: &source}).Results[0]
		}
		expect(b, "at first", *list().ApproximateNumberOfMessagesMoved, 1)
		expect(b, "to move", *list().ApproximateNumberOfMessagesToMove, 3)
		refused(b, "UnsupportedOperation", shapes.StartMessageMoveTask, &shapes.StartMessageMoveTaskRequest{SourceArn: &source})
		b.advance(time.Second)
		expect(b, "after a second", *list().ApproximateNumberOfMessagesMoved, 2)
		expect(b, "cancelled", *do(b, shapes.CancelMessageMoveTask, &shapes.CancelMessageMoveTaskRequest{TaskHandle: task.TaskHandle}).ApproximateNumberOfMessagesMoved, 2)
		b.advance(time.Minute)
		expect(b, "state", *list().Status, "CANCELLED")
		refused(b, "UnsupportedOperation", shapes.CancelMessageMoveTask, &shapes.CancelMessageMoveTaskRequest{TaskHandle: task.TaskHandle})
		refused(b, "ResourceNotFoundException", shapes.CancelMessageMoveTask, &shapes.CancelMessageMoveTaskRequest{TaskHandle: ptr("x")})
		again := do(b, shapes.StartMessageMoveTask, &shapes.StartMessageMoveTaskRequest{SourceArn: &source})
		forged, err := base64.StdEncoding.DecodeString(*again.TaskHandle)
		if err != nil {
			t.Fatal(err)
		}
		// Whoever may touch another queue has no right to this one's tasks.
		handle := base64.StdEncoding.EncodeToString(bytes.Replace(forged, []byte(":dead"), []byte(":q"), 1))
		refused(b, "ResourceNotFoundException", shapes.CancelMessageMoveTask, &shapes.CancelMessageMoveTaskRequest{TaskHandle: &handle})
		b.settle()
		expect(b, "state", *list().Status, "COMPLETED")
		expect(b, "left", b.counts(dead), "0 0 0")
		expect(b, "back", sorted(b.receive(q)), "1 2 3")
	}
}

// What one commit takes bounds how many messages move in it: also large ones come
// to the dead-letter queue, and back.
func TestLargeMessagesMove(t *testing.T) {
	b := newBed(t)
	dead := b.create("dead")
	q := b.create("q", "RedrivePolicy", redrive("dead", "1"), "VisibilityTimeout", "1")
	for range 20 {
		b.send(q, strings.Repeat("x", 1<<20))
	}
	receive := func() int {
		r, err := b.s.Queues().Receive(b.ctx, arn.ARN(queueARN+"q"), sources.Portion{Messages: 50, Bytes: 100 << 20}, 0)
		if err != nil {
			t.Fatal(err)
		}
		return len(r.Messages)
	}
	expect(b, "received", receive(), 20)
	b.advance(time.Second)
	expect(b, "received too often", receive(), 0)
	expect(b, "dead", b.counts(dead), "20 0 0")
	source := queueARN + "dead"
	do(b, shapes.StartMessageMoveTask, &shapes.StartMessageMoveTaskRequest{SourceArn: &source})
	b.settle()
	expect(b, "left", b.counts(dead), "0 0 0")
	expect(b, "back", b.counts(q), "20 0 0")
	moves := do(b, shapes.ListMessageMoveTasks, &shapes.ListMessageMoveTasksRequest{SourceArn: &source}).Results
	expect(b, "moved", *moves[0].ApproximateNumberOfMessagesMoved, 20)
	expect(b, "state", *moves[0].Status, "COMPLETED")
}
