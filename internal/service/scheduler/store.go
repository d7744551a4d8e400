package scheduler

import (
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// space makes the keys of a cell; see the package's documentation.
type space struct{ keyspace.Subspace }

func spaceOf(c keyspace.Cell) space { return space{keyspace.Service(c, "scheduler", 0)} }

func (s space) group(name string) kv.Key { return s.Key().Str("group").Str(name).Done() }
func (s space) groups() kv.Range         { return s.Key().Str("group").Range() }
func (s space) schedule(group, name string) kv.Key {
	return s.Key().Str("schedule").Str(group).Str(name).Done()
}
func (s space) schedulesOf(group string) kv.Range { return s.Key().Str("schedule").Str(group).Range() }
func (s space) schedules() kv.Range               { return s.Key().Str("schedule").Range() }

// name names a schedule, or with an empty schedule a group.
type name struct {
	scope           arn.Scope
	group, schedule string
}

// defaultGroup is the group that every account has in every region.
const defaultGroup = "default"

func (n name) cell() keyspace.Cell {
	return keyspace.Cell{Account: n.scope.Account, Region: n.scope.Region}
}
func (n name) space() space { return spaceOf(n.cell()) }
func (n name) key() kv.Key  { return n.space().schedule(n.group, n.schedule) }
func (n name) arn() string {
	if n.schedule == "" {
		return string(n.scope.Of("scheduler", "schedule-group/"+n.group))
	}
	return string(n.scope.Of("scheduler", "schedule/"+n.group+"/"+n.schedule))
}
func (n name) timerID() string { return n.group + "/" + n.schedule }

// source is for what Scheduler assumes a role: the group of the schedule.
//
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
func (n name) source() arn.ARN { return n.scope.ScheduleGroup(n.group) }

// sourceOf is the source of a schedule of that ARN.
func sourceOf(schedule arn.ARN) arn.ARN {
	group, _, _ := strings.Cut(strings.TrimPrefix(schedule.Resource(), "schedule/"), "/")
	return schedule.Scope().ScheduleGroup(group)
}

// groupRow is the row of a group.
type groupRow struct {
	Created, Modified clock.Instant
	Tags              map[string]string `json:",omitempty"`
	Token             string            `json:",omitempty"` // ClientToken of the call that made it
}

// row is the row of a schedule.
type row struct {
	Expression        string
	Zone              string        `json:",omitempty"`
	Start, End        clock.Instant `json:",omitempty"`
	Begun             clock.Instant // when it was set: rates count from here
	State             string
	Window            int32  `json:",omitempty"` // minutes; 0 is none
	After             string `json:",omitempty"` // ActionAfterCompletion
	Description       string `json:",omitempty"`
	Key               string `json:",omitempty"`
	Token             string `json:",omitempty"` // ClientToken of the call that made it
	Created, Modified clock.Instant
	Target            target
}

// target is what a schedule calls.
type target struct {
	ARN, Role  string
	Input      *string `json:",omitempty"`
	DetailType string  `json:",omitempty"` // of a bus
	Source     string  `json:",omitempty"`
	Group      string  `json:",omitempty"` // of a queue: MessageGroupId
	DeadLetter string  `json:",omitempty"`
	Retries    *int32  `json:",omitempty"`
	Age        *int32  `json:",omitempty"` // seconds
}

func value(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

func ptr[T any](v T) *T { return &v }

// given is nil for nothing.
func given[T comparable](v T) *T {
	var none T
	if v == none {
		return nil
	}
	return &v
}
