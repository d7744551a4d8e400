package edge

import (
	"io"
	"net/http"

	"github.com/nube-run/nube/internal/record"
)

// maxKept is how much of a body is recorded: as much as the gateways take.
const maxKept = 10 << 20

// unreadMax is how much of a body that nobody has read is recorded: as much as
// net/http itself would read of it.
const unreadMax = 256 << 10

// exchange gathers what a request and its answer say, so that the request can be
// made once more.
type exchange struct {
	http         record.HTTPExchange
	r            *http.Request
	body         io.ReadCloser // as it comes
	sent, answer kept
}

// begin has what is read of a request's body gathered from now on.
func begin(r *http.Request, t Target) *exchange {
	x := &exchange{r: r, body: r.Body, http: record.HTTPExchange{
		Endpoint: t.endpoint, Method: r.Method, Host: r.Host, URI: r.URL.RequestURI(), Remote: r.RemoteAddr, Header: r.Header,
	}}
	if r.Body != nil && r.Body != http.NoBody {
		if n := r.ContentLength; n > 0 && n <= maxKept {
			x.sent.b = make([]byte, 0, n)
		}
		r.Body = x
	}
	return x
}

// Read implements [io.Reader].
func (x *exchange) Read(p []byte) (int, error) {
	n, err := x.body.Read(p)
	x.sent.Write(p[:n])
	return n, err
}

// Close implements [io.Closer].
func (x *exchange) Close() error { return x.body.Close() }

// end records what was exchanged. What has not been read of the body is read
// now, unless the client waits to be asked for it.
func (x *exchange) end(hop *record.Hop, n *noted) {
	if x.r.Body == x {
		if x.r.Header.Get("Expect") == "" {
			_, _ = io.CopyN(&x.sent, x.body, unreadMax) // what cannot be read is not there
		}
		x.r.Body = x.body
	}
	x.http.Status, x.http.Answer, x.http.Cut = n.status, n.Header(), x.sent.cut || x.answer.cut
	hop.Exchanged(record.Exchange{Event: x.sent.b, Answer: x.answer.b, HTTP: &x.http})
}

// kept is a body as far as it is recorded.
type kept struct {
	b   []byte
	cut bool
}

// Write implements [io.Writer].
func (k *kept) Write(p []byte) (int, error) {
	n := min(len(p), maxKept-len(k.b))
	k.b = append(k.b, p[:n]...)
	k.cut = k.cut || n < len(p)
	return len(p), nil
}
