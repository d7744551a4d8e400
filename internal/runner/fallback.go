package runner

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// handOver gives the connection, with what was read from it, to net/http, and
// returns when it has ended.
func (s *session) handOver() {
	c := &handedConn{Conn: s.conn, read: bytes.NewReader(s.buf[s.r:s.w]), closed: make(chan struct{})}
	srv := http.Server{Handler: s.api}
	// Serve returns when the only connection is closed.
	_ = srv.Serve(&oneConn{conn: c})
	_ = srv.Close()
}

// handedConn is a connection of which a part has been read.
type handedConn struct {
	net.Conn
	read   *bytes.Reader
	once   sync.Once
	closed chan struct{}
}

func (c *handedConn) Read(p []byte) (int, error) {
	if c.read.Len() > 0 {
		return c.read.Read(p)
	}
	return c.Conn.Read(p)
}

func (c *handedConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// oneConn is a listener with one connection. It ends when the connection does.
type oneConn struct {
	conn *handedConn
	once sync.Once
}

func (l *oneConn) Accept() (c net.Conn, err error) {
	l.once.Do(func() { c = l.conn })
	if c != nil {
		return c, nil
	}
	<-l.conn.closed
	return nil, io.EOF
}

func (l *oneConn) Close() error   { return nil }
func (l *oneConn) Addr() net.Addr { return l.conn.LocalAddr() }

// ServeHTTP is the whole Runtime API, for what the short way does not take.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	switch {
	case r.Method == "GET" && path == apiPrefix+"next":
		a.serveNext(w, r)
	case r.Method == "POST" && path == "/2018-06-01/runtime/init/error":
		a.serveInitError(w, r)
	case r.Method == "POST" && path == "/2020-01-01/extension/register":
		a.serveRegister(w, r)
	case r.Method == "GET" && path == "/2020-01-01/extension/event/next":
		<-r.Context().Done() // only the end of the process is ever told
	case r.Method == "POST" && strings.HasPrefix(path, apiPrefix):
		a.serveAnswer(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (a *api) serveNext(w http.ResponseWriter, r *http.Request) {
	given := make(chan *invocation, 1)
	pl := &place{inst: a.inst, send: func(v *invocation) error { given <- v; return nil }}
	if !a.inst.next(pl) {
		write(w, refusedTransition())
		return
	}
	var v *invocation
	select {
	case v = <-given:
	case <-r.Context().Done():
		if pl.drop() {
			return
		}
		v = <-given
	}
	for _, h := range v.headers() {
		if h.value != "" {
			w.Header().Set(h.name, h.value)
		}
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(v.Payload)))
	_, _ = w.Write(v.Payload) // a runtime that is gone is seen by its exit
}

func (a *api) serveAnswer(w http.ResponseWriter, r *http.Request) {
	id, what, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, apiPrefix), "/")
	if what != "response" && what != "error" {
		http.NotFound(w, r)
		return
	}
	body, over, err := readUpTo(r.Body, a.limit)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	req := request{id: id, failed: what == "error"}
	for _, h := range []http.Header{r.Header, r.Trailer} {
		for _, name := range []string{"Lambda-Runtime-Function-Error-Type", "Lambda-Runtime-Function-Error-Body"} {
			if v := h.Get(name); v != "" {
				req.header([]byte(strings.ToLower(name)), []byte(v))
			}
		}
	}
	a.take(&req, body, over, func(r reply) { write(w, r) })
}

func (a *api) serveInitError(w http.ResponseWriter, r *http.Request) {
	body, _, err := readUpTo(r.Body, a.limit)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	write(w, accepted())
	if f, ok := w.(http.Flusher); ok {
		f.Flush() // before the process is ended
	}
	a.inst.broke(reported(r.Header.Get("Lambda-Runtime-Function-Error-Type"), body))
}

// serveRegister is what a runtime calls on itself to be sent SIGTERM before it
// is killed, as aws-lambda-go does for WithEnableSIGTERM. Extensions in
// processes of their own, or that want events, are not run.
//
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
func (a *api) serveRegister(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Events []string `json:"events"`
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, 64<<10)).Decode(&in); err != nil {
		write(w, extensionError(http.StatusBadRequest, "Extension.InvalidEventType", err.Error()))
		return
	}
	if len(in.Events) > 0 {
		write(w, extensionError(http.StatusForbidden, "Extension.InvalidEventType",
			"extensions that ask for events ("+strings.Join(in.Events, ", ")+") are not supported"))
		return
	}
	a.inst.wantsTerm()
	s := a.inst.pool.spec
	body, err := json.Marshal(map[string]string{"functionName": s.Name, "functionVersion": s.Version, "handler": s.Handler})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Lambda-Extension-Identifier", a.inst.stream.Name[len(a.inst.stream.Name)-32:])
	write(w, reply{http.StatusOK, string(body)})
}

func extensionError(code int, kind, message string) reply {
	return reply{code, string(platformFault(kind, message))}
}

func write(w http.ResponseWriter, r reply) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(r.body)))
	w.WriteHeader(r.code)
	_, _ = io.WriteString(w, r.body) // a runtime that is gone is seen by its exit
}

// readUpTo reads all of r, and keeps it if it is within limit.
func readUpTo(r io.Reader, limit int) (b []byte, over bool, err error) {
	b, err = io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return nil, false, err
	}
	if len(b) <= limit {
		return b, false, nil
	}
	_, err = io.Copy(io.Discard, r)
	return nil, true, errors.Join(err)
}
