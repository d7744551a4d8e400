package record

import (
	"context"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/record/journal"
)

// Resolution is the width of a metric's points, as CloudWatch keeps them unless
// they are fine.
const Resolution = time.Minute

const (
	flushAfter = 15 * time.Second // how long observations stay in memory alone
	seriesMax  = 10_000           // series that are remembered by name
)

// Metric names a series of observations.
type Metric struct {
	Account, Region string
	Namespace       string // AWS/Lambda
	Name            string // Duration
	Dims            []Attr // FunctionName=resize; in any order
	Unit            string // Milliseconds; empty if its writer named none. Of another unit it is another series
	Fine            bool   // points of a second, not of a minute
}

// Parts of a key that are no dimension: no dimension's name begins with a control
// character.
const (
	unitPart = "\x02"
	finePart = "\x03"
)

// appendKey appends the metric's key in the journal: parts that end in a zero byte,
// the dimensions sorted, so that it is no prefix of another's.
func (m Metric) appendKey(b []byte) []byte {
	dims := m.Dims
	byName := func(a, b Attr) int { return strings.Compare(a.Key, b.Key) }
	if !slices.IsSortedFunc(dims, byName) {
		dims = slices.SortedFunc(slices.Values(dims), byName)
	}
	for _, p := range [...]string{m.Account, m.Region, m.Namespace, m.Name} {
		b = append(append(b, p...), 0)
	}
	for _, d := range dims {
		b = append(append(b, d.Key...), '=')
		b = append(append(b, d.Value...), 0)
	}
	if m.Unit != "" {
		b = append(append(append(b, unitPart...), m.Unit...), 0)
	}
	if m.Fine {
		b = append(append(b, finePart...), 0)
	}
	return append(b, 1)
}

func metricOf(key string) (Metric, bool) {
	parts := strings.Split(strings.TrimSuffix(key, "\x01"), "\x00")
	if len(parts) < 5 {
		return Metric{}, false
	}
	m := Metric{Account: parts[0], Region: parts[1], Namespace: parts[2], Name: parts[3]}
	for _, p := range parts[4 : len(parts)-1] {
		if unit, ok := strings.CutPrefix(p, unitPart); ok {
			m.Unit = unit
			continue
		}
		if p == finePart {
			m.Fine = true
			continue
		}
		k, v, _ := strings.Cut(p, "=")
		m.Dims = append(m.Dims, Attr{k, v})
	}
	return m, true
}

// Metrics is how much of everything there was: points of observations, a minute
// each. Observations are added up in memory and recorded a few times a minute;
// the parts of a minute add up again when they are read.
type Metrics struct {
	j       *journal.Journal
	machine clock.Machine

	mu     sync.Mutex
	series map[string]*Series
	dirty  []*Series // with observations in memory
	armed  bool
}

func newMetrics(j *journal.Journal, m clock.Machine) *Metrics {
	return &Metrics{j: j, machine: m, series: make(map[string]*Series)}
}

// Series takes the observations of one metric. Who observes often keeps it.
type Series struct {
	m     *Metrics
	key   string
	width time.Duration // of its points

	mu    sync.Mutex
	at    clock.Instant // of the point
	point Stat
	dirty bool // in the list of dirty series, if it has observations
}

// Series returns the series of a metric.
func (m *Metrics) Series(of Metric) *Series {
	var buf [256]byte // as much as most keys have: every call of an API comes by here
	b := of.appendKey(buf[:0])
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.series[string(b)]
	if s == nil {
		key := string(b)
		if len(m.series) == seriesMax {
			clear(m.series) // a second series of the same metric does no harm: points add up
		}
		s = &Series{m: m, key: key, width: Resolution}
		if of.Fine {
			s.width = time.Second
		}
		m.series[key] = s
	}
	return s
}

// Observe adds one observation, made at model time at.
func (s *Series) Observe(at clock.Instant, v float64) {
	s.mu.Lock()
	if s.dirty && at >= s.at && at < s.at.Add(s.width) && s.point.again(v) { // as most are
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	s.update(at, func(p *Stat) { p.observe(v, 1) })
}

// Merge adds observations that were added up elsewhere.
func (s *Series) Merge(at clock.Instant, st Stat) {
	s.update(at, func(p *Stat) { p.Add(&st) })
}

// update changes the point of at, and records the one that was open before.
func (s *Series) update(at clock.Instant, change func(*Stat)) {
	at = floor(at, s.width)
	s.mu.Lock()
	var old Stat
	oldAt, became := s.at, !s.dirty
	if at != oldAt {
		old, s.point, s.at = s.point, Stat{}, at
	}
	change(&s.point)
	s.dirty = true
	s.mu.Unlock()
	if old.Count > 0 {
		s.m.append(s.key, oldAt, &old)
	}
	if became {
		s.m.markDirty(s)
	}
}

// floor returns the beginning of the minute, or whatever the width.
func floor(t clock.Instant, width time.Duration) clock.Instant {
	r := t % clock.Instant(width)
	if r < 0 {
		r += clock.Instant(width)
	}
	return t - r
}

func (m *Metrics) markDirty(s *Series) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dirty = append(m.dirty, s)
	if !m.armed {
		m.armed = true
		m.machine.AfterFunc(flushAfter, func() {
			m.mu.Lock()
			m.armed = false
			m.mu.Unlock()
			m.Flush()
		})
	}
}

// Flush records the observations that are only in memory.
func (m *Metrics) Flush() {
	m.mu.Lock()
	dirty := m.dirty
	m.dirty = nil
	m.mu.Unlock()
	for _, s := range dirty {
		s.mu.Lock()
		at, point := s.at, s.point
		s.point, s.dirty = Stat{}, false
		s.mu.Unlock()
		if point.Count > 0 {
			m.append(s.key, at, &point)
		}
	}
}

// append records a part of a point. The journal's own error is the only one
// there can be, and is reported by Recorder.Troubles; a closed journal at the
// end of a process is none.
func (m *Metrics) append(key string, at clock.Instant, st *Stat) {
	m.j.Append(key, at, at, st.encode(nil))
}

// MetricQuery says which points to read. Empty fields mean any.
type MetricQuery struct {
	Account, Region string // both needed
	Namespace       string
	Name            string // looked at with a namespace only
	Match           func(Metric) bool
	From, To        clock.Instant // From ≤ time < To; zero: no bound
}

func (q *MetricQuery) query() journal.Query {
	jq := journal.Query{Prefix: q.Account + "\x00" + q.Region + "\x00", To: q.To}
	if !q.From.IsZero() {
		jq.From = floor(q.From, Resolution)
	}
	if q.Namespace != "" {
		jq.Prefix += q.Namespace + "\x00"
		if q.Name != "" {
			jq.Prefix += q.Name + "\x00"
		}
	}
	jq.Match = func(key string) bool {
		m, ok := metricOf(key)
		return ok && (q.Match == nil || q.Match(m))
	}
	return jq
}

// Point is one point of a metric.
type Point struct {
	Metric Metric
	At     clock.Instant // beginning of its minute, or second
	Stat   Stat
}

// Read yields the points of the metrics that match, in order of time; the
// points of one metric and minute, or second if they are fine, are one.
func (m *Metrics) Read(ctx context.Context, q MetricQuery) iter.Seq2[Point, error] {
	return func(yield func(Point, error) bool) {
		m.Flush()
		var at clock.Instant
		minute := make(map[string]*Stat)
		emit := func() bool {
			keys := make([]string, 0, len(minute))
			for k := range minute {
				keys = append(keys, k)
			}
			slices.Sort(keys)
			for _, k := range keys {
				metric, _ := metricOf(k)
				if !yield(Point{metric, at, *minute[k]}, nil) {
					return false
				}
			}
			clear(minute)
			return true
		}
		for r, err := range m.j.Read(ctx, q.query()) {
			if err != nil {
				yield(Point{}, err)
				return
			}
			st, err := decodeStat(r.Body)
			if err != nil {
				yield(Point{}, err)
				return
			}
			if r.At != at {
				if !emit() {
					return
				}
				at = r.At
			}
			if p := minute[r.Key]; p != nil {
				p.Add(&st)
			} else {
				minute[r.Key] = &st
			}
		}
		emit()
	}
}

// Follow yields what is observed from now on, a few times a minute: parts of
// points, each part once. It ends with ctx, once it has yielded what was there
// then.
func (m *Metrics) Follow(ctx context.Context) iter.Seq2[Point, error] {
	from := m.j.End()
	return func(yield func(Point, error) bool) {
		for r, err := range m.j.Follow(ctx, journal.Query{}, from) {
			if err != nil {
				yield(Point{}, err)
				return
			}
			metric, ok := metricOf(r.Key)
			if !ok {
				continue
			}
			st, err := decodeStat(r.Body)
			if !yield(Point{metric, r.At, st}, err) || err != nil {
				return
			}
		}
	}
}

// List returns the metrics that match and have points, sorted by key: of the
// query's times From alone counts, those that have none since are left out.
func (m *Metrics) List(ctx context.Context, q MetricQuery) ([]Metric, error) {
	m.Flush()
	jq := q.query()
	keys, err := m.j.Keys(ctx, jq.Prefix)
	if err != nil {
		return nil, err
	}
	var out []Metric
	for _, k := range keys {
		if metric, ok := metricOf(k.Key); ok && (q.From.IsZero() || k.Last >= jq.From) && jq.Match(k.Key) {
			out = append(out, metric)
		}
	}
	return out, nil
}
