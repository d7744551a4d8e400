package proxy

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Answer is the response that a function wants.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// fields are what a function answers in either format.
type fields struct {
	StatusCode        json.RawMessage  `json:"statusCode"`
	Headers           map[string]any   `json:"headers"`
	MultiValueHeaders map[string][]any `json:"multiValueHeaders"` // 1.0
	Cookies           []string         `json:"cookies"`           // 2.0
	Body              json.RawMessage  `json:"body"`
	IsBase64Encoded   bool             `json:"isBase64Encoded"`
}

// Read2 reads what a function answers in the format 2.0. JSON without a
// statusCode is the body of the response; a string is without its quotes where
// unquote says so, as HTTP APIs do and function URLs do not.
func Read2(payload []byte, unquote bool) (Answer, error) {
	payload = bytes.TrimSpace(payload)
	if len(payload) > 0 && payload[0] == '{' {
		var f fields
		err := json.Unmarshal(payload, &f)
		switch {
		case err == nil && isSet(f.StatusCode):
			a, err := f.answer()
			for _, c := range f.Cookies {
				a.Header.Add("Set-Cookie", c)
			}
			return a, err
		case err == nil: // the object itself is the body
		case !json.Valid(payload), hasStatus(payload):
			return Answer{}, fmt.Errorf("the function's answer: %w", err)
		}
	} else if !json.Valid(payload) {
		return Answer{}, errors.New("the function's answer is not JSON")
	}
	a := Answer{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: payload}
	if payload[0] == '"' && unquote {
		var s string
		if err := json.Unmarshal(payload, &s); err != nil {
			return Answer{}, fmt.Errorf("the function's answer: %w", err)
		}
		a.Body = []byte(s)
	}
	return a, nil
}

// hasStatus reports whether an object has a statusCode, so that it is meant for a
// response although its other members are not those of one.
func hasStatus(object []byte) bool {
	var f struct {
		StatusCode json.RawMessage `json:"statusCode"`
	}
	return json.Unmarshal(object, &f) == nil && isSet(f.StatusCode)
}

// isSet reports whether a member is there, and not null.
func isSet(v json.RawMessage) bool { return v != nil && string(v) != "null" }

// Read1 reads what a function answers in the format 1.0.
func Read1(payload []byte) (Answer, error) {
	var f fields
	if err := json.Unmarshal(payload, &f); err != nil {
		return Answer{}, fmt.Errorf("the function's answer: %w", err)
	}
	if !isSet(f.StatusCode) {
		return Answer{}, errors.New("the function's answer has no statusCode")
	}
	a, err := f.answer()
	for k, vs := range f.MultiValueHeaders {
		a.Header[http.CanonicalHeaderKey(k)] = nil
		for _, v := range vs {
			a.Header.Add(k, text(v))
		}
	}
	return a, err
}

func (f *fields) answer() (a Answer, err error) {
	a.Header = http.Header{}
	a.Status, err = strconv.Atoi(strings.Trim(string(f.StatusCode), `"`))
	if err != nil || a.Status < 200 || a.Status > 599 { // below 200 is no answer yet
		return a, fmt.Errorf("the function's statusCode %s is not a status", f.StatusCode)
	}
	for k, v := range f.Headers {
		if v != nil {
			a.Header.Set(k, text(v))
		}
	}
	if !isSet(f.Body) {
		return a, nil
	}
	var body string
	if err := json.Unmarshal(f.Body, &body); err != nil {
		return a, errors.New("the function's body is not a string")
	}
	a.Body = []byte(body)
	if f.IsBase64Encoded {
		if a.Body, err = base64.StdEncoding.DecodeString(body); err != nil {
			return a, fmt.Errorf("the function's body: %w", err)
		}
	}
	return a, nil
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

// Write sends an answer. Headers that belong to the connection are the
// server's own.
func (a Answer) Write(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	for k, vs := range a.Header {
		switch k {
		case "Connection", "Content-Length", "Transfer-Encoding", "Te", "Upgrade", "Keep-Alive":
		default:
			head[k] = vs
		}
	}
	if a.Status != http.StatusNoContent && a.Status != http.StatusNotModified {
		head.Set("Content-Length", strconv.Itoa(len(a.Body)))
	}
	w.WriteHeader(a.Status)
	if r.Method != http.MethodHead {
		w.Write(a.Body)
	}
}
