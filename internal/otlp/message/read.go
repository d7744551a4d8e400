package message

import (
	"encoding/base64"
	"encoding/json"
	"iter"
	"math"
	"strconv"
)

// Part is what one scope of one resource reports: spans, metrics or log
// records.
type Part struct {
	Resource []byte // the message Resource
	Scope    []byte // the message InstrumentationScope
	Items    [][]byte
}

// Parts yields the parts of a request, whichever of the three it is: their
// outer messages have the same numbers.
func Parts(b []byte) iter.Seq[Part] {
	return func(yield func(Part) bool) {
		for outer := range known(TracesRequest, b) {
			var res []byte
			for f := range known(resourceSpans, outer.Bytes) {
				if f.Num == 1 {
					res = append(res, f.Bytes...) // several are one
				}
			}
			for f := range known(resourceSpans, outer.Bytes) {
				if f.Num != 2 {
					continue
				}
				p := Part{Resource: res}
				for g := range known(scopeSpans, f.Bytes) {
					switch g.Num {
					case 1:
						p.Scope = append(p.Scope, g.Bytes...)
					case 2:
						p.Items = append(p.Items, g.Bytes)
					}
				}
				if !yield(p) {
					return
				}
			}
		}
	}
}

// Attr is an attribute.
type Attr struct {
	Key   string
	Value []byte // the message AnyValue
}

// String is the value as text: of a list or a map its JSON.
func (a *Attr) String() string { return Text(a.Value) }

// ResourceAttrs yields the attributes of a resource.
func ResourceAttrs(b []byte) iter.Seq[Attr] { return attrs(resource, 1, b) }

// attrs yields the attributes that lie in a field of a message.
func attrs(t Type, num int, b []byte) iter.Seq[Attr] {
	return func(yield func(Attr) bool) {
		for f := range known(t, b) {
			if f.Num == num && !yield(attr(f.Bytes)) {
				return
			}
		}
	}
}

func attr(b []byte) (a Attr) {
	for f := range known(keyValue, b) {
		switch f.Num {
		case 1:
			a.Key = string(f.Bytes)
		case 2:
			a.Value = append(a.Value, f.Bytes...)
		}
	}
	return a
}

// Text is an AnyValue as text.
func Text(b []byte) string {
	switch v := value(b, 0).(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	default:
		out, err := json.Marshal(v)
		if err != nil { // a number that JSON has not
			return "?"
		}
		return string(out)
	}
}

// Value is an AnyValue as encoding/json shows it: nil, string, bool, int64,
// float64, []any or map[string]any.
func Value(b []byte) any { return value(b, 0) }

func value(b []byte, depth int) (v any) {
	if depth > maxDepth {
		return nil
	}
	for f := range known(anyValue, b) {
		switch f.Num {
		case 1:
			v = string(f.Bytes)
		case 2:
			v = f.uint != 0
		case 3:
			v = int64(f.uint)
		case 4:
			v = f.Float()
			if n := f.Float(); depth > 0 && (math.IsNaN(n) || math.IsInf(n, 0)) {
				v = strconv.FormatFloat(n, 'g', -1, 64) // JSON has no such numbers
			}
		case 5:
			list := []any{}
			for e := range known(arrayValue, f.Bytes) {
				list = append(list, value(e.Bytes, depth+1))
			}
			v = list
		case 6:
			members := map[string]any{}
			for e := range known(keyValueList, f.Bytes) {
				a := attr(e.Bytes)
				members[a.Key] = value(a.Value, depth+1)
			}
			v = members
		case 7:
			v = base64.StdEncoding.EncodeToString(f.Bytes)
		}
	}
	return v
}

// Span is a span as an application reports it.
type Span struct {
	Trace, ID, Parent []byte
	Name              string
	Kind              uint64 // of OTLP: 1 internal, 2 server, 3 client, 4 producer, 5 consumer
	Start, End        uint64 // nanoseconds of the Unix time
	Attrs             []Attr
	Events            []Event
	Links             []Link
	Failed            bool
	Message           string // of its status
	Flags             uint32
}

// Flags of a span that say where its parent is.
const (
	KnowsParent  = 0x100 // ParentRemote means something
	ParentRemote = 0x200
)

// Event is something that happened in a span.
type Event struct {
	Time  uint64
	Name  string
	Attrs []Attr
}

// Link names another span.
type Link struct{ Trace, Span []byte }

// ReadSpan reads a span.
func ReadSpan(b []byte) (s Span) {
	for f := range known(span, b) {
		switch f.Num {
		case 1:
			s.Trace = f.Bytes
		case 2:
			s.ID = f.Bytes
		case 4:
			s.Parent = f.Bytes
		case 5:
			s.Name = string(f.Bytes)
		case 6:
			s.Kind = f.uint
		case 7:
			s.Start = f.uint
		case 8:
			s.End = f.uint
		case 9:
			s.Attrs = append(s.Attrs, attr(f.Bytes))
		case 11:
			s.Events = append(s.Events, readEvent(f.Bytes))
		case 13:
			s.Links = append(s.Links, readLink(f.Bytes))
		case 15:
			s.Failed, s.Message = readStatus(f.Bytes)
		case 16:
			s.Flags = uint32(f.uint)
		}
	}
	return s
}

func readEvent(b []byte) (e Event) {
	for f := range known(event, b) {
		switch f.Num {
		case 1:
			e.Time = f.uint
		case 2:
			e.Name = string(f.Bytes)
		case 3:
			e.Attrs = append(e.Attrs, attr(f.Bytes))
		}
	}
	return e
}

func readLink(b []byte) (l Link) {
	for f := range known(link, b) {
		switch f.Num {
		case 1:
			l.Trace = f.Bytes
		case 2:
			l.Span = f.Bytes
		}
	}
	return l
}

func readStatus(b []byte) (failed bool, text string) {
	for f := range known(status, b) {
		switch f.Num {
		case 2:
			text = string(f.Bytes)
		case 3:
			failed = f.uint == 2
		}
	}
	return failed, text
}

// LogRecord is a record of a log.
type LogRecord struct {
	Time, Observed uint64 // nanoseconds of the Unix time
	Severity       uint64
	SeverityText   string
	Event          string
	Body           []byte // the message AnyValue
	Attrs          []Attr
	Trace, Span    []byte
}

// ReadLogRecord reads a log record.
func ReadLogRecord(b []byte) (l LogRecord) {
	for f := range known(logRecord, b) {
		switch f.Num {
		case 1:
			l.Time = f.uint
		case 2:
			l.Severity = f.uint
		case 3:
			l.SeverityText = string(f.Bytes)
		case 5:
			l.Body = append(l.Body, f.Bytes...)
		case 6:
			l.Attrs = append(l.Attrs, attr(f.Bytes))
		case 9:
			l.Trace = f.Bytes
		case 10:
			l.Span = f.Bytes
		case 11:
			l.Observed = f.uint
		case 12:
			l.Event = string(f.Bytes)
		}
	}
	return l
}
