// Package events holds Amazon EventBridge's documentation to a server, through AWS's own SDK. Each case cites its page.
package events

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/nube-run/nube/conformance/target"
)

func TestMain(m *testing.M) { os.Exit(target.Main(m)) }

// suite is a client and a bus of its own.
type suite struct {
	*testing.T
	*eventbridge.Client
	ctx   context.Context
	sqs   *sqs.Client
	bus   *string
	arn   string
	queue *string
}

func open(t *testing.T) *suite {
	t.Helper()
	t.Parallel()
	x := &suite{T: t, Client: eventbridge.NewFromConfig(target.Config()), sqs: sqs.NewFromConfig(target.Config()), ctx: t.Context(), bus: aws.String(target.Name())}
	out, err := x.CreateEventBus(x.ctx, &eventbridge.CreateEventBusInput{Name: x.bus})
	target.Must(x, err)
	x.arn = *out.EventBusArn
	x.Cleanup(func() {
		if _, err := x.DeleteEventBus(context.Background(), &eventbridge.DeleteEventBusInput{Name: x.bus}); err != nil {
			x.Errorf("cleaning up: %v", err)
		}
	})
	return x
}

// rule makes a rule with a pattern and targets, and removes it at the end.
func (x *suite) rule(name, pattern string, targets ...types.Target) string {
	x.Helper()
	out, err := x.PutRule(x.ctx, &eventbridge.PutRuleInput{Name: &name, EventBusName: x.bus, EventPattern: &pattern})
	target.Must(x, err)
	x.Cleanup(func() {
		ctx := context.Background()
		var ids []string
		for _, t := range targets {
			ids = append(ids, *t.Id)
		}
		if len(ids) > 0 {
			if _, err := x.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: &name, EventBusName: x.bus, Ids: ids}); err != nil {
				x.Errorf("cleaning up: %v", err)
			}
		}
		if _, err := x.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: &name, EventBusName: x.bus}); err != nil {
			x.Errorf("cleaning up: %v", err)
		}
	})
	if len(targets) > 0 {
		put, err := x.PutTargets(x.ctx, &eventbridge.PutTargetsInput{Rule: &name, EventBusName: x.bus, Targets: targets})
		target.Must(x, err)
		for _, f := range put.FailedEntries {
			x.Fatalf("target %s: %s", *f.TargetId, *f.ErrorMessage)
		}
	}
	return *out.RuleArn
}

// newQueue makes a queue that the rules of the bus may send to.
func (x *suite) newQueue() string {
	x.Helper()
	name := target.Name()
	out, err := x.sqs.CreateQueue(x.ctx, &sqs.CreateQueueInput{QueueName: &name})
	target.Must(x, err)
	x.queue = out.QueueUrl
	x.Cleanup(func() {
		if _, err := x.sqs.DeleteQueue(context.Background(), &sqs.DeleteQueueInput{QueueUrl: x.queue}); err != nil {
			x.Errorf("cleaning up: %v", err)
		}
	})
	parts := strings.Split(x.arn, ":")
	arn := strings.Join([]string{"arn", parts[1], "sqs", parts[3], parts[4], name}, ":")
	rules := strings.Replace(x.arn, "event-bus/", "rule/", 1) + "/*"
	policy := target.Policy(`{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"` + arn +
		`","Condition":{"ArnLike":{"aws:SourceArn":"` + rules + `"}}}`)
	_, err = x.sqs.SetQueueAttributes(x.ctx, &sqs.SetQueueAttributesInput{QueueUrl: x.queue, Attributes: map[string]string{"Policy": policy}})
	target.Must(x, err)
	return arn
}

// receive takes the next message of the queue.
func (x *suite) receive() string {
	x.Helper()
	for range 6 {
		out, err := x.sqs.ReceiveMessage(x.ctx, &sqs.ReceiveMessageInput{QueueUrl: x.queue, WaitTimeSeconds: 10})
		target.Must(x, err)
		for _, m := range out.Messages {
			_, err := x.sqs.DeleteMessage(x.ctx, &sqs.DeleteMessageInput{QueueUrl: x.queue, ReceiptHandle: m.ReceiptHandle})
			target.Must(x, err)
			return *m.Body
		}
	}
	x.Fatal("no message has come for a minute")
	return ""
}

// put puts an event, and returns its id.
func (x *suite) put(source, kind, detail string) string {
	x.Helper()
	out, err := x.PutEvents(x.ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{EventBusName: x.bus, Source: &source, DetailType: &kind, Detail: &detail}}})
	target.Must(x, err)
	if out.FailedEntryCount != 0 {
		x.Fatalf("%s: %s", *out.Entries[0].ErrorCode, *out.Entries[0].ErrorMessage)
	}
	return *out.Entries[0].EventId
}

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
func TestEventReachesQueue(t *testing.T) {
	x := open(t)
	x.rule("orders", `{"source":["shop"],"detail":{"n":[{"numeric":[">",1]}]}}`, types.Target{Id: aws.String("q"), Arn: aws.String(x.newQueue())})
	x.put("shop", "order", `{"n":1}`)
	id := x.put("shop", "order", `{"n":2}`)
	var e struct {
		Version, ID, Source, Account, Time, Region string
		Kind                                       string `json:"detail-type"`
		Resources                                  []string
		Detail                                     struct{ N int }
	}
	target.Must(t, json.Unmarshal([]byte(x.receive()), &e))
	parts := strings.Split(x.arn, ":")
	if e.Version != "0" || e.ID != id || e.Source != "shop" || e.Kind != "order" || e.Region != parts[3] || e.Account != parts[4] || e.Resources == nil || e.Detail.N != 2 {
		t.Errorf("%+v", e)
	}
}

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
func TestInputTransformer(t *testing.T) {
	x := open(t)
	x.rule("orders", `{"source":["shop"]}`, types.Target{Id: aws.String("q"), Arn: aws.String(x.newQueue()), InputTransformer: &types.InputTransformer{
		InputPathsMap: map[string]string{"n": "$.detail.n", "s": "$.detail.s", "none": "$.detail.none"},
		InputTemplate: aws.String(`{"n":<n>,"s":<s>,"text":"it is <s><none>","rule":"<aws.events.rule-name>"}`),
	}})
	x.put("shop", "order", `{"n":5,"s":"on"}`)
	var got struct {
		N             int
		S, Text, Rule string
	}
	target.Must(t, json.Unmarshal([]byte(x.receive()), &got))
	if got.N != 5 || got.S != "on" || got.Text != "it is on" || got.Rule != "orders" {
		t.Errorf("%+v", got)
	}
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
func TestPutEventsErrors(t *testing.T) {
	x := open(t)
	entry := func(source, kind, detail string) types.PutEventsRequestEntry {
		e := types.PutEventsRequestEntry{EventBusName: x.bus}
		for field, v := range map[**string]string{&e.Source: source, &e.DetailType: kind, &e.Detail: detail} {
			if v != "" {
				*field = &v
			}
		}
		return e
	}
	entries := []types.PutEventsRequestEntry{entry("", "k", "{}"), entry("s", "", "{}"), entry("s", "k", ""), entry("s", "k", "[]"), entry("s", "k", "{"), entry("s", "k", "{}")}
	out, err := x.PutEvents(x.ctx, &eventbridge.PutEventsInput{Entries: entries})
	target.Must(t, err)
	for i, want := range []string{"InvalidArgument", "InvalidArgument", "InvalidArgument", "MalformedDetail", "MalformedDetail", ""} {
		if got := aws.ToString(out.Entries[i].ErrorCode); got != want {
			t.Errorf("entry %d: %s %s, want %s", i, got, aws.ToString(out.Entries[i].ErrorMessage), want)
		}
	}
	_, err = x.PutEvents(x.ctx, &eventbridge.PutEventsInput{Entries: make([]types.PutEventsRequestEntry, 11)})
	target.Refused(t, err, "ValidationException", "length less than or equal to 10")
	// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html
	_, err = x.PutEvents(x.ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{entry("s", "k", `{"a":"`+strings.Repeat("x", 1<<20)+`"}`)}})
	target.Refused(t, err, "ValidationException", "Total size of the entries in the request is over the limit.")
}

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
func TestPatterns(t *testing.T) {
	x := open(t)
	const event = `{"id":"1","account":"123456789012","source":"aws.ec2","time":"2026-01-01T00:00:00Z","region":"us-east-1","resources":["a","b"],"detail-type":"kind",
		"detail":{"state":"Running","n":5,"ip":"10.0.0.7","nothing":null,"file":"dir/photo.png","nested":{"deep":[{"k":1},{"k":2}]}}}`
	for pattern, want := range map[string]bool{
		`{"source":["aws.ec2"]}`: true, `{"source":["aws.ec3"]}`: false, `{"source":[{"prefix":"aws."}]}`: true, `{"detail":{"file":[{"suffix":".png"}]}}`: true,
		`{"detail":{"state":[{"equals-ignore-case":"RUNNING"}]}}`: true, `{"detail":{"file":[{"wildcard":"dir/*.png"}]}}`: true,
		`{"detail":{"state":[{"anything-but":["Stopped"]}]}}`: true, `{"detail":{"state":[{"anything-but":{"prefix":"Run"}}]}}`: false,
		`{"detail":{"n":[{"numeric":[">=",5,"<",6]}]}}`: true, `{"detail":{"ip":[{"cidr":"10.0.0.0/24"}]}}`: true, `{"detail":{"missing":[{"exists":false}]}}`: true,
		`{"detail":{"nothing":[null]}}`: true, `{"detail":{"nested":{"deep":{"k":[2]}}}}`: true, `{"resources":["b"]}`: true,
		`{"$or":[{"source":["x"]},{"detail":{"n":[5]}}]}`: true, `{"$or":[{"source":["x"]},{"detail":{"n":[6]}}]}`: false,
	} {
		out, err := x.TestEventPattern(x.ctx, &eventbridge.TestEventPatternInput{EventPattern: &pattern, Event: aws.String(event)})
		target.Must(t, err)
		if out.Result != want {
			t.Errorf("%s: %v", pattern, out.Result)
		}
	}
	for pattern, message := range map[string]string{
		`{"source":"x"}`: `"source" must be an object or an array`, `{"source":[]}`: "Empty arrays are not allowed", `{"source":[{"what":1}]}`: "Unrecognized match type what",
	} {
		_, err := x.TestEventPattern(x.ctx, &eventbridge.TestEventPatternInput{EventPattern: &pattern, Event: aws.String(event)})
		target.Refused(t, err, "InvalidEventPatternException", "Event pattern is not valid. Reason: "+message)
	}
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
func TestRules(t *testing.T) {
	x := open(t)
	_, err := x.PutRule(x.ctx, &eventbridge.PutRuleInput{Name: aws.String("r"), EventBusName: x.bus})
	target.Refused(t, err, "ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified.")
	_, err = x.PutRule(x.ctx, &eventbridge.PutRuleInput{Name: aws.String("r"), EventBusName: x.bus, ScheduleExpression: aws.String("rate(1 hour)")})
	target.Refused(t, err, "ValidationException", "ScheduleExpression is supported only on the default event bus.")
	_, err = x.PutRule(x.ctx, &eventbridge.PutRuleInput{Name: aws.String("r"), ScheduleExpression: aws.String("cron(7 20 * * 1-7 *)")})
	target.Refused(t, err, "ValidationException", "Parameter ScheduleExpression is not valid.")
	_, err = x.DescribeRule(x.ctx, &eventbridge.DescribeRuleInput{Name: aws.String("none"), EventBusName: x.bus})
	target.Refused(t, err, "ResourceNotFoundException", "Rule none does not exist on EventBus "+*x.bus+".")
	_, err = x.DescribeEventBus(x.ctx, &eventbridge.DescribeEventBusInput{Name: aws.String("none")})
	target.Refused(t, err, "ResourceNotFoundException", "Event bus none does not exist.")
	_, err = x.CreateEventBus(x.ctx, &eventbridge.CreateEventBusInput{Name: x.bus})
	target.Refused(t, err, "ResourceAlreadyExistsException", "Event bus "+*x.bus+" already exists.")

	queue := x.newQueue()
	arn := x.rule("one", `{"source":["a"]}`, types.Target{Id: aws.String("q"), Arn: &queue})
	if want := strings.Replace(x.arn, "event-bus/", "rule/", 1) + "/one"; arn != want {
		t.Errorf("the ARN is %s, want %s", arn, want)
	}
	_, err = x.DeleteRule(x.ctx, &eventbridge.DeleteRuleInput{Name: aws.String("one"), EventBusName: x.bus})
	target.Refused(t, err, "ValidationException", "Rule can't be deleted since it has targets.")
	names, err := x.ListRuleNamesByTarget(x.ctx, &eventbridge.ListRuleNamesByTargetInput{TargetArn: &queue, EventBusName: x.bus})
	target.Must(t, err)
	if len(names.RuleNames) != 1 || names.RuleNames[0] != "one" {
		t.Errorf("rules of the target: %q", names.RuleNames)
	}
	var many []types.Target
	for _, id := range []string{"1", "2", "3", "4", "5"} {
		many = append(many, types.Target{Id: &id, Arn: &queue})
	}
	_, err = x.PutTargets(x.ctx, &eventbridge.PutTargetsInput{Rule: aws.String("one"), EventBusName: x.bus, Targets: many})
	target.Refused(t, err, "LimitExceededException", "")
}
