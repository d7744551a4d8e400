// Package sns holds Amazon SNS' documentation to a server, through AWS's own SDK. Each case cites its page.
package sns

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/nube-run/nube/conformance/target"
)

func TestMain(m *testing.M) { os.Exit(target.Main(m)) }

// suite is a client and a topic of its own.
type suite struct {
	*testing.T
	*sns.Client
	ctx   context.Context
	name  string
	topic *string
}

func open(t *testing.T) *suite {
	t.Helper()
	x := &suite{T: t, Client: sns.NewFromConfig(target.Config()), ctx: t.Context(), name: target.Name()}
	x.topic = x.create(x.name, nil)
	return x
}

// create makes a topic, and deletes it at the end of the test.
func (x *suite) create(name string, attributes map[string]string) *string {
	x.Helper()
	out, err := x.CreateTopic(x.ctx, &sns.CreateTopicInput{Name: &name, Attributes: attributes})
	target.Must(x, err)
	x.Cleanup(func() {
		if _, err := x.DeleteTopic(context.Background(), &sns.DeleteTopicInput{TopicArn: out.TopicArn}); err != nil {
			x.Errorf("cleaning up: %v", err)
		}
	})
	return out.TopicArn
}

func (x *suite) attributes(topic *string) map[string]string {
	x.Helper()
	out, err := x.GetTopicAttributes(x.ctx, &sns.GetTopicAttributesInput{TopicArn: topic})
	target.Must(x, err)
	return out.Attributes
}

// other is the ARN of a topic beside the suite's own.
func (x *suite) other(name string) *string {
	return aws.String(strings.TrimSuffix(*x.topic, x.name) + name)
}

// https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
func TestCreateTopic(t *testing.T) {
	x := open(t)
	again, err := x.CreateTopic(x.ctx, &sns.CreateTopicInput{Name: &x.name})
	target.Must(t, err)
	if *again.TopicArn != *x.topic {
		t.Errorf("the same name is another topic: %s", *again.TopicArn)
	}
	_, err = x.CreateTopic(x.ctx, &sns.CreateTopicInput{Name: &x.name, Attributes: map[string]string{"DisplayName": "other"}})
	target.Refused(t, err, "InvalidParameter", "Topic already exists with different attributes")
	_, err = x.CreateTopic(x.ctx, &sns.CreateTopicInput{Name: &x.name, Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
	target.Refused(t, err, "InvalidParameter", "Topic already exists with different tags")
	for _, name := range []string{"", "no spaces", strings.Repeat("x", 257), x.name + ".fifo"} {
		_, err = x.CreateTopic(x.ctx, &sns.CreateTopicInput{Name: &name})
		target.Refused(t, err, "InvalidParameter", "Topic Name")
	}
	_, err = x.CreateTopic(x.ctx, &sns.CreateTopicInput{Name: &x.name, Attributes: map[string]string{"FifoTopic": "true"}})
	target.Refused(t, err, "InvalidParameter", "Fifo Topic names must end with .fifo")
	fifo := x.create(x.name+".fifo", map[string]string{"FifoTopic": "true", "ContentBasedDeduplication": "true"})
	if a := x.attributes(fifo); a["FifoTopic"] != "true" || a["ContentBasedDeduplication"] != "true" {
		t.Errorf("%v", a)
	}
}

// https://docs.aws.amazon.com/sns/latest/api/API_GetTopicAttributes.html
// https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html
func TestTopicAttributes(t *testing.T) {
	x := open(t)
	a := x.attributes(x.topic)
	for k, want := range map[string]string{
		"TopicArn": *x.topic, "DisplayName": "", "SubscriptionsConfirmed": "0", "SubscriptionsPending": "0", "SubscriptionsDeleted": "0",
	} {
		if a[k] != want {
			t.Errorf("%s is %q, want %q", k, a[k], want)
		}
	}
	var policy struct{ ID, Version string }
	if err := json.Unmarshal([]byte(a["Policy"]), &policy); err != nil || policy.ID != "__default_policy_ID" || policy.Version != "2008-10-17" {
		t.Errorf("policy %s", a["Policy"])
	}
	var d struct {
		HTTP struct {
			Retry struct{ NumRetries, MinDelayTarget int } `json:"defaultHealthyRetryPolicy"`
		}
	}
	if err := json.Unmarshal([]byte(a["EffectiveDeliveryPolicy"]), &d); err != nil || d.HTTP.Retry.NumRetries != 3 || d.HTTP.Retry.MinDelayTarget != 20 {
		t.Errorf("delivery policy %s", a["EffectiveDeliveryPolicy"])
	}
	set := func(name, value string) error {
		_, err := x.SetTopicAttributes(x.ctx, &sns.SetTopicAttributesInput{TopicArn: x.topic, AttributeName: &name, AttributeValue: &value})
		return err
	}
	target.Must(t, set("DisplayName", "Orders"))
	target.Must(t, set("SignatureVersion", "2"))
	if a := x.attributes(x.topic); a["DisplayName"] != "Orders" || a["SignatureVersion"] != "2" {
		t.Errorf("%v", a)
	}
	target.Refused(t, set("Nonsense", "x"), "InvalidParameter", "AttributeName")
	target.Refused(t, set("SignatureVersion", "3"), "InvalidParameter", "SignatureVersion")
	_, err := x.GetTopicAttributes(x.ctx, &sns.GetTopicAttributesInput{TopicArn: x.other(target.Name())})
	target.Refused(t, err, "NotFound", "Topic does not exist")
	_, err = x.GetTopicAttributes(x.ctx, &sns.GetTopicAttributesInput{TopicArn: aws.String("nonsense")})
	target.Refused(t, err, "InvalidParameter", "An ARN must have at least 6 elements, not 1")
}

// https://docs.aws.amazon.com/sns/latest/api/API_DeleteTopic.html
func TestDeleteTopicTwice(t *testing.T) {
	x := open(t)
	topic := x.create(x.name+"-b", nil)
	for range 2 {
		_, err := x.DeleteTopic(x.ctx, &sns.DeleteTopicInput{TopicArn: topic})
		target.Must(t, err)
	}
	_, err := x.Client.Publish(x.ctx, &sns.PublishInput{TopicArn: topic, Message: aws.String("x")})
	target.Refused(t, err, "NotFound", "Topic does not exist")
}

// https://docs.aws.amazon.com/sns/latest/api/API_ListTopics.html
func TestListTopics(t *testing.T) {
	x := open(t)
	p := sns.NewListTopicsPaginator(x.Client, &sns.ListTopicsInput{})
	for p.HasMorePages() {
		page, err := p.NextPage(x.ctx)
		target.Must(t, err)
		for _, topic := range page.Topics {
			if *topic.TopicArn == *x.topic {
				return
			}
		}
	}
	t.Error("the topic is not listed")
}

// https://docs.aws.amazon.com/sns/latest/dg/sns-tags.html
func TestTags(t *testing.T) {
	x := open(t)
	tag := func(kv ...string) error {
		var tags []types.Tag
		for i := 0; i < len(kv); i += 2 {
			tags = append(tags, types.Tag{Key: &kv[i], Value: &kv[i+1]})
		}
		_, err := x.TagResource(x.ctx, &sns.TagResourceInput{ResourceArn: x.topic, Tags: tags})
		return err
	}
	target.Must(t, tag("k1", "v1", "k2", "v2"))
	target.Must(t, tag("k2", "other"))
	target.Refused(t, tag("k1", "a", "k1", "b"), "InvalidParameter", "Duplicated keys are not allowed.")
	_, err := x.UntagResource(x.ctx, &sns.UntagResourceInput{ResourceArn: x.topic, TagKeys: []string{"k1"}})
	target.Must(t, err)
	out, err := x.ListTagsForResource(x.ctx, &sns.ListTagsForResourceInput{ResourceArn: x.topic})
	target.Must(t, err)
	if len(out.Tags) != 1 || *out.Tags[0].Key != "k2" || *out.Tags[0].Value != "other" {
		t.Errorf("%+v", out.Tags)
	}
	_, err = x.ListTagsForResource(x.ctx, &sns.ListTagsForResourceInput{ResourceArn: x.other(target.Name())})
	target.Refused(t, err, "ResourceNotFound", "Resource does not exist")
}

// https://docs.aws.amazon.com/sns/latest/api/API_AddPermission.html
func TestPermissions(t *testing.T) {
	x := open(t)
	account := strings.Split(*x.topic, ":")[4]
	in := &sns.AddPermissionInput{TopicArn: x.topic, Label: aws.String("label"), AWSAccountId: []string{account}, ActionName: []string{"Publish"}}
	_, err := x.AddPermission(x.ctx, in)
	target.Must(t, err)
	if p := x.attributes(x.topic)["Policy"]; !strings.Contains(p, `"Sid":"label"`) || !strings.Contains(p, "SNS:Publish") {
		t.Errorf("%s", p)
	}
	_, err = x.AddPermission(x.ctx, in)
	target.Refused(t, err, "InvalidParameter", "Statement already exists")
	in.Label, in.ActionName = aws.String("other"), []string{"Nonsense"}
	_, err = x.AddPermission(x.ctx, in)
	target.Refused(t, err, "InvalidParameter", "action out of service scope")
	_, err = x.RemovePermission(x.ctx, &sns.RemovePermissionInput{TopicArn: x.topic, Label: aws.String("label")})
	target.Must(t, err)
	if p := x.attributes(x.topic)["Policy"]; strings.Contains(p, `"Sid":"label"`) {
		t.Errorf("%s", p)
	}
}

// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
func TestPublish(t *testing.T) {
	x := open(t)
	publish := func(change func(*sns.PublishInput)) error {
		in := &sns.PublishInput{TopicArn: x.topic, Message: aws.String("hello")}
		change(in)
		out, err := x.Client.Publish(x.ctx, in)
		if err == nil && (aws.ToString(out.MessageId) == "" || out.SequenceNumber != nil) {
			t.Errorf("%+v", out)
		}
		return err
	}
	attribute := func(name, kind, value string) func(*sns.PublishInput) {
		return func(in *sns.PublishInput) {
			in.MessageAttributes = map[string]types.MessageAttributeValue{name: {DataType: &kind, StringValue: &value}}
		}
	}
	target.Must(t, publish(func(*sns.PublishInput) {}))
	target.Must(t, publish(func(in *sns.PublishInput) { in.TargetArn, in.TopicArn = in.TopicArn, nil }))
	target.Must(t, publish(func(in *sns.PublishInput) { in.Message = aws.String(strings.Repeat("x", 256<<10)) }))
	target.Must(t, publish(attribute("a.b-c_d", "String.custom", "x")))
	for _, test := range []struct {
		change        func(*sns.PublishInput)
		code, message string
	}{
		{func(in *sns.PublishInput) { in.Message = aws.String("") }, "InvalidParameter", "Empty message"},
		{func(in *sns.PublishInput) { in.Message = aws.String(strings.Repeat("x", 256<<10+1)) }, "InvalidParameter", "Message too long"},
		{func(in *sns.PublishInput) { in.Subject = aws.String("") }, "InvalidParameter", "Subject"},
		{func(in *sns.PublishInput) { in.Subject = aws.String(strings.Repeat("x", 101)) }, "InvalidParameter", "Subject"},
		{func(in *sns.PublishInput) { in.Subject = aws.String("two\nlines") }, "InvalidParameter", "Subject"},
		{func(in *sns.PublishInput) { in.MessageStructure = aws.String("json") }, "InvalidParameter", "JSON message body failed to parse"},
		{func(in *sns.PublishInput) {
			in.MessageStructure, in.Message = aws.String("json"), aws.String(`{"sqs":"x"}`)
		}, "InvalidParameter", "No default entry in JSON message body"},
		{func(in *sns.PublishInput) { in.MessageDeduplicationId = aws.String("x") }, "InvalidParameter", "not valid for this topic type"},
		{func(in *sns.PublishInput) { in.TopicArn = x.other(target.Name()) }, "NotFound", "Topic does not exist"},
		{attribute("a", "String", ""), "ParameterValueInvalid", "must contain non-empty message attribute value"},
		{attribute("a", "Strange", "x"), "ParameterValueInvalid", "has an invalid message attribute type"},
		{attribute("a", "Binary", "x"), "ParameterValueInvalid", "with type 'Binary' must use field 'Binary'"},
		{attribute("a", "Number", "x"), "ParameterValueInvalid", "Could not cast message attribute 'a' value to number."},
		{attribute(".a", "String", "x"), "ParameterValueInvalid", "starting with character '.'"},
		{attribute("a^", "String", "x"), "ParameterValueInvalid", "Invalid non-alphanumeric character '#x5E'"},
	} {
		target.Refused(t, publish(test.change), test.code, test.message)
	}
}

// https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html
func TestPublishBatch(t *testing.T) {
	x := open(t)
	publish := func(ids ...string) (*sns.PublishBatchOutput, error) {
		var entries []types.PublishBatchRequestEntry
		for _, id := range ids {
			entries = append(entries, types.PublishBatchRequestEntry{Id: &id, Message: aws.String("hello")})
		}
		return x.Client.PublishBatch(x.ctx, &sns.PublishBatchInput{TopicArn: x.topic, PublishBatchRequestEntries: entries})
	}
	out, err := publish("a", "b")
	target.Must(t, err)
	if len(out.Successful) != 2 || len(out.Failed) != 0 || *out.Successful[0].Id != "a" {
		t.Errorf("%+v", out)
	}
	_, err = publish("a", "a")
	target.Refused(t, err, "BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.")
	_, err = publish(strings.Split("abcdefghijk", "")...)
	target.Refused(t, err, "TooManyEntriesInBatchRequest", "more entries than permissible")
}

// https://docs.aws.amazon.com/sns/latest/dg/fifo-message-dedup.html
func TestFIFO(t *testing.T) {
	x := open(t)
	topic := x.create(x.name+".fifo", map[string]string{"FifoTopic": "true"})
	publish := func(text, group, dedup string) (*sns.PublishOutput, error) {
		in := &sns.PublishInput{TopicArn: topic, Message: &text}
		if group != "" {
			in.MessageGroupId = &group
		}
		if dedup != "" {
			in.MessageDeduplicationId = &dedup
		}
		return x.Client.Publish(x.ctx, in)
	}
	_, err := publish("x", "", "1")
	target.Refused(t, err, "InvalidParameter", "The MessageGroupId parameter is required for FIFO topics")
	_, err = publish("x", "g", "")
	target.Refused(t, err, "InvalidParameter", "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	one, err := publish("x", "g", "1")
	target.Must(t, err)
	two, err := publish("y", "g", "2")
	target.Must(t, err)
	again, err := publish("z", "g", "1")
	target.Must(t, err)
	if *again.MessageId != *one.MessageId || *again.SequenceNumber != *one.SequenceNumber {
		t.Errorf("a duplicate is %s %s, want %s %s", *again.MessageId, *again.SequenceNumber, *one.MessageId, *one.SequenceNumber)
	}
	if len(*one.SequenceNumber) != 20 || *two.SequenceNumber <= *one.SequenceNumber {
		t.Errorf("sequence numbers %s and %s", *one.SequenceNumber, *two.SequenceNumber)
	}
	_, err = x.Subscribe(x.ctx, &sns.SubscribeInput{TopicArn: x.topic, Protocol: aws.String("sqs"), Endpoint: aws.String(strings.Replace(*topic, ":sns:", ":sqs:", 1))})
	target.Refused(t, err, "InvalidParameter", "FIFO SQS Queues can not be subscribed to standard SNS topics")
}

// https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
func TestSubscribe(t *testing.T) {
	x := open(t)
	subscribe := func(protocol, endpoint string, attributes map[string]string) (string, error) {
		out, err := x.Subscribe(x.ctx, &sns.SubscribeInput{TopicArn: x.topic, Protocol: &protocol, Endpoint: &endpoint, Attributes: attributes})
		if err != nil {
			return "", err
		}
		return *out.SubscriptionArn, nil
	}
	_, err := subscribe("pigeon", "roof", nil)
	target.Refused(t, err, "InvalidParameter", "Amazon SNS does not support this protocol string: pigeon")
	_, err = subscribe("http", "https://example.com/", nil)
	target.Refused(t, err, "InvalidParameter", "Endpoint must match the specified protocol")
	_, err = subscribe("sqs", "http://example.com/queue", nil)
	target.Refused(t, err, "InvalidParameter", "SQS endpoint ARN")
	id, err := subscribe("email", x.name+"@example.com", nil)
	target.Must(t, err)
	if id != "pending confirmation" {
		t.Errorf("an address that nobody has confirmed: %s", id)
	}
	out, err := x.ListSubscriptionsByTopic(x.ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: x.topic})
	target.Must(t, err)
	if len(out.Subscriptions) != 1 || *out.Subscriptions[0].SubscriptionArn != "PendingConfirmation" || *out.Subscriptions[0].Protocol != "email" {
		t.Errorf("%+v", out.Subscriptions)
	}
	if n := x.attributes(x.topic)["SubscriptionsPending"]; n != "1" {
		t.Errorf("SubscriptionsPending is %s", n)
	}
	_, err = x.Unsubscribe(x.ctx, &sns.UnsubscribeInput{SubscriptionArn: aws.String("nonsense")})
	target.Refused(t, err, "InvalidParameter", "SubscriptionArn Reason: An ARN must have at least 6 elements, not 1")
	_, err = x.Unsubscribe(x.ctx, &sns.UnsubscribeInput{SubscriptionArn: x.topic})
	target.Refused(t, err, "InvalidParameter", "SubscriptionId")
	gone := aws.String(*x.topic + ":6b5a4d2e-0000-4000-8000-000000000000")
	_, err = x.Unsubscribe(x.ctx, &sns.UnsubscribeInput{SubscriptionArn: gone})
	target.Must(t, err)
	_, err = x.GetSubscriptionAttributes(x.ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: gone})
	target.Refused(t, err, "NotFound", "Subscription does not exist")
}

// https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
func TestFilterPolicies(t *testing.T) {
	x := open(t)
	n := 0
	try := func(policy, scope string) error {
		n++
		attributes := map[string]string{"FilterPolicy": policy}
		if scope != "" {
			attributes["FilterPolicyScope"] = scope
		}
		_, err := x.Subscribe(x.ctx, &sns.SubscribeInput{
			TopicArn: x.topic, Protocol: aws.String("email"), Endpoint: aws.String(fmt.Sprintf("%s-%d@example.com", x.name, n)), Attributes: attributes,
		})
		return err
	}
	for _, good := range [][2]string{
		{`{"a":["x",1,true,null,{"prefix":"p"},{"suffix":"s"},{"anything-but":["y"]},{"numeric":[">",0,"<=",5]},{"exists":true},{"cidr":"10.0.0.0/8"},{"equals-ignore-case":"Z"}]}`, ""},
		{`{"a":[{"anything-but":{"prefix":"p"}}],"b":[{"exists":false}]}`, ""},
		{`{"a":{"b":{"c":["x"]}}}`, "MessageBody"},
		{`{"$or":[{"a":["x"]},{"b":["y"]}]}`, ""},
	} {
		target.Must(t, try(good[0], good[1]))
	}
	for _, bad := range [][3]string{
		{`{"a":{"b":["x"]}}`, "", "Filter policy scope MessageAttributes does not support nested filter policy"},
		{`{"key":[["value"]]}`, "", "FilterPolicy: Match value must be String, number, true, false, or null"},
		{`{"key":[{"wrong-operator":true}]}`, "", "FilterPolicy: Unrecognized match type wrong-operator"},
		{`{"key":[{"suffix":"value","prefix":"value2"}]}`, "", "FilterPolicy: Only one key allowed in match expression"},
		{`{"key":[{"numeric":[">=",1,">",2]}]}`, "", "FilterPolicy: Bad numeric range operator: >"},
		{`{"key":[{"exists":"no"}]}`, "", "FilterPolicy: exists match pattern must be either true or false."},
		{`{"key":"value"}`, "", `"key" must be an object or an array`},
		{`{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1]}`, "", "Filter policy can not have more than 5 keys"},
		{`{"a":[` + strings.Repeat(`"v",`, 150) + `"v"]}`, "", "Filter policy is too complex"},
		{`{"a":["x"]}`, "Nonsense", "FilterPolicyScope: Invalid value [Nonsense]"},
	} {
		target.Refused(t, try(bad[0], bad[1]), "InvalidParameter", bad[2])
	}
}
