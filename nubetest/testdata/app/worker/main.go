// Command worker answers with its event, and fails when that is "fail".
package main

import (
	"encoding/json"
	"errors"

	"github.com/nube-run/nube/nubetest/testdata/app/lambda"
)

func main() {
	lambda.Serve(func(event []byte) (any, error) {
		if string(event) == `"fail"` {
			return nil, errors.New("asked to fail")
		}
		return json.RawMessage(event), nil
	})
}
