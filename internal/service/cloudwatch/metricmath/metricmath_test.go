package metricmath

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/clock"
)

// series makes one with a point each minute; NaN is a gap.
func series(vs ...float64) Value {
	s := Series{Period: 60}
	for i, v := range vs {
		if !math.IsNaN(v) {
			s.Points = append(s.Points, Point{clock.Unix(int64(60*i), 0), v})
		}
	}
	return Value{Kind: One, Series: []Series{s}}
}

func env() *Env {
	gap := math.NaN()
	return &Env{Start: clock.Unix(0, 0), End: clock.Unix(240, 0), Inputs: []Input{
		{"m1", series(1, 2, 3, 4), true}, {"m2", series(10, gap, 30, gap), true}, {"zero", series(0, 1, 0, 1), false}, {"empty", series(), true},
	}}
}

func show(v Value) string {
	if v.Kind == Number {
		return fmt.Sprint(v.Number)
	}
	var parts []string
	for _, s := range v.Series {
		var ps []string
		for _, p := range s.Points {
			ps = append(ps, fmt.Sprintf("%d:%v", p.At.Sub(clock.Unix(0, 0))/60e9, p.Value))
		}
		parts = append(parts, "["+strings.Join(ps, " ")+"]")
	}
	return strings.Join(parts, " ")
}

// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
func TestExpressions(t *testing.T) {
	for in, want := range map[string]string{
		"1 + 2 * 3":                             "7",
		"-2 ^ 2":                                "-4",
		"2 ^ 3 ^ 2":                             "512",
		"(1 + 2) * 3 - 4 / 2":                   "7",
		"m1 + m2":                               "[0:11 2:33]",
		"m1 * 100":                              "[0:100 1:200 2:300 3:400]",
		"100 - m1":                              "[0:99 1:98 2:97 3:96]",
		"m1 / zero":                             "[1:2 3:4]",
		"m1 > 2":                                "[0:0 1:0 2:1 3:1]",
		"m1 >= 2 AND m1 < 4":                    "[0:0 1:1 2:1 3:0]",
		"m1 == 1 || m1 == 4":                    "[0:1 1:0 2:0 3:1]",
		"IF(m1 > 2, m1, 0)":                     "[0:0 1:0 2:3 3:4]",
		"IF(m1 > 2, m1)":                        "[2:3 3:4]",
		"IF(zero, m2, m1)":                      "[0:1 2:3]",
		"IF(1, 5, 6)":                           "5",
		"SUM(METRICS())":                        "[0:11 1:2 2:33 3:4]",
		`AVG(METRICS("m"))`:                     "[0:5.5 1:2 2:16.5 3:4]",
		`MAX(METRICS("m")) - MIN(METRICS("m"))`: "[0:9 1:0 2:27 3:0]",
		"SUM(m1)":                               "10",
		"AVG(m1)":                               "2.5",
		"m1 / MAX(m1)":                          "[0:0.25 1:0.5 2:0.75 3:1]",
		"METRIC_COUNT(METRICS())":               "3",
		"METRIC_COUNT(REMOVE_EMPTY(METRICS()))": "2",
		"DATAPOINT_COUNT(m2)":                   "2",
		"FILL(m2, 0)":                           "[0:10 1:0 2:30 3:0]",
		"FILL(m2, REPEAT)":                      "[0:10 1:10 2:30 3:30]",
		"FILL(m2, LINEAR)":                      "[0:10 1:20 2:30]",
		"FILL(m2, m1)":                          "[0:10 1:2 2:30 3:4]",
		"FILL(empty, 7)":                        "[0:7 1:7 2:7 3:7]",
		"RATE(m1) * 60":                         "[1:1 2:1 3:1]",
		"DIFF(m2)":                              "[2:20]",
		"DIFF_TIME(m2)":                         "[2:120]",
		"RUNNING_SUM(m1)":                       "[0:1 1:3 2:6 3:10]",
		"PERIOD(m1)":                            "60",
		"m1 / PERIOD(m1)":                       "[0:0.016666666666666666 1:0.03333333333333333 2:0.05 3:0.06666666666666667]",
		"ABS(-3) + CEIL(1.2) + FLOOR(1.8)":      "6",
		"LOG10(1e3)":                            "3",
		"STDDEV(m1)":                            "1.118033988749895",
		"TIME_SERIES(2)":                        "[0:2 1:2 2:2 3:2]",
		"LAST(METRICS(\"m\")) + 1":              "[]",
		"METRICS() * 2":                         "[0:2 1:4 2:6 3:8] [0:20 2:60] []",
	} {
		e, err := Parse(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		v, err := e.Eval(env())
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got := show(v); got != want {
			t.Errorf("%s = %s, want %s", in, got, want)
		}
	}
}

func TestRefused(t *testing.T) {
	for in, want := range map[string]string{
		"":                              "it ends",
		"m1 +":                          "it ends",
		"m1 m2":                         `unexpected "m2"`,
		"(m1":                           "is expected",
		"m9":                            "no metric or expression with the id m9",
		"FOO(m1)":                       "there is no function FOO",
		"SEARCH('{AWS/Lambda}', 'Sum')": "SEARCH is a function that nube does not offer",
		"ANOMALY_DETECTION_BAND(m1)":    "ANOMALY_DETECTION_BAND is a function that nube does not offer",
		"FILL(m1)":                      "FILL does not take 1 arguments",
		"SUM(3)":                        "SUM takes a metric",
		"RATE":                          "stands where a number",
		"'x":                            "closing quotation mark",
		"1.2.3":                         "not a number",
		strings.Repeat("(", 200) + "1":  "deeper",
		strings.Repeat("-", 200) + "1":  "deeper",
		"1" + strings.Repeat("^2", 200): "deeper",
	} {
		e, err := Parse(in)
		if err == nil {
			_, err = e.Eval(env())
		}
		if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %v, want something with %q", in, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, in := range []string{"m1 / m2 * 100", "IF(m1 > 5, m1, 0)", `SUM(METRICS("m"))`, "FILL(m2, LINEAR)", "-2^-3e-2", "m1 AND (m2 OR zero)", "(((", "RATE(", "FILL(m1,"} {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		e, err := Parse(in)
		if err != nil {
			return
		}
		e.Refs()
		if v, err := e.Eval(env()); err == nil {
			for _, s := range v.Series {
				for i, p := range s.Points {
					if i > 0 && p.At <= s.Points[i-1].At {
						t.Fatalf("%q: points are not in order: %v", in, s.Points)
					}
				}
			}
		}
	})
}
