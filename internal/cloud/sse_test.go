package cloud

import (
	"testing"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/awsapi/shapes/iam"
	"github.com/nube-run/nube/internal/awsapi/shapes/kms"
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
