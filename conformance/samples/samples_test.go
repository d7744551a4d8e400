// Package samples holds the sample events that nube generates to what AWS publishes for functions in Go: the types of
// github.com/aws/aws-lambda-go/events take each event whole, and each has what the documented event of its kind has.
//
// It needs no server: the events are the golden files of internal/sample.
package samples

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-lambda-go/events"
)

const dir = "../../internal/sample/testdata"

// kind is a sample beside what AWS has of it.
type kind struct {
	sample     string
	as         any    // a pointer to the library's type; nil where it has none
	documented string // the library's example; "" where it has none
	// without are members of the example that the sample has not: they depend on how the service is set up, or are the function's to answer.
	without []string
	// beyond are members that the sample has and the library's type does not know yet.
	beyond []string
}

func kinds() []kind {
	proxyless := []string{"stageVariables", "requestContext.identity.clientCert", "requestContext.authorizer", "requestContext.identity.apiKey", "requestContext.identity.apiKeyId"}
	pool := []string{"request.clientMetadata", "request.userAttributes", "request.validationData", "response"}
	return []kind{
		{sample: "alb_request", as: new(events.ALBTargetGroupRequest), documented: "alb-lambda-target-request-headers-only", without: []string{"headers", "queryStringParameters.key"}},
		{sample: "apigateway_authorizer-http-v2", as: new(events.APIGatewayV2CustomAuthorizerV2Request), documented: "apigw-v2-custom-authorizer-v2-request",
			without: []string{"requestContext.authentication", "pathParameters", "stageVariables", "headers", "queryStringParameters"}},
		{sample: "apigateway_authorizer-request", as: new(events.APIGatewayCustomAuthorizerRequestTypeRequest), documented: "apigw-custom-auth-request-type-request",
			without: []string{"headers", "multiValueHeaders", "stageVariables", "requestContext.identity.clientCert", "requestContext.identity.apiKey", "queryStringParameters", "multiValueQueryStringParameters"}},
		{sample: "apigateway_authorizer-token", as: new(events.APIGatewayCustomAuthorizerRequest), documented: "apigw-custom-auth-request"},
		{sample: "apigateway_http-v1", as: new(events.APIGatewayProxyRequest), beyond: []string{"version", "requestContext.identity.principalOrgId"}},
		{sample: "apigateway_http-v2", as: new(events.APIGatewayV2HTTPRequest), documented: "apigw-v2-request-no-authorizer",
			without: []string{"requestContext.authentication", "requestContext.authorizer", "pathParameters", "stageVariables", "headers", "queryStringParameters"}},
		{sample: "apigateway_proxy", as: new(events.APIGatewayProxyRequest), documented: "apigw-request", beyond: []string{"requestContext.identity.principalOrgId"},
			without: append(slices.Clone(proxyless), "headers", "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters", "pathParameters")},
		{sample: "apigateway_websocket-message", as: new(events.APIGatewayWebsocketProxyRequest), documented: "apigw-websocket-request-send-message"},
		{sample: "apigateway_websocket-connect", as: new(events.APIGatewayWebsocketProxyRequest)},
		{sample: "apigateway_websocket-disconnect", as: new(events.APIGatewayWebsocketProxyRequest), documented: "apigw-websocket-request-disconnect", without: []string{"headers", "multiValueHeaders"}},
		{sample: "appsync_authorizer", as: new(events.AppSyncLambdaAuthorizerRequest), documented: "appsync-lambda-auth-request"},
		{sample: "cloudformation_create", as: new(cfn.Event), beyond: []string{"ServiceToken"}},
		{sample: "cloudformation_delete", as: new(cfn.Event), beyond: []string{"ServiceToken"}},
		{sample: "cloudformation_update", as: new(cfn.Event), beyond: []string{"ServiceToken"}},
		{sample: "codepipeline_job", as: new(events.CodePipelineJobEvent), documented: "codepipeline-job-event", without: []string{"CodePipeline.job.data.continuationToken"}},
		{sample: "cognito_create-auth-challenge", as: new(events.CognitoEventUserPoolsCreateAuthChallenge), documented: "cognito-event-userpools-create-auth-challenge", without: append(slices.Clone(pool), "request.userNotFound", "request.session")},
		{sample: "cognito_custom-message", as: new(events.CognitoEventUserPoolsCustomMessage), documented: "cognito-event-userpools-custommessage", without: pool, beyond: []string{"request.linkParameter"}},
		{sample: "cognito_define-auth-challenge", as: new(events.CognitoEventUserPoolsDefineAuthChallenge), documented: "cognito-event-userpools-define-auth-challenge", without: append(slices.Clone(pool), "request.userNotFound")},
		{sample: "cognito_post-authentication", as: new(events.CognitoEventUserPoolsPostAuthentication), documented: "cognito-event-userpools-postauthentication", without: pool},
		{sample: "cognito_post-confirmation", as: new(events.CognitoEventUserPoolsPostConfirmation), documented: "cognito-event-userpools-postconfirmation", without: pool},
		{sample: "cognito_pre-authentication", as: new(events.CognitoEventUserPoolsPreAuthentication), documented: "cognito-event-userpools-preauthentication", without: append(slices.Clone(pool), "request.userNotFound")},
		{sample: "cognito_pre-signup", as: new(events.CognitoEventUserPoolsPreSignup), documented: "cognito-event-userpools-presignup", without: pool},
		{sample: "cognito_pre-token-generation", as: new(events.CognitoEventUserPoolsPreTokenGen), documented: "cognito-event-userpools-pretokengen", without: pool},
		{sample: "cognito_pre-token-generation-v2", as: new(events.CognitoEventUserPoolsPreTokenGenV2_0), documented: "cognito-event-userpools-pretokengen-v2_0", without: pool},
		{sample: "cognito_user-migration", as: new(events.CognitoEventUserPoolsMigrateUser), documented: "cognito-event-userpools-migrateuser", without: pool},
		{sample: "cognito_verify-auth-challenge", as: new(events.CognitoEventUserPoolsVerifyAuthChallenge), documented: "cognito-event-userpools-verify-auth-challenge", without: append(slices.Clone(pool), "request.userNotFound", "request.privateChallengeParameters")},
		{sample: "config_periodic", as: new(events.ConfigEvent), documented: "config-event"},
		{sample: "dynamodb_insert", as: new(events.DynamoDBEvent), documented: "dynamodb-event", without: []string{"Records.userIdentity", "Records.dynamodb.Keys", "Records.dynamodb.NewImage", "Records.dynamodb.OldImage"}},
		{sample: "dynamodb_modify", as: new(events.DynamoDBEvent)},
		{sample: "dynamodb_remove", as: new(events.DynamoDBEvent)},
		{sample: "dynamodb_ttl", as: new(events.DynamoDBEvent)},
		{sample: "events_custom", as: new(events.EventBridgeEvent)},
		{sample: "events_s3-created", as: new(events.EventBridgeEvent)},
		{sample: "events_s3-deleted", as: new(events.EventBridgeEvent)},
		{sample: "events_schedule", as: new(events.EventBridgeEvent)},
		{sample: "firehose_transform", as: new(events.KinesisFirehoseEvent), documented: "kinesis-firehose-event", without: []string{"sourceKinesisStreamArn", "records.kinesisRecordMetadata"}},
		{sample: "iot_button", as: new(events.IoTButtonEvent), documented: "iot-button-event"},
		{sample: "kafka_msk", as: new(events.KafkaEvent), documented: "kafka-event", without: []string{"records"}},
		{sample: "kafka_self-managed", as: new(events.KafkaEvent)},
		{sample: "kinesis_record", as: new(events.KinesisEvent), documented: "kinesis-event"},
		{sample: "lambda_url", as: new(events.LambdaFunctionURLRequest), documented: "lambda-urls-request",
			without: []string{"requestContext.authorizer", "headers", "queryStringParameters"}, beyond: []string{"routeKey", "requestContext.routeKey", "requestContext.stage"}},
		{sample: "logs_subscription", as: new(events.CloudwatchLogsEvent), documented: "cloudwatch-logs-event"},
		{sample: "mq_activemq", as: new(events.ActiveMQEvent), documented: "activemq-event"},
		{sample: "mq_rabbitmq", as: new(events.RabbitMQEvent), documented: "rabbitmq-event", without: []string{"rmqMessagesByQueue"}},
		{sample: "s3_copy", as: new(events.S3Event)},
		{sample: "s3_delete", as: new(events.S3Event)},
		{sample: "s3_delete-marker", as: new(events.S3Event)},
		{sample: "s3_multipart", as: new(events.S3Event)},
		{sample: "s3_post", as: new(events.S3Event)},
		{sample: "s3_put", as: new(events.S3Event), documented: "s3-event", without: []string{"Records.s3.object.versionId"}},
		{sample: "secretsmanager_rotation", as: new(events.SecretsManagerSecretRotationEvent), documented: "secretsmanager-secret-rotation-event"},
		{sample: "ses_receipt", as: new(events.SimpleEmailEvent), documented: "ses-lambda-event", without: []string{"Records.ses.receipt.dmarcPolicy"}},
		{sample: "sns_notification", as: new(events.SNSEvent), documented: "sns-event", without: []string{"Records.Sns.MessageAttributes"}},
		{sample: "sqs_fifo", as: new(events.SQSEvent)},
		{sample: "sqs_message", as: new(events.SQSEvent), documented: "sqs-event", without: []string{"Records.messageAttributes", "Records.md5OfMessageAttributes"}},

		// The library has no types for these.
		{sample: "appsync_resolver"}, {sample: "cloudfront_origin-request"}, {sample: "cloudfront_origin-response"}, {sample: "cloudfront_viewer-request"},
		{sample: "cloudfront_viewer-response"}, {sample: "cloudwatch_alarm"}, {sample: "iot_rule"}, {sample: "lambda_destination-failure"},
		{sample: "lambda_destination-success"}, {sample: "scheduler_schedule"},
	}
}

// TestTypes decodes each sample into the library's type: no member is unknown to it, and none is lost.
func TestTypes(t *testing.T) {
	for _, k := range kinds() {
		if k.as == nil {
			continue
		}
		t.Run(k.sample, func(t *testing.T) {
			raw := read(t, filepath.Join(dir, k.sample+".json"))
			if err := json.Unmarshal(raw, k.as); err != nil {
				t.Fatal(err)
			}
			d := json.NewDecoder(bytes.NewReader(without(t, raw, k.beyond)))
			d.DisallowUnknownFields()
			if err := d.Decode(reflect.New(reflect.TypeOf(k.as).Elem()).Interface()); err != nil {
				t.Errorf("the library does not know it: %v", err)
			}
		})
	}
}

// TestDocumented compares each sample with the example of the library: it has every member of it, with a value of the same kind.
func TestDocumented(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-lambda-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range kinds() {
		if k.documented == "" {
			continue
		}
		t.Run(k.sample, func(t *testing.T) {
			have := members(t, read(t, filepath.Join(dir, k.sample+".json")))
			want := members(t, read(t, filepath.Join(strings.TrimSpace(string(out)), "events/testdata", k.documented+".json")))
			for _, path := range slices.Sorted(maps.Keys(want)) {
				excused := slices.ContainsFunc(k.without, func(w string) bool { return path == w || strings.HasPrefix(path, w+".") })
				got, ok := have[path]
				switch {
				case ok && got != want[path] && got != "null" && want[path] != "null" && !excused:
					t.Errorf("%s is a %s, and a %s in the documented event", path, got, want[path])
				case !ok && !excused:
					t.Errorf("%s, a %s in the documented event, is missing", path, want[path])
				}
			}
		})
	}
}

// TestAll: every sample is compared with something, or said to have nothing.
func TestAll(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".json")
		if !slices.ContainsFunc(kinds(), func(k kind) bool { return k.sample == name }) {
			t.Errorf("nothing is said of %s", name)
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// members are the paths of all members, without the indexes of lists, and the kinds of their values.
func members(t *testing.T, raw []byte) map[string]string {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	walk(v, "", out)
	return out
}

func walk(v any, path string, out map[string]string) {
	if path != "" {
		out[path] = kindOf(v)
	}
	switch v := v.(type) {
	case map[string]any:
		for k, m := range v {
			walk(m, strings.TrimPrefix(path+"."+k, "."), out)
		}
	case []any:
		for _, e := range v {
			if _, is := e.(map[string]any); is {
				walk(e, path, out)
				out[path] = "list"
			}
		}
	}
}

func kindOf(v any) string {
	switch v.(type) {
	case map[string]any:
		return "map"
	case []any:
		return "list"
	case nil:
		return "null"
	}
	return fmt.Sprintf("%T", v)
}

// without takes members away.
func without(t *testing.T, raw []byte, paths []string) []byte {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		in := v
		names := strings.Split(p, ".")
		for _, n := range names[:len(names)-1] {
			in, _ = in[n].(map[string]any)
		}
		if _, ok := in[names[len(names)-1]]; !ok {
			t.Errorf("%s is not there to be taken away", p)
		}
		delete(in, names[len(names)-1])
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
