// Package awstest is a client of the AWS endpoint for tests: it signs requests
// with Signature Version 4, hands them to a handler and takes the answers
// apart. It knows protocols, not services.
//
// It is no SDK: the suites that hold us to the real ones are in conformance.
package awstest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/sigv4"
)

// Client calls as one actor. Its zero credentials sign nothing.
type Client struct {
	Handler http.Handler
	Region  string

	Key, Secret, Token string
}

// As returns a client with other credentials.
func (c Client) As(key, secret, token string) Client {
	c.Key, c.Secret, c.Token = key, secret, token
	return c
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Send signs and sends a request for a service.
func (c Client) Send(service, method, target string, header http.Header, body []byte) Answer {
	r := httptest.NewRequest(method, target, bytes.NewReader(body))
	r.Host = "127.0.0.1:4566"
	for k, vs := range header {
		r.Header[k] = vs
	}
	if c.Key != "" {
		req := sigv4.Request{
			Method: method, Host: r.Host, Path: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery, Header: r.Header, ContentLength: r.ContentLength,
			Body: body, S3: service == "s3", Service: service, Region: c.Region,
		}
		sigv4.Sign(&req, sigv4.Credentials{AccessKey: c.Key, Secret: c.Secret, Token: c.Token}, clock.Machine{}.Now())
		r.Header = req.Header
	}
	w := httptest.NewRecorder()
	c.Handler.ServeHTTP(w, r)
	return Answer{Status: w.Code, Header: w.Header(), Body: w.Body.Bytes()}
}

// Query calls an action of the query protocol with parameters in pairs.
func (c Client) Query(service, version, action string, params ...string) Answer {
	form := url.Values{"Action": {action}, "Version": {version}}
	for i := 0; i < len(params); i += 2 {
		form.Add(params[i], params[i+1])
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}
	return c.Send(service, http.MethodPost, "/", header, []byte(form.Encode()))
}

// REST calls a REST-JSON operation; in is encoded unless it is nil.
func (c Client) REST(service, method, target string, in any) Answer {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			panic(err) // the test's own mistake
		}
	}
	return c.Send(service, method, target, http.Header{"Content-Type": {"application/json"}}, body)
}

// Error is the code and the message of an answer, "" for one that is none:
// "NoSuchEntity: The role with name x cannot be found.".
func (a Answer) Error() string {
	if a.Status < 300 {
		return ""
	}
	if bytes.HasPrefix(a.Body, []byte("<")) {
		x := a.XML()
		return x.Text("Error/Code") + ": " + x.Text("Error/Message")
	}
	var e struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
		Upper   string `json:"Message"`
	}
	if err := json.Unmarshal(a.Body, &e); err != nil {
		return string(a.Body)
	}
	code := a.Header.Get("X-Amzn-Errortype")
	if code == "" {
		_, name, ok := strings.Cut(e.Type, "#")
		if code = e.Type; ok {
			code = name
		}
	}
	return code + ": " + e.Message + e.Upper
}

// JSON is the body as Go's values; nil when it is none.
func (a Answer) JSON() any {
	var v any
	if err := json.Unmarshal(a.Body, &v); err != nil {
		return nil
	}
	return v
}
