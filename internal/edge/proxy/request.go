package proxy

import (
	"encoding/base64"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/awsapi/wire"
	"github.com/nube-run/nube/internal/clock"
)

// Request is an HTTP request on its way to a function.
type Request struct {
	HTTP *http.Request
	Body []byte

	ID      string // request id
	Trace   string // X-Amzn-Trace-Id
	At      clock.Instant
	Account string
	API     string // id of the API, or of the function URL
	Domain  string // host that was addressed, without the port
	Stage   string
	Path    string // rawPath: still escaped, with the stage where that is part of it
	Mapped  string // path of format 1.0, with the mapping of a domain; "" where it is Path

	RouteKey   string            // such as GET /users/{id}
	Params     map[string]string // of the path, decoded
	Variables  map[string]string // of the stage
	Authorizer []byte            // requestContext.authorizer as JSON; nil for none
	Identity   Identity          // of the caller, for format 1.0

	headers []header // of the event, once they are asked for
}

// Identity is who signed a request; zero for nobody.
type Identity struct{ AccessKey, Account, Caller, User, ARN string }

// header is a header of an event, its name in lower case.
type header struct {
	name   string
	values []string
}

// SourceIP is the address of the caller.
func (q *Request) SourceIP() string { return SourceIP(q.HTTP) }

// SourceIP is the address that a request comes from.
func SourceIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// Proto is the scheme by which a request came.
func Proto(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

// port is the port that was addressed.
func (q *Request) port() string {
	host := q.HTTP.Host
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		return host[i+1:]
	}
	if q.HTTP.TLS != nil {
		return "443"
	}
	return "80"
}

// sorted returns the headers of the event by name, with those that the gateway
// adds.
func (q *Request) sorted() []header {
	if q.headers != nil {
		return q.headers
	}
	h := q.HTTP.Header
	out := make([]header, 0, len(h)+6)
	for k, vs := range h {
		switch k {
		case "Connection", "Content-Length", "Host", "X-Amzn-Trace-Id", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto":
		default:
			out = append(out, header{strings.ToLower(k), vs})
		}
	}
	add := func(name, v string) { out = append(out, header{name, []string{v}}) }
	if n := h.Get("Content-Length"); n != "" {
		add("content-length", n)
	} else {
		add("content-length", itoa(int64(len(q.Body))))
	}
	add("host", q.HTTP.Host)
	add("x-forwarded-for", strings.Join(append(slices.Clone(h["X-Forwarded-For"]), q.SourceIP()), ", "))
	add("x-forwarded-port", q.port())
	add("x-forwarded-proto", Proto(q.HTTP))
	if q.Trace != "" {
		add("x-amzn-trace-id", q.Trace)
	}
	slices.SortFunc(out, func(a, b header) int { return strings.Compare(a.name, b.name) })
	q.headers = out
	return out
}

// query are the parameters of the query string, decoded.
func (q *Request) query() url.Values {
	if q.HTTP.URL.RawQuery == "" {
		return nil
	}
	return q.HTTP.URL.Query()
}

// appendBody writes the body as a JSON string, and returns whether it is in
// base64.
func (q *Request) appendBody(b []byte) ([]byte, bool) {
	if IsText(q.HTTP.Header) {
		return wire.AppendString(b, string(q.Body)), false
	}
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, q.Body)
	return append(b, '"'), true
}

// IsText reports whether the body of a message is text: its media type says so,
// and it is not compressed. A form is not, in these formats.
func IsText(h http.Header) bool {
	if e := h.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return false
	}
	kind := h.Get("Content-Type")
	media, _, err := mime.ParseMediaType(kind)
	if err != nil {
		media, _, _ = strings.Cut(kind, ";")
		media = strings.ToLower(strings.TrimSpace(media))
	}
	switch media {
	case "application/json", "application/xml", "application/javascript", "application/graphql":
		return true
	}
	return strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "+json") || strings.HasSuffix(media, "+xml")
}
