package events_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/clock"
)

func detail(t *shapes.Target) { t.InputPath = ptr("$.detail") }

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-archive-event.html
func TestArchiveAndReplay(t *testing.T) {
	b := newBed(t)
	call(b, shapes.CreateEventBus, &shapes.CreateEventBusRequest{Name: ptr("custom")})
	archive := *call(b, shapes.CreateArchive, &shapes.CreateArchiveRequest{
		ArchiveName: ptr("all"), EventSourceArn: ptr(busARN + "custom"), EventPattern: ptr(`{"source":["shop"]}`), RetentionDays: ptr(int32(2)),
	}).ArchiveArn
	rule := b.rule("custom", "orders", orders, to("q", queueARN+"orders", detail))
	b.rule("custom", "rest", `{"detail-type":[{"anything-but":"order"}]}`, to("q", queueARN+"rest", detail))
	for i := range 100 {
		kind := "order"
		if i%2 == 1 {
			kind = "other"
		}
		b.put("custom", "shop", kind, fmt.Sprintf(`{"n":%d}`, i))
		if i == 9 {
			b.advance(time.Hour)
		}
	}
	b.put("custom", "else", "order", `{}`)
	if got := b.queued(); len(got) != 100 {
		t.Fatalf("%d messages", len(got))
	}
	a := call(b, shapes.DescribeArchive, &shapes.DescribeArchiveRequest{ArchiveName: ptr("all")})
	if *a.EventCount != 100 || *a.SizeBytes < 100*200 || *a.State != "ENABLED" {
		t.Errorf("the archive has %d events of %d bytes and is %s", *a.EventCount, *a.SizeBytes, *a.State)
	}

	replay := func(name string, from, to int64, rules ...string) []string {
		t.Helper()
		call(b, shapes.StartReplay, &shapes.StartReplayRequest{
			ReplayName: &name, EventSourceArn: &archive, EventStartTime: ptr(clock.Unix(from, 0)), EventEndTime: ptr(clock.Unix(to, 0)),
			Destination: &shapes.ReplayDestination{Arn: ptr(busARN + "custom"), FilterArns: rules},
		})
		got := b.queued()
		r := call(b, shapes.DescribeReplay, &shapes.DescribeReplayRequest{ReplayName: &name})
		if *r.State != "COMPLETED" || r.ReplayEndTime == nil {
			t.Errorf("%s is %s", name, *r.State)
		}
		return got
	}
	want := func(queue string, numbers ...int) (out []string) {
		for _, n := range numbers {
			out = append(out, fmt.Sprintf(`%s: {"n":%d}`, queue, n))
		}
		return out
	}
	first := append(want("orders", 0, 2, 4, 6, 8), want("rest", 1, 3, 5, 7, 9)...)
	if diff := cmp.Diff(first, replay("hour", noon, noon+1800)); diff != "" {
		t.Errorf("the first hour (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want("orders", 0, 2, 4, 6, 8), replay("one", noon, noon+1800, rule)); diff != "" {
		t.Errorf("one rule (-want +got):\n%s", diff)
	}
	if got := replay("everything", noon, noon+7200); len(got) != 100 {
		t.Errorf("everything: %d", len(got))
	}
	b.rule("custom", "seen", `{"replay-name":[{"exists":true}]}`, to("q", queueARN+"seen"))
	var named int
	for _, m := range replay("named", noon, noon+1800) {
		if strings.HasPrefix(m, "seen:") && strings.Contains(m, `"replay-name":"named","detail":`) {
			named++
		}
	}
	if named != 10 {
		t.Errorf("%d events say that they are replayed", named)
	}
	// What is replayed is not archived again, and what is too old goes.
	if a := call(b, shapes.DescribeArchive, &shapes.DescribeArchiveRequest{ArchiveName: ptr("all")}); *a.EventCount != 100 {
		t.Errorf("the archive has %d events", *a.EventCount)
	}
	b.advance(72 * time.Hour)
	if got := replay("late", noon, noon+7200); len(got) != 0 {
		t.Errorf("%d events are replayed whose days are over", len(got))
	}
	for range 7 {
		b.put("custom", "shop", "order", `{"late":1}`)
	}
	b.queued()
	if a := call(b, shapes.DescribeArchive, &shapes.DescribeArchiveRequest{ArchiveName: ptr("all")}); *a.EventCount != 7 {
		t.Errorf("the archive has %d events", *a.EventCount)
	}
	fails(b, shapes.DeleteRule, &shapes.DeleteRuleRequest{Name: ptr("Events-Archive-all"), EventBusName: ptr("custom")}, "ManagedRuleException", "")
	call(b, shapes.DeleteArchive, &shapes.DeleteArchiveRequest{ArchiveName: ptr("all")})
	fails(b, shapes.DescribeArchive, &shapes.DescribeArchiveRequest{ArchiveName: ptr("all")}, "ResourceNotFoundException", "Archive all does not exist.")
	if rules := call(b, shapes.ListRules, &shapes.ListRulesRequest{EventBusName: ptr("custom")}).Rules; len(rules) != 3 {
		t.Errorf("%d rules are left", len(rules))
	}
}

func TestReplayRefused(t *testing.T) {
	b := newBed(t)
	archive := *call(b, shapes.CreateArchive, &shapes.CreateArchiveRequest{ArchiveName: ptr("a"), EventSourceArn: ptr(busARN + "default")}).ArchiveArn
	fails(b, shapes.CreateArchive, &shapes.CreateArchiveRequest{ArchiveName: ptr("a"), EventSourceArn: ptr(busARN + "default")}, "ResourceAlreadyExistsException", "")
	fails(b, shapes.CreateArchive, &shapes.CreateArchiveRequest{ArchiveName: ptr("b"), EventSourceArn: ptr(busARN + "none")}, "ResourceNotFoundException", "")
	fails(b, shapes.CreateArchive, &shapes.CreateArchiveRequest{ArchiveName: ptr("b"), EventSourceArn: ptr(busARN + "default"), EventPattern: ptr(`{"a":1}`)}, "InvalidEventPatternException", "")
	good := func() *shapes.StartReplayRequest {
		return &shapes.StartReplayRequest{
			ReplayName: ptr("r"), EventSourceArn: &archive, EventStartTime: ptr(clock.Unix(noon, 0)), EventEndTime: ptr(clock.Unix(noon+1, 0)),
			Destination: &shapes.ReplayDestination{Arn: ptr(busARN + "default")},
		}
	}
	for _, change := range []func(*shapes.StartReplayRequest){
		func(in *shapes.StartReplayRequest) { in.EventSourceArn = ptr(archive + "x") },
		func(in *shapes.StartReplayRequest) { in.EventSourceArn = ptr(busARN + "default") },
		func(in *shapes.StartReplayRequest) { in.EventEndTime = in.EventStartTime },
		func(in *shapes.StartReplayRequest) { in.Destination.Arn = ptr(busARN + "other") },
		func(in *shapes.StartReplayRequest) { in.Destination.FilterArns = []string{busARN + "default"} },
	} {
		in := good()
		change(in)
		fails(b, shapes.StartReplay, in, "ValidationException", "")
	}
	call(b, shapes.StartReplay, good())
	b.settle()
	fails(b, shapes.StartReplay, good(), "ResourceAlreadyExistsException", "Replay r already exists.")
	fails(b, shapes.CancelReplay, &shapes.CancelReplayRequest{ReplayName: ptr("r")}, "IllegalStatusException", "")
}
