package record

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/nube-run/nube/internal/clock"
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
}

// Attr is a detail of a span.
type Attr struct{ Key, Value string }

// Link points to a span.
type Link struct {
	Trace TraceID
	Span  SpanID
}

// spanVersion is the first byte of an encoded span.
//
//	1  kind, id, parent, start, began, duration, service, name, resource,
//	   request, by, error, attributes, links. The trace is the record's key.
//
// Strings and lists are a length in base 128 and their elements.
// testdata/span.golden holds the bytes to it.
const spanVersion = 1

var errSpan = errors.New("record: not an encoded span")

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
		b = appendString(b, t)
	}
	b = binary.AppendUvarint(b, uint64(len(s.Attrs)))
	for _, a := range s.Attrs {
		b = appendString(appendString(b, a.Key), a.Value)
	}
	b = binary.AppendUvarint(b, uint64(len(s.Links)))
	for _, l := range s.Links {
		b = append(append(b, l.Trace[:]...), l.Span[:]...)
	}
	return b
}

func decodeSpan(trace TraceID, b []byte) (Span, error) {
	s := Span{Trace: trace}
	if len(b) < 2+8+8+8+8 || b[0] != spanVersion {
		return Span{}, errSpan
	}
	s.Kind = Kind(b[1])
	b = b[2:]
	b = b[copy(s.ID[:], b):]
	b = b[copy(s.Parent[:], b):]
	s.Start = clock.Instant(binary.BigEndian.Uint64(b))
	if began := int64(binary.BigEndian.Uint64(b[8:])); began != 0 {
		s.Began = time.Unix(0, began)
	}
	b = b[16:]
	n, w := binary.Uvarint(b)
	if w <= 0 {
		return Span{}, errSpan
	}
	s.Duration, b = time.Duration(n), b[w:]
	ok := true
	str := func() (t string) {
		if ok {
			t, b, ok = cutString(b)
		}
		return t
	}
	// count reads the length of a list of elements of at least size bytes.
	count := func(size int) int {
		n, w := binary.Uvarint(b)
		if !ok || w <= 0 || n > uint64(len(b)-w)/uint64(size) {
			ok = false
			return 0
		}
		b = b[w:]
		return int(n)
	}
	for _, t := range [...]*string{&s.Service, &s.Name, &s.Resource, &s.Request, &s.By, &s.Error} {
		*t = str()
	}
	if n := count(2); n > 0 {
		s.Attrs = make([]Attr, n)
		for i := range s.Attrs {
			s.Attrs[i] = Attr{str(), str()}
		}
	}
	if n := count(24); n > 0 {
		s.Links = make([]Link, n)
		for i := range s.Links {
			b = b[copy(s.Links[i].Trace[:], b):]
			b = b[copy(s.Links[i].Span[:], b):]
		}
	}
	if !ok || len(b) != 0 {
		return Span{}, errSpan
	}
	return s, nil
}
