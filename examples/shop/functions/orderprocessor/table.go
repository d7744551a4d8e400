package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Table keeps orders in a DynamoDB table.
type Table struct {
	Name string
	DB   *dynamodb.Client
}

// Process writes an order under its id, which only one can do: who comes later
// gets what the first has written.
func (t *Table) Process(ctx context.Context, o Order) (Processed, error) {
	done := Processed{ID: o.ID, Status: "processed", At: time.Now().UTC().Truncate(time.Millisecond)}
	item, err := attributevalue.MarshalMap(done)
	if err != nil {
		return done, fmt.Errorf("process order %s: %w", o.ID, err)
	}
	item["customerId"] = &types.AttributeValueMemberS{Value: o.Customer}
	item["totalAmount"] = &types.AttributeValueMemberN{Value: o.Total.String()}
	_, err = t.DB.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &t.Name, Item: item, ConditionExpression: aws.String("attribute_not_exists(id)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var had *types.ConditionalCheckFailedException
	if errors.As(err, &had) {
		done = Processed{}
		err = attributevalue.UnmarshalMap(had.Item, &done)
	}
	if err != nil {
		return done, fmt.Errorf("process order %s: %w", o.ID, err)
	}
	return done, nil
}

// MarkPublished notes that the bus knows of an order.
func (t *Table) MarkPublished(ctx context.Context, id string) error {
	_, err := t.DB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &t.Name, Key: map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: id}},
		UpdateExpression:          aws.String("SET published = :true"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":true": &types.AttributeValueMemberBOOL{Value: true}},
	})
	if err != nil {
		return fmt.Errorf("mark order %s: %w", id, err)
	}
	return nil
}
