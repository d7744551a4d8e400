package scheduler

import (
	"context"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/scheduler"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/timer"
)

// principal is who Scheduler is to the trust policies of roles.
const principal = "scheduler.amazonaws.com"

// Emitter takes effects. It is a *delivery.Delivery.
type Emitter interface {
	Emit(tx *kv.Tx, es ...delivery.Effect) error
	// Delivers reports whether there is a receiver for a target.
	Delivers(target string) bool
}

// Timers are set in transactions. It is a *timer.Timers.
type Timers interface {
	Handle(kind string, fire timer.Fire)
	Set(tx *kv.Tx, t timer.T) error
	Cancel(tx *kv.Tx, c keyspace.Cell, kind, id string) error
}

// Roles knows which roles services may assume.
type Roles interface {
	// AssumableBy reports whether the trust policy of a role lets a service
	// assume it for a resource; false for a role that does not exist.
	AssumableBy(ctx context.Context, role arn.ARN, service string, source arn.ARN) (bool, error)
}

// Front calls targets. It is a *awsapi.Front.
type Front interface {
	awsapi.Caller
	Named(service, operation string) (*schema.Model, *schema.Op, error)
	CallNamed(ctx context.Context, service, operation string, input []byte) (any, error)
}

// Options says what the service needs.
type Options struct {
	DB     *kv.DB
	Clock  *clock.Model
	Emit   Emitter
	Timers Timers
	Roles  Roles
}

// Service is EventBridge Scheduler. [Service.Use] completes it.
type Service struct {
	Options
	api   *awsapi.Service
	front Front
}

// New returns the service.
func New(o Options) *Service {
	s := &Service{Options: o, api: awsapi.NewService(&shapes.Model)}
	awsapi.Handle(s.api, shapes.CreateSchedule, accessCreate, s.createSchedule)
	awsapi.Handle(s.api, shapes.UpdateSchedule, accessUpdate, s.updateSchedule)
	awsapi.Handle(s.api, shapes.GetSchedule, onSchedule("GetSchedule", func(in *shapes.GetScheduleInput) (group, schedule *string) { return in.GroupName, in.Name }), s.getSchedule)
	awsapi.Handle(s.api, shapes.DeleteSchedule, onSchedule("DeleteSchedule", func(in *shapes.DeleteScheduleInput) (group, schedule *string) { return in.GroupName, in.Name }), s.deleteSchedule)
	awsapi.Handle(s.api, shapes.ListSchedules, nil, s.listSchedules)
	awsapi.Handle(s.api, shapes.CreateScheduleGroup, accessCreateGroup, s.createGroup)
	awsapi.Handle(s.api, shapes.GetScheduleGroup, onGroup("GetScheduleGroup", func(in *shapes.GetScheduleGroupInput) *string { return in.Name }), s.getGroup)
	awsapi.Handle(s.api, shapes.DeleteScheduleGroup, onGroup("DeleteScheduleGroup", func(in *shapes.DeleteScheduleGroupInput) *string { return in.Name }), s.deleteGroup)
	awsapi.Handle(s.api, shapes.ListScheduleGroups, nil, s.listGroups)
	awsapi.Handle(s.api, shapes.TagResource, accessTag, s.tagResource)
	awsapi.Handle(s.api, shapes.UntagResource, accessUntag, s.untagResource)
	awsapi.Handle(s.api, shapes.ListTagsForResource, accessListTags, s.listTags)
	o.Timers.Handle(kindTimer, s.fire)
	return s
}

// Use gives the service the front, which is made after it.
func (s *Service) Use(f Front) { s.front = f }

// API returns the service for the front.
func (s *Service) API() *awsapi.Service { return s.api }

// Receivers are what delivery must know.
func (s *Service) Receivers() []delivery.Receiver {
	return []delivery.Receiver{targets{s}, deadLetters{s}}
}

func invalid(format string, args ...any) *fault.Error { return fault.Validation(format, args...) }

func noSchedule(n name) *fault.Error {
	return fault.New("ResourceNotFoundException", "Schedule %s does not exist.", n.schedule)
}

func noGroup(n name) *fault.Error {
	return fault.New("ResourceNotFoundException", "Schedule group %s does not exist.", n.group)
}

func conflict(format string, args ...any) *fault.Error {
	return fault.New("ConflictException", format, args...)
}
