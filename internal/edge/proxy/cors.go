package proxy

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// CORS is a configuration of cross-origin resource sharing.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
type CORS struct {
	Credentials                       bool
	Headers, Methods, Origins, Expose []string
	MaxAge                            int32
	HasMaxAge                         bool
}

// IsPreflight reports whether a request asks what it may ask.
// https://fetch.spec.whatwg.org/#cors-preflight-request
func IsPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// origin is what is answered to an origin; "" where it is not allowed.
func (c *CORS) origin(r *http.Request) string {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return ""
	}
	for _, o := range c.Origins {
		scheme, any := strings.CutSuffix(o, "*")
		switch {
		case o == "*" && !c.Credentials:
			return "*"
		case o == "*", strings.EqualFold(o, origin), any && len(origin) > len(scheme) && strings.EqualFold(origin[:len(scheme)], scheme):
			return origin
		}
	}
	return ""
}

// Preflight is the answer to a preflight request. An origin or a method that is
// not allowed gets none of the headers, so that browsers refuse it.
func (c *CORS) Preflight(r *http.Request) Answer {
	a := Answer{Status: http.StatusNoContent, Header: http.Header{}}
	origin := c.origin(r)
	if origin == "" || !c.allows(r.Header.Get("Access-Control-Request-Method")) {
		return a
	}
	c.permit(a.Header, origin)
	list := func(name string, values []string) {
		if len(values) > 0 {
			a.Header.Set(name, strings.Join(values, ","))
		}
	}
	list("Access-Control-Allow-Methods", c.Methods)
	list("Access-Control-Allow-Headers", c.Headers)
	if c.HasMaxAge {
		a.Header.Set("Access-Control-Max-Age", strconv.Itoa(int(c.MaxAge)))
	}
	return a
}

func (c *CORS) allows(method string) bool {
	return slices.ContainsFunc(c.Methods, func(m string) bool { return m == "*" || strings.EqualFold(m, method) })
}

// Dress puts the headers of CORS on a response, in the place of those that came
// from behind.
func (c *CORS) Dress(h http.Header, r *http.Request) {
	for k := range h {
		if strings.HasPrefix(k, "Access-Control-") {
			delete(h, k)
		}
	}
	origin := c.origin(r)
	if origin == "" {
		return
	}
	c.permit(h, origin)
	if len(c.Expose) > 0 {
		h.Set("Access-Control-Expose-Headers", strings.Join(c.Expose, ","))
	}
}

func (c *CORS) permit(h http.Header, origin string) {
	h.Set("Access-Control-Allow-Origin", origin)
	if origin != "*" {
		h.Add("Vary", "Origin")
	}
	if c.Credentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
}
