package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Queue is an SQS queue.
type Queue struct {
	URL    string
	Client *sqs.Client
}

// Send implements Sender. The body is as it was signed, and the id beside it.
func (q *Queue) Send(ctx context.Context, id, body string) error {
	_, err := q.Client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &q.URL, MessageBody: &body,
		MessageAttributes: map[string]types.MessageAttributeValue{"webhook-id": {DataType: aws.String("String"), StringValue: &id}},
	})
	if err != nil {
		return fmt.Errorf("queue webhook %s: %w", id, err)
	}
	return nil
}
