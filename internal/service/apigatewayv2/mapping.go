package apigatewayv2

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/edge/proxy"
)

// Mappings change parameters of requests and of answers.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html

// mappingKey is what a mapping changes.
type mappingKey struct{ action, place, name string }

// parseKey reads a key such as append:header.x, overwrite:path or
// overwrite:statuscode.
func parseKey(key string) (mappingKey, bool) {
	action, target, ok := strings.Cut(key, ":")
	if !ok || action != "append" && action != "overwrite" && action != "remove" {
		return mappingKey{}, false
	}
	place, name, named := strings.Cut(target, ".")
	switch place {
	case "header", "querystring":
		return mappingKey{action, place, name}, named && name != ""
	case "path", "statuscode":
		return mappingKey{action, place, ""}, !named && action == "overwrite"
	}
	return mappingKey{}, false
}

// soundMappings refuses mappings that HTTP APIs do not have.
func soundMappings(i *shapes.Integration) error {
	for key := range i.RequestParameters {
		k, ok := parseKey(key)
		if !ok || k.place == "statuscode" {
			return badRequest("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression parameter specified: %s]", key)
		}
		if k.place == "header" && reserved(k.name) {
			return badRequest("Operations on header %s are restricted", k.name)
		}
	}
	for status, m := range i.ResponseParameters {
		if n, err := strconv.Atoi(status); err != nil || n < 200 || n > 599 {
			return badRequest("Invalid status code %s for response parameters: it must be between 200 and 599", status)
		}
		for key := range m {
			k, ok := parseKey(key)
			if !ok || k.place == "path" || k.place == "querystring" {
				return badRequest("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression parameter specified: %s]", key)
			}
			if k.place == "header" && reserved(k.name) {
				return badRequest("Operations on header %s are restricted", k.name)
			}
		}
	}
	return nil
}

// reserved reports whether mappings cannot change a header.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html#http-api-mapping-reserved-headers
func reserved(header string) bool {
	header = strings.ToLower(header)
	for _, prefix := range []string{"access-control-", "apigw-", "x-amz-", "x-amzn-"} {
		if strings.HasPrefix(header, prefix) {
			return true
		}
	}
	switch header {
	case "authorization", "connection", "content-encoding", "content-length", "content-location", "forwarded", "keep-alive", "origin", "proxy-authenticate",
		"proxy-authorization", "te", "trailers", "transfer-encoding", "upgrade", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "via":
		return true
	}
	return false
}

// mapRequest is the request as the integration's mappings make it.
func (x *exchange) mapRequest(i *shapes.Integration) (*request, *failure) {
	out := &request{http: x.r, path: x.target.Path}
	if len(i.RequestParameters) == 0 {
		return out, nil
	}
	query, path := x.r.URL.Query(), ""
	changed := false
	h := x.r.Header.Clone()
	for key, expression := range i.RequestParameters {
		k, _ := parseKey(key)
		v, ok := x.evaluate(expression, x.variable)
		if !ok && k.action != "remove" {
			continue
		}
		switch k.place {
		case "header":
			setParameter(h.Del, h.Add, k, v)
		case "querystring":
			changed = true
			setParameter(query.Del, query.Add, k, v)
		case "path":
			path = v
		}
	}
	r := *x.r
	r.Header = h
	u := *x.r.URL
	r.URL = &u
	if changed {
		u.RawQuery = query.Encode()
	}
	if path != "" {
		out.path, out.moved = (&url.URL{Path: unescape("/" + strings.TrimPrefix(path, "/"))}).EscapedPath(), true
	}
	out.http = &r
	return out, nil
}

func setParameter(remove func(string), add func(k, v string), k mappingKey, v string) {
	if k.action != "append" {
		remove(k.name)
	}
	if k.action != "remove" {
		add(k.name, v)
	}
}

// mapAnswer is the answer as the integration's mappings for its status make it.
func (x *exchange) mapAnswer(i *shapes.Integration, a proxy.Answer) (proxy.Answer, *failure) {
	m := i.ResponseParameters[strconv.Itoa(a.Status)]
	if len(m) == 0 {
		return a, nil
	}
	from := a.Header.Clone()
	variable := func(name string) (string, bool) {
		if key, ok := strings.CutPrefix(name, "response.header."); ok {
			vs := from.Values(key)
			return strings.Join(vs, ","), len(vs) > 0
		}
		if path, ok := strings.CutPrefix(name, "response.body"); ok {
			if path == "" {
				return string(a.Body), true
			}
			return lookUp(a.Body, path)
		}
		return x.variable(name)
	}
	status := a.Status
	for key, expression := range m {
		k, _ := parseKey(key)
		v, ok := x.evaluate(expression, variable)
		if !ok && k.action != "remove" {
			continue
		}
		if k.place == "statuscode" {
			n, err := strconv.Atoi(v)
			if err != nil || n < 200 || n > 599 {
				x.problem = "the mapped status code " + v + " is not a status"
				return a, internal()
			}
			status = n
			continue
		}
		setParameter(a.Header.Del, a.Header.Add, k, v)
	}
	a.Status = status
	if a.Status == http.StatusNoContent {
		a.Body = nil
	}
	return a, nil
}
