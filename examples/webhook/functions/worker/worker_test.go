package main

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// book records payments, but not those of an order.
type book struct {
	payments map[string]Payment
	refuses  string
}

func (b *book) Record(_ context.Context, id string, p Payment) error {
	if p.Order == b.refuses {
		return errors.New("no table")
	}
	b.payments[id] = p
	return nil
}

func TestPoisonFailsAlone(t *testing.T) {
	var e events.SQSEvent
	for i, body := range []string{
		`{"type":"payment.succeeded","data":{"orderId":"1","amount":12.50}}`,
		`poison`,
		`{"type":"payment.succeeded","data":{"amount":1}}`,
		`{"type":"payment.succeeded","data":{"orderId":"2"}}`,
		`{"type":"customer.created"}`,
		`{"type":"payment.succeeded","data":{"orderId":"refused","amount":1}}`,
		`{"type":"payment.succeeded","data":{"orderId":"3","amount":1}}`,
	} {
		id := strconv.Itoa(i)
		e.Records = append(e.Records, events.SQSMessage{
			MessageId: id, Body: body, MessageAttributes: map[string]events.SQSMessageAttribute{"webhook-id": {DataType: "String", StringValue: &id}},
		})
	}
	e.Records = append(e.Records, events.SQSMessage{MessageId: "no id", Body: `{}`})
	b := &book{payments: map[string]Payment{}, refuses: "refused"}
	w := &Worker{Payments: b, Log: slog.New(slog.DiscardHandler)}
	out, err := w.Handle(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	var failed []string
	for _, f := range out.BatchItemFailures {
		failed = append(failed, f.ItemIdentifier)
	}
	if !slices.Equal(failed, []string{"1", "2", "3", "5", "no id"}) {
		t.Errorf("failed: %q", failed)
	}
	if want := map[string]Payment{"0": {"1", "12.50"}, "6": {"3", "1"}}; !maps.Equal(b.payments, want) {
		t.Errorf("recorded %v, want %v", b.payments, want)
	}
}
