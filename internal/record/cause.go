package record

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/packed"
)

// TraceID names a trace: everything that one request from outside has caused.
// Its first four bytes are the Unix time of the request, as X-Ray wants it.
type TraceID [16]byte

// SpanID names one hop of a trace.
type SpanID [8]byte

// String returns 32 hexadecimal digits, the form of W3C and OpenTelemetry.
func (t TraceID) String() string { return hex.EncodeToString(t[:]) }

// IsZero reports whether t is no trace.
func (t TraceID) IsZero() bool { return t == TraceID{} }

// XRay returns the form of X-Ray: 1-5759e988-bd862e3fe1be46a994272793.
//
// https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-traceids
func (t TraceID) XRay() string {
	var b [35]byte
	b[0], b[1], b[10] = '1', '-', '-'
	hex.Encode(b[2:10], t[:4])
	hex.Encode(b[11:], t[4:])
	return string(b[:])
}

// String returns 16 hexadecimal digits.
func (s SpanID) String() string { return hex.EncodeToString(s[:]) }

// IsZero reports whether s is no span.
func (s SpanID) IsZero() bool { return s == SpanID{} }

// NewTraceID returns a fresh trace id for a request that comes in at now.
func NewTraceID(now clock.Instant) TraceID {
	var t TraceID
	binary.BigEndian.PutUint32(t[:], uint32(now.Unix()))
	binary.BigEndian.PutUint32(t[4:], rand.Uint32())
	binary.BigEndian.PutUint64(t[8:], rand.Uint64()|1) // never zero
	return t
}

// NewSpanID returns a fresh span id.
func NewSpanID() SpanID {
	var s SpanID
	binary.BigEndian.PutUint64(s[:], rand.Uint64()|1)
	return s
}

// ParseTraceID reads a trace id in the form of W3C or of X-Ray.
func ParseTraceID(s string) (TraceID, error) {
	var t TraceID
	digits := s
	if len(s) == 35 && s[:2] == "1-" && s[10] == '-' {
		digits = s[2:10] + s[11:]
	}
	if len(digits) != 32 {
		return TraceID{}, fmt.Errorf("record: %q is not a trace id", s)
	}
	if _, err := hex.Decode(t[:], []byte(digits)); err != nil || t.IsZero() {
		return TraceID{}, fmt.Errorf("record: %q is not a trace id", s)
	}
	return t, nil
}

// ParseSpanID reads a span id.
func ParseSpanID(s string) (SpanID, error) {
	var id SpanID
	if len(s) != 16 {
		return SpanID{}, fmt.Errorf("record: %q is not a span id", s)
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil || id.IsZero() {
		return SpanID{}, fmt.Errorf("record: %q is not a span id", s)
	}
	return id, nil
}

// Cause is why something happens: the hop that caused it, in which trace, under
// which request and on whose behalf. It is in the context of everything that
// runs, and in the envelope of every effect, so that one request is one tree
// whatever it goes through. The zero Cause is none.
type Cause struct {
	Trace   TraceID
	Span    SpanID // the hop that caused it: the parent of the next span
	Request string // the id of the request from outside
	By      string // ARN of the principal, or name of the platform's service, that made the request
	Sampled bool   // whoever decides has decided that the trace is kept, in the sense of X-Ray
	Refused bool   // or that it is not
}

// Sample decides that the trace is kept, in the sense of X-Ray, unless somebody
// has decided before. nube records every trace; the decision is for those who
// are told of it: functions, and the services that they call.
func (c Cause) Sample() Cause {
	c.Sampled = !c.Refused
	return c
}

// IsZero reports whether c is no cause.
func (c Cause) IsZero() bool { return c == Cause{} }

// Child returns the cause of what happens inside span s.
func (c Cause) Child(s SpanID) Cause {
	c.Span = s
	return c
}

type causeKey struct{}

// under is what a context carries: a cause and, inside the process, the hop that
// it is.
type under struct {
	Cause
	hop   *Hop
	aside bool // nothing is recorded, see [Aside]
}

// Aside returns a context in which hops are not recorded: for what the platform asks
// of itself, to show it, and that would be among the requests that it is about.
func Aside(ctx context.Context) context.Context {
	u, _ := ctx.Value(causeKey{}).(under)
	u.aside = true
	return context.WithValue(ctx, causeKey{}, u)
}

// With returns a context in which c is the cause of what happens.
func With(ctx context.Context, c Cause) context.Context {
	return context.WithValue(ctx, causeKey{}, under{Cause: c})
}

// Sample decides in ctx that its trace is kept, see [Cause.Sample].
func Sample(ctx context.Context) context.Context {
	u, _ := ctx.Value(causeKey{}).(under)
	u.Cause = u.Cause.Sample()
	return context.WithValue(ctx, causeKey{}, u)
}

// Under returns ctx with the cause, and the hop, of another context.
func Under(ctx, cause context.Context) context.Context {
	u, _ := cause.Value(causeKey{}).(under)
	return context.WithValue(ctx, causeKey{}, u)
}

// From returns the cause of what happens in ctx, the zero Cause if nobody said.
func From(ctx context.Context) Cause {
	u, _ := ctx.Value(causeKey{}).(under)
	return u.Cause
}

// FromHeaders returns the cause of a request with these headers, in the form of
// X-Ray or of W3C, under a request id.
func FromHeaders(h http.Header, request string) Cause {
	c, ok := ParseXRay(h.Get(XRayHeader))
	if !ok {
		c, _ = ParseTraceparent(h.Get(ParentHeader))
	}
	c.Request = request
	return c
}

// Acting says on whose behalf the hop of ctx, and what it causes, happens: for
// hops that begin before it is known.
func Acting(ctx context.Context, by string) context.Context {
	u, _ := ctx.Value(causeKey{}).(under)
	if u.By != "" {
		return ctx // somebody before has caused it
	}
	u.By = by
	if u.hop != nil {
		u.hop.span.By = by
	}
	return context.WithValue(ctx, causeKey{}, u)
}

// causeVersion is the first byte of an encoded cause.
//
//	1  flags (1 sampled, 2 refused), trace 16 bytes, span 8 bytes, request, by
//
// Strings are a length in base 128 and bytes. A change of the format gets the
// next number and a line here; testdata/cause.golden holds the bytes to it.
const causeVersion = 1

const (
	sampledFlag = 1
	refusedFlag = 2
)

// Append appends the encoding of c.
func (c Cause) Append(b []byte) []byte {
	var flags byte
	if c.Sampled {
		flags |= sampledFlag
	}
	if c.Refused {
		flags |= refusedFlag
	}
	b = append(b, causeVersion, flags)
	b = append(b, c.Trace[:]...)
	b = append(b, c.Span[:]...)
	b = packed.String(b, c.Request)
	return packed.String(b, c.By)
}

// ReadCause takes a cause.
func ReadCause(r *packed.Reader) Cause {
	var c Cause
	if r.Byte() != causeVersion {
		r.Fail()
	}
	flags := r.Uint(sampledFlag | refusedFlag)
	c.Sampled, c.Refused = flags&sampledFlag != 0, flags&refusedFlag != 0
	r.Into(c.Trace[:])
	r.Into(c.Span[:])
	c.Request, c.By = r.String(), r.String()
	if r.Err() != nil {
		return Cause{}
	}
	return c
}
