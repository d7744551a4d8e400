package record

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/packed"
)

// Exchange is what a function or an API was given, and what it answered: enough
// to give it the same once more.
type Exchange struct {
	Trace    TraceID
	Span     SpanID // the hop that it was
	Request  string // request id
	By       string // on whose behalf
	Start    clock.Instant
	Began    time.Time // machine time
	Duration time.Duration

	Function string // ARN as it was invoked, with its qualifier; empty of a request over HTTP
	Version  string // of the function that answered
	Context  string // the client's, JSON; empty for none
	Event    []byte // or the body of a request over HTTP
	Answer   []byte // or the body of an answer over HTTP
	Error    string // type of the function's error, which Answer describes, or why it was not invoked
	HTTP     *HTTPExchange
}

// HTTPExchange is what a request over HTTP has besides its bodies.
type HTTPExchange struct {
	Endpoint bool // the API was found by its path on the AWS endpoint
	Method   string
	Host     string
	URI      string // path and query, as they were sent
	Remote   string // address of the client
	Header   http.Header
	Status   int
	Answer   http.Header
	Cut      bool // a body was longer than what is kept
}

// The first byte of an encoded exchange.
//
//	1  number of further parts, and then span, start, began, duration, request,
//	   by, function, version, context, error, event, answer, and whether there
//	   is HTTP: flags (1 endpoint, 2 cut), method, host, URI, remote, header,
//	   status, answer's header. The trace is the record's key.
//
// Strings, and lists of names with lists of values, are a length in base 128 and
// what they hold. testdata/exchange.golden holds the bytes to it.
//
//	2  number of further parts, span, and what comes after the number in version 1,
//	   sealed, bound to trace and span
const (
	exchangeVersion = 1
	sealedVersion   = 2
)

const (
	endpointFlag = 1
	cutFlag      = 2
)

// encode appends the exchange without the version and the number of parts.
func (x *Exchange) encode(b []byte) []byte {
	b = append(b, x.Span[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(x.Start))
	var began int64
	if !x.Began.IsZero() {
		began = x.Began.UnixNano()
	}
	b = binary.BigEndian.AppendUint64(b, uint64(began))
	b = binary.AppendUvarint(b, uint64(x.Duration))
	for _, t := range [...]string{x.Request, x.By, x.Function, x.Version, x.Context, x.Error} {
		b = packed.String(b, t)
	}
	b = packed.String(b, x.Event)
	b = packed.String(b, x.Answer)
	h := x.HTTP
	if h == nil {
		return append(b, 0)
	}
	var flags byte
	if h.Endpoint {
		flags |= endpointFlag
	}
	if h.Cut {
		flags |= cutFlag
	}
	b = append(b, 1, flags)
	for _, t := range [...]string{h.Method, h.Host, h.URI, h.Remote} {
		b = packed.String(b, t)
	}
	b = appendHeader(b, h.Header)
	b = binary.AppendUvarint(b, uint64(h.Status))
	return appendHeader(b, h.Answer)
}

func appendHeader(b []byte, h http.Header) []byte {
	b = binary.AppendUvarint(b, uint64(len(h)))
	for name, values := range h {
		b = packed.String(b, name)
		b = binary.AppendUvarint(b, uint64(len(values)))
		for _, v := range values {
			b = packed.String(b, v)
		}
	}
	return b
}

// decodeExchange reads what encode has written.
func decodeExchange(trace TraceID, b []byte) (Exchange, error) {
	r := packed.Read(b)
	x := Exchange{Trace: trace}
	r.Into(x.Span[:])
	x.Start = clock.Instant(r.Fixed())
	if began := int64(r.Fixed()); began != 0 {
		x.Began = time.Unix(0, began)
	}
	x.Duration = time.Duration(r.Uint(math.MaxInt64))
	for _, t := range [...]*string{&x.Request, &x.By, &x.Function, &x.Version, &x.Context, &x.Error} {
		*t = r.String()
	}
	x.Event, x.Answer = r.Packed(), r.Packed()
	if r.Uint(1) == 1 {
		h := &HTTPExchange{}
		flags := r.Uint(endpointFlag | cutFlag)
		h.Endpoint, h.Cut = flags&endpointFlag != 0, flags&cutFlag != 0
		for _, t := range [...]*string{&h.Method, &h.Host, &h.URI, &h.Remote} {
			*t = r.String()
		}
		h.Header = readHeader(&r)
		h.Status = int(r.Uint(math.MaxInt32))
		h.Answer = readHeader(&r)
		x.HTTP = h
	}
	if err := r.Done(); err != nil {
		return Exchange{}, fmt.Errorf("exchange: %w", err)
	}
	return x, nil
}

func readHeader(r *packed.Reader) http.Header {
	h := http.Header{}
	for range r.Count(2) {
		name := r.String()
		values := make([]string, r.Count(1))
		for i := range values {
			values[i] = r.String()
		}
		h[name] = values
	}
	return h
}
