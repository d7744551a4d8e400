package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"
)

// Payment is what the provider says of a payment.
type Payment struct {
	Order  string      `json:"orderId"`
	Amount json.Number `json:"amount"` // as it was written: money is no float
}

// Recorder keeps payments.
type Recorder interface {
	// Record records the payment that a webhook tells of: once, however often it is
	// called.
	Record(ctx context.Context, id string, p Payment) error
}

// Worker handles webhooks.
type Worker struct {
	Payments Recorder
	Log      *slog.Logger
}

// Handle takes a batch, and says which messages have failed: those alone come
// again, and go to the dead-letter queue if they fail too often.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
func (w *Worker) Handle(ctx context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
	var out events.SQSEventResponse
	for _, m := range e.Records {
		if err := w.process(ctx, m); err != nil {
			w.Log.ErrorContext(ctx, "webhook failed", "message", m.MessageId, "err", err)
			out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	return out, nil
}

func (w *Worker) process(ctx context.Context, m events.SQSMessage) error {
	id := m.MessageAttributes["webhook-id"].StringValue
	if id == nil {
		return errors.New("no webhook-id")
	}
	var webhook struct {
		Type string
		Data json.RawMessage
	}
	if err := json.Unmarshal([]byte(m.Body), &webhook); err != nil {
		return err
	}
	if webhook.Type != "payment.succeeded" {
		w.Log.InfoContext(ctx, "nothing to do", "id", *id, "type", webhook.Type)
		return nil
	}
	var p Payment
	if err := json.Unmarshal(webhook.Data, &p); err != nil {
		return err
	}
	if p.Order == "" || p.Amount == "" {
		return errors.New("a payment needs orderId and amount")
	}
	w.Log.InfoContext(ctx, "recording payment", "id", *id, "order", p.Order)
	return w.Payments.Record(ctx, *id, p)
}
