package sqs_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/awsapi/awstest"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sqs"
)

// floci#768: a list of what a sweep of the .NET
// SDK's tests found.
func TestConformanceList(t *testing.T) {
	b := newBed(t)
	q := b.create("q")
	if out := do(b, shapes.ReceiveMessage, &shapes.ReceiveMessageRequest{QueueUrl: q}); out.Messages != nil {
		t.Error("an empty receive has an empty list, where AWS leaves it out")
	}
	b.send(q, "m")
	m := b.receive(q, func(in *shapes.ReceiveMessageRequest) {
		in.AttributeNames, in.MessageSystemAttributeNames = nil, []string{"SentTimestamp", "ApproximateReceiveCount"}
	})[0]
	if len(m.Attributes) != 2 || m.Attributes["SentTimestamp"] == "" {
		t.Errorf("attributes %v, want the two that were asked for", m.Attributes)
	}
	b.set(q, "MaximumMessageSize", "1024")
	refused(b, "InvalidParameterValue", shapes.SendMessage, &shapes.SendMessageRequest{QueueUrl: q, MessageBody: ptr(strings.Repeat("x", 1025))})
	do(b, shapes.AddPermission, &shapes.AddPermissionRequest{QueueUrl: q, Label: ptr("l"), AWSAccountIds: []string{account}, Actions: []string{"*"}})
	if !strings.Contains(b.attributes(q)["Policy"], `"SQS:*"`) {
		t.Errorf("policy %s", b.attributes(q)["Policy"])
	}

	f := b.create("q.fifo")
	first := b.send(f, "one", to("g", "id"))
	again := b.send(f, "two", to("g", "id"))
	expect(b, "the digest of a duplicate is that of what was sent", *again.MD5OfMessageBody, "b8a9f715dbb64fd5c56e7783c6820a61")
	if *first.MD5OfMessageBody == *again.MD5OfMessageBody {
		t.Error("the digest is that of the first message")
	}
	b.send(f, "three", to("g", "3"))
	expect(b, "several of a group in one receive", bodies(b.receive(f)), "one three")
}

// client speaks to the front over HTTP.
func (b *bed) client() awstest.Client {
	return awstest.Client{Handler: b.front, Region: region, Key: "AKIAROOT", Secret: "secret"}
}

// elasticmq#914: SDKs that had changed to the
// JSON protocol could not be used. Both protocols see the same queue, and each has
// its own codes of errors; answers in JSON carry the older one in a header.
func TestBothProtocols(t *testing.T) {
	b := newBed(t)
	q := b.create("q")
	c := b.client()
	json := func(op, body string) awstest.Answer {
		return c.Send("sqs", http.MethodPost, "/", http.Header{"X-Amz-Target": {"AmazonSQS." + op}, "Content-Type": {"application/x-amz-json-1.0"}}, []byte(body))
	}
	if a := json("SendMessage", `{"QueueUrl":"`+*q+`","MessageBody":"json"}`); a.Status != 200 || !strings.Contains(string(a.Body), `"MessageId"`) {
		t.Errorf("SendMessage: %d %s", a.Status, a.Body)
	}
	a := json("GetQueueUrl", `{"QueueName":"none"}`)
	expect(b, "status", a.Status, 400)
	expect(b, "body", string(a.Body), `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}`)
	expect(b, "header", a.Header.Get("X-Amzn-Query-Error"), "AWS.SimpleQueueService.NonExistentQueue;Sender")

	x := c.Query("sqs", "2012-11-05", "ReceiveMessage", "QueueUrl", *q, "AttributeName.1", "All").XML()
	expect(b, "by a query", x.Text("ReceiveMessageResult/Message/Body"), "json")
	expect(b, "attributes", len(x.All("ReceiveMessageResult/Message/Attribute")), 4)
	none := c.Query("sqs", "2012-11-05", "GetQueueUrl", "QueueName", "none")
	expect(b, "code", none.XML().Text("Error/Code"), "AWS.SimpleQueueService.NonExistentQueue")
	expect(b, "missing", c.Query("sqs", "2012-11-05", "SendMessage", "QueueUrl", *q).XML().Text("Error/Code"), "MissingParameter")
}

// What was sent is answered with the digest of its attributes, and so is what is
// received, of whatever type they are and however many are asked for.
func TestDigestsOfBothWays(t *testing.T) {
	b := newBed(t)
	q := b.create("q")
	value := func(kind, text string) shapes.MessageAttributeValue {
		return shapes.MessageAttributeValue{DataType: &kind, StringValue: &text}
	}
	sent := b.send(q, "m", func(in *shapes.SendMessageRequest) {
		in.MessageAttributes = map[string]shapes.MessageAttributeValue{
			"z": value("String.custom", "x"), "a": value("Number", "1"), "m": {DataType: ptr("Binary"), BinaryValue: []byte("bytes")},
		}
	})
	m := b.receive(q)[0]
	expect(b, "digest", *m.MD5OfMessageAttributes, *sent.MD5OfMessageAttributes)
	part := b.send(q, "m", func(in *shapes.SendMessageRequest) {
		in.MessageAttributes = map[string]shapes.MessageAttributeValue{"a": value("Number", "1")}
	})
	b.hold(q, m, 0)
	for _, m := range b.receive(q, func(in *shapes.ReceiveMessageRequest) { in.MessageAttributeNames = []string{"a"} }) {
		expect(b, "digest of a part", *m.MD5OfMessageAttributes, *part.MD5OfMessageAttributes)
	}
}
