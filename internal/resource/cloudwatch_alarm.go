package resource

import (
	"context"
	"fmt"

	"github.com/nube-run/nube/internal/awsapi/shapes/cloudwatch"
	"github.com/nube-run/nube/internal/stack"
)

// alarm is AWS::CloudWatch::Alarm. Ref is its name.
type alarm struct{ base }

func refusedOfAlarm() []string {
	return []string{"EvaluationCriteria", "EvaluationInterval", "EvaluationWindow", "ThresholdMetricId", "WarmUpConfiguration"}
}

func watchTag(k, v string) cloudwatch.Tag { return cloudwatch.Tag{Key: &k, Value: &v} }

// alarms is what both kinds of alarms have in common.
type alarms struct{ base }

func (a alarms) progress(r stack.Request) stack.Progress {
	return stack.Progress{PhysicalID: r.PhysicalID, Attrs: stack.Attrs{"Arn": r.Stack.Scope.Alarm(r.PhysicalID).String()}}
}

// find returns how many alarms have the name.
func (a alarms) find(ctx context.Context, name string) (int, error) {
	out, err := do(ctx, a.base, cloudwatch.DescribeAlarms, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{name}})
	if err != nil {
		return 0, err
	}
	return len(out.MetricAlarms) + len(out.CompositeAlarms), nil
}

// vacant makes sure that an alarm that is to be made does not exist: putting one
// would take it over.
func (a alarms) vacant(ctx context.Context, r stack.Request) error {
	if r.Again {
		return nil
	}
	n, err := a.find(ctx, r.PhysicalID)
	if err == nil && n > 0 {
		err = fmt.Errorf("the alarm %s already exists", r.PhysicalID)
	}
	return err
}

func (a alarms) retag(ctx context.Context, r stack.Request) error {
	set, remove := tagChanges(r.Old, r.Properties)
	id := r.Stack.Scope.Alarm(r.PhysicalID).String()
	if len(remove) > 0 {
		if err := run(ctx, a.base, cloudwatch.UntagResource, &cloudwatch.UntagResourceInput{ResourceARN: &id, TagKeys: remove}); err != nil {
			return err
		}
	}
	if len(set) > 0 {
		return run(ctx, a.base, cloudwatch.TagResource, &cloudwatch.TagResourceInput{ResourceARN: &id, Tags: pairs(set, watchTag)})
	}
	return nil
}

func (a alarms) remove(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, a.base, cloudwatch.DeleteAlarms, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{r.PhysicalID}}))
}

func (a alarms) read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	n, err := a.find(ctx, r.PhysicalID)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, stack.ErrNotFound
	}
	return a.progress(r).Attrs, nil
}

func (a alarm) common() alarms { return alarms(a) }

func (a alarm) put(ctx context.Context, r stack.Request) error {
	in := &cloudwatch.PutMetricAlarmInput{AlarmName: &r.PhysicalID}
	if err := bind(in, r.Properties, "AlarmName", "Tags"); err != nil {
		return err
	}
	if r.Old == nil {
		in.Tags = pairs(tagMap(r.Properties), watchTag)
	}
	return run(ctx, a.base, cloudwatch.PutMetricAlarm, in)
}

func (a alarm) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	if err := a.common().vacant(ctx, r); err != nil {
		return stack.Progress{}, err
	}
	return a.common().progress(r), a.put(ctx, r)
}

func (a alarm) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	if err := a.put(ctx, r); err != nil {
		return stack.Progress{}, err
	}
	return a.common().progress(r), a.common().retag(ctx, r)
}

func (a alarm) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return a.common().remove(ctx, r)
}

func (a alarm) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	return a.common().read(ctx, r)
}
