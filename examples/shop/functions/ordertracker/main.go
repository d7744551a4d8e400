// Command ordertracker listens on the shop's event bus: each order that was
// processed gets a record for analytics.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Tracker keeps records in a table. The order's id is the key, so that an event
// that comes twice counts once.
type Tracker struct {
	Table string
	DB    *dynamodb.Client
	Log   *slog.Logger
}

// Handle records the order of an event.
func (t *Tracker) Handle(ctx context.Context, e events.EventBridgeEvent) error {
	var order struct {
		ID string `json:"orderId"`
	}
	if err := json.Unmarshal(e.Detail, &order); err != nil {
		return fmt.Errorf("event %s: %w", e.ID, err)
	}
	t.Log.InfoContext(ctx, "tracking order", "order", order.ID)
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	_, err := t.DB.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &t.Table, Item: map[string]types.AttributeValue{"id": text("order#" + order.ID), "type": text(e.DetailType), "orderId": text(order.ID)},
	})
	if err != nil {
		return fmt.Errorf("track order %s: %w", order.ID, err)
	}
	return nil
}

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Error("reading the configuration", "err", err)
		os.Exit(1)
	}
	t := &Tracker{Table: os.Getenv("ANALYTICS_TABLE"), DB: dynamodb.NewFromConfig(cfg), Log: log}
	lambda.Start(t.Handle)
}
