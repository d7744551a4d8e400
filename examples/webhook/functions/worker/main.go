// Command worker does what the webhooks of the queue ask for: it records payments.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Error("reading the configuration", "err", err)
		os.Exit(1)
	}
	w := &Worker{Payments: &Payments{Table: os.Getenv("PAYMENTS_TABLE"), DB: dynamodb.NewFromConfig(cfg)}, Log: log}
	lambda.Start(w.Handle)
}
