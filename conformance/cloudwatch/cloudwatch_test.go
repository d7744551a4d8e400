// Package cloudwatch holds CloudWatch's documentation to a server, through AWS's own SDK. Each case cites its page.
package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"

	"github.com/nube-run/nube/conformance/target"
)

func TestMain(m *testing.M) { os.Exit(target.Main(m)) }

// suite is a client and a name space of its own.
type suite struct {
	*testing.T
	*cloudwatch.Client
	ctx       context.Context
	namespace *string
}

func open(t *testing.T) *suite {
	return &suite{T: t, Client: cloudwatch.NewFromConfig(target.Config()), ctx: t.Context(), namespace: aws.String(target.Name())}
}

// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
func TestMetrics(t *testing.T) {
	x := open(t)
	at := time.Now().Add(-2 * time.Minute).Truncate(time.Minute)
	var data []types.MetricDatum
	data = append(data, types.MetricDatum{
		MetricName: aws.String("ms"), Values: []float64{10, 20, 90}, Counts: []float64{1, 2, 1}, Unit: types.StandardUnitMilliseconds, Timestamp: &at,
		Dimensions: []types.Dimension{{Name: aws.String("fn"), Value: aws.String("f")}},
	})
	// Large enough that the SDK compresses it.
	for i := range 300 {
		data = append(data, types.MetricDatum{MetricName: aws.String(fmt.Sprintf("filler-%d", i)), Value: aws.Float64(float64(i)), Timestamp: &at})
	}
	_, err := x.PutMetricData(x.ctx, &cloudwatch.PutMetricDataInput{Namespace: x.namespace, MetricData: data})
	target.Must(t, err)
	stat := func(id, stat string) types.MetricDataQuery {
		return types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{
			Metric: &types.Metric{Namespace: x.namespace, MetricName: aws.String("ms"), Dimensions: []types.Dimension{{Name: aws.String("fn"), Value: aws.String("f")}}},
			Period: aws.Int32(60), Stat: &stat,
		}}
	}
	want := map[string]float64{"sum": 140, "avg": 35, "n": 4, "max": 90, "p50": 20, "ratio": 4}
	target.Eventually(x, "the datapoints", func() bool {
		out, err := x.GetMetricData(x.ctx, &cloudwatch.GetMetricDataInput{
			StartTime: aws.Time(at.Add(-time.Minute)), EndTime: aws.Time(at.Add(2 * time.Minute)),
			MetricDataQueries: []types.MetricDataQuery{
				stat("sum", "Sum"), stat("avg", "Average"), stat("n", "SampleCount"), stat("max", "Maximum"), stat("p50", "p50"),
				{Id: aws.String("ratio"), Expression: aws.String("sum / avg")},
			},
		})
		target.Must(t, err)
		for _, r := range out.MetricDataResults {
			if len(r.Values) != 1 {
				return false
			}
			if w := want[*r.Id]; math.Abs(r.Values[0]-w) > 0.01*w || !r.Timestamps[0].Equal(at) {
				t.Errorf("%s is %v at %v, want %v at %v", *r.Id, r.Values[0], r.Timestamps[0], w, at)
			}
		}
		return len(out.MetricDataResults) == len(want)
	})
	st, err := x.GetMetricStatistics(x.ctx, &cloudwatch.GetMetricStatisticsInput{
		Namespace: x.namespace, MetricName: aws.String("filler-7"), StartTime: &at, EndTime: aws.Time(at.Add(time.Minute)), Period: aws.Int32(60),
		Statistics: []types.Statistic{types.StatisticSum},
	})
	target.Must(t, err)
	if len(st.Datapoints) != 1 || *st.Datapoints[0].Sum != 7 {
		t.Errorf("statistics %+v", st.Datapoints)
	}
	target.Eventually(x, "the list", func() bool {
		list, err := x.ListMetrics(x.ctx, &cloudwatch.ListMetricsInput{Namespace: x.namespace, MetricName: aws.String("ms")})
		target.Must(t, err)
		return len(list.Metrics) == 1 && *list.Metrics[0].Dimensions[0].Value == "f"
	})
}

// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html#API_PutMetricData_Errors
func TestErrors(t *testing.T) {
	x := open(t)
	_, err := x.PutMetricData(x.ctx, &cloudwatch.PutMetricDataInput{Namespace: x.namespace, MetricData: []types.MetricDatum{{MetricName: aws.String("m"), Value: aws.Float64(math.NaN())}}})
	var invalid *types.InvalidParameterValueException
	if !errors.As(err, &invalid) {
		t.Errorf("a value that is no number: %v", err)
	}
	_, err = x.SetAlarmState(x.ctx, &cloudwatch.SetAlarmStateInput{AlarmName: x.namespace, StateValue: types.StateValueOk, StateReason: aws.String("x")})
	var missing *types.ResourceNotFound
	if !errors.As(err, &missing) {
		t.Errorf("an alarm that there is not: %v", err)
	}
	var coded smithy.APIError
	if errors.As(err, &coded) && coded.ErrorCode() != "ResourceNotFound" {
		t.Errorf("its code is %s", coded.ErrorCode())
	}
}

// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
func TestAlarms(t *testing.T) {
	x := open(t)
	name := x.namespace
	_, err := x.PutMetricAlarm(x.ctx, &cloudwatch.PutMetricAlarmInput{
		AlarmName: name, Namespace: x.namespace, MetricName: aws.String("m"), ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold,
		EvaluationPeriods: aws.Int32(1), Period: aws.Int32(60), Statistic: types.StatisticSum, Threshold: aws.Float64(1), Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
	})
	target.Must(t, err)
	t.Cleanup(func() {
		if _, err := x.DeleteAlarms(context.Background(), &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{*name}}); err != nil {
			t.Errorf("cleaning up: %v", err)
		}
	})
	_, err = x.SetAlarmState(x.ctx, &cloudwatch.SetAlarmStateInput{AlarmName: name, StateValue: types.StateValueAlarm, StateReason: aws.String("testing")})
	target.Must(t, err)
	out, err := x.DescribeAlarms(x.ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{*name}})
	target.Must(t, err)
	if len(out.MetricAlarms) != 1 {
		t.Fatalf("%d alarms", len(out.MetricAlarms))
	}
	a := out.MetricAlarms[0]
	if a.StateValue != types.StateValueAlarm || *a.StateReason != "testing" || *a.Threshold != 1 || a.StateUpdatedTimestamp == nil || !*a.ActionsEnabled {
		t.Errorf("%+v", a)
	}
	tags, err := x.ListTagsForResource(x.ctx, &cloudwatch.ListTagsForResourceInput{ResourceARN: a.AlarmArn})
	target.Must(t, err)
	if len(tags.Tags) != 1 || *tags.Tags[0].Value != "v" {
		t.Errorf("tags %+v", tags.Tags)
	}
	target.Eventually(x, "the history", func() bool {
		h, err := x.DescribeAlarmHistory(x.ctx, &cloudwatch.DescribeAlarmHistoryInput{AlarmName: name, HistoryItemType: types.HistoryItemTypeStateUpdate})
		target.Must(t, err)
		return len(h.AlarmHistoryItems) > 0
	})
}

// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetDashboard.html
func TestDashboards(t *testing.T) {
	x := open(t)
	_, err := x.GetDashboard(x.ctx, &cloudwatch.GetDashboardInput{DashboardName: x.namespace})
	var missing *types.DashboardNotFoundError
	if !errors.As(err, &missing) {
		t.Errorf("a dashboard that there is not: %v", err)
	}
	_, err = x.PutDashboard(x.ctx, &cloudwatch.PutDashboardInput{DashboardName: x.namespace, DashboardBody: aws.String(`{"widgets":[{}]}`)})
	var invalid *types.DashboardInvalidInputError
	if !errors.As(err, &invalid) || len(invalid.DashboardValidationMessages) == 0 {
		t.Errorf("a widget without a type: %v", err)
	}
}
