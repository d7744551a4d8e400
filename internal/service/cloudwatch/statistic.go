package cloudwatch

import (
	"math"
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/record"
)

// statistic makes one number of observations: Average, p99.9, TM(10%:90%).
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
type statistic struct {
	name   string // one of the simple ones, or p, tm, tc, ts, wm, pr, iqm
	lo, hi float64
	values bool // the bounds are values, not percentages of observations
}

// parseStatistic reads a statistic's name.
func parseStatistic(name string) (statistic, bool) {
	switch name {
	case "SampleCount", "Average", "Sum", "Minimum", "Maximum":
		return statistic{name: name}, true
	}
	lower := strings.ToLower(name)
	if lower == "iqm" {
		return statistic{name: "tm", lo: 25, hi: 75}, true
	}
	i := strings.IndexAny(lower, "0123456789(")
	if i < 0 {
		return statistic{}, false
	}
	s := statistic{name: lower[:i], hi: 100}
	switch s.name {
	case "p", "tm", "tc", "ts", "wm", "pr":
	default:
		return statistic{}, false
	}
	rest := lower[i:]
	if rest[0] != '(' {
		ok := s.name != "pr" && s.bound(rest+"%", &s.hi)
		return s, ok && s.hi > 0
	}
	from, to, ok := strings.Cut(strings.TrimSuffix(rest[1:], ")"), ":")
	if !ok || !strings.HasSuffix(rest, ")") || s.name == "p" || from == "" && to == "" {
		return statistic{}, false
	}
	s.values = !strings.Contains(rest, "%")
	if s.values {
		s.lo, s.hi = math.Inf(-1), math.Inf(1)
	} else if s.name == "pr" {
		return statistic{}, false
	}
	if from != "" && !s.bound(from, &s.lo) || to != "" && !s.bound(to, &s.hi) || s.lo >= s.hi {
		return statistic{}, false
	}
	return s, true
}

// bound reads a percentage, or a value where bounds are values.
func (s *statistic) bound(text string, to *float64) bool {
	digits, percent := strings.CutSuffix(text, "%")
	if percent == s.values || strings.Trim(digits, "0123456789.-") != "" {
		return false
	}
	f, err := strconv.ParseFloat(digits, 64)
	*to = f
	return err == nil && (s.values || f >= 0 && f <= 100)
}

// extended reports whether it needs the distribution of the observations.
func (s statistic) extended() bool { return s.name[0] >= 'a' }

// of returns the statistic; false where there is none, because nothing was
// observed, or nothing is known of the distribution.
func (s statistic) of(st *record.Stat) (float64, bool) {
	if st.Count == 0 {
		return 0, false
	}
	switch s.name {
	case "SampleCount":
		return st.Count, true
	case "Average":
		return st.Average(), true
	case "Sum":
		return st.Sum, true
	case "Minimum":
		return st.Min, true
	case "Maximum":
		return st.Max, true
	}
	vs, ok := st.Distribution()
	if !ok {
		return 0, false
	}
	if s.name == "p" {
		return st.Percentile(s.hi), true
	}
	return s.within(vs, st.Count)
}

// within is the trimmed and the winsorized statistics, and the percentile rank.
// Of a trimmed one, observations on the lower bound do not count, those on the
// upper one do.
func (s statistic) within(vs []record.Value, total float64) (float64, bool) {
	var count, sum, first, last, below, above, passed float64
	for _, v := range vs {
		from, to := passed/total*100, (passed+v.Count)/total*100
		passed += v.Count
		n := v.Count
		if s.values {
			if v.Value <= s.lo {
				below += n
				n = 0
			} else if v.Value > s.hi {
				above += n
				n = 0
			}
		} else {
			below += max(0, min(to, s.lo)-from) / 100 * total
			above += max(0, to-max(from, s.hi)) / 100 * total
			n = max(0, min(to, s.hi)-max(from, s.lo)) / 100 * total
		}
		if n <= 0 {
			continue
		}
		if count == 0 {
			first = v.Value
		}
		last = v.Value
		count += n
		sum += n * v.Value
	}
	switch s.name {
	case "tc":
		return count, true
	case "ts":
		return sum, true
	case "pr":
		return count / total * 100, true
	}
	if count == 0 {
		return 0, false
	}
	if s.name == "wm" {
		if s.values {
			first, last = max(first, s.lo), min(last, s.hi)
		}
		return (sum + below*first + above*last) / total, true
	}
	return sum / count, true
}
