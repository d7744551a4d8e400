package scheduler

import (
	"context"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/scheduler"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/cron"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// enabled and disabled are the states of schedules.
const (
	enabled  = "ENABLED"
	disabled = "DISABLED"
)

// wish is what CreateSchedule and UpdateSchedule have in common.
type wish = shapes.CreateScheduleInput

// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
func (s *Service) createSchedule(ctx context.Context, in *shapes.CreateScheduleInput) (*shapes.CreateScheduleOutput, error) {
	n := nameOf(ctx, in.GroupName, in.Name)
	r, err := s.read(ctx, n, in)
	if err != nil {
		return nil, err
	}
	now := r.Begun
	if !r.Start.IsZero() && !strings.HasPrefix(r.Expression, "at") && r.Start < now.Add(-tooLate) {
		return nil, invalid("The StartDate you specify cannot be earlier than 5 minutes ago.")
	}
	r.Token = value(in.ClientToken)
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		if _, err := loadGroup(tx, n); err != nil {
			return err
		}
		var old row
		switch ok, err := jsonrow.Get(tx, n.key(), &old); {
		case err != nil:
			return err
		case ok && sameCall(old.Token, in.ClientToken):
			return nil
		case ok:
			return conflict("Schedule %s already exists.", n.schedule)
		}
		return s.keep(tx, n, r, now)
	})
	if err != nil {
		return nil, err
	}
	return &shapes.CreateScheduleOutput{ScheduleArn: ptr(n.arn())}, nil
}

// sameCall reports whether what there is was made by a call that is repeated.
func sameCall(made string, token *string) bool { return made != "" && made == value(token) }

// updateSchedule replaces all of a schedule: what is not given is as it is by
// default.
//
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html
func (s *Service) updateSchedule(ctx context.Context, in *shapes.UpdateScheduleInput) (*shapes.UpdateScheduleOutput, error) {
	n := nameOf(ctx, in.GroupName, in.Name)
	made := wish(*in)
	r, err := s.read(ctx, n, &made)
	if err != nil {
		return nil, err
	}
	now := r.Begun
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		var old row
		switch ok, err := jsonrow.Get(tx, n.key(), &old); {
		case err != nil:
			return err
		case !ok:
			return noSchedule(n)
		}
		is := *r
		is.Created, is.Token = old.Created, old.Token
		if old.Expression == is.Expression && old.Start == is.Start {
			is.Begun = old.Begun // it goes on in its step
		}
		return s.keep(tx, n, &is, now)
	})
	if err != nil {
		return nil, err
	}
	return &shapes.UpdateScheduleOutput{ScheduleArn: ptr(n.arn())}, nil
}

// keep writes a schedule and sets its timer.
func (s *Service) keep(tx *kv.Tx, n name, r *row, now clock.Instant) error {
	if err := jsonrow.Set(tx, n.key(), r); err != nil {
		return err
	}
	if strings.HasPrefix(r.Expression, "rate") {
		now-- // it begins at once: now is its first time
	}
	_, err := s.setTimer(tx, n, r, now)
	return err
}

// read reads and checks what a schedule is to be.
func (s *Service) read(ctx context.Context, n name, in *wish) (*row, error) {
	now := s.Clock.Now()
	r := &row{
		Expression: value(in.ScheduleExpression), Zone: value(in.ScheduleExpressionTimezone), State: value(in.State), After: value(in.ActionAfterCompletion),
		Description: value(in.Description), Key: value(in.KmsKeyArn), Created: now, Modified: now, Begun: now,
	}
	if r.State == "" {
		r.State = enabled
	}
	if in.StartDate != nil {
		r.Start = *in.StartDate
	}
	if in.EndDate != nil {
		r.End = *in.EndDate
	}
	x, err := cron.Parse(cron.Scheduler, r.Expression)
	if err != nil {
		return nil, invalid("Invalid Schedule Expression %s.", r.Expression).Because(err)
	}
	zone, err := cron.Zone(r.Zone)
	if err != nil {
		return nil, invalid("Invalid ScheduleExpressionTimezone %s.", r.Zone).Because(err)
	}
	if x.Kind == cron.At {
		if _, ok := x.Once(zone); !ok {
			return nil, invalid("Invalid Schedule Expression %s. The time does not exist in the time zone %s.", r.Expression, r.Zone)
		}
	}
	if !r.Start.IsZero() && !r.End.IsZero() && r.End <= r.Start {
		return nil, invalid("The EndDate must come after the StartDate.")
	}
	w := in.FlexibleTimeWindow
	switch value(w.Mode) {
	case "FLEXIBLE":
		if w.MaximumWindowInMinutes == nil {
			return nil, invalid("MaximumWindowInMinutes must be specified when the mode of FlexibleTimeWindow is FLEXIBLE.")
		}
		r.Window = *w.MaximumWindowInMinutes
	default:
		if w.MaximumWindowInMinutes != nil {
			return nil, invalid("MaximumWindowInMinutes must not be specified when the mode of FlexibleTimeWindow is OFF.")
		}
	}
	r.Target, err = s.readTarget(ctx, n, in.Target)
	return r, err
}

func (s *Service) view(ctx context.Context, n name) (r row, err error) {
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		ok, err := jsonrow.Get(snap, n.key(), &r)
		if err == nil && !ok {
			err = noSchedule(n)
		}
		return err
	})
	return r, err
}

// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_GetSchedule.html
func (s *Service) getSchedule(ctx context.Context, in *shapes.GetScheduleInput) (*shapes.GetScheduleOutput, error) {
	n := nameOf(ctx, in.GroupName, in.Name)
	r, err := s.view(ctx, n)
	if err != nil {
		return nil, err
	}
	out := &shapes.GetScheduleOutput{
		Arn: ptr(n.arn()), Name: &n.schedule, GroupName: &n.group, ScheduleExpression: &r.Expression, ScheduleExpressionTimezone: ptr("UTC"), State: &r.State,
		Description: given(r.Description), KmsKeyArn: given(r.Key), CreationDate: &r.Created, LastModificationDate: &r.Modified, StartDate: given(r.Start), EndDate: given(r.End),
		ActionAfterCompletion: ptr("NONE"), FlexibleTimeWindow: &shapes.FlexibleTimeWindow{Mode: ptr("OFF")}, Target: r.Target.shape(),
	}
	if r.Zone != "" {
		out.ScheduleExpressionTimezone = &r.Zone
	}
	if r.After != "" {
		out.ActionAfterCompletion = &r.After
	}
	if r.Window > 0 {
		out.FlexibleTimeWindow = &shapes.FlexibleTimeWindow{Mode: ptr("FLEXIBLE"), MaximumWindowInMinutes: &r.Window}
	}
	return out, nil
}

// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_DeleteSchedule.html
func (s *Service) deleteSchedule(ctx context.Context, in *shapes.DeleteScheduleInput) (*shapes.DeleteScheduleOutput, error) {
	n := nameOf(ctx, in.GroupName, in.Name)
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		switch old, err := tx.Get(n.key()); {
		case err != nil:
			return err
		case old == nil:
			return noSchedule(n)
		}
		return s.drop(tx, n)
	})
	return &shapes.DeleteScheduleOutput{}, err
}

// drop deletes a schedule and its timer.
func (s *Service) drop(tx *kv.Tx, n name) error {
	tx.Delete(n.key())
	return s.Timers.Cancel(tx, n.cell(), kindTimer, n.timerID())
}

// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_ListSchedules.html
func (s *Service) listSchedules(ctx context.Context, in *shapes.ListSchedulesInput) (*shapes.ListSchedulesOutput, error) {
	p, err := pageOf(in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	n := name{scope: awsapi.From(ctx).Scope}
	sp := n.space()
	rows := sp.schedules()
	out := &shapes.ListSchedulesOutput{Schedules: []shapes.ScheduleSummary{}}
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		if in.GroupName != nil {
			n.group = *in.GroupName
			if _, err := loadGroup(snap, n); err != nil {
				return err
			}
			rows = sp.schedulesOf(n.group)
		}
		out.NextToken, err = p.list(snap, sp, rows, 2, value(in.NamePrefix), func(names []string, kvs kv.Pair) (bool, error) {
			var r row
			if err := jsonrow.Decode(kvs.Key, kvs.Value, &r); err != nil {
				return false, err
			}
			if in.State != nil && *in.State != r.State {
				return false, nil
			}
			is := name{n.scope, names[0], names[1]}
			out.Schedules = append(out.Schedules, shapes.ScheduleSummary{
				Arn: ptr(is.arn()), Name: &is.schedule, GroupName: &is.group, State: &r.State, CreationDate: &r.Created, LastModificationDate: &r.Modified,
				Target: &shapes.TargetSummary{Arn: &r.Target.ARN},
			})
			return true, nil
		})
		return err
	})
	return out, err
}
