package apigateway

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/fault"
)

// proxyFunction calls a function with the request and answers what it says.
func (x *exchange) proxyFunction(ctx context.Context, i *shapes.Integration) *failure {
	out, fail := x.invokeFunction(ctx, i, Invocation{Payload: x.event()})
	switch {
	case fail != nil:
		return fail
	case out.Failed:
		return badGateway()
	}
	return x.reply(out.Payload)
}

// invokeFunction calls the function of an integration.
func (x *exchange) invokeFunction(ctx context.Context, i *shapes.Integration, in Invocation) (Outcome, *failure) {
	fn, ok := functionOf(x.expand(*i.Uri))
	if !ok {
		return Outcome{}, x.internal("integration", fmt.Errorf("no function in %s", *i.Uri))
	}
	in.Function, in.TraceID = fn, x.trace
	called, err := x.as(ctx, value(i.Credentials))
	if err != nil {
		x.s.log.Warn("apigateway: the function is called by nobody", "request", x.id, "function", fn, "err", err)
		x.say(levelError, "Execution failed due to configuration error: %v", err)
		return Outcome{}, misconfiguration()
	}
	if x.logs != nil {
		x.sayCall(fn.String(), in.Payload)
	}
	out, err := x.s.invoke.Invoke(called, in)
	if x.watch != nil && err == nil {
		x.noticeAnswer(out)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return out, &failure{"INTEGRATION_TIMEOUT", http.StatusGatewayTimeout, "InternalServerErrorException", "Endpoint request timed out"}
	case err != nil:
		if _, coded := fault.As(err); coded { // the function is gone, or may not be called
			x.s.log.Warn("apigateway: the function could not be called", "request", x.id, "function", fn, "err", err)
			return out, misconfiguration()
		}
		return out, x.internal("calling "+fn.String(), err)
	case out.Throttle:
		return out, &failure{"INTEGRATION_FAILURE", http.StatusInternalServerError, "InternalServerErrorException", "Internal server error"}
	}
	return out, nil
}

// misconfiguration is the answer when an API is not set up to call its function.
func misconfiguration() *failure {
	return &failure{"API_CONFIGURATION_ERROR", http.StatusInternalServerError, "InternalServerErrorException", "Internal server error"}
}

// badGateway is the answer when a function failed or answered something else
// than a proxy response.
func badGateway() *failure {
	return &failure{"DEFAULT_5XX", http.StatusBadGateway, "InternalServerErrorException", "Internal server error"}
}

// expand replaces the stage variables in an integration's URI.
func (x *exchange) expand(s string) string {
	for k, v := range x.plan.stage.Variables {
		s = strings.ReplaceAll(s, "${stageVariables."+k+"}", v)
	}
	return s
}

// proxyResponse is what a function answers to a proxy integration.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-output-format
type proxyResponse struct {
	StatusCode        json.RawMessage  `json:"statusCode"`
	Headers           map[string]any   `json:"headers"`
	MultiValueHeaders map[string][]any `json:"multiValueHeaders"`
	Body              *string          `json:"body"`
	IsBase64Encoded   bool             `json:"isBase64Encoded"`
}

func (x *exchange) reply(payload []byte) *failure {
	var p proxyResponse
	if err := json.Unmarshal(payload, &p); err != nil {
		return badGateway()
	}
	status, err := strconv.Atoi(strings.Trim(string(p.StatusCode), `"`))
	if err != nil || status < 100 || status > 599 {
		return badGateway()
	}
	head := x.w.Header()
	for _, k := range slices.Sorted(maps.Keys(p.MultiValueHeaders)) {
		addHeader(head, k, p.MultiValueHeaders[k]...)
	}
	for _, k := range slices.Sorted(maps.Keys(p.Headers)) {
		if v := p.Headers[k]; v != nil {
			addHeader(head, k, v)
		}
	}
	var body []byte
	if p.Body != nil {
		body = []byte(*p.Body)
		if p.IsBase64Encoded && x.plan.isBinary(firstMedia(x.r.Header.Get("Accept"))) {
			if body, err = base64.StdEncoding.DecodeString(*p.Body); err != nil {
				return badGateway()
			}
		}
	}
	if head.Get("Content-Type") == "" {
		head.Set("Content-Type", "application/json")
	}
	x.identify(head)
	if status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified {
		head.Set("Content-Length", strconv.Itoa(len(body)))
	}
	x.w.WriteHeader(status)
	if x.r.Method != http.MethodHead {
		x.w.Write(body)
	}
	return nil
}

// firstMedia is the first media type of an Accept header: the only one that
// API Gateway looks at.
func firstMedia(accept string) string {
	first, _, _ := strings.Cut(accept, ",")
	return strings.TrimSpace(first)
}

// addHeader adds a function's header to the response: the values of several
// values, and then those of one that are not among them. A name in another case
// is the same name once more, as which some set several cookies. API Gateway
// remaps those that it writes itself.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-output-format
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
func addHeader(h http.Header, name string, values ...any) {
	key := http.CanonicalHeaderKey(name)
	switch key {
	case "Connection", "Content-Length", "Date", "Host", "Server", "Www-Authenticate", "Content-Md5", "Max-Forwards", "Trailer", "Upgrade", "User-Agent", "Via", "Authorization", "Expect", "Age":
		key = "X-Amzn-Remapped-" + key
	case "Transfer-Encoding", "Te":
		return
	}
	had := h[key]
	for _, v := range values {
		if t := text(v); !slices.Contains(had, t) {
			h[key] = append(h[key], t)
		}
	}
}

// text is a header's value, which functions may give as a number or a boolean.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}
