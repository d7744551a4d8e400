// Command effect is a function for crash tests: it puts the item whose id its
// event says into the table TABLE. It speaks the Lambda Runtime API by itself,
// so that building it needs nothing but this repository.
//
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
package main

import (
	"bytes"
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
			err = put(event)
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

// put puts an item with an event, which is a JSON string, as its id.
func put(event []byte) error {
	at, err := url.Parse(os.Getenv("AWS_ENDPOINT_URL"))
	if err != nil {
		return err
	}
	body := fmt.Appendf(nil, `{"TableName":%q,"Item":{"id":{"S":%s}}}`, os.Getenv("TABLE"), event)
	req, err := http.NewRequest(http.MethodPost, at.String()+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810.PutItem")
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
