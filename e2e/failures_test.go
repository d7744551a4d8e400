package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// TestFailuresReachQueues invokes functions that fail, and holds what then lies in
// the queues to AWS's documentation.
//
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
// https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
//
// Mutation that it finds: a destination that is kept and not delivered to.
func TestFailuresReachQueues(t *testing.T) {
	c := start(t, "memory", "up", "testdata/failures", "--watch=false")
	functions := lambda.NewFromConfig(c.config())
	for _, name := range []string{"fails", "works", "buries"} {
		_, err := functions.Invoke(t.Context(), &lambda.InvokeInput{
			FunctionName: aws.String("failures-dev-" + name), InvocationType: types.InvocationTypeEvent, Payload: []byte(`{"question":42}`),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := dynamodb.NewFromConfig(c.config()).PutItem(t.Context(), &dynamodb.PutItemInput{
		TableName: aws.String("read"), Item: map[string]dynamodbtypes.AttributeValue{"id": &dynamodbtypes.AttributeValueMemberS{Value: "1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.settle()

	for queue, want := range map[string]string{
		"failed": `{"requestContext":{"approximateInvokeCount":1,"condition":"RetriesExhausted","functionArn":"FUNCTION:failures-dev-fails:$LATEST"},
			"requestPayload":{"question":42},"responseContext":{"executedVersion":"$LATEST","functionError":"Unhandled","statusCode":200},
			"responsePayload":{"errorMessage":"no","errorType":"Error"},"version":"1.0"}`,
		"succeeded": `{"requestContext":{"approximateInvokeCount":1,"condition":"Success","functionArn":"FUNCTION:failures-dev-works:$LATEST"},
			"requestPayload":{"question":42},"responseContext":{"executedVersion":"$LATEST","statusCode":200},"responsePayload":{"answer":42},"version":"1.0"}`,
		"unread": `{"DDBStreamBatchInfo":{"batchSize":1},
			"requestContext":{"approximateInvokeCount":1,"condition":"RetryAttemptsExhausted","functionArn":"FUNCTION:failures-dev-reads"},
			"responseContext":{"executedVersion":"$LATEST","functionError":"Unhandled","statusCode":200},"version":"1.0"}`,
		"heard": `{"DDBStreamBatchInfo":{"batchSize":1},
			"requestContext":{"approximateInvokeCount":1,"condition":"RetryAttemptsExhausted","functionArn":"FUNCTION:failures-dev-readsToo"},
			"responseContext":{"executedVersion":"$LATEST","functionError":"Unhandled","statusCode":200},"version":"1.0"}`,
	} {
		got := c.bodies(t, queue)
		if len(got) != 1 {
			t.Errorf("%s: %q", queue, got)
			continue
		}
		want = strings.ReplaceAll(want, "FUNCTION", "arn:aws:lambda:us-east-1:000000000000:function")
		if have, want := known(t, got[0]), known(t, want); have != want {
			t.Errorf("%s:\n got %s\nwant %s\n(%s)", queue, have, want, got[0])
		}
	}

	// A dead letter is the event itself, with attributes that say why.
	client := sqs.NewFromConfig(c.config())
	out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: c.queue(t, client, "dead"), MessageAttributeNames: []string{"All"}})
	if err != nil || len(out.Messages) != 1 {
		t.Fatalf("dead letters: %v, %v", out, err)
	}
	m := out.Messages[0]
	text := func(name string) string { return aws.ToString(m.MessageAttributes[name].StringValue) }
	if *m.Body != `{"question":42}` || text("ErrorCode") != "200" || text("ErrorMessage") != "no" || len(text("RequestID")) != 36 {
		t.Errorf("dead letter %s with %+v", *m.Body, m.MessageAttributes)
	}
	c.stop()
}

// known is a record without what differs each time.
func known(t *testing.T, text string) string {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	delete(m, "timestamp")
	for _, in := range []string{"requestContext", "responsePayload", "DDBStreamBatchInfo"} {
		if o, ok := m[in].(map[string]any); ok {
			for _, name := range []string{"requestId", "trace", "shardId", "startSequenceNumber", "endSequenceNumber", "approximateArrivalOfFirstRecord", "approximateArrivalOfLastRecord", "streamArn"} {
				delete(o, name)
			}
		}
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
