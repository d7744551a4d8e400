// Command receiver takes webhooks over HTTP. It verifies each, puts it on a queue
// and answers; what is to be done about it is the worker's.
package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	// Outside the handler: warm invocations use it again.
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Error("reading the configuration", "err", err)
		os.Exit(1)
	}
	r := &Receiver{
		Secret:     &Secret{ID: os.Getenv("SECRET"), For: 5 * time.Minute, Store: secretsmanager.NewFromConfig(cfg)},
		Deliveries: &Deliveries{Table: os.Getenv("DELIVERIES_TABLE"), DB: dynamodb.NewFromConfig(cfg)},
		Queue:      &Queue{URL: os.Getenv("QUEUE_URL"), Client: sqs.NewFromConfig(cfg)},
		Log:        log,
	}
	lambda.Start(r.Handle)
}
