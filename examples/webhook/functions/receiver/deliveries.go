package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Deliveries remembers webhooks in a table whose items expire.
type Deliveries struct {
	Table string
	DB    *dynamodb.Client
}

// Claim implements Memory.
func (d *Deliveries) Claim(ctx context.Context, id string, expires time.Time) (bool, error) {
	_, err := d.DB.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &d.Table,
		Item: map[string]types.AttributeValue{
			"id":      &types.AttributeValueMemberS{Value: id},
			"queued":  &types.AttributeValueMemberBOOL{Value: false},
			"expires": &types.AttributeValueMemberN{Value: strconv.FormatInt(expires.Unix(), 10)},
		},
		ConditionExpression:       aws.String("attribute_not_exists(id) OR queued = :false"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":false": &types.AttributeValueMemberBOOL{Value: false}},
	})
	var had *types.ConditionalCheckFailedException
	if errors.As(err, &had) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("claim webhook %s: %w", id, err)
	}
	return true, nil
}

// MarkQueued implements Memory.
func (d *Deliveries) MarkQueued(ctx context.Context, id string) error {
	_, err := d.DB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &d.Table, Key: map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: id}},
		UpdateExpression:          aws.String("SET queued = :true"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":true": &types.AttributeValueMemberBOOL{Value: true}},
	})
	if err != nil {
		return fmt.Errorf("mark webhook %s: %w", id, err)
	}
	return nil
}
