package sqs_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sqs"
)

func TestCreateQueue(t *testing.T) {
	b := newBed(t)
	q := b.create("q", "VisibilityTimeout", "10")
	expect(b, "URL", *q, endpoint+"/"+account+"/q")
	expect(b, "again", *b.create("q", "VisibilityTimeout", "10"), *q)
	expect(b, "again, with a default", *b.create("q", "DelaySeconds", "0"), *q)
	expect(b, "again, without any", *b.create("q"), *q)
	refused(b, "QueueNameExists", shapes.CreateQueue, &shapes.CreateQueueRequest{QueueName: ptr("q"), Attributes: pairs([]string{"VisibilityTimeout", "11"})})
	for code, attributes := range map[string][]map[string]string{
		"InvalidAttributeName": {{"Nonsense": "1"}, {"QueueArn": "x"}, {"DeduplicationScope": "queue"}},
		"InvalidAttributeValue": {
			{"VisibilityTimeout": "-1"}, {"VisibilityTimeout": "43201"}, {"VisibilityTimeout": "x"}, {"DelaySeconds": "901"}, {"MessageRetentionPeriod": "59"},
			{"MessageRetentionPeriod": "1209601"}, {"MaximumMessageSize": "1023"}, {"MaximumMessageSize": "1048577"}, {"ReceiveMessageWaitTimeSeconds": "21"},
			{"KmsDataKeyReusePeriodSeconds": "59"}, {"SqsManagedSseEnabled": "yes"}, {"Policy": "x"},
		},
		"InvalidParameterValue": {{"RedrivePolicy": "x"}, {"KmsMasterKeyId": "k", "SqsManagedSseEnabled": "true"}},
	} {
		for _, a := range attributes {
			refused(b, code, shapes.CreateQueue, &shapes.CreateQueueRequest{QueueName: ptr("other"), Attributes: a})
		}
	}
	for _, name := range []string{"", "a b", "a.b", ".fifo", fmt.Sprintf("%081d", 0)} {
		if _, err := b.tryCreate(name); err == nil {
			t.Errorf("a queue was made with the name %q", name)
		}
	}
	do(b, shapes.DeleteQueue, &shapes.DeleteQueueRequest{QueueUrl: q})
	refused(b, "QueueDoesNotExist", shapes.GetQueueUrl, &shapes.GetQueueUrlRequest{QueueName: ptr("q")})
	refused(b, "QueueDoesNotExist", shapes.SendMessage, &shapes.SendMessageRequest{QueueUrl: q, MessageBody: ptr("m")})
	refused(b, "QueueDoesNotExist", shapes.DeleteQueue, &shapes.DeleteQueueRequest{QueueUrl: q})
	// It can be made again at once, and has nothing of the first.
	b.create("q")
	expect(b, "visibility", b.attributes(q)["VisibilityTimeout"], "30")
}

func (b *bed) tryCreate(name string) (*string, error) {
	out, err := b.front.Call(b.ctx, shapes.CreateQueue.Model, shapes.CreateQueue.Op, &shapes.CreateQueueRequest{QueueName: &name})
	if err != nil {
		return nil, err
	}
	return out.(*shapes.CreateQueueResult).QueueUrl, nil
}

func TestEncryptionAttributes(t *testing.T) {
	b := newBed(t)
	q := b.create("q")
	expect(b, "at first", b.attributes(q)["SqsManagedSseEnabled"], "true")
	b.set(q, "KmsMasterKeyId", "alias/aws/sqs")
	a := b.attributes(q)
	expect(b, "SQS's own", a["SqsManagedSseEnabled"], "false")
	expect(b, "reuse", a["KmsDataKeyReusePeriodSeconds"], "300")
	b.set(q, "SqsManagedSseEnabled", "true")
	expect(b, "the key", b.attributes(q)["KmsMasterKeyId"], "")
}

func TestListQueues(t *testing.T) {
	b := newBed(t)
	var want []string
	for i := range 5 {
		want = append(want, *b.create(fmt.Sprint("a", i)))
	}
	b.create("b")
	var got []string
	in := &shapes.ListQueuesRequest{QueueNamePrefix: ptr("a"), MaxResults: ptr(int32(2))}
	for pages := 0; ; pages++ {
		out := do(b, shapes.ListQueues, in)
		got = append(got, out.QueueUrls...)
		if in.NextToken = out.NextToken; out.NextToken == nil {
			expect(b, "pages", pages, 2)
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	refused(b, "InvalidParameterValue", shapes.ListQueues, &shapes.ListQueuesRequest{MaxResults: ptr(int32(1001))})
	refused(b, "InvalidParameterValue", shapes.ListQueues, &shapes.ListQueuesRequest{MaxResults: ptr(int32(1)), NextToken: ptr("%")})
}

func TestTags(t *testing.T) {
	b := newBed(t)
	q := b.create("q")
	do(b, shapes.TagQueue, &shapes.TagQueueRequest{QueueUrl: q, Tags: map[string]string{"a": "1", "b": ""}})
	do(b, shapes.UntagQueue, &shapes.UntagQueueRequest{QueueUrl: q, TagKeys: []string{"a", "c"}})
	if diff := cmp.Diff(map[string]string{"b": ""}, do(b, shapes.ListQueueTags, &shapes.ListQueueTagsRequest{QueueUrl: q}).Tags); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	refused(b, "InvalidParameterValue", shapes.TagQueue, &shapes.TagQueueRequest{QueueUrl: q, Tags: map[string]string{"aws:x": "1"}})
}
