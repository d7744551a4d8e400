package record

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/packed"
)

// Kind is which end of a hop a span is.
type Kind uint8

// The kinds of spans, as OpenTelemetry has them.
const (
	Internal Kind = iota // a step inside
	Server               // a request that was answered
	Client               // a request that was made
	Producer             // an effect that was emitted
	Consumer             // an effect that was delivered
)

// String is the kind's name in OpenTelemetry.
func (k Kind) String() string {
	switch k {
	case Internal:
		return "internal"
	case Server:
		return "server"
	case Client:
		return "client"
	case Producer:
		return "producer"
	case Consumer:
		return "consumer"
	}
	return "unknown"
}

// Span is one hop of a trace: a call, a delivery, an invocation, or what an
// application reports of itself.
type Span struct {
	Trace    TraceID
	ID       SpanID
	Parent   SpanID // zero at the root
	Kind     Kind
	Service  string        // dynamodb, lambda, or the name that an application has for itself
	Name     string        // PutItem, or a function's name
	Resource string        // ARN that it is about, if one
	Request  string        // request id
	By       string        // on whose behalf
	Start    clock.Instant // model time
	Began    time.Time     // machine time: a stopped model clock tells no order
	Duration time.Duration // machine time
	Error    string        // code or text; empty if all went well
	Attrs    []Attr
	Links    []Link // other hops that it continues: the messages of a batch
	In, Out  int64  // bytes of the request and of the answer
	Status   int    // of an answer over HTTP
	Foreign  bool   // an application reports it of itself
}

// Attr is a detail of a span.
type Attr struct{ Key, Value string }

// Details that more than one package knows by name.
const (
	Message   = "message" // what was said with an error
	LogStream = "log"     // of a function's span: the instance in which it ran, by its log stream
	Cold      = "cold"    // of a function's span, "true": it was the instance's first
	Attempt   = "attempt" // how often it was tried, this time included
	Fault     = "fault"   // what was made to go wrong, on purpose
)

// Attr returns the value of a detail, empty if the span does not have it.
func (s *Span) Attr(key string) string {
	for _, a := range s.Attrs {
		if a.Key == key {
			return a.Value
		}
	}
	return ""
}

// Link points to a span.
type Link struct {
	Trace TraceID
	Span  SpanID
}

// spanVersion is the first byte of an encoded span.
//
//	1  kind, id, parent, start, began, duration, service, name, resource,
//	   request, by, error, attributes, links. The trace is the record's key.
//	2  the same, and in, out, status, foreign.
//
// Strings and lists are a length in base 128 and their elements.
// testdata/span.golden holds the bytes to it.
const spanVersion = 2

func (s *Span) encode(b []byte) []byte {
	b = append(b, spanVersion, byte(s.Kind))
	b = append(b, s.ID[:]...)
	b = append(b, s.Parent[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(s.Start))
	var began int64
	if !s.Began.IsZero() {
		began = s.Began.UnixNano()
	}
	b = binary.BigEndian.AppendUint64(b, uint64(began))
	b = binary.AppendUvarint(b, uint64(s.Duration))
	for _, t := range [...]string{s.Service, s.Name, s.Resource, s.Request, s.By, s.Error} {
		b = packed.String(b, t)
	}
	b = binary.AppendUvarint(b, uint64(len(s.Attrs)))
	for _, a := range s.Attrs {
		b = packed.String(packed.String(b, a.Key), a.Value)
	}
	b = binary.AppendUvarint(b, uint64(len(s.Links)))
	for _, l := range s.Links {
		b = append(append(b, l.Trace[:]...), l.Span[:]...)
	}
	b = binary.AppendUvarint(b, uint64(s.In))
	b = binary.AppendUvarint(b, uint64(s.Out))
	b = binary.AppendUvarint(b, uint64(s.Status))
	if s.Foreign {
		return append(b, 1)
	}
	return append(b, 0)
}

func decodeSpan(trace TraceID, b []byte) (Span, error) {
	r := packed.Read(b)
	s := Span{Trace: trace}
	version := r.Byte()
	if version < 1 || version > spanVersion {
		r.Fail()
	}
	s.Kind = Kind(r.Byte())
	r.Into(s.ID[:])
	r.Into(s.Parent[:])
	s.Start = clock.Instant(r.Fixed())
	if began := int64(r.Fixed()); began != 0 {
		s.Began = time.Unix(0, began)
	}
	s.Duration = time.Duration(r.Uint(math.MaxInt64))
	for _, t := range [...]*string{&s.Service, &s.Name, &s.Resource, &s.Request, &s.By, &s.Error} {
		*t = r.String()
	}
	if n := r.Count(2); n > 0 {
		s.Attrs = make([]Attr, n)
		for i := range s.Attrs {
			s.Attrs[i] = Attr{r.String(), r.String()}
		}
	}
	if n := r.Count(24); n > 0 {
		s.Links = make([]Link, n)
		for i := range s.Links {
			r.Into(s.Links[i].Trace[:])
			r.Into(s.Links[i].Span[:])
		}
	}
	if version > 1 {
		s.In, s.Out = int64(r.Uint(math.MaxInt64)), int64(r.Uint(math.MaxInt64))
		s.Status = int(r.Uint(math.MaxInt32))
		s.Foreign = r.Uint(1) == 1
	}
	if err := r.Done(); err != nil {
		return Span{}, fmt.Errorf("span: %w", err)
	}
	return s, nil
}
