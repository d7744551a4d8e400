package message

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const traces = `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
	"scopeSpans":[{"scope":{"name":"lib","version":"1"},"unheard":{"of":[1,{"a":null}]},"spans":[{
		"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174","parentSpanId":"eee19b7ec3c1b173","name":"I'm a server span","kind":2,
		"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":1544712661000000000,"flags":769,"droppedAttributesCount":null,
		"attributes":[{"key":"s","value":{"stringValue":"v"}},{"key":"i","value":{"intValue":"-9007199254740993"}},{"key":"j","value":{"intValue":7}},
			{"key":"d","value":{"doubleValue":1.5}},{"key":"n","value":{"doubleValue":"NaN"}},{"key":"b","value":{"boolValue":true}},
			{"key":"l","value":{"arrayValue":{"values":[{"stringValue":"x"},{"intValue":"1"},{"doubleValue":"Infinity"},{}]}}},
			{"key":"m","value":{"kvlistValue":{"values":[{"key":"k","value":{"boolValue":false}}]}}},
			{"key":"y","value":{"bytesValue":"_-8="}},{"key":"none"}],
		"events":[{"timeUnixNano":"1544712660500000000","name":"exception","attributes":[{"key":"exception.message","value":{"stringValue":"no"}}]}],
		"links":[{"traceId":"5b8efff798038103d269b633813fc60d","spanId":"eee19b7ec3c1b175"}],
		"status":{"code":2,"message":"broken"}}]}]}]}`

func TestSpans(t *testing.T) {
	b, err := FromJSON(TracesRequest, []byte(traces))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for p := range Parts(b) {
		for a := range ResourceAttrs(p.Resource) {
			got = append(got, a.Key+"="+a.String())
		}
		for _, item := range p.Items {
			s := ReadSpan(item)
			got = append(got, fmt.Sprintf("%x %x %x %s %d %d %d %v %q %#x", s.Trace, s.ID, s.Parent, s.Name, s.Kind, s.Start, s.End, s.Failed, s.Message, s.Flags))
			for _, a := range s.Attrs {
				got = append(got, fmt.Sprintf("%s=%s %T", a.Key, a.String(), Value(a.Value)))
			}
			for _, e := range s.Events {
				got = append(got, fmt.Sprintf("%s at %d %s=%s", e.Name, e.Time, e.Attrs[0].Key, e.Attrs[0].String()))
			}
			for _, l := range s.Links {
				got = append(got, fmt.Sprintf("link %x %x", l.Trace, l.Span))
			}
		}
	}
	want := []string{
		"service.name=shop",
		`5b8efff798038103d269b633813fc60c eee19b7ec3c1b174 eee19b7ec3c1b173 I'm a server span 2 1544712660000000000 1544712661000000000 true "broken" 0x301`,
		"s=v string", "i=-9007199254740993 int64", "j=7 int64", "d=1.5 float64", "n=NaN float64", "b=true bool", `l=["x",1,"+Inf",null] []interface {}`,
		`m={"k":false} map[string]interface {}`, "y=/+8= string", "none= <nil>",
		"exception at 1544712660500000000 exception.message=no",
		"link 5b8efff798038103d269b633813fc60d eee19b7ec3c1b175",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

const logs = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1","observedTimeUnixNano":"2","severityNumber":9,"severityText":"INFO",
	"body":{"kvlistValue":{"values":[{"key":"msg","value":{"stringValue":"hi"}}]}},"attributes":[{"key":"k","value":{"intValue":"1"}}],
	"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","eventName":"e"}]}]}]}`

func TestLogs(t *testing.T) {
	b, err := FromJSON(LogsRequest, []byte(logs))
	if err != nil {
		t.Fatal(err)
	}
	for p := range Parts(b) {
		l := ReadLogRecord(p.Items[0])
		got := fmt.Sprintf("%d %d %d %s %s %s %s=%s %x %x", l.Time, l.Observed, l.Severity, l.SeverityText, l.Event, Text(l.Body), l.Attrs[0].Key, l.Attrs[0].String(), l.Trace, l.Span)
		if want := `1 2 9 INFO e {"msg":"hi"} k=1 5b8efff798038103d269b633813fc60c eee19b7ec3c1b174`; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

const metrics = `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[
	{"name":"g","unit":"By","gauge":{"dataPoints":[{"timeUnixNano":"5","asDouble":2.5,"attributes":[{"key":"k","value":{"stringValue":"v"}}]},{"flags":1}]}},
	{"name":"s","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{"startTimeUnixNano":"1","timeUnixNano":"5","asInt":"-3"}]}},
	{"name":"u","sum":{"aggregationTemporality":1,"dataPoints":[{"asInt":"4"}]}},
	{"name":"h","histogram":{"aggregationTemporality":1,"dataPoints":[{"count":"6","sum":30,"min":1,"max":20,"bucketCounts":["1","3","2"],"explicitBounds":[2,10]}]}},
	{"name":"h0","histogram":{"dataPoints":[{"count":2,"sum":3}]}},
	{"name":"e","exponentialHistogram":{"aggregationTemporality":1,"dataPoints":[{"count":"4","sum":9,"scale":-1,"zeroCount":"1","zeroThreshold":0,
		"positive":{"offset":-1,"bucketCounts":["1","0","1"]},"negative":{"bucketCounts":[1]}}]}},
	{"name":"q","summary":{"dataPoints":[{"count":"2","sum":4,"quantileValues":[{"quantile":0.5,"value":2}]}]}}]}]}]}`

func TestMetrics(t *testing.T) {
	b, err := FromJSON(MetricsRequest, []byte(metrics))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for p := range Parts(b) {
		for _, item := range p.Items {
			m := ReadMetric(item)
			got = append(got, fmt.Sprintf("%s %s cumulative=%v kept=%v", m.Name, m.Unit, m.Cumulative, m.Kept))
			for _, p := range m.Points {
				got = append(got, fmt.Sprintf("  %d-%d n=%v sum=%v min=%v max=%v none=%v %v %d", p.Start, p.Time, p.Count, p.Sum, p.Min, p.Max, p.NoValue, p.Buckets, len(p.Attrs)))
			}
		}
	}
	want := []string{
		"g By cumulative=false kept=true", "  0-5 n=1 sum=2.5 min=2.5 max=2.5 none=false [] 1", "  0-0 n=1 sum=0 min=0 max=0 none=true [] 0",
		"s  cumulative=true kept=false", "  1-5 n=1 sum=-3 min=-3 max=-3 none=false [] 0",
		"u  cumulative=false kept=true", "  0-0 n=1 sum=4 min=4 max=4 none=false [] 0",
		"h  cumulative=false kept=false", "  0-0 n=6 sum=30 min=1 max=20 none=false [{2 1} {6 3} {10 2}] 0",
		"h0  cumulative=false kept=false", "  0-0 n=2 sum=3 min=NaN max=NaN none=false [] 0",
		"e  cumulative=false kept=false", "  0-0 n=4 sum=9 min=NaN max=NaN none=false [{-2 1} {0 1} {0.5 1} {8 1}] 0",
		"q  cumulative=true kept=false", "  0-0 n=2 sum=4 min=NaN max=NaN none=false [] 0",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestMalformedJSON(t *testing.T) {
	deep := strings.Repeat(`{"arrayValue":{"values":[`, 60) + strings.Repeat(`]}}`, 60)
	for _, test := range []struct{ in, want string }{
		{``, "EOF"},
		{`[]`, "a message is an object"},
		{`{} {}`, "more than one value"},
		{`{"resourceSpans":{}}`, "resourceSpans is a list"},
		{`{"resourceSpans":[1]}`, "a message is an object"},
		{`{"resourceSpans":[{"schemaUrl":1}]}`, "schemaUrl is a string"},
		{`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"xyz"}]}]}]}`, "traceId: encoding/hex"},
		{`{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"SPAN_KIND_SERVER"}]}]}]}`, "kind: strconv"},
		{`{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":4294967296}]}]}]}`, "kind: strconv"},
		{`{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":true}]}]}]}`, "kind is a number"},
		{`{"resourceSpans":[{"scopeSpans":[{"spans":[{"flags":-1}]}]}]}`, "flags: strconv"},
		{`{"resourceSpans":[{"resource":{"attributes":[{"key":"k","value":{"boolValue":"true"}}]}}]}`, "boolValue is true or false"},
		{`{"resourceSpans":[{"resource":{"attributes":[{"key":"k","value":{"bytesValue":"*"}}]}}]}`, "bytesValue: illegal base64"},
		{`{"resourceSpans":[{"resource":{"attributes":[{"key":"k","value":` + deep + `}]}}]}`, "deeper than"},
		{`{"unheard":[{"of":`, "EOF"},
		{`{"a":]}`, "invalid character"},
	} {
		_, err := FromJSON(TracesRequest, []byte(test.in))
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.80s: %v, want %s", test.in, err, test.want)
		}
	}
}

func TestNumbersOfOtherLanguages(t *testing.T) {
	b, err := FromJSON(TracesRequest, []byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":1.5e18,"flags":2e0}]}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for p := range Parts(b) {
		if s := ReadSpan(p.Items[0]); s.Start != 1_500_000_000_000_000_000 || s.Flags != 2 {
			t.Errorf("%+v", s)
		}
	}
}

func TestMalformedProtobuf(t *testing.T) {
	for _, in := range []string{
		"00", "07", "0a", "0a05", "0d000000", "09000000", "08", "08ffffffffffffffffffff01", // tags, lengths, numbers
		"0a040a020a05", // a length in an attribute of a resource
		"0a021aff",     // in the URL of the schema
		"0a031a01ff",   // which is not UTF-8
		"0b0814", "0b", // groups
		"0e",
	} {
		b, err := hex.DecodeString(in)
		if err != nil {
			t.Fatal(err)
		}
		if err := Check(TracesRequest, b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", in, err)
		}
	}
	var deep []byte
	for range 200 {
		deep = AppendBytes(nil, 1, AppendBytes(nil, 5, deep))
	}
	if err := Check(anyValue, deep); !errors.Is(err, ErrMalformed) {
		t.Errorf("deep: %v", err)
	}
	// Fields that nobody knows, groups too, and known numbers in another form
	// are passed over.
	for _, in := range []string{"a2060474657874", "a306080ba406", "0801", "0b130814140c"} {
		b, err := hex.DecodeString(in)
		if err == nil {
			err = Check(TracesRequest, b)
		}
		if err != nil {
			t.Errorf("%s: %v", in, err)
		}
	}
}

func TestAnswers(t *testing.T) {
	if got := AppendResponse(nil, TracesRequest, false, 0, ""); len(got) != 0 {
		t.Errorf("%x", got)
	}
	for typ, want := range map[Type]string{
		TracesRequest: `{"partialSuccess":{"rejectedSpans":"2","errorMessage":"a \"b\""}}`, MetricsRequest: `{"partialSuccess":{"rejectedDataPoints":"2","errorMessage":"a \"b\""}}`,
		LogsRequest: `{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"a \"b\""}}`,
	} {
		got := AppendResponse(nil, typ, true, 2, `a "b"`)
		if string(got) != want {
			t.Errorf("%s, want %s", got, want)
		}
		again, err := FromJSON(Response, got)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range [][]byte{again, AppendResponse(nil, typ, false, 2, `a "b"`)} {
			if n, why := ReadPartial(b); n != 2 || why != `a "b"` {
				t.Errorf("read %d %q", n, why)
			}
		}
	}
	if got := string(AppendResponse(nil, TracesRequest, true, 0, "")); got != "{}" {
		t.Error(got)
	}
	if got := string(AppendStatus(nil, true, 3, "<no>")); got != `{"code":3,"message":"\u003cno\u003e"}` {
		t.Error(got)
	}
	if got := fmt.Sprintf("%x", AppendStatus(nil, false, 3, "no")); got != "080312026e6f" {
		t.Error(got)
	}
}

func TestAppendMessage(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 20_000} {
		in := strings.Repeat("x", n)
		b := AppendMessage([]byte{}, 3, func(b []byte) []byte { return append(b, in...) })
		if got := AppendBytes(nil, 3, in); string(b) != string(got) {
			t.Errorf("%d bytes: %x, want %x", n, b[:6], got[:6])
		}
	}
}

// walk reads everything of a request that passed Check.
func walk(b []byte) {
	for p := range Parts(b) {
		for a := range ResourceAttrs(p.Resource) {
			_ = a.String()
		}
		for _, item := range p.Items {
			for _, a := range ReadSpan(item).Attrs {
				_ = a.String()
			}
			_ = Text(ReadLogRecord(item).Body)
			for _, p := range ReadMetric(item).Points {
				for _, b := range p.Buckets {
					_ = math.IsNaN(b.Value)
				}
			}
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{traces, metrics, logs} {
		for t, name := range []string{"resourceSpans", "resourceMetrics", "resourceLogs"} {
			if strings.Contains(s, name) {
				b, err := FromJSON(Type(t), []byte(s))
				if err != nil {
					f.Fatal(err)
				}
				f.Add(uint8(t), b)
			}
		}
	}
	f.Fuzz(func(t *testing.T, typ uint8, b []byte) {
		if Check(Type(typ%3), b) == nil {
			walk(b)
		}
	})
}

func FuzzFromJSON(f *testing.F) {
	f.Add(uint8(TracesRequest), []byte(traces))
	f.Add(uint8(MetricsRequest), []byte(metrics))
	f.Add(uint8(LogsRequest), []byte(logs))
	f.Fuzz(func(t *testing.T, typ uint8, in []byte) {
		b, err := FromJSON(Type(typ%3), in)
		if err == nil {
			walk(b)
		}
	})
}

func BenchmarkReadSpans(b *testing.B) {
	in, err := FromJSON(TracesRequest, []byte(traces))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := Check(TracesRequest, in); err != nil {
			b.Fatal(err)
		}
		for p := range Parts(in) {
			ReadSpan(p.Items[0])
		}
	}
}
