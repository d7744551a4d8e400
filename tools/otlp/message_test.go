package otlp

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	collectorlogs "go.opentelemetry.io/proto/slim/otlp/collector/logs/v1"
	collectormetrics "go.opentelemetry.io/proto/slim/otlp/collector/metrics/v1"
	collectortrace "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/nube-run/nube/internal/otlp/message"
)

// requests are the three kinds of requests.
var requests = []struct {
	typ message.Type
	new func() proto.Message
}{
	{message.TracesRequest, func() proto.Message { return new(collectortrace.ExportTraceServiceRequest) }},
	{message.MetricsRequest, func() proto.Message { return new(collectormetrics.ExportMetricsServiceRequest) }},
	{message.LogsRequest, func() proto.Message { return new(collectorlogs.ExportLogsServiceRequest) }},
}

// fill sets every field of a message to something, down to some depth.
func fill(rng *rand.Rand, m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if f.Message() != nil && depth == 0 || f.ContainingOneof() != nil && rng.IntN(3) > 0 || strings.HasSuffix(string(f.Name()), "strindex") {
			continue
		}
		switch {
		case f.IsList():
			list := m.Mutable(f).List()
			for range 1 + rng.IntN(2) {
				if f.Message() != nil {
					e := list.NewElement()
					fill(rng, e.Message(), depth-1)
					list.Append(e)
				} else {
					list.Append(some(rng, f))
				}
			}
		case f.Message() != nil:
			fill(rng, m.Mutable(f).Message(), depth-1)
		default:
			m.Set(f, some(rng, f))
		}
	}
}

func some(rng *rand.Rand, f protoreflect.FieldDescriptor) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString([]string{"", "x", "é\u2028\"\\", strings.Repeat("long", 50)}[rng.IntN(4)])
	case protoreflect.BytesKind:
		b := make([]byte, []int{0, 8, 16, 200}[rng.IntN(4)])
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return protoreflect.ValueOfBytes(b)
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(rng.IntN(2) == 0)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(rng.IntN(f.Enum().Values().Len())))
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(int32(rng.Uint32()))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(rng.Uint32())
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(int64(rng.Uint64()))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(rng.Uint64())
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64([]float64{0, 1.5, -1e300, math.Inf(1), math.Inf(-1), math.NaN()}[rng.IntN(6)])
	}
	panic(fmt.Sprint("a field of a kind that OTLP did not have: ", f.FullName()))
}

// otlpJSON is a message in OTLP's JSON: protobuf's, but for identifiers, which
// are hexadecimal, and enums, which are numbers.
func otlpJSON(t *testing.T, m proto.Message) []byte {
	t.Helper()
	text, err := protojson.MarshalOptions{UseEnumNumbers: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for k, e := range v {
				if s, ok := e.(string); ok && (k == "traceId" || k == "spanId" || k == "parentSpanId") {
					b, err := base64.StdEncoding.DecodeString(s)
					if err != nil {
						t.Fatal(err)
					}
					v[k] = hex.EncodeToString(b)
				}
				walk(e)
			}
		}
	}
	walk(v)
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Whatever the official library writes is a message; its JSON means the same;
// and what that is turned into the official library reads as the same.
func TestAgainstTheOfficialLibrary(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for _, r := range requests {
		for range 300 {
			m := r.new()
			fill(rng, m.ProtoReflect(), 9)
			b, err := proto.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			if err := message.Check(r.typ, b); err != nil {
				t.Fatalf("%v\n%x", err, b)
			}
			text := otlpJSON(t, m)
			ours, err := message.FromJSON(r.typ, text)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			again := r.new()
			if err := proto.Unmarshal(ours, again); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if !proto.Equal(m, again) {
				t.Fatalf("%s\nreads as %s", text, otlpJSON(t, again))
			}
			if fields := unknown(again.ProtoReflect()); fields > 0 {
				t.Fatalf("%d fields that the official library does not know", fields)
			}
		}
	}
}

// unknown counts the fields of a message that its type does not have.
func unknown(m protoreflect.Message) (n int) {
	n = len(m.GetUnknown())
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Message() == nil:
		case f.IsList():
			for i := range v.List().Len() {
				n += unknown(v.List().Get(i).Message())
			}
		default:
			n += unknown(v.Message())
		}
		return true
	})
	return n
}

// Spans read as the official library reads them.
func TestSpansAgainstTheOfficialLibrary(t *testing.T) {
	rng := rand.New(rand.NewPCG(rand.Uint64(), 0))
	for range 300 {
		m := new(collectortrace.ExportTraceServiceRequest)
		fill(rng, m.ProtoReflect(), 9)
		b, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var want, got []string
		for _, rs := range m.ResourceSpans {
			for _, ss := range rs.ScopeSpans {
				for _, s := range ss.Spans {
					want = append(want, fmt.Sprint(s.TraceId, s.SpanId, s.ParentSpanId, s.Name, s.Kind.Number(), s.StartTimeUnixNano, s.EndTimeUnixNano, len(s.Attributes),
						s.Attributes[0].Key, len(s.Events), s.Events[0].Name, s.Events[0].TimeUnixNano, s.Links[0].TraceId, s.Status.Message, s.Status.Code == 2, s.Flags))
				}
			}
		}
		for p := range message.Parts(b) {
			for _, item := range p.Items {
				s := message.ReadSpan(item)
				got = append(got, fmt.Sprint(s.Trace, s.ID, s.Parent, s.Name, s.Kind, s.Start, s.End, len(s.Attrs),
					s.Attrs[0].Key, len(s.Events), s.Events[0].Name, s.Events[0].Time, s.Links[0].Trace, s.Message, s.Failed, s.Flags))
			}
		}
		if strings.Join(want, "\n") != strings.Join(got, "\n") {
			t.Fatalf("%s\nwant %s", got, want)
		}
	}
}

// What is answered the official library reads.
func TestAnswersAgainstTheOfficialLibrary(t *testing.T) {
	var traces collectortrace.ExportTraceServiceResponse
	if err := proto.Unmarshal(message.AppendResponse(nil, message.TracesRequest, false, 3, "why"), &traces); err != nil {
		t.Fatal(err)
	}
	if p := traces.PartialSuccess; p.RejectedSpans != 3 || p.ErrorMessage != "why" {
		t.Errorf("%v", p)
	}
	var metrics collectormetrics.ExportMetricsServiceResponse
	if err := protojson.Unmarshal(message.AppendResponse(nil, message.MetricsRequest, true, 3, "why"), &metrics); err != nil {
		t.Fatal(err)
	}
	if p := metrics.PartialSuccess; p.RejectedDataPoints != 3 || p.ErrorMessage != "why" {
		t.Errorf("%v", p)
	}
	var logs collectorlogs.ExportLogsServiceResponse
	if err := protojson.Unmarshal(message.AppendResponse(nil, message.LogsRequest, true, 3, "why"), &logs); err != nil {
		t.Fatal(err)
	}
	if p := logs.PartialSuccess; p.RejectedLogRecords != 3 || p.ErrorMessage != "why" {
		t.Errorf("%v", p)
	}
}

// Damaged bytes are a message to both or to neither.
func TestDamageAgainstTheOfficialLibrary(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	good := 0
	for _, r := range requests {
		for range 300 {
			m := r.new()
			fill(rng, m.ProtoReflect(), 9)
			b, err := proto.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			for range 20 {
				d := append([]byte(nil), b...)
				for range 1 + rng.IntN(3) {
					d[rng.IntN(len(d))] = byte(rng.Uint32())
				}
				d = d[:len(d)-rng.IntN(2)*rng.IntN(len(d))]
				theirs, ours := proto.Unmarshal(d, r.new()), message.Check(r.typ, d)
				if (theirs == nil) != (ours == nil) {
					t.Fatalf("the official library says %v, we say %v of\n%x", theirs, ours, d)
				}
				if ours == nil {
					good++
				}
			}
		}
	}
	if good == 0 {
		t.Error("nothing survived")
	}
}
