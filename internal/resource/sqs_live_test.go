package resource_test

import (
	"strings"
	"testing"

	lambdashapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/awsapi/shapes/sqs"
)

const queuesV1 = `
Resources:
  Dead:
    Type: AWS::SQS::Queue
  Orders:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: orders
      VisibilityTimeout: 60
      DelaySeconds: 5
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3}
      Tags: [{Key: team, Value: blue}]
  Ordered:
    Type: AWS::SQS::Queue
    Properties: {FifoQueue: true, ContentBasedDeduplication: true, DeduplicationScope: messageGroup, FifoThroughputLimit: perMessageGroupId}
  Policy:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [!Ref Orders, !Ref Dead]
      PolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: sns.amazonaws.com}, Action: "sqs:SendMessage", Resource: "*"}]
  Inline:
    Type: AWS::SQS::QueueInlinePolicy
    Properties:
      Queue: !Ref Ordered
      PolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: events.amazonaws.com}, Action: "sqs:SendMessage", Resource: "*"}]
Outputs:
  Orders: {Value: !Ref Orders}
  Name: {Value: !GetAtt Orders.QueueName}
  Arn: {Value: !GetAtt Orders.Arn}
  URL: {Value: !GetAtt Orders.QueueUrl}
  Ordered: {Value: !GetAtt Ordered.QueueName}
  Dead: {Value: !GetAtt Dead.Arn}
  DeadURL: {Value: !Ref Dead}
  Policy: {Value: !Ref Policy}
`

func TestQueues(t *testing.T) {
	l := newLive(t)
	st := l.up(queuesV1)
	url := output(st, "Orders")
	if !strings.HasSuffix(url, "/123456789012/orders") || output(st, "URL") != url || output(st, "Name") != "orders" ||
		output(st, "Arn") != "arn:aws:sqs:eu-central-1:123456789012:orders" || !strings.HasPrefix(output(st, "Ordered"), "app-Ordered-") ||
		!strings.HasSuffix(output(st, "Ordered"), ".fifo") || !strings.HasPrefix(output(st, "Policy"), "app-Policy-") {
		t.Errorf("outputs: %v", st.Outputs)
	}
	attributes := func(queue string) map[string]string {
		return ask(l, sqs.GetQueueAttributes, &sqs.GetQueueAttributesRequest{QueueUrl: &queue, AttributeNames: []string{"All"}}).Attributes
	}
	tags := func() map[string]string {
		return ask(l, sqs.ListQueueTags, &sqs.ListQueueTagsRequest{QueueUrl: &url}).Tags
	}
	have := attributes(url)
	if have["VisibilityTimeout"] != "60" || have["DelaySeconds"] != "5" || !strings.Contains(have["RedrivePolicy"], output(st, "Dead")) || !strings.Contains(have["Policy"], "sns.amazonaws.com") {
		t.Errorf("attributes %v", have)
	}
	if have := attributes(output(st, "Ordered")); have["FifoThroughputLimit"] != "perMessageGroupId" || have["ContentBasedDeduplication"] != "true" || !strings.Contains(have["Policy"], "events.amazonaws.com") {
		t.Errorf("attributes %v", have)
	}
	if got := tags(); got["team"] != "blue" {
		t.Errorf("tags %v", got)
	}

	// What is not said any more is as if it had never been.
	v2 := strings.NewReplacer("      VisibilityTimeout: 60\n      DelaySeconds: 5\n", "      DelaySeconds: 7\n",
		"      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3}\n", "", "Value: blue", "Value: red", "[!Ref Orders, !Ref Dead]", "[!Ref Orders]").Replace(queuesV1)
	st = l.up(v2)
	have = attributes(url)
	if output(st, "Orders") != url || have["VisibilityTimeout"] != "30" || have["DelaySeconds"] != "7" || have["RedrivePolicy"] != "" || tags()["team"] != "red" {
		t.Errorf("attributes %v, tags %v", have, tags())
	}
	if have := attributes(output(st, "DeadURL")); have["Policy"] != "" {
		t.Errorf("policy of a queue that the template does not name any more: %s", have["Policy"])
	}

	// Another name is another queue.
	st = l.up(strings.Replace(v2, "QueueName: orders", "QueueName: others", 1))
	if !strings.HasSuffix(output(st, "Orders"), "/others") {
		t.Errorf("outputs: %v", st.Outputs)
	}
	if got := ask(l, sqs.ListQueues, &sqs.ListQueuesRequest{}).QueueUrls; len(got) != 3 {
		t.Errorf("queues: %v", got)
	}
	l.down()
	if got := ask(l, sqs.ListQueues, &sqs.ListQueuesRequest{}).QueueUrls; len(got) != 0 {
		t.Errorf("queues: %v", got)
	}
}

// A mapping of a queue, its limits, and the way back to them.
func TestEventSourceMappingOfAQueue(t *testing.T) {
	const body = `
Resources:
  Orders: {Type: AWS::SQS::Queue}
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]}
  Function:
    Type: AWS::Lambda::Function
    Properties: {Runtime: python3.12, Handler: index.handler, Role: !GetAtt Role.Arn, Code: {ZipFile: "def handler(event, context): return 1"}}
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      EventSourceArn: !GetAtt Orders.Arn
      FunctionName: !Ref Function
%
Outputs:
  Id: {Value: !Ref Mapping}
`
	l := newLive(t)
	st := l.up(strings.Replace(body, "%", `      BatchSize: 100
      MaximumBatchingWindowInSeconds: 5
      ScalingConfig: {MaximumConcurrency: 7}
      FunctionResponseTypes: [ReportBatchItemFailures]`, 1))
	id := output(st, "Id")
	get := func() *lambdashapes.EventSourceMappingConfiguration {
		return ask(l, lambdashapes.GetEventSourceMapping, &lambdashapes.GetEventSourceMappingRequest{UUID: &id})
	}
	if m := get(); *m.BatchSize != 100 || *m.MaximumBatchingWindowInSeconds != 5 || *m.ScalingConfig.MaximumConcurrency != 7 || len(m.FunctionResponseTypes) != 1 || *m.State != "Enabled" {
		t.Errorf("mapping %+v", m)
	}
	st = l.up(strings.Replace(body, "%", "      Enabled: false", 1))
	if m := get(); output(st, "Id") != id || *m.BatchSize != 10 || *m.MaximumBatchingWindowInSeconds != 0 || m.ScalingConfig != nil || len(m.FunctionResponseTypes) != 0 || *m.State != "Disabled" {
		t.Errorf("mapping %+v", m)
	}
	l.down()
}
