// Package scheduler holds Amazon EventBridge Scheduler's documentation to a server, through AWS's own SDK. Each case cites
// its page.
package scheduler

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/nube-run/nube/conformance/target"
)

func TestMain(m *testing.M) { os.Exit(target.Main(m)) }

// suite is a client, a queue and a role that may send to it.
type suite struct {
	*testing.T
	*scheduler.Client
	ctx       context.Context
	sqs       *sqs.Client
	name      string
	url       *string
	arn, role string
	off       *types.FlexibleTimeWindow
}

func open(t *testing.T) *suite {
	t.Helper()
	t.Parallel()
	x := &suite{
		T: t, Client: scheduler.NewFromConfig(target.Config()), sqs: sqs.NewFromConfig(target.Config()), ctx: t.Context(), name: target.Name(),
		off: &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff},
	}
	q, err := x.sqs.CreateQueue(x.ctx, &sqs.CreateQueueInput{QueueName: &x.name})
	target.Must(t, err)
	x.url = q.QueueUrl
	a, err := x.sqs.GetQueueAttributes(x.ctx, &sqs.GetQueueAttributesInput{QueueUrl: x.url, AttributeNames: []sqstypes.QueueAttributeName{"QueueArn"}})
	target.Must(t, err)
	x.arn = a.Attributes["QueueArn"]
	roles := iam.NewFromConfig(target.Config())
	r, err := roles.CreateRole(x.ctx, &iam.CreateRoleInput{RoleName: &x.name, AssumeRolePolicyDocument: aws.String(target.Policy(
		`{"Effect":"Allow","Principal":{"Service":"scheduler.amazonaws.com"},"Action":"sts:AssumeRole"}`))})
	target.Must(t, err)
	x.role = *r.Role.Arn
	_, err = roles.PutRolePolicy(x.ctx, &iam.PutRolePolicyInput{RoleName: &x.name, PolicyName: &x.name, PolicyDocument: aws.String(target.Policy(
		`{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"` + x.arn + `"}`))})
	target.Must(t, err)
	t.Cleanup(func() {
		ctx := context.Background()
		_, err := roles.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &x.name, PolicyName: &x.name})
		if err == nil {
			_, err = roles.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &x.name})
		}
		if err == nil {
			_, err = x.sqs.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: x.url})
		}
		if err != nil {
			t.Errorf("cleaning up: %v", err)
		}
	})
	return x
}

// create makes a schedule. On AWS a new role is known only after a while.
func (x *suite) create(in *scheduler.CreateScheduleInput) error {
	x.Helper()
	if in.Name == nil {
		in.Name = &x.name
	}
	if in.FlexibleTimeWindow == nil {
		in.FlexibleTimeWindow = x.off
	}
	if in.Target == nil {
		in.Target = &types.Target{Arn: &x.arn, RoleArn: &x.role, Input: aws.String("hello")}
	}
	var err error
	for range 15 {
		if _, err = x.CreateSchedule(x.ctx, in); err == nil || !strings.Contains(err.Error(), "to assume the role") {
			break
		}
		time.Sleep(2 * time.Second)
	}
	if err == nil {
		x.Cleanup(func() {
			x.DeleteSchedule(context.Background(), &scheduler.DeleteScheduleInput{Name: in.Name, GroupName: in.GroupName})
		})
	}
	return err
}

// receive takes the next message of the queue.
func (x *suite) receive() string {
	x.Helper()
	for range 12 {
		out, err := x.sqs.ReceiveMessage(x.ctx, &sqs.ReceiveMessageInput{QueueUrl: x.url, WaitTimeSeconds: 10})
		target.Must(x, err)
		for _, m := range out.Messages {
			return *m.Body
		}
	}
	x.Fatal("no message has come for two minutes")
	return ""
}

// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html: a rate without a start date begins at once
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
func TestRate(t *testing.T) {
	x := open(t)
	target.Must(t, x.create(&scheduler.CreateScheduleInput{ScheduleExpression: aws.String("rate(1 hours)"), Target: &types.Target{
		Arn: &x.arn, RoleArn: &x.role,
		Input: aws.String(`{"arn":"<aws.scheduler.schedule-arn>","time":"<aws.scheduler.scheduled-time>","id":"<aws.scheduler.execution-id>","attempt":"<aws.scheduler.attempt-number>"}`),
	}}))
	var got struct{ Arn, Time, ID, Attempt string }
	target.Must(t, json.Unmarshal([]byte(x.receive()), &got))
	if _, err := time.Parse(time.RFC3339, got.Time); err != nil || !strings.HasSuffix(got.Arn, ":schedule/default/"+x.name) || got.ID == "" || got.Attempt != "1" {
		t.Errorf("%+v %v", got, err)
	}
}

// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
func TestSchedule(t *testing.T) {
	x := open(t)
	for _, expression := range []string{"cron(0 1 * * * *)", "rate(10 seconds)", "at(2021-12-31)", "at(2030-12-31T23:59:59Z)"} {
		target.Refused(t, x.create(&scheduler.CreateScheduleInput{ScheduleExpression: &expression}), "ValidationException", "Invalid Schedule Expression "+expression+".")
	}
	in := &scheduler.CreateScheduleInput{
		ScheduleExpression: aws.String("cron(0 2 * * ? *)"), ScheduleExpressionTimezone: aws.String("Europe/Berlin"),
		FlexibleTimeWindow: &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeFlexible, MaximumWindowInMinutes: aws.Int32(15)},
	}
	target.Must(t, x.create(in))
	target.Must(t, x.create(in)) // the SDK has left its token in the input: the same request once more
	in.ClientToken = nil
	target.Refused(t, x.create(in), "ConflictException", "")
	got, err := x.GetSchedule(x.ctx, &scheduler.GetScheduleInput{Name: &x.name})
	target.Must(t, err)
	if *got.GroupName != "default" || got.State != types.ScheduleStateEnabled || *got.ScheduleExpressionTimezone != "Europe/Berlin" ||
		*got.FlexibleTimeWindow.MaximumWindowInMinutes != 15 || *got.Target.RetryPolicy.MaximumRetryAttempts != 185 || got.ActionAfterCompletion != types.ActionAfterCompletionNone {
		t.Errorf("%+v", got)
	}
	_, err = x.UpdateSchedule(x.ctx, &scheduler.UpdateScheduleInput{
		Name: &x.name, ScheduleExpression: aws.String("rate(5 minutes)"), State: types.ScheduleStateDisabled, FlexibleTimeWindow: x.off, Target: in.Target,
	})
	target.Must(t, err)
	if got, err = x.GetSchedule(x.ctx, &scheduler.GetScheduleInput{Name: &x.name}); err != nil || got.State != types.ScheduleStateDisabled || *got.ScheduleExpressionTimezone != "UTC" {
		t.Errorf("after an update: %+v %v", got, err)
	}
	_, err = x.DeleteSchedule(x.ctx, &scheduler.DeleteScheduleInput{Name: &x.name})
	target.Must(t, err)
	_, err = x.GetSchedule(x.ctx, &scheduler.GetScheduleInput{Name: &x.name})
	target.Refused(t, err, "ResourceNotFoundException", "")
}

// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-group.html
func TestGroup(t *testing.T) {
	x := open(t)
	made, err := x.CreateScheduleGroup(x.ctx, &scheduler.CreateScheduleGroupInput{Name: &x.name, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}}})
	target.Must(t, err)
	target.Must(t, x.create(&scheduler.CreateScheduleInput{GroupName: &x.name, ScheduleExpression: aws.String("rate(1 day)"), State: types.ScheduleStateDisabled}))
	list, err := x.ListSchedules(x.ctx, &scheduler.ListSchedulesInput{GroupName: &x.name})
	target.Must(t, err)
	tags, err := x.ListTagsForResource(x.ctx, &scheduler.ListTagsForResourceInput{ResourceArn: made.ScheduleGroupArn})
	target.Must(t, err)
	if len(list.Schedules) != 1 || *list.Schedules[0].Name != x.name || len(tags.Tags) != 1 {
		t.Errorf("%+v %+v", list.Schedules, tags.Tags)
	}
	_, err = x.DeleteScheduleGroup(x.ctx, &scheduler.DeleteScheduleGroupInput{Name: &x.name})
	target.Must(t, err)
}
