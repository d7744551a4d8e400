package cloudwatch

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// missingRow is a row of the documentation's tables: what the state is for each way to
// treat missing data, M of N. Of the points, the newest last, 0 does not breach, X
// breaches, and - is missing.
type missingRow struct {
	points                                   string
	n, m                                     int
	missing, ignore, breaching, notBreaching string
}

// treated is the row's column for a way to treat missing data.
func (r *missingRow) treated(treat string) string {
	switch treat {
	case "ignore":
		return r.ignore
	case "breaching":
		return r.breaching
	case "notBreaching":
		return r.notBreaching
	}
	return r.missing
}

// missingRows are both tables, and what the text says of the last rows of either.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
func missingRows() []missingRow {
	const ok, alarm, unknown, stays = stateOK, stateAlarm, stateInsufficient, ""
	return []missingRow{
		{"0-X-X", 3, 3, ok, ok, ok, ok},
		{"0----", 3, 3, ok, ok, ok, ok},
		{"-----", 3, 3, unknown, stays, alarm, ok},
		{"0XX-X", 3, 3, alarm, alarm, alarm, alarm},
		{"--X--", 3, 3, alarm, stays, alarm, ok},

		{"0-X-X", 3, 2, alarm, alarm, alarm, alarm},
		{"00X0X", 3, 2, alarm, alarm, alarm, alarm},
		{"0-X--", 3, 2, ok, ok, alarm, ok},
		{"----0", 3, 2, ok, ok, alarm, ok},
		{"---X-", 3, 2, alarm, stays, alarm, ok},

		// Avoiding premature transitions to the alarm state: the next point may not
		// breach.
		{"----X", 3, 3, stays, stays, alarm, ok},
		{"---X-", 3, 3, stays, stays, alarm, ok},
		{"---X0", 3, 3, ok, ok, ok, ok},
		{"--X-0", 3, 3, ok, ok, ok, ok},
		{"----X", 3, 2, stays, stays, alarm, ok},

		// The evaluation range is of five points also where all are there.
		{"XXX00", 3, 2, ok, ok, ok, ok},
		{"XXX0X", 3, 2, alarm, alarm, alarm, alarm},
	}
}

func TestMissingData(t *testing.T) {
	// One of one looks back as well, and an empty name is the default.
	const ok, alarm = stateOK, stateAlarm
	rows := append(missingRows(),
		missingRow{"--X", 1, 1, alarm, alarm, alarm, alarm}, missingRow{"X--", 1, 1, alarm, alarm, alarm, alarm}, missingRow{"X0-", 1, 1, ok, ok, ok, ok})
	for _, row := range rows {
		points := make([]point, len(row.points))
		for i, c := range row.points {
			points[i] = map[rune]point{'0': within, 'X': breaching, '-': absent}[c]
		}
		for _, treat := range []string{"", "missing", "ignore", "breaching", "notBreaching"} {
			if got, want := verdictOf(points, row.n, row.m, treat), row.treated(treat); got != want {
				t.Errorf("%s, %d of %d, missing points %q: %q, want %q", row.points, row.m, row.n, treat, got, want)
			}
		}
	}
}

// The tables once more, of metrics that were put before the alarms: the evaluation
// range, the periods and the states that stay are those of the service.
func TestMissingDataOfAlarms(t *testing.T) {
	const periods = 5
	for _, period := range []time.Duration{time.Minute, 5 * time.Minute} {
		b := newBed(t)
		b.advance((periods - 1) * period)
		now := b.clock.Now()
		check := make(map[string]string)
		for i, row := range missingRows() {
			metric := fmt.Sprintf("m%d", i)
			for k, c := range row.points {
				if c != '-' {
					at := now.Add(time.Duration(k-periods+1) * period)
					b.do("PutMetricData", fmt.Sprintf(`{"Namespace":"App","MetricData":[{"MetricName":%q,"Value":%d,"Timestamp":%d}]}`, metric, strings.IndexRune("0X", c), at.Unix()), nil)
				}
			}
			for _, treat := range []string{"missing", "ignore", "breaching", "notBreaching"} {
				for _, before := range []string{stateOK, stateAlarm} {
					name := fmt.Sprintf("%s, %d of %d, %s, %s before", row.points, row.m, row.n, treat, before)
					b.do("PutMetricAlarm", fmt.Sprintf(`{"AlarmName":%q,"MetricName":%q,"Namespace":"App","Statistic":"Maximum","Period":%d,"EvaluationPeriods":%d,"DatapointsToAlarm":%d,
						"Threshold":0,"ComparisonOperator":"GreaterThanThreshold","TreatMissingData":%q}`, name, metric, int(period.Seconds()), row.n, row.m, treat), nil)
					b.do("SetAlarmState", fmt.Sprintf(`{"AlarmName":%q,"StateValue":%q,"StateReason":"as it was"}`, name, before), nil)
					if check[name] = row.treated(treat); check[name] == "" {
						check[name] = before
					}
				}
			}
		}
		// Of five minutes an alarm is evaluated each minute, and looks at the last five
		// minutes then: the state that counts is that at the end of the period.
		b.advance(period)
		var out struct {
			MetricAlarms []struct{ AlarmName, StateValue, StateReason string }
			NextToken    string
		}
		for more := true; more; more = out.NextToken != "" {
			token := out.NextToken
			out.MetricAlarms, out.NextToken = nil, ""
			b.do("DescribeAlarms", fmt.Sprintf(`{"MaxRecords":100,"NextToken":%q}`, token), &out)
			for _, a := range out.MetricAlarms {
				if a.StateValue != check[a.AlarmName] {
					t.Errorf("%v: %s: %s, want %s: %s", period, a.AlarmName, a.StateValue, check[a.AlarmName], a.StateReason)
				}
				delete(check, a.AlarmName)
			}
		}
		if len(check) > 0 {
			t.Errorf("%v: not described: %v", period, check)
		}
	}
}
