package otlp

import (
	"math"
	"strings"
	"sync"
	"time"

	"github.com/nube-run/nube/internal/otlp/message"
	"github.com/nube-run/nube/internal/record"
)

// dimensionsMax is how many dimensions a metric of CloudWatch has.
const dimensionsMax = 30

// metric records the points of a metric. It returns how many of them there
// were.
func (r *Receiver) metric(from source, item []byte) (points int, err error) {
	in := message.ReadMetric(item)
	if in.Name == "" {
		return max(1, len(in.Points)), &unfit{"a metric has no name"}
	}
	of := record.Metric{Account: r.Account, Region: r.Region, Namespace: namespaceOf(from), Name: clean(in.Name)}
	for i := range in.Points {
		p := &in.Points[i]
		if p.NoValue || p.Count == 0 {
			continue
		}
		of.Dims = of.Dims[:0]
		for j := range p.Attrs {
			if len(of.Dims) < dimensionsMax {
				of.Dims = append(of.Dims, record.Attr{Key: clean(p.Attrs[j].Key), Value: clean(p.Attrs[j].String())})
			}
		}
		if in.Cumulative && !(in.Kept && p.Number) {
			if !r.deltas.since(seriesKey(&of, from), p, r.Began, from.now.machine) {
				continue
			}
		}
		if st := statOf(p); st.Count > 0 {
			r.Recorder.Metrics.Series(of).Merge(from.now.of(p.Time), st)
		}
	}
	return len(in.Points), nil
}

// namespaceOf is the namespace that the Collector's CloudWatch exporter gives
// to metrics.
//
// https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/awsemfexporter
func namespaceOf(from source) string {
	if from.namespace != "" {
		return from.namespace + "/" + from.service
	}
	return from.service
}

// seriesKey tells series apart, and the processes that report them: each counts
// for itself.
func seriesKey(m *record.Metric, from source) string {
	var b strings.Builder
	for _, s := range []string{from.id, from.instance, m.Namespace, m.Name} {
		b.WriteString(s)
		b.WriteByte(0)
	}
	for _, d := range m.Dims {
		b.WriteString(d.Key + "=" + d.Value + "\x00")
	}
	return b.String()
}

// statOf is a point as the records keep it.
func statOf(p *message.Point) record.Stat {
	if math.IsNaN(p.Sum) || math.IsInf(p.Sum, 0) {
		return record.Stat{}
	}
	if p.Number {
		return record.StatOf(p.Sum)
	}
	low, high := p.Min, p.Max
	var st record.Stat
	for _, b := range p.Buckets {
		some := record.StatOfMany(b.Value, b.Count)
		st.Add(&some)
	}
	if st.Count == 0 {
		mean := p.Sum / p.Count
		if math.IsNaN(low) || math.IsNaN(high) {
			low, high = mean, mean
		}
		return record.StatOfSet(p.Count, p.Sum, low, high)
	}
	st.Sum = p.Sum
	if !math.IsNaN(low) && !math.IsNaN(high) {
		st.Min, st.Max = low, high
	}
	return st
}

// seriesMax bounds the series whose last point is remembered.
const seriesMax = 10_000

// deltas turns points that count from their start into what has come since the
// point before.
type deltas struct {
	mu     sync.Mutex
	last   map[string]total
	forgot time.Time // when there were too many series to remember all
}

// total is the last point of a series.
type total struct {
	start      uint64
	count, sum float64
	buckets    map[float64]float64
}

// since makes a point one of what has come since the one before it. It reports
// false if nothing has, or if that cannot be told: of the first point of a
// series that began at an unknown time, or before the receiver did, or before
// there were so many series that the points of all were forgotten.
func (d *deltas) since(key string, p *message.Point, began, machine time.Time) bool {
	now := total{start: p.Start, count: p.Count, sum: p.Sum}
	if len(p.Buckets) > 0 {
		now.buckets = make(map[float64]float64, len(p.Buckets))
		for _, b := range p.Buckets {
			now.buckets[b.Value] += b.Count
		}
	}
	d.mu.Lock()
	was, known := d.last[key]
	if !known && len(d.last) >= seriesMax {
		// What was counted of them until now must not be counted again.
		d.last, d.forgot = nil, machine
	}
	if d.last == nil {
		d.last = make(map[string]total)
	}
	d.last[key] = now
	if d.forgot.After(began) {
		began = d.forgot
	}
	d.mu.Unlock()
	fell := !p.Number && p.Count < was.count || p.Number && p.Sum < was.sum
	if !known || was.start != p.Start || fell { // a new process, or one that began anew
		return p.Start != 0 && p.Start <= math.MaxInt64 && !time.Unix(0, int64(p.Start)).Before(began)
	}
	p.Sum -= was.sum
	if p.Number {
		p.Min, p.Max = p.Sum, p.Sum
		return p.Sum != 0
	}
	p.Count -= was.count
	// Of the time since the point before nobody knows the least and the most.
	p.Min, p.Max = math.NaN(), math.NaN()
	left := p.Buckets[:0]
	for _, b := range p.Buckets {
		if n := b.Count - was.buckets[b.Value]; n > 0 {
			left = append(left, message.Bucket{Value: b.Value, Count: n})
		}
	}
	p.Buckets = left
	return p.Count > 0
}
