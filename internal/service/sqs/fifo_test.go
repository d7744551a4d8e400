package sqs_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
)

// localstack#7036: messages of a group came out
// of order.
func TestGroupsInOrder(t *testing.T) {
	b := newBed(t)
	q := b.create("q.fifo", "ContentBasedDeduplication", "true")
	for i := range 30 {
		b.send(q, []string{"a", "b", "c"}[i%3]+strconv.Itoa(i/3), to([]string{"a", "b", "c"}[i%3], ""))
	}
	next := map[byte]int{}
	for range 30 {
		ms := b.receive(q, most(1))
		if len(ms) != 1 {
			t.Fatal("nothing to receive")
		}
		group := (*ms[0].Body)[0]
		expect(b, "in group "+string(group), (*ms[0].Body)[1:], strconv.Itoa(next[group]))
		if next[group]%3 == 1 && ms[0].Attributes["ApproximateReceiveCount"] == "1" {
			b.hold(q, ms[0], 0) // what is given back comes again before its successors
			ms = b.receive(q, most(10))
			for _, m := range ms {
				if (*m.Body)[0] != group {
					b.hold(q, m, 0)
				}
			}
			first := ""
			for _, m := range ms {
				if (*m.Body)[0] == group {
					if first == "" {
						first = (*m.Body)[1:]
						b.delete(q, m)
					} else {
						b.hold(q, m, 0)
					}
				}
			}
			expect(b, "after it was given back", first, strconv.Itoa(next[group]))
			next[group]++
			continue
		}
		b.delete(q, ms[0])
		next[group]++
	}
	expect(b, "counts", b.counts(q), "0 0 0")
}

// While a message of a group is in flight nobody gets one that follows it.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
func TestGroupIsLocked(t *testing.T) {
	b := newBed(t)
	q := b.create("q.fifo", "ContentBasedDeduplication", "true")
	for _, m := range strings.Fields("a1 a2 a3 b1") {
		b.send(q, m, to(m[:1], ""))
	}
	first := b.receive(q, most(2))
	expect(b, "as many of a group as there are", bodies(first), "a1 a2")
	expect(b, "another group", bodies(b.receive(q)), "b1")
	b.delete(q, first[0])
	expect(b, "one is still in flight", bodies(b.receive(q)), "")
	expect(b, "counts", b.counts(q), "1 2 0")
	b.hold(q, first[1], 60)
	b.advance(30 * time.Second)
	expect(b, "the other group's is visible", bodies(b.receive(q)), "b1")
	b.advance(30 * time.Second)
	expect(b, "then what was in flight, and what follows", bodies(b.receive(q)), "a2 a3 b1")
	// A handle whose visibility has ended deletes nothing in a FIFO queue.
	b.advance(30 * time.Second)
	refused(b, "InvalidParameterValue", shapes.DeleteMessage, &shapes.DeleteMessageRequest{QueueUrl: q, ReceiptHandle: b.receiveAndForget(q)})
}

// What was received with others and is held for longer holds up what follows it, and
// nothing before it. localstack#12457: what
// followed was received; localstack PR#13386: as it is
// on AWS.
func TestHeldForLonger(t *testing.T) {
	for held, want := range map[int]string{0: "", 1: "1", 2: "1 2"} {
		b := newBed(t)
		q := b.create("q.fifo", "ContentBasedDeduplication", "true")
		for _, m := range strings.Fields("1 2 3") {
			b.send(q, m, to("g", ""))
		}
		b.hold(q, b.receive(q)[held], 60)
		b.advance(30 * time.Second)
		expect(b, "before the end", bodies(b.receive(q, invisible(0))), want)
		b.advance(30 * time.Second)
		expect(b, "at the end", bodies(b.receive(q)), "1 2 3")
	}
}

// receiveAndForget receives a message and lets its visibility end.
func (b *bed) receiveAndForget(q *string) *string {
	m := b.receive(q)[0]
	b.advance(30 * time.Second)
	return m.ReceiptHandle
}

// ministack#1326: the window was not five
// minutes.
func TestDeduplicationIsFiveMinutes(t *testing.T) {
	b := newBed(t)
	q := b.create("q.fifo")
	start := b.send(q, "1", to("g", "id"))
	b.delete(q, b.receive(q)...)
	b.advance(4*time.Minute + 59*time.Second)
	again := b.send(q, "2", to("h", "id"))
	expect(b, "the id of the first", *again.MessageId, *start.MessageId)
	expect(b, "its number", *again.SequenceNumber, *start.SequenceNumber)
	expect(b, "received", bodies(b.receive(q)), "")
	b.advance(time.Second)
	b.send(q, "3", to("g", "id"))
	expect(b, "after five minutes", bodies(b.receive(q)), "3")
	b.send(q, "4", to("g", "id"))
	expect(b, "five more minutes have begun", b.counts(q), "0 1 0")
}

func TestDeduplicationScopes(t *testing.T) {
	b := newBed(t)
	q := b.create("q.fifo", "ContentBasedDeduplication", "true", "DeduplicationScope", "messageGroup", "FifoThroughputLimit", "perMessageGroupId")
	b.send(q, "x", to("a", ""))
	b.send(q, "x", to("b", ""))
	b.send(q, "x", to("a", ""))
	b.send(q, "y", to("a", "x"))
	expect(b, "one for each group, and the explicit id", sorted(b.receive(q)), "x x y")
	out := do(b, shapes.SendMessageBatch, &shapes.SendMessageBatchRequest{QueueUrl: q, Entries: []shapes.SendMessageBatchRequestEntry{
		{Id: ptr("1"), MessageBody: ptr("m"), MessageGroupId: ptr("c")}, {Id: ptr("2"), MessageBody: ptr("m"), MessageGroupId: ptr("c")},
	}})
	expect(b, "one in a batch", *out.Successful[0].MessageId, *out.Successful[1].MessageId)
	expect(b, "its number", *out.Successful[0].SequenceNumber, *out.Successful[1].SequenceNumber)
	expect(b, "received", bodies(b.receive(q)), "m")
}

func TestFIFORules(t *testing.T) {
	b := newBed(t)
	q := b.create("q.fifo")
	for code, in := range map[string][]*shapes.SendMessageRequest{
		"MissingParameter": {{MessageBody: ptr("m"), MessageDeduplicationId: ptr("d")}},
		"InvalidParameterValue": {
			{MessageBody: ptr("m"), MessageGroupId: ptr("g")}, {MessageBody: ptr("m"), MessageGroupId: ptr("g g"), MessageDeduplicationId: ptr("d")},
			{MessageBody: ptr("m"), MessageGroupId: ptr("g"), MessageDeduplicationId: ptr("d"), DelaySeconds: ptr(int32(1))},
		},
	} {
		for _, in := range in {
			in.QueueUrl = q
			refused(b, code, shapes.SendMessage, in)
		}
	}
	refused(b, "InvalidParameterValue", shapes.CreateQueue, &shapes.CreateQueueRequest{QueueName: ptr("x.fifo")})
	refused(b, "InvalidParameterValue", shapes.CreateQueue, &shapes.CreateQueueRequest{QueueName: ptr("x"), Attributes: pairs([]string{"FifoQueue", "true"})})
	refused(b, "InvalidAttributeName", shapes.CreateQueue, &shapes.CreateQueueRequest{QueueName: ptr("x"), Attributes: pairs([]string{"ContentBasedDeduplication", "true"})})
	refused(b, "InvalidParameterValue", shapes.SetQueueAttributes, &shapes.SetQueueAttributesRequest{QueueUrl: q, Attributes: pairs([]string{"FifoThroughputLimit", "perMessageGroupId"})})
}

func TestFIFODelay(t *testing.T) {
	b := newBed(t)
	q := b.create("q.fifo", "ContentBasedDeduplication", "true", "DelaySeconds", "10")
	b.send(q, "1", to("g", ""))
	b.advance(5 * time.Second)
	b.send(q, "2", to("g", ""))
	b.advance(5 * time.Second)
	ms := b.receive(q)
	expect(b, "after 10 s", bodies(ms), "1")
	b.delete(q, ms...)
	expect(b, "the next is delayed", bodies(b.receive(q)), "")
	b.advance(5 * time.Second)
	expect(b, "after 10 s more", bodies(b.receive(q)), "2")
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-receiverequestattemptid-request-parameter.html
func TestReceiveAttempts(t *testing.T) {
	b := newBed(t)
	q := b.create("q.fifo", "ContentBasedDeduplication", "true")
	b.send(q, "1", to("a", ""))
	b.send(q, "2", to("b", ""))
	attempt := func(in *shapes.ReceiveMessageRequest) { in.ReceiveRequestAttemptId = ptr("once") }
	first := b.receive(q, attempt)
	b.advance(20 * time.Second)
	second := b.receive(q, attempt)
	expect(b, "the same", sorted(second), sorted(first))
	handles := map[string]string{}
	for _, m := range first {
		handles[*m.Body] = *m.ReceiptHandle
	}
	for _, m := range second {
		expect(b, "handle of "+*m.Body, *m.ReceiptHandle, handles[*m.Body])
	}
	b.advance(20 * time.Second)
	expect(b, "the visibility began again", b.counts(q), "0 2 0")
	b.delete(q, second[0])
	expect(b, "after one of them has gone", bodies(b.receive(q, attempt)), "")
	refused(b, "InvalidParameterValue", shapes.ReceiveMessage, &shapes.ReceiveMessageRequest{QueueUrl: b.create("s"), ReceiveRequestAttemptId: ptr("x")})
}

// A group that is used again and again is as quick as a new one: nothing of it is
// left behind when it is empty.
func TestGroupIsForgotten(t *testing.T) {
	b := newBed(t)
	q := b.create("q.fifo")
	for i := range 50 {
		id := strconv.Itoa(i)
		b.send(q, id, to("g", id))
		ms := b.receive(q)
		expect(b, "received", bodies(ms), id)
		b.delete(q, ms...)
	}
	expect(b, "counts", b.counts(q), "0 0 0")
}

// What counts is counted from the store after a start: of a group whose messages are
// delayed all of them.
func TestCountsAfterAStart(t *testing.T) {
	db := kv.Open(memkv.New())
	defer db.Close()
	b := makeBed(t, db, clock.Unix(noon, 0))
	q := b.create("q.fifo", "ContentBasedDeduplication", "true", "DelaySeconds", "60")
	b.send(q, "1", to("g", ""))
	b.advance(30 * time.Second)
	b.send(q, "2", to("g", ""))
	b.send(q, "3", to("h", ""))
	b.advance(40 * time.Second)
	b.send(q, "4", to("g", ""))
	b.receive(q, most(1))
	expect(b, "before", b.counts(q), "0 1 3")
	b.settle()
	b.stop()
	b = makeBed(t, db, b.clock.Now())
	defer b.stop()
	expect(b, "after", b.counts(q), "0 1 3")
	b.advance(25 * time.Second)
	expect(b, "later", b.counts(q), "2 1 1")
}
