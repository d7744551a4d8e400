package cloudwatch

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
)

// point is what is known of one period.
type point uint8

const (
	absent point = iota
	within
	breaching
)

// spare is how many periods more than it compares an alarm looks at, to find points
// in the place of those that are missing.
const spare = 2

// verdictOf is the state of an alarm by its points, the newest last: M of the last
// N breach. Where points are missing, older ones of the evaluation range stand in
// their place; if there are not enough, the others are treated as the alarm says.
// It is empty where the state stays.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
func verdictOf(points []point, n, m int, treat string) string {
	real, breaches, oldest := 0, 0, 0 // oldest: how far back the oldest breach is, from 1
	for i := len(points) - 1; i >= 0 && real < n; i-- {
		switch points[i] {
		case within:
			real++
		case breaching:
			real++
			breaches++
			oldest = len(points) - i
		}
	}
	gaps := n - real
	switch {
	case breaches >= m:
		return stateAlarm
	case gaps == 0:
		return stateOK
	}
	switch treat {
	case "breaching":
		if breaches+gaps >= m {
			return stateAlarm
		}
		return stateOK
	case "notBreaching":
		return stateOK
	case "ignore":
		if real > breaches {
			return stateOK
		}
		return ""
	}
	switch {
	case real == 0:
		return stateInsufficient
	case real > breaches:
		return stateOK
	case oldest >= m:
		return stateAlarm
	}
	return "" // the next point may tell
}

// verdict is a state and why.
type verdict struct {
	state, reason, data string
}

// sample is a point of what an alarm watches.
type sample struct {
	at    clock.Instant
	value float64
	count float64 // of observations; 0 of an expression
}

// evaluate finds the state of a metric alarm; none where it stays.
func (s *Service) evaluate(ctx context.Context, c keyspace.Cell, row *alarmRow, now clock.Instant) (verdict, error) {
	m := row.Metric
	period := m.period()
	end := floor(now, m.tick())
	slots := int(m.Periods) + spare
	start := end.Add(-time.Duration(slots) * period)
	samples, err := s.watched(ctx, c, m, start, end)
	if err != nil {
		return verdict{}, err
	}
	points := make([]point, slots)
	for _, p := range samples {
		i := int(p.at.Sub(start) / period)
		if i < 0 || i >= slots || m.lowSamples(p) {
			continue
		}
		points[i] = within
		if m.breaches(p.value) {
			points[i] = breaching
		}
	}
	treat := m.Missing
	if m.Namespace == "AWS/DynamoDB" && treat == "" {
		treat = "ignore"
	}
	state := verdictOf(points, int(m.Periods), int(m.Points), treat)
	if state == "" || state == row.State {
		return verdict{}, nil
	}
	return m.explain(state, points, samples, start, now), nil
}

// watched reads what an alarm watches.
func (s *Service) watched(ctx context.Context, c keyspace.Cell, m *metricRow, start, end clock.Instant) ([]sample, error) {
	var out []sample
	if len(m.Queries) > 0 {
		q, err := s.compile(scopeOf(c), m.Queries)
		if err != nil {
			return nil, err
		}
		results, err := q.run(ctx, start, end)
		if err != nil {
			return nil, err
		}
		if len(results) != 1 {
			return nil, validation("The expression returns %d metrics; an alarm watches one.", len(results))
		}
		for _, p := range results[0].series.Points {
			out = append(out, sample{p.At, p.Value, 0})
		}
		return out, nil
	}
	st, _ := parseStatistic(m.Statistic)
	found, err := s.read(ctx, &selection{
		scope: scopeOf(c), namespace: m.Namespace, name: m.Name, dims: sorted(m.Dimensions), unit: m.Unit, period: m.period(), start: start, end: end,
	}, false)
	if err != nil {
		return nil, err
	}
	for i := range found {
		if v, ok := st.of(&found[i].stat); ok {
			out = append(out, sample{found[i].at, v, found[i].stat.Count})
		}
	}
	return out, nil
}

// lowSamples reports whether a percentile has too few observations to mean
// something, and the alarm is to pass it over: fewer than 10/(1-p) of a percentile
// p above the median, and 10/p below.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/percentiles-with-low-samples.html
func (m *metricRow) lowSamples(p sample) bool {
	if m.LowSamples != "ignore" || len(m.Queries) > 0 {
		return false
	}
	st, _ := parseStatistic(m.Statistic)
	if st.name != "p" {
		return false
	}
	share := st.hi / 100
	if share >= 0.5 {
		share = 1 - share
	}
	return p.count*share < 10-1e-9 // 0.1 is not 1-0.9
}

func (m *metricRow) breaches(v float64) bool {
	switch m.Operator {
	case "GreaterThanThreshold":
		return v > m.Threshold
	case "GreaterThanOrEqualToThreshold":
		return v >= m.Threshold
	case "LessThanThreshold":
		return v < m.Threshold
	default:
		return v <= m.Threshold
	}
}

// explain says why an alarm changes, in CloudWatch's sentences.
func (m *metricRow) explain(state string, points []point, samples []sample, start, now clock.Instant) verdict {
	n := int(m.Periods)
	last := points[len(points)-n:]
	gaps := 0
	for _, p := range last {
		if p == absent {
			gaps++
		}
	}
	if state == stateInsufficient {
		return verdict{state: state, reason: "Insufficient Data: " + count(gaps, "datapoint was", "datapoints were") + " unknown.", data: m.data(nil, now)}
	}
	var some, all []sample
	for i := len(samples) - 1; i >= 0 && len(all) < n; i-- {
		all = append(all, samples[i])
		if m.breaches(samples[i].value) == (state == stateAlarm) {
			some = append(some, samples[i])
		}
	}
	if len(all) == 0 {
		treated := "NonBreaching"
		if state == stateAlarm {
			treated = "Breaching"
		}
		reason := fmt.Sprintf("Threshold Crossed: no datapoints were received for %s and %s treated as [%s].",
			count(n, "period", "periods"), count(gaps, "missing datapoint was", "missing datapoints were"), treated)
		return verdict{state: state, reason: reason, data: m.data(nil, now)}
	}
	var texts []string
	for _, p := range some {
		texts = append(texts, decimal(p.value)+" ("+p.at.Time().Format("02/01/06 15:04:05")+")")
	}
	verb, least, change := "was", int(m.Points), "OK -> ALARM"
	if len(some) > 1 {
		verb = "were"
	}
	if state == stateOK {
		verb, least, change = verb+" not", n-int(m.Points)+1, "ALARM -> OK"
	}
	reason := fmt.Sprintf("Threshold Crossed: %d out of the last %s [%s] %s %s the threshold (%s) (minimum %s for %s transition).",
		len(some), count(len(all), "datapoint", "datapoints"), strings.Join(texts, ", "), verb, m.comparison(), decimal(m.Threshold), count(least, "datapoint", "datapoints"), change)
	return verdict{state: state, reason: reason, data: m.data(all, now)}
}

func (m *metricRow) comparison() string {
	switch m.Operator {
	case "GreaterThanThreshold":
		return "greater than"
	case "GreaterThanOrEqualToThreshold":
		return "greater than or equal to"
	case "LessThanThreshold":
		return "less than"
	default:
		return "less than or equal to"
	}
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// decimal is a number as CloudWatch writes it, with a fraction always.
func decimal(v float64) string {
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// stamp is a time as alarms write it.
func stamp(t clock.Instant) string { return t.Time().Format("2006-01-02T15:04:05.000-0700") }

// data is StateReasonData: the points, the newest last.
func (m *metricRow) data(newestFirst []sample, now clock.Instant) string {
	type evaluated struct {
		Timestamp string   `json:"timestamp"`
		Count     *float64 `json:"sampleCount,omitempty"`
		Value     float64  `json:"value"`
	}
	out := struct {
		Version   string      `json:"version"`
		Query     string      `json:"queryDate"`
		Start     string      `json:"startDate,omitempty"`
		Statistic string      `json:"statistic,omitempty"`
		Period    int         `json:"period"`
		Recent    []float64   `json:"recentDatapoints"`
		Threshold float64     `json:"threshold"`
		Evaluated []evaluated `json:"evaluatedDatapoints,omitempty"`
	}{Version: "1.0", Query: stamp(now), Statistic: m.Statistic, Period: int(m.period().Seconds()), Recent: []float64{}, Threshold: m.Threshold}
	for _, p := range newestFirst {
		out.Recent = append([]float64{p.value}, out.Recent...)
		e := evaluated{Timestamp: stamp(p.at), Value: p.value}
		if p.count > 0 {
			e.Count = ptr(p.count)
		}
		out.Evaluated = append(out.Evaluated, e)
		out.Start = stamp(p.at)
	}
	b, _ := json.Marshal(out) // numbers of metrics are finite
	return string(b)
}
