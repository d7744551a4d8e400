package runner

import (
	"encoding/base64"
	"errors"
	"net"
	"strconv"
	"sync"
	"time"
)

// api is the Runtime API of one instance, on a port of its own.
type api struct {
	inst  *instance
	limit int // bytes of a response
	ln    net.Listener

	wg    sync.WaitGroup // the accept loop and connections
	mu    sync.Mutex
	conns map[net.Conn]struct{} // nil when closed
}

// serve takes connections until close.
func (a *api) serve() {
	defer a.wg.Done()
	for {
		conn, err := a.ln.Accept()
		if err != nil {
			return
		}
		if !a.keep(conn) {
			_ = conn.Close() // it came too late to matter
			return
		}
		a.wg.Add(1)
		go func() {
			defer a.wg.Done()
			defer a.drop(conn)
			(&session{api: a, wire: wire{conn: conn, buf: make([]byte, 4<<10)}}).run()
		}()
	}
}

func (a *api) keep(c net.Conn) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.conns == nil {
		return false
	}
	a.conns[c] = struct{}{}
	return true
}

func (a *api) drop(c net.Conn) {
	a.mu.Lock()
	delete(a.conns, c)
	a.mu.Unlock()
	_ = c.Close() // read from and written to as far as it goes
}

// flush waits until everything that an ended process had sent is taken in. Its
// connections end by themselves; should one be held open by somebody else, it
// is given up.
func (a *api) flush() {
	_ = a.ln.Close()
	late := a.inst.r.machine.AfterFunc(flushGrace, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		for c := range a.conns {
			_ = c.Close()
		}
		a.conns = nil
	})
	defer late.Stop()
	a.wg.Wait()
}

// flushGrace is far more than the kernel needs to close a dead process's
// sockets.
const flushGrace = time.Second

// session is one connection of a runtime.
type session struct {
	wire
	api *api
	out []byte // what is written, kept for the next time
}

// run serves requests until the connection ends or turns out to speak more of
// HTTP than this.
func (s *session) run() {
	var asked *place
	defer func() {
		if asked != nil {
			asked.drop()
		}
	}()
	for {
		head, err := s.head()
		if asked != nil && asked.drop() {
			return // it went away, or sent a second request before the answer to its first
		}
		asked = nil
		if errors.Is(err, errUnusual) {
			s.handOver()
			return
		}
		if err != nil {
			return
		}
		req, err := parseHead(head)
		if err != nil {
			s.handOver()
			return
		}
		s.r += len(head)
		if req.next {
			asked = &place{inst: s.api.inst, send: s.send}
			if !s.api.inst.next(asked) {
				asked = nil
				err = s.reply(refusedTransition())
			}
		} else {
			err = s.answer(&req)
		}
		if err != nil {
			return
		}
	}
}

// answer takes the body of a response or error, and acknowledges it.
func (s *session) answer(req *request) error {
	body, over, err := s.body(req, s.api.limit)
	if err != nil {
		return err
	}
	s.api.take(req, body, over, func(r reply) { err = s.reply(r) })
	return err
}

// take gives an answer to the instance, and calls write once with what the
// runtime is told.
func (a *api) take(req *request, body []byte, over bool, write func(reply)) {
	var f *Fault
	switch {
	case over:
		f = tooLarge(a.limit)
	case req.failed:
		f = reported(req.kind, body)
	case req.kind != "": // a stream that broke off says so behind the body
		b, err := base64.StdEncoding.DecodeString(req.errBody)
		if err != nil || len(b) == 0 {
			b = platformFault(req.kind, "")
		}
		f = reported(req.kind, b)
	}
	told := accepted()
	if over {
		told = reply{413, `{"errorMessage":"Exceeded maximum allowed payload size (` + strconv.Itoa(a.limit) +
			` bytes).","errorType":"RequestEntityTooLarge"}`}
	}
	if !a.inst.respond(req.id, body, f, func() { write(told) }) {
		write(refusedID())
	}
}

// reply is what a runtime gets for anything but its request for an invocation.
type reply struct {
	code int
	body string
}

// What the Runtime API replies.
const (
	bodyAccepted   = `{"status":"OK"}` + "\n"
	bodyInvalidID  = `{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}` + "\n"
	bodyTransition = `{"errorMessage":"The next invocation was asked for before the last was answered","errorType":"InvalidStateTransition"}` + "\n"
)

func accepted() reply          { return reply{202, bodyAccepted} }
func refusedID() reply         { return reply{400, bodyInvalidID} }
func refusedTransition() reply { return reply{403, bodyTransition} }

func (s *session) reply(r reply) error {
	b := append(s.out[:0], "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(r.code), 10)
	switch r.code {
	case 202:
		b = append(b, " Accepted"...)
	case 400:
		b = append(b, " Bad Request"...)
	case 403:
		b = append(b, " Forbidden"...)
	case 413:
		b = append(b, " Request Entity Too Large"...)
	}
	b = append(b, "\r\nContent-Type: application/json\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(r.body)), 10)
	b = append(b, "\r\n\r\n"...)
	b = append(b, r.body...)
	s.out = b
	_, err := s.conn.Write(b)
	return err
}

// send writes an invocation as the response to the open request. It is called
// by whoever took the place, while run waits for what the runtime says next.
//
// Its buffer is not the session's: the process may answer, and run with it,
// before the write here has come back.
func (s *session) send(v *invocation) error {
	buf, _ := s.api.inst.r.buffers.Get().(*[]byte)
	if buf == nil {
		buf = new([]byte)
	}
	defer s.api.inst.r.buffers.Put(buf)
	b := append((*buf)[:0], "HTTP/1.1 200 OK\r\n"...)
	for _, h := range v.headers() {
		if h.value != "" {
			b = append(append(append(append(b, h.name...), ": "...), h.value...), "\r\n"...)
		}
	}
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, int64(len(v.Payload)), 10)
	b = append(b, "\r\n\r\n"...)
	if len(v.Payload) > 64<<10 {
		*buf = b
		bufs := net.Buffers{b, v.Payload}
		_, err := bufs.WriteTo(s.conn)
		return err
	}
	b = append(b, v.Payload...)
	*buf = b
	_, err := s.conn.Write(b)
	return err
}

type header struct{ name, value string }

// headers are what a runtime is told about an invocation. [Runner.Invoke]
// refuses values with line ends.
func (v *invocation) headers() [7]header {
	deadline := v.started.Add(v.pool.spec.deadline()).UnixMilli()
	return [...]header{
		{"Content-Type", "application/json"},
		{"Lambda-Runtime-Aws-Request-Id", v.RequestID},
		{"Lambda-Runtime-Deadline-Ms", strconv.FormatInt(deadline, 10)},
		{"Lambda-Runtime-Invoked-Function-Arn", string(v.ARN)},
		{"Lambda-Runtime-Trace-Id", v.TraceID},
		{"Lambda-Runtime-Client-Context", v.ClientContext},
		{"Lambda-Runtime-Cognito-Identity", v.Identity},
	}
}
