package e2e

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

const (
	shopStack    = "my-serverless-app-dev"
	shopFunction = "my-serverless-app-dev-userApi"
	shopGroup    = "/aws/lambda/" + shopFunction
)

// TestSDKs uses one shop through AWS's SDKs for three languages: each makes a
// user, reads it in the table, calls the function in three ways and reads what
// it logged.
func TestSDKs(t *testing.T) {
	c := start(t, "memory", "up", "../examples/shop")
	t.Run("go", func(t *testing.T) { goSDK(t, c) })
	t.Run("javascript", func(t *testing.T) { c.script(t, exec.Command("node", "../conformance/js/shop.mjs")) })
	t.Run("python", func(t *testing.T) { c.script(t, exec.Command(tool(t, "python"), "testdata/sdk/shop.py")) })
}

// script runs a program that checks by itself.
func (c *cloud) script(t *testing.T, cmd *exec.Cmd) {
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(c.env(), "NUBE="+bin, "STACK="+shopStack, "FUNCTION="+shopFunction)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// config is what the SDK for Go needs to find the cloud.
func (c *cloud) config() aws.Config {
	return aws.Config{Region: "us-east-1", BaseEndpoint: &c.Endpoint, Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
	})}
}

func goSDK(t *testing.T, c *cloud) {
	ctx, cfg := t.Context(), c.config()
	user := want(t, c.create("Gopher", "go@example.com"), http.StatusCreated).object(t)
	id := user["id"].(string)

	got, err := dynamodb.NewFromConfig(cfg).GetItem(ctx, &dynamodb.GetItemInput{
		TableName: aws.String("users-dev"), Key: map[string]dynamodbtypes.AttributeValue{"id": &dynamodbtypes.AttributeValueMemberS{Value: id}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if name, ok := got.Item["name"].(*dynamodbtypes.AttributeValueMemberS); !ok || name.Value != "Gopher" {
		t.Fatalf("the table has %v", got.Item)
	}

	requests := goInvoke(t, cfg, id)
	c.settle()
	logs := cloudwatchlogs.NewFromConfig(cfg)
	for _, r := range requests {
		found, err := logs.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{
			LogGroupName: aws.String(shopGroup), FilterPattern: aws.String(fmt.Sprintf("%q", "START RequestId: "+r)),
		})
		if err != nil || len(found.Events) != 1 {
			t.Errorf("the log has %+v of %s: %v", found, r, err)
		}
	}

	stacks, err := cloudformation.NewFromConfig(cfg).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String(shopStack)})
	if err != nil || len(stacks.Stacks) != 1 || stacks.Stacks[0].StackStatus != "CREATE_COMPLETE" {
		t.Errorf("stacks %+v: %v", stacks, err)
	}
	me, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil || !strings.HasSuffix(*me.Arn, ":root") {
		t.Errorf("caller %+v: %v", me, err)
	}
}

// goInvoke calls the function in every way and returns the ids of the requests
// that it has seen.
func goInvoke(t *testing.T, cfg aws.Config, id string) (requests []string) {
	ctx, client := t.Context(), lambda.NewFromConfig(cfg)
	payload := fmt.Appendf(nil, `{"httpMethod":"GET","path":"/users/%s"}`, id)
	in := lambda.InvokeInput{FunctionName: aws.String(shopFunction), Payload: payload, LogType: lambdatypes.LogTypeTail}
	out, err := client.Invoke(ctx, &in)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		StatusCode int
		Body       string
	}
	if err := json.Unmarshal(out.Payload, &answer); err != nil || answer.StatusCode != 200 || !strings.Contains(answer.Body, "Gopher") {
		t.Fatalf("answered %s: %v", out.Payload, err)
	}
	if log, err := base64.StdEncoding.DecodeString(*out.LogResult); err != nil || !strings.Contains(string(log), "REPORT RequestId: ") {
		t.Errorf("the log's end is %q: %v", log, err)
	}
	for kind, status := range map[lambdatypes.InvocationType]int32{"RequestResponse": 200, "Event": 202, "DryRun": 204} {
		in := lambda.InvokeInput{FunctionName: aws.String(shopFunction), Payload: payload, InvocationType: kind}
		out, err := client.Invoke(ctx, &in)
		if err != nil || out.StatusCode != status || out.FunctionError != nil {
			t.Errorf("%s: %+v: %v", kind, out, err)
			continue
		}
		if kind != "DryRun" {
			r, _ := middleware.GetRequestIDMetadata(out.ResultMetadata)
			requests = append(requests, r)
		}
	}
	var missing *lambdatypes.ResourceNotFoundException
	if _, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("nobody")}); !errors.As(err, &missing) {
		t.Errorf("a function that is not there: %v", err)
	}
	return requests
}
