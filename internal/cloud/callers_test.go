package cloud

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/control"
	"github.com/nube-run/nube/internal/stack"
)

// standing is a resource of a stack that there is.
func standing(kind, id, properties string, attrs ...string) *stack.Resource {
	r := &stack.Resource{Type: kind, Status: stack.CreateComplete}
	r.PhysicalID, r.Properties, r.Attrs = id, json.RawMessage(properties), stack.Attrs{}
	for i := 0; i+1 < len(attrs); i += 2 {
		r.Attrs[attrs[i]] = attrs[i+1]
	}
	return r
}

// line is a resource as one line.
func line(r control.Resource) string {
	return strings.TrimRight(fmt.Sprintf("%s %s [%s] %s", r.Kind, r.Name, r.ID, r.Detail), " ")
}

// Whatever a template has that calls a function is found under the function's name,
// in whichever form the function is named.
func TestCallers(t *testing.T) {
	const fn = "arn:aws:lambda:us-east-1:000000000000:function:f"
	const topic, queue = "arn:aws:sns:us-east-1:000000000000:t", "arn:aws:sqs:us-east-1:000000000000:q"
	for _, c := range []struct {
		r    *stack.Resource
		want string // empty where nothing calls
	}{
		{standing("AWS::Lambda::EventSourceMapping", "id", `{"FunctionName":"`+fn+`","EventSourceArn":"`+queue+`","BatchSize":10}`), "queue q [" + queue + "] up to 10 at a time"},
		{standing("AWS::Lambda::EventSourceMapping", "id", `{"FunctionName":"f:live","EventSourceArn":"`+queue+`","Enabled":"false"}`), "queue q [" + queue + "] disabled"},
		{
			standing("AWS::Lambda::EventSourceMapping", "id", `{"FunctionName":"f","EventSourceArn":"arn:aws:dynamodb:us-east-1:000000000000:table/users/stream/2026"}`),
			"stream users [arn:aws:dynamodb:us-east-1:000000000000:table/users/stream/2026]",
		},
		{standing("AWS::Lambda::EventInvokeConfig", "id", `{"FunctionName":"g","DestinationConfig":{"OnFailure":{"Destination":"`+fn+`"}}}`), "function g [] when it fails"},
		{standing("AWS::Lambda::EventInvokeConfig", "id", `{"FunctionName":"g","DestinationConfig":{"OnFailure":{"Destination":"`+queue+`"}}}`), ""},
		{standing("AWS::SNS::Subscription", "id", `{"TopicArn":"`+topic+`","Protocol":"lambda","Endpoint":"`+fn+`","FilterPolicy":{"type":["A","B"]}}`), "topic t [" + topic + "] type A or B"},
		{standing("AWS::SNS::Subscription", "id", `{"TopicArn":"`+topic+`","Protocol":"sqs","Endpoint":"`+queue+`"}`), ""},
		{standing("AWS::SNS::Topic", topic, `{"Subscription":[{"Protocol":"lambda","Endpoint":"`+fn+`"}]}`), "topic t [" + topic + "]"},
		{
			standing("AWS::Events::Rule", "b|r", `{"EventBusName":"b","EventPattern":{"source":["shop"]},"Targets":[{"Arn":"`+queue+`"},{"Arn":"`+fn+`:live"}]}`, "RuleName", "r", "Arn", "a"),
			"rule r [a] on bus b: source shop",
		},
		{
			standing("AWS::Events::Rule", "r", `{"EventPattern":{"detail":{"n":[{"numeric":[">",1]}]}},"Targets":[{"Arn":"`+fn+`"}]}`, "RuleName", "r"),
			`rule r [] on bus default: {"detail":{"n":[{"numeric":[">",1]}]}}`,
		},
		{standing("AWS::Events::Rule", "r", `{"ScheduleExpression":"rate(5 minutes)","Targets":[{"Arn":"`+fn+`"}]}`, "RuleName", "r"), "schedule r [] rate(5 minutes)"},
		{standing("AWS::Events::Rule", "r", `{"ScheduleExpression":"rate(5 minutes)","State":"DISABLED","Targets":[{"Arn":"`+fn+`"}]}`, "RuleName", "r"), "schedule r [] disabled"},
		{
			standing("AWS::Scheduler::Schedule", "s", `{"ScheduleExpression":"cron(0 3 * * ? *)","ScheduleExpressionTimezone":"Europe/Madrid","Target":{"Arn":"`+fn+`"}}`, "Arn", "a"),
			"schedule s [a] cron(0 3 * * ? *) Europe/Madrid",
		},
		{standing("AWS::Logs::SubscriptionFilter", "s", `{"LogGroupName":"g","DestinationArn":"`+fn+`","FilterPattern":"ERROR"}`), "log group g [] ERROR"},
		{standing("AWS::CloudWatch::Alarm", "high", `{"AlarmActions":["`+topic+`","`+fn+`"]}`, "Arn", "a"), "alarm high [a]"},
		{standing("AWS::SecretsManager::RotationSchedule", "s", `{"SecretId":"arn:aws:secretsmanager:us-east-1:000000000000:secret:db-AbCdEf","RotationLambdaARN":"`+fn+`"}`), "secret db-AbCdEf [arn:aws:secretsmanager:us-east-1:000000000000:secret:db-AbCdEf] to rotate it"},
		{
			standing("AWS::ApiGateway::Authorizer", "x", `{"Name":"who","AuthorizerUri":"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/`+fn+`/invocations"}`),
			"authorizer who [x]",
		},
		{standing("AWS::Lambda::Url", "x", `{"TargetFunctionArn":"`+fn+`"}`), ""}, // its route says that
		{standing("AWS::SNS::Subscription", "", `{"TopicArn":"`+topic+`","Endpoint":"`+fn+`"}`), ""},
		{&stack.Resource{Type: "AWS::Events::Rule", Status: stack.DeleteComplete}, ""},
	} {
		got := ""
		for _, found := range callers([]*stack.Resource{c.r})["f"] {
			got += line(found)
		}
		if got != c.want {
			t.Errorf("%s %s\n is %q\nwant %q", c.r.Type, c.r.Properties, got, c.want)
		}
	}
}

// Queues, topics, buses and tables are listed with what they lead to.
func TestBeside(t *testing.T) {
	const topic = "arn:aws:sns:us-east-1:000000000000:t"
	got := []string{}
	for _, r := range beside([]*stack.Resource{
		standing("AWS::DynamoDB::Table", "users", `{"KeySchema":[{"AttributeName":"id"},{"AttributeName":"at"}],"StreamSpecification":{"StreamViewType":"KEYS_ONLY"}}`),
		standing("AWS::SQS::Queue", "http://127.0.0.1:4566/000000000000/q", `{"RedrivePolicy":{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":"3"}}`, "QueueName", "q", "Arn", "a"),
		standing("AWS::SQS::Queue", "http://127.0.0.1:4566/000000000000/dead", ``, "QueueName", "dead"),
		standing("AWS::SNS::Topic", topic, `{"Subscription":[{"Protocol":"email","Endpoint":"a@example.com"}]}`),
		standing("AWS::SNS::Subscription", "s", `{"TopicArn":"`+topic+`","Protocol":"sqs","Endpoint":"arn:aws:sqs:us-east-1:000000000000:q"}`),
		standing("AWS::SNS::Subscription", "s", `{"TopicArn":"`+topic+`","Protocol":"https","Endpoint":"https://example.com/hook"}`),
		standing("AWS::SNS::Subscription", "s", `{"TopicArn":"`+topic+`","Protocol":"lambda","Endpoint":"arn:aws:lambda:us-east-1:000000000000:function:f"}`),
		standing("AWS::Events::EventBus", "b", `{}`),
		standing("AWS::Events::Rule", "b|r", `{"EventBusName":"arn:aws:events:us-east-1:000000000000:event-bus/b","Targets":[{"Arn":"arn:aws:sqs:us-east-1:000000000000:q"}]}`),
		standing("AWS::IAM::Role", "r", `{}`),
	}) {
		got = append(got, line(r))
	}
	want := []string{
		"queue dead []", "queue q [a] a message received 3 times goes to dead",
		"topic t [" + topic + "] to email a@example.com, https https://example.com/hook, sqs q",
		"bus b [] to sqs q", "table users [] key id, at; with a stream",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
