package control

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/record"
)

func (s *Server) requestAgain(ctx context.Context, x *record.Exchange, edited *HTTPRequest, out *Replay) error {
	if x.HTTP.Cut && edited == nil {
		return &unreplayable{http.StatusConflict, "A body of this request was too long to be recorded."}
	}
	h := out.Recorded.HTTP
	if edited != nil {
		edited.Endpoint, edited.remote = h.Endpoint, h.remote
		h, out.Edited = edited, true
	}
	r, err := h.request(ctx)
	if err != nil {
		return &unreplayable{http.StatusBadRequest, err.Error()}
	}
	w := &response{header: http.Header{}}
	w.serve(s.Application.Handler(h.Endpoint), r)
	a := &out.Answer
	a.Status, a.Header = w.status, w.header
	a.Body, a.Base64 = textOf(w.body.Bytes())
	if w.broken {
		a.Error = "the connection was broken"
	}
	was := &out.Recorded.Answer
	out.Same = a.Error == "" && a.Status == was.Status && sameJSON(x.Answer, w.body.Bytes()) && maps.EqualFunc(Stable(a.Header), Stable(was.Header), slices.Equal)
	return nil
}

// Stable returns the headers of an answer that are not another one each time.
func Stable(h http.Header) http.Header {
	h = maps.Clone(h)
	for _, name := range []string{"Date", "X-Amzn-Requestid", "X-Amz-Apigw-Id", "Apigw-Requestid", record.XRayHeader} {
		h.Del(name)
	}
	return h
}

// request is the request once more, with a trace of its own.
func (h *HTTPRequest) request(ctx context.Context) (*http.Request, error) {
	body := []byte(h.Body)
	if h.Base64 {
		var err error
		if body, err = base64.StdEncoding.DecodeString(h.Body); err != nil {
			return nil, fmt.Errorf("the body is not base64: %w", err)
		}
	}
	r, err := http.NewRequestWithContext(ctx, h.Method, "http://"+h.Host+"/"+strings.TrimPrefix(h.Path, "/"), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header = h.Header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	for _, trace := range []string{record.XRayHeader, record.ParentHeader} {
		r.Header.Del(trace)
	}
	if r.Header.Get("Content-Length") != "" {
		r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	r.RequestURI, r.RemoteAddr = r.URL.RequestURI(), or(h.remote, "127.0.0.1:0")
	if len(body) == 0 {
		r.Body = http.NoBody
	} else {
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return r, nil
}

// response keeps an answer.
type response struct {
	header http.Header
	status int
	body   bytes.Buffer
	broken bool
}

// serve has a handler answer a request. A connection that it would break is no
// panic of ours.
func (w *response) serve(h http.Handler, r *http.Request) {
	defer func() {
		if p := recover(); p == http.ErrAbortHandler {
			w.broken = true
		} else if p != nil {
			panic(p)
		}
	}()
	h.ServeHTTP(w, r)
	if w.status == 0 {
		w.status = http.StatusOK
	}
}

// Header implements [http.ResponseWriter].
func (w *response) Header() http.Header { return w.header }

// WriteHeader implements [http.ResponseWriter].
func (w *response) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status, w.header = status, w.header.Clone()
	}
}

// Write implements [http.ResponseWriter].
func (w *response) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}
