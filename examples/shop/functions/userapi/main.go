// Command userapi is the guideline's UserApiFunction: users over API Gateway,
// stored in DynamoDB, their e-mail addresses unique.
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
	// Outside the handler: warm invocations use it again.
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Error("reading the configuration", "err", err)
		os.Exit(1)
	}
	api := &API{
		Users: &Table{Name: os.Getenv("TABLE_NAME"), DB: dynamodb.NewFromConfig(cfg)},
		Log:   log,
	}
	lambda.Start(api.Handle)
}
