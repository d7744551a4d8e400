package cloud

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/awsapi/shapes/ssm"
)

// A rule takes what happens to a parameter.
//
// https://docs.aws.amazon.com/systems-manager/latest/userguide/monitoring-systems-manager-event-examples.html
func TestParameterEvents(t *testing.T) {
	c, err := opened(t, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, c)
	queue := root(t, c, sqs.CreateQueue, &sqs.CreateQueueRequest{QueueName: ptr("changes")}).QueueUrl
	a := "arn:aws:sqs:us-east-1:000000000000:changes"
	policy := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"` + a + `"}}`
	root(t, c, sqs.SetQueueAttributes, &sqs.SetQueueAttributesRequest{QueueUrl: queue, Attributes: map[string]string{"Policy": policy}})
	root(t, c, events.PutRule, &events.PutRuleRequest{Name: ptr("changes"), EventPattern: ptr(`{"source":["aws.ssm"],"detail-type":["Parameter Store Change"],"detail":{"name":["/x"]}}`)})
	root(t, c, events.PutTargets, &events.PutTargetsRequest{Rule: ptr("changes"), Targets: []events.Target{{Id: ptr("1"), Arn: &a}}})
	for _, name := range []string{"/x", "/other"} {
		root(t, c, ssm.PutParameter, &ssm.PutParameterRequest{Name: &name, Type: ptr("String"), Value: ptr("v")})
	}
	if _, err := c.settler.Settle(context.WithoutCancel(t.Context()), 0, false); err != nil {
		t.Fatal(err)
	}
	out := root(t, c, sqs.ReceiveMessage, &sqs.ReceiveMessageRequest{QueueUrl: queue, MaxNumberOfMessages: ptr(int32(10))})
	if len(out.Messages) != 1 {
		t.Fatalf("%d messages", len(out.Messages))
	}
	var e struct {
		Source     string            `json:"source"`
		DetailType string            `json:"detail-type"`
		Resources  []string          `json:"resources"`
		Detail     map[string]string `json:"detail"`
	}
	if err := json.Unmarshal([]byte(*out.Messages[0].Body), &e); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]string{"operation": "Create", "name": "/x", "type": "String"}, e.Detail); d != "" || e.Resources[0] != "arn:aws:ssm:us-east-1:000000000000:parameter/x" {
		t.Errorf("%+v %s", e, d)
	}
}
