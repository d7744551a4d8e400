// Command nightlyreport is a small ETL job: every night it extracts the orders of
// the day before from a table, transforms them into a report, loads that into
// another table, and publishes that it is ready.
package main

import (
	"context"
	"log/slog"
	"os"
	"time"
	_ "time/tzdata" // provided.al2023 has no time zones of its own

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	// Outside the handler: warm invocations use it again.
	zone, err := time.LoadLocation(os.Getenv("TIME_ZONE"))
	if err != nil {
		log.Error("reading the time zone", "err", err)
		os.Exit(1)
	}
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Error("reading the configuration", "err", err)
		os.Exit(1)
	}
	db := dynamodb.NewFromConfig(cfg)
	j := &Job{
		Orders:  &Orders{Table: os.Getenv("ORDERS_TABLE"), DB: db},
		Reports: &Reports{Table: os.Getenv("REPORTS_TABLE"), DB: db},
		Bus:     &Bus{Name: os.Getenv("EVENT_BUS"), Client: eventbridge.NewFromConfig(cfg)},
		Zone:    zone,
		Log:     log,
	}
	lambda.Start(j.Handle)
}
