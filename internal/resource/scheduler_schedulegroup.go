package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/scheduler"
	"github.com/nube-run/nube/internal/stack"
)

// scheduleGroup is AWS::Scheduler::ScheduleGroup. Ref is its name.
type scheduleGroup struct{ base }

func schedulerTag(k, v string) scheduler.Tag { return scheduler.Tag{Key: &k, Value: &v} }

func scheduleGroupARN(r stack.Request) string {
	return r.Stack.Scope.Of("scheduler", "schedule-group/"+r.PhysicalID).String()
}

// progress reads what the group's attributes are.
func (g scheduleGroup) progress(ctx context.Context, r stack.Request) (stack.Progress, error) {
	out, err := do(ctx, g.base, scheduler.GetScheduleGroup, &scheduler.GetScheduleGroupInput{Name: &r.PhysicalID})
	if err != nil {
		return stack.Progress{}, err
	}
	const format = "2006-01-02T15:04:05.000Z"
	return stack.Progress{PhysicalID: r.PhysicalID, Attrs: stack.Attrs{
		"Arn": scheduleGroupARN(r), "State": val(out.State), "CreationDate": val(out.CreationDate).Time().Format(format),
		"LastModificationDate": val(out.LastModificationDate).Time().Format(format),
	}}, nil
}

func (g scheduleGroup) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := &scheduler.CreateScheduleGroupInput{Name: &r.PhysicalID, Tags: pairs(tagMap(r.Properties), schedulerTag)}
	if err := run(ctx, g.base, scheduler.CreateScheduleGroup, in); err != nil && !(r.Again && present(err)) {
		return stack.Progress{}, err
	}
	return g.progress(ctx, r)
}

func (g scheduleGroup) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	arn := scheduleGroupARN(r)
	set, remove := tagChanges(r.Old, r.Properties)
	if len(remove) > 0 {
		if err := run(ctx, g.base, scheduler.UntagResource, &scheduler.UntagResourceInput{ResourceArn: &arn, TagKeys: remove}); err != nil {
			return stack.Progress{}, err
		}
	}
	if len(set) > 0 {
		if err := run(ctx, g.base, scheduler.TagResource, &scheduler.TagResourceInput{ResourceArn: &arn, Tags: pairs(set, schedulerTag)}); err != nil {
			return stack.Progress{}, err
		}
	}
	return g.progress(ctx, r)
}

func (g scheduleGroup) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, g.base, scheduler.DeleteScheduleGroup, &scheduler.DeleteScheduleGroupInput{Name: &r.PhysicalID}))
}

func (g scheduleGroup) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	p, err := g.progress(ctx, r)
	return p.Attrs, found(err)
}
