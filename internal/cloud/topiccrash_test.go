package cloud

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/nube-run/nube/internal/awsapi"
	iam "github.com/nube-run/nube/internal/awsapi/shapes/iam"
	lambda "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/awsapi/shapes/sns"
)

// TestTopicPowerLoss lets the power fail while writers publish to a topic that
// two functions subscribe to, one of them to every other message. On the disk
// that is found, once the cloud has settled, each acknowledged message has had its
// effect by each function that was to get it, and by no other.
//
// Mutation that it finds: commits acknowledged before they are on disk.
func TestTopicPowerLoss(t *testing.T) {
	code := effectFunction(t)
	powerLoss{
		seeds: 4, stream: 8, most: 300,
		load:  func(o *outage) { o.prepare(code); o.publish(o.topic(code)) },
		check: func(o *outage) { o.settle(); o.checkTopic() },
	}.run(t)
}

// odd makes another function with a table of its own.
func (o *outage) odd(code []byte) {
	o.Helper()
	o.must(o.dynamodb("CreateTable", `{"TableName":"odd","BillingMode":"PAY_PER_REQUEST",
		"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]}`, nil))
	front, root := o.cloud.front, o.cloud.asRoot(o.Context(), o.cloud.scope)
	role, err := awsapi.Do(root, front, iam.GetRole, &iam.GetRoleRequest{RoleName: ptr(crashTest)})
	o.must(err)
	_, err = awsapi.Do(root, front, lambda.CreateFunction, &lambda.CreateFunctionRequest{
		FunctionName: ptr("odd"), Runtime: ptr("provided.al2023"), Handler: ptr("bootstrap"), Role: role.Role.Arn, Timeout: ptr(int32(60)),
		Code: &lambda.FunctionCode{ZipFile: code}, Environment: &lambda.Environment{Variables: map[string]string{"TABLE": "odd"}},
	})
	o.must(err)
}

// topic makes the topic, to which two functions subscribe.
func (o *outage) topic(code []byte) string {
	o.Helper()
	o.odd(code)
	front, root := o.cloud.front, o.cloud.asRoot(o.Context(), o.cloud.scope)
	topic, err := awsapi.Do(root, front, sns.CreateTopic, &sns.CreateTopicInput{Name: ptr(crashTest)})
	o.must(err)
	for _, fn := range []string{crashTest, "odd"} {
		_, err = awsapi.Do(root, front, lambda.AddPermission, &lambda.AddPermissionRequest{
			FunctionName: &fn, StatementId: ptr("topic"), Action: ptr("lambda:InvokeFunction"), Principal: ptr("sns.amazonaws.com"), SourceArn: topic.TopicArn,
		})
		o.must(err)
		in := &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: ptr("lambda"), Endpoint: ptr(string(o.cloud.scope.Function(fn)))}
		if fn == "odd" {
			in.Attributes = map[string]string{"FilterPolicy": `{"number":[{"anything-but":{"suffix":["0","2","4","6","8"]}}]}`}
		}
		_, err = awsapi.Do(root, front, sns.Subscribe, in)
		o.must(err)
	}
	return *topic.TopicArn
}

// publish has each writer publish messages of its own until the power has failed.
func (o *outage) publish(topic string) {
	front, root := o.cloud.front, o.cloud.asRoot(o.Context(), o.cloud.scope)
	o.each(func(w, n int) error {
		_, err := awsapi.Do(root, front, sns.Publish, &sns.PublishInput{
			TopicArn: &topic, Message: ptr(fmt.Sprintf("event-%d-%d", w, n)),
			MessageAttributes: map[string]sns.MessageAttributeValue{"number": {DataType: ptr("String"), StringValue: ptr(fmt.Sprint(n))}},
		})
		return err
	})
}

// checkTopic compares the tables of the functions with what was acknowledged.
func (o *outage) checkTopic() {
	o.Helper()
	all, odd := o.items(), map[string]bool{}
	for start := ""; ; {
		var page struct {
			Items            []item
			LastEvaluatedKey json.RawMessage
		}
		o.must(o.dynamodb("Scan", `{"TableName":"odd"`+start+`}`, &page))
		for _, it := range page.Items {
			odd[it.ID.S] = true
		}
		if page.LastEvaluatedKey == nil {
			break
		}
		start = `,"ExclusiveStartKey":` + string(page.LastEvaluatedKey)
	}
	for w := range writers {
		for n := range o.tried[w].events {
			id := fmt.Sprintf("event-%d-%d", w, n)
			_, found := all[id]
			if !found && n < o.acked[w].events {
				o.Errorf("message %s was acknowledged and has not reached the function", id)
			}
			if want := found && n%2 == 1; odd[id] != want {
				o.Errorf("message %s reached the function with the filter: %v, want %v", id, odd[id], want)
			}
		}
	}
}
