package metricmath

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/clock"
)

// known refuses functions that are not offered, when an expression is read, and
// wrong numbers of arguments.
func known(c *call) error {
	least, most := 1, 1
	switch c.name {
	case "ABS", "AVG", "CEIL", "DATAPOINT_COUNT", "DIFF", "DIFF_TIME", "FIRST", "FLOOR", "LAST", "LOG", "LOG10", "MAX", "METRIC_COUNT", "MIN", "PERIOD",
		"RATE", "REMOVE_EMPTY", "RUNNING_SUM", "STDDEV", "SUM", "TIME_SERIES":
	case "FILL":
		least, most = 2, 2
	case "IF":
		least, most = 2, 3
	case "METRICS":
		least = 0
	case "ANOMALY_DETECTION_BAND", "DB_PERF_INSIGHTS", "DAY", "DATE", "EPOCH", "HOUR", "INSIGHT_RULE_METRIC", "LAMBDA", "MINUTE", "MONTH", "SEARCH", "SELECT",
		"SERVICE_QUOTA", "SLICE", "SORT", "YEAR":
		return invalid("%s is a function that nube does not offer", c.name)
	default:
		return invalid("there is no function %s", c.name)
	}
	if n := len(c.args); n < least || n > most {
		return invalid("%s does not take %d arguments", c.name, n)
	}
	return nil
}

func (e *Env) call(c *call) (Value, error) {
	switch c.name {
	case "METRICS":
		return e.metrics(c)
	case "IF":
		return e.choose(c)
	}
	v, err := e.eval(c.args[0])
	if err != nil {
		return Value{}, err
	}
	switch c.name {
	case "ABS":
		return v.each(math.Abs), nil
	case "CEIL":
		return v.each(math.Ceil), nil
	case "FLOOR":
		return v.each(math.Floor), nil
	case "LOG":
		return v.each(math.Log), nil
	case "LOG10":
		return v.each(math.Log10), nil
	case "TIME_SERIES":
		if v.Kind != Number {
			return Value{}, invalid("TIME_SERIES takes a number")
		}
		return Value{Kind: One, Series: []Series{e.constant(v.Number, e.period())}}, nil
	}
	if v.Kind == Number {
		return Value{}, invalid("%s takes a metric, not a number", c.name)
	}
	switch c.name {
	case "METRIC_COUNT":
		return Value{Number: float64(len(v.Series))}, nil
	case "REMOVE_EMPTY":
		return removeEmpty(v), nil
	case "FIRST", "LAST":
		if len(v.Series) == 0 {
			return Value{}, invalid("%s of no metrics", c.name)
		}
		i := 0
		if c.name == "LAST" {
			i = len(v.Series) - 1
		}
		return Value{Kind: One, Series: v.Series[i : i+1]}, nil
	case "DIFF", "DIFF_TIME", "RATE", "RUNNING_SUM":
		return v.series(func(s Series) Series { return over(c.name, s) }), nil
	case "FILL":
		return e.fill(v, c.args[1])
	case "PERIOD":
		if len(v.Series) == 0 {
			return Value{}, invalid("PERIOD of no metrics")
		}
		return Value{Number: float64(v.Series[0].Period)}, nil
	}
	return aggregate(c.name, v), nil
}

// metrics is METRICS() and METRICS("part of ids").
func (e *Env) metrics(c *call) (Value, error) {
	part := ""
	if len(c.args) == 1 {
		t, ok := c.args[0].(text)
		if !ok {
			return Value{}, invalid("METRICS takes a text")
		}
		part = string(t)
	}
	out := Value{Kind: Many}
	for _, in := range e.Inputs {
		if !in.Metric && part == "" || !strings.Contains(in.ID, part) || in.Value.Kind != One {
			continue
		}
		out.Series = append(out.Series, in.Value.Series[0])
		out.Labels = append(out.Labels, in.ID)
	}
	return out, nil
}

// choose is IF(condition, value if it is not zero[, value otherwise]). Without the
// last, points whose condition is zero are left out.
func (e *Env) choose(c *call) (Value, error) {
	var vs [3]Value
	for i, a := range c.args {
		var err error
		if vs[i], err = e.eval(a); err != nil {
			return Value{}, err
		}
		if vs[i].Kind == Many {
			return Value{}, invalid("IF takes numbers and single metrics")
		}
	}
	otherwise := len(c.args) == 3
	if vs[0].Kind == Number {
		switch {
		case vs[0].Number != 0:
			return vs[1], nil
		case otherwise:
			return vs[2], nil
		}
		return Value{Kind: One, Series: []Series{{Period: e.period()}}}, nil
	}
	cond := vs[0].Series[0]
	out := Series{Period: cond.Period}
	for _, p := range cond.Points {
		from := vs[1]
		if p.Value == 0 {
			if !otherwise {
				continue
			}
			from = vs[2]
		}
		if f, ok := from.at(p.At); ok {
			out.Points = append(out.Points, Point{p.At, f})
		}
	}
	return Value{Kind: One, Series: []Series{out}}, nil
}

func (v Value) at(t clock.Instant) (float64, bool) {
	if v.Kind == Number {
		return v.Number, true
	}
	ps := v.Series[0].Points
	i, ok := slices.BinarySearchFunc(ps, t, func(p Point, t clock.Instant) int { return int(max(-1, min(1, int64(p.At)-int64(t)))) })
	if !ok {
		return 0, false
	}
	return ps[i].Value, true
}

func removeEmpty(v Value) Value {
	out := Value{Kind: v.Kind}
	for i, s := range v.Series {
		if len(s.Points) == 0 {
			continue
		}
		out.Series = append(out.Series, s)
		if v.Kind == Many {
			out.Labels = append(out.Labels, v.Labels[i])
		}
	}
	return out
}

// over is the functions of a point and the one before it.
func over(name string, s Series) Series {
	out := Series{Period: s.Period}
	var sum float64
	for i, p := range s.Points {
		if name == "RUNNING_SUM" {
			sum += p.Value
			out.Points = append(out.Points, Point{p.At, sum})
			continue
		}
		if i == 0 {
			continue
		}
		before := s.Points[i-1]
		v, seconds := p.Value-before.Value, p.At.Sub(before.At).Seconds()
		switch name {
		case "DIFF_TIME":
			v = seconds
		case "RATE":
			v /= seconds
		}
		out.Points = append(out.Points, Point{p.At, v})
	}
	return out
}

// period is the shortest of the inputs, a minute if there are none.
func (e *Env) period() int64 {
	var shortest int64
	for _, in := range e.Inputs {
		for _, s := range in.Value.Series {
			if s.Period > 0 && (shortest == 0 || s.Period < shortest) {
				shortest = s.Period
			}
		}
	}
	if shortest == 0 {
		return 60
	}
	return shortest
}

func (e *Env) constant(f float64, period int64) Series {
	s := Series{Period: period}
	for t := e.Start; t < e.End; t = t.Add(seconds(period)) {
		s.Points = append(s.Points, Point{t, f})
	}
	return s
}

func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }

// fill gives the points that a series has not: a number, another's, those before
// (REPEAT), or those on a line between their neighbours (LINEAR).
func (e *Env) fill(v Value, with node) (Value, error) {
	if t, ok := with.(text); ok && (t == "REPEAT" || t == "LINEAR") {
		return v.series(func(s Series) Series { return e.interpolate(s, t == "LINEAR") }), nil
	}
	f, err := e.eval(with)
	if err != nil {
		return Value{}, err
	}
	if f.Kind == Many {
		return Value{}, invalid("FILL takes a number, a metric, LINEAR or REPEAT")
	}
	return v.series(func(s Series) Series {
		have := Value{Kind: One, Series: []Series{s}}
		out := Series{Period: s.Period}
		for _, p := range e.constant(0, max(s.Period, 1)).Points {
			x, ok := have.at(p.At)
			if !ok {
				x, ok = f.at(p.At)
			}
			if ok {
				out.Points = append(out.Points, Point{p.At, x})
			}
		}
		return out
	}), nil
}

func (e *Env) interpolate(s Series, linear bool) Series {
	out := Series{Period: s.Period}
	for i, p := range s.Points {
		out.Points = append(out.Points, p)
		end, slope := e.End, 0.0
		if i+1 < len(s.Points) {
			next := s.Points[i+1]
			end = next.At
			if linear {
				slope = (next.Value - p.Value) / next.At.Sub(p.At).Seconds()
			}
		} else if linear {
			break
		}
		for t := p.At.Add(seconds(max(s.Period, 1))); t < end; t = t.Add(seconds(max(s.Period, 1))) {
			out.Points = append(out.Points, Point{t, p.Value + slope*t.Sub(p.At).Seconds()})
		}
	}
	return out
}

// aggregate makes a number of one series, and one series of an array.
func aggregate(name string, v Value) Value {
	if v.Kind == One {
		var all []float64
		for _, p := range v.Series[0].Points {
			all = append(all, p.Value)
		}
		return Value{Number: reduce(name, all)}
	}
	byTime := make(map[clock.Instant][]float64)
	out := Series{}
	for _, s := range v.Series {
		out.Period = max(out.Period, s.Period)
		for _, p := range s.Points {
			byTime[p.At] = append(byTime[p.At], p.Value)
		}
	}
	for t, fs := range byTime {
		out.Points = append(out.Points, Point{t, reduce(name, fs)})
	}
	slices.SortFunc(out.Points, func(a, b Point) int { return int(max(-1, min(1, int64(a.At)-int64(b.At)))) })
	return Value{Kind: One, Series: []Series{out}}
}

func reduce(name string, fs []float64) float64 {
	if name == "DATAPOINT_COUNT" {
		return float64(len(fs))
	}
	if len(fs) == 0 {
		return math.NaN()
	}
	var sum float64
	for _, f := range fs {
		sum += f
	}
	mean := sum / float64(len(fs))
	switch name {
	case "SUM":
		return sum
	case "MIN":
		return slices.Min(fs)
	case "MAX":
		return slices.Max(fs)
	case "STDDEV":
		var squares float64
		for _, f := range fs {
			squares += (f - mean) * (f - mean)
		}
		return math.Sqrt(squares / float64(len(fs)))
	}
	return mean
}
