package record

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/nube-run/nube/internal/packed"
)

// Stat is observations added up: CloudWatch's statistic set, and a sketch of
// their distribution for percentiles.
//
// The sketch counts observations in buckets whose bounds grow by 2 %, so that a
// percentile is right within 1 % (the idea of DDSketch, Masson et al. 2019).
// Counters that only ever see one value cost one bucket.
type Stat struct {
	Count         float64
	Sum, Min, Max float64
	buckets       []bucket // sorted by index
}

type bucket struct {
	index int32
	n     float64
}

const (
	growth   = 1.02
	zero     = math.MinInt32 // bucket of values that are zero or next to it
	smallest = 1e-9
)

// StatOf returns the statistics of one observation.
func StatOf(v float64) Stat { return StatOfMany(v, 1) }

// StatOfMany returns the statistics of n observations of the same value.
func StatOfMany(v, n float64) Stat {
	var s Stat
	s.observe(v, n)
	return s
}

// StatOfSet returns the statistics of observations of which only these are
// known. Their distribution counts as if all of them were the mean.
func StatOfSet(count, sum, min, max float64) Stat {
	s := StatOfMany(sum/count, count)
	s.Sum, s.Min, s.Max = sum, min, max
	return s
}

// StatOfSum returns the statistics of observations of which only these are
// known: nothing of their distribution, see [Stat.Distribution].
func StatOfSum(count, sum, min, max float64) Stat {
	return Stat{Count: count, Sum: sum, Min: min, Max: max}
}

// Value is a value that was observed, within 1 %, and how often.
type Value struct{ Value, Count float64 }

// Distribution returns the values that were observed, in their order, each within
// 1 %; false where it is not known of all of them.
func (s *Stat) Distribution() ([]Value, bool) {
	vs := make([]Value, len(s.buckets))
	var n float64
	for i, b := range s.buckets {
		vs[i] = Value{min(max(b.value(), s.Min), s.Max), b.n}
		n += b.n
	}
	slices.SortFunc(vs, func(a, b Value) int { return cmp.Compare(a.Value, b.Value) })
	return vs, math.Abs(n-s.Count) <= 1e-9*s.Count
}

// observe adds n observations of v.
func (s *Stat) observe(v, n float64) {
	if s.Count == 0 {
		s.Min, s.Max = v, v
	}
	s.Count += n
	s.Sum += v * n
	s.Min, s.Max = min(s.Min, v), max(s.Max, v)
	s.fill(bucket{bucketOf(v), n})
}

// again observes v if nothing else was observed so far: what is counted is the same
// time and again.
func (s *Stat) again(v float64) bool {
	if len(s.buckets) != 1 || s.Min != v || s.Max != v {
		return false
	}
	s.Count++
	s.Sum += v
	s.buckets[0].n++
	return true
}

// fill adds to a bucket.
func (s *Stat) fill(b bucket) {
	i, found := slices.BinarySearchFunc(s.buckets, b.index, func(b bucket, index int32) int { return int(int64(b.index) - int64(index)) })
	if found {
		s.buckets[i].n += b.n
	} else {
		s.buckets = slices.Insert(s.buckets, i, b)
	}
}

// bucketOf returns the bucket of v: negative values mirror positive ones, in
// odd numbers.
func bucketOf(v float64) int32 {
	a := math.Abs(v)
	if !(a >= smallest) {
		return zero
	}
	i := 2 * int32(math.Ceil(math.Log(a)/math.Log(growth)))
	if v < 0 {
		i++
	}
	return i
}

// value returns the middle of a bucket.
func (b bucket) value() float64 {
	if b.index == zero {
		return 0
	}
	v := 2 * math.Pow(growth, float64(b.index>>1)) / (1 + growth)
	if b.index&1 == 1 {
		return -v
	}
	return v
}

// Add adds the observations of o.
func (s *Stat) Add(o *Stat) {
	if o.Count == 0 {
		return
	}
	if s.Count == 0 {
		s.Min, s.Max = o.Min, o.Max
	}
	s.Count += o.Count
	s.Sum += o.Sum
	s.Min, s.Max = min(s.Min, o.Min), max(s.Max, o.Max)
	for _, b := range o.buckets {
		s.fill(b)
	}
}

// Average returns the mean of the observations.
func (s *Stat) Average() float64 {
	if s.Count == 0 {
		return 0
	}
	return s.Sum / s.Count
}

// Percentile returns the value that p percent of the observations do not
// exceed, within 1 %.
func (s *Stat) Percentile(p float64) float64 {
	sorted := slices.Clone(s.buckets)
	sort.Slice(sorted, func(i, j int) bool { return sorted[i].value() < sorted[j].value() })
	rank := p / 100 * s.Count
	var n float64
	for _, b := range sorted {
		if n += b.n; n >= rank {
			return min(max(b.value(), s.Min), s.Max)
		}
	}
	return s.Max
}

// statVersion is the first byte of an encoded stat: count, sum, min and max as
// IEEE 754, the number of buckets, and for each its index, less the one before,
// and its count.
const statVersion = 1

func (s *Stat) encode(b []byte) []byte {
	b = append(b, statVersion)
	for _, v := range [...]float64{s.Count, s.Sum, s.Min, s.Max} {
		b = binary.BigEndian.AppendUint64(b, math.Float64bits(v))
	}
	b = binary.AppendUvarint(b, uint64(len(s.buckets)))
	var last int64
	for _, k := range s.buckets {
		b = binary.AppendVarint(b, int64(k.index)-last)
		last = int64(k.index)
		b = binary.AppendUvarint(b, math.Float64bits(k.n)>>32|math.Float64bits(k.n)<<32) // whole numbers are short
	}
	return b
}

func decodeStat(b []byte) (Stat, error) {
	r := packed.Read(b)
	var s Stat
	if r.Byte() != statVersion {
		r.Fail()
	}
	for _, v := range [...]*float64{&s.Count, &s.Sum, &s.Min, &s.Max} {
		*v = math.Float64frombits(r.Fixed())
	}
	var last int64
	if n := r.Count(2); n > 0 {
		s.buckets = make([]bucket, n)
		for i := range s.buckets {
			last += r.Int()
			if last < math.MinInt32 || last > math.MaxInt32 {
				r.Fail()
			}
			c := r.Uint(math.MaxUint64)
			s.buckets[i] = bucket{int32(last), math.Float64frombits(c>>32 | c<<32)}
		}
	}
	if err := r.Done(); err != nil {
		return Stat{}, fmt.Errorf("metric: %w", err)
	}
	return s, nil
}
