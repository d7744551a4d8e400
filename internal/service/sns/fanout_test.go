package sns_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/email"
	"github.com/nube-run/nube/internal/fault"
)

// signed hides what differs from run to run.
func signed(t *testing.T, m map[string]any, keys ...string) map[string]any {
	t.Helper()
	for _, k := range keys {
		if s, ok := m[k].(string); !ok || s == "" {
			t.Errorf("%s is %v", k, m[k])
		}
		m[k] = "…"
	}
	return m
}

// https://docs.aws.amazon.com/sns/latest/dg/http-notification-json.html
// https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
func TestForms(t *testing.T) {
	b := newBed(t)
	topic := b.createTopic("t")
	envelope := b.subscribe(topic, "sqs", queueARN+"envelope")
	b.subscribe(topic, "sqs", queueARN+"raw", "RawMessageDelivery", "true")
	function := b.subscribe(topic, "lambda", fnARN+"f")
	out := b.publish(topic, "hello <world> & \"all\"", with("count", "Number", "7"), func(in *shapes.PublishInput) {
		in.Subject = ptr("News")
		in.MessageGroupId = ptr("fair")
		in.MessageAttributes["blob"] = shapes.MessageAttributeValue{DataType: ptr("Binary"), BinaryValue: []byte{2, 3, 4}}
	})
	b.settle()
	want := map[string]any{
		"Type": "Notification", "MessageId": *out.MessageId, "TopicArn": topic, "Subject": "News", "Message": "hello <world> & \"all\"",
		"Timestamp": "2026-03-01T12:00:00.000Z", "SignatureVersion": "1", "Signature": "…", "SigningCertURL": "…",
		"UnsubscribeURL":    endpoint + "/?Action=Unsubscribe&SubscriptionArn=" + envelope,
		"MessageAttributes": map[string]any{"count": map[string]any{"Type": "Number", "Value": "7"}, "blob": map[string]any{"Type": "Binary", "Value": "AgME"}},
	}
	for _, e := range b.queues.take() {
		m, err := e.Message()
		if err != nil {
			t.Fatal(err)
		}
		if e.Actor.Service != "sns.amazonaws.com" || e.SourceARN != topic || m.Group != "fair" || m.Dedup != "" {
			t.Errorf("%+v %+v", e, m)
		}
		if strings.HasSuffix(e.Target, "raw") {
			attributes := map[string]delivery.MessageAttribute{"count": {Type: "Number", Text: "7"}, "blob": {Type: "Binary", Binary: []byte{2, 3, 4}}}
			if diff := cmp.Diff(attributes, m.Attributes); diff != "" || string(m.Body) != "hello <world> & \"all\"" {
				t.Errorf("raw: %s %s", m.Body, diff)
			}
			continue
		}
		got := signed(t, decode[map[string]any](t, m.Body), "Signature", "SigningCertURL")
		if diff := cmp.Diff(want, got); diff != "" || m.Attributes != nil {
			t.Errorf("envelope (-want +got):\n%s", diff)
		}
	}
	es := b.functions.take()
	if len(es) != 1 || es[0].Kind != "" {
		t.Fatalf("%+v", es)
	}
	delete(want, "SigningCertURL")
	delete(want, "UnsubscribeURL")
	want["SigningCertUrl"], want["UnsubscribeUrl"] = "…", endpoint+"/?Action=Unsubscribe&SubscriptionArn="+function
	event := decode[struct{ Records []map[string]any }](t, es[0].Payload)
	record := event.Records[0]
	signed(t, record["Sns"].(map[string]any), "Signature", "SigningCertUrl")
	if diff := cmp.Diff(map[string]any{"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": function, "Sns": want}, record); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}

	// Without a subject and attributes a function is told so.
	b.publish(topic, "plain")
	b.settle()
	record = decode[struct{ Records []map[string]any }](t, b.functions.take()[0].Payload).Records[0]["Sns"].(map[string]any)
	if s, ok := record["Subject"]; !ok || s != nil {
		t.Errorf("Subject: %v", s)
	}
	if diff := cmp.Diff(map[string]any{}, record["MessageAttributes"]); diff != "" {
		t.Error(diff)
	}
}

// https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
//
// cloudemu PR#664: a number in a filter matched no attribute, and all that it
// should have let through was dropped.
func TestFilters(t *testing.T) {
	b := newBed(t)
	topic := b.createTopic("t")
	for name, attributes := range map[string][]string{
		"all":    nil,
		"paid":   {"FilterPolicy", `{"status":["paid"]}`},
		"large":  {"FilterPolicy", `{"amount":[{"numeric":[">=",100]}]}`},
		"body":   {"FilterPolicy", `{"order":{"status":["paid"]}}`, "FilterPolicyScope", "MessageBody"},
		"absent": {"FilterPolicy", `{"status":[{"exists":false}]}`},
		"empty":  {"FilterPolicy", `{}`},
	} {
		b.subscribe(topic, "sqs", queueARN+name, append(attributes, "RawMessageDelivery", "true")...)
	}
	got := func() string {
		b.settle()
		to := map[string]bool{}
		for _, e := range b.queues.take() {
			to[strings.TrimPrefix(e.Target, queueARN)] = true
		}
		var names []string
		for _, n := range []string{"absent", "all", "body", "empty", "large", "paid"} {
			if to[n] {
				names = append(names, n)
			}
		}
		return strings.Join(names, " ")
	}
	for _, test := range []struct {
		text string
		more []func(*shapes.PublishInput)
		want string
	}{
		{"x", nil, "absent all empty"},
		{"x", []func(*shapes.PublishInput){with("status", "String", "paid")}, "all empty paid"},
		{"x", []func(*shapes.PublishInput){with("status", "String", "open"), with("amount", "Number", "100.0")}, "all empty large"},
		{`{"order":{"status":"paid"}}`, nil, "absent all body empty"},
		{`{"order":{"status":"open"}}`, nil, "absent all empty"},
		{`{"default":"x","sqs":"{\"order\":{\"status\":\"paid\"}}"}`, []func(*shapes.PublishInput){func(in *shapes.PublishInput) { in.MessageStructure = ptr("json") }}, "absent all body empty"},
	} {
		b.publish(topic, test.text, test.more...)
		if g := got(); g != test.want {
			t.Errorf("%s: %q, want %q", test.text, g, test.want)
		}
	}

	// A filter counts from the moment at which it is set.
	sub := b.subscribe(topic, "sqs", queueARN+"all")
	if _, err := awsapi.Do(b.ctx, b.front, shapes.SetSubscriptionAttributes, &shapes.SetSubscriptionAttributesInput{
		SubscriptionArn: &sub, AttributeName: ptr("FilterPolicy"), AttributeValue: ptr(`{"status":["none"]}`),
	}); err != nil {
		t.Fatal(err)
	}
	b.publish(topic, "x")
	if g := got(); g != "absent empty" {
		t.Errorf("%q", g)
	}
}

func TestMessageStructure(t *testing.T) {
	b := newBed(t)
	topic := b.createTopic("t")
	b.subscribe(topic, "sqs", queueARN+"q")
	b.subscribe(topic, "lambda", fnARN+"f")
	b.publish(topic, `{"default":"for all","sqs":"for queues","email":7}`, func(in *shapes.PublishInput) { in.MessageStructure = ptr("json") })
	b.settle()
	if m := decode[struct{ Message string }](t, b.queued()[0].Body); m.Message != "for queues" {
		t.Errorf("queue: %q", m.Message)
	}
	event := decode[struct {
		Records []struct{ Sns struct{ Message string } }
	}](t, b.functions.take()[0].Payload)
	if m := event.Records[0].Sns.Message; m != "for all" {
		t.Errorf("function: %q", m)
	}
}

// What many subscriptions share is kept once: the largest message goes to more
// of them than would fit into a transaction otherwise.
func TestLargeFanOut(t *testing.T) {
	b := newBed(t)
	topic := b.createTopic("t")
	const queues = 100
	for i := range queues {
		b.subscribe(topic, "sqs", fmt.Sprintf("%sq%d", queueARN, i))
	}
	text := strings.Repeat("x", 256<<10)
	b.publish(topic, text)
	b.settle()
	seen := map[string]bool{}
	for _, m := range b.queued() {
		got := decode[struct{ Message, UnsubscribeURL string }](t, m.Body)
		if got.Message != text {
			t.Fatalf("%d bytes", len(got.Message))
		}
		seen[got.UnsubscribeURL] = true
	}
	if len(seen) != queues {
		t.Errorf("%d of %d queues", len(seen), queues)
	}
	if _, err := b.tryPublish(topic, text+"x"); !fault.Is(err, "InvalidParameter") {
		t.Errorf("one byte more: %v", err)
	}
	if _, err := b.tryPublish(topic, text[1:], with("a", "String", "b")); !fault.Is(err, "InvalidParameter") {
		t.Errorf("with an attribute: %v", err)
	}
}

// https://docs.aws.amazon.com/sns/latest/dg/large-message-payloads.html
//
// floci#768, as far as topics go: messages of any size were taken.
func TestMaximumMessageSize(t *testing.T) {
	b := newBed(t)
	topic := b.createTopic("t", "MaximumMessageSize", "1048576")
	b.subscribe(topic, "sqs", queueARN+"q", "RawMessageDelivery", "true")
	b.subscribe(topic, "lambda", fnARN+"f")
	if _, err := b.tryPublish(topic, strings.Repeat("x", 1<<20)); err != nil {
		t.Error(err)
	}
	if _, err := b.tryPublish(topic, strings.Repeat("x", 1<<20+1)); !fault.Is(err, "InvalidParameter") {
		t.Errorf("one byte more: %v", err)
	}
	if _, err := b.tryPublish(topic, strings.Repeat("\x01", 1<<20)); !fault.Is(err, "InvalidParameter") {
		t.Errorf("what no row can hold: %v", err)
	}
	b.settle()
	if n := len(b.queued()); n != 1 {
		t.Errorf("%d messages", n)
	}
	subscribe := func(protocol, endpoint string) error {
		_, err := awsapi.Do(b.ctx, b.front, shapes.Subscribe, &shapes.SubscribeInput{TopicArn: &topic, Protocol: &protocol, Endpoint: &endpoint})
		return err
	}
	if err := subscribe("email", "ana@example.com"); !fault.Is(err, "InvalidParameter") {
		t.Errorf("mail: %v", err)
	}
	for i := range 98 {
		if err := subscribe("sqs", fmt.Sprintf("%sq%d", queueARN, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := subscribe("sqs", queueARN+"more"); !fault.Is(err, "InvalidParameter") {
		t.Errorf("subscription 101: %v", err)
	}

	small := b.createTopic("small", "MaximumMessageSize", "1024")
	if _, err := b.tryPublish(small, strings.Repeat("x", 1025)); !fault.Is(err, "InvalidParameter") {
		t.Errorf("too long for the topic: %v", err)
	}
	b.subscribe(small, "email", "ana@example.com")
	if _, err := awsapi.Do(b.ctx, b.front, shapes.SetTopicAttributes, &shapes.SetTopicAttributesInput{
		TopicArn: &small, AttributeName: ptr("MaximumMessageSize"), AttributeValue: ptr("1048576"),
	}); !fault.Is(err, "InvalidParameter") {
		t.Errorf("with a mail subscription: %v", err)
	}
}

// https://docs.aws.amazon.com/sns/latest/dg/fifo-message-dedup.html
//
// cloudemu PR#664: messages lost their group on the way, and no FIFO queue took
// them. ministack#1326: duplicates were forgotten after another time than five
// minutes.
//
// Mutations: no group in what a queue gets; a window of four minutes.
func TestFIFO(t *testing.T) {
	b := newBed(t)
	topic := b.createTopic("t.fifo")
	b.subscribe(topic, "sqs", queueARN+"q.fifo", "RawMessageDelivery", "true")
	b.subscribe(topic, "sqs", queueARN+"e.fifo")
	in := func(group, dedup string) func(*shapes.PublishInput) {
		return func(in *shapes.PublishInput) {
			in.MessageGroupId = &group
			if dedup != "" {
				in.MessageDeduplicationId = &dedup
			}
		}
	}
	first := b.publish(topic, "one", in("g", "1"))
	second := b.publish(topic, "two", in("g", "2"))
	again := b.publish(topic, "one again", in("h", "1"))
	if *again.MessageId != *first.MessageId || *again.SequenceNumber != *first.SequenceNumber {
		t.Errorf("a duplicate is %+v, want %+v", again, first)
	}
	if len(*first.SequenceNumber) != 20 || *second.SequenceNumber <= *first.SequenceNumber {
		t.Errorf("sequence numbers %s %s", *first.SequenceNumber, *second.SequenceNumber)
	}
	b.settle()
	var raw []string
	for _, m := range b.queued() {
		if bytes.HasPrefix(m.Body, []byte("{")) {
			got := decode[map[string]any](t, m.Body)
			if got["Signature"] != nil || got["SigningCertURL"] != nil || got["SequenceNumber"] == nil {
				t.Errorf("envelope of a FIFO topic: %v", got)
			}
			continue
		}
		raw = append(raw, fmt.Sprintf("%s %s %s", m.Group, m.Dedup, m.Body))
	}
	if diff := cmp.Diff([]string{"g 1 one", "g 2 two"}, raw); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	// In model time: nobody waits five minutes.
	b.advance(5*time.Minute - time.Second)
	if out := b.publish(topic, "one", in("g", "1")); *out.MessageId != *first.MessageId {
		t.Error("after less than five minutes it is new")
	}
	b.advance(2 * time.Second)
	if out := b.publish(topic, "one", in("g", "1")); *out.MessageId == *first.MessageId {
		t.Error("after five minutes it is old")
	}
	b.settle()
	if n := len(b.queued()); n != 2 {
		t.Errorf("%d messages, want 2", n)
	}
	rows := 0
	for _, k := range b.rows() {
		if strings.Contains(k, `"dedup"`) || strings.Contains(k, `"accepted"`) {
			rows++
		}
	}
	if rows != 2 {
		t.Errorf("%d rows are kept for one message", rows)
	}
}

// floci PR#3181: a topic whose deduplication is by group had one for all groups,
// and all but the first of them lost their messages.
//
// Mutation: FifoThroughputScope not looked at.
func TestFIFODeduplicationByContentAndGroup(t *testing.T) {
	b := newBed(t)
	topic := b.createTopic("t.fifo", "ContentBasedDeduplication", "true", "FifoThroughputScope", "MessageGroup")
	b.subscribe(topic, "sqs", queueARN+"q.fifo", "RawMessageDelivery", "true")
	for _, group := range []string{"g", "g", "h"} {
		b.publish(topic, "same", func(in *shapes.PublishInput) { in.MessageGroupId = &group })
	}
	b.settle()
	var got []string
	for _, m := range b.queued() {
		got = append(got, m.Group+" "+m.Dedup)
	}
	slices.Sort(got)                                                               // groups do not wait for each other
	const sum = "0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5" // SHA-256 of "same"
	if diff := cmp.Diff([]string{"g " + sum, "h " + sum}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A FIFO topic delivers to queues alone: what could not keep its order is refused
// when it subscribes, not lost later.
// https://docs.aws.amazon.com/sns/latest/dg/fifo-message-delivery.html
//
// cloudemu PR#664: the fan-out of a FIFO topic was lost without a word.
//
// Mutation: the protocol of a FIFO topic's subscription not looked at.
func TestFIFOSubscribers(t *testing.T) {
	b := newBed(t)
	topic := b.createTopic("t.fifo")
	for protocol, endpoint := range map[string]string{
		"lambda": "arn:aws:lambda:us-east-1:123456789012:function:f", "http": "http://example.com/", "https": "https://example.com/", "email": "ana@example.com",
		"email-json": "ana@example.com",
	} {
		_, err := awsapi.Do(b.ctx, b.front, shapes.Subscribe, &shapes.SubscribeInput{TopicArn: &topic, Protocol: &protocol, Endpoint: &endpoint})
		if !fault.Is(err, "InvalidParameter") {
			t.Errorf("%s: %v", protocol, err)
		}
	}
	b.settle()
	if n := len(b.mails.take()); n != 0 {
		t.Errorf("%d were asked to confirm what was refused", n)
	}
}

// The messages of a group arrive in order, though one of them is tried again;
// another group does not wait.
//
// localstack#7036, as far as topics go: messages of a group out of order.
//
// Mutation: Order of the effects empty: g3 overtakes g2.
func TestFIFOKeepsOrder(t *testing.T) {
	b := newBed(t)
	topic := b.createTopic("t.fifo", "ContentBasedDeduplication", "true")
	b.subscribe(topic, "sqs", queueARN+"q.fifo", "RawMessageDelivery", "true")
	b.queues.do = func(e delivery.Effect) delivery.Outcome {
		if bytes.HasSuffix(e.Payload, []byte("\ng2")) && e.Attempt < 4 {
			return delivery.Outcome{Err: fmt.Errorf("attempt %d", e.Attempt)}
		}
		return delivery.Outcome{}
	}
	for _, text := range []string{"g1", "g2", "h1", "g3", "h2"} {
		b.publish(topic, text, func(in *shapes.PublishInput) { in.MessageGroupId = ptr(text[:1]) })
	}
	b.advance(time.Hour)
	byGroup := map[string][]string{}
	for _, m := range b.queued() {
		byGroup[m.Group] = append(byGroup[m.Group], string(m.Body))
	}
	if diff := cmp.Diff(map[string][]string{"g": {"g1", "g2", "g3"}, "h": {"h1", "h2"}}, byGroup); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestBatchIsOneTransaction(t *testing.T) {
	b := newBed(t)
	topic := b.createTopic("t")
	b.subscribe(topic, "sqs", queueARN+"q", "RawMessageDelivery", "true")
	entries := []shapes.PublishBatchRequestEntry{
		{Id: ptr("a"), Message: ptr("one")}, {Id: ptr("b"), Message: ptr("two"), MessageAttributes: map[string]shapes.MessageAttributeValue{"n": {DataType: ptr("Number"), StringValue: ptr("x")}}},
	}
	if _, err := awsapi.Do(b.ctx, b.front, shapes.PublishBatch, &shapes.PublishBatchInput{TopicArn: &topic, PublishBatchRequestEntries: entries}); !fault.Is(err, "ParameterValueInvalid") {
		t.Errorf("%v", err)
	}
	b.settle()
	if n := len(b.queued()); n != 0 {
		t.Errorf("%d messages of a batch that was refused", n)
	}
	entries[1].MessageAttributes = nil
	out, err := awsapi.Do(b.ctx, b.front, shapes.PublishBatch, &shapes.PublishBatchInput{TopicArn: &topic, PublishBatchRequestEntries: entries})
	if err != nil || len(out.Successful) != 2 {
		t.Fatalf("%+v %v", out, err)
	}
	b.settle()
	if n := len(b.queued()); n != 2 {
		t.Errorf("%d messages, want 2", n)
	}
	long := strings.Repeat("x", 200<<10)
	entries[0].Message, entries[1].Message = &long, &long
	if _, err := awsapi.Do(b.ctx, b.front, shapes.PublishBatch, &shapes.PublishBatchInput{TopicArn: &topic, PublishBatchRequestEntries: entries}); !fault.Is(err, "BatchRequestTooLong") {
		t.Errorf("%v", err)
	}
}

// https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html
func TestMail(t *testing.T) {
	b := newBed(t)
	topic := b.createTopic("t", "DisplayName", "The Shop")
	sub := b.subscribe(topic, "email", "ana@example.com")
	b.publish(topic, "nobody gets this")
	b.settle()
	es := b.mails.take()
	if len(es) != 1 || es[0].Target != "mailto:ana@example.com" {
		t.Fatalf("%+v", es)
	}
	m, err := email.Read(es[0].Payload)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(m.Subject, "Subscription Confirmation") || !strings.Contains(strings.Join(m.From, " "), "AWS Notifications") {
		t.Errorf("%+v", m)
	}
	b.follow(link(t, m.Text))
	b.publish(topic, "hello", func(in *shapes.PublishInput) { in.Subject = ptr("News") })
	b.settle()
	if m, err = email.Read(b.mails.take()[0].Payload); err != nil || m.Subject != "News" || !strings.HasPrefix(m.Text, "hello\n") || !strings.Contains(strings.Join(m.From, " "), "The Shop") {
		t.Fatalf("%+v %v", m, err)
	}

	// The link in the mail ends the subscription, that of the last mail restores it.
	b.follow(link(t, m.Text))
	b.publish(topic, "nobody gets this")
	b.settle()
	es = b.mails.take()
	if m, err = email.Read(es[0].Payload); err != nil || len(es) != 1 || !strings.Contains(m.Subject, "Unsubscribe") {
		t.Fatalf("%d %+v %v", len(es), m, err)
	}
	b.follow(link(t, m.Text))
	attributes, err := awsapi.Do(b.ctx, b.front, shapes.GetSubscriptionAttributes, &shapes.GetSubscriptionAttributesInput{SubscriptionArn: &sub})
	if err != nil || attributes.Attributes["PendingConfirmation"] != "false" || attributes.Attributes["ConfirmationWasAuthenticated"] != "false" {
		t.Errorf("%v %v", attributes, err)
	}
}

func TestMailJSON(t *testing.T) {
	b := newBed(t)
	topic := b.createTopic("t")
	b.subscribe(topic, "email-json", "ana@example.com")
	b.settle()
	read := func() map[string]any {
		m, err := email.Read(b.mails.take()[0].Payload)
		if err != nil {
			t.Fatal(err)
		}
		var v map[string]any
		if err := json.Unmarshal([]byte(m.Text), &v); err != nil {
			t.Fatalf("%v in %q", err, m.Text)
		}
		return v
	}
	asked := read()
	if asked["Type"] != "SubscriptionConfirmation" {
		t.Fatalf("%v", asked)
	}
	b.follow(asked["SubscribeURL"].(string))
	b.publish(topic, strings.Repeat("a long line ", 200))
	b.settle()
	if got := read(); got["Type"] != "Notification" || got["Message"] != strings.Repeat("a long line ", 200) || got["Signature"] == nil {
		t.Errorf("%v", got)
	}
}

// link is the first link of a text.
func link(t *testing.T, text string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, endpoint)
	if !ok {
		t.Fatalf("no link in %q", text)
	}
	rest, _, _ = strings.Cut(rest, "\n")
	return endpoint + strings.TrimSpace(rest)
}
