package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/cloudwatch"
	"github.com/nube-run/nube/internal/stack"
)

// compositeAlarm is AWS::CloudWatch::CompositeAlarm. Ref is its name.
type compositeAlarm struct{ base }

func (a compositeAlarm) common() alarms { return alarms(a) }

func (a compositeAlarm) put(ctx context.Context, r stack.Request) error {
	in := &cloudwatch.PutCompositeAlarmInput{AlarmName: &r.PhysicalID}
	if err := bind(in, r.Properties, "AlarmName", "Tags"); err != nil {
		return err
	}
	if r.Old == nil {
		in.Tags = pairs(tagMap(r.Properties), watchTag)
	}
	return run(ctx, a.base, cloudwatch.PutCompositeAlarm, in)
}

func (a compositeAlarm) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	if err := a.common().vacant(ctx, r); err != nil {
		return stack.Progress{}, err
	}
	return a.common().progress(r), a.put(ctx, r)
}

func (a compositeAlarm) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	if err := a.put(ctx, r); err != nil {
		return stack.Progress{}, err
	}
	return a.common().progress(r), a.common().retag(ctx, r)
}

func (a compositeAlarm) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return a.common().remove(ctx, r)
}

func (a compositeAlarm) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	return a.common().read(ctx, r)
}
