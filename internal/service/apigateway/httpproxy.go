package apigateway

import (
	"context"
	"io"
	"net/http"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
)

// proxyHTTP passes the request on to an HTTP back end and its answer back.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/setup-http-integrations.html
func (x *exchange) proxyHTTP(ctx context.Context, i *shapes.Integration) *failure {
	query := x.r.URL.Query()
	header := http.Header{}
	for k, vs := range x.r.Header {
		if k != "Connection" && k != "Content-Length" {
			header[k] = vs
		}
	}
	header.Set("X-Forwarded-For", x.sourceIP())
	out, fail := x.backendRequest(ctx, i, query, header, string(x.body))
	if fail != nil {
		return fail
	}
	resp, fail := x.send(out)
	if fail != nil {
		return fail
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
