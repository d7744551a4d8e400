package cloudwatch

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/cloudwatch"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// named is an alarm with its name.
type named struct {
	name string
	*alarmRow
}

// all returns the alarms of the caller's cell, by name.
func (s *Service) all(ctx context.Context) ([]named, error) {
	sp := spaceOf(cell(ctx))
	var out []named
	err := s.DB.View(ctx, func(snap *kv.Snap) error {
		out = nil
		for p, err := range snap.Scan(sp.alarms(), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			name, row, err := sp.read(p)
			if err != nil {
				return err
			}
			out = append(out, named{name, row})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("alarms: %w", err)
	}
	return out, nil
}

func (s *Service) describeAlarms(ctx context.Context, in *shapes.DescribeAlarmsInput) (*shapes.DescribeAlarmsOutput, error) {
	after, err := lastName(in.NextToken)
	if err != nil {
		return nil, err
	}
	if in.AlarmNames != nil && in.AlarmNamePrefix != nil {
		return nil, combination("AlarmNames and AlarmNamePrefix are mutually exclusive.")
	}
	if (in.ChildrenOfAlarmName != nil || in.ParentsOfAlarmName != nil) && (in.AlarmNames != nil || in.AlarmNamePrefix != nil || in.StateValue != nil || in.ActionPrefix != nil) {
		return nil, validation("ChildrenOfAlarmName and ParentsOfAlarmName cannot be specified with other filters.")
	}
	alarms, err := s.all(ctx)
	if err != nil {
		return nil, err
	}
	var children []string
	if in.ChildrenOfAlarmName != nil {
		i := slices.IndexFunc(alarms, func(a named) bool { return a.name == *in.ChildrenOfAlarmName && a.Composite != nil })
		if i >= 0 {
			children = alarms[i].Composite.children()
		}
	}
	scope := scopeOf(cell(ctx))
	out := &shapes.DescribeAlarmsOutput{MetricAlarms: []shapes.MetricAlarm{}, CompositeAlarms: []shapes.CompositeAlarm{}}
	n, limit, last := 0, int(value(or(in.MaxRecords, 50))), ""
	for _, a := range alarms {
		if a.name <= after || !a.wanted(in) || in.ChildrenOfAlarmName != nil && !slices.Contains(children, a.name) {
			continue
		}
		if n == limit {
			out.NextToken = behind(last)
			break
		}
		n, last = n+1, a.name
		if a.Metric != nil {
			out.MetricAlarms = append(out.MetricAlarms, a.metricShape(scope))
		} else {
			out.CompositeAlarms = append(out.CompositeAlarms, a.compositeShape(scope))
		}
	}
	return out, nil
}

// wanted reports whether an alarm passes the filters. Without AlarmTypes only
// metric alarms do, unless they are asked for by name.
func (a *named) wanted(in *shapes.DescribeAlarmsInput) bool {
	types := in.AlarmTypes
	if len(types) == 0 && in.AlarmNames == nil && in.ChildrenOfAlarmName == nil && in.ParentsOfAlarmName == nil {
		types = []string{"MetricAlarm"}
	}
	hasPrefix := func(action string) bool { return strings.HasPrefix(action, value(in.ActionPrefix)) }
	return (len(types) == 0 || slices.Contains(types, typeOf(a.Composite != nil))) &&
		(in.AlarmNames == nil || slices.Contains(in.AlarmNames, a.name)) &&
		strings.HasPrefix(a.name, value(in.AlarmNamePrefix)) &&
		(in.StateValue == nil || a.State == *in.StateValue) &&
		(in.ParentsOfAlarmName == nil || a.uses(*in.ParentsOfAlarmName)) &&
		(in.ActionPrefix == nil || slices.ContainsFunc(slices.Concat(a.OK, a.Alarm, a.Insufficient), hasPrefix))
}

func (s *Service) describeAlarmsForMetric(ctx context.Context, in *shapes.DescribeAlarmsForMetricInput) (*shapes.DescribeAlarmsForMetricOutput, error) {
	alarms, err := s.all(ctx)
	if err != nil {
		return nil, err
	}
	scope := scopeOf(cell(ctx))
	out := &shapes.DescribeAlarmsForMetricOutput{MetricAlarms: []shapes.MetricAlarm{}}
	for _, a := range alarms {
		m := a.Metric
		if m == nil || m.Namespace != *in.Namespace || m.Name != *in.MetricName || !slices.Equal(sorted(m.Dimensions), sorted(in.Dimensions)) {
			continue
		}
		statistic := value(in.Statistic) + value(in.ExtendedStatistic)
		if statistic != "" && m.Statistic != statistic || in.Period != nil && m.Period != *in.Period || in.Unit != nil && value(m.Unit) != *in.Unit {
			continue
		}
		out.MetricAlarms = append(out.MetricAlarms, a.metricShape(scope))
	}
	return out, nil
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func list(l []string) []string { return append([]string{}, l...) }

func (a *named) metricShape(scope arn.Scope) shapes.MetricAlarm {
	m := a.Metric
	out := shapes.MetricAlarm{
		AlarmName: &a.name, AlarmArn: ptr(string(scope.Alarm(a.name))), AlarmDescription: optional(a.Description), AlarmConfigurationUpdatedTimestamp: &a.Configured,
		ActionsEnabled: ptr(!a.Disabled), OKActions: list(a.OK), AlarmActions: list(a.Alarm), InsufficientDataActions: list(a.Insufficient),
		StateValue: &a.State, StateReason: &a.Reason, StateReasonData: optional(a.ReasonData), StateUpdatedTimestamp: &a.Updated, StateTransitionedTimestamp: &a.Transitioned,
		MetricName: optional(m.Name), Namespace: optional(m.Namespace), Dimensions: append([]shapes.Dimension{}, m.Dimensions...), Unit: m.Unit,
		EvaluationPeriods: &m.Periods, Threshold: &m.Threshold, ComparisonOperator: &m.Operator, TreatMissingData: optional(m.Missing),
		EvaluateLowSampleCountPercentile: optional(m.LowSamples), Metrics: append([]shapes.MetricDataQuery{}, m.Queries...),
	}
	if m.Points != m.Periods {
		out.DatapointsToAlarm = &m.Points
	}
	if m.Period != 0 {
		out.Period = &m.Period
	}
	if st, ok := parseStatistic(m.Statistic); ok && st.extended() {
		out.ExtendedStatistic = &m.Statistic
	} else if ok {
		out.Statistic = &m.Statistic
	}
	return out
}

func (a *named) compositeShape(scope arn.Scope) shapes.CompositeAlarm {
	c := a.Composite
	out := shapes.CompositeAlarm{
		AlarmName: &a.name, AlarmArn: ptr(string(scope.Alarm(a.name))), AlarmDescription: optional(a.Description), AlarmConfigurationUpdatedTimestamp: &a.Configured,
		ActionsEnabled: ptr(!a.Disabled), OKActions: list(a.OK), AlarmActions: list(a.Alarm), InsufficientDataActions: list(a.Insufficient), AlarmRule: &c.Rule,
		StateValue: &a.State, StateReason: &a.Reason, StateReasonData: optional(a.ReasonData), StateUpdatedTimestamp: &a.Updated, StateTransitionedTimestamp: &a.Transitioned,
		ActionsSuppressedBy: optional(c.SuppressedBy), ActionsSuppressedReason: optional(c.SuppressedWhy),
	}
	if c.Suppressor != "" {
		out.ActionsSuppressor, out.ActionsSuppressorWaitPeriod, out.ActionsSuppressorExtensionPeriod = ptr(string(scope.Alarm(c.Suppressor))), &c.Wait, &c.Extension
	}
	return out
}

func (s *Service) tagResource(ctx context.Context, in *shapes.TagResourceInput) (*shapes.TagResourceOutput, error) {
	return &shapes.TagResourceOutput{}, s.retag(ctx, *in.ResourceARN, func(old map[string]string) (map[string]string, error) { return withTags(old, in.Tags) })
}

func (s *Service) untagResource(ctx context.Context, in *shapes.UntagResourceInput) (*shapes.UntagResourceOutput, error) {
	return &shapes.UntagResourceOutput{}, s.retag(ctx, *in.ResourceARN, func(old map[string]string) (map[string]string, error) {
		out := maps.Clone(old)
		for _, k := range in.TagKeys {
			delete(out, k)
		}
		return out, nil
	})
}

func noResource(resource string) *fault.Error {
	return fault.New("ResourceNotFoundException", "%s is not found", resource)
}

func (s *Service) retag(ctx context.Context, resource string, change func(map[string]string) (map[string]string, error)) error {
	err := s.change(ctx, cell(ctx), alarmName(resource), func(_ *kv.Tx, row *alarmRow) (err error) {
		row.Tags, err = change(row.Tags)
		return err
	})
	if fault.Is(err, "ResourceNotFound") {
		return noResource(resource)
	}
	return err
}

func (s *Service) listTags(ctx context.Context, in *shapes.ListTagsForResourceInput) (*shapes.ListTagsForResourceOutput, error) {
	var row alarmRow
	var found bool
	err := s.DB.View(ctx, func(snap *kv.Snap) (err error) {
		row = alarmRow{}
		found, err = jsonrow.Get(snap, spaceOf(cell(ctx)).alarm(alarmName(*in.ResourceARN)), &row)
		return err
	})
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, noResource(*in.ResourceARN)
	}
	out := &shapes.ListTagsForResourceOutput{Tags: []shapes.Tag{}}
	for _, k := range slices.Sorted(maps.Keys(row.Tags)) {
		out.Tags = append(out.Tags, shapes.Tag{Key: ptr(k), Value: ptr(row.Tags[k])})
	}
	return out, nil
}
