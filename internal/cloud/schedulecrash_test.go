package cloud

import (
	"fmt"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/awsapi"
	iam "github.com/nube-run/nube/internal/awsapi/shapes/iam"
	"github.com/nube-run/nube/internal/awsapi/shapes/scheduler"
	"github.com/nube-run/nube/internal/fault"
)

// TestSchedulePowerLoss lets the power fail while writers make schedules that are due
// within the hour, and take every fourth back, and once more while they fire. On the
// disk that is found, two hours later, each schedule that was acknowledged has had its
// effect, unless it was taken back; those that were to be deleted afterwards are gone,
// and the others are there still.
//
// Mutations that it finds: a schedule that is acknowledged before it is on disk, one
// whose timer is not set in the same commit, or is gone before its effect is there;
// one that fires although it was deleted.
func TestSchedulePowerLoss(t *testing.T) {
	code := effectFunction(t)
	powerLoss{
		seeds: 4, stream: 19, most: 300,
		load:  func(o *outage) { o.prepare(code); o.schedule() },
		check: func(o *outage) { o.failAgain(); o.advance(2 * time.Hour); o.checkSchedules() },
	}.run(t)
}

// Of four schedules of a writer the last is taken back. Every other one is to be
// deleted when it is done.
func takenBack(n int) bool { return n%4 == 3 }
func deletes(n int) bool   { return n%2 == 0 }

// schedule has each writer make schedules of its own until the power has failed.
func (o *outage) schedule() {
	o.Helper()
	front, root := o.cloud.front, o.cloud.asRoot(o.Context(), o.cloud.scope)
	role, err := awsapi.Do(root, front, iam.CreateRole, &iam.CreateRoleRequest{RoleName: ptr("scheduler"), AssumeRolePolicyDocument: ptr(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"scheduler.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)})
	o.must(err)
	_, err = awsapi.Do(root, front, iam.PutRolePolicy, &iam.PutRolePolicyRequest{RoleName: ptr("scheduler"), PolicyName: ptr("invoke"), PolicyDocument: ptr(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:InvokeFunction","Resource":"*"}]}`)})
	o.must(err)
	o.each(func(w, n int) error {
		name := fmt.Sprintf("event-%d-%d", w, n)
		at := o.cloud.model.Now().Add(time.Duration(1+n%59) * time.Minute)
		in := &scheduler.CreateScheduleInput{
			Name: &name, ScheduleExpression: ptr(at.Time().UTC().Format("at(2006-01-02T15:04:05)")),
			FlexibleTimeWindow: &scheduler.FlexibleTimeWindow{Mode: ptr("OFF")},
			Target:             &scheduler.Target{Arn: ptr(string(o.cloud.scope.Function(crashTest))), RoleArn: role.Role.Arn, Input: ptr(fmt.Sprintf("%q", name))},
		}
		if deletes(n) {
			in.ActionAfterCompletion = ptr("DELETE")
		}
		_, err := awsapi.Do(root, front, scheduler.CreateSchedule, in)
		if err == nil && takenBack(n) {
			_, err = awsapi.Do(root, front, scheduler.DeleteSchedule, &scheduler.DeleteScheduleInput{Name: &name})
		}
		return err
	})
}

// failAgain lets the power fail when about half of the schedules have fired.
func (o *outage) failAgain() {
	o.Helper()
	half, advanced := total(o.acked)*3/8, make(chan struct{})
	go func() {
		defer close(advanced)
		if _, err := o.cloud.settler.Advance(o.Context(), o.cloud.model.Now().Add(2*time.Hour)); err != nil {
			o.Error(err)
		}
	}()
	for over := false; !over && len(o.items()) < half; {
		select {
		case <-advanced:
			over = true
		default:
		}
	}
	found := o.after.Crash(o.rng, o.rng.IntN(101))
	<-advanced
	o.close()
	o.open(found)
}

// checkSchedules compares what the function has done, and the schedules that there
// are, with what was acknowledged.
func (o *outage) checkSchedules() {
	o.Helper()
	front, root := o.cloud.front, o.cloud.asRoot(o.Context(), o.cloud.scope)
	items := o.items()
	for w := range writers {
		for n := range o.acked[w].events {
			name := fmt.Sprintf("event-%d-%d", w, n)
			if _, found := items[name]; found == takenBack(n) {
				o.Errorf("schedule %s, taken back: %v, has had its effect: %v", name, takenBack(n), found)
			}
			_, err := awsapi.Do(root, front, scheduler.GetSchedule, &scheduler.GetScheduleInput{Name: &name})
			gone := fault.Is(err, "ResourceNotFoundException")
			if err != nil && !gone {
				o.Fatal(err)
			}
			if gone != (takenBack(n) || deletes(n)) {
				o.Errorf("schedule %s, taken back: %v, to be deleted: %v, is gone: %v", name, takenBack(n), deletes(n), gone)
			}
		}
	}
}
