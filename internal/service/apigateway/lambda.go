package apigateway

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
)

// invocationType is the header that makes an invocation asynchronous.
const invocationType = "X-Amz-Invocation-Type"

// callFunction calls a function with what the request template makes of the
// request, and answers with what the response template makes of its result.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-custom-integrations.html
func (x *exchange) callFunction(ctx context.Context, i *shapes.Integration) *failure {
	payload, fail := x.requestPayload(i)
	if fail != nil {
		return fail
	}
	kind, fail := x.invocationType(i)
	if fail != nil {
		return fail
	}
	out, fail := x.invokeFunction(ctx, i, Invocation{Payload: payload, Async: kind == "Event"})
	if fail != nil {
		return fail
	}
	a := answer{header: http.Header{"Content-Type": {"application/json"}}, body: string(out.Payload)}
	if out.Failed {
		a.header.Set("X-Amz-Function-Error", "Unhandled")
		a.selects = errorMessage(out.Payload)
	}
	return x.respond(i, a)
}

// requestPayload is what the function gets, which has to be JSON.
func (x *exchange) requestPayload(i *shapes.Integration) ([]byte, *failure) {
	text, fail := x.requestText(i)
	if fail != nil {
		return nil, fail
	}
	if strings.TrimSpace(text) == "" {
		text = "{}"
	}
	if !json.Valid([]byte(text)) {
		x.s.log.Warn("apigateway: the request's payload is not JSON", "request", x.id, "media", x.media(), "bytes", len(text))
		return nil, &failure{"BAD_REQUEST_BODY", http.StatusBadRequest, "BadRequestException", "Could not parse request body into json"}
	}
	return []byte(text), nil
}

// requestText is what the template for the request's media type makes, or the
// body itself where the integration passes it through.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/integration-passthrough-behaviors.html
func (x *exchange) requestText(i *shapes.Integration) (string, *failure) {
	body, fail := x.converted(i)
	if fail != nil {
		return "", fail
	}
	if template, ok := i.RequestTemplates[x.media()]; ok {
		text, err := x.render(template, body)
		if err != nil {
			return "", x.internal("request template for "+x.media(), err)
		}
		return text, nil
	}
	if b := value(i.PassthroughBehavior); b == "NEVER" || b == "WHEN_NO_TEMPLATES" && len(i.RequestTemplates) > 0 {
		return "", &failure{"UNSUPPORTED_MEDIA_TYPE", http.StatusUnsupportedMediaType, "BadRequestException", "Unsupported Media Type"}
	}
	return body, nil
}

// invocationType is the value of the header, from the integration's mappings or
// from a template.
func (x *exchange) invocationType(i *shapes.Integration) (string, *failure) {
	kind := ""
	for to, from := range i.RequestParameters {
		if name, ok := strings.CutPrefix(to, "integration.request.header."); ok && strings.EqualFold(name, invocationType) {
			v, err := x.mappedRequest(from)
			if err != nil {
				return "", x.internal("mapping "+to, err)
			}
			kind = v
		}
	}
	for name, v := range x.overrides("requestOverride", "header") {
		if strings.EqualFold(name, invocationType) {
			kind = v
		}
	}
	return kind, nil
}

// errorMessage is what a failed function said. Selection patterns are matched
// against it; against nothing when the function succeeded.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/handle-errors-in-lambda-integration.html
func errorMessage(payload []byte) string {
	var e struct {
		Message string `json:"errorMessage"`
	}
	if err := json.Unmarshal(payload, &e); err != nil {
		return string(payload)
	}
	return e.Message
}
