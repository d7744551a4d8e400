package main

import (
	"context"
	"fmt"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Order is what a customer has ordered, as far as reports say.
type Order struct {
	ID       string                `dynamodbav:"id"`
	Customer string                `dynamodbav:"customerId"`
	Total    attributevalue.Number `dynamodbav:"totalAmount"` // as it was written: money is no float
}

// Orders reads from the table of orders, which has an index by day.
type Orders struct {
	Table string
	DB    dynamodb.QueryAPIClient
}

// Of implements Extractor. It asks page by page and holds no more than one: a day
// may have any number of orders.
func (o *Orders) Of(ctx context.Context, day string) iter.Seq2[Order, error] {
	return func(yield func(Order, error) bool) {
		pages := dynamodb.NewQueryPaginator(o.DB, &dynamodb.QueryInput{
			TableName: &o.Table, IndexName: aws.String("byDay"), KeyConditionExpression: aws.String("#day = :day"),
			ExpressionAttributeNames:  map[string]string{"#day": "day"}, // a reserved word
			ExpressionAttributeValues: map[string]types.AttributeValue{":day": &types.AttributeValueMemberS{Value: day}},
		})
		for pages.HasMorePages() {
			var orders []Order
			page, err := pages.NextPage(ctx)
			if err == nil {
				err = attributevalue.UnmarshalListOfMaps(page.Items, &orders)
			}
			if err != nil {
				yield(Order{}, fmt.Errorf("orders of %s: %w", day, err))
				return
			}
			for _, order := range orders {
				if !yield(order, nil) {
					return
				}
			}
		}
	}
}
