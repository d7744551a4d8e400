// Command handler knocks at the gate, when it starts or with every event, and
// waits until it is opened.
package main

import (
	"net/http"
	"os"

	"github.com/nube-run/nube/nubetest/testdata/app/lambda"
)

func main() {
	atStart := os.Getenv("AT") == "start"
	if atStart {
		if err := knock(); err != nil {
			os.Exit(1)
		}
	}
	lambda.Serve(func([]byte) (any, error) {
		if atStart {
			return map[string]any{"statusCode": 200}, nil
		}
		return nil, knock()
	})
}

func knock() error {
	resp, err := http.Get(os.Getenv("GATE") + "/" + os.Getenv("AWS_LAMBDA_FUNCTION_NAME"))
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
