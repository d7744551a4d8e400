package apigateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/record"
)

// callHTTP sends an HTTP back end what the request template makes of the
// request, and answers with what the response template makes of its answer.
// Selection patterns are matched against the status.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/setup-http-integrations.html
func (x *exchange) callHTTP(ctx context.Context, i *shapes.Integration) *failure {
	text, fail := x.requestText(i)
	if fail != nil {
		return fail
	}
	media := x.r.Header.Get("Content-Type")
	if media == "" {
		media = "application/json"
	}
	header := http.Header{"Content-Type": {media}, "Accept": {"application/json"}, "User-Agent": {"AmazonAPIGateway_" + x.target.API}}
	out, fail := x.backendRequest(ctx, i, url.Values{}, header, text)
	if fail != nil {
		return fail
	}
	resp, fail := x.send(out)
	if fail != nil {
		return fail
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPayload+1))
	switch {
	case err != nil:
		return x.unreachable(out, err)
	case len(body) > maxPayload:
		return x.internal("integration response", errors.New("it is larger than a payload may be"))
	}
	return x.respond(i, answer{selects: strconv.Itoa(resp.StatusCode), header: resp.Header, body: string(body)})
}

// backendRequest makes the request to an HTTP back end: query and header with
// what the integration maps and its templates override.
func (x *exchange) backendRequest(ctx context.Context, i *shapes.Integration, query url.Values, header http.Header, body string) (*http.Request, *failure) {
	path := map[string]string{}
	put := func(place, name, v string) {
		switch place {
		case "path":
			path[name] = v
		case "querystring":
			query.Set(name, v)
		case "header":
			header.Set(name, v)
		}
	}
	for to, from := range i.RequestParameters {
		v, err := x.mappedRequest(from)
		if err != nil {
			return nil, x.internal("mapping "+to, err)
		}
		place, name, _ := strings.Cut(strings.TrimPrefix(to, "integration.request."), ".")
		if v != "" || place == "path" {
			put(place, name, v)
		}
	}
	for _, place := range []string{"path", "querystring", "header"} {
		for name, v := range x.overrides("requestOverride", place) {
			put(place, name, v)
		}
	}
	uri := x.expand(*i.Uri)
	for name, v := range path {
		uri = strings.ReplaceAll(uri, "{"+name+"}", (&url.URL{Path: v}).EscapedPath())
	}
	u, err := url.Parse(uri)
	if err != nil {
		return nil, x.internal("integration", err)
	}
	if len(query) > 0 {
		all := u.Query()
		for name, vs := range query {
			all[name] = vs
		}
		u.RawQuery = all.Encode()
	}
	method := *i.HttpMethod
	if method == "ANY" {
		method = x.r.Method
	}
	out, err := http.NewRequestWithContext(ctx, method, u.String(), strings.NewReader(body))
	if err != nil {
		return nil, x.internal("integration", err)
	}
	out.Header = header
	out.Header.Set(record.XRayHeader, record.From(ctx).XRay())
	return out, nil
}

// send sends a request to a back end.
func (x *exchange) send(out *http.Request) (*http.Response, *failure) {
	if x.logs != nil {
		x.say(levelInfo, "Endpoint request URI: %s", out.URL)
	}
	resp, err := x.s.client.RoundTrip(out)
	if err != nil {
		return nil, x.unreachable(out, err)
	}
	if x.watch != nil {
		x.watch.integrated = resp.StatusCode
	}
	return resp, nil
}

// unreachable is the answer when a back end has none.
func (x *exchange) unreachable(out *http.Request, err error) *failure {
	if errors.Is(err, context.DeadlineExceeded) {
		return &failure{"INTEGRATION_TIMEOUT", http.StatusGatewayTimeout, "InternalServerErrorException", "Endpoint request timed out"}
	}
	x.s.log.Warn("apigateway: the back end could not be reached", "request", x.id, "uri", out.URL.String(), "err", err)
	return &failure{"INTEGRATION_FAILURE", http.StatusGatewayTimeout, "InternalServerErrorException", "Network error communicating with endpoint"}
}
