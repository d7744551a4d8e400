package sqs_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/work"
)

func TestSendReceiveDelete(t *testing.T) {
	b := newBed(t)
	q := b.create("q")
	sent := b.send(q, "hello", func(in *shapes.SendMessageRequest) {
		in.MessageAttributes = map[string]shapes.MessageAttributeValue{
			"text": {DataType: ptr("String"), StringValue: ptr("é")}, "count": {DataType: ptr("Number.int"), StringValue: ptr("7")},
			"bytes": {DataType: ptr("Binary.gif"), BinaryValue: []byte{0, 255}},
		}
		in.MessageSystemAttributes = map[string]shapes.MessageSystemAttributeValue{
			"AWSTraceHeader": {DataType: ptr("String"), StringValue: ptr("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")},
		}
	})
	expect(b, "digest of the body", *sent.MD5OfMessageBody, "5d41402abc4b2a76b9719d911017c592")
	ms := b.receive(q)
	if len(ms) != 1 {
		t.Fatalf("%d messages", len(ms))
	}
	m := ms[0]
	expect(b, "id", *m.MessageId, *sent.MessageId)
	expect(b, "digest of the attributes", *m.MD5OfMessageAttributes, *sent.MD5OfMessageAttributes)
	expect(b, "digest of the body", *m.MD5OfBody, *sent.MD5OfMessageBody)
	want := map[string]string{
		"SenderId": account, "SentTimestamp": "1772366400000", "ApproximateReceiveCount": "1", "ApproximateFirstReceiveTimestamp": "1772366400000",
		"AWSTraceHeader": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
	}
	if diff := cmp.Diff(want, m.Attributes); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	wantAttributes := map[string]shapes.MessageAttributeValue{
		"text": {DataType: ptr("String"), StringValue: ptr("é")}, "count": {DataType: ptr("Number.int"), StringValue: ptr("7")},
		"bytes": {DataType: ptr("Binary.gif"), BinaryValue: []byte{0, 255}},
	}
	if diff := cmp.Diff(wantAttributes, m.MessageAttributes); diff != "" {
		t.Errorf("message attributes (-want +got):\n%s", diff)
	}
	expect(b, "counts in flight", b.counts(q), "0 1 0")
	b.delete(q, m)
	expect(b, "counts afterwards", b.counts(q), "0 0 0")
	b.advance(time.Hour)
	expect(b, "after its visibility", bodies(b.receive(q)), "")
}

// What is asked for is given, by name or by how it begins, and the digest is that of
// what is given.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
func TestAttributesThatAreAskedFor(t *testing.T) {
	b := newBed(t)
	q := b.create("q")
	text := func(v string) shapes.MessageAttributeValue {
		return shapes.MessageAttributeValue{DataType: ptr("String"), StringValue: &v}
	}
	for _, test := range []struct {
		names []string
		want  []string
	}{{nil, nil}, {[]string{"All"}, []string{"a.x", "a.y", "b"}}, {[]string{".*"}, []string{"a.x", "a.y", "b"}}, {[]string{"a.*"}, []string{"a.x", "a.y"}}, {[]string{"b", "c"}, []string{"b"}}} {
		b.send(q, "m", func(in *shapes.SendMessageRequest) {
			in.MessageAttributes = map[string]shapes.MessageAttributeValue{"a.x": text("1"), "a.y": text("2"), "b": text("3")}
		})
		m := b.receive(q, func(in *shapes.ReceiveMessageRequest) { in.MessageAttributeNames, in.AttributeNames = test.names, nil })[0]
		if len(m.MessageAttributes) != len(test.want) || (m.MD5OfMessageAttributes == nil) != (len(test.want) == 0) {
			t.Errorf("%v: got %v", test.names, m.MessageAttributes)
		}
		for _, name := range test.want {
			if m.MessageAttributes[name].DataType == nil {
				t.Errorf("%v: %s is missing", test.names, name)
			}
		}
		if m.Attributes != nil {
			t.Errorf("system attributes that nobody asked for: %v", m.Attributes)
		}
		b.delete(q, m)
	}
}

func TestVisibility(t *testing.T) {
	b := newBed(t)
	q := b.create("q", "VisibilityTimeout", "30")
	b.send(q, "m")
	first := b.receive(q)[0]
	expect(b, "in flight", bodies(b.receive(q)), "")
	b.advance(29 * time.Second)
	expect(b, "just before", bodies(b.receive(q)), "")
	b.advance(time.Second)
	second := b.receive(q)[0]
	expect(b, "receives", second.Attributes["ApproximateReceiveCount"], "2")
	expect(b, "first", second.Attributes["ApproximateFirstReceiveTimestamp"], first.Attributes["ApproximateFirstReceiveTimestamp"])
	if *first.ReceiptHandle == *second.ReceiptHandle {
		t.Error("two receives have one handle")
	}
	// An older handle deletes nothing, and is no error.
	b.delete(q, first)
	expect(b, "counts", b.counts(q), "0 1 0")
	refused(b, "MessageNotInflight", shapes.ChangeMessageVisibility, &shapes.ChangeMessageVisibilityRequest{QueueUrl: q, ReceiptHandle: first.ReceiptHandle, VisibilityTimeout: ptr(int32(1))})
	b.hold(q, second, 0)
	expect(b, "given back", b.counts(q), "1 0 0")
	third := b.receive(q)[0]
	b.hold(q, third, 3600)
	b.advance(59 * time.Minute)
	expect(b, "held longer", bodies(b.receive(q)), "")
	// Twelve hours from when it was received are the most.
	refused(b, "InvalidParameterValue", shapes.ChangeMessageVisibility, &shapes.ChangeMessageVisibilityRequest{QueueUrl: q, ReceiptHandle: third.ReceiptHandle, VisibilityTimeout: ptr(int32(43200))})
	refused(b, "InvalidParameterValue", shapes.ChangeMessageVisibility, &shapes.ChangeMessageVisibilityRequest{QueueUrl: q, ReceiptHandle: third.ReceiptHandle, VisibilityTimeout: ptr(int32(43201))})
	b.advance(time.Minute)
	refused(b, "MessageNotInflight", shapes.ChangeMessageVisibility, &shapes.ChangeMessageVisibilityRequest{QueueUrl: q, ReceiptHandle: third.ReceiptHandle, VisibilityTimeout: ptr(int32(1))})
	b.delete(q, third) // it is visible, and nobody else has it
	expect(b, "counts", b.counts(q), "0 0 0")
	refused(b, "InvalidParameterValue", shapes.ChangeMessageVisibility, &shapes.ChangeMessageVisibilityRequest{QueueUrl: q, ReceiptHandle: third.ReceiptHandle, VisibilityTimeout: ptr(int32(1))})
	refused(b, "ReceiptHandleIsInvalid", shapes.DeleteMessage, &shapes.DeleteMessageRequest{QueueUrl: q, ReceiptHandle: ptr("nonsense")})
	other := b.create("other")
	refused(b, "ReceiptHandleIsInvalid", shapes.DeleteMessage, &shapes.DeleteMessageRequest{QueueUrl: other, ReceiptHandle: third.ReceiptHandle})
}

func TestReceivedWithoutVisibility(t *testing.T) {
	b := newBed(t)
	q := b.create("q")
	b.send(q, "m")
	for range 3 {
		expect(b, "received", bodies(b.receive(q, most(1), invisible(0))), "m")
	}
	expect(b, "counts", b.counts(q), "1 0 0")
}

// localstack#1207: the delay was ignored.
func TestDelayIsKept(t *testing.T) {
	b := newBed(t)
	q := b.create("q", "DelaySeconds", "10")
	b.send(q, "queue")
	b.send(q, "none", late(0))
	b.send(q, "longer", late(900))
	expect(b, "counts", b.counts(q), "1 0 2")
	expect(b, "at once", bodies(b.receive(q)), "none")
	b.advance(9 * time.Second)
	expect(b, "after 9 s", bodies(b.receive(q)), "")
	b.advance(time.Second)
	expect(b, "after 10 s", bodies(b.receive(q)), "queue")
	b.advance(889 * time.Second)
	expect(b, "counts", b.counts(q), "2 0 1")
	b.advance(time.Second)
	expect(b, "after 900 s", sorted(b.receive(q)), "longer none queue")
	// The queue's delay is that of the moment at which a message is sent.
	b.set(q, "DelaySeconds", "0")
	b.send(q, "now")
	expect(b, "without a delay", bodies(b.receive(q)), "now")
	refused(b, "InvalidParameterValue", shapes.SendMessage, &shapes.SendMessageRequest{QueueUrl: q, MessageBody: ptr("m"), DelaySeconds: ptr(int32(901))})
}

func TestBatches(t *testing.T) {
	b := newBed(t)
	q := b.create("q")
	out := do(b, shapes.SendMessageBatch, &shapes.SendMessageBatchRequest{QueueUrl: q, Entries: []shapes.SendMessageBatchRequestEntry{
		{Id: ptr("a"), MessageBody: ptr("1")}, {Id: ptr("b"), MessageBody: ptr("\x01")}, {Id: ptr("c"), MessageBody: ptr("3")},
	}})
	if len(out.Successful) != 2 || len(out.Failed) != 1 || *out.Failed[0].Id != "b" || *out.Failed[0].Code != "InvalidMessageContents" || !*out.Failed[0].SenderFault {
		t.Errorf("batch with a bad entry: %+v", out)
	}
	ms := b.receive(q)
	expect(b, "received", sorted(ms), "1 3")
	held := do(b, shapes.ChangeMessageVisibilityBatch, &shapes.ChangeMessageVisibilityBatchRequest{QueueUrl: q, Entries: []shapes.ChangeMessageVisibilityBatchRequestEntry{
		{Id: ptr("a"), ReceiptHandle: ms[0].ReceiptHandle, VisibilityTimeout: ptr(int32(0))}, {Id: ptr("b"), ReceiptHandle: ptr("x"), VisibilityTimeout: ptr(int32(0))},
	}})
	if len(held.Successful) != 1 || len(held.Failed) != 1 || *held.Failed[0].Code != "ReceiptHandleIsInvalid" {
		t.Errorf("changes: %+v", held)
	}
	gone := do(b, shapes.DeleteMessageBatch, &shapes.DeleteMessageBatchRequest{QueueUrl: q, Entries: []shapes.DeleteMessageBatchRequestEntry{
		{Id: ptr("a"), ReceiptHandle: ms[0].ReceiptHandle}, {Id: ptr("b"), ReceiptHandle: ms[1].ReceiptHandle}, {Id: ptr("c"), ReceiptHandle: ptr("x")},
	}})
	if len(gone.Successful) != 2 || len(gone.Failed) != 1 {
		t.Errorf("deletions: %+v", gone)
	}
	expect(b, "counts", b.counts(q), "0 0 0")
	entry := func(id string) shapes.SendMessageBatchRequestEntry {
		return shapes.SendMessageBatchRequestEntry{Id: &id, MessageBody: ptr("m")}
	}
	for code, entries := range map[string][]shapes.SendMessageBatchRequestEntry{
		"EmptyBatchRequest":            {},
		"BatchEntryIdsNotDistinct":     {entry("a"), entry("a")},
		"InvalidBatchEntryId":          {entry("a b")},
		"TooManyEntriesInBatchRequest": {entry("1"), entry("2"), entry("3"), entry("4"), entry("5"), entry("6"), entry("7"), entry("8"), entry("9"), entry("10"), entry("11")},
	} {
		refused(b, code, shapes.SendMessageBatch, &shapes.SendMessageBatchRequest{QueueUrl: q, Entries: entries})
	}
}

// A message of 1 MiB with its attributes is the largest, and a batch as well.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
func TestSizes(t *testing.T) {
	b := newBed(t)
	q := b.create("q")
	big := make([]byte, 1<<20)
	for i := range big {
		big[i] = 'x'
	}
	b.send(q, string(big))
	if got := b.receive(q); len(got) != 1 || *got[0].Body != string(big) {
		t.Error("a message of 1 MiB did not arrive as it was sent")
	}
	refused(b, "InvalidParameterValue", shapes.SendMessage, &shapes.SendMessageRequest{QueueUrl: q, MessageBody: ptr(string(big) + "x")})
	refused(b, "InvalidParameterValue", shapes.SendMessage, &shapes.SendMessageRequest{QueueUrl: q, MessageBody: ptr(string(big)), MessageAttributes: map[string]shapes.MessageAttributeValue{
		"a": {DataType: ptr("String"), StringValue: ptr("b")},
	}})
	half := string(big[:1<<19])
	refused(b, "BatchRequestTooLong", shapes.SendMessageBatch, &shapes.SendMessageBatchRequest{QueueUrl: q, Entries: []shapes.SendMessageBatchRequestEntry{
		{Id: ptr("1"), MessageBody: &half}, {Id: ptr("2"), MessageBody: ptr(half + "x")},
	}})
	b.set(q, "MaximumMessageSize", "1024")
	refused(b, "InvalidParameterValue", shapes.SendMessage, &shapes.SendMessageRequest{QueueUrl: q, MessageBody: ptr(string(big[:1025]))})
	b.send(q, string(big[:1024]))
}

func TestContents(t *testing.T) {
	b := newBed(t)
	q := b.create("q")
	for _, body := range []string{"\t\n\r ~", "é世\U0001F600", "\uFFFD", "\uE000"} {
		b.send(q, body)
	}
	for _, body := range []string{"\x00", "a\x0bb", "\uFFFE", "\xff"} {
		refused(b, "InvalidMessageContents", shapes.SendMessage, &shapes.SendMessageRequest{QueueUrl: q, MessageBody: &body})
	}
	refused(b, "MissingParameter", shapes.SendMessage, &shapes.SendMessageRequest{QueueUrl: q, MessageBody: ptr("")})
	refused(b, "MissingParameter", shapes.SendMessage, &shapes.SendMessageRequest{QueueUrl: q})
	value := func(kind, text string) shapes.MessageAttributeValue {
		return shapes.MessageAttributeValue{DataType: &kind, StringValue: &text}
	}
	for name, v := range map[string]shapes.MessageAttributeValue{
		"AWS.x": value("String", "a"), "a..b": value("String", "a"), ".a": value("String", "a"), "a b": value("String", "a"), "empty": value("String", ""),
		"number": value("Number", "1x"), "kind": value("Strings", "a"), "none": value("", "a"), "bytes": {DataType: ptr("Binary")},
	} {
		refused(b, "InvalidParameterValue", shapes.SendMessage, &shapes.SendMessageRequest{QueueUrl: q, MessageBody: ptr("m"), MessageAttributes: map[string]shapes.MessageAttributeValue{name: v}})
	}
	for _, v := range []string{"1", "-1.5e+10", ".5"} {
		b.send(q, "m", func(in *shapes.SendMessageRequest) {
			in.MessageAttributes = map[string]shapes.MessageAttributeValue{"n": value("Number", v)}
		})
	}
	many := map[string]shapes.MessageAttributeValue{}
	for _, c := range "abcdefghijk" {
		many[string(c)] = value("String", "x")
	}
	refused(b, "InvalidParameterValue", shapes.SendMessage, &shapes.SendMessageRequest{QueueUrl: q, MessageBody: ptr("m"), MessageAttributes: many})
	refused(b, "InvalidParameterValue", shapes.SendMessage, &shapes.SendMessageRequest{QueueUrl: q, MessageBody: ptr("m"), MessageDeduplicationId: ptr("d")})
}

func TestInFlightLimit(t *testing.T) {
	b := newBed(t, limitInFlight)
	q := b.create("q")
	f := b.create("f.fifo", "ContentBasedDeduplication", "true")
	for _, body := range []string{"1", "2", "3"} {
		b.send(q, body)
		b.send(f, body, to(body, ""))
	}
	expect(b, "received", len(b.receive(q, most(2))), 2)
	refused(b, "OverLimit", shapes.ReceiveMessage, &shapes.ReceiveMessageRequest{QueueUrl: q})
	expect(b, "received", len(b.receive(f, most(2))), 2)
	expect(b, "a FIFO queue says nothing", len(b.receive(f)), 0)
	b.advance(30 * time.Second)
	expect(b, "after the visibility", len(b.receive(q, most(1))), 1)
}

func TestPurge(t *testing.T) {
	b := newBed(t)
	q := b.create("q")
	b.send(q, "1")
	held := b.receive(q)
	b.send(q, "2")
	b.send(q, "3", late(60))
	do(b, shapes.PurgeQueue, &shapes.PurgeQueueRequest{QueueUrl: q})
	expect(b, "counts", b.counts(q), "0 0 0")
	b.delete(q, held...)
	refused(b, "PurgeQueueInProgress", shapes.PurgeQueue, &shapes.PurgeQueueRequest{QueueUrl: q})
	b.send(q, "4")
	b.advance(time.Minute)
	expect(b, "received", bodies(b.receive(q)), "4")
	do(b, shapes.PurgeQueue, &shapes.PurgeQueueRequest{QueueUrl: q})
}

func TestRetention(t *testing.T) {
	for _, name := range []string{"q", "q.fifo"} {
		b := newBed(t)
		q := b.create(name, "MessageRetentionPeriod", "60")
		add := func(body string) {
			b.send(q, body, func(in *shapes.SendMessageRequest) {
				if name != "q" {
					to("g", body)(in)
				}
			})
		}
		add("1")
		b.receive(q)
		b.advance(30 * time.Second)
		add("2")
		b.advance(29 * time.Second)
		expect(b, name+": just before", b.counts(q), "2 0 0")
		b.advance(time.Second)
		expect(b, name+": after a minute", b.counts(q), "1 0 0")
		expect(b, name+": received", bodies(b.receive(q, invisible(0))), "2")
		b.set(q, "MessageRetentionPeriod", "120")
		b.advance(89 * time.Second)
		expect(b, name+": kept longer", b.counts(q), "1 0 0")
		b.set(q, "MessageRetentionPeriod", "60")
		b.settle()
		expect(b, name+": kept shorter", b.counts(q), "0 0 0")
		if r := b.settle(); !r.Recurring.IsZero() {
			t.Errorf("%s: the empty queue has a timer, at %s", name, r.Recurring)
		}
	}
}

// What only the world outside can move does not keep the cloud from being settled;
// a delay is an instant at which something happens.
func TestSettled(t *testing.T) {
	b := newBed(t)
	q := b.create("q")
	b.send(q, "1")
	b.send(q, "2")
	b.receive(q, most(1))
	r := b.settle()
	expect(b, "external", r.External, 2)
	if !r.Next.IsZero() {
		t.Errorf("next %s", r.Next)
	}
	b.send(q, "3", late(5))
	r = b.settle()
	expect(b, "next", r.Next, b.clock.Now().Add(5*time.Second))
	expect(b, "external", r.External, 3)
	arn := "arn:aws:sqs:us-east-1:" + account + ":q"
	expect(b, "what waits", fmt.Sprint(r.Waits), fmt.Sprint([]work.Wait{
		{What: "queue " + arn, Count: 3, External: true}, {What: "message becomes visible in queue " + arn, At: r.Next},
		{What: "timer: sqs: retention", At: r.Recurring, Recurs: true, Timer: true},
	}))
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
func TestNoisyTenantDelaysNobodyElse(t *testing.T) {
	b := newBed(t)
	q := b.create("q")
	for range 200 {
		b.send(q, "noisy", to("noisy", ""))
	}
	b.send(q, "quiet", to("quiet", ""))
	for i := range 4 {
		for _, m := range b.receive(q) {
			if m.Attributes["MessageGroupId"] == "quiet" {
				return
			}
			if i == 3 {
				t.Fatal("the quiet tenant's message is behind those of the noisy one")
			}
		}
	}
}
