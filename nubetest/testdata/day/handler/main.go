// Command handler is the functions of the simulated day; ROLE says which. What a
// function has done with something it writes into the ledger, so that it is done
// when it is there.
package main

import (
	"encoding/json"
	"errors"
	"os"
	"strings"

	"github.com/nube-run/nube/nubetest/testdata/app/lambda"
)

func main() {
	lambda.Serve(map[string]func([]byte) (any, error){
		"api": api, "processor": process, "notifier": notify, "worker": work, "collector": collect,
	}[os.Getenv("ROLE")])
}

// value is an attribute of an item.
type value map[string]any

func text(s string) value   { return value{"S": s} }
func number(s string) value { return value{"N": s} }

// note adds a text to a set of the ledger.
func note(id, text string) error {
	return lambda.DynamoDB("UpdateItem", map[string]any{
		"TableName": os.Getenv("LEDGER"), "Key": map[string]value{"id": {"S": id}}, "UpdateExpression": "ADD what :what",
		"ExpressionAttributeValues": map[string]value{":what": {"SS": []string{text}}},
	}, nil)
}

// poisoned is what no function can do anything with.
func poisoned(s string) bool { return strings.Contains(s, "poison") }

var errPoison = errors.New("poison")

// api changes a user, whose number n and other attributes are the request's, or
// has the worker do something.
func api(event []byte) (any, error) {
	var r struct {
		HTTPMethod     string            `json:"httpMethod"`
		Path           string            `json:"path"`
		PathParameters map[string]string `json:"pathParameters"`
		Query          map[string]string `json:"queryStringParameters"`
	}
	if err := json.Unmarshal(event, &r); err != nil {
		return nil, err
	}
	id := r.PathParameters["id"]
	var err error
	switch {
	case strings.HasPrefix(r.Path, "/work/"):
		err = lambda.Enqueue(os.Getenv("WORKER"), id)
	case r.HTTPMethod == "DELETE":
		err = lambda.DynamoDB("DeleteItem", map[string]any{"TableName": os.Getenv("USERS"), "Key": map[string]value{"id": text(id)}}, nil)
	default:
		item := map[string]value{"id": text(id), "n": number(r.Query["n"]), "note": text(r.Query["note"] + ".")}
		if at := r.Query["expires"]; at != "" {
			item["expires"] = number(at)
		}
		err = lambda.DynamoDB("PutItem", map[string]any{"TableName": os.Getenv("USERS"), "Item": item}, nil)
	}
	if err != nil {
		return map[string]any{"statusCode": 503, "body": err.Error()}, nil
	}
	return map[string]any{"statusCode": 200}, nil
}

// process publishes each change of a user, and then appends it to the list of
// what it has seen of that user.
func process(event []byte) (any, error) {
	var e struct {
		Records []struct {
			EventName string
			Dynamodb  struct {
				Keys               struct{ ID struct{ S string } }
				NewImage, OldImage struct {
					N    struct{ N string }
					Note struct{ S string }
				}
			}
		}
	}
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, err
	}
	for _, r := range e.Records {
		image := r.Dynamodb.NewImage
		if r.EventName == "REMOVE" {
			image = r.Dynamodb.OldImage
		}
		if poisoned(image.Note.S) && r.EventName != "REMOVE" {
			return nil, errPoison
		}
		id := r.Dynamodb.Keys.ID.S
		change := id + " " + r.EventName[:3] + " " + image.N.N
		if r.EventName == "INSERT" || r.EventName == "MODIFY" {
			change = id + " PUT " + image.N.N
		}
		if err := lambda.Publish(os.Getenv("EVENTS"), change); err != nil {
			return nil, err
		}
		err := lambda.DynamoDB("UpdateItem", map[string]any{
			"TableName": os.Getenv("LEDGER"), "Key": map[string]value{"id": text("seen " + id)},
			"UpdateExpression":          "SET what = list_append(if_not_exists(what, :none), :what)",
			"ExpressionAttributeValues": map[string]value{":what": {"L": []value{text(change)}}, ":none": {"L": []value{}}},
		}, nil)
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// messages returns what a topic's event says.
func messages(event []byte) ([]string, error) {
	var e struct {
		Records []struct{ Sns struct{ Message string } }
	}
	err := json.Unmarshal(event, &e)
	var out []string
	for _, r := range e.Records {
		out = append(out, r.Sns.Message)
	}
	return out, err
}

// notify notes what it is told, but for the changes with a number that ends in 7.
func notify(event []byte) (any, error) {
	all, err := messages(event)
	for _, m := range all {
		if strings.HasSuffix(m, "7") {
			return nil, errPoison
		}
		if err == nil {
			err = note("told", m)
		}
	}
	return nil, err
}

func work(event []byte) (any, error) {
	var id string
	if err := json.Unmarshal(event, &id); err != nil {
		return nil, err
	}
	if poisoned(id) {
		return nil, errPoison
	}
	return nil, note("worked", id)
}

// collect keeps the dead letters.
func collect(event []byte) (any, error) {
	all, err := messages(event)
	for _, m := range all {
		if err == nil {
			err = note("dead", m)
		}
	}
	return nil, err
}
