package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// TestMoved: a cloud that comes back on another port. The URLs of its queues that it
// gives are those of today, to clients, in outputs and in functions' environments,
// whether or not the application is deployed again; the URL that a client has kept
// names the queue still.
//
// Mutations that it finds: a URL that is given as it was kept; a queue that is looked
// for by the host of its URL.
func TestMoved(t *testing.T) {
	data := t.TempDir()
	c := start(t, data, "up", "testdata/moved", "--watch=false")
	kept := c.queueURL()
	movedTo(t, c, kept)
	for _, again := range [][]string{{"up", "testdata/moved", "--watch=false"}, {"start"}} {
		was := c.Endpoint
		c.stop()
		if c = start(t, data, again...); c.Endpoint == was {
			t.Fatal("the kernel gave the same port again")
		}
		movedTo(t, c, kept)
	}
	c.stop()
}

func (c *cloud) queueURL() string { return c.Endpoint + "/000000000000/moved" }

// movedTo expects the queue at c's endpoint, and by the URL that it had at first.
func movedTo(t *testing.T, c *cloud, kept string) {
	t.Helper()
	if got, code := c.nube("invoke", "where"); code != 0 || strings.TrimSpace(got) != `"`+c.queueURL()+`"` {
		t.Errorf("nube invoke ended with %d; the function knows %s, want %s", code, got, c.queueURL())
	}
	ctx, client := t.Context(), sqs.NewFromConfig(c.config())
	list, err := client.ListQueues(ctx, &sqs.ListQueuesInput{})
	if err != nil || !slices.Equal(list.QueueUrls, []string{c.queueURL()}) {
		t.Errorf("ListQueues: %v, %v", list, err)
	}
	found, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("moved")})
	if err != nil || *found.QueueUrl != c.queueURL() {
		t.Errorf("GetQueueUrl: %v, %v", found, err)
	}
	made, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("moved")})
	if err != nil || *made.QueueUrl != c.queueURL() {
		t.Errorf("CreateQueue: %v, %v", made, err)
	}
	stacks, err := cloudformation.NewFromConfig(c.config()).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{})
	if err != nil {
		t.Fatal(err)
	}
	shown := ""
	for _, o := range stacks.Stacks[0].Outputs {
		if *o.OutputKey == "QueueUrl" {
			shown = *o.OutputValue
		}
	}
	if shown != c.queueURL() {
		t.Errorf("the output is %q, want %s", shown, c.queueURL())
	}
	if _, err := client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &kept, MessageBody: &c.Endpoint}); err != nil {
		t.Fatalf("SendMessage to %s: %v", kept, err)
	}
	got, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &kept})
	if err != nil || len(got.Messages) != 1 || *got.Messages[0].Body != c.Endpoint {
		t.Fatalf("ReceiveMessage from %s: %v, %v", kept, got, err)
	}
	if _, err := client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &kept, ReceiptHandle: got.Messages[0].ReceiptHandle}); err != nil {
		t.Errorf("DeleteMessage at %s: %v", kept, err)
	}
}
