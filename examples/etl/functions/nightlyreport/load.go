package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Reports keeps reports in a table: all under one key, sorted by day.
type Reports struct {
	Table string
	DB    *dynamodb.Client
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func key(day string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"report": text("orders"), "day": text(day)}
}

// Last implements Loader.
func (t *Reports) Last(ctx context.Context) (*Report, error) {
	out, err := t.DB.Query(ctx, &dynamodb.QueryInput{
		TableName: &t.Table, KeyConditionExpression: aws.String("report = :orders"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":orders": text("orders")},
		ScanIndexForward:          aws.Bool(false), Limit: aws.Int32(1), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, fmt.Errorf("last report: %w", err)
	}
	if len(out.Items) == 0 {
		return nil, nil
	}
	r := new(Report)
	if err := attributevalue.UnmarshalMap(out.Items[0], r); err != nil {
		return nil, fmt.Errorf("last report: %w", err)
	}
	return r, nil
}

// Save implements Loader. Only one run can write the report of a day: who comes
// later gets what the first has written.
func (t *Reports) Save(ctx context.Context, r Report) (Report, error) {
	item, err := attributevalue.MarshalMap(r)
	if err != nil {
		return r, fmt.Errorf("save report of %s: %w", r.Day, err)
	}
	item["report"] = text("orders")
	_, err = t.DB.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &t.Table, Item: item, ConditionExpression: aws.String("attribute_not_exists(report)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var had *types.ConditionalCheckFailedException
	if errors.As(err, &had) {
		r = Report{}
		err = attributevalue.UnmarshalMap(had.Item, &r)
	}
	if err != nil {
		return r, fmt.Errorf("save report of %s: %w", r.Day, err)
	}
	return r, nil
}

// MarkPublished implements Loader.
func (t *Reports) MarkPublished(ctx context.Context, day string) error {
	_, err := t.DB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &t.Table, Key: key(day), UpdateExpression: aws.String("SET published = :true"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":true": &types.AttributeValueMemberBOOL{Value: true}},
	})
	if err != nil {
		return fmt.Errorf("mark report of %s: %w", day, err)
	}
	return nil
}
