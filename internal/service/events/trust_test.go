package events_test

import (
	"testing"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/events"
	iamshapes "github.com/nube-run/nube/internal/awsapi/shapes/iam"
)

// A role says for which rules EventBridge may assume it: when it is given to a rule
// or a target, and again at every event.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/cross-service-confused-deputy-prevention.html
//
// Mutations: the bus as the source; assume that is not asked at a delivery.
func TestTrustOfRule(t *testing.T) {
	const cell = "arn:aws:events:us-east-1:" + account + ":"
	tests := []struct {
		name, condition string
		ok              bool
	}{
		{"rule", `"ArnEquals":{"aws:SourceArn":"` + cell + `rule/r"},"StringEquals":{"aws:SourceAccount":"` + account + `"}`, true},
		{"rules", `"ArnLike":{"aws:SourceArn":"arn:aws:events:*:` + account + `:rule/*"}`, true},
		{"other-rule", `"ArnEquals":{"aws:SourceArn":"` + cell + `rule/other"}`, false},
		{"bus", `"ArnEquals":{"aws:SourceArn":"` + cell + `event-bus/default"}`, false},
		{"other-account", `"StringEquals":{"aws:SourceAccount":"` + other + `"}`, false},
	}
	b := newBed(t)
	call(b, shapes.CreateEventBus, &shapes.CreateEventBusRequest{Name: ptr("second")})
	b.rule("second", "r", orders, to("q", queueARN+"q"))
	b.rule("", "r", orders)
	for _, test := range tests {
		role := b.role(test.name, "events.amazonaws.com", `{"Effect":"Allow","Action":"events:PutEvents","Resource":"`+busARN+`second"}`)
		b.trust(test.name, test.condition)
		in := &shapes.PutTargetsRequest{Rule: ptr("r"), Targets: []shapes.Target{to("bus", busARN+"second", func(t *shapes.Target) { t.RoleArn = &role })}}
		if !test.ok {
			message := "Provided role '" + role + "' cannot be assumed by principal 'events.amazonaws.com'."
			fails(b, shapes.PutTargets, in, "ValidationException", message)
			fails(b, shapes.PutRule, &shapes.PutRuleRequest{Name: ptr("r"), EventPattern: ptr(orders), RoleArn: &role}, "ValidationException", message)
			continue
		}
		call(b, shapes.PutTargets, in)
		b.put("", "shop", "order", "{}")
		if got := len(b.queued()); got != 1 {
			t.Errorf("with the role %s %d messages, want 1", test.name, got)
		}
		b.trust(test.name, tests[2].condition)
		b.put("", "shop", "order", "{}")
		if got := len(b.queued()); got != 0 {
			t.Errorf("with the role %s, which does not trust the rule any more, %d messages", test.name, got)
		}
	}
}

// trust sets the conditions on which a role trusts EventBridge.
func (b *bed) trust(role, conditions string) {
	b.Helper()
	doc := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{` + conditions + `}}]}`
	call(b, iamshapes.UpdateAssumeRolePolicy, &iamshapes.UpdateAssumeRolePolicyRequest{RoleName: &role, PolicyDocument: &doc})
}
