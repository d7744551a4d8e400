package otlp

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/otlp/message"
	"github.com/nube-run/nube/internal/record"
)

// Bounds of what is kept of one span.
const (
	attrsMax  = 128 // events and links too
	attrBytes = 2000
)

// span records a span of an application.
func (r *Receiver) span(from source, item []byte) error {
	in := message.ReadSpan(item)
	s := record.Span{Foreign: true, Service: from.service, Name: clip(in.Name), Kind: kindOf(in.Kind)}
	if !identifier(s.Trace[:], in.Trace) || !identifier(s.ID[:], in.ID) {
		return &unfit{fmt.Sprintf("the span %q has no valid trace id and span id", in.Name)}
	}
	if !identifier(s.Parent[:], in.Parent) && strings.Trim(string(in.Parent), "\x00") != "" {
		return &unfit{fmt.Sprintf("the span %q has no valid parent span id", in.Name)}
	}
	if in.Start > math.MaxInt64 || in.End > math.MaxInt64 {
		return &unfit{fmt.Sprintf("the span %q has no valid times", in.Name)}
	}
	s.Start, s.Began = from.now.of(in.Start), time.Unix(0, int64(in.Start))
	if in.Start == 0 {
		s.Began = from.now.machine
	} else if in.End > in.Start {
		s.Duration = time.Duration(in.End - in.Start)
	}
	describe(&s, &in)
	for _, l := range in.Links {
		var to record.Link
		if identifier(to.Trace[:], l.Trace) && identifier(to.Span[:], l.Span) && len(s.Links) < attrsMax {
			s.Links = append(s.Links, to)
		}
	}
	if from.instance != "" && entry(&in) {
		if err := r.Recorder.Traces.Enter(from.instance, &s); err != nil {
			return fmt.Errorf("otlp: %w", err)
		}
	}
	if err := r.Recorder.Traces.Add(&s); err != nil {
		return fmt.Errorf("otlp: %w", err)
	}
	return nil
}

// identifier copies an id. It reports false if it has another length or is
// zero.
func identifier(dst, id []byte) bool {
	return copy(dst, id) == len(dst) && len(id) == len(dst) && strings.Trim(string(id), "\x00") != ""
}

// kindOf is a kind of span as the records have it.
func kindOf(k uint64) record.Kind {
	if k < 1 || k > uint64(record.Consumer)+1 {
		return record.Internal
	}
	return record.Kind(k - 1)
}

// entry reports whether a span is the first that a process has of something:
// nothing of its own is above it.
func entry(s *message.Span) bool {
	remote := s.Flags&message.KnowsParent != 0 && s.Flags&message.ParentRemote != 0
	kind := kindOf(s.Kind)
	return strings.Trim(string(s.Parent), "\x00") == "" || remote || kind == record.Server || kind == record.Consumer
}

// describe takes what a span says of itself. Newer names of attributes and the
// older ones that many instrumentations still use mean the same.
//
// https://opentelemetry.io/docs/specs/semconv/
func describe(s *record.Span, in *message.Span) {
	for i := range in.Attrs {
		a := &in.Attrs[i]
		text := clip(a.String())
		switch a.Key {
		case "faas.invocation_id", "faas.execution":
			s.Request = text
		case "http.response.status_code", "http.status_code":
			if n, err := strconv.Atoi(text); err == nil && n > 0 && n < 1000 {
				s.Status = n
			}
		}
		note(s, clip(a.Key), text)
	}
	said := in.Message
	kind := "error"
	for i := range in.Events {
		e := &in.Events[i]
		text := clip(e.Name)
		for j := range e.Attrs {
			a := &e.Attrs[j]
			switch {
			case e.Name == "exception" && a.Key == "exception.type":
				kind = or(clip(a.String()), kind)
			case e.Name == "exception" && a.Key == "exception.message":
				said = or(said, a.String())
			}
			if a.Key != "exception.stacktrace" {
				text = clip(text + " " + a.Key + "=" + a.String())
			}
		}
		note(s, "event", text)
	}
	if in.Failed {
		s.Error = kind
		if said != "" {
			note(s, record.Message, clip(said))
		}
	}
}

func note(s *record.Span, key, value string) {
	if len(s.Attrs) < attrsMax {
		s.Attrs = append(s.Attrs, record.Attr{Key: key, Value: value})
	}
}

// clip shortens a text to what is kept.
func clip(s string) string { return strings.ToValidUTF8(s[:min(len(s), attrBytes)], "") }
