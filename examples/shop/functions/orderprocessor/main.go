// Command orderprocessor is the guideline's OrderProcessingFunction: it takes
// orders from a queue and over HTTP, processes each once, and tells an event bus
// when it has.
package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
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
		Orders:   &Table{Name: os.Getenv("TABLE_NAME"), DB: dynamodb.NewFromConfig(cfg)},
		Bus:      &Bus{Name: os.Getenv("EVENT_BUS"), Client: eventbridge.NewFromConfig(cfg)},
		Settings: &Config{Parameters: ssm.NewFromConfig(cfg), Secrets: secretsmanager.NewFromConfig(cfg), For: 5 * time.Minute},
		Limit:    os.Getenv("ORDER_LIMIT"), Key: os.Getenv("ORDER_KEY"),
		Log: log,
	}
	lambda.Start(p.Handle)
}
