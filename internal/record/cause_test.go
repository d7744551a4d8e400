package record

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/packed"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares got with testdata/name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func mustTrace(t testing.TB, s string) TraceID {
	id, err := ParseTraceID(s)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func mustSpan(t testing.TB, s string) SpanID {
	id, err := ParseSpanID(s)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestCauseEncoding(t *testing.T) {
	var out strings.Builder
	for _, c := range []Cause{
		{},
		{Trace: mustTrace(t, "5759e988bd862e3fe1be46a994272793"), Sampled: true},
		{
			Trace: mustTrace(t, "5759e988bd862e3fe1be46a994272793"), Span: mustSpan(t, "53995c3f42cd8ad8"),
			Request: "a4b0ed5c-2f7e-4a5b-9d0a-0f6f4f0f8a11", By: "arn:aws:iam::000000000000:user/ana", Sampled: true,
		},
		{Request: strings.Repeat("r", 200), By: "sns.amazonaws.com"},
		{Trace: mustTrace(t, "5759e988bd862e3fe1be46a994272793"), Refused: true},
	} {
		b := c.Append(nil)
		fmt.Fprintf(&out, "%x\n", b)
		r := packed.Read(append(b, "tail"...))
		if got := ReadCause(&r); got != c || string(r.Rest()) != "tail" || r.Err() != nil {
			t.Errorf("read %+v, %v, want %+v", got, r.Err(), c)
		}
		for n := range b {
			r := packed.Read(b[:n])
			if got := ReadCause(&r); r.Err() == nil || !got.IsZero() {
				t.Errorf("%d of %d bytes were taken for a cause", n, len(b))
			}
		}
	}
	golden(t, "cause.golden", out.String())
}

func TestCauseInContext(t *testing.T) {
	ctx := context.Background()
	if c := From(ctx); !c.IsZero() {
		t.Errorf("a bare context has cause %+v", c)
	}
	c := Cause{Trace: NewTraceID(clock.Unix(1_700_000_000, 0)), Request: "r"}
	if got := From(With(ctx, c)); got != c {
		t.Errorf("From = %+v, want %+v", got, c)
	}
	s := NewSpanID()
	if got := c.Child(s); got.Span != s || got.Trace != c.Trace || got.Request != "r" {
		t.Errorf("Child = %+v", got)
	}
}

func TestFromHeaders(t *testing.T) {
	tr, sp := mustTrace(t, trace), mustSpan(t, span)
	for _, test := range []struct {
		name, value string
		want        Cause
	}{
		{XRayHeader, "Root=" + xtrace + ";Parent=" + span, Cause{Trace: tr, Span: sp, Request: "r"}},
		{ParentHeader, "00-" + trace + "-" + span + "-01", Cause{Trace: tr, Span: sp, Sampled: true, Request: "r"}},
		{ParentHeader, "nonsense", Cause{Request: "r"}},
	} {
		if got := FromHeaders(http.Header{test.name: {test.value}}, "r"); got != test.want {
			t.Errorf("%s: %s is %+v, want %+v", test.name, test.value, got, test.want)
		}
	}
}

func TestNewTraceIDBeginsWithItsTime(t *testing.T) {
	id := NewTraceID(clock.Unix(0x5759e988, 0))
	if got := id.XRay(); len(got) != 35 || !strings.HasPrefix(got, "1-5759e988-") {
		t.Errorf("XRay = %s", got)
	}
	trace, span := NewTraceID(1), NewSpanID()
	if NewTraceID(1) == trace || NewSpanID() == span {
		t.Error("ids repeat")
	}
}

const (
	trace  = "5759e988bd862e3fe1be46a994272793"
	xtrace = "1-5759e988-bd862e3fe1be46a994272793"
	span   = "53995c3f42cd8ad8"
)

func TestParseXRay(t *testing.T) {
	tr, sp := mustTrace(t, trace), mustSpan(t, span)
	for _, test := range []struct {
		in   string
		want Cause
		ok   bool
	}{
		{"Root=" + xtrace + ";Parent=" + span + ";Sampled=1", Cause{Trace: tr, Span: sp, Sampled: true}, true},
		{"Sampled=0; Root=" + xtrace, Cause{Trace: tr, Refused: true}, true},
		{"Root=" + xtrace + ";Sampled=?", Cause{Trace: tr}, true},
		{"Root=" + xtrace, Cause{Trace: tr}, true},
		{"Self=1-67891234-12456789abcdef012345678;Root=" + xtrace + ";Lineage=1:9:0", Cause{Trace: tr}, true},
		{"Root=" + xtrace + ";Parent=zz", Cause{Trace: tr}, true},
		{"root=" + trace, Cause{Trace: tr}, true},
		{"Root=1-5759e988-bd862e3fe1be46a99427279", Cause{}, false},
		{"Root=2-5759e988-bd862e3fe1be46a994272793", Cause{}, false},
		{"Parent=" + span, Cause{}, false},
		{"", Cause{}, false},
	} {
		got, ok := ParseXRay(test.in)
		if got != test.want || ok != test.ok {
			t.Errorf("ParseXRay(%q) = %+v, %v, want %+v, %v", test.in, got, ok, test.want, test.ok)
		}
	}
}

func TestParseTraceparent(t *testing.T) {
	full := Cause{Trace: mustTrace(t, trace), Span: mustSpan(t, span), Sampled: true}
	quiet := full
	quiet.Sampled = false
	for _, test := range []struct {
		in   string
		want Cause
		ok   bool
	}{
		{"00-" + trace + "-" + span + "-01", full, true},
		{" 00-" + trace + "-" + span + "-00 ", quiet, true},
		{"00-" + trace + "-" + span + "-03", full, true},
		{"cc-" + trace + "-" + span + "-01-what-the-future-brings", full, true},
		{"00-" + trace + "-" + span + "-01-more", Cause{}, false},
		{"cc-" + trace + "-" + span + "-01more", Cause{}, false},
		{"ff-" + trace + "-" + span + "-01", Cause{}, false},
		{"0g-" + trace + "-" + span + "-01", Cause{}, false},
		{"00-" + trace + "-" + span + "-0x", Cause{}, false},
		{"00-" + strings.ToUpper(trace) + "-" + span + "-01", Cause{}, false},
		{"00-" + strings.Repeat("0", 32) + "-" + span + "-01", Cause{}, false},
		{"00-" + trace + "-" + strings.Repeat("0", 16) + "-01", Cause{}, false},
		{"00-" + trace + "-" + span, Cause{}, false},
		{"", Cause{}, false},
	} {
		got, ok := ParseTraceparent(test.in)
		if got != test.want || ok != test.ok {
			t.Errorf("ParseTraceparent(%q) = %+v, %v, want %+v, %v", test.in, got, ok, test.want, test.ok)
		}
	}
}

// Who decides first decides for all that follow.
func TestSampling(t *testing.T) {
	tr := mustTrace(t, trace)
	for _, test := range []struct{ from, sampled Cause }{
		{Cause{Trace: tr}, Cause{Trace: tr, Sampled: true}},
		{Cause{Trace: tr, Sampled: true}, Cause{Trace: tr, Sampled: true}},
		{Cause{Trace: tr, Refused: true}, Cause{Trace: tr, Refused: true}},
	} {
		if got := test.from.Sample(); got != test.sampled {
			t.Errorf("%s sampled is %s", test.from.XRay(), got.XRay())
		}
		if got, want := test.from.Root(), "Root="+xtrace; test.from == (Cause{Trace: tr}) && got != want || test.from != (Cause{Trace: tr}) && got != test.from.XRay() {
			t.Errorf("the root of %s is %s", test.from.XRay(), got)
		}
	}
}

func FuzzHeaders(f *testing.F) {
	f.Add("Root=" + xtrace + ";Parent=" + span + ";Sampled=1")
	f.Add("00-" + trace + "-" + span + "-01")
	f.Fuzz(func(t *testing.T, in string) {
		if c, ok := ParseXRay(in); ok {
			if again, ok := ParseXRay(c.XRay()); !ok || again != c {
				t.Errorf("%q reads as %+v, and that as %+v", in, c, again)
			}
		}
		if c, ok := ParseTraceparent(in); ok {
			if again, ok := ParseTraceparent(c.Traceparent()); !ok || again != c {
				t.Errorf("%q reads as %+v, and that as %+v", in, c, again)
			}
		}
	})
}

func FuzzReadCause(f *testing.F) {
	f.Add([]byte{})
	f.Add(Cause{Request: "r", By: "b", Sampled: true}.Append(nil))
	f.Add([]byte{1, 1})
	f.Fuzz(func(t *testing.T, in []byte) {
		r := packed.Read(in)
		c := ReadCause(&r)
		if r.Err() != nil {
			return
		}
		again := packed.Read(c.Append(nil))
		if got := ReadCause(&again); got != c || again.Done() != nil {
			t.Errorf("%x reads as %+v, and that as %+v, %v", in, c, got, again.Err())
		}
	})
}
