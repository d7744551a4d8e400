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

// ReportReady implements Publisher.
func (b *Bus) ReportReady(ctx context.Context, r Report) error {
	detail, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("publish report of %s: %w", r.Day, err)
	}
	out, err := b.Client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{
		EventBusName: &b.Name, Source: aws.String("shop.reports"), DetailType: aws.String("ReportReady"), Detail: aws.String(string(detail)),
	}}})
	if err != nil {
		return fmt.Errorf("publish report of %s: %w", r.Day, err)
	}
	if e := out.Entries[0]; e.ErrorCode != nil { // an answer of 200 does not say that the bus has taken it
		return fmt.Errorf("publish report of %s: %s: %s", r.Day, *e.ErrorCode, aws.ToString(e.ErrorMessage))
	}
	return nil
}
