package record

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk/disktest"
)

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

func BenchmarkObserve(b *testing.B) {
	r := openMem(b)
	s := r.Metrics.Series(Metric{Namespace: "n", Name: "m"})
	b.ReportAllocs()
	for b.Loop() {
		s.Observe(1, 12.5)
	}
}

// Fine series have points of a second, and a unit makes another series of the
// metric.
func TestUnitsAndFinePoints(t *testing.T) {
	r := openMem(t)
	second := clock.Unix(1_700_000_041, 0)
	plain := Metric{Account: "1", Region: "r", Namespace: "n", Name: "m", Dims: []Attr{{"d", "x=y"}}}
	fine := plain
	fine.Unit, fine.Fine = "Bytes/Second", true
	r.Metrics.Series(plain).Observe(second, 1)
	r.Metrics.Series(fine).Observe(second.Add(900*time.Millisecond), 2)
	r.Metrics.Series(fine).Observe(second.Add(1100*time.Millisecond), 3)
	r.Metrics.Series(Metric{Account: "1", Region: "r", Namespace: "n", Name: "other"}).Observe(second, 9)
	var got []Point
	for p, err := range r.Metrics.Read(t.Context(), MetricQuery{Account: "1", Region: "r", Namespace: "n", Name: "m"}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, p)
	}
	want := []Point{{plain, second.Add(-time.Second), StatOf(1)}, {fine, second, StatOf(2)}, {fine, second.Add(time.Second), StatOf(3)}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Stat{}, bucket{})); diff != "" {
		t.Errorf("points (-want +got):\n%s", diff)
	}
	list, err := r.Metrics.List(t.Context(), MetricQuery{Account: "1", Region: "r", From: second.Add(time.Minute)})
	if err != nil || len(list) != 0 {
		t.Errorf("metrics since: %v, %v", list, err)
	}
}

func TestDistribution(t *testing.T) {
	s := StatOfMany(100, 3)
	more := StatOf(-2)
	s.Add(&more)
	vs, ok := s.Distribution()
	if len(vs) != 2 || !ok || vs[0] != (Value{-2, 1}) || math.Abs(vs[1].Value-100) > 1 || vs[1].Count != 3 {
		t.Errorf("%v, %v", vs, ok)
	}
	unknown := StatOfSum(4, 8, 1, 3)
	s.Add(&unknown)
	if _, ok := s.Distribution(); ok {
		t.Error("the distribution of a sum is known")
	}
}
