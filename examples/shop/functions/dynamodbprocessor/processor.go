package main

import (
	"context"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"
)

// Notifier tells people what happened.
type Notifier interface {
	SendWelcomeEmail(ctx context.Context, email, name string) error
	SendUserCreated(ctx context.Context, userID, email string) error
	SendStatusChange(ctx context.Context, userID, from, to string) error
}

// Tracker records what happened, once for each id.
type Tracker interface {
	TrackRegistration(ctx context.Context, id, userID string) error
	TrackDeletion(ctx context.Context, id, userID string) error
}

// Processor handles the records of the stream.
type Processor struct {
	Notifications Notifier
	Analytics     Tracker
	Log           *slog.Logger
}

// Handle processes a batch in order. At the first record that fails it stops and
// says which one: Lambda takes that one and what is behind it up again, and
// nothing of what is done is done again.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
func (p *Processor) Handle(ctx context.Context, e events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	for _, r := range e.Records {
		p.Log.InfoContext(ctx, "processing record", "event", r.EventName, "id", r.EventID)
		if err := p.process(ctx, r); err != nil {
			p.Log.ErrorContext(ctx, "record failed", "id", r.EventID, "err", err)
			return events.DynamoDBEventResponse{
				BatchItemFailures: []events.DynamoDBBatchItemFailure{{ItemIdentifier: r.Change.SequenceNumber}},
			}, nil
		}
	}
	return events.DynamoDBEventResponse{}, nil
}

func (p *Processor) process(ctx context.Context, r events.DynamoDBEventRecord) error {
	old, next := image(r.Change.OldImage), image(r.Change.NewImage)
	switch events.DynamoDBOperationType(r.EventName) {
	case events.DynamoDBOperationTypeInsert:
		user := next.text("userId")
		if user == "" {
			return nil // the item that keeps an address unique
		}
		if err := p.Notifications.SendWelcomeEmail(ctx, next.text("email"), next.text("name")); err != nil {
			return err
		}
		if err := p.Notifications.SendUserCreated(ctx, user, next.text("email")); err != nil {
			return err
		}
		return p.Analytics.TrackRegistration(ctx, r.EventID, user)
	case events.DynamoDBOperationTypeModify:
		from, to := old.text("status"), next.text("status")
		if from == "" || to == "" || from == to {
			return nil
		}
		return p.Notifications.SendStatusChange(ctx, next.text("userId"), from, to)
	case events.DynamoDBOperationTypeRemove:
		if user := old.text("userId"); user != "" {
			return p.Analytics.TrackDeletion(ctx, r.EventID, user)
		}
	}
	return nil
}

// image is an item as a record shows it.
type image map[string]events.DynamoDBAttributeValue

// text is an attribute that is a string; "" when there is none.
func (i image) text(name string) string {
	if v, ok := i[name]; ok && v.DataType() == events.DataTypeString {
		return v.String()
	}
	return ""
}
