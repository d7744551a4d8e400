package sns_test

import (
	"testing"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sns"
)

// Two messages are the same by their content when all of it is, not only what
// most protocols get.
func TestFIFODeduplicationOfStructures(t *testing.T) {
	b := newBed(t)
	topic := b.createTopic("t.fifo", "ContentBasedDeduplication", "true")
	b.subscribe(topic, "sqs", queueARN+"q.fifo", "RawMessageDelivery", "true")
	for _, text := range []string{`{"default":"x","sqs":"one"}`, `{"default":"x","sqs":"two"}`, `{"default":"x","sqs":"two"}`} {
		b.publish(topic, text, func(in *shapes.PublishInput) { in.MessageGroupId, in.MessageStructure = ptr("g"), ptr("json") })
	}
	b.settle()
	got := b.queued()
	if len(got) != 2 || string(got[0].Body) != "one" || string(got[1].Body) != "two" {
		t.Errorf("%d messages: %+v", len(got), got)
	}
}

// A standard queue of a FIFO topic gets no deduplication id, which such queues
// refuse.
//
// https://docs.aws.amazon.com/sns/latest/dg/sns-fifo-topics.html
func TestFIFOToStandardQueue(t *testing.T) {
	b := newBed(t)
	topic := b.createTopic("t.fifo")
	b.subscribe(topic, "sqs", queueARN+"standard", "RawMessageDelivery", "true")
	b.publish(topic, "x", func(in *shapes.PublishInput) { in.MessageGroupId, in.MessageDeduplicationId = ptr("g"), ptr("d") })
	b.settle()
	if got := b.queued(); len(got) != 1 || got[0].Dedup != "" || got[0].Group != "g" {
		t.Errorf("%+v", got)
	}
}
