package runner

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
)

// The part of HTTP/1.1 that runtimes use: one request at a time on a
// connection that is kept, bodies with a length or in chunks with trailers.
// It is written by hand because an invocation is two requests, and what
// net/http does for each of them is more than everything else that happens
// between a caller and a warm function. Whatever is not of this form makes
// errUnusual, and the connection goes to net/http with all that was read.

var errUnusual = errors.New("not a plain request")

const (
	maxHead   = 16 << 10
	apiPrefix = "/2018-06-01/runtime/invocation/"
)

// request is the head of a request.
type request struct {
	next    bool   // GET …/next
	id      string // POST …/{id}/response or …/{id}/error
	failed  bool   // it is …/error
	length  int    // of the body; -1 when it comes in chunks
	kind    string // Lambda-Runtime-Function-Error-Type
	errBody string // trailer Lambda-Runtime-Function-Error-Body
}

// parseHead reads a head, which ends with an empty line.
func parseHead(head []byte) (request, error) {
	var r request
	line, rest, _ := bytes.Cut(head, []byte("\r\n"))
	target, ok := bytes.CutSuffix(line, []byte(" HTTP/1.1"))
	if !ok {
		return r, errUnusual
	}
	if path, ok := bytes.CutPrefix(target, []byte("GET "+apiPrefix)); ok && string(path) == "next" {
		r.next = true
	} else if path, ok := bytes.CutPrefix(target, []byte("POST "+apiPrefix)); ok {
		id, what, _ := bytes.Cut(path, []byte("/"))
		if len(id) == 0 || string(what) != "response" && string(what) != "error" {
			return r, errUnusual
		}
		r.id, r.failed = string(id), string(what) == "error"
	} else {
		return r, errUnusual
	}
	sized, chunked := false, false
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		if len(line) == 0 {
			break
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok || len(name) == 0 || name[0] == ' ' || name[0] == '\t' {
			return r, errUnusual
		}
		value = bytes.TrimSpace(value)
		switch {
		case is(name, "content-length"):
			n, err := strconv.ParseUint(string(value), 10, 31)
			if err != nil || sized {
				return r, errUnusual
			}
			r.length, sized = int(n), true
		case is(name, "transfer-encoding"):
			if !is(value, "chunked") || chunked {
				return r, errUnusual
			}
			r.length, chunked = -1, true
		case is(name, "connection"):
			if !is(value, "keep-alive") {
				return r, errUnusual
			}
		case is(name, "expect"), is(name, "upgrade"):
			return r, errUnusual
		default:
			r.header(name, value)
		}
	}
	if sized && chunked || r.next && r.length != 0 {
		return r, errUnusual
	}
	return r, nil
}

// header takes a field that may stand in the head or behind a body in chunks.
func (r *request) header(name, value []byte) {
	switch {
	case is(name, "lambda-runtime-function-error-type"):
		r.kind = string(value)
	case is(name, "lambda-runtime-function-error-body"):
		r.errBody = string(value)
	}
}

// is compares with a lower-case ASCII word, whatever the case of b.
func is(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// wire reads requests from a connection. What was read of the next request
// stays in the buffer.
type wire struct {
	conn net.Conn
	buf  []byte
	r, w int // unread bytes are buf[r:w]
}

// fill reads more, and makes room for it first.
func (c *wire) fill() error {
	if c.r == c.w {
		c.r, c.w = 0, 0
	}
	if c.w == len(c.buf) {
		if c.r > 0 {
			c.w = copy(c.buf, c.buf[c.r:c.w])
			c.r = 0
		} else {
			c.buf = append(c.buf, make([]byte, max(4<<10, len(c.buf)))...)
		}
	}
	n, err := c.conn.Read(c.buf[c.w:])
	c.w += n
	if n > 0 {
		return nil
	}
	return err
}

// head returns the next request's head with its empty line, unconsumed. It is
// valid until the next read.
func (c *wire) head() ([]byte, error) {
	from := 0
	for {
		b := c.buf[c.r:c.w]
		if i := bytes.Index(b[from:], []byte("\r\n\r\n")); i >= 0 {
			return b[:from+i+4], nil
		}
		if len(b) > maxHead {
			return nil, errUnusual
		}
		from = max(0, len(b)-3)
		if err := c.fill(); err != nil {
			return nil, err
		}
	}
}

// line returns a line without its end.
func (c *wire) line() ([]byte, error) {
	for {
		if i := bytes.Index(c.buf[c.r:c.w], []byte("\r\n")); i >= 0 {
			b := c.buf[c.r : c.r+i]
			c.r += i + 2
			return b, nil
		}
		if c.w-c.r > maxHead {
			return nil, errMalformed
		}
		if err := c.fill(); err != nil {
			return nil, err
		}
	}
}

var errMalformed = errors.New("malformed chunked body")

// body reads the body of r, up to limit bytes; over says that there was more,
// which is read and thrown away.
func (c *wire) body(r *request, limit int) (b []byte, over bool, err error) {
	if r.length >= 0 {
		return c.sized(nil, r.length, limit)
	}
	for {
		line, err := c.line()
		if err != nil {
			return nil, false, err
		}
		size, _, _ := bytes.Cut(line, []byte(";"))
		n, err := strconv.ParseUint(string(bytes.TrimSpace(size)), 16, 31)
		if err != nil {
			return nil, false, errMalformed
		}
		if n == 0 {
			return b, over, c.trailers(r)
		}
		var more bool
		if b, more, err = c.sized(b, int(n), limit); err != nil {
			return nil, false, err
		}
		over = over || more
		if end, err := c.line(); err != nil || len(end) > 0 {
			return nil, false, errors.Join(err, errMalformed)
		}
	}
}

// sized appends n bytes of the body to b while it is within limit.
func (c *wire) sized(b []byte, n, limit int) (_ []byte, over bool, err error) {
	if len(b)+n > limit {
		for n > 0 {
			if c.r == c.w {
				if err := c.fill(); err != nil {
					return nil, false, err
				}
			}
			k := min(n, c.w-c.r)
			c.r += k
			n -= k
		}
		return b, true, nil
	}
	if b == nil {
		b = make([]byte, 0, n)
	}
	k := min(n, c.w-c.r)
	b = append(b, c.buf[c.r:c.r+k]...)
	c.r += k
	if n -= k; n > 0 { // the rest goes straight where it belongs
		at := len(b)
		b = append(b, make([]byte, n)...)
		if _, err := io.ReadFull(c.conn, b[at:]); err != nil {
			return nil, false, fmt.Errorf("body: %w", io.ErrUnexpectedEOF)
		}
	}
	return b, false, nil
}

func (c *wire) trailers(r *request) error {
	for {
		line, err := c.line()
		if err != nil {
			return err
		}
		if len(line) == 0 {
			return nil
		}
		if name, value, ok := bytes.Cut(line, []byte(":")); ok {
			r.header(name, bytes.TrimSpace(value))
		}
	}
}
