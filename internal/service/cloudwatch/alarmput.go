package cloudwatch

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/cloudwatch"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

func (s *Service) putMetricAlarm(ctx context.Context, in *shapes.PutMetricAlarmInput) (*schema.Empty, error) {
	m, err := s.metricOf(ctx, in)
	if err != nil {
		return nil, err
	}
	if err := s.checkActions(in.OKActions, in.AlarmActions, in.InsufficientDataActions); err != nil {
		return nil, err
	}
	row := &alarmRow{
		Description: value(in.AlarmDescription), Disabled: !value(or(in.ActionsEnabled, true)), OK: in.OKActions, Alarm: in.AlarmActions,
		Insufficient: in.InsufficientDataActions, Metric: m,
	}
	return &schema.Empty{}, s.keep(ctx, *in.AlarmName, row, in.Tags)
}

// metricOf checks what a metric alarm is to watch.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
func (s *Service) metricOf(ctx context.Context, in *shapes.PutMetricAlarmInput) (*metricRow, error) {
	m := &metricRow{
		Namespace: value(in.Namespace), Name: value(in.MetricName), Dimensions: in.Dimensions, Statistic: value(in.Statistic), Period: value(in.Period),
		Unit: in.Unit, Queries: in.Metrics, Periods: *in.EvaluationPeriods, Points: value(or(in.DatapointsToAlarm, *in.EvaluationPeriods)),
		Threshold: value(in.Threshold), Operator: *in.ComparisonOperator, Missing: value(in.TreatMissingData), LowSamples: value(in.EvaluateLowSampleCountPercentile),
	}
	if in.ExtendedStatistic != nil {
		if in.Statistic != nil {
			return nil, combination("Statistic and ExtendedStatistic are mutually exclusive.")
		}
		m.Statistic = *in.ExtendedStatistic
	}
	switch m.Operator {
	case "LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold":
		return nil, validation("nube trains no models of metrics: %s compares with a band of one.", m.Operator)
	}
	switch {
	case in.ThresholdMetricId != nil:
		return nil, validation("nube trains no models of metrics: an alarm needs Threshold, not ThresholdMetricId.")
	case in.Threshold == nil:
		return nil, validation("Threshold is required for a metric alarm.")
	case !slices.Contains([]string{"", "missing", "ignore", "breaching", "notBreaching"}, m.Missing):
		return nil, validation("The value %s for parameter TreatMissingData is not supported.", m.Missing)
	case !slices.Contains([]string{"", "evaluate", "ignore"}, m.LowSamples):
		return nil, validation("Option %s is not supported. Supported options for parameter EvaluateLowSampleCountPercentile are evaluate and ignore.", m.LowSamples)
	case m.Points > m.Periods:
		return nil, validation("DatapointsToAlarm must not be greater than EvaluationPeriods.")
	}
	if len(m.Queries) > 0 {
		if err := s.checkQueries(ctx, in, m); err != nil {
			return nil, err
		}
	} else if err := checkMetric(m); err != nil {
		return nil, err
	}
	window := day
	if m.period() >= time.Hour {
		window = maxWindow
	}
	if m.period()*time.Duration(m.Periods) > window {
		return nil, validation("Metrics cannot be checked across more than %s (EvaluationPeriods * Period must be <= %d).", map[bool]string{true: "seven days", false: "a day"}[window == maxWindow], int(window.Seconds()))
	}
	return m, nil
}

func checkMetric(m *metricRow) error {
	switch {
	case m.Name == "" || m.Namespace == "":
		return missing("A metric alarm needs MetricName and Namespace, or Metrics.")
	case m.Statistic == "":
		return missing("Exactly one of Statistic and ExtendedStatistic must be specified.")
	case m.Period == 0:
		return missing("Period is required for an alarm on a metric.")
	case m.Period != 10 && m.Period != 20 && m.Period != 30 && m.Period%60 != 0:
		return validation("Period must be 10, 20, 30 or a multiple of 60")
	}
	if _, ok := parseStatistic(m.Statistic); !ok {
		return validation("The value %s for parameter ExtendedStatistic is not supported.", m.Statistic)
	}
	return nil
}

// checkQueries checks an alarm's queries, of which one returns data.
func (s *Service) checkQueries(ctx context.Context, in *shapes.PutMetricAlarmInput, m *metricRow) error {
	if in.MetricName != nil || in.Namespace != nil || in.Dimensions != nil || in.Period != nil || in.Unit != nil || m.Statistic != "" {
		return combination("MetricName, Namespace, Dimensions, Period, Unit, Statistic and ExtendedStatistic must not be specified with Metrics.")
	}
	q, err := s.compile(awsapi.From(ctx).Scope, m.Queries)
	if err != nil {
		return err
	}
	returned := 0
	for i := range q.entries {
		if !q.entries[i].hidden {
			returned++
		}
	}
	if returned != 1 {
		return validation("Exactly one element of the metrics list should return data.")
	}
	return nil
}

func (s *Service) putCompositeAlarm(ctx context.Context, in *shapes.PutCompositeAlarmInput) (*schema.Empty, error) {
	if err := s.checkActions(in.OKActions, in.AlarmActions, in.InsufficientDataActions); err != nil {
		return nil, err
	}
	if _, err := parseRule(*in.AlarmRule); err != nil {
		return nil, validation("AlarmRule: %s", err)
	}
	c := &compositeRow{Rule: *in.AlarmRule, Suppressor: alarmName(value(in.ActionsSuppressor)), Wait: value(in.ActionsSuppressorWaitPeriod), Extension: value(in.ActionsSuppressorExtensionPeriod)}
	if c.Suppressor != "" && (in.ActionsSuppressorWaitPeriod == nil || in.ActionsSuppressorExtensionPeriod == nil) {
		return nil, validation("ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod are required with ActionsSuppressor.")
	}
	row := &alarmRow{
		Description: value(in.AlarmDescription), Disabled: !value(or(in.ActionsEnabled, true)), OK: in.OKActions, Alarm: in.AlarmActions,
		Insufficient: in.InsufficientDataActions, Composite: c,
	}
	if err := s.keep(ctx, *in.AlarmName, row, in.Tags); err != nil {
		return nil, err
	}
	return &schema.Empty{}, s.ripple(ctx, cell(ctx), s.Clock.Now())
}

// checkRule refuses a composite alarm of alarms that there are not, and one that
// depends on itself.
func (s *Service) checkRule(tx *kv.Tx, sp space, name string, row *alarmRow) error {
	if row.Composite == nil {
		return nil
	}
	seen := map[string]bool{}
	todo := row.Composite.children()
	for len(todo) > 0 {
		child := todo[0]
		todo = todo[1:]
		if child == name {
			return validation("The alarm %s would depend on itself.", name)
		}
		if seen[child] {
			continue
		}
		seen[child] = true
		var is alarmRow
		found, err := jsonrow.Get(tx, sp.alarm(child), &is)
		if err != nil {
			return err
		}
		if !found {
			return validation("The alarm %s, on which %s would depend, does not exist.", child, name)
		}
		if is.Composite != nil {
			todo = append(todo, is.Composite.children()...)
		}
	}
	return nil
}

func (s *Service) setAlarmState(ctx context.Context, in *shapes.SetAlarmStateInput) (*schema.Empty, error) {
	c := cell(ctx)
	now := s.Clock.Now()
	err := s.change(ctx, c, *in.AlarmName, func(tx *kv.Tx, row *alarmRow) error {
		return s.move(tx, c, *in.AlarmName, row, verdict{state: *in.StateValue, reason: *in.StateReason, data: value(in.StateReasonData)}, now)
	})
	if err != nil {
		return nil, err
	}
	return &schema.Empty{}, s.ripple(ctx, c, now)
}

func (s *Service) enableAlarmActions(ctx context.Context, in *shapes.EnableAlarmActionsInput) (*schema.Empty, error) {
	return &schema.Empty{}, s.switchActions(ctx, in.AlarmNames, false)
}

func (s *Service) disableAlarmActions(ctx context.Context, in *shapes.DisableAlarmActionsInput) (*schema.Empty, error) {
	return &schema.Empty{}, s.switchActions(ctx, in.AlarmNames, true)
}

// switchActions passes over alarms that there are not, as CloudWatch does.
func (s *Service) switchActions(ctx context.Context, names []string, disabled bool) error {
	for _, name := range names {
		err := s.change(ctx, cell(ctx), name, func(_ *kv.Tx, row *alarmRow) error {
			row.Disabled = disabled
			return nil
		})
		if err != nil && !fault.Is(err, "ResourceNotFound") {
			return err
		}
	}
	return nil
}

// withTags adds tags to those of an alarm.
func withTags(old map[string]string, tags []shapes.Tag) (map[string]string, error) {
	out := maps.Clone(old)
	if out == nil && len(tags) > 0 {
		out = make(map[string]string)
	}
	for _, t := range tags {
		out[value(t.Key)] = value(t.Value)
	}
	if len(out) > maxAlarmTags {
		return nil, validation("An alarm has no more than %d tags.", maxAlarmTags)
	}
	return out, nil
}
