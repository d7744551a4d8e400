package cloud

import (
	"archive/zip"
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/awsapi/shapes/iam"
	"github.com/nube-run/nube/internal/awsapi/shapes/kms"
	"github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/clock"
)

// settle waits until nothing is under way.
func (c *Cloud) settle(t *testing.T) {
	t.Helper()
	if r, err := c.settler.Settle(context.WithoutCancel(t.Context()), 0, false); err != nil {
		t.Fatalf("not settled: %v, %+v", err, r)
	}
}

// later moves the model clock, and settles.
func (c *Cloud) later(t *testing.T, d time.Duration) {
	t.Helper()
	if err := c.model.Set(clock.At(c.model.Now().Time().Add(d))); err != nil {
		t.Fatal(err)
	}
	c.settle(t)
}

const (
	here      = "arn:aws:sqs:us-east-1:123456789012:"
	accountIs = `{"Sid":"account","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"kms:*","Resource":"*"}`
)

// keyPolicy lets the account use a key, and more.
func keyPolicy(more ...string) *string {
	return ptr(`{"Version":"2012-10-17","Statement":[` + strings.Join(append([]string{accountIs}, more...), ",") + `]}`)
}

// lets is a statement that lets a service use a key for a source.
func lets(service, source string) string {
	return `{"Effect":"Allow","Principal":{"Service":"` + service + `"},"Action":["kms:GenerateDataKey","kms:Decrypt"],"Resource":"*","Condition":{"ArnEquals":{"aws:SourceArn":"` + source + `"}}}`
}

// queue makes a queue that everybody may send to, under a key if it is not empty.
func (c *Cloud) queue(t *testing.T, name, key string) (url *string) {
	t.Helper()
	in := &sqs.CreateQueueRequest{QueueName: &name, Attributes: map[string]string{
		"Policy": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"` + here + name + `"}}`,
	}}
	if key != "" {
		in.Attributes["KmsMasterKeyId"], in.Attributes["KmsDataKeyReusePeriodSeconds"] = key, "60"
	}
	return root(t, c, sqs.CreateQueue, in).QueueUrl
}

// taken receives and deletes the messages of a queue.
func (c *Cloud) taken(t *testing.T, url *string) (bodies []string) {
	t.Helper()
	out := root(t, c, sqs.ReceiveMessage, &sqs.ReceiveMessageRequest{
		QueueUrl: url, MaxNumberOfMessages: ptr(int32(10)), MessageAttributeNames: []string{"All"},
	})
	for _, m := range out.Messages {
		code := ""
		if a, ok := m.MessageAttributes["ERROR_CODE"]; ok {
			code = " " + *a.StringValue
		}
		bodies = append(bodies, *m.Body+code)
		root(t, c, sqs.DeleteMessage, &sqs.DeleteMessageRequest{QueueUrl: url, ReceiptHandle: m.ReceiptHandle})
	}
	return bodies
}

// A service that sends to a queue with a key of its own must be let use the key, for
// what it sends for. Otherwise the message goes to the dead-letter queue, at once:
// it is SQS's word, and it would repeat it. KMS is asked again when the data key was
// used for long enough, so that a key that is disabled or scheduled to be deleted
// stops what comes later.
//
// Mutations that it finds: services not asked; one topic's permission taken for
// another's; the key of SQS itself open to services.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html#compatibility-with-aws-services
func TestQueueKeyOfServices(t *testing.T) {
	c, err := opened(t, Options{Account: "123456789012"})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, c)
	const topics, rule = "arn:aws:sns:us-east-1:123456789012:", "arn:aws:events:us-east-1:123456789012:rule/r"
	key := root(t, c, kms.CreateKey, &kms.CreateKeyRequest{Policy: keyPolicy()}).KeyMetadata.Arn
	locked, own, dead := c.queue(t, "locked", *key), c.queue(t, "own", "alias/aws/sqs"), c.queue(t, "dead", "")
	for _, name := range []string{"a", "b"} {
		root(t, c, sns.CreateTopic, &sns.CreateTopicInput{Name: &name})
		root(t, c, sns.Subscribe, &sns.SubscribeInput{TopicArn: ptr(topics + name), Protocol: ptr("sqs"), Endpoint: ptr(here + "locked"), Attributes: map[string]string{
			"RawMessageDelivery": "true", "RedrivePolicy": `{"deadLetterTargetArn":"` + here + `dead"}`,
		}})
	}
	root(t, c, sns.Subscribe, &sns.SubscribeInput{TopicArn: ptr(topics + "b"), Protocol: ptr("sqs"), Endpoint: ptr(here + "own"), Attributes: map[string]string{"RawMessageDelivery": "true"}})
	root(t, c, events.PutRule, &events.PutRuleRequest{Name: ptr("r"), EventPattern: ptr(`{"source":["shop"]}`)})
	root(t, c, events.PutTargets, &events.PutTargetsRequest{Rule: ptr("r"), Targets: []events.Target{{
		Id: ptr("q"), Arn: ptr(here + "locked"), InputPath: ptr("$.detail.n"), DeadLetterConfig: &events.DeadLetterConfig{Arn: ptr(here + "dead")},
	}}})
	send := func(n string) {
		t.Helper()
		for _, topic := range []string{"a", "b"} {
			root(t, c, sns.Publish, &sns.PublishInput{TopicArn: ptr(topics + topic), Message: ptr(topic + n)})
		}
		root(t, c, events.PutEvents, &events.PutEventsRequest{Entries: []events.PutEventsRequestEntry{{Source: ptr("shop"), DetailType: ptr("x"), Detail: ptr(`{"n":` + n + `}`)}}})
		c.settle(t)
	}
	arrived := func(why string, url *string, want ...string) {
		t.Helper()
		got := c.taken(t, url)
		left := map[string]int{}
		for _, body := range got {
			left[body]++
		}
		for _, body := range want {
			left[body]--
		}
		for body, n := range left {
			if n != 0 {
				t.Errorf("%s: %+d of %s; got %q, want %q", why, n, body, got, want)
			}
		}
	}
	set := func(policy *string) {
		root(t, c, kms.PutKeyPolicy, &kms.PutKeyPolicyRequest{KeyId: key, Policy: policy})
	}

	send("1")
	arrived("nobody may use the key", dead, "a1", "b1", "1 NO_PERMISSIONS")
	set(keyPolicy(lets("sns.amazonaws.com", topics+"a")))
	send("2")
	arrived("topic a may", locked, "a2")
	arrived("topic a may", dead, "b2", "2 NO_PERMISSIONS")
	set(keyPolicy(lets("sns.amazonaws.com", topics+"a"), lets("events.amazonaws.com", rule)))
	send("3")
	arrived("topic a and the rule may", locked, "a3", "3")
	arrived("topic a and the rule may", dead, "b3")
	arrived("the key of SQS", own)

	root(t, c, kms.DisableKey, &kms.DisableKeyRequest{KeyId: key})
	send("4")
	arrived("the data key is used again", dead, "b4")
	c.later(t, 2*time.Minute)
	send("5")
	arrived("the key is disabled", dead, "a5", "b5", "5 KmsDisabled")
	root(t, c, kms.EnableKey, &kms.EnableKeyRequest{KeyId: key})
	send("6")
	arrived("the key is enabled", dead, "b6")
	c.later(t, 2*time.Minute)
	root(t, c, kms.ScheduleKeyDeletion, &kms.ScheduleKeyDeletionRequest{KeyId: key})
	send("7")
	arrived("the key is to be deleted", dead, "a7", "b7", "7 KmsInvalidState")
}

// A bus with a key of its own takes on events as long as EventBridge may use the key,
// for the bus. What it cannot take on was accepted, and goes to the bus's dead-letter
// queue.
//
// Mutations that it finds: KMS not asked; the putter asked and not EventBridge; events
// that go to their targets all the same.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-event-bus-dlq.html
func TestBusKey(t *testing.T) {
	c, err := opened(t, Options{Account: "123456789012"})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, c)
	const bus = "arn:aws:events:us-east-1:123456789012:event-bus/orders"
	key := root(t, c, kms.CreateKey, &kms.CreateKeyRequest{Policy: keyPolicy()}).KeyMetadata.Arn
	taken, dead := c.queue(t, "taken", ""), c.queue(t, "dead", "")
	root(t, c, events.CreateEventBus, &events.CreateEventBusRequest{Name: ptr("orders"), KmsKeyIdentifier: key, DeadLetterConfig: &events.DeadLetterConfig{Arn: ptr(here + "dead")}})
	root(t, c, events.PutRule, &events.PutRuleRequest{Name: ptr("r"), EventBusName: ptr("orders"), EventPattern: ptr(`{"source":["shop"]}`)})
	root(t, c, events.PutTargets, &events.PutTargetsRequest{Rule: ptr("r"), EventBusName: ptr("orders"), Targets: []events.Target{{Id: ptr("q"), Arn: ptr(here + "taken")}}})
	root(t, c, events.PutRule, &events.PutRuleRequest{Name: ptr("on"), EventPattern: ptr(`{"source":["shop"]}`)})
	root(t, c, events.PutTargets, &events.PutTargetsRequest{Rule: ptr("on"), Targets: []events.Target{{Id: ptr("bus"), Arn: ptr(bus)}}})
	put := func(why string, on *string, code string) {
		t.Helper()
		out := root(t, c, events.PutEvents, &events.PutEventsRequest{Entries: []events.PutEventsRequestEntry{{EventBusName: on, Source: ptr("shop"), DetailType: ptr("x"), Detail: ptr(`{}`)}}})
		if *out.FailedEntryCount != 0 {
			t.Errorf("%s: the event was not accepted", why)
		}
		c.settle(t)
		went, buried := c.taken(t, taken), c.taken(t, dead)
		switch {
		case code == "" && (len(went) != 1 || len(buried) != 0):
			t.Errorf("%s: %q went to the target, %q to the dead letters", why, went, buried)
		case code != "" && (len(went) != 0 || len(buried) != 1 || !strings.HasSuffix(buried[0], " "+code) || !strings.Contains(buried[0], `"source":"shop"`)):
			t.Errorf("%s: %q went to the target, %q to the dead letters; want %s", why, went, buried, code)
		}
	}
	set := func(policy *string) {
		root(t, c, kms.PutKeyPolicy, &kms.PutKeyPolicyRequest{KeyId: key, Policy: policy})
	}
	put("EventBridge may not use the key", ptr("orders"), "NO_PERMISSIONS")
	set(keyPolicy(lets("events.amazonaws.com", bus+"2")))
	put("it may for another bus", ptr("orders"), "NO_PERMISSIONS")
	put("by a rule of another bus", nil, "NO_PERMISSIONS")
	set(keyPolicy(lets("events.amazonaws.com", bus)))
	put("it may", ptr("orders"), "")
	put("it may, by a rule of another bus", nil, "")
	root(t, c, kms.DisableKey, &kms.DisableKeyRequest{KeyId: key})
	put("the key is disabled", ptr("orders"), "DisabledException")
	root(t, c, kms.ScheduleKeyDeletion, &kms.ScheduleKeyDeletionRequest{KeyId: key})
	put("the key is to be deleted", ptr("orders"), "KMSInvalidStateException")
	root(t, c, events.UpdateEventBus, &events.UpdateEventBusRequest{Name: ptr("orders"), KmsKeyIdentifier: ptr("")})
	put("the bus has no key any more", ptr("orders"), "")
}

// role makes a role for functions, and may set its policy.
func (c *Cloud) role(t *testing.T, name string) (arn *string, allow func(actions string)) {
	t.Helper()
	role := root(t, c, iam.CreateRole, &iam.CreateRoleRequest{RoleName: &name, AssumeRolePolicyDocument: ptr(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`)}).Role.Arn
	return role, func(actions string) {
		root(t, c, iam.PutRolePolicy, &iam.PutRolePolicyRequest{
			RoleName: &name, PolicyName: ptr("p"), PolicyDocument: ptr(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":` + actions + `,"Resource":"*"}}`),
		})
	}
}

// A mapping reads a queue with a key of its own as its function's role, which needs
// kms:Decrypt: without it nothing is received, and the mapping says why.
//
// Mutations that it finds: roles not asked; messages received and then refused.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions
func TestMappingKey(t *testing.T) {
	c, err := opened(t, Options{Account: "123456789012"})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, c)
	role, allow := c.role(t, "reader")
	key := root(t, c, kms.CreateKey, &kms.CreateKeyRequest{}).KeyMetadata.Arn
	queue := c.queue(t, "q", *key)
	root(t, c, lambda.CreateFunction, &lambda.CreateFunctionRequest{
		FunctionName: ptr("f"), Runtime: ptr("nodejs22.x"), Handler: ptr("index.handler"), Role: role, Code: &lambda.FunctionCode{ZipFile: archived(t)},
	})
	mapping := &lambda.CreateEventSourceMappingRequest{FunctionName: ptr("f"), EventSourceArn: ptr(here + "q")}
	send := func() {
		root(t, c, sqs.SendMessage, &sqs.SendMessageRequest{QueueUrl: queue, MessageBody: ptr("hello")})
	}
	left := func() string {
		return root(t, c, sqs.GetQueueAttributes, &sqs.GetQueueAttributesRequest{QueueUrl: queue, AttributeNames: []string{"ApproximateNumberOfMessages"}}).Attributes["ApproximateNumberOfMessages"]
	}
	const reads = `["sqs:ReceiveMessage","sqs:DeleteMessage","sqs:GetQueueAttributes"]`
	allow(reads)
	send()
	admin := c.somebody(t, "admin", `"*"`)
	refused(t, c, admin, lambda.CreateEventSourceMapping, mapping, "InvalidParameterValueException")
	allow(strings.Replace(reads, "[", `["kms:Decrypt",`, 1))
	id := root(t, c, lambda.CreateEventSourceMapping, mapping).UUID
	c.settle(t)
	if n := left(); n != "0" {
		t.Errorf("%s messages are left though the role may decrypt", n)
	}
	allow(reads)
	c.later(t, 2*time.Minute)
	send()
	c.settle(t)
	said := root(t, c, lambda.GetEventSourceMapping, &lambda.GetEventSourceMappingRequest{UUID: id}).LastProcessingResult
	if n := left(); n != "1" || !strings.Contains(*said, "kms:Decrypt") {
		t.Errorf("the role may not decrypt: %s messages left, and the mapping says %q", n, *said)
	}
	allow(strings.Replace(reads, "[", `["kms:Decrypt",`, 1))
	c.later(t, time.Minute)
	if n := left(); n != "0" {
		t.Errorf("%s messages are left though the role may decrypt again", n)
	}
}

// An instance that starts opens its variables as the function's role, to which who
// gave them granted it. Lambda says in its own codes why it cannot.
//
// Mutations that it finds: KMS not asked at a start; no grant; the variables of a
// function without any asked for.
//
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors
func TestEnvironmentKeyAtStart(t *testing.T) {
	c, err := opened(t, Options{Account: "123456789012"})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, c)
	role, _ := c.role(t, "runner")
	key := root(t, c, kms.CreateKey, &kms.CreateKeyRequest{}).KeyMetadata.Arn
	for name, env := range map[string]map[string]string{"f": {"TOKEN": "x"}, "bare": nil} {
		root(t, c, lambda.CreateFunction, &lambda.CreateFunctionRequest{
			FunctionName: &name, Runtime: ptr("provided.al2023"), Handler: ptr("bootstrap"), Role: role, KMSKeyArn: key,
			Code: &lambda.FunctionCode{ZipFile: ending(t)}, Environment: &lambda.Environment{Variables: env},
		})
	}
	admin := c.somebody(t, "admin", `"*"`)
	invoke := func(name, code string) {
		t.Helper()
		refused(t, c, admin, lambda.Invoke, &lambda.InvocationRequest{FunctionName: &name}, code)
	}
	// again gives the variables anew, and with them grants.
	again := func() {
		t.Helper()
		root(t, c, lambda.UpdateFunctionConfiguration, &lambda.UpdateFunctionConfigurationRequest{FunctionName: ptr("f"), Environment: &lambda.Environment{Variables: map[string]string{"TOKEN": "y"}}})
	}
	root(t, c, kms.DisableKey, &kms.DisableKeyRequest{KeyId: key})
	invoke("f", "KMSDisabledException")
	invoke("bare", "")
	root(t, c, kms.EnableKey, &kms.EnableKeyRequest{KeyId: key})
	grants := root(t, c, kms.ListGrants, &kms.ListGrantsRequest{KeyId: key}).Grants
	if len(grants) != 2 {
		t.Fatalf("%d grants, want one for each function", len(grants))
	}
	for _, g := range grants {
		root(t, c, kms.RevokeGrant, &kms.RevokeGrantRequest{KeyId: key, GrantId: g.GrantId})
	}
	invoke("f", "KMSAccessDeniedException")
	again()
	invoke("f", "")
	root(t, c, kms.ScheduleKeyDeletion, &kms.ScheduleKeyDeletionRequest{KeyId: key})
	invoke("f", "KMSInvalidStateException")
	invoke("bare", "")
}

// ending is the code of a function whose instances start, and end.
func ending(t *testing.T) []byte {
	t.Helper()
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	h := &zip.FileHeader{Name: "bootstrap"}
	h.SetMode(0o755)
	f, err := w.CreateHeader(h)
	if err == nil {
		_, err = f.Write([]byte("#!/bin/sh\nexit 1\n"))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}
