package resource_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/fault"
)

const busesV1 = `
Resources:
  Bus:
    Type: AWS::Events::EventBus
    Properties:
      Name: orders
      Description: orders
      Tags: [{Key: team, Value: blue}]
  Policy:
    Type: AWS::Events::EventBusPolicy
    Properties:
      EventBusName: !Ref Bus
      StatementId: other
      Action: events:PutEvents
      Principal: "210987654321"
  Statement:
    Type: AWS::Events::EventBusPolicy
    DependsOn: Policy
    Properties:
      EventBusName: !Ref Bus
      StatementId: own
      Statement: {Effect: Allow, Principal: {AWS: "345678901234"}, Action: "events:PutEvents", Resource: !GetAtt Bus.Arn}
  Rule:
    Type: AWS::Events::Rule
    Properties:
      EventBusName: !Ref Bus
      EventPattern: {source: [shop], detail: {n: [{numeric: [">", 1]}]}}
      State: DISABLED
      Targets:
        - {Id: a, Arn: "arn:aws:sqs:eu-central-1:123456789012:a", InputTransformer: {InputPathsMap: {n: $.detail.n}, InputTemplate: '{"n":<n>}'}}
        - {Id: b, Arn: "arn:aws:sqs:eu-central-1:123456789012:b.fifo", SqsParameters: {MessageGroupId: g}, RetryPolicy: {MaximumRetryAttempts: 3}}
  Nightly:
    Type: AWS::Events::Rule
    Properties:
      Name: nightly
      ScheduleExpression: cron(0 2 * * ? *)
      Targets: [{Id: f, Arn: "arn:aws:lambda:eu-central-1:123456789012:function:f", Input: '{"job":"etl"}'}]
Outputs:
  Bus: {Value: !Ref Bus}
  BusArn: {Value: !GetAtt Bus.Arn}
  Rule: {Value: !Ref Rule}
  RuleArn: {Value: !GetAtt Rule.Arn}
  Nightly: {Value: !Ref Nightly}
  NightlyArn: {Value: !GetAtt Nightly.Arn}
`

func TestBuses(t *testing.T) {
	l := newLive(t)
	st := l.up(busesV1)
	const prefix = "arn:aws:events:eu-central-1:123456789012:"
	_, name, _ := strings.Cut(output(st, "Rule"), "|")
	for key, want := range map[string]string{
		"Bus": "orders", "BusArn": prefix + "event-bus/orders", "Rule": "orders|" + name, "RuleArn": prefix + "rule/orders/" + name, "Nightly": "nightly",
		"NightlyArn": prefix + "rule/nightly",
	} {
		if got := output(st, key); got != want {
			t.Errorf("%s is %s, want %s", key, got, want)
		}
	}
	rule := func() *events.DescribeRuleResponse {
		return ask(l, events.DescribeRule, &events.DescribeRuleRequest{Name: &name, EventBusName: ptr("orders")})
	}
	targets := func() (ids []string) {
		for _, t := range ask(l, events.ListTargetsByRule, &events.ListTargetsByRuleRequest{Rule: &name, EventBusName: ptr("orders")}).Targets {
			ids = append(ids, *t.Id)
		}
		return ids
	}
	if r := rule(); *r.State != "DISABLED" || *r.EventPattern != `{"source":["shop"],"detail":{"n":[{"numeric":[">",1]}]}}` {
		t.Errorf("rule: %s %s", *r.State, *r.EventPattern)
	}
	policy := *ask(l, events.DescribeEventBus, &events.DescribeEventBusRequest{Name: ptr("orders")}).Policy
	if !strings.Contains(policy, `"other"`) || !strings.Contains(policy, `"own"`) {
		t.Errorf("policy %s", policy)
	}
	st = l.up(strings.NewReplacer("State: DISABLED", "State: ENABLED", "Id: b,", "Id: c,", "Description: orders", "Description: all").Replace(busesV1))
	if diff := cmp.Diff([]string{"a", "c"}, targets()); diff != "" || *rule().State != "ENABLED" || output(st, "Rule") != "orders|"+name {
		t.Errorf("after an update %s %s:\n%s", *rule().State, output(st, "Rule"), diff)
	}
	l.down()
	if _, err := awsapi.Do(l.ctx, l.front, events.DescribeEventBus, &events.DescribeEventBusRequest{Name: ptr("orders")}); !fault.Is(err, "ResourceNotFoundException") {
		t.Errorf("the bus is still there: %v", err)
	}
}
