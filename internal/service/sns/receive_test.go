package sns_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

func (b *bed) emit(es ...delivery.Effect) {
	b.Helper()
	for i := range es {
		es[i].Cell, es[i].At = keyspace.Cell{Account: account, Region: region}, b.clock.Now()
	}
	if _, err := b.db.Update(b.ctx, func(tx *kv.Tx) error { return b.delivery.Emit(tx, es...) }); err != nil {
		b.Fatal(err)
	}
	b.settle()
}

// What other services send to a topic is published as they may.
func TestOtherServicesPublish(t *testing.T) {
	b := newBed(t)
	topic := b.createTopic("t")
	b.subscribe(topic, "sqs", queueARN+"q", "RawMessageDelivery", "true")
	head, err := (&delivery.Message{Attributes: map[string]delivery.MessageAttribute{"ErrorCode": {Type: "Number", Text: "200"}}}).Head()
	if err != nil {
		t.Fatal(err)
	}
	alarm := delivery.Effect{
		Target: topic, ID: "1", Payload: []byte("an alarm"), Actor: delivery.ActorRef{Account: account, Service: "cloudwatch.amazonaws.com"},
		SourceARN: "arn:aws:cloudwatch:us-east-1:123456789012:alarm:a",
	}
	dead := alarm
	dead.ID, dead.Kind, dead.Head, dead.Payload = "2", delivery.KindMessage, head, []byte("a dead letter")
	foreign := alarm
	foreign.ID, foreign.Actor.Account, foreign.SourceARN = "3", "999999999999", "arn:aws:cloudwatch:us-east-1:999999999999:alarm:a"
	foreign.Policy.DeadLetter = queueARN + "dead"
	b.emit(alarm, dead, foreign)
	got := b.queued()
	if len(got) != 3 {
		t.Fatalf("%d messages", len(got))
	}
	byBody := map[string]*delivery.Message{}
	for _, m := range got {
		byBody[string(m.Body)] = m
	}
	if m := byBody["a dead letter"]; m == nil || m.Attributes["ErrorCode"].Text != "200" {
		t.Errorf("%+v", m)
	}
	// The third is the dead letter of what another account's service may not publish.
	if _, err := awsapi.Do(b.ctx, b.front, shapes.SetTopicAttributes, &shapes.SetTopicAttributesInput{
		TopicArn: &topic, AttributeName: ptr("Policy"),
		AttributeValue: ptr(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudwatch.amazonaws.com"},"Action":"sns:Publish","Resource":"` + topic + `","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:cloudwatch:*:999999999999:alarm:*"}}}]}`),
	}); err != nil {
		t.Fatal(err)
	}
	foreign.ID, alarm.ID = "4", "5"
	b.emit(foreign, alarm)
	if got := b.queued(); len(got) != 1 {
		t.Errorf("%d messages, want that of the other account alone", len(got))
	}
}

// What SNS cannot take now it takes later: only what it refuses is given up.
func TestOtherServicesPublishAgain(t *testing.T) {
	for _, c := range []struct {
		name  string
		fail  error
		comes bool
	}{
		{"an error of SNS's own", fault.New("InternalError", "it failed").With(500), true},
		{"throttling", fault.New("Throttling", "Rate exceeded").With(400), true},
		{"an error of the store's", errors.New("the disk is full"), true},
		{"what is refused", fault.New("InvalidParameter", "Invalid parameter: Message too long"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t)
			topic := b.createTopic("t")
			b.subscribe(topic, "sqs", queueARN+"q", "RawMessageDelivery", "true")
			b.caller.fail = c.fail
			b.emit(delivery.Effect{
				Target: topic, ID: "1", Payload: []byte("an alarm"), Actor: delivery.ActorRef{Account: account, Service: "cloudwatch.amazonaws.com"},
				SourceARN: "arn:aws:cloudwatch:us-east-1:123456789012:alarm:a", Policy: delivery.Policy{MaxAttempts: 1},
			})
			b.caller.fail = nil
			b.advance(time.Minute)
			if got := b.queued(); (len(got) == 1) != c.comes {
				t.Errorf("%d messages, came = %v is wanted", len(got), c.comes)
			}
		})
	}
}

// A subscription whose endpoint is gone for good has a dead-letter queue.
func TestDeadLetters(t *testing.T) {
	b := newBed(t)
	topic := b.createTopic("t")
	b.subscribe(topic, "sqs", queueARN+"gone", "RedrivePolicy", `{"deadLetterTargetArn":"`+queueARN+`dead"}`, "RawMessageDelivery", "true")
	b.queues.do = func(e delivery.Effect) delivery.Outcome {
		if e.Target == queueARN+"gone" {
			return delivery.Outcome{Err: fmt.Errorf("no such queue"), Permanent: true}
		}
		return delivery.Outcome{}
	}
	b.publish(topic, "hello", with("a", "String", "b"))
	b.advance(time.Minute)
	if got := b.queued(); len(got) != 1 || string(got[0].Body) != "hello" || got[0].Attributes["a"].Text != "b" {
		t.Errorf("%+v", got)
	}
}

// What Lambda does not take goes to the queue as the envelope that the queue
// would have got.
func TestDeadLettersOfFunctions(t *testing.T) {
	b := newBed(t)
	topic := b.createTopic("t")
	function := b.subscribe(topic, "lambda", fnARN+"gone", "RedrivePolicy", `{"deadLetterTargetArn":"`+queueARN+`dead"}`)
	b.functions.do = func(delivery.Effect) delivery.Outcome {
		return delivery.Outcome{Err: fmt.Errorf("no such function"), Permanent: true}
	}
	out := b.publish(topic, "hello", with("a", "String", "b"))
	b.advance(time.Minute)
	got := b.queued()
	if len(got) != 1 {
		t.Fatalf("%d messages", len(got))
	}
	m := decode[map[string]any](t, got[0].Body)
	if err := b.verify(m); err != nil {
		t.Errorf("signature: %v", err)
	}
	want := map[string]any{
		"Type": "Notification", "MessageId": *out.MessageId, "TopicArn": topic, "Message": "hello", "Timestamp": "2026-03-01T12:00:00.000Z",
		"SignatureVersion": "1", "Signature": "…", "SigningCertURL": "…", "UnsubscribeURL": endpoint + "/?Action=Unsubscribe&SubscriptionArn=" + function,
		"MessageAttributes": map[string]any{"a": map[string]any{"Type": "String", "Value": "b"}},
	}
	if diff := cmp.Diff(want, signed(t, m, "Signature", "SigningCertURL")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
