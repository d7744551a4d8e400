// Command handler tells what it was called with.
package main

import (
	"bytes"
	"net/http"
	"os"

	"github.com/nube-run/nube/nubetest/testdata/app/lambda"
)

func main() {
	lambda.Serve(func(event []byte) (any, error) {
		resp, err := http.Post(os.Getenv("TELL")+"/"+os.Getenv("NAME"), "application/json", bytes.NewReader(event))
		if err != nil {
			return nil, err
		}
		return nil, resp.Body.Close()
	})
}
