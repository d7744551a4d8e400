package cloud

import (
	"fmt"
	"testing"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/shapes/events"
	lambda "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
)

// TestBusPowerLoss lets the power fail while writers put events on a bus, with a
// rule for all of them and, on another bus to which a rule sends them, one for
// every other. On the disk that is found, once the cloud has settled, each
// acknowledged event has had its effect by each function that was to get it, and
// by no other.
func TestBusPowerLoss(t *testing.T) {
	code := effectFunction(t)
	powerLoss{
		seeds: 4, stream: 13, most: 300,
		load:  func(o *outage) { o.prepare(code); o.odd(code); o.buses(); o.put() },
		check: func(o *outage) { o.settle(); o.checkTopic() },
	}.run(t)
}

// buses makes the two buses and their rules.
func (o *outage) buses() {
	o.Helper()
	front, root := o.cloud.front, o.cloud.asRoot(o.Context(), o.cloud.scope)
	second, err := awsapi.Do(root, front, events.CreateEventBus, &events.CreateEventBusRequest{Name: ptr("second")})
	o.must(err)
	// What a function gets is the text of the event, as a topic's message is.
	text := &events.InputTransformer{InputPathsMap: map[string]string{"id": "$.detail.id"}, InputTemplate: ptr(`{"Records":[{"Sns":{"Message":<id>}}]}`)}
	for _, r := range []struct {
		name, pattern string
		bus           *string
		target        events.Target
	}{
		{"all", `{"source":["crash"]}`, nil, events.Target{Id: ptr("f"), Arn: ptr(string(o.cloud.scope.Function(crashTest))), InputTransformer: text}},
		{"relay", `{"source":["crash"]}`, nil, events.Target{Id: ptr("b"), Arn: second.EventBusArn}},
		{"odd", `{"detail":{"number":[{"anything-but":{"suffix":["0","2","4","6","8"]}}]}}`, ptr("second"), events.Target{Id: ptr("f"), Arn: ptr(string(o.cloud.scope.Function("odd"))), InputTransformer: text}},
	} {
		rule, err := awsapi.Do(root, front, events.PutRule, &events.PutRuleRequest{Name: &r.name, EventBusName: r.bus, EventPattern: &r.pattern})
		o.must(err)
		_, err = awsapi.Do(root, front, events.PutTargets, &events.PutTargetsRequest{Rule: &r.name, EventBusName: r.bus, Targets: []events.Target{r.target}})
		o.must(err)
		if r.name == "relay" {
			continue
		}
		fn := map[string]string{"all": crashTest, "odd": "odd"}[r.name]
		_, err = awsapi.Do(root, front, lambda.AddPermission, &lambda.AddPermissionRequest{
			FunctionName: &fn, StatementId: ptr("rule"), Action: ptr("lambda:InvokeFunction"), Principal: ptr("events.amazonaws.com"), SourceArn: rule.RuleArn,
		})
		o.must(err)
	}
}

// put has each writer put events of its own until the power has failed.
func (o *outage) put() {
	front, root := o.cloud.front, o.cloud.asRoot(o.Context(), o.cloud.scope)
	o.each(func(w, n int) error {
		out, err := awsapi.Do(root, front, events.PutEvents, &events.PutEventsRequest{Entries: []events.PutEventsRequestEntry{
			{Source: ptr("crash"), DetailType: ptr("event"), Detail: ptr(fmt.Sprintf(`{"id":"event-%d-%d","number":"%d"}`, w, n, n))},
		}})
		if err == nil && *out.FailedEntryCount != 0 {
			err = fmt.Errorf("refused: %s", *out.Entries[0].ErrorMessage)
		}
		return err
	})
}
