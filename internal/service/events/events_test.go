package events_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
)

const orders = `{"source":["shop"],"detail-type":["order"]}`

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
func TestEventReachesTargets(t *testing.T) {
	b := newBed(t)
	arn := b.rule("", "orders", orders, to("fn", fnARN+"f"), to("q", queueARN+"q"), to("t", topicARN+"t"), to("log", groupARN+"/aws/events/x:*"))
	id := b.put("", "shop", "order", `{ "n": 1.50, "s": "é<" }`)
	b.put("", "shop", "other", `{}`)
	want := `{"version":"0","id":"` + id + `","detail-type":"order","source":"shop","account":"123456789012","time":"2026-03-01T12:00:00Z",` +
		`"region":"us-east-1","resources":[],"detail":{"n":1.50,"s":"é<"}}`
	if diff := cmp.Diff([]string{"q: " + want}, b.queued()); diff != "" {
		t.Errorf("queue (-want +got):\n%s", diff)
	}
	for _, taker := range []*taker{b.functions, b.topics} {
		es := taker.take()
		if len(es) != 1 || string(es[0].Payload) != want {
			t.Fatalf("%s got %+v", taker.scheme, es)
		}
		if e := es[0]; e.SourceARN != arn || e.Actor != (delivery.ActorRef{Account: account, Service: "events.amazonaws.com"}) {
			t.Errorf("%s: from %s as %+v", taker.scheme, e.SourceARN, e.Actor)
		}
	}
	if diff := cmp.Diff([]string{"/aws/events/x: " + want}, b.front.lines); diff != "" {
		t.Errorf("log group (-want +got):\n%s", diff)
	}
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
func TestPutEventsEntries(t *testing.T) {
	b := newBed(t)
	b.rule("", "all", `{"source":[{"exists":true}]}`, to("q", queueARN+"q", func(t *shapes.Target) { t.InputPath = ptr("$.detail") }))
	entry := func(source, kind, detail string) shapes.PutEventsRequestEntry {
		return shapes.PutEventsRequestEntry{Source: given(source), DetailType: given(kind), Detail: given(detail)}
	}
	out := call(b, shapes.PutEvents, &shapes.PutEventsRequest{Entries: []shapes.PutEventsRequestEntry{
		entry("s", "k", `{"n":1}`), entry("", "k", `{}`), entry("s", "", `{}`), entry("s", "k", ""), entry("s", "k", "[1]"), entry("s", "k", `"{}"`), entry("s", "k", `{"n":`),
		entry("aws.ec2", "k", `{}`), entry("s", "k", `{"n":2}`),
	}})
	var got []string
	for _, e := range out.Entries {
		if e.ErrorCode == nil {
			got = append(got, "ok")
			continue
		}
		got = append(got, *e.ErrorCode+": "+*e.ErrorMessage)
	}
	if diff := cmp.Diff([]string{
		"ok", "InvalidArgument: Parameter Source is not valid. Reason: Source is a required argument.",
		"InvalidArgument: Parameter DetailType is not valid. Reason: DetailType is a required argument.",
		"InvalidArgument: Parameter Detail is not valid. Reason: Detail is a required argument.",
		"MalformedDetail: Detail is malformed.", "MalformedDetail: Detail is malformed.", "MalformedDetail: Detail is malformed.",
		"NotAuthorizedForSource: Not authorized for the source.", "ok",
	}, got); diff != "" || *out.FailedEntryCount != 7 {
		t.Errorf("%d failed (-want +got):\n%s", *out.FailedEntryCount, diff)
	}
	if diff := cmp.Diff([]string{`q: {"n":1}`, `q: {"n":2}`}, b.queued()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	// An event for a bus that does not exist is acknowledged and dropped.
	b.put("nowhere", "s", "k", `{}`)
	if got := b.queued(); len(got) != 0 {
		t.Errorf("%q", got)
	}
	eleven := make([]shapes.PutEventsRequestEntry, 11)
	fails(b, shapes.PutEvents, &shapes.PutEventsRequest{Entries: eleven}, "ValidationException", "")
}

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html
func TestPutEventsSize(t *testing.T) {
	b := newBed(t)
	b.rule("", "all", `{"source":["s"]}`, to("q", queueARN+"q", func(t *shapes.Target) { t.Input = ptr(`"got it"`) }))
	const rest = len("s") + len("k") + len(`{"a":""}`)
	b.put("", "s", "k", `{"a":"`+strings.Repeat("x", 1<<20-rest)+`"}`)
	if got := b.queued(); len(got) != 1 {
		t.Errorf("%q", got)
	}
	detail := `{"a":"` + strings.Repeat("x", 1<<20-rest+1) + `"}`
	fails(b, shapes.PutEvents, &shapes.PutEventsRequest{Entries: []shapes.PutEventsRequestEntry{{Source: ptr("s"), DetailType: ptr("k"), Detail: &detail}}},
		"ValidationException", "Total size of the entries in the request is over the limit.")
}

// Changes of rules show at once, also in an index that was made before.
func TestRulesChange(t *testing.T) {
	b := newBed(t)
	seen := func(want ...string) {
		t.Helper()
		b.put("", "shop", "order", `{}`)
		var got []string
		for _, m := range b.queued() {
			queue, _, _ := strings.Cut(m, ":")
			got = append(got, queue)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	seen()
	b.rule("", "a", orders, to("q", queueARN+"a"))
	seen("a")
	b.rule("", "b", orders, to("q", queueARN+"b"), to("r", queueARN+"c"))
	seen("a", "b", "c")
	call(b, shapes.DisableRule, &shapes.DisableRuleRequest{Name: ptr("a")})
	seen("b", "c")
	b.rule("", "b", `{"source":["else"]}`)
	seen()
	b.rule("", "b", orders)
	call(b, shapes.EnableRule, &shapes.EnableRuleRequest{Name: ptr("a")})
	seen("a", "b", "c")
	call(b, shapes.RemoveTargets, &shapes.RemoveTargetsRequest{Rule: ptr("b"), Ids: []string{"q"}})
	seen("a", "c")
	fails(b, shapes.DeleteRule, &shapes.DeleteRuleRequest{Name: ptr("b")}, "ValidationException", "Rule can't be deleted since it has targets.")
	call(b, shapes.RemoveTargets, &shapes.RemoveTargetsRequest{Rule: ptr("b"), Ids: []string{"r"}})
	call(b, shapes.DeleteRule, &shapes.DeleteRuleRequest{Name: ptr("b")})
	seen("a")
	for i := range 300 { // more than are remembered
		b.rule("", fmt.Sprint("x", i), `{"source":["else"]}`)
	}
	b.rule("", "z", orders, to("q", queueARN+"z"))
	seen("a", "z")
}

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-bus-to-bus.html
func TestEventGoesToAnotherBusOnce(t *testing.T) {
	b := newBed(t)
	for _, name := range []string{"one", "two", "three"} {
		call(b, shapes.CreateEventBus, &shapes.CreateEventBusRequest{Name: ptr(name)})
	}
	all := `{"source":[{"prefix":""}]}`
	b.rule("one", "r", all, to("bus", busARN+"two"), to("loop", busARN+"one"), to("q", queueARN+"one"))
	b.rule("two", "r", all, to("bus", busARN+"three"), to("back", busARN+"one"), to("q", queueARN+"two"))
	b.rule("three", "r", all, to("q", queueARN+"three"))
	id := b.put("one", "shop", "order", `{"n":1}`)
	got := b.queued()
	if len(got) != 3 || !strings.HasPrefix(got[0], "one:") || !strings.HasPrefix(got[1], "one:") || !strings.HasPrefix(got[2], "two:") {
		t.Fatalf("%q", got)
	}
	if e := decode[struct{ ID, Account string }](t, strings.TrimPrefix(got[2], "two: ")); e.ID != id || e.Account != account {
		t.Errorf("the event is %+v, want id %s", e, id)
	}
}

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
func TestDeadLetters(t *testing.T) {
	b := newBed(t)
	var why error
	permanent := false
	b.functions.do = func(delivery.Effect) delivery.Outcome { return delivery.Outcome{Err: why, Permanent: permanent} }
	dlq := func(t *shapes.Target) { t.DeadLetterConfig = &shapes.DeadLetterConfig{Arn: ptr(queueARN + "dlq")} }
	arn := b.rule("", "r", orders, to("fn", fnARN+"f", dlq, func(t *shapes.Target) {
		t.RetryPolicy = &shapes.RetryPolicy{MaximumRetryAttempts: ptr(int32(2)), MaximumEventAgeInSeconds: ptr(int32(60))}
	}))
	attributes := func() map[string]string {
		t.Helper()
		es := b.queues.take()
		if len(es) != 1 {
			t.Fatalf("%d dead letters", len(es))
		}
		m, err := es[0].Message()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(m.Body), `"source":"shop"`) {
			t.Errorf("body %s", m.Body)
		}
		out := map[string]string{}
		for name, a := range m.Attributes {
			out[name] = a.Text
		}
		if out["RULE_ARN"] != arn || out["TARGET_ARN"] != fnARN+"f" {
			t.Errorf("%v", out)
		}
		delete(out, "RULE_ARN")
		delete(out, "TARGET_ARN")
		return out
	}
	for _, test := range []struct {
		why       error
		permanent bool
		want      map[string]string
	}{
		{fault.New("AccessDeniedException", "no"), true, map[string]string{"ERROR_CODE": "NO_PERMISSIONS", "ERROR_MESSAGE": "no", "RETRY_ATTEMPTS": "0"}},
		{fault.New("ResourceNotFoundException", "gone"), true, map[string]string{"ERROR_CODE": "NO_RESOURCE", "ERROR_MESSAGE": "gone", "RETRY_ATTEMPTS": "0"}},
		{fmt.Errorf("down"), false, map[string]string{"ERROR_CODE": "SDK_CLIENT_ERROR", "ERROR_MESSAGE": "down", "RETRY_ATTEMPTS": "2", "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts"}},
	} {
		why, permanent = test.why, test.permanent
		b.put("", "shop", "order", `{}`)
		b.advance(time.Minute)
		if diff := cmp.Diff(test.want, attributes()); diff != "" {
			t.Errorf("%v (-want +got):\n%s", test.why, diff)
		}
	}
}

// What users of other emulators have reported.
func TestReportedFaults(t *testing.T) {
	event := `{"n":5,"nothing":null,"empty":"","nested":{"deep":{"state":"on"}},"list":[{"k":"a"},{"k":"b"}]}`
	for _, test := range []struct {
		name, pattern string
		want          bool
	}{
		{"localstack#3132 rules ignored", `{"source":["else"]}`, false},
		{"localstack#4198 nested detail", `{"detail":{"nested":{"deep":{"state":["on"]}}}}`, true},
		{"localstack#5701 nested detail that differs", `{"detail":{"nested":{"deep":{"state":["off"]}}}}`, false},
		{"localstack#10147 nested lists", `{"detail":{"list":{"k":["b"]}}}`, true},
		{"localstack#8512 exists", `{"detail":{"n":[{"exists":true}],"m":[{"exists":false}]}}`, true},
		{"localstack#8512 exists false of what is there", `{"detail":{"n":[{"exists":false}]}}`, false},
		{"localstack#9711 anything-but null", `{"detail":{"nothing":[{"anything-but":"x"}]}}`, true},
		{"localstack#12148 empty prefix", `{"detail":{"empty":[{"prefix":""}]}}`, true},
		{"floci#306 prefix", `{"source":[{"prefix":"sho"}]}`, true},
		{"floci#709 detail", `{"detail":{"n":[{"numeric":[">",4,"<=",5]}]}}`, true},
		{"floci#709 account", `{"account":["000000000000"]}`, false},
		{"floci#709 account of the caller", `{"account":["123456789012"]}`, true},
		{"floci#709 region", `{"region":["eu-west-1"]}`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBed(t)
			b.rule("", "r", test.pattern, to("q", queueARN+"q"))
			b.put("", "shop", "order", event)
			if got := len(b.queued()) == 1; got != test.want {
				t.Errorf("delivered: %v, want %v", got, test.want)
			}
		})
	}
}

// Rules fire for events of their own bus alone: cloudemu PR#671.
func TestRulesAreOfOneBus(t *testing.T) {
	b := newBed(t)
	call(b, shapes.CreateEventBus, &shapes.CreateEventBusRequest{Name: ptr("custom")})
	b.rule("", "r", orders, to("q", queueARN+"default"))
	b.rule("custom", "r", orders, to("q", queueARN+"custom", func(t *shapes.Target) { t.Input = ptr("1") }))
	b.put("custom", "shop", "order", `{}`)
	if diff := cmp.Diff([]string{"custom: 1"}, b.queued()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A bus that was deleted leaves nothing, and another one of its name knows nothing
// of it.
func TestDeletedBusLeavesNothing(t *testing.T) {
	b := newBed(t)
	rows := func() (n int) {
		t.Helper()
		err := b.db.View(t.Context(), func(s *kv.Snap) error {
			for p, err := range s.Scan(kv.Range{Start: kv.Key{0}, End: kv.Key{0xff}}, kv.ScanOptions{KeysOnly: true}) {
				if err != nil {
					return err
				}
				if strings.Contains(p.Key.String(), `"brief"`) {
					n++
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for range 2 {
		call(b, shapes.CreateEventBus, &shapes.CreateEventBusRequest{Name: ptr("brief")})
		b.put("brief", "shop", "order", `{}`)
		if got := b.queued(); len(got) != 0 {
			t.Errorf("a rule of the bus before it: %v", got)
		}
		b.rule("brief", "r", orders, to("q", queueARN+"q", detail))
		b.put("brief", "shop", "order", `{"n":1}`)
		if got := b.queued(); len(got) != 1 {
			t.Errorf("%v", got)
		}
		call(b, shapes.RemoveTargets, &shapes.RemoveTargetsRequest{Rule: ptr("r"), EventBusName: ptr("brief"), Ids: []string{"q"}})
		call(b, shapes.DeleteRule, &shapes.DeleteRuleRequest{Name: ptr("r"), EventBusName: ptr("brief")})
		call(b, shapes.DeleteEventBus, &shapes.DeleteEventBusRequest{Name: ptr("brief")})
		if n := rows(); n != 0 {
			t.Errorf("%d rows are left", n)
		}
	}
}
