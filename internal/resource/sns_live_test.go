package resource_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/shapes/sns"
)

const topicsV1 = `
Resources:
  Orders:
    Type: AWS::SNS::Topic
    Properties:
      TopicName: orders
      DisplayName: Orders
      SignatureVersion: 2
      Tags: [{Key: team, Value: blue}]
      Subscription:
        - {Protocol: sqs, Endpoint: "arn:aws:sqs:eu-central-1:123456789012:inline"}
        - {Protocol: sqs, Endpoint: "arn:aws:sqs:eu-central-1:123456789012:old"}
  Unnamed:
    Type: AWS::SNS::Topic
    Properties: {FifoTopic: true, ContentBasedDeduplication: true}
  Filtered:
    Type: AWS::SNS::Subscription
    Properties:
      TopicArn: !Ref Orders
      Protocol: sqs
      Endpoint: arn:aws:sqs:eu-central-1:123456789012:filtered
      RawMessageDelivery: true
      FilterPolicy: {status: [paid, {prefix: ship}]}
      RedrivePolicy: {deadLetterTargetArn: "arn:aws:sqs:eu-central-1:123456789012:dead"}
  Policy:
    Type: AWS::SNS::TopicPolicy
    Properties:
      Topics: [!Ref Orders]
      PolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: s3.amazonaws.com}, Action: "sns:Publish", Resource: !Ref Orders}]
  Inline:
    Type: AWS::SNS::TopicInlinePolicy
    Properties:
      TopicArn: !Ref Unnamed
      PolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: events.amazonaws.com}, Action: "sns:Publish", Resource: "*"}]
Outputs:
  Orders: {Value: !Ref Orders}
  Name: {Value: !GetAtt Orders.TopicName}
  Arn: {Value: !GetAtt Orders.TopicArn}
  Unnamed: {Value: !GetAtt Unnamed.TopicName}
  Filtered: {Value: !Ref Filtered}
  Policy: {Value: !Ref Policy}
`

func TestTopics(t *testing.T) {
	l := newLive(t)
	st := l.up(topicsV1)
	const orders = "arn:aws:sns:eu-central-1:123456789012:orders"
	if output(st, "Orders") != orders || output(st, "Arn") != orders || output(st, "Name") != "orders" || !strings.HasPrefix(output(st, "Filtered"), orders+":") ||
		!strings.HasPrefix(output(st, "Unnamed"), "app-Unnamed-") || !strings.HasSuffix(output(st, "Unnamed"), ".fifo") || !strings.HasPrefix(output(st, "Policy"), "app-Policy-") {
		t.Errorf("outputs: %v", st.Outputs)
	}
	attributes := func(topic string) map[string]string {
		return ask(l, sns.GetTopicAttributes, &sns.GetTopicAttributesInput{TopicArn: &topic}).Attributes
	}
	endpoints := func() (out []string) {
		for _, s := range ask(l, sns.ListSubscriptionsByTopic, &sns.ListSubscriptionsByTopicInput{TopicArn: ptr(orders)}).Subscriptions {
			out = append(out, strings.TrimPrefix(*s.Endpoint, "arn:aws:sqs:eu-central-1:123456789012:"))
		}
		slices.Sort(out)
		return out
	}
	have := attributes(orders)
	if have["DisplayName"] != "Orders" || have["SignatureVersion"] != "2" || !strings.Contains(have["Policy"], "s3.amazonaws.com") {
		t.Errorf("the topic is %v", have)
	}
	fifo := "arn:aws:sns:eu-central-1:123456789012:" + output(st, "Unnamed")
	if have := attributes(fifo); have["ContentBasedDeduplication"] != "true" || !strings.Contains(have["Policy"], "events.amazonaws.com") {
		t.Errorf("the FIFO topic is %v", have)
	}
	if diff := cmp.Diff([]string{"filtered", "inline", "old"}, endpoints()); diff != "" {
		t.Error(diff)
	}
	filtered := output(st, "Filtered")
	sub := ask(l, sns.GetSubscriptionAttributes, &sns.GetSubscriptionAttributesInput{SubscriptionArn: &filtered}).Attributes
	if sub["FilterPolicy"] != `{"status":["paid",{"prefix":"ship"}]}` || sub["RawMessageDelivery"] != "true" || !strings.Contains(sub["RedrivePolicy"], ":dead") {
		t.Errorf("the subscription is %v", sub)
	}

	// In place: the same topic and subscription, changed.
	st = l.up(strings.NewReplacer(
		"DisplayName: Orders", "DisplayName: All orders", "SignatureVersion: 2", "TracingConfig: Active", "Value: blue", "Value: red",
		":old\"", ":new\"", "FilterPolicy: {status: [paid, {prefix: ship}]}", "FilterPolicy: {order: {status: [paid]}}\n      FilterPolicyScope: MessageBody",
		"RawMessageDelivery: true", "RawMessageDelivery: false", "Topics: [!Ref Orders]", "Topics: [!Ref Unnamed]",
	).Replace(strings.Replace(topicsV1, inlinePolicy, "", 1)))
	if output(st, "Filtered") != filtered {
		t.Errorf("outputs: %v", st.Outputs)
	}
	have = attributes(orders)
	if have["DisplayName"] != "All orders" || have["SignatureVersion"] != "1" || have["TracingConfig"] != "Active" || strings.Contains(have["Policy"], "s3.amazonaws.com") {
		t.Errorf("the topic is %v", have)
	}
	if diff := cmp.Diff([]string{"filtered", "inline", "new"}, endpoints()); diff != "" {
		t.Error(diff)
	}
	sub = ask(l, sns.GetSubscriptionAttributes, &sns.GetSubscriptionAttributesInput{SubscriptionArn: &filtered}).Attributes
	if sub["FilterPolicy"] != `{"order":{"status":["paid"]}}` || sub["FilterPolicyScope"] != "MessageBody" || sub["RawMessageDelivery"] != "false" {
		t.Errorf("the subscription is %v", sub)
	}
	tags := ask(l, sns.ListTagsForResource, &sns.ListTagsForResourceRequest{ResourceArn: ptr(orders)}).Tags
	if len(tags) != 1 || *tags[0].Value != "red" {
		t.Errorf("tags %+v", tags)
	}
	l.down()
	if topics := ask(l, sns.ListTopics, &sns.ListTopicsInput{}).Topics; len(topics) != 0 {
		t.Errorf("left: %+v", topics)
	}
	if _, err := awsapi.Do(l.ctx, l.front, sns.GetTopicAttributes, &sns.GetTopicAttributesInput{TopicArn: ptr(orders)}); err == nil {
		t.Error("the topic is still there")
	}
}

// inlinePolicy is the part of the template that the second version lacks.
const inlinePolicy = `  Inline:
    Type: AWS::SNS::TopicInlinePolicy
    Properties:
      TopicArn: !Ref Unnamed
      PolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: events.amazonaws.com}, Action: "sns:Publish", Resource: "*"}]
`
