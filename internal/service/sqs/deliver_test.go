package sqs_test

import (
	"context"
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

const topicARN = "arn:aws:sns:us-east-1:123456789012:t"

// emit emits effects, as a topic does.
func (b *bed) emit(es ...delivery.Effect) {
	b.Helper()
	for i := range es {
		es[i].Cell = keyspace.Cell{Account: account, Region: region}
		es[i].At = b.clock.Now()
		es[i].Actor = delivery.ActorRef{Account: account, Service: "sns.amazonaws.com"}
		es[i].SourceARN = topicARN
	}
	if _, err := b.db.Update(context.Background(), func(tx *kv.Tx) error { return b.delivery.Emit(tx, es...) }); err != nil {
		b.Fatal(err)
	}
	b.settle()
}

// letTopic is a policy that lets a topic send.
func letTopic(queue, topic string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"` +
		queueARN + queue + `","Condition":{"ArnEquals":{"aws:SourceArn":"` + topic + `"}}}]}`
}

func TestEffectsBecomeMessages(t *testing.T) {
	b := newBed(t)
	q := b.create("q", "Policy", letTopic("q", topicARN))
	m := &delivery.Message{Attributes: map[string]delivery.MessageAttribute{"b": {Type: "Binary", Binary: []byte{1}}, "a": {Type: "String", Text: "x"}}}
	head, err := m.Head()
	if err != nil {
		t.Fatal(err)
	}
	b.emit(
		delivery.Effect{Target: queueARN + "q", ID: "1", Payload: []byte("plain")},
		delivery.Effect{Target: queueARN + "q", ID: "2", Kind: delivery.KindMessage, Head: head, Payload: []byte("raw")},
	)
	ms := b.receive(q)
	expect(b, "received", sorted(ms), "plain raw")
	for _, m := range ms {
		if *m.Body == "raw" {
			expect(b, "attribute", *m.MessageAttributes["a"].StringValue, "x")
			expect(b, "bytes", string(m.MessageAttributes["b"].BinaryValue), "\x01")
		}
	}
}

// cloudemu PR#664: what a FIFO topic sent to FIFO
// queues was silently lost.
func TestFIFOEffectsKeepGroupAndOrder(t *testing.T) {
	b := newBed(t)
	q := b.create("q.fifo", "Policy", letTopic("q.fifo", topicARN))
	var es []delivery.Effect
	for _, body := range []string{"a1", "b1", "a2", "a1", "b2"} {
		m := &delivery.Message{Group: body[:1], Dedup: body}
		head, err := m.Head()
		if err != nil {
			t.Fatal(err)
		}
		es = append(es, delivery.Effect{Target: queueARN + "q.fifo", ID: body, Order: m.Group, Kind: delivery.KindMessage, Head: head, Payload: []byte(body)})
	}
	b.emit(es...)
	ms := b.receive(q)
	expect(b, "received", bodies(ms), "a1 a2 b1 b2")
	expect(b, "group", ms[0].Attributes["MessageGroupId"], "a")
	expect(b, "deduplication id", ms[0].Attributes["MessageDeduplicationId"], "a1")
}

// The queue's policy has the last word, and what it does not let in goes to the
// effect's dead letters.
func TestPolicyDecidesAboutServices(t *testing.T) {
	b := newBed(t)
	none := b.create("none")
	other := b.create("other", "Policy", letTopic("other", topicARN+"2"))
	dead := b.create("dead", "Policy", letTopic("dead", topicARN))
	policy := delivery.Policy{MaxAttempts: 100, DeadLetter: queueARN + "dead"}
	b.emit(
		delivery.Effect{Target: queueARN + "none", ID: "1", Payload: []byte("1"), Policy: policy},
		delivery.Effect{Target: queueARN + "other", ID: "2", Payload: []byte("2"), Policy: policy},
		delivery.Effect{Target: queueARN + "missing", ID: "3", Payload: []byte("3"), Policy: policy},
	)
	expect(b, "without a policy", b.counts(none), "0 0 0")
	expect(b, "for another topic", b.counts(other), "0 0 0")
	expect(b, "dead letters", sorted(b.receive(dead)), "1 2 3")
}

// A policy lets another account send, which its own policies must let as well.
func TestPolicyLetsAnotherAccountIn(t *testing.T) {
	b := newBed(t)
	q := b.create("q")
	stranger := awsapi.With(context.Background(), &awsapi.Call{Scope: arn.In(region, "999999999999"), Actor: awsapi.RootOf("999999999999")})
	send := func() error {
		_, err := awsapi.Do(stranger, b.front, shapes.SendMessage, &shapes.SendMessageRequest{QueueUrl: q, MessageBody: ptr("m")})
		return err
	}
	if err := send(); !fault.Is(err, "AccessDenied") {
		t.Errorf("without a policy: %v", err)
	}
	do(b, shapes.AddPermission, &shapes.AddPermissionRequest{QueueUrl: q, Label: ptr("let"), AWSAccountIds: []string{"999999999999"}, Actions: []string{"SendMessage"}})
	if err := send(); err != nil {
		t.Errorf("with one: %v", err)
	}
	if _, err := awsapi.Do(stranger, b.front, shapes.DeleteQueue, &shapes.DeleteQueueRequest{QueueUrl: q}); !fault.Is(err, "AccessDenied") {
		t.Errorf("deletion by another account: %v", err)
	}
	refused(b, "InvalidParameterValue", shapes.AddPermission, &shapes.AddPermissionRequest{QueueUrl: q, Label: ptr("let"), AWSAccountIds: []string{"999999999999"}, Actions: []string{"SendMessage"}})
	do(b, shapes.RemovePermission, &shapes.RemovePermissionRequest{QueueUrl: q, Label: ptr("let")})
	if err := send(); !fault.Is(err, "AccessDenied") {
		t.Errorf("after it was removed: %v", err)
	}
	refused(b, "InvalidParameterValue", shapes.RemovePermission, &shapes.RemovePermissionRequest{QueueUrl: q, Label: ptr("let")})
	if p, ok := b.attributes(q)["Policy"]; ok {
		t.Errorf("there is a policy left: %s", p)
	}
}

// A policy's statement may stand alone, without a list
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_statement.html).
func TestPermissionBesideAStatementThatStandsAlone(t *testing.T) {
	b := newBed(t)
	q := b.create("q")
	b.set(q, "Policy", `{"Version":"2012-10-17","Statement":{"Sid":"own","Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*"}}`)
	do(b, shapes.AddPermission, &shapes.AddPermissionRequest{QueueUrl: q, Label: ptr("let"), AWSAccountIds: []string{"999999999999"}, Actions: []string{"SendMessage"}})
	if p := b.attributes(q)["Policy"]; !strings.Contains(p, `"own"`) || !strings.Contains(p, `"let"`) {
		t.Errorf("policy %s", p)
	}
	do(b, shapes.RemovePermission, &shapes.RemovePermissionRequest{QueueUrl: q, Label: ptr("own")})
	do(b, shapes.RemovePermission, &shapes.RemovePermissionRequest{QueueUrl: q, Label: ptr("let")})
	if p, ok := b.attributes(q)["Policy"]; ok {
		t.Errorf("there is a policy left: %s", p)
	}
}

// A queue's policy that denies binds those of its own account.
func TestPolicyDenies(t *testing.T) {
	b := newBed(t)
	q := b.create("q", "Policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sqs:ReceiveMessage","Resource":"*"}]}`)
	b.send(q, "m")
	refused(b, "AccessDenied", shapes.ReceiveMessage, &shapes.ReceiveMessageRequest{QueueUrl: q})
}
