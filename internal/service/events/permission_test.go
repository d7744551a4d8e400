package events_test

import (
	"testing"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/events"
)

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html
func TestCrossAccount(t *testing.T) {
	b := newBed(t)
	own, there := b.ctx, awsapi.With(t.Context(), &awsapi.Call{Scope: arn.In(region, other), Actor: awsapi.RootOf(other)})
	const target = "arn:aws:events:us-east-1:" + other + ":event-bus/default"
	dlq := func(t *shapes.Target) { t.DeadLetterConfig = &shapes.DeadLetterConfig{Arn: ptr(queueARN + "dlq")} }
	b.rule("", "r", orders, to("bus", target, dlq))
	b.ctx = there
	b.rule("", "r", orders, to("q", "arn:aws:sqs:us-east-1:"+other+":q"))
	b.ctx = own
	arrived := func() (out []string) {
		b.settle()
		for _, e := range b.queues.take() {
			out = append(out, arn.ARN(e.Target).Account())
		}
		return out
	}
	b.put("", "shop", "order", "{}")
	if got := arrived(); len(got) != 1 || got[0] != account {
		t.Errorf("without a policy: arrived in %q, want in the dead-letter queue", got)
	}
	fails(b, shapes.PutEvents, &shapes.PutEventsRequest{Entries: []shapes.PutEventsRequestEntry{
		{EventBusName: ptr(target), Source: ptr("shop"), DetailType: ptr("order"), Detail: ptr("{}")},
	}}, "AccessDenied", "")

	b.ctx = there
	call(b, shapes.PutPermission, &shapes.PutPermissionRequest{StatementId: ptr("a"), Action: ptr("events:PutEvents"), Principal: ptr(account)})
	b.ctx = own
	b.put("", "shop", "order", "{}")
	if got := arrived(); len(got) != 1 || got[0] != other {
		t.Errorf("with a policy: arrived in %q, want in %s", got, other)
	}
	b.put(target, "shop", "order", "{}")
	if got := arrived(); len(got) != 1 || got[0] != other {
		t.Errorf("put directly: arrived in %q, want in %s", got, other)
	}
	b.ctx = there
	fails(b, shapes.RemovePermission, &shapes.RemovePermissionRequest{StatementId: ptr("b")}, "ResourceNotFoundException", "Statement with the provided id does not exist.")
	call(b, shapes.PutPermission, &shapes.PutPermissionRequest{Policy: ptr(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + account +
		`"},"Action":"events:PutEvents","Resource":"` + target + `","Condition":{"StringEquals":{"events:source":"else"}}}]}`)})
	b.ctx = own
	b.put("", "shop", "order", "{}")
	if got := arrived(); len(got) != 1 || got[0] != account {
		t.Errorf("with a policy for another source: arrived in %q", got)
	}
}

// The role of a target acts with its own policies, and must trust EventBridge.
func TestTargetRole(t *testing.T) {
	b := newBed(t)
	call(b, shapes.CreateEventBus, &shapes.CreateEventBusRequest{Name: ptr("second")})
	strong := b.role("strong", "events.amazonaws.com", `{"Effect":"Allow","Action":"events:PutEvents","Resource":"`+busARN+`second"}`)
	weak := b.role("weak", "events.amazonaws.com", "")
	stranger := b.role("stranger", "lambda.amazonaws.com", "")
	b.rule("second", "r", orders, to("q", queueARN+"q"))
	for _, test := range []struct {
		role string
		want int
	}{{strong, 1}, {weak, 0}} {
		b.rule("", "r", orders, to("bus", busARN+"second", func(t *shapes.Target) { t.RoleArn = &test.role }))
		b.put("", "shop", "order", "{}")
		if got := len(b.queued()); got != test.want {
			t.Errorf("with the role %s %d messages, want %d", test.role, got, test.want)
		}
	}
	fails(b, shapes.PutTargets, &shapes.PutTargetsRequest{Rule: ptr("r"), Targets: []shapes.Target{to("x", busARN+"second", func(t *shapes.Target) { t.RoleArn = &stranger })}},
		"ValidationException", "Provided role '"+stranger+"' cannot be assumed by principal 'events.amazonaws.com'.")
}
