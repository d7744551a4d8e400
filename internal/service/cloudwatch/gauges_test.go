package cloudwatch

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/record"
)

// tank is a gauge: its level is known when somebody looks.
type tank struct {
	metrics *record.Metrics
	clock   *clock.Model
	level   float64
	told    clock.Instant // up to when
	asked   []string
}

func (t *tank) Look(_ context.Context, scope arn.Scope, namespace, name string, dims []record.Attr) error {
	t.asked = append(t.asked, fmt.Sprint(scope.Region, " ", namespace, " ", name, " ", dims))
	of := record.Metric{Account: scope.Account, Region: scope.Region, Namespace: "AWS/SQS", Name: "Level", Unit: "Count", Dims: []record.Attr{{Key: "QueueName", Value: "q"}}}
	for end := floor(t.clock.Now(), time.Minute); t.told < end; t.told = t.told.Add(time.Minute) {
		t.metrics.Series(of).Observe(t.told, t.level)
	}
	return nil
}

// Who reads, lists or watches metrics has gauges measured before, and nobody else.
func TestGauges(t *testing.T) {
	b := newBed(t)
	g := &tank{metrics: b.rec.Metrics, clock: b.clock, level: 3, told: b.clock.Now()}
	b.s.Gauges = g
	b.advance(3 * time.Minute)
	if len(g.asked) > 0 {
		t.Fatalf("nobody asks, but %q", g.asked)
	}
	asks := func(what, want string) {
		t.Helper()
		if got := strings.Join(g.asked, "; "); got != want {
			t.Errorf("%s asks for %q, want %q", what, got, want)
		}
		g.asked = nil
	}
	if got := b.try("ListMetrics", `{"Namespace":"AWS/SQS"}`); !strings.Contains(got, `"Level"`) {
		t.Error(got)
	}
	asks("ListMetrics", "us-east-1 AWS/SQS  []")
	var out struct {
		Datapoints []struct{ Timestamp, SampleCount, Sum float64 }
	}
	b.do("GetMetricStatistics", fmt.Sprintf(`{"Namespace":"AWS/SQS","MetricName":"Level","Dimensions":[{"Name":"QueueName","Value":"q"}],"Period":60,"Statistics":["Sum","SampleCount"],
		"StartTime":%d,"EndTime":%d}`, noon, noon+600), &out)
	asks("GetMetricStatistics", "us-east-1 AWS/SQS Level [{QueueName q}]")
	if len(out.Datapoints) != 3 {
		t.Errorf("points %v", out.Datapoints)
	}
	for _, p := range out.Datapoints {
		if p.Sum != 3 || p.SampleCount != 1 {
			t.Errorf("point %+v", p)
		}
	}

	// An alarm is evaluated with the minute that has just ended.
	b.do("PutMetricAlarm", `{"AlarmName":"full","MetricName":"Level","Namespace":"AWS/SQS","Dimensions":[{"Name":"QueueName","Value":"q"}],"Statistic":"Maximum","Period":60,
		"EvaluationPeriods":1,"Threshold":5,"ComparisonOperator":"GreaterThanThreshold"}`, nil)
	b.advance(time.Minute)
	if s, why := b.state("full"); s != stateOK {
		t.Errorf("%s: %s", s, why)
	}
	g.level = 6
	b.advance(time.Minute)
	if s, why := b.state("full"); s != stateAlarm || !strings.Contains(why, "[6.0 (01/03/26 12:04:00)]") {
		t.Errorf("%s: %s", s, why)
	}
}
