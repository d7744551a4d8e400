package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// Bus is an EventBridge event bus.
type Bus struct {
	Name   string
	Client *eventbridge.Client
}

// OrderProcessed publishes that an order was processed.
func (b *Bus) OrderProcessed(ctx context.Context, p Processed) error {
	detail, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("publish order %s: %w", p.ID, err)
	}
	out, err := b.Client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{
		EventBusName: &b.Name, Source: aws.String("shop.orders"), DetailType: aws.String("OrderProcessed"), Detail: aws.String(string(detail)),
	}}})
	if err != nil {
		return fmt.Errorf("publish order %s: %w", p.ID, err)
	}
	if e := out.Entries[0]; e.ErrorCode != nil { // an answer of 200 does not say that the bus has taken it
		return fmt.Errorf("publish order %s: %s: %s", p.ID, *e.ErrorCode, aws.ToString(e.ErrorMessage))
	}
	return nil
}
