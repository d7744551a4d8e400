package sns_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/service/sns"
)

// What is kept in memory of a topic is one topic and one policy, however often
// they change, and nothing once it is deleted.
func TestMemory(t *testing.T) {
	b := newBed(t)
	topic := b.createTopic("t")
	for i := range 5 {
		policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Sid":"s%d","Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":%q}]}`, i, topic)
		if _, err := awsapi.Do(b.ctx, b.front, shapes.SetTopicAttributes, &shapes.SetTopicAttributesInput{
			TopicArn: &topic, AttributeName: ptr("Policy"), AttributeValue: &policy,
		}); err != nil {
			t.Fatal(err)
		}
		b.publish(topic, "hello")
	}
	if n := b.s.Kept(); n != 2 {
		t.Errorf("%d things are kept of one topic, want 2", n)
	}
	if _, err := awsapi.Do(b.ctx, b.front, shapes.DeleteTopic, &shapes.DeleteTopicInput{TopicArn: &topic}); err != nil {
		t.Fatal(err)
	}
	if n := b.s.Kept(); n != 0 {
		t.Errorf("%d things are kept of no topic", n)
	}
}

// An endpoint that was throttled is forgotten once it may be called at once.
func TestThrottledEndpointsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := sns.New(sns.Options{}).HTTP("http")
		for i := range 100 {
			for range 2 { // the second waits
				if err := h.Pace(t.Context(), fmt.Sprint("http://h", i), 10); err != nil {
					t.Fatal(err)
				}
			}
		}
		if n := h.Paced(); n > 3 {
			t.Errorf("%d endpoints are kept", n)
		}
	})
}

// What cannot be read is not said to be gone: deploy tools forget what is.
func TestStoreErrorsAreNotMissingRows(t *testing.T) {
	missing := fault.New("NotFound", "Topic does not exist")
	if err := sns.Present(false, context.Canceled, missing); fault.Is(err, "NotFound") || err == nil {
		t.Errorf("a read that was cancelled: %v", err)
	}
	if err := sns.Present(false, nil, missing); !fault.Is(err, "NotFound") {
		t.Errorf("no row: %v", err)
	}
	if err := sns.Present(true, nil, missing); err != nil {
		t.Errorf("a row: %v", err)
	}
}
