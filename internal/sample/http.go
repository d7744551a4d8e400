package sample

import (
	"net/url"
	"slices"
	"strings"
)

// request is what samples of HTTP requests say of one.
type request struct {
	method, path, query string
	headers             map[string]string
	body                string
	base64              bool
}

// httpParams are those of all samples of HTTP requests but for the headers'
// defaults.
type httpParams struct {
	Method  string `default:"GET" about:"of the request"`
	Path    string `default:"/my/path" about:"of the request, without its stage"`
	Query   string `default:"parameter1=value1&parameter1=value2&parameter2=value" about:"as in a URL"`
	Headers string `default:"" about:"further ones: name=value,name=value"`
	Body    string `default:"" about:"of the request"`
	Base64  bool   `default:"false" about:"whether the body is in Base64"`
	Stage   string `default:"" about:"of the API"`
}

// request reads the parameters, and adds what every request has.
func (p *httpParams) request(host string) request {
	r := request{method: strings.ToUpper(p.Method), path: "/" + strings.TrimPrefix(p.Path, "/"), query: p.Query, body: p.Body, base64: p.Base64, headers: map[string]string{
		"accept": "*/*", "host": host, "user-agent": userAgent, "x-forwarded-for": clientIP, "x-forwarded-port": "443", "x-forwarded-proto": "https",
	}}
	if p.Body != "" {
		r.headers["content-type"] = "application/json"
	}
	for k, v := range pairs(p.Headers) {
		r.headers[strings.ToLower(k)] = v
	}
	return r
}

// Who calls: an address that RFC 5737 keeps for documentation.
const (
	clientIP  = "203.0.113.7"
	userAgent = "curl/8.9.1"
)

// values are the parameters of the query, nil when there are none.
func (r *request) values() url.Values {
	v, err := url.ParseQuery(r.query)
	if err != nil || len(v) == 0 {
		return nil
	}
	return v
}

// last are the last values of the query's parameters.
func (r *request) last() map[string]string {
	v := r.values()
	if v == nil {
		return nil
	}
	out := make(map[string]string, len(v))
	for k := range v {
		out[k] = v[k][len(v[k])-1]
	}
	return out
}

// joined are the values of the query's parameters, with commas between them.
func (r *request) joined() map[string]string {
	v := r.values()
	if v == nil {
		return nil
	}
	out := make(map[string]string, len(v))
	for k := range v {
		out[k] = strings.Join(v[k], ",")
	}
	return out
}

// multi are the headers with lists of values.
func (r *request) multi() map[string][]string {
	out := make(map[string][]string, len(r.headers))
	for k, v := range r.headers {
		out[k] = []string{v}
	}
	return out
}

// titled are the headers as HTTP/1 writes them, which REST APIs hand on.
func (r *request) titled() request {
	out := *r
	out.headers = map[string]string{}
	for k, v := range r.headers {
		words := strings.Split(k, "-")
		for i, w := range words {
			if w != "" {
				words[i] = strings.ToUpper(w[:1]) + w[1:]
			}
		}
		out.headers[strings.Join(words, "-")] = v
	}
	return out
}

// cookies are those of the request, which payloads of version 2.0 have apart.
func (r *request) cookies() []string {
	line, ok := r.headers["cookie"]
	if !ok {
		return nil
	}
	delete(r.headers, "cookie")
	return slices.DeleteFunc(strings.Split(strings.ReplaceAll(line, "; ", ";"), ";"), func(s string) bool { return s == "" })
}

// text is nil for an empty text, which JSON then writes null.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
