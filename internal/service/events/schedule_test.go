package events_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
)

// Schedules are stored and fire: localstack#7268, localstack#9861,
// localstack#10239, localstack#11565, ministack#958, floci#7.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
func TestSchedulesFire(t *testing.T) {
	b := newBed(t)
	arn := b.rule("", "tick", "rate(5 minutes)", to("q", queueARN+"q"))
	b.rule("", "nightly", "cron(30 2 * * ? *)", to("q", queueARN+"night", func(t *shapes.Target) { t.Input = ptr(`{"job":"etl"}`) }))
	b.advance(4 * time.Minute)
	if got := b.queued(); len(got) != 0 {
		t.Errorf("too early: %q", got)
	}
	b.advance(time.Minute)
	got := b.queued()
	if len(got) != 1 {
		t.Fatalf("%q", got)
	}
	e := decode[map[string]any](t, strings.TrimPrefix(got[0], "q: "))
	if e["id"] == "" {
		t.Error("the event has no id")
	}
	delete(e, "id")
	if diff := cmp.Diff(map[string]any{
		"version": "0", "detail-type": "Scheduled Event", "source": "aws.events", "account": account, "time": "2026-03-01T12:05:00Z", "region": region,
		"resources": []any{arn}, "detail": map[string]any{},
	}, e); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	b.advance(15 * time.Minute)
	if got := b.queued(); len(got) != 3 {
		t.Errorf("after 15 minutes %q", got)
	}
	call(b, shapes.DisableRule, &shapes.DisableRuleRequest{Name: ptr("tick")})
	b.advance(24 * time.Hour)
	if diff := cmp.Diff([]string{`night: {"job":"etl"}`}, b.queued()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	call(b, shapes.EnableRule, &shapes.EnableRuleRequest{Name: ptr("tick")})
	b.advance(5 * time.Minute)
	if got := b.queued(); len(got) != 1 {
		t.Errorf("after it was enabled: %q", got)
	}
	b.rule("", "tick", "rate(1 hour)")
	b.advance(59 * time.Minute)
	if got := b.queued(); len(got) != 0 {
		t.Errorf("as it was scheduled before: %q", got)
	}
	b.advance(time.Minute)
	if got := b.queued(); len(got) != 1 {
		t.Errorf("as it is scheduled now: %q", got)
	}
}

// What fell due while the cloud was down comes neither at once nor all together.
func TestScheduleAfterDowntime(t *testing.T) {
	db := kv.Open(memkv.New())
	defer db.Close()
	b := makeBed(t, db, clock.Unix(noon, 0), nil)
	b.rule("", "tick", "rate(1 minute)", to("q", queueARN+"q"))
	b.advance(time.Minute)
	if got := b.queued(); len(got) != 1 {
		t.Errorf("%q", got)
	}
	b.stop()

	b = makeBed(t, db, clock.Unix(noon+3600+30, 0), nil)
	if got := b.queued(); len(got) != 0 {
		t.Errorf("an hour later %d at once", len(got))
	}
	b.advance(time.Minute)
	if got := b.queued(); len(got) != 1 || !strings.Contains(got[0], "T13:01:00Z") {
		t.Errorf("a minute later %q", got)
	}
	b.stop()

	b = makeBed(t, db, clock.Unix(noon+3600+150, 0), nil) // down for a minute and a half
	defer b.stop()
	if got := b.queued(); len(got) != 1 || !strings.Contains(got[0], "T13:02:00Z") {
		t.Errorf("after a short time %q", got)
	}
}

func TestScheduleRefused(t *testing.T) {
	b := newBed(t)
	call(b, shapes.CreateEventBus, &shapes.CreateEventBusRequest{Name: ptr("custom")})
	for _, test := range []struct{ bus, expression, message string }{
		{"custom", "rate(5 minutes)", "ScheduleExpression is supported only on the default event bus."},
		{"", "", "Parameter(s) EventPattern or ScheduleExpression must be specified."},
		{"", "rate(3 minute)", "Parameter ScheduleExpression is not valid."},
		{"", "rate(1 minutes)", "Parameter ScheduleExpression is not valid."},
		{"", "cron(7 20 * * 1-7 *)", "Parameter ScheduleExpression is not valid."},
		{"", "at(2030-01-01T00:00:00)", "Parameter ScheduleExpression is not valid."},
	} {
		fails(b, shapes.PutRule, &shapes.PutRuleRequest{Name: ptr("r"), EventBusName: given(test.bus), ScheduleExpression: given(test.expression)}, "ValidationException", test.message)
	}
}
