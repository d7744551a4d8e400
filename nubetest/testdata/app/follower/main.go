// Command follower counts how often it is told of each thing that was put.
package main

import (
	"encoding/json"
	"os"

	"github.com/nube-run/nube/nubetest/testdata/app/lambda"
)

func main() {
	lambda.Serve(func(event []byte) (any, error) {
		var e struct {
			Records []struct {
				Dynamodb struct{ Keys json.RawMessage }
			}
		}
		if err := json.Unmarshal(event, &e); err != nil {
			return nil, err
		}
		for _, r := range e.Records {
			err := lambda.DynamoDB("UpdateItem", map[string]any{
				"TableName": os.Getenv("FOLLOWED"), "Key": r.Dynamodb.Keys, "UpdateExpression": "ADD n :one",
				"ExpressionAttributeValues": map[string]any{":one": map[string]string{"N": "1"}},
			}, nil)
			if err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
}
