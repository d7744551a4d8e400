package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	mail "github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
)

// Notifications reach users by e-mail and everybody else over a topic.
type Notifications struct {
	Topic    string // ARN
	Sender   string // a verified address
	Template string // of the welcome e-mail
	SNS      *sns.Client
	SES      *sesv2.Client
}

// SendWelcomeEmail greets a new user.
func (n *Notifications) SendWelcomeEmail(ctx context.Context, email, name string) error {
	data, err := json.Marshal(map[string]string{"name": name})
	if err != nil {
		return fmt.Errorf("welcome %s: %w", email, err)
	}
	_, err = n.SES.SendEmail(ctx, &sesv2.SendEmailInput{
		FromEmailAddress: &n.Sender,
		Destination:      &mail.Destination{ToAddresses: []string{email}},
		Content:          &mail.EmailContent{Template: &mail.Template{TemplateName: &n.Template, TemplateData: aws.String(string(data))}},
	})
	if err != nil {
		return fmt.Errorf("welcome %s: %w", email, err)
	}
	return nil
}

// SendUserCreated publishes that there is a new user.
func (n *Notifications) SendUserCreated(ctx context.Context, userID, email string) error {
	return n.publish(ctx, "UserCreated", "New user "+userID, map[string]string{"userId": userID, "email": email})
}

// SendStatusChange publishes that a user has another status.
func (n *Notifications) SendStatusChange(ctx context.Context, userID, from, to string) error {
	return n.publish(ctx, "UserStatusChanged", "User "+userID+" is "+to, map[string]string{"userId": userID, "oldStatus": from, "newStatus": to})
}

// publish publishes an event, with its kind as an attribute by which subscribers
// choose.
func (n *Notifications) publish(ctx context.Context, kind, subject string, event map[string]string) error {
	text, err := json.Marshal(event)
	if err != nil {
		return fmt.Errorf("publish %s of %s: %w", kind, event["userId"], err)
	}
	_, err = n.SNS.Publish(ctx, &sns.PublishInput{
		TopicArn: &n.Topic, Subject: &subject, Message: aws.String(string(text)),
		MessageAttributes: map[string]types.MessageAttributeValue{"type": {DataType: aws.String("String"), StringValue: &kind}},
	})
	if err != nil {
		return fmt.Errorf("publish %s of %s: %w", kind, event["userId"], err)
	}
	return nil
}
