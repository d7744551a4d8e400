// Command effect is a function for crash tests: it puts the item whose id its
// event says into the table TABLE. Of the records of a stream it keeps, in an
// item for each key, the numbers n in the order in which they came, and of the
// messages of a FIFO queue the same for each group; of a topic's message, and a
// standard queue's, it puts the item of that id. It speaks the Lambda Runtime API by itself, so that building it needs nothing but this
// repository.
//
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/sigv4"
)

func main() {
	api := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		next, err := http.Get(api + "next")
		if err != nil {
			os.Exit(0) // the platform is gone
		}
		event, err := io.ReadAll(next.Body)
		next.Body.Close()
		path, answer := "/response", []byte("{}")
		if err == nil {
			err = effect(event)
		}
		if err != nil {
			path, answer = "/error", fmt.Appendf(nil, `{"errorType":"Effect","errorMessage":%q}`, err.Error())
		}
		done, err := http.Post(api+next.Header.Get("Lambda-Runtime-Aws-Request-Id")+path, "application/json", bytes.NewReader(answer))
		if err != nil {
			os.Exit(0)
		}
		done.Body.Close()
	}
}

// effect does what an event asks for.
func effect(event []byte) error {
	table := os.Getenv("TABLE")
	if !bytes.HasPrefix(event, []byte("{")) { // a JSON string
		return send("PutItem", fmt.Appendf(nil, `{"TableName":%q,"Item":{"id":{"S":%s}}}`, table, event))
	}
	var records struct {
		Records []struct {
			Dynamodb struct {
				Keys     struct{ ID struct{ S string } }
				NewImage struct{ N struct{ N string } }
			}
			Sns        struct{ Message string }
			Body       string // of a queue's message
			Attributes struct{ MessageGroupID string }
		}
	}
	if err := json.Unmarshal(event, &records); err != nil {
		return err
	}
	for _, r := range records.Records {
		key, n := r.Dynamodb.Keys.ID.S, r.Dynamodb.NewImage.N.N
		if group := r.Attributes.MessageGroupID; group != "" {
			key, n = group, r.Body
		} else if id := r.Sns.Message + r.Body; id != "" {
			if err := send("PutItem", fmt.Appendf(nil, `{"TableName":%q,"Item":{"id":{"S":%q}}}`, table, id)); err != nil {
				return err
			}
			continue
		}
		err := send("UpdateItem", fmt.Appendf(nil, `{"TableName":%q,"Key":{"id":{"S":%q}},"UpdateExpression":"SET seen = list_append(if_not_exists(seen, :none), :n)",
			"ExpressionAttributeValues":{":none":{"L":[]},":n":{"L":[{"N":%q}]}}}`, table, "mirror-"+key, n))
		if err != nil {
			return err
		}
	}
	return nil
}

// send sends a request to DynamoDB.
func send(operation string, body []byte) error {
	at, err := url.Parse(os.Getenv("AWS_ENDPOINT_URL"))
	if err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodPost, at.String()+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	sigv4.Sign(&sigv4.Request{
		Method: http.MethodPost, Host: at.Host, Path: "/", Header: req.Header, ContentLength: int64(len(body)), Body: body,
		Service: "dynamodb", Region: os.Getenv("AWS_REGION"),
	}, sigv4.Credentials{
		AccessKey: os.Getenv("AWS_ACCESS_KEY_ID"), Secret: os.Getenv("AWS_SECRET_ACCESS_KEY"), Token: os.Getenv("AWS_SESSION_TOKEN"),
	}, clock.Machine{}.Now())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("%s: %s", resp.Status, text)
	}
	return nil
}
