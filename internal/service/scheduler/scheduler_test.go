package scheduler_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	iamshapes "github.com/nube-run/nube/internal/awsapi/shapes/iam"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/scheduler"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
)

func equal(t *testing.T, what string, want, got []string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
func TestSchedules(t *testing.T) {
	b := newBed(t)
	b.create("rate", "rate(10 minutes)")
	b.settle()
	equal(t, "a rate begins at once", []string{"01 12:00:00 runner Invoke f Event 1"}, b.front.made())
	equal(t, "and goes on", []string{"01 12:10:00 runner Invoke f Event 1", "01 12:20:00 runner Invoke f Event 1"}, b.advance(25*time.Minute))
	call(b, shapes.DeleteSchedule, &shapes.DeleteScheduleInput{Name: ptr("rate")})
	equal(t, "deleted", nil, b.advance(time.Hour))

	b.create("later", "rate(1 hours)", func(in *shapes.CreateScheduleInput) {
		in.StartDate, in.EndDate = ptr(clock.Unix(noon+2*3600, 0)), ptr(clock.Unix(noon+4*3600, 0))
		in.ActionAfterCompletion = ptr("DELETE")
	})
	equal(t, "from StartDate to EndDate", []string{
		"01 14:00:00 runner Invoke f Event 1", "01 15:00:00 runner Invoke f Event 1", "01 16:00:00 runner Invoke f Event 1",
	}, b.advance(6*time.Hour))
	equal(t, "deleted after completion", nil, b.names())

	b.create("daily", "cron(0 9 * * ? *)", zone("Europe/Berlin"))
	b.create("once", "at(2026-03-02T08:30:00)", zone("Europe/Berlin"), func(in *shapes.CreateScheduleInput) { in.ActionAfterCompletion = ptr("DELETE") })
	equal(t, "in a time zone", []string{"02 07:30:00 runner Invoke f Event 1", "02 08:00:00 runner Invoke f Event 1"}, b.advance(24*time.Hour))
	equal(t, "a one-time schedule is deleted", []string{"default/daily"}, b.names())
	in := shapes.UpdateScheduleInput(*wish("daily", "cron(0 9 * * ? *)"))
	in.State = ptr("DISABLED")
	call(b, shapes.UpdateSchedule, &in)
	equal(t, "disabled", nil, b.advance(48*time.Hour))
}

// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html, daylight savings time
func TestDaylightSaving(t *testing.T) {
	b := newBed(t)
	b.create("skipped", "cron(30 2 * * ? *)", zone("America/New_York"))
	equal(t, "2:30 on the 8th is skipped", []string{"07 07:30:00 runner Invoke f Event 1", "09 06:30:00 runner Invoke f Event 1"}, b.advance(8 * 24 * time.Hour)[5:])
	call(b, shapes.DeleteSchedule, &shapes.DeleteScheduleInput{Name: ptr("skipped")})
	b.advance(time.Duration(clock.Unix(1793448000, 0).Sub(b.clock.Now()))) // 2026-10-31T12:00:00Z
	b.create("repeated", "cron(30 1 * * ? *)", zone("America/New_York"))
	equal(t, "1:30 on the 1st is twice", []string{"01 05:30:00 runner Invoke f Event 1", "02 06:30:00 runner Invoke f Event 1"}, b.advance(48*time.Hour))
}

// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-flexible-time-windows.html
func TestFlexibleWindow(t *testing.T) {
	window := func(in *shapes.CreateScheduleInput) {
		in.FlexibleTimeWindow = &shapes.FlexibleTimeWindow{Mode: ptr("FLEXIBLE"), MaximumWindowInMinutes: ptr(int32(15))}
		in.Target.Input = ptr("<aws.scheduler.scheduled-time>")
	}
	var before []string
	for range 2 {
		b := newBed(t)
		b.create("x", "cron(0 * * * ? *)", window)
		got := b.advance(6 * time.Hour)
		if len(got) != 5 && len(got) != 6 {
			t.Fatalf("%q", got)
		}
		different := map[string]bool{}
		for i, c := range got {
			at, err := time.Parse("02 15:04:05", c[:11])
			if err != nil || at.Hour() != 13+i || at.Minute() >= 15 || !strings.HasSuffix(c, fmt.Sprintf("2026-03-01T%d:00:00Z", 13+i)) {
				t.Errorf("%s, %v", c, err)
			}
			different[c[6:11]] = true
		}
		if len(different) == 1 {
			t.Errorf("always at the same time: %q", got)
		}
		if before != nil {
			equal(t, "the same again", before, got)
		}
		before = got
	}
}

// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-templated.html
func TestTargets(t *testing.T) {
	b := newBed(t)
	at := func(arn, input string, more ...func(*shapes.Target)) func(*shapes.CreateScheduleInput) {
		return func(in *shapes.CreateScheduleInput) {
			in.Target.Arn, in.Target.Input = &arn, nil
			if input != "" {
				in.Target.Input = &input
			}
			for _, f := range more {
				f(in.Target)
			}
		}
	}
	const once = "at(2026-03-01T12:30:00)"
	b.create("1", once, at(fnARN+"f", ""))
	b.create("2", once, at(queueARN+"q", "hello <aws.scheduler.attempt-number>"))
	b.create("3", once, at(queueARN+"q.fifo", "hello", func(t *shapes.Target) { t.SqsParameters = &shapes.SqsParameters{MessageGroupId: ptr("g")} }))
	b.create("4", once, at(topicARN+"t", "<aws.scheduler.schedule-arn>"))
	b.create("5", once, at(busARN+"b", `{"n":1}`, func(t *shapes.Target) {
		t.EventBridgeParameters = &shapes.EventBridgeParameters{DetailType: ptr("d"), Source: ptr("s")}
	}))
	b.create("6", once, at("arn:aws:scheduler:::aws-sdk:iam:createUser", `{"UserName":"made"}`))
	var got []string
	for _, c := range b.advance(time.Hour) {
		if _, rest, ok := strings.Cut(c, `"id":"`); ok {
			c = strings.Replace(c, rest[:36], "ID", 1)
		}
		got = append(got, strings.TrimPrefix(c, "01 12:30:00 runner "))
	}
	want := []string{
		`Invoke f Event {"version":"0","id":"ID","detail-type":"Scheduled Event","source":"aws.scheduler","account":"123456789012","time":"2026-03-01T12:30:00Z",` +
			`"region":"us-east-1","resources":["arn:aws:scheduler:us-east-1:123456789012:schedule/default/1"],"detail":"{}"}`,
		`PutEvents arn:aws:events:us-east-1:123456789012:event-bus/b s d {"n":1}`,
		`Publish t arn:aws:scheduler:us-east-1:123456789012:schedule/default/4`,
		`SendMessage https://sqs.us-east-1.amazonaws.com/123456789012/q hello 1`,
		`SendMessage https://sqs.us-east-1.amazonaws.com/123456789012/q.fifo hello in g`,
	}
	sorted := func(a, b string) bool { return a < b }
	if diff := cmp.Diff(want, got, cmpSorted(sorted)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	call(b, iamshapes.GetUser, &iamshapes.GetUserRequest{UserName: ptr("made")})
}

// https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
func TestDeadLetter(t *testing.T) {
	b := newBed(t)
	b.role("weak", "scheduler.amazonaws.com", "")
	dead := func(in *shapes.CreateScheduleInput) {
		in.Target.DeadLetterConfig = &shapes.DeadLetterConfig{Arn: ptr(queueARN + "dlq")}
	}
	letter := func() map[string]string {
		t.Helper()
		if len(b.queues.taken) != 1 {
			t.Fatalf("%d dead letters", len(b.queues.taken))
		}
		m, err := b.queues.taken[0].Message()
		if err != nil {
			t.Fatal(err)
		}
		b.queues.taken = nil
		out := map[string]string{"body": string(m.Body)}
		for k, v := range m.Attributes {
			out[k] = v.Text
		}
		delete(out, "EXECUTION_ID")
		return out
	}
	b.create("denied", "at(2026-03-01T12:30:00)", dead, func(in *shapes.CreateScheduleInput) {
		in.Target.RoleArn, in.Target.Arn, in.Target.Input = ptr(roleARN+"weak"), ptr("arn:aws:scheduler:::aws-sdk:iam:createUser"), ptr(`{"UserName":"made"}`)
	})
	b.advance(time.Hour)
	got := letter()
	if !strings.Contains(got["ERROR_MESSAGE"], "is not authorized to perform: iam:CreateUser") {
		t.Errorf("message %s", got["ERROR_MESSAGE"])
	}
	delete(got, "ERROR_MESSAGE")
	if diff := cmp.Diff(map[string]string{
		"body": `{"UserName":"made"}`, "ERROR_CODE": "AccessDenied", "IS_PAYLOAD_TRUNCATED": "false", "RETRY_ATTEMPTS": "0", "SCHEDULED_TIME": "2026-03-01T12:30:00Z",
		"SCHEDULE_ARN": "arn:aws:scheduler:us-east-1:123456789012:schedule/default/denied", "TARGET_ARN": "arn:aws:scheduler:::aws-sdk:iam:createUser",
	}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	b.front.fail = func() error { return fault.New("ServiceException", "down").With(500) }
	b.create("down", "at(2026-03-01T13:30:00)", dead, func(in *shapes.CreateScheduleInput) {
		in.Target.RetryPolicy = &shapes.RetryPolicy{MaximumRetryAttempts: ptr(int32(3))}
	})
	b.advance(time.Hour)
	if got := letter(); got["ERROR_CODE"] != "ServiceException" || got["RETRY_ATTEMPTS"] != "3" || got["EXHAUSTED_RETRY_CONDITION"] != "MaximumRetryAttempts" {
		t.Errorf("%v", got)
	}
}

// What fell due while the cloud was down: what is to run once runs late, the rest
// not at all.
func TestDowntime(t *testing.T) {
	db := kv.Open(memkv.New())
	defer db.Close()
	b := makeBed(t, db, clock.Unix(noon, 0))
	b.role("runner", "scheduler.amazonaws.com", `{"Effect":"Allow","Action":"*","Resource":"*"}`)
	b.create("rate", "rate(1 minute)")
	b.create("once", "at(2026-03-01T12:30:00)")
	b.settle()
	b.stop()
	b = makeBed(t, db, clock.Unix(noon+3600+10, 0))
	defer b.stop()
	b.settle()
	equal(t, "an hour later", []string{"01 13:00:10 runner Invoke f Event 1"}, b.front.made())
	equal(t, "from then on", []string{"01 13:01:00 runner Invoke f Event 1"}, b.advance(time.Minute))
}

func TestRefused(t *testing.T) {
	b := newBed(t)
	b.role("other", "lambda.amazonaws.com", "")
	for _, expression := range []string{"cron(0 1 * * * *)", "rate(10 seconds)", "rate( 10 minutes )", " rate(10 minutes)", "at(2021-12-31T23:59:59Z)", "at(2021-12-31)", "cron(71 8 1 * ? *)"} {
		fails(b, shapes.CreateSchedule, wish("x", expression), "ValidationException", "Invalid Schedule Expression "+expression+".")
	}
	for name, change := range map[string]func(*shapes.CreateScheduleInput){
		"zone": zone("Mars/Olympus"),
		"skipped": func(in *shapes.CreateScheduleInput) {
			in.ScheduleExpression = ptr("at(2026-03-08T02:30:00)")
			zone("America/New_York")(in)
		},
		"window":    func(in *shapes.CreateScheduleInput) { in.FlexibleTimeWindow.Mode = ptr("FLEXIBLE") },
		"no window": func(in *shapes.CreateScheduleInput) { in.FlexibleTimeWindow.MaximumWindowInMinutes = ptr(int32(5)) },
		"dates": func(in *shapes.CreateScheduleInput) {
			in.StartDate, in.EndDate = ptr(clock.Unix(noon, 0)), ptr(clock.Unix(noon, 0))
		},
		"kinesis": func(in *shapes.CreateScheduleInput) {
			in.Target.Arn = ptr("arn:aws:kinesis:us-east-1:123456789012:stream/s")
		},
		"no service": func(in *shapes.CreateScheduleInput) {
			in.Target.Arn = ptr("arn:aws:scheduler:::aws-sdk:nothing:doThis")
		},
		"no operation": func(in *shapes.CreateScheduleInput) { in.Target.Arn = ptr("arn:aws:scheduler:::aws-sdk:iam:doThis") },
		"reading":      func(in *shapes.CreateScheduleInput) { in.Target.Arn = ptr("arn:aws:scheduler:::aws-sdk:iam:listUsers") },
		"bus":          func(in *shapes.CreateScheduleInput) { in.Target.Arn = ptr(busARN + "default") },
		"fifo":         func(in *shapes.CreateScheduleInput) { in.Target.Arn = ptr(queueARN + "q.fifo") },
		"EcsParameters": func(in *shapes.CreateScheduleInput) {
			in.Target.EcsParameters = &shapes.EcsParameters{TaskDefinitionArn: ptr("x")}
		},
		"no such role":    func(in *shapes.CreateScheduleInput) { in.Target.RoleArn = ptr(roleARN + "nobody") },
		"role of another": func(in *shapes.CreateScheduleInput) { in.Target.RoleArn = ptr(roleARN + "other") },
	} {
		t.Run(name, func(t *testing.T) {
			fails(b, shapes.CreateSchedule, wish("x", "rate(1 minute)", change), "ValidationException", "")
		})
	}
	b.create("x", "rate(1 minute)")
	fails(b, shapes.CreateSchedule, wish("x", "rate(1 minute)"), "ConflictException", "")
	fails(b, shapes.CreateSchedule, wish("y", "rate(1 minute)", func(in *shapes.CreateScheduleInput) { in.GroupName = ptr("none") }), "ResourceNotFoundException", "")
	fails(b, shapes.GetSchedule, &shapes.GetScheduleInput{Name: ptr("y")}, "ResourceNotFoundException", "")
	fails(b, shapes.DeleteScheduleGroup, &shapes.DeleteScheduleGroupInput{Name: ptr("default")}, "ValidationException", "")
}

func TestGroups(t *testing.T) {
	b := newBed(t)
	in := func(group string) func(*shapes.CreateScheduleInput) {
		return func(in *shapes.CreateScheduleInput) { in.GroupName = &group }
	}
	arn := *call(b, shapes.CreateScheduleGroup, &shapes.CreateScheduleGroupInput{Name: ptr("g"), Tags: []shapes.Tag{{Key: ptr("a"), Value: ptr("1")}}}).ScheduleGroupArn
	call(b, shapes.TagResource, &shapes.TagResourceInput{ResourceArn: &arn, Tags: []shapes.Tag{{Key: ptr("b"), Value: ptr("2")}}})
	call(b, shapes.UntagResource, &shapes.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"a"}})
	if tags := call(b, shapes.ListTagsForResource, &shapes.ListTagsForResourceInput{ResourceArn: &arn}).Tags; len(tags) != 1 || *tags[0].Key != "b" {
		t.Errorf("tags %v", tags)
	}
	for i := range 5 {
		b.create(fmt.Sprint("s", i), "rate(1 hour)", in("g"))
	}
	b.create("own", "rate(1 hour)")
	var names []string
	for token := (*string)(nil); ; {
		out := call(b, shapes.ListSchedules, &shapes.ListSchedulesInput{GroupName: ptr("g"), MaxResults: ptr(int32(2)), NextToken: token})
		for _, s := range out.Schedules {
			names = append(names, *s.Name)
		}
		if token = out.NextToken; token == nil {
			break
		}
	}
	equal(t, "pages", []string{"s0", "s1", "s2", "s3", "s4"}, names)
	names = nil
	for token := (*string)(nil); ; {
		out := call(b, shapes.ListScheduleGroups, &shapes.ListScheduleGroupsInput{MaxResults: ptr(int32(1)), NextToken: token})
		for _, g := range out.ScheduleGroups {
			names = append(names, *g.Name)
		}
		if token = out.NextToken; token == nil {
			break
		}
	}
	equal(t, "groups", []string{"default", "g"}, names)
	b.settle()
	b.front.made()
	call(b, shapes.DeleteScheduleGroup, &shapes.DeleteScheduleGroupInput{Name: ptr("g")})
	equal(t, "with the group its schedules are gone", []string{"default/own"}, b.names())
	equal(t, "and do not run", []string{"01 13:00:00 runner Invoke f Event 1"}, b.advance(time.Hour))
}

// A request that is repeated because its answer was lost makes nothing twice, and
// is no conflict with itself.
func TestClientTokens(t *testing.T) {
	b := newBed(t)
	token := func(s string) func(*shapes.CreateScheduleInput) {
		return func(in *shapes.CreateScheduleInput) { in.ClientToken = &s }
	}
	first := call(b, shapes.CreateSchedule, wish("s", "rate(1 hour)", token("one")))
	again := call(b, shapes.CreateSchedule, wish("s", "rate(1 hour)", token("one")))
	if *first.ScheduleArn != *again.ScheduleArn {
		t.Errorf("%s and %s", *first.ScheduleArn, *again.ScheduleArn)
	}
	equal(t, "one schedule", []string{"01 12:00:00 runner Invoke f Event 1"}, b.advance(time.Minute))
	in := shapes.UpdateScheduleInput(*wish("s", "rate(2 hours)"))
	call(b, shapes.UpdateSchedule, &in)
	call(b, shapes.CreateSchedule, wish("s", "rate(1 hour)", token("one")))
	if got := call(b, shapes.GetSchedule, &shapes.GetScheduleInput{Name: ptr("s")}); *got.ScheduleExpression != "rate(2 hours)" {
		t.Errorf("a repeated request undoes what came after it: %s", *got.ScheduleExpression)
	}
	fails(b, shapes.CreateSchedule, wish("s", "rate(1 hour)", token("two")), "ConflictException", "")
	fails(b, shapes.CreateSchedule, wish("s", "rate(1 hour)"), "ConflictException", "")
	for range 2 {
		call(b, shapes.CreateScheduleGroup, &shapes.CreateScheduleGroupInput{Name: ptr("g"), ClientToken: ptr("one")})
	}
	fails(b, shapes.CreateScheduleGroup, &shapes.CreateScheduleGroupInput{Name: ptr("g"), ClientToken: ptr("two")}, "ConflictException", "")
}

// One-time schedules know no StartDate and no EndDate; recurring ones do not begin
// in the past.
//
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
func TestDates(t *testing.T) {
	b := newBed(t)
	b.create("once", "at(2026-03-01T12:30:00)", func(in *shapes.CreateScheduleInput) {
		in.StartDate, in.EndDate = ptr(clock.Unix(noon+7200, 0)), ptr(clock.Unix(noon+9000, 0))
	})
	equal(t, "before its StartDate", []string{"01 12:30:00 runner Invoke f Event 1"}, b.advance(time.Hour))
	from := func(d time.Duration) func(*shapes.CreateScheduleInput) {
		return func(in *shapes.CreateScheduleInput) { in.StartDate = ptr(b.clock.Now().Add(d)) }
	}
	fails(b, shapes.CreateSchedule, wish("late", "rate(1 hour)", from(-6*time.Minute)), "ValidationException", "The StartDate you specify cannot be earlier than 5 minutes ago.")
	b.create("just", "rate(1 hour)", from(-4*time.Minute))
	b.create("past", "at(2026-03-01T12:00:00)", from(-6*time.Minute))
}

// A token goes on with the list that it is of, and with no other.
func TestTokens(t *testing.T) {
	b := newBed(t)
	for _, group := range []string{"a", "b"} {
		call(b, shapes.CreateScheduleGroup, &shapes.CreateScheduleGroupInput{Name: &group})
		for _, name := range []string{"1", "2"} {
			b.create(name, "rate(1 day)", func(in *shapes.CreateScheduleInput) { in.GroupName = &group })
		}
	}
	page := func(group string, token *string) *shapes.ListSchedulesOutput {
		t.Helper()
		return call(b, shapes.ListSchedules, &shapes.ListSchedulesInput{GroupName: &group, MaxResults: ptr(int32(1)), NextToken: token})
	}
	first := page("b", nil)
	if rest := page("b", first.NextToken); len(rest.Schedules) != 1 || *rest.Schedules[0].Name != "2" || rest.NextToken != nil {
		t.Errorf("%+v", rest)
	}
	for _, group := range []string{"a", "default"} {
		fails(b, shapes.ListSchedules, &shapes.ListSchedulesInput{GroupName: &group, NextToken: first.NextToken}, "ValidationException", "Invalid NextToken.")
	}
	groups := call(b, shapes.ListScheduleGroups, &shapes.ListScheduleGroupsInput{MaxResults: ptr(int32(1))})
	var names []string
	for more := groups; ; more = call(b, shapes.ListScheduleGroups, &shapes.ListScheduleGroupsInput{MaxResults: ptr(int32(1)), NextToken: more.NextToken}) {
		for _, g := range more.ScheduleGroups {
			names = append(names, *g.Name)
		}
		if more.NextToken == nil {
			break
		}
	}
	equal(t, "groups", []string{"default", "a", "b"}, names)
	fails(b, shapes.ListSchedules, &shapes.ListSchedulesInput{NextToken: groups.NextToken}, "ValidationException", "Invalid NextToken.")
}
