// Command handler waits at the gate, or has another function do it and waits for
// that.
package main

import (
	"net/http"
	"os"

	"github.com/nube-run/nube/nubetest/testdata/app/lambda"
)

func main() {
	lambda.Serve(func([]byte) (any, error) {
		if os.Getenv("WAITS") == "" {
			return map[string]any{"statusCode": 200}, lambda.Invoke(os.Getenv("WAITER"), "wait", nil)
		}
		resp, err := http.Get(os.Getenv("GATE"))
		if err != nil {
			return nil, err
		}
		return nil, resp.Body.Close()
	})
}
