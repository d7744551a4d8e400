package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Payments keeps payments in a table. The webhook's id is the key, so that one that
// comes twice counts once.
type Payments struct {
	Table string
	DB    *dynamodb.Client
}

// Record implements Recorder.
func (t *Payments) Record(ctx context.Context, id string, p Payment) error {
	_, err := t.DB.PutItem(ctx, &dynamodb.PutItemInput{TableName: &t.Table, Item: map[string]types.AttributeValue{
		"id":      &types.AttributeValueMemberS{Value: id},
		"orderId": &types.AttributeValueMemberS{Value: p.Order},
		"amount":  &types.AttributeValueMemberN{Value: p.Amount.String()},
	}})
	if err != nil {
		return fmt.Errorf("record payment of order %s: %w", p.Order, err)
	}
	return nil
}
