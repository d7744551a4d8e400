package main

import (
	"context"
	"net/url"
)

// fanout measures the way of a message from a topic over a queue to a function.
func (b *bench) fanout(ctx context.Context) error {
	return b.arrivals(ctx, arrival{
		table: "A message over SNS and SQS to its function", cause: "publication", manifest: fanoutManifest,
		request: func(ctx context.Context, host, id string) ([]byte, error) {
			return signedForm(ctx, host, "sns", url.Values{
				"Action": {"Publish"}, "Version": {"2010-03-31"}, "TopicArn": {"arn:aws:sns:us-east-1:000000000000:arrivals"}, "Message": {id},
			})
		},
	})
}

const fanoutManifest = `service: fanout
provider:
  name: aws
  runtime: provided.al2023
  region: us-east-1
  memorySize: 1769
functions:
  arrive:
    handler: bootstrap
    package: {artifact: arrive.zip}
    environment: {ARRIVALS: '%s'}
    events:
      - sqs: {arn: !GetAtt Queue.Arn}
resources:
  Resources:
    Topic:
      Type: AWS::SNS::Topic
      Properties: {TopicName: arrivals}
    Queue:
      Type: AWS::SQS::Queue
      Properties: {QueueName: arrivals}
    Subscription:
      Type: AWS::SNS::Subscription
      Properties: {TopicArn: !Ref Topic, Protocol: sqs, Endpoint: !GetAtt Queue.Arn, RawMessageDelivery: true}
    Policy:
      Type: AWS::SQS::QueuePolicy
      Properties:
        Queues: [!Ref Queue]
        PolicyDocument:
          Statement:
            - {Effect: Allow, Principal: {Service: sns.amazonaws.com}, Action: 'sqs:SendMessage', Resource: !GetAtt Queue.Arn}
`
