// Command dynamodbprocessor is the guideline's DynamoDBStreamProcessingFunction:
// it follows the stream of the table of users. A new user gets a welcome e-mail,
// a change of status is published to a topic, and registrations and deletions
// are recorded for analytics.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	// Outside the handler: warm invocations use it again.
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Error("reading the configuration", "err", err)
		os.Exit(1)
	}
	p := &Processor{
		Notifications: &Notifications{
			Topic: os.Getenv("NOTIFICATION_TOPIC"), Sender: os.Getenv("SENDER"), Template: os.Getenv("WELCOME_TEMPLATE"),
			SNS: sns.NewFromConfig(cfg), SES: sesv2.NewFromConfig(cfg),
		},
		Analytics: &Analytics{Table: os.Getenv("ANALYTICS_TABLE"), DB: dynamodb.NewFromConfig(cfg)},
		Log:       log,
	}
	lambda.Start(p.Handle)
}
