package scheduler_test

import (
	"testing"
	"time"

	iamshapes "github.com/nube-run/nube/internal/awsapi/shapes/iam"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/scheduler"
)

// A role says for which groups of schedules Scheduler may assume it: when a schedule
// is made, and again at every run. A single schedule is no source.
//
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
//
// Mutations: the schedule as the source; the trust policy not asked again at a run.
func TestTrustOfGroup(t *testing.T) {
	const cell = "arn:aws:scheduler:us-east-1:123456789012:"
	tests := []struct {
		name, condition string
		ok              bool
	}{
		{"group", `"ArnLike":{"aws:SourceArn":"` + cell + `schedule-group/default"},"StringEquals":{"aws:SourceAccount":"123456789012"}`, true},
		{"groups", `"ArnLike":{"aws:SourceArn":"arn:aws:scheduler:*:123456789012:schedule-group/*"}`, true},
		{"other-group", `"ArnLike":{"aws:SourceArn":"` + cell + `schedule-group/other"}`, false},
		{"schedule", `"ArnLike":{"aws:SourceArn":"` + cell + `schedule/default/*"}`, false},
		{"other-account", `"StringEquals":{"aws:SourceAccount":"210987654321"}`, false},
	}
	b := newBed(t)
	as := func(role string) func(*shapes.CreateScheduleInput) {
		return func(in *shapes.CreateScheduleInput) { in.Target.RoleArn = ptr(roleARN + role) }
	}
	for _, test := range tests {
		b.role(test.name, "scheduler.amazonaws.com", `{"Effect":"Allow","Action":"*","Resource":"*"}`)
		b.trust(test.name, test.condition)
		if test.ok {
			b.create(test.name, "at(2026-03-01T12:30:00)", as(test.name))
			continue
		}
		fails(b, shapes.CreateSchedule, wish(test.name, "at(2026-03-01T12:30:00)", as(test.name)), "ValidationException",
			"The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")
	}
	b.trust("groups", tests[2].condition) // it does not trust the schedule any more
	equal(t, "runs", []string{"01 12:30:00 group Invoke f Event 1"}, b.advance(time.Hour))
}

// trust sets the conditions on which a role trusts Scheduler.
func (b *bed) trust(role, conditions string) {
	b.Helper()
	doc := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"scheduler.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{` + conditions + `}}]}`
	call(b, iamshapes.UpdateAssumeRolePolicy, &iamshapes.UpdateAssumeRolePolicyRequest{RoleName: &role, PolicyDocument: &doc})
}
