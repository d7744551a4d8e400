package events_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/events"
)

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
func TestInput(t *testing.T) {
	const detail = `{"state":"RUNNING","n":1.50,"list":[{"id":"a"},{"id":"b"}],"map":{"x-y":true,"z/w":null},"quote":"say \"hi\""}`
	const arn = "arn:aws:events:us-east-1:123456789012:rule/r"
	for _, test := range []struct {
		name, path, template string
		paths                map[string]string
		want                 string
	}{
		{name: "object", path: "$.detail.map", want: `{"x-y":true,"z/w":null}`},
		{name: "scalar", path: "$.detail.state", want: `"RUNNING"`},
		{name: "number as it was written", path: "$.detail.n", want: `1.50`},
		{name: "name with a dash", path: "$.detail-type", want: `"order"`},
		{name: "element", path: "$.detail.list[1].id", want: `"b"`},
		{name: "all elements", path: "$.detail.list[*].id", want: `["a","b"]`},
		{name: "all members", path: "$.detail.map.*", want: `[true,null]`},
		{name: "slash", path: "$.detail.map.z/w", want: `null`},
		{name: "whole", path: "$", paths: nil, want: ""},
		{name: "text", template: `"The <kind> is <state>"`, paths: map[string]string{"kind": "$.detail-type", "state": "$.detail.state"}, want: `"The order is RUNNING"`},
		{name: "lines", template: "\"one <kind>\"\n\"two\"", paths: map[string]string{"kind": "$.detail-type"}, want: "\"one order\"\n\"two\""},
		{
			name: "values", template: `{"state":<state>,"n":<n>,"list":<list>,"none":<none>}`, want: `{"state":"RUNNING","n":1.50,"list":[{"id":"a"},{"id":"b"}],"none":""}`,
			paths: map[string]string{"state": "$.detail.state", "n": "$.detail.n", "list": "$.detail.list", "none": "$.detail.none"},
		},
		{name: "missing in text", template: `"is <none>."`, paths: map[string]string{"none": "$.detail.none"}, want: `"is ."`},
		{name: "object in text loses its quotes", template: `"map <m>"`, paths: map[string]string{"m": "$.detail.map"}, want: `"map {x-y:true,z/w:null}"`},
		{name: "strings are not escaped", template: `{"q":"<q>"}`, paths: map[string]string{"q": "$.detail.quote"}, want: `{"q":"say "hi""}`},
		{name: "no variable", template: `{"less":"a < b","x":"<>"}`, want: `{"less":"a < b","x":"<>"}`},
		{
			name: "predefined", template: `{"arn":"<aws.events.rule-arn>","name":<aws.events.rule-name>,"at":"<aws.events.event.ingestion-time>"}`,
			want: `{"arn":"` + arn + `","name":"r","at":"2026-03-01T12:00:00Z"}`,
		},
		{
			name: "event", template: `{"e":<aws.events.event>}`,
			want: `{"e":{"version":"0","id":"ID","detail-type":"order","source":"shop","account":"123456789012","time":"2026-03-01T12:00:00Z","region":"us-east-1","resources":[]}}`,
		},
		{
			name: "whole event", template: `{"e":<aws.events.event.json>}`,
			want: `{"e":{"version":"0","id":"ID","detail-type":"order","source":"shop","account":"123456789012","time":"2026-03-01T12:00:00Z","region":"us-east-1","resources":[],"detail":` + detail + `}}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBed(t)
			b.rule("", "r", orders, to("q", queueARN+"q", func(t *shapes.Target) {
				if t.InputPath = given(test.path); test.template != "" {
					t.InputTransformer = &shapes.InputTransformer{InputTemplate: &test.template, InputPathsMap: test.paths}
				}
			}))
			id := b.put("", "shop", "order", detail)
			want := test.want
			if want == "" {
				want = `{"version":"0","id":"ID","detail-type":"order","source":"shop","account":"123456789012","time":"2026-03-01T12:00:00Z","region":"us-east-1","resources":[],"detail":` + detail + `}`
			}
			if diff := cmp.Diff([]string{"q: " + replaceID(want, id)}, b.queued()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestInputRefused(t *testing.T) {
	b := newBed(t)
	b.rule("", "r", orders)
	for _, change := range []func(*shapes.Target){
		func(t *shapes.Target) { t.Input, t.InputPath = ptr("{}"), ptr("$") },
		func(t *shapes.Target) { t.Input = ptr("{") },
		func(t *shapes.Target) { t.InputPath = ptr("detail") },
		func(t *shapes.Target) { t.InputPath = ptr("$.a[x]") },
		func(t *shapes.Target) { t.InputPath = ptr("$..a") },
		func(t *shapes.Target) { t.InputTransformer = &shapes.InputTransformer{InputTemplate: ptr(`"<what>"`)} },
		func(t *shapes.Target) { t.InputTransformer = &shapes.InputTransformer{InputTemplate: ptr(`no JSON`)} },
		func(t *shapes.Target) { t.InputTransformer = &shapes.InputTransformer{InputTemplate: ptr(`{"a":`)} },
		func(t *shapes.Target) {
			t.InputTransformer = &shapes.InputTransformer{InputTemplate: ptr(`"<aws-x>"`), InputPathsMap: map[string]string{"aws-x": "$.a"}}
		},
		func(t *shapes.Target) { t.KinesisParameters = &shapes.KinesisParameters{PartitionKeyPath: ptr("$.a")} },
		func(t *shapes.Target) { t.DeadLetterConfig = &shapes.DeadLetterConfig{Arn: ptr(topicARN + "t")} },
		func(t *shapes.Target) { t.RoleArn = ptr(roleARN + "nobody") },
	} {
		fails(b, shapes.PutTargets, &shapes.PutTargetsRequest{Rule: ptr("r"), Targets: []shapes.Target{to("q", queueARN+"q", change)}}, "ValidationException", "")
	}
	out := call(b, shapes.PutTargets, &shapes.PutTargetsRequest{Rule: ptr("r"), Targets: []shapes.Target{
		to("1", "arn:aws:kinesis:us-east-1:123456789012:stream/s"), to("2", "arn:aws:states:us-east-1:123456789012:stateMachine:m"), to("3", "nothing"),
		to("4", queueARN+"q.fifo"), to("5", queueARN+"q"),
	}})
	if *out.FailedEntryCount != 4 {
		t.Errorf("%d targets are refused", *out.FailedEntryCount)
	}
	fails(b, shapes.PutTargets, &shapes.PutTargetsRequest{Rule: ptr("r"), Targets: []shapes.Target{
		to("6", queueARN+"q"), to("7", queueARN+"q"), to("8", queueARN+"q"), to("9", queueARN+"q"), to("10", queueARN+"q"),
	}}, "LimitExceededException", "The requested resource exceeds the maximum number allowed.")
}
