package record

import (
	"context"
	"slices"

	"github.com/nube-run/nube/internal/packed"
)

// Keys of the traces' journal. A trace's own spans lie under its id, 16 bytes.
// Where one goes on in another, and which spans began in an instance, lies
// under longer keys, so that a tree is found from any of its traces.
const (
	joinedKey  = "goes on elsewhere\x00"    // trace that goes on
	enteredKey = "began in an instance\x00" // name of the instance
)

// isTrace reports whether spans lie under a key.
func isTrace(key string) bool { return len(key) == len(TraceID{}) }

// maxLinks bounds the links of one span. The largest batch of an event source
// mapping has as many records.
const maxLinks = 10_000

// Join begins a hop that several hops have caused, the records of a batch: it
// belongs to the trace of the first, and is linked with the others. Without any
// it is a hop like others.
func (r *Recorder) Join(ctx context.Context, s Span, causes []Cause) (context.Context, *Hop) {
	var first Cause
	seen := make(map[Link]bool)
	for _, c := range causes {
		l := Link{c.Trace, c.Span}
		switch {
		case c.Trace.IsZero() || seen[l] || len(s.Links) == maxLinks:
			continue
		case first.Trace.IsZero():
			first = c
		default:
			s.Links = append(s.Links, l)
		}
		seen[l] = true
	}
	if !first.Trace.IsZero() {
		ctx = With(ctx, first)
	}
	return r.Begin(ctx, s)
}

// joinVersion is the first byte of what lies under the keys that are no
// trace's.
//
//	1  trace, span, and under which span of the key's trace it goes on; zero
//	   for what began in an instance
const joinVersion = 1

// join is a span, and where it hangs.
type join struct {
	at    Link
	under SpanID
}

func (j join) encode() []byte {
	b := append([]byte{joinVersion}, j.at.Trace[:]...)
	return append(append(b, j.at.Span[:]...), j.under[:]...)
}

func decodeJoin(b []byte) (j join, err error) {
	r := packed.Read(b)
	if r.Byte() != joinVersion {
		r.Fail()
	}
	r.Into(j.at.Trace[:])
	r.Into(j.at.Span[:])
	r.Into(j.under[:])
	return j, r.Done()
}

// join notes in the traces that s is linked with that they go on in it.
func (t *Traces) join(s *Span) error {
	for _, l := range s.Links {
		if l.Trace == s.Trace {
			continue
		}
		j := join{Link{s.Trace, s.ID}, l.Span}
		if _, err := t.j.Append(joinedKey+string(l.Trace[:]), s.Start, s.Start, j.encode()); err != nil {
			return err
		}
	}
	return nil
}

// Enter notes that a span is the first of what an application reports of one
// invocation, in an instance: [Span.Attr] of [LogStream] names it in the
// invocation's own span. The two find each other when they are read, by place
// and time, because the application may know nothing of the invocation.
func (t *Traces) Enter(instance string, s *Span) error {
	if t.off {
		return nil
	}
	at := instantOf(s.Began)
	_, err := t.j.Append(enteredKey+instance, at, at, join{at: Link{s.Trace, s.ID}}.encode())
	return err
}

// distinct returns joins once each.
func distinct(js []join) []join {
	out := js[:0]
	for _, j := range js {
		if !slices.Contains(out, j) {
			out = append(out, j)
		}
	}
	return out
}
