package apigateway

import (
	"bytes"
	"io"
	"strconv"
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/awsapi/wire"
)

// refuse writes a gateway response.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/customize-gateway-responses.html
func (x *exchange) refuse(f failure) {
	status, media, body := f.status, "application/json", defaultBody(f)
	head := x.w.Header()
	if g := x.custom(f); g != nil {
		if x.context == nil {
			x.context = x.contextVariables()
		}
		x.context.Put("error", x.errorVariables(f))
		if n, err := strconv.Atoi(value(g.StatusCode)); err == nil {
			status = n
		}
		if own, text, ok := x.responseTemplate(g.ResponseTemplates); ok && text != defaultTemplate {
			media, body = own, []byte(substitute(text, x.variable("")))
		}
		for name, expr := range g.ResponseParameters {
			head.Set(strings.TrimPrefix(name, "gatewayresponse.header."), x.refusalHeader(expr))
		}
	}
	if head.Get("Content-Type") == "" {
		head.Set("Content-Type", media)
	}
	head.Set("X-Amzn-Errortype", f.code)
	x.identify(head)
	head.Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(status)
	io.Copy(x.w, bytes.NewReader(body))
}

// defaultBody is the body that nobody changed. API Gateway writes the message
// of a denial with a capital, and none for the failures of authorizers.
func defaultBody(f failure) []byte {
	b := []byte(`{"message":`)
	if f.kind == "ACCESS_DENIED" {
		b = []byte(`{"Message":`)
	}
	if f.message == "" {
		return append(b, "null}"...)
	}
	return append(wire.AppendString(b, f.message), '}')
}

// custom is the API's own gateway response for a failure, the one of its class
// when there is none of its type.
func (x *exchange) custom(f failure) *shapes.GatewayResponse {
	if x.plan == nil {
		return nil
	}
	if g := x.plan.Responses[f.kind]; g != nil {
		return g
	}
	if f.status >= 500 {
		return x.plan.Responses["DEFAULT_5XX"]
	}
	return x.plan.Responses["DEFAULT_4XX"]
}

// refusalHeader is the value of a header mapping: a literal in single quotes, a
// parameter of the request, or a variable of the context or the stage.
func (x *exchange) refusalHeader(expr string) string {
	if n := len(expr); n >= 2 && expr[0] == '\'' && expr[n-1] == '\'' {
		return expr[1 : n-1]
	}
	v, err := x.mappedRequest(expr)
	if err != nil {
		x.s.log.Warn("apigateway: a header of a gateway response", "request", x.id, "mapping", expr, "err", err)
	}
	return v
}
