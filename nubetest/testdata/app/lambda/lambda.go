// Package lambda speaks the Lambda Runtime API and calls AWS's APIs, by itself,
// so that building the application needs nothing but this repository.
//
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
package lambda

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

// Serve answers events until the platform is gone.
func Serve(handle func(event []byte) (any, error)) {
	api := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		next, err := http.Get(api + "next")
		if err != nil {
			os.Exit(0)
		}
		event, err := io.ReadAll(next.Body)
		next.Body.Close()
		path, answer := "/response", []byte(nil)
		if err == nil {
			var out any
			if out, err = handle(event); err == nil {
				answer, err = json.Marshal(out)
			}
		}
		if err != nil {
			path, answer = "/error", fmt.Appendf(nil, `{"errorType":"Failure","errorMessage":%q}`, err.Error())
		}
		done, err := http.Post(api+next.Header.Get("Lambda-Runtime-Aws-Request-Id")+path, "application/json", bytes.NewReader(answer))
		if err != nil {
			os.Exit(0)
		}
		done.Body.Close()
	}
}

// DynamoDB calls an operation and decodes its answer.
func DynamoDB(operation string, in, out any) error {
	return call("dynamodb", "/", http.Header{"Content-Type": {"application/x-amz-json-1.0"}, "X-Amz-Target": {"DynamoDB_20120810." + operation}}, in, out)
}

// Enqueue invokes a function asynchronously.
func Enqueue(function string, event any) error {
	return call("lambda", "/2015-03-31/functions/"+function+"/invocations", http.Header{"X-Amz-Invocation-Type": {"Event"}}, event, nil)
}

// Invoke invokes a function and decodes its answer.
func Invoke(function string, event, out any) error {
	return call("lambda", "/2015-03-31/functions/"+function+"/invocations", http.Header{}, event, out)
}

// Publish publishes a message to a topic.
func Publish(topic, message string) error {
	form := url.Values{"Action": {"Publish"}, "Version": {"2010-03-31"}, "TopicArn": {topic}, "Message": {message}}
	return send("sns", "/", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(form.Encode()), nil)
}

func call(service, path string, header http.Header, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return send(service, path, header, body, out)
}

func send(service, path string, header http.Header, body []byte, out any) error {
	at, err := url.Parse(os.Getenv("AWS_ENDPOINT_URL"))
	if err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodPost, at.String()+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header = header
	sigv4.Sign(&sigv4.Request{
		Method: http.MethodPost, Host: at.Host, Path: path, Header: req.Header, ContentLength: int64(len(body)), Body: body,
		Service: service, Region: os.Getenv("AWS_REGION"),
	}, sigv4.Credentials{
		AccessKey: os.Getenv("AWS_ACCESS_KEY_ID"), Secret: os.Getenv("AWS_SECRET_ACCESS_KEY"), Token: os.Getenv("AWS_SESSION_TOKEN"),
	}, clock.Machine{}.Now())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s: %s", resp.Status, text)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}
