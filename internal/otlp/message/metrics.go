package message

import "math"

// Metric is a metric and its points.
type Metric struct {
	Name, Unit string
	// Cumulative says that points count from their start, not from the point
	// before.
	Cumulative bool
	// Kept is a metric whose points are states, not amounts: a gauge, or a sum
	// that may fall.
	Kept   bool
	Points []Point
}

// Point is one point of a metric, as a set of observations: a number is one
// observation of it.
type Point struct {
	Attrs       []Attr
	Start, Time uint64 // nanoseconds of the Unix time
	Count       float64
	Sum         float64
	Min, Max    float64 // NaN where nobody said them
	Number      bool
	NoValue     bool // the sender has none to report
	// Buckets are how many observations lay around a value, if it is known.
	Buckets []Bucket
}

// Bucket is observations of about the same value.
type Bucket struct{ Value, Count float64 }

// cumulative is the temporality of points that count from their start.
const cumulative = 2

// ReadMetric reads a metric.
func ReadMetric(b []byte) (m Metric) {
	for f := range known(metric, b) {
		switch f.Num {
		case 1:
			m.Name = string(f.Bytes)
		case 3:
			m.Unit = string(f.Bytes)
		case 5:
			m.Kept = true
			m.read(gauge, f.Bytes, numbers)
		case 7:
			m.read(sum, f.Bytes, numbers)
			m.Kept = !monotonic(f.Bytes)
		case 9:
			m.read(histogram, f.Bytes, histogramOf)
		case 10:
			m.read(exponential, f.Bytes, exponentialOf)
		case 11:
			m.Cumulative = true // by definition: its counts are since the start
			m.read(summary, f.Bytes, summaryOf)
		}
	}
	return m
}

func (m *Metric) read(t Type, b []byte, point func([]byte) Point) {
	for f := range known(t, b) {
		switch f.Num {
		case 1:
			m.Points = append(m.Points, point(f.Bytes))
		case 2:
			m.Cumulative = f.uint == cumulative
		}
	}
}

func monotonic(b []byte) (is bool) {
	for f := range known(sum, b) {
		if f.Num == 3 {
			is = f.uint != 0
		}
	}
	return is
}

// noValue is the flag of a point that has none.
const noValue = 1

func numbers(b []byte) Point {
	p := Point{Number: true, Count: 1}
	for f := range known(numberPoint, b) {
		switch f.Num {
		case 2:
			p.Start = f.uint
		case 3:
			p.Time = f.uint
		case 4:
			p.Sum = f.Float()
		case 6:
			p.Sum = float64(int64(f.uint))
		case 7:
			p.Attrs = append(p.Attrs, attr(f.Bytes))
		case 8:
			p.NoValue = f.uint&noValue != 0
		}
	}
	p.Min, p.Max = p.Sum, p.Sum
	return p
}

func histogramOf(b []byte) Point {
	p := Point{Min: math.NaN(), Max: math.NaN()}
	var counts, bounds []uint64
	for f := range known(histogramPoint, b) {
		switch f.Num {
		case 2:
			p.Start = f.uint
		case 3:
			p.Time = f.uint
		case 4:
			p.Count = float64(f.uint)
		case 5:
			p.Sum = f.Float()
		case 6:
			counts = append(counts, f.packed(fixed64)...)
		case 7:
			bounds = append(bounds, f.packed(double)...)
		case 9:
			p.Attrs = append(p.Attrs, attr(f.Bytes))
		case 10:
			p.NoValue = f.uint&noValue != 0
		case 11:
			p.Min = f.Float()
		case 12:
			p.Max = f.Float()
		}
	}
	if len(counts) != len(bounds)+1 {
		return p
	}
	for i, n := range counts {
		if n == 0 {
			continue
		}
		// The middle of a bucket stands for what lies in it, its one bound where
		// the other is infinite.
		var v float64
		switch {
		case len(bounds) == 0:
			v = p.Sum / p.Count
		case i == 0:
			v = math.Float64frombits(bounds[0])
		case i == len(bounds):
			v = math.Float64frombits(bounds[i-1])
		default:
			v = (math.Float64frombits(bounds[i-1]) + math.Float64frombits(bounds[i])) / 2
		}
		p.Buckets = append(p.Buckets, Bucket{v, float64(n)})
	}
	return p
}

func exponentialOf(b []byte) Point {
	p := Point{Min: math.NaN(), Max: math.NaN()}
	var scale int64
	var zeros uint64
	var positive, negative []byte
	for f := range known(exponentialPoint, b) {
		switch f.Num {
		case 1:
			p.Attrs = append(p.Attrs, attr(f.Bytes))
		case 2:
			p.Start = f.uint
		case 3:
			p.Time = f.uint
		case 4:
			p.Count = float64(f.uint)
		case 5:
			p.Sum = f.Float()
		case 6:
			scale = unzigzag(f.uint)
		case 7:
			zeros = f.uint
		case 8:
			positive = f.Bytes
		case 9:
			negative = f.Bytes
		case 10:
			p.NoValue = f.uint&noValue != 0
		case 12:
			p.Min = f.Float()
		case 13:
			p.Max = f.Float()
		}
	}
	p.exponential(negative, scale, -1)
	if zeros > 0 {
		p.Buckets = append(p.Buckets, Bucket{0, float64(zeros)})
	}
	p.exponential(positive, scale, 1)
	return p
}

// exponential adds the buckets of one sign. A bucket lies between powers of
// 2^(2^-scale).
//
// https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram
func (p *Point) exponential(b []byte, scale int64, sign float64) {
	var offset int64
	var counts []uint64
	for f := range known(buckets, b) {
		switch f.Num {
		case 1:
			offset = unzigzag(f.uint)
		case 2:
			counts = append(counts, f.packed(integer)...)
		}
	}
	width := math.Ldexp(1, int(-max(min(scale, 20), -10)))
	for i, n := range counts {
		if n > 0 {
			middle := math.Exp2((float64(offset) + float64(i) + 0.5) * width)
			p.Buckets = append(p.Buckets, Bucket{sign * middle, float64(n)})
		}
	}
}

func summaryOf(b []byte) Point {
	p := Point{Min: math.NaN(), Max: math.NaN()}
	for f := range known(summaryPoint, b) {
		switch f.Num {
		case 2:
			p.Start = f.uint
		case 3:
			p.Time = f.uint
		case 4:
			p.Count = float64(f.uint)
		case 5:
			p.Sum = f.Float()
		case 7:
			p.Attrs = append(p.Attrs, attr(f.Bytes))
		case 8:
			p.NoValue = f.uint&noValue != 0
		}
	}
	return p
}
