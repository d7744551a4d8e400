package cloud

import (
	"archive/zip"
	"bytes"
	"testing"

	"github.com/nube-run/nube/internal/awsapi/shapes/cloudformation"
	"github.com/nube-run/nube/internal/awsapi/shapes/iam"
	"github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/record"
)

// keepSecrets has services keep what an application may well keep secret, and
// returns what must be in no file.
func (c *Cloud) keepSecrets(t *testing.T) map[string]string {
	t.Helper()
	const variable, quiet, literal, secure, body, published = "an environment variable's", "a NoEcho parameter's", "a literal SecretString", "a parameter from NoEcho", "the body of a message", "what was published"
	root(t, c, iam.CreateRole, &iam.CreateRoleRequest{RoleName: ptr("role"), AssumeRolePolicyDocument: ptr(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`)})
	user := root(t, c, iam.CreateUser, &iam.CreateUserRequest{UserName: ptr("bo")}).User
	key := root(t, c, iam.CreateAccessKey, &iam.CreateAccessKeyRequest{UserName: user.UserName}).AccessKey
	root(t, c, lambda.CreateFunction, &lambda.CreateFunctionRequest{
		FunctionName: ptr("f"), Runtime: ptr("nodejs22.x"), Handler: ptr("index.handler"), Role: ptr("arn:aws:iam::" + c.opts.Account + ":role/role"),
		Code: &lambda.FunctionCode{ZipFile: archived(t)}, Environment: &lambda.Environment{Variables: map[string]string{"TOKEN": variable}},
	})
	queue := root(t, c, sqs.CreateQueue, &sqs.CreateQueueRequest{QueueName: ptr("q")}).QueueUrl
	root(t, c, sqs.SendMessage, &sqs.SendMessageRequest{QueueUrl: queue, MessageBody: ptr(body)})
	topic := root(t, c, sns.CreateTopic, &sns.CreateTopicInput{Name: ptr("t")}).TopicArn
	root(t, c, sns.Subscribe, &sns.SubscribeInput{TopicArn: topic, Protocol: ptr("sqs"), Endpoint: ptr("arn:aws:sqs:" + c.opts.Region + ":" + c.opts.Account + ":q")})
	root(t, c, sns.Publish, &sns.PublishInput{TopicArn: topic, Message: ptr(published)})
	id := root(t, c, cloudformation.CreateStack, &cloudformation.CreateStackInput{
		StackName: ptr("s"), Parameters: []cloudformation.Parameter{{ParameterKey: ptr("Quiet"), ParameterValue: ptr(quiet)}},
		TemplateBody: ptr(`{"Parameters":{"Quiet":{"Type":"String","NoEcho":true}},"Resources":{
			"A":{"Type":"AWS::SecretsManager::Secret","Properties":{"SecretString":"` + literal + `"}},
			"B":{"Type":"AWS::SecretsManager::Secret","Properties":{"SecretString":{"Ref":"Quiet"}}},
			"C":{"Type":"AWS::SecretsManager::Secret","Properties":{"SecretString":"` + secure + `","Description":"d"}}}}`),
	}).StackId
	if s, err := c.parts.stacks.Wait(t.Context(), c.scope, *id); err != nil || s.Status != "CREATE_COMPLETE" {
		t.Fatalf("%+v, %v", s, err)
	}
	const event = "what a function was given"
	if err := c.recorder.Exchanges.Add(&record.Exchange{Function: "f", Event: []byte(event)}); err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"an event":                event,
		"an environment variable": variable, "a NoEcho parameter": quiet, "a secret's literal": literal, "another": secure, "a message": body,
		"what was published": published, "the secret of an access key": *key.SecretAccessKey,
	}
}

// archived is the code of a function.
func archived(t *testing.T) []byte {
	t.Helper()
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	f, err := w.Create("index.js")
	if err == nil {
		_, err = f.Write([]byte("exports.handler = async () => 1"))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}
