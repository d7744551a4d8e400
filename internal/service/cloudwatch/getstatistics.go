package cloudwatch

import (
	"context"
	"fmt"
	"time"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/cloudwatch"
)

// maxDatapoints is what one call of GetMetricStatistics returns.
const maxDatapoints = 1440

func (s *Service) getMetricStatistics(ctx context.Context, in *shapes.GetMetricStatisticsInput) (*shapes.GetMetricStatisticsOutput, error) {
	if in.Statistics == nil && in.ExtendedStatistics == nil {
		return nil, missing("Must specify either Statistics or ExtendedStatistics")
	}
	if !validPeriod(*in.Period) {
		return nil, validation("The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60, not %d", *in.Period)
	}
	if *in.StartTime >= *in.EndTime {
		return nil, validation("The parameter StartTime must be less than the parameter EndTime.")
	}
	var stats []statistic
	for _, name := range append(append([]string(nil), in.Statistics...), in.ExtendedStatistics...) {
		st, ok := parseStatistic(name)
		if !ok {
			return nil, invalid("The value %s for parameter ExtendedStatistics is not supported.", name)
		}
		stats = append(stats, st)
	}
	period := time.Duration(*in.Period) * time.Second
	if n := in.EndTime.Sub(*in.StartTime) / period; n > maxDatapoints {
		return nil, combination("You have requested up to %d datapoints, which exceeds the limit of %d. You may reduce the datapoints requested by increasing Period, or decreasing the time range.", int64(n), maxDatapoints)
	}
	sel := &selection{
		scope: awsapi.From(ctx).Scope, namespace: *in.Namespace, name: *in.MetricName, dims: sorted(in.Dimensions), unit: in.Unit, period: period,
		start: s.aligned(*in.StartTime, period), end: *in.EndTime,
	}
	found, err := s.read(ctx, sel, true)
	if err != nil {
		return nil, err
	}
	out := &shapes.GetMetricStatisticsOutput{Label: in.MetricName, Datapoints: []shapes.Datapoint{}}
	for i := range found {
		p := &found[i]
		d := shapes.Datapoint{Timestamp: &p.at, Unit: ptr(p.unit)}
		if p.unit == "" {
			d.Unit = ptr(noUnit)
		}
		some := false
		for k, st := range stats {
			v, ok := st.of(&p.stat)
			if !ok {
				continue
			}
			some = true
			name := ""
			if k >= len(in.Statistics) {
				name = in.ExtendedStatistics[k-len(in.Statistics)]
			}
			setDatapoint(&d, st, name, v)
		}
		if some {
			out.Datapoints = append(out.Datapoints, d)
		}
	}
	return out, nil
}

func setDatapoint(d *shapes.Datapoint, st statistic, extended string, v float64) {
	switch {
	case extended != "":
		if d.ExtendedStatistics == nil {
			d.ExtendedStatistics = make(map[string]float64)
		}
		d.ExtendedStatistics[extended] = v
	case st.name == "SampleCount":
		d.SampleCount = &v
	case st.name == "Average":
		d.Average = &v
	case st.name == "Sum":
		d.Sum = &v
	case st.name == "Minimum":
		d.Minimum = &v
	case st.name == "Maximum":
		d.Maximum = &v
	default:
		panic(fmt.Sprintf("cloudwatch: statistic %s among the simple ones", st.name))
	}
}
