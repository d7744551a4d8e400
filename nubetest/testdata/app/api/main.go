// Command api puts, gets and lists things, says how often the
// follower was told of them, and has the worker work on them.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/nube-run/nube/nubetest/testdata/app/lambda"
)

type text struct{ S string }

type thing struct {
	ID text `json:"id"`
}

func main() { lambda.Serve(answer) }

func answer(event []byte) (any, error) {
	var r struct {
		HTTPMethod     string            `json:"httpMethod"`
		Resource       string            `json:"resource"`
		PathParameters map[string]string `json:"pathParameters"`
	}
	if err := json.Unmarshal(event, &r); err != nil {
		return nil, err
	}
	id := r.PathParameters["id"]
	fmt.Println(r.HTTPMethod, id)
	switch {
	case r.Resource == "/followed/{id}":
		var count struct {
			Item struct{ N struct{ N string } }
		}
		if err := lambda.DynamoDB("GetItem", map[string]any{"TableName": os.Getenv("FOLLOWED"), "Key": thing{text{id}}}, &count); err != nil {
			return nil, err
		}
		return respond(200, count.Item.N.N)
	case r.HTTPMethod == "GET" && id == "":
		var all struct{ Items []thing }
		if err := lambda.DynamoDB("Scan", map[string]any{"TableName": os.Getenv("THINGS")}, &all); err != nil {
			return nil, err
		}
		list := ""
		for _, t := range all.Items {
			list += t.ID.S + "\n"
		}
		return respond(200, list)
	case r.HTTPMethod == "GET":
		var one struct{ Item *thing }
		if err := lambda.DynamoDB("GetItem", map[string]any{"TableName": os.Getenv("THINGS"), "Key": thing{text{id}}}, &one); err != nil {
			return nil, err
		}
		if one.Item == nil {
			return respond(404, "")
		}
		return respond(200, id)
	case r.HTTPMethod == "PUT":
		if err := lambda.DynamoDB("PutItem", map[string]any{"TableName": os.Getenv("THINGS"), "Item": thing{text{id}}}, nil); err != nil {
			fmt.Println(err)
			return respond(503, err.Error())
		}
		return respond(200, id)
	}
	if err := lambda.Enqueue(os.Getenv("WORKER"), id); err != nil {
		return nil, err
	}
	return respond(202, "")
}

func respond(status int, body string) (any, error) {
	return map[string]any{"statusCode": status, "body": body}, nil
}
