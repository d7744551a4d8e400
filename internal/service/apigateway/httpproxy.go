package apigateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
)

// proxyHTTP passes the request on to an HTTP back end and its answer back.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/setup-http-integrations.html
func (x *exchange) proxyHTTP(ctx context.Context, i *shapes.Integration) *failure {
	u, err := url.Parse(x.backend(i))
	if err != nil {
		return x.internal("integration", err)
	}
	if u.RawQuery == "" {
		u.RawQuery = x.r.URL.RawQuery
	}
	method := *i.HttpMethod
	if method == "ANY" {
		method = x.r.Method
	}
	out, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(x.body))
	if err != nil {
		return x.internal("integration", err)
	}
	for k, vs := range x.r.Header {
		if k != "Connection" && k != "Content-Length" {
			out.Header[k] = vs
		}
	}
	out.Header.Set("X-Forwarded-For", x.sourceIP())
	out.Header.Set("X-Amzn-Trace-Id", x.trace)
	if x.logs != nil {
		x.say(levelInfo, "Endpoint request URI: %s", u)
	}
	resp, err := x.s.client.RoundTrip(out)
	if x.watch != nil && err == nil {
		x.watch.integrated = resp.StatusCode
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return &failure{"INTEGRATION_TIMEOUT", http.StatusGatewayTimeout, "InternalServerErrorException", "Endpoint request timed out"}
	case err != nil:
		x.s.log.Warn("apigateway: the back end could not be reached", "request", x.id, "uri", u.String(), "err", err)
		return &failure{"INTEGRATION_FAILURE", http.StatusGatewayTimeout, "InternalServerErrorException", "Network error communicating with endpoint"}
	}
	defer resp.Body.Close()
	head := x.w.Header()
	for k, vs := range resp.Header {
		if k != "Connection" && k != "Transfer-Encoding" {
			head[k] = vs
		}
	}
	x.identify(head)
	x.w.WriteHeader(resp.StatusCode)
	// The status is out: a back end that breaks off now breaks our answer off.
	io.Copy(x.w, resp.Body)
	return nil
}

// backend is the address with its path parameters and stage variables filled
// in: those that the integration maps by name.
func (x *exchange) backend(i *shapes.Integration) string {
	uri := x.expand(*i.Uri)
	for to, from := range i.RequestParameters {
		name, ok := strings.CutPrefix(to, "integration.request.path.")
		if !ok {
			continue
		}
		v := strings.Trim(from, "'")
		if p, ok := strings.CutPrefix(from, "method.request.path."); ok {
			v = (&url.URL{Path: x.params[p]}).EscapedPath()
		}
		uri = strings.ReplaceAll(uri, "{"+name+"}", v)
	}
	return uri
}
