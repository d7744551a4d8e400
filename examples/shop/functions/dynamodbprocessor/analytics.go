package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Analytics keeps records in a table. The id of what happened is the key, so
// that a record that comes twice counts once.
type Analytics struct {
	Table string
	DB    *dynamodb.Client
}

// TrackRegistration records a new user.
func (a *Analytics) TrackRegistration(ctx context.Context, id, userID string) error {
	return a.track(ctx, id, "UserRegistered", userID)
}

// TrackDeletion records that a user is gone.
func (a *Analytics) TrackDeletion(ctx context.Context, id, userID string) error {
	return a.track(ctx, id, "UserDeleted", userID)
}

func (a *Analytics) track(ctx context.Context, id, kind, userID string) error {
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	_, err := a.DB.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &a.Table, Item: map[string]types.AttributeValue{"id": text(id), "type": text(kind), "userId": text(userID)},
	})
	if err != nil {
		return fmt.Errorf("record %s of %s: %w", kind, userID, err)
	}
	return nil
}
