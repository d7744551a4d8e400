package sqs

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/nube-run/nube/conformance/target"
)

// encrypted gives a queue a key that its account may use, and who more says, and
// returns the client of KMS and the key.
func (x *suite) encrypted(queue *string, more string) (*kms.Client, *string) {
	x.Helper()
	client := kms.NewFromConfig(target.Config())
	if more != "" {
		more = "," + more
	}
	out, err := client.CreateKey(x.ctx, &kms.CreateKeyInput{Policy: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account(x) + `:root"},"Action":"kms:*","Resource":"*"}` + more + `]}`)})
	target.Must(x, err)
	key := out.KeyMetadata.Arn
	x.Cleanup(func() {
		_, err := client.ScheduleKeyDeletion(context.Background(), &kms.ScheduleKeyDeletionInput{KeyId: key, PendingWindowInDays: aws.Int32(7)})
		if err != nil {
			x.Logf("cleaning up: %v", err)
		}
	})
	x.set(queue, "KmsMasterKeyId", *key, "KmsDataKeyReusePeriodSeconds", "60")
	return client, key
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-server-side-encryption.html
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html#API_SendMessage_Errors
func TestKeyDisabled(t *testing.T) {
	x := open(t)
	client, key := x.encrypted(x.queue, "")
	_, err := client.DisableKey(x.ctx, &kms.DisableKeyInput{KeyId: key})
	target.Must(t, err)
	_, err = x.SendMessage(x.ctx, &sqs.SendMessageInput{QueueUrl: x.queue, MessageBody: aws.String("m")})
	refused[*types.KmsDisabled](t, err, "KMS.DisabledException")
	_, err = client.EnableKey(x.ctx, &kms.EnableKeyInput{KeyId: key})
	target.Must(t, err)
	x.send("m")
	x.expect("received", bodies(x.receive(x.queue, 5)), "m")
}

// A topic sends to a queue with a key of its own if the key's policy lets it, and to
// the dead-letter queue of its subscription if not.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html#compatibility-with-aws-services
// https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
func TestKeyOfServices(t *testing.T) {
	for name, test := range map[string]struct {
		may  string
		sent bool
	}{
		"allowed":     {`{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":["kms:GenerateDataKey","kms:Decrypt"],"Resource":"*"}`, true},
		"not allowed": {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			x := open(t)
			dead := x.create(x.name + "-dead")
			for _, q := range []*string{x.queue, dead} {
				x.set(q, "Policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"`+x.attributes(q)["QueueArn"]+`"}]}`)
			}
			x.encrypted(x.queue, test.may)
			topics := sns.NewFromConfig(target.Config())
			topic, err := topics.CreateTopic(x.ctx, &sns.CreateTopicInput{Name: &x.name})
			target.Must(t, err)
			t.Cleanup(func() {
				if _, err := topics.DeleteTopic(context.Background(), &sns.DeleteTopicInput{TopicArn: topic.TopicArn}); err != nil {
					t.Errorf("cleaning up: %v", err)
				}
			})
			_, err = topics.Subscribe(x.ctx, &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: aws.String(x.attributes(x.queue)["QueueArn"]), Attributes: map[string]string{
				"RawMessageDelivery": "true", "RedrivePolicy": `{"deadLetterTargetArn":"` + x.attributes(dead)["QueueArn"] + `"}`,
			}})
			target.Must(t, err)
			_, err = topics.Publish(x.ctx, &sns.PublishInput{TopicArn: topic.TopicArn, Message: aws.String("m")})
			target.Must(t, err)
			to, other := x.queue, dead
			if !test.sent {
				to, other = dead, x.queue
			}
			x.expect("received", bodies(x.receive(to, 20)), "m")
			x.expect("received elsewhere", bodies(x.receive(other, 1)), "")
		})
	}
}
