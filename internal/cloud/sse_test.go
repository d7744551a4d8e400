package cloud

import (
	"testing"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/awsapi/shapes/iam"
	"github.com/nube-run/nube/internal/awsapi/shapes/kms"
	"github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/policy"
)

// somebody makes a user with a policy, and returns what makes calls as him.
func (c *Cloud) somebody(t *testing.T, name, actions string) awsapi.Actor {
	t.Helper()
	u := root(t, c, iam.CreateUser, &iam.CreateUserRequest{UserName: &name}).User
	root(t, c, iam.PutUserPolicy, &iam.PutUserPolicyRequest{
		UserName: &name, PolicyName: ptr("p"), PolicyDocument: ptr(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":` + actions + `,"Resource":"*"}}`),
	})
	return awsapi.Actor{Account: c.opts.Account, UserID: *u.UserId, Principal: policy.Principal{ARN: arn.ARN(*u.Arn)}}
}

// refused makes a call as somebody, which must fail with a code, or succeed if that
// is empty.
func refused[I, O any](t *testing.T, c *Cloud, who awsapi.Actor, op schema.TypedOp[I, O], in I, code string) {
	t.Helper()
	_, err := awsapi.Do(awsapi.As(c.asRoot(t.Context(), c.scope), who), c.front, op, in)
	if code == "" && err != nil || code != "" && !fault.Is(err, code) {
		t.Errorf("%s as %s: %v, want %q", op.Op.Name, who.Principal, err, code)
	}
}

// Who sends to a queue with a key of its own needs kms:GenerateDataKey and
// kms:Decrypt, who receives kms:Decrypt; KMS is asked again when the data key has
// been used for long enough.
//
// Mutations that it finds: KMS never asked; asked once for ever; one caller's
// permission taken for another's.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
func TestQueueKey(t *testing.T) {
	c, err := opened(t, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, c)
	key := root(t, c, kms.CreateKey, &kms.CreateKeyRequest{}).KeyMetadata.Arn
	queue := root(t, c, sqs.CreateQueue, &sqs.CreateQueueRequest{
		QueueName: ptr("q"), Attributes: map[string]string{"KmsMasterKeyId": *key, "KmsDataKeyReusePeriodSeconds": "60"},
	}).QueueUrl
	send := &sqs.SendMessageRequest{QueueUrl: queue, MessageBody: ptr("hello")}
	receive := &sqs.ReceiveMessageRequest{QueueUrl: queue, VisibilityTimeout: ptr(int32(0))}
	neither := c.somebody(t, "neither", `"sqs:*"`)
	producer := c.somebody(t, "producer", `["sqs:*","kms:GenerateDataKey","kms:Decrypt"]`)
	consumer := c.somebody(t, "consumer", `["sqs:*","kms:Decrypt"]`)
	halfway := c.somebody(t, "halfway", `["sqs:*","kms:GenerateDataKey"]`)
	refused(t, c, neither, sqs.SendMessage, send, "KmsAccessDenied")
	refused(t, c, halfway, sqs.SendMessage, send, "KmsAccessDenied")
	refused(t, c, consumer, sqs.SendMessage, send, "KmsAccessDenied")
	refused(t, c, producer, sqs.SendMessage, send, "")
	refused(t, c, neither, sqs.ReceiveMessage, receive, "KmsAccessDenied")
	refused(t, c, consumer, sqs.ReceiveMessage, receive, "")
	refused(t, c, neither, sqs.ReceiveMessage, receive, "KmsAccessDenied")

	root(t, c, kms.DisableKey, &kms.DisableKeyRequest{KeyId: key})
	refused(t, c, producer, sqs.SendMessage, send, "") // the data key is used again
	refused(t, c, consumer, sqs.ReceiveMessage, receive, "")
	at := clock.At(c.model.Now().Time().Add(2 * time.Minute))
	if err := c.model.Set(at); err != nil {
		t.Fatal(err)
	}
	refused(t, c, producer, sqs.SendMessage, send, "KmsDisabled")
	refused(t, c, consumer, sqs.ReceiveMessage, receive, "KmsDisabled")

	// Without a key of its own a queue asks nobody.
	root(t, c, sqs.SetQueueAttributes, &sqs.SetQueueAttributesRequest{QueueUrl: queue, Attributes: map[string]string{"KmsMasterKeyId": ""}})
	refused(t, c, neither, sqs.SendMessage, send, "")
	refused(t, c, neither, sqs.ReceiveMessage, receive, "")
}

// Who gives a function variables under a key encrypts with it, and who may not
// decrypt does not see them.
//
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html
func TestEnvironmentKey(t *testing.T) {
	c, err := opened(t, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, c)
	key := root(t, c, kms.CreateKey, &kms.CreateKeyRequest{}).KeyMetadata.Arn
	role := root(t, c, iam.CreateRole, &iam.CreateRoleRequest{RoleName: ptr("role"), AssumeRolePolicyDocument: ptr(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`)}).Role.Arn
	create := &lambda.CreateFunctionRequest{
		FunctionName: ptr("f"), Runtime: ptr("nodejs22.x"), Handler: ptr("index.handler"), Role: role, KMSKeyArn: key,
		Code: &lambda.FunctionCode{ZipFile: archived(t)}, Environment: &lambda.Environment{Variables: map[string]string{"TOKEN": "x"}},
	}
	neither := c.somebody(t, "neither", `["lambda:*","iam:PassRole"]`)
	deployer := c.somebody(t, "deployer", `["lambda:*","iam:PassRole","kms:Encrypt","kms:CreateGrant"]`)
	reader := c.somebody(t, "reader", `["lambda:*","kms:Decrypt"]`)
	refused(t, c, neither, lambda.CreateFunction, create, "InvalidParameterValueException")
	refused(t, c, deployer, lambda.CreateFunction, create, "")
	sees := func(who awsapi.Actor, want bool) {
		t.Helper()
		ctx := awsapi.As(c.asRoot(t.Context(), c.scope), who)
		one, err := awsapi.Do(ctx, c.front, lambda.GetFunctionConfiguration, &lambda.GetFunctionConfigurationRequest{FunctionName: ptr("f")})
		if err != nil {
			t.Fatal(err)
		}
		list, err := awsapi.Do(ctx, c.front, lambda.ListFunctions, &lambda.ListFunctionsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range []*lambda.EnvironmentResponse{one.Environment, list.Functions[0].Environment} {
			if got := e.Variables["TOKEN"] == "x"; got != want || (e.Error == nil) != want {
				t.Errorf("%s sees %+v", who.Principal, e)
			}
		}
	}
	sees(reader, true)
	sees(deployer, false)
	sees(neither, false)
	refused(t, c, neither, lambda.UpdateFunctionConfiguration, &lambda.UpdateFunctionConfigurationRequest{FunctionName: ptr("f"), Environment: create.Environment}, "InvalidParameterValueException")
	root(t, c, lambda.UpdateFunctionConfiguration, &lambda.UpdateFunctionConfigurationRequest{FunctionName: ptr("f"), KMSKeyArn: ptr("")})
	sees(neither, true)
}

// Who publishes to a topic with a key of its own needs kms:GenerateDataKey and
// kms:Decrypt.
//
// https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
func TestTopicKey(t *testing.T) {
	c, err := opened(t, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, c)
	key := root(t, c, kms.CreateKey, &kms.CreateKeyRequest{}).KeyMetadata.Arn
	topic := root(t, c, sns.CreateTopic, &sns.CreateTopicInput{Name: ptr("t"), Attributes: map[string]string{"KmsMasterKeyId": *key}}).TopicArn
	publish := &sns.PublishInput{TopicArn: topic, Message: ptr("hello")}
	neither := c.somebody(t, "neither", `"sns:*"`)
	halfway := c.somebody(t, "halfway", `["sns:*","kms:GenerateDataKey"]`)
	publisher := c.somebody(t, "publisher", `["sns:*","kms:GenerateDataKey","kms:Decrypt"]`)
	refused(t, c, neither, sns.Publish, publish, "KMSAccessDenied")
	refused(t, c, halfway, sns.Publish, publish, "KMSAccessDenied")
	refused(t, c, publisher, sns.Publish, publish, "")
	root(t, c, kms.DisableKey, &kms.DisableKeyRequest{KeyId: key})
	refused(t, c, publisher, sns.Publish, publish, "KMSDisabled")
}
