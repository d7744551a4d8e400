package sns_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/fault"
)

// https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html
func TestPages(t *testing.T) {
	b := newBed(t)
	const n = 230
	topic := b.createTopic("t")
	for i := range n {
		b.createTopic(fmt.Sprintf("topic%03d", i))
		b.subscribe(topic, "sqs", fmt.Sprintf("%sq%d", queueARN, i))
	}
	other := b.createTopic("other")
	b.subscribe(other, "sqs", queueARN+"q0")

	seen := map[string]bool{}
	var token *string
	for pages := 1; ; pages++ {
		out, err := awsapi.Do(b.ctx, b.front, shapes.ListSubscriptionsByTopic, &shapes.ListSubscriptionsByTopicInput{TopicArn: &topic, NextToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range out.Subscriptions {
			seen[*s.Endpoint] = *s.TopicArn == topic
		}
		if token = out.NextToken; token == nil {
			if pages != 3 || len(seen) != n {
				t.Errorf("%d subscriptions on %d pages", len(seen), pages)
			}
			break
		}
	}
	count := 0
	for {
		out, err := awsapi.Do(b.ctx, b.front, shapes.ListSubscriptions, &shapes.ListSubscriptionsInput{NextToken: token})
		if err != nil {
			t.Fatal(err)
		}
		count += len(out.Subscriptions)
		if token = out.NextToken; token == nil {
			break
		}
	}
	if count != n+1 {
		t.Errorf("%d subscriptions, want %d", count, n+1)
	}
	count = 0
	for {
		out, err := awsapi.Do(b.ctx, b.front, shapes.ListTopics, &shapes.ListTopicsInput{NextToken: token})
		if err != nil {
			t.Fatal(err)
		}
		count += len(out.Topics)
		if token = out.NextToken; token == nil {
			break
		}
	}
	if count != n+2 {
		t.Errorf("%d topics, want %d", count, n+2)
	}
}

// A token is good for the list that gave it, and shows nothing of another topic.
func TestTokensOfOtherLists(t *testing.T) {
	b := newBed(t)
	first, second := b.createTopic("first"), b.createTopic("second")
	b.subscribe(first, "sqs", queueARN+"q")
	b.subscribe(second, "sqs", queueARN+"q")
	token := func(parts ...string) *string {
		return ptr(base64.StdEncoding.EncodeToString([]byte(strings.Join(parts, "\n"))))
	}
	for _, c := range []*string{token("first", ""), token("first", "0"), token("second"), token("second", "x", "y"), ptr("%"), ptr("IA")} {
		out, err := awsapi.Do(b.ctx, b.front, shapes.ListSubscriptionsByTopic, &shapes.ListSubscriptionsByTopicInput{TopicArn: &second, NextToken: c})
		if !fault.Is(err, "InvalidParameter") {
			t.Errorf("%q: %+v, %v", *c, out, err)
		}
	}
	if out, err := awsapi.Do(b.ctx, b.front, shapes.ListTopics, &shapes.ListTopicsInput{NextToken: token("second", "id")}); !fault.Is(err, "InvalidParameter") {
		t.Errorf("topics: %+v, %v", out, err)
	}
}

// A topic of the same name as one that was deleted has nothing of it, though the
// clock stands still.
func TestTopicMadeAgain(t *testing.T) {
	b := newBed(t)
	topic := b.createTopic("t")
	b.subscribe(topic, "sqs", queueARN+"old")
	b.publish(topic, "one")
	b.settle()
	b.queued()
	if _, err := awsapi.Do(b.ctx, b.front, shapes.DeleteTopic, &shapes.DeleteTopicInput{TopicArn: &topic}); err != nil {
		t.Fatal(err)
	}
	if rows := b.rows(); len(rows) != 1 { // the signer
		t.Errorf("left: %q", rows)
	}
	b.createTopic("t")
	b.subscribe(topic, "sqs", queueARN+"new")
	b.publish(topic, "two")
	b.settle()
	if es := b.queues.take(); len(es) != 1 || es[0].Target != queueARN+"new" {
		t.Errorf("%+v", es)
	}
}

// Who has subscribed gets what is published from then on; who has unsubscribed
// nothing, whatever happens at the same time.
func TestSubscribingWhilePublishing(t *testing.T) {
	b := newBed(t)
	topic := b.createTopic("t")
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 10 {
				queue := fmt.Sprintf("%sq%d-%d", queueARN, w, i)
				sub := b.subscribe(topic, "sqs", queue, "RawMessageDelivery", "true")
				b.publish(topic, "in "+queue)
				if _, err := awsapi.Do(b.ctx, b.front, shapes.Unsubscribe, &shapes.UnsubscribeInput{SubscriptionArn: &sub}); err != nil {
					t.Error(err)
				}
				b.publish(topic, "out "+queue)
			}
		})
	}
	wg.Wait()
	b.settle()
	in := 0
	for _, e := range b.queues.take() {
		m, err := e.Message()
		if err != nil {
			t.Fatal(err)
		}
		switch string(m.Body) {
		case "in " + e.Target:
			in++
		case "out " + e.Target:
			t.Errorf("%s got a message after it had unsubscribed", e.Target)
		}
	}
	if in != 40 {
		t.Errorf("%d of 40 messages arrived", in)
	}
}

// A publish costs a signature when somebody can tell, and a commit.
func BenchmarkPublish(b *testing.B) {
	for _, kind := range []string{"raw", "envelope"} {
		for _, queues := range []int{1, 10} {
			b.Run(fmt.Sprintf("%s/queues=%d", kind, queues), func(b *testing.B) {
				bed := newBed(b)
				topic := bed.createTopic("t")
				for i := range queues {
					bed.subscribe(topic, "sqs", fmt.Sprintf("%sq%d", queueARN, i), "RawMessageDelivery", fmt.Sprint(kind == "raw"))
				}
				text := "hello"
				b.ReportAllocs()
				for b.Loop() {
					if _, err := awsapi.Do(bed.ctx, bed.front, shapes.Publish, &shapes.PublishInput{TopicArn: &topic, Message: &text}); err != nil {
						b.Fatal(err)
					}
				}
				if err := context.Cause(bed.ctx); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}
