package runner

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// readRequest parses one request with its body from raw bytes.
func readRequest(raw []byte, limit int) (r request, body []byte, over bool, rest int, err error) {
	a, b := net.Pipe()
	defer a.Close()
	go func() {
		_, _ = b.Write(raw)
		_ = b.Close()
	}()
	w := wire{conn: a, buf: make([]byte, 64)}
	head, err := w.head()
	if err != nil {
		return r, nil, false, 0, err
	}
	if r, err = parseHead(head); err != nil {
		return r, nil, false, 0, err
	}
	w.r += len(head)
	body, over, err = w.body(&r, limit)
	return r, body, over, w.w - w.r, err
}

func TestParse(t *testing.T) {
	const post = "POST /2018-06-01/runtime/invocation/id-1/response HTTP/1.1\r\n"
	for _, tt := range []struct {
		name, raw string
		want      request
		body      string
		over      bool
		err       error
	}{
		{name: "next", raw: "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n", want: request{next: true}},
		{name: "response", raw: post + "Content-Length: 2\r\n\r\nok", want: request{id: "id-1", length: 2}, body: "ok"},
		{name: "name in any case", raw: post + "CONTENT-LENGTH:2 \r\n\r\nok", want: request{id: "id-1", length: 2}, body: "ok"},
		{name: "error", raw: "POST /2018-06-01/runtime/invocation/i/error HTTP/1.1\r\nLambda-Runtime-Function-Error-Type: E\r\nContent-Length: 0\r\n\r\n",
			want: request{id: "i", failed: true, kind: "E"}},
		{name: "chunks", raw: post + "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3;x=y\r\ncde\r\n0\r\n\r\n", want: request{id: "id-1", length: -1}, body: "abcde"},
		{name: "trailers", raw: post + "Transfer-Encoding: chunked\r\nTrailer: a\r\n\r\n1\r\na\r\n0\r\nLambda-Runtime-Function-Error-Type: T\r\nLambda-Runtime-Function-Error-Body: e30=\r\n\r\n",
			want: request{id: "id-1", length: -1, kind: "T", errBody: "e30="}, body: "a"},
		{name: "too large", raw: post + "Content-Length: 11\r\n\r\n12345678901", want: request{id: "id-1", length: 11}, over: true},
		{name: "too large in chunks", raw: post + "Transfer-Encoding: chunked\r\n\r\n6\r\n123456\r\n6\r\n123456\r\n0\r\n\r\n", want: request{id: "id-1", length: -1}, body: "123456", over: true},
		{name: "expect", raw: post + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nok", err: errUnusual},
		{name: "both lengths", raw: post + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok", err: errUnusual},
		{name: "two lengths", raw: post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nok", err: errUnusual},
		{name: "negative length", raw: post + "Content-Length: -2\r\n\r\nok", err: errUnusual},
		{name: "folded", raw: post + "A: b\r\n c\r\n\r\n", err: errUnusual},
		{name: "close", raw: post + "Connection: close\r\n\r\n", err: errUnusual},
		{name: "other path", raw: "GET /2020-01-01/extension/event/next HTTP/1.1\r\n\r\n", err: errUnusual},
		{name: "HTTP/1.0", raw: "GET /2018-06-01/runtime/invocation/next HTTP/1.0\r\n\r\n", err: errUnusual},
		{name: "no request", raw: strings.Repeat("x", maxHead+100), err: errUnusual},
		{name: "bad chunk", raw: post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", err: errMalformed},
		{name: "long chunk", raw: post + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", err: errMalformed},
		{name: "cut off", raw: post + "Content-Length: 5\r\n\r\nab", err: io.ErrUnexpectedEOF},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, body, over, _, err := readRequest([]byte(tt.raw), 10)
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if err != nil {
				return
			}
			if r != tt.want || string(body) != tt.body || over != tt.over {
				t.Errorf("got %+v %q over=%v, want %+v %q over=%v", r, body, over, tt.want, tt.body, tt.over)
			}
		})
	}
}

// What the short way accepts, net/http reads in the same way.
func FuzzParse(f *testing.F) {
	const post = "POST /2018-06-01/runtime/invocation/id-1/response HTTP/1.1\r\nHost: x\r\n"
	f.Add([]byte(post + "Content-Length: 2\r\n\r\nok"))
	f.Add([]byte(post + "Transfer-Encoding: chunked\r\nTrailer: Lambda-Runtime-Function-Error-Type\r\n\r\n1\r\na\r\n0\r\nLambda-Runtime-Function-Error-Type: T\r\n\r\n"))
	f.Add([]byte("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n"))
	f.Add([]byte(post + "Lambda-Runtime-Function-Error-Type: a\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, body, over, _, err := readRequest(raw, 1<<10)
		if err != nil || over {
			return
		}
		h, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil {
			return // net/http is stricter about names, methods and hosts, which do not matter here
		}
		theirs, err := io.ReadAll(h.Body)
		if err != nil {
			return
		}
		if !bytes.Equal(body, theirs) {
			t.Errorf("body %q, net/http reads %q", body, theirs)
		}
		if !r.next && !strings.Contains(h.RequestURI, r.id) {
			t.Errorf("id %q of %q", r.id, h.RequestURI)
		}
		if r.next && h.Method != "GET" || !r.next && h.Method != "POST" {
			t.Errorf("%+v is %s", r, h.Method)
		}
	})
}

// Output is cut into events, however it arrives.
func FuzzOutput(f *testing.F) {
	frame := func(s string) string { return frameMagic + "\x00\x00\x00" + string(rune(len(s))) + s }
	f.Add([]byte("one\ntwo"), uint8(1))
	f.Add([]byte("a\n"+frame("b\nc\n")+"d"), uint8(3))
	f.Add([]byte("\xa5\x5a\x00"), uint8(2))
	f.Add([]byte("\xa5\x5a\x00\x01\xff\xff\xff\xffx\n"), uint8(4))
	f.Fuzz(func(t *testing.T, data []byte, step uint8) {
		cut := func(step int) []string {
			o := output{model: newModel()}
			for b := data; len(b) > 0; {
				n := min(step, len(b))
				o.feedLocked(b[:n])
				b = b[n:]
			}
			o.endLineLocked()
			var out []string
			for _, e := range o.batch {
				out = append(out, strconv.Quote(e.Message))
			}
			return out
		}
		whole, parts := cut(len(data)+1), cut(int(step)+1)
		if strings.Join(whole, "") != strings.Join(parts, "") {
			t.Errorf("%q in one piece gives %v, in pieces of %d %v", data, whole, int(step)+1, parts)
		}
		if !bytes.Contains(data, []byte(frameMagic)) {
			var all strings.Builder
			for _, q := range whole {
				s, err := strconv.Unquote(q)
				if err != nil {
					t.Fatal(err)
				}
				all.WriteString(s)
			}
			if strings.TrimSuffix(all.String(), "\n") != strings.TrimSuffix(string(data), "\n") && len(data) > 0 && !strings.HasSuffix(string(data), "\n\n") {
				t.Errorf("%q became %q", data, all.String())
			}
		}
	})
}
