package record

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk"
	"github.com/nube-run/nube/internal/disk/disktest"
	"github.com/nube-run/nube/internal/fault"
)

func open(t testing.TB, fs disk.FS) *Recorder {
	t.Helper()
	r, err := Open(Options{FS: fs, Dir: "record", Model: clock.NewModel(clock.State{})})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func openMem(t testing.TB) *Recorder {
	r := open(t, disktest.NewMem().FS())
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func messages(t testing.TB, l *Logs, q LogQuery) string {
	t.Helper()
	var out []string
	for e, err := range l.Read(context.Background(), q) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e.Stream.Name+":"+e.Message)
	}
	return strings.Join(out, " ")
}

func TestLogs(t *testing.T) {
	r := openMem(t)
	group := Stream{Account: "000000000000", Region: "us-east-1", Group: "/aws/lambda/resize"}
	stream := func(group Stream, name string) Stream { group.Name = name; return group }
	other := group
	other.Group += "2" // its name begins like the first's
	for i, e := range []struct {
		s    Stream
		at   clock.Instant
		text string
	}{
		{stream(group, "a"), 10, "1"},
		{stream(group, "ab"), 30, "2"},
		{stream(group, "a"), 20, "3"},
		{stream(other, "a"), 25, "x"},
		{stream(group, "a"), 30, "4"},
	} {
		if _, err := r.Logs.Writer(e.s).Append(e.at, clock.Instant(100+i), []byte(e.text)); err != nil {
			t.Fatal(err)
		}
	}
	var third Cursor
	for e, err := range r.Logs.Read(context.Background(), LogQuery{Group: group, From: 30}) {
		if err != nil {
			t.Fatal(err)
		}
		want := LogEvent{Stream: stream(group, "ab"), Time: 30, Ingested: 101, Message: "2", Pos: e.Pos}
		if e != want {
			t.Errorf("event %+v, want %+v", e, want)
		}
		third = e.Cursor()
		break
	}
	for _, test := range []struct {
		name string
		q    LogQuery
		want string
	}{
		{"the group", LogQuery{Group: group}, "a:1 a:3 ab:2 a:4"},
		{"backwards", LogQuery{Group: group, Reverse: true}, "a:4 ab:2 a:3 a:1"},
		{"a stream", LogQuery{Group: group, Stream: "a"}, "a:1 a:3 a:4"},
		{"streams", LogQuery{Group: group, Match: func(n string) bool { return len(n) == 2 }}, "ab:2"},
		{"times", LogQuery{Group: group, From: 20, To: 30}, "a:3"},
		{"after", LogQuery{Group: group, After: &third}, "a:4"},
		{"before", LogQuery{Group: group, After: &third, Reverse: true}, "a:3 a:1"},
		{"another group", LogQuery{Group: other}, "a:x"},
		{"no group", LogQuery{Group: stream(Stream{Group: "none"}, "")}, ""},
	} {
		if got := messages(t, r.Logs, test.q); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}

	stats, err := r.Logs.Streams(context.Background(), group)
	if err != nil {
		t.Fatal(err)
	}
	want := []StreamStats{
		{Stream: stream(group, "a"), Events: 3, Bytes: 3, First: 10, Last: 30, LastIngested: 104},
		{Stream: stream(group, "ab"), Events: 1, Bytes: 1, First: 30, Last: 30, LastIngested: 101},
	}
	if diff := cmp.Diff(want, stats); diff != "" {
		t.Errorf("streams (-want +got):\n%s", diff)
	}

	if err := r.Logs.DropStream(stream(group, "a")); err != nil {
		t.Fatal(err)
	}
	if got := messages(t, r.Logs, LogQuery{Group: group}); got != "ab:2" {
		t.Errorf("after the stream was dropped: %q", got)
	}
	if err := r.Logs.DropGroup(group); err != nil {
		t.Fatal(err)
	}
	if got := messages(t, r.Logs, LogQuery{Group: group}); got != "" {
		t.Errorf("after the group was dropped: %q", got)
	}
	if got := messages(t, r.Logs, LogQuery{Group: other}); got != "a:x" {
		t.Errorf("another group, after one was dropped: %q", got)
	}
}

func TestLogsFollow(t *testing.T) {
	r := openMem(t)
	s := Stream{Account: "1", Region: "r", Group: "g", Name: "s"}
	w := r.Logs.Writer(s)
	if _, err := w.Append(1, 1, []byte("old")); err != nil {
		t.Fatal(err)
	}
	from := r.Logs.End()
	got := make(chan string)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		for e, err := range r.Logs.Follow(ctx, LogQuery{Group: s, Stream: "s"}, from) {
			if err != nil {
				if !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				return
			}
			got <- e.Message
		}
	})
	for i := range 10 {
		want := fmt.Sprint("new ", i)
		if _, err := w.Append(clock.Instant(100-i), 1, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if m := <-got; m != want {
			t.Errorf("followed %q, want %q", m, want)
		}
	}
	cancel()
	wg.Wait()
}

func TestRecordsSurviveARestart(t *testing.T) {
	fs := disktest.NewMem().FS()
	r := open(t, fs)
	s := Stream{Account: "1", Region: "r", Group: "g", Name: "s"}
	if _, err := r.Logs.Writer(s).Append(5, 5, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	span := Span{Trace: NewTraceID(5), ID: NewSpanID(), Name: "n", Start: 5}
	if err := r.Traces.Add(&span); err != nil {
		t.Fatal(err)
	}
	metric := Metric{Account: "1", Region: "r", Namespace: "n", Name: "m"}
	r.Metrics.Series(metric).Observe(5, 7)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}

	r = open(t, fs)
	defer r.Close()
	if got := messages(t, r.Logs, LogQuery{Group: s}); got != "s:hello" {
		t.Errorf("logs: %q", got)
	}
	spans, err := r.Traces.Trace(context.Background(), span.Trace)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Span{span}, spans); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	for p, err := range r.Metrics.Read(context.Background(), MetricQuery{Account: "1", Region: "r"}) {
		if err != nil || p.Stat.Sum != 7 {
			t.Errorf("metric: %+v, %v", p, err)
		}
	}
}

func fullSpan(t testing.TB) Span {
	return Span{
		Trace: mustTrace(t, trace), ID: mustSpan(t, span), Parent: mustSpan(t, "0000000000000001"), Kind: Consumer,
		Service: "sqs", Name: "ReceiveMessage", Resource: "arn:aws:sqs:us-east-1:000000000000:orders",
		Request: "r-1", By: "arn:aws:iam::000000000000:role/fn",
		Start: clock.Unix(1_700_000_000, 5), Began: time.Unix(1_700_000_001, 6), Duration: 1500 * time.Microsecond,
		Error: "AccessDenied", Attrs: []Attr{{"messages", "3"}, {"", ""}}, Links: []Link{{mustTrace(t, trace), mustSpan(t, span)}},
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
			"resize under true by ana for req: TooManyRequestsException [{cold true}]",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("spans (-want +got):\n%s", diff)
		}
		if spans[0].Parent != mustSpan(t, span) {
			t.Errorf("the root's parent is %v, want the caller's span", spans[0].Parent)
		}
	})
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

func TestMetrics(t *testing.T) {
	r := openMem(t)
	minute := clock.Unix(1_700_000_040, 0) // a whole one
	metric := func(fn string) Metric {
		return Metric{Account: "1", Region: "r", Namespace: "AWS/Lambda", Name: "Duration", Dims: []Attr{{"Z", "z"}, {"FunctionName", fn}}}
	}
	a := r.Metrics.Series(metric("a"))
	if r.Metrics.Series(metric("a")) != a {
		t.Error("two series for one metric")
	}
	a.Observe(minute.Add(time.Second), 1)
	a.Observe(minute.Add(59*time.Second), 3)
	r.Metrics.Flush() // what follows adds up with it
	a.Observe(minute.Add(30*time.Second), 5)
	a.Observe(minute.Add(time.Minute), 10)
	a.Observe(minute.Add(2*time.Second), 7) // late
	r.Metrics.Series(metric("b")).Merge(minute, StatOfSet(4, 8, 1, 3))
	r.Metrics.Series(Metric{Account: "1", Region: "other", Namespace: "AWS/Lambda", Name: "Duration"}).Observe(minute, 1)

	read := func(q MetricQuery) []string {
		var out []string
		q.Account, q.Region = "1", "r"
		for p, err := range r.Metrics.Read(context.Background(), q) {
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, fmt.Sprintf("%s %s n=%v sum=%v %v..%v", p.Metric.Dims[0].Value, p.At.Sub(minute), p.Stat.Count, p.Stat.Sum, p.Stat.Min, p.Stat.Max))
		}
		return out
	}
	for _, test := range []struct {
		name string
		q    MetricQuery
		want []string
	}{
		{"all", MetricQuery{}, []string{"a 0s n=4 sum=16 1..7", "b 0s n=4 sum=8 1..3", "a 1m0s n=1 sum=10 10..10"}},
		{"one", MetricQuery{Namespace: "AWS/Lambda", Match: func(m Metric) bool { return m.Dims[0].Value == "b" }}, []string{"b 0s n=4 sum=8 1..3"}},
		{"times", MetricQuery{From: minute.Add(61 * time.Second), To: minute.Add(2 * time.Minute)}, []string{"a 1m0s n=1 sum=10 10..10"}},
		{"no namespace", MetricQuery{Namespace: "AWS/Lamb"}, nil},
	} {
		if diff := cmp.Diff(test.want, read(test.q)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	list, err := r.Metrics.List(context.Background(), MetricQuery{Account: "1", Region: "r"})
	if err != nil {
		t.Fatal(err)
	}
	sorted := metric("a")
	slices.Reverse(sorted.Dims)
	if len(list) != 2 || !cmp.Equal(list[0], sorted) {
		t.Errorf("list: %+v", list)
	}
}

func TestMetricsAreWrittenAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, disktest.NewMem().FS())
		defer r.Close()
		s := r.Metrics.Series(Metric{Account: "1", Region: "r", Namespace: "n", Name: "m"})
		s.Observe(1, 1)
		count := func() int {
			keys, err := r.Metrics.j.Keys(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			return len(keys)
		}
		if n := count(); n != 0 {
			t.Errorf("%d points recorded at once", n)
		}
		time.Sleep(flushAfter) // the bubble's clock
		synctest.Wait()
		if n := count(); n != 1 {
			t.Errorf("%d points recorded after %v, want 1", n, flushAfter)
		}
	})
}

func TestMetersAddUp(t *testing.T) {
	r := openMem(t)
	table, fn := "arn:aws:dynamodb:r:1:table/t", "arn:aws:lambda:r:1:function:f"
	for i := range 3 {
		at := clock.Unix(int64(1_700_000_000+60*i), 0)
		r.Metrics.Meter("1", "r", table, ReadUnits).Observe(at, 0.5)
		r.Metrics.Meter("1", "r", fn, GBSeconds).Observe(at, 0.0125)
		r.Metrics.Meter("1", "r", fn, Requests).Observe(at, 1)
	}
	got, err := r.Metrics.Usage(context.Background(), "1", "r", clock.Unix(1_700_000_040, 0), 0)
	if err != nil {
		t.Fatal(err)
	}
	want := []Usage{{table, ReadUnits, 1}, {fn, GBSeconds, 0.025}, {fn, Requests, 2}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("usage (-want +got):\n%s", diff)
	}
}

func TestPercentiles(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var parts [4]Stat
	var all []float64
	for i := range 10_000 {
		v := math.Exp(r.NormFloat64()*3) - 1 // some negative, most small, a few huge
		all = append(all, v)
		one := StatOf(v)
		parts[i%len(parts)].Add(&one)
	}
	var s Stat
	for i := range parts {
		s.Add(&parts[i])
	}
	got, err := decodeStat(s.encode(nil))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	if got.Count != 10_000 || got.Min != all[0] || got.Max != all[len(all)-1] {
		t.Errorf("count %v min %v max %v", got.Count, got.Min, got.Max)
	}
	for _, p := range []float64{0.1, 1, 10, 50, 90, 99, 99.9, 100} {
		want := all[max(0, int(math.Ceil(p/100*10_000))-1)]
		if v := got.Percentile(p); math.Abs(v-want) > 0.011*math.Abs(want)+1e-9 {
			t.Errorf("p%v = %v, want %v within 1 %%", p, v, want)
		}
	}
	if z := StatOf(0); z.Percentile(50) != 0 {
		t.Errorf("p50 of zero is %v", z.Percentile(50))
	}
}

func TestStatEncoding(t *testing.T) {
	var out strings.Builder
	mixed := StatOf(1)
	for _, v := range []float64{0, -3, 1, 1e9} {
		o := StatOf(v)
		mixed.Add(&o)
	}
	for _, s := range []Stat{{}, StatOf(1), mixed, StatOfMany(2.5, 1.5)} {
		b := s.encode(nil)
		fmt.Fprintf(&out, "%x\n", b)
		got, err := decodeStat(b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s, got, cmp.AllowUnexported(Stat{}, bucket{})); diff != "" {
			t.Errorf("stat (-want +got):\n%s", diff)
		}
	}
	golden(t, "stat.golden", out.String())
}

func FuzzDecodeStat(f *testing.F) {
	for _, v := range []float64{0, 1, -2.5} {
		s := StatOf(v)
		f.Add(s.encode(nil))
	}
	b, _ := hex.DecodeString("01")
	f.Add(b)
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := decodeStat(in)
		if err != nil {
			return
		}
		again, err := decodeStat(s.encode(nil))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.encode(nil), s.encode(nil)) {
			t.Errorf("%+v, and again %+v", s, again)
		}
		s.Percentile(50)
	})
}

func TestTroublesAreToldOf(t *testing.T) {
	broken := false
	fs := disktest.Faulty(disktest.NewMem().FS(), func(disktest.Op) error {
		if broken {
			return disktest.ErrInjected
		}
		return nil
	})
	r := open(t, fs)
	broken = true
	if _, err := r.Logs.Writer(Stream{Group: "g", Name: "s"}).Append(1, 1, []byte("lost")); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); !errors.Is(err, disktest.ErrInjected) {
		t.Errorf("Close = %v", err)
	}
	ts := r.Troubles()
	if len(ts) != 1 || ts[0].Of != "logs" || ts[0].Lost == 0 || !errors.Is(ts[0].Err, disktest.ErrInjected) {
		t.Errorf("troubles: %+v", ts)
	}
}

// Opening must not read what is there: the process starts in milliseconds
// however much there is.
func TestOpenReadsNoSegment(t *testing.T) {
	mem := disktest.NewMem()
	r := open(t, mem.FS())
	for i := range 100 {
		if _, err := r.Logs.Writer(Stream{Group: "g", Name: "s"}).Append(clock.Instant(i), 1, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	var opened []string
	fs := disktest.Faulty(mem.FS(), func(op disktest.Op) error {
		if strings.HasSuffix(op.Path, ".seg") || strings.HasSuffix(op.Path, ".idx") {
			opened = append(opened, op.Path)
		}
		return nil
	})
	r = open(t, fs)
	defer r.Close()
	if len(opened) != 0 {
		t.Errorf("Open touched %v", opened)
	}
	if got := messages(t, r.Logs, LogQuery{Group: Stream{Group: "g"}}); strings.Count(got, "x") != 100 || len(opened) == 0 {
		t.Errorf("%d events, files %v", strings.Count(got, "x"), opened)
	}
}

func BenchmarkLogAppend(b *testing.B) {
	r, err := Open(Options{FS: disk.OS(), Dir: b.TempDir(), Model: clock.NewModel(clock.State{})})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	w := r.Logs.Writer(Stream{"000000000000", "us-east-1", "/aws/lambda/resize", "2026/01/01/[$LATEST]0123456789abcdef"})
	line := []byte("START RequestId: 8476a536-e9f4-11e8-9739-2dfe598c3fcd Version: $LATEST\n")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Append(1, 1, line); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkObserve(b *testing.B) {
	r := openMem(b)
	s := r.Metrics.Series(Metric{Namespace: "n", Name: "m"})
	b.ReportAllocs()
	for b.Loop() {
		s.Observe(1, 12.5)
	}
}

func BenchmarkHop(b *testing.B) {
	r := openMem(b)
	o := APICalls{Recorder: r, Account: "1", Region: "r"}
	b.ReportAllocs()
	for b.Loop() {
		_, end := o.Begin(context.Background(), "dynamodb", "PutItem")
		end(nil, 0, 0)
	}
}
