package apigatewayv2

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/edge/proxy"
	"github.com/nube-run/nube/internal/record"
)

// callBackend passes the request on to an HTTP back end and its answer back.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-http.html
func (x *exchange) callBackend(ctx context.Context, i *shapes.Integration, r *request) (proxy.Answer, *failure) {
	u, err := x.backend(i, r)
	if err != nil {
		return x.internal("integration", err)
	}
	method := *i.IntegrationMethod
	if method == "ANY" {
		method = x.r.Method
	}
	out, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(x.body))
	if err != nil {
		return x.internal("integration", err)
	}
	for k, vs := range r.http.Header {
		if !ofConnection(k) {
			out.Header[k] = vs
		}
	}
	out.Header.Set("Forwarded", "by="+u.Host+";for="+proxy.SourceIP(x.r)+";host="+x.r.Host+";proto="+proxy.Proto(x.r))
	out.Header.Add("Via", "HTTP/1.1 AmazonAPIGateway")
	if c := record.From(ctx); !c.Trace.IsZero() {
		out.Header.Set(record.XRayHeader, c.XRay())
	}
	resp, err := x.s.HTTP.RoundTrip(out)
	if err != nil {
		x.problem = err.Error()
		x.s.Log.Warn("apigatewayv2: the back end could not be reached", "request", x.id, "uri", u.String(), "err", err)
		return proxy.Answer{}, fail(http.StatusServiceUnavailable, "Service Unavailable")
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPayload+1))
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		x.problem = err.Error()
		return proxy.Answer{}, fail(http.StatusServiceUnavailable, "Service Unavailable")
	case len(body) > maxPayload:
		x.problem = "The back end's answer is larger than 10 MB"
		return proxy.Answer{}, internal()
	}
	a := proxy.Answer{Status: resp.StatusCode, Header: http.Header{}, Body: body}
	for k, vs := range resp.Header {
		if !ofConnection(k) {
			a.Header[k] = vs
		}
	}
	return a, nil
}

// ofConnection reports whether a header belongs to one hop, RFC 9110 section
// 7.6.1.
func ofConnection(k string) bool {
	switch k {
	case "Connection", "Content-Length", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// backend is the address of the back end: path variables filled in, the whole
// path added behind a $default route, the parameters of the query string added
// to its own.
func (x *exchange) backend(i *shapes.Integration, r *request) (*url.URL, error) {
	uri := x.expand(*i.IntegrationUri)
	for name, v := range x.params {
		parts := strings.Split(v, "/")
		for i := range parts {
			parts[i] = url.PathEscape(parts[i])
		}
		uri = strings.ReplaceAll(uri, "{"+name+"}", strings.Join(parts, "/"))
		uri = strings.ReplaceAll(uri, "{"+name+"+}", strings.Join(parts, "/"))
	}
	u, err := url.Parse(uri)
	if err != nil {
		return nil, err
	}
	switch {
	case r.moved:
		u = &url.URL{Scheme: u.Scheme, Host: u.Host, RawQuery: u.RawQuery}
		u, err = u.Parse(r.path)
	case x.route.path == "":
		own := u.RawQuery
		u, err = url.Parse(u.Scheme + "://" + u.Host + strings.TrimSuffix(u.EscapedPath(), "/") + r.path)
		if err == nil {
			u.RawQuery = own
		}
	}
	if err != nil {
		return nil, err
	}
	if q := r.http.URL.RawQuery; q != "" {
		u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+q, "&")
	}
	return u, nil
}
