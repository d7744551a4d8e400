package cloudwatch

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/cloudwatch"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
)

// TestLayout holds keys and rows to what is written down: stores of today are
// opened by the programs of tomorrow.
func TestLayout(t *testing.T) {
	sp := spaceOf(home)
	at := clock.Unix(noon, 0)
	var out strings.Builder
	for _, k := range []kv.Key{sp.alarm("a"), sp.history("a"), sp.dashboard("d")} {
		fmt.Fprintf(&out, "%s\n%x\n", k, []byte(k))
	}
	stat := shapes.MetricStat{Metric: &shapes.Metric{Namespace: ptr("N"), MetricName: ptr("m")}, Period: ptr(int32(60)), Stat: ptr("Sum"), Unit: ptr("Count")}
	for _, row := range []any{
		alarmRow{
			Description: "d", Disabled: true, OK: []string{"o"}, Alarm: []string{"a"}, Insufficient: []string{"i"}, Tags: map[string]string{"k": "v"}, Configured: at,
			State: stateOK, Reason: "r", ReasonData: "{}", Updated: at, Transitioned: at,
			Metric: &metricRow{
				Namespace: "N", Name: "m", Dimensions: []shapes.Dimension{{Name: ptr("n"), Value: ptr("v")}}, Statistic: "p99", Period: 60, Unit: ptr("Count"),
				Periods: 3, Points: 2, Threshold: 1.5, Operator: "GreaterThanThreshold", Missing: "ignore", LowSamples: "evaluate",
				Queries: []shapes.MetricDataQuery{{Id: ptr("m1"), MetricStat: &stat, Expression: ptr("e"), Label: ptr("l"), ReturnData: ptr(true), Period: ptr(int32(60)), AccountId: ptr("1")}},
			},
		},
		alarmRow{State: stateAlarm, Composite: &compositeRow{
			Rule: "ALARM(a)", Suppressor: "s", Wait: 1, Extension: 2, Pending: stateAlarm, PendingSince: at, PendingOld: stateOK, SuppressedBy: byWait, SuppressedWhy: "w", SuppressorOn: true, SuppressorWas: at,
		}},
		historyRow{At: at, Item: "StateUpdate", Summary: "s", Composite: true, Data: "{}"}, dashboardRow{Body: "{}", Modified: at},
	} {
		b, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%T %s\n", row, b)
	}
	const path = "testdata/layout.golden"
	if *update {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
