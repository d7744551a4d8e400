package record

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk/disktest"
)

func fullExchange(t testing.TB) Exchange {
	return Exchange{
		Trace: mustTrace(t, trace), Span: mustSpan(t, span), Request: "r-1", By: "ana", Start: clock.Unix(1_700_000_000, 5),
		Began: time.Unix(1_700_000_001, 6), Duration: 1500 * time.Microsecond, Function: "arn:fn:live", Version: "3", Context: `{"a":1}`,
		Event: []byte(`{"in":1}`), Answer: []byte(`{"out":2}`), Error: "Unhandled",
		HTTP: &HTTPExchange{
			Endpoint: true, Method: "PUT", Host: "localhost:3000", URI: "/users/1?x=1", Remote: "127.0.0.1:5", Cut: true,
			Header: http.Header{"Accept": {"text/html", "*/*"}}, Status: 404, Answer: http.Header{"Content-Type": {"application/json"}},
		},
	}
}

func TestExchangeEncoding(t *testing.T) {
	var out strings.Builder
	for _, x := range []Exchange{{Trace: mustTrace(t, trace)}, fullExchange(t)} {
		b := x.encode(nil)
		fmt.Fprintf(&out, "%x\n", b)
		got, err := decodeExchange(x.Trace, b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(x, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("exchange (-want +got):\n%s", diff)
		}
		for n := range b {
			if _, err := decodeExchange(x.Trace, b[:n]); err == nil {
				t.Errorf("%d of %d bytes were taken for an exchange", n, len(b))
			}
		}
	}
	golden(t, "exchange.golden", out.String())
}

func FuzzDecodeExchange(f *testing.F) {
	x := fullExchange(f)
	f.Add(x.encode(nil))
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, in []byte) {
		x, err := decodeExchange(TraceID{1}, in)
		if err != nil {
			return
		}
		again, err := decodeExchange(TraceID{1}, x.encode(nil))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(x, again, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("exchange (-first +second):\n%s", diff)
		}
	})
}

// Exchanges of any size come back whole, by their trace and the newest first,
// also after a restart.
func TestExchanges(t *testing.T) {
	fs := disktest.NewMem().FS()
	r := open(t, fs)
	sizes := []int{0, 100, partSize - 200, partSize, 3*partSize + 5, 6 << 20}
	for i, size := range sizes {
		x := Exchange{Trace: mustTrace(t, trace), Span: NewSpanID(), Start: clock.Unix(int64(i), 0), Began: time.Unix(int64(i), 0), Event: bytes.Repeat([]byte{byte(i)}, size), Answer: []byte("end")}
		if err := r.Exchanges.Add(&x); err != nil {
			t.Fatal(err)
		}
	}
	check := func() {
		t.Helper()
		xs, err := r.Exchanges.Trace(t.Context(), mustTrace(t, trace))
		if err != nil || len(xs) != len(sizes) {
			t.Fatalf("%d exchanges, %v", len(xs), err)
		}
		for i, size := range sizes {
			if x := &xs[i]; len(x.Event) != size || bytes.Count(x.Event, []byte{byte(i)}) != size || string(x.Answer) != "end" {
				t.Errorf("exchange %d: %d bytes, answer %q", i, len(x.Event), x.Answer)
			}
		}
		i := len(sizes)
		for x, err := range r.Exchanges.Recent(t.Context()) {
			if i--; err != nil || len(x.Event) != sizes[i] {
				t.Errorf("the newest but %d: %d bytes, %v", len(sizes)-i-1, len(x.Event), err)
			}
		}
		if i != 0 {
			t.Errorf("%d exchanges were not yielded", i)
		}
	}
	check()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r = open(t, fs)
	defer r.Close()
	check()
}

// An exchange of which a part was dropped for its age is gone, and those that
// are whole are not.
func TestExchangesAreBounded(t *testing.T) {
	r, err := Open(Options{FS: disktest.NewMem().FS(), Dir: "record", Model: clock.NewModel(clock.State{}), ExchangeBytes: 20 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	const n = 30
	for i := range n {
		x := Exchange{Trace: NewTraceID(0), Span: NewSpanID(), Start: clock.Instant(i), Request: fmt.Sprint(i), Event: make([]byte, 3<<20)}
		if err := r.Exchanges.Add(&x); err != nil {
			t.Fatal(err)
		}
		if err := r.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	kept, next := 0, n-1
	for x, err := range r.Exchanges.Recent(t.Context()) {
		if err != nil || x.Request != fmt.Sprint(next) || len(x.Event) != 3<<20 {
			t.Fatalf("%s, %d bytes, %v; want %d", x.Request, len(x.Event), err, next)
		}
		kept, next = kept+1, next-1
	}
	if kept < 3 || kept > 10 {
		t.Errorf("%d of %d are kept in 20 MB", kept, n)
	}
}

// What was exchanged in a hop is the hop's, and nothing is kept when that is
// not wanted.
func TestExchanged(t *testing.T) {
	for _, off := range []bool{false, true} {
		r, err := Open(Options{FS: disktest.NewMem().FS(), Dir: "record", Model: clock.NewModel(clock.State{}), NoExchanges: off, NoTraces: true})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		ctx, hop := r.Begin(With(context.Background(), Cause{Request: "req", By: "ana"}), Span{Name: "f"})
		hop.End(nil)
		hop.Exchanged(Exchange{Function: "f", Event: []byte("1")})
		xs, err := r.Exchanges.Trace(ctx, From(ctx).Trace)
		if err != nil || off == (len(xs) == 1) {
			t.Fatalf("off %v: %d exchanges, %v", off, len(xs), err)
		}
		if !off && (xs[0].Request != "req" || xs[0].By != "ana" || xs[0].Span != From(ctx).Span || string(xs[0].Event) != "1") {
			t.Errorf("%+v", xs[0])
		}
	}
}

// BenchmarkExchange is what recording an invocation costs.
func BenchmarkExchange(b *testing.B) {
	for _, off := range []bool{false, true} {
		b.Run(map[bool]string{false: "on", true: "off"}[off], func(b *testing.B) {
			r := openMem(b)
			r.Exchanges.off = off
			ctx, hop := r.Begin(context.Background(), Span{Service: "lambda", Name: "f", Request: "a4b0ed5c-2f7e-4a5b-9d0a-0f6f4f0f8a11"})
			event, answer := make([]byte, 1<<10), make([]byte, 300)
			_ = ctx
			b.ReportAllocs()
			for b.Loop() {
				hop.Exchanged(Exchange{Function: "arn:aws:lambda:us-east-1:000000000000:function:f", Version: "$LATEST", Event: event, Answer: answer})
			}
		})
	}
}
