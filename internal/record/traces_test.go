package record

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk/disktest"
	"github.com/nube-run/nube/internal/fault"
)

func fullSpan(t testing.TB) Span {
	return Span{
		Trace: mustTrace(t, trace), ID: mustSpan(t, span), Parent: mustSpan(t, "0000000000000001"), Kind: Consumer,
		Service: "sqs", Name: "ReceiveMessage", Resource: "arn:aws:sqs:us-east-1:000000000000:orders",
		Request: "r-1", By: "arn:aws:iam::000000000000:role/fn",
		Start: clock.Unix(1_700_000_000, 5), Began: time.Unix(1_700_000_001, 6), Duration: 1500 * time.Microsecond,
		Error: "AccessDenied", Attrs: []Attr{{"messages", "3"}, {"", ""}}, Links: []Link{{mustTrace(t, trace), mustSpan(t, span)}},
		In: 300, Out: 7, Status: 403, Foreign: true,
	}
}

func TestSpanEncoding(t *testing.T) {
	var out strings.Builder
	for _, s := range []Span{{Trace: mustTrace(t, trace)}, fullSpan(t)} {
		b := s.encode(nil)
		fmt.Fprintf(&out, "%x\n", b)
		got, err := decodeSpan(s.Trace, b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s, got); diff != "" {
			t.Errorf("span (-want +got):\n%s", diff)
		}
		for n := range b {
			if _, err := decodeSpan(s.Trace, b[:n]); err == nil {
				t.Errorf("%d of %d bytes were taken for a span", n, len(b))
			}
		}
	}
	golden(t, "span.golden", out.String())
}

// What version 1 wrote can be read.
func TestSpansOfVersion1(t *testing.T) {
	text, err := os.ReadFile("testdata/span1.golden")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(string(text))
	b, err := hex.DecodeString(lines[1])
	if err != nil {
		t.Fatal(err)
	}
	want := fullSpan(t)
	want.In, want.Out, want.Status, want.Foreign = 0, 0, 0, false
	got, err := decodeSpan(want.Trace, b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("span (-want +got):\n%s", diff)
	}
}

func FuzzDecodeSpan(f *testing.F) {
	s := fullSpan(f)
	f.Add(s.encode(nil))
	f.Add([]byte{spanVersion})
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := decodeSpan(TraceID{1}, in)
		if err != nil {
			return
		}
		again, err := decodeSpan(TraceID{1}, s.encode(nil))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s, again, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("span (-first +second):\n%s", diff)
		}
	})
}

func TestHopsAreATree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, disktest.NewMem().FS())
		defer r.Close()
		ctx := With(context.Background(), Cause{Trace: mustTrace(t, trace), Span: mustSpan(t, span), Request: "req", By: "ana"})
		ctx, request := r.Begin(ctx, Span{Kind: Server, Service: "apigateway", Name: "GET /"})
		time.Sleep(time.Millisecond) // the bubble's clock
		in, invoke := r.Begin(ctx, Span{Kind: Server, Service: "lambda", Name: "resize"})
		if c := From(in); c.Span != invoke.span.ID || c.Request != "req" || c.By != "ana" {
			t.Errorf("cause inside the hop: %+v", c)
		}
		invoke.Note("cold", "true")
		if d := invoke.End(fault.New("TooManyRequestsException", "Rate exceeded")); d != 0 {
			t.Errorf("the inner hop took %v", d)
		}
		if d := request.End(nil); d != time.Millisecond {
			t.Errorf("the outer hop took %v", d)
		}
		spans, err := r.Traces.Trace(ctx, mustTrace(t, trace))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range spans {
			got = append(got, fmt.Sprintf("%s under %v by %s for %s: %s %v", s.Name, s.Parent == request.span.ID, s.By, s.Request, s.Error, s.Attrs))
		}
		want := []string{
			"GET / under false by ana for req:  []",
			"resize under true by ana for req: TooManyRequestsException [{cold true} {message Rate exceeded}]",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("spans (-want +got):\n%s", diff)
		}
		if spans[0].Parent != mustSpan(t, span) {
			t.Errorf("the root's parent is %v, want the caller's span", spans[0].Parent)
		}
	})
}

// Who acts may be known only after the hop has begun.
func TestActing(t *testing.T) {
	r := openMem(t)
	ctx, hop := r.Begin(With(context.Background(), Cause{Request: "req"}), Span{Name: "PutItem"})
	ctx = Acting(ctx, "ana")
	if ctx2 := Acting(ctx, "lambda"); From(ctx2).By != "ana" {
		t.Errorf("by %s, want who caused it first", From(ctx2).By)
	}
	_, inner := r.Begin(ctx, Span{Name: "Emit"})
	inner.End(nil)
	hop.End(nil)
	spans, err := r.Traces.Trace(ctx, From(ctx).Trace)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range spans {
		if s.By != "ana" || s.Request != "req" {
			t.Errorf("%s by %q for %q", s.Name, s.By, s.Request)
		}
	}
	if len(spans) != 2 {
		t.Errorf("%d spans", len(spans))
	}
}

func TestRecentTraces(t *testing.T) {
	r := openMem(t)
	add := func(tr byte, start clock.Instant, name string) {
		if err := r.Traces.Add(&Span{Trace: TraceID{tr}, ID: NewSpanID(), Start: start, Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	add(1, 10, "a")
	add(2, 20, "b")
	add(1, 30, "c")
	add(3, 40, "d")
	add(3, 41, "bad")
	for _, test := range []struct {
		q    TraceQuery
		want string
	}{
		{TraceQuery{}, "bad c b"},
		{TraceQuery{To: 40}, "c b"},
		{TraceQuery{From: 15, To: 30}, "b"},
		{TraceQuery{Match: func(s *Span) bool { return s.Name != "bad" }}, "d c b"},
	} {
		var got []string
		for s, err := range r.Traces.Recent(context.Background(), test.q) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, s.Name)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%+v: %v, want %s", test.q, got, test.want)
		}
	}
}

func TestFollowTraces(t *testing.T) {
	r := openMem(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := r.Traces.Add(&Span{Trace: TraceID{1}, Name: "before"}); err != nil {
		t.Fatal(err)
	}
	next := r.Traces.Follow(ctx)
	if err := r.Traces.Add(&Span{Trace: TraceID{2}, Name: "after"}); err != nil {
		t.Fatal(err)
	}
	for s, err := range next {
		if err != nil || s.Name != "after" {
			t.Errorf("followed %q, %v", s.Name, err)
		}
		break
	}
}

func TestCallsAreCounted(t *testing.T) {
	r := openMem(t)
	o := APICalls{Recorder: r, Account: "1", Region: "r"}
	for i := range 5 {
		ctx, end := o.Begin(context.Background(), "dynamodb", "PutItem")
		if From(ctx).Trace.IsZero() {
			t.Error("a call has no trace")
		}
		var err error
		if i == 0 {
			err = errors.New("broken")
		}
		end(err, 10, 20)
	}
	got := map[string]float64{}
	for p, err := range r.Metrics.Read(context.Background(), MetricQuery{Account: "1", Region: "r", Namespace: apiNamespace}) {
		if err != nil {
			t.Fatal(err)
		}
		got[fmt.Sprint(p.Metric.Name, p.Metric.Dims)] += p.Stat.Count
	}
	want := map[string]float64{"Duration[{Operation PutItem} {Service dynamodb}]": 5, "Errors[{Operation PutItem} {Service dynamodb}]": 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

// BenchmarkHop is what recording costs a call: a span and its counts, in a new
// trace and in one that goes on, and without traces.
func BenchmarkHop(b *testing.B) {
	for _, bench := range []struct {
		name string
		off  bool
		in   Cause
	}{
		{"trace=new", false, Cause{}},
		{"trace=same", false, Cause{Trace: TraceID{1}, Span: SpanID{1}, Request: "0727eff1-f288-4e2d-894e-c20d5a2f1d96", By: "arn:aws:sts::000000000000:assumed-role/shop/fn"}},
		{"traces=off", true, Cause{}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			r := openMem(b)
			r.Traces.off = bench.off
			o := APICalls{Recorder: r, Account: "1", Region: "r"}
			ctx := context.Background()
			if !bench.in.IsZero() {
				ctx = With(ctx, bench.in)
			}
			b.ReportAllocs()
			for b.Loop() {
				_, end := o.Begin(ctx, "dynamodb", "PutItem")
				end(nil, 300, 20)
			}
		})
	}
}
