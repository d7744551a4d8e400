package apigateway

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
)

// What contentHandling may say.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings-workflow.html
const (
	toText   = "CONVERT_TO_TEXT"
	toBinary = "CONVERT_TO_BINARY"
)

// converted is the request's body as the integration wants it: Base64 for a
// binary one that is to be text, and the bytes of Base64 that is to be binary.
func (x *exchange) converted(i *shapes.Integration) (string, *failure) {
	if i.ContentHandling == nil || len(x.body) == 0 {
		return string(x.body), nil
	}
	binary := x.plan.isBinary(x.r.Header.Get("Content-Type"))
	switch {
	case *i.ContentHandling == toText && binary:
		return base64.StdEncoding.EncodeToString(x.body), nil
	case *i.ContentHandling == toBinary && !binary:
		text, err := decoded(string(x.body))
		if err != nil {
			return "", &failure{"BAD_REQUEST_BODY", http.StatusBadRequest, "BadRequestException", "Unable to base64 decode the body."}
		}
		return text, nil
	}
	return string(x.body), nil
}

// decoded is what a text holds in Base64. The answer of a function is a JSON
// string.
func decoded(body string) (string, error) {
	text := strings.TrimSpace(body)
	if strings.HasPrefix(text, `"`) {
		if err := json.Unmarshal([]byte(text), &text); err != nil {
			return "", fmt.Errorf("converting to binary: %w", err)
		}
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", fmt.Errorf("converting to binary: %w", err)
	}
	return string(b), nil
}
