package resource

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/nube-run/nube/internal/awsapi/shapes/scheduler"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
)

// schedule is AWS::Scheduler::Schedule. Ref is its name.
type schedule struct{ base }

// refusedOfSchedule is what goes with targets that nube does not have.
func refusedOfSchedule() []string {
	return []string{"Target.EcsParameters", "Target.KinesisParameters", "Target.SageMakerPipelineParameters"}
}

// movesSchedule: a schedule does not change its group.
func movesSchedule(_, _ *template.Value, changed []string) bool {
	return slices.Contains(changed, "GroupName")
}

func scheduleGroupOf(props *template.Value) *string {
	if g := text(props, "GroupName"); g != "" {
		return &g
	}
	return nil
}

func (s schedule) progress(r stack.Request) stack.Progress {
	group := "default"
	if g := scheduleGroupOf(r.Properties); g != nil {
		group = *g
	}
	return stack.Progress{PhysicalID: r.PhysicalID, Attrs: stack.Attrs{"Arn": r.Stack.Scope.Of("scheduler", "schedule/"+group+"/"+r.PhysicalID).String()}}
}

// date is a property that is a time.
func date(props *template.Value, name string) (*clock.Instant, error) {
	s := text(props, name)
	if s == "" {
		return nil, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return nil, fmt.Errorf("property %s: %w", name, err)
	}
	return ptr(clock.At(t)), nil
}

// input is the schedule as Scheduler is told it.
func (s schedule) input(r stack.Request) (*scheduler.CreateScheduleInput, error) {
	in := &scheduler.CreateScheduleInput{Name: &r.PhysicalID}
	if err := bind(in, r.Properties, "Name", "StartDate", "EndDate"); err != nil {
		return nil, err
	}
	var err error
	if in.StartDate, err = date(r.Properties, "StartDate"); err != nil {
		return nil, err
	}
	in.EndDate, err = date(r.Properties, "EndDate")
	return in, err
}

func (s schedule) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in, err := s.input(r)
	if err != nil {
		return stack.Progress{}, err
	}
	if err := run(ctx, s.base, scheduler.CreateSchedule, in); err != nil && !(r.Again && present(err)) {
		return stack.Progress{}, err
	}
	return s.progress(r), nil
}

func (s schedule) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in, err := s.input(r)
	if err != nil {
		return stack.Progress{}, err
	}
	out := scheduler.UpdateScheduleInput(*in)
	return s.progress(r), run(ctx, s.base, scheduler.UpdateSchedule, &out)
}

func (s schedule) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, s.base, scheduler.DeleteSchedule, &scheduler.DeleteScheduleInput{Name: &r.PhysicalID, GroupName: scheduleGroupOf(r.Properties)}))
}

func (s schedule) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	if err := run(ctx, s.base, scheduler.GetSchedule, &scheduler.GetScheduleInput{Name: &r.PhysicalID, GroupName: scheduleGroupOf(r.Properties)}); err != nil {
		return nil, found(err)
	}
	return s.progress(r).Attrs, nil
}
