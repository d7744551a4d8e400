// Package lambda holds Lambda's documentation to a server, through AWS's own SDK. Each case cites its page.
package lambda

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/nube-run/nube/conformance/target"
)

func TestMain(m *testing.M) { os.Exit(target.Main(m)) }

const code = `
exports.handler = async (event, context) => {
  if (event && event.fail) throw new TypeError(event.fail);
  if (event && event.context) return { arn: context.invokedFunctionArn, version: context.functionVersion };
  console.log('was told', event);
  return { event, version: process.env.VERSION ?? null };
};`

func zipped(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("index.js")
	if err == nil {
		_, err = w.Write([]byte(text))
	}
	if err == nil {
		err = z.Close()
	}
	target.Must(t, err)
	return b.Bytes()
}

// suite is a client and a function of its own.
type suite struct {
	*testing.T
	*lambda.Client
	ctx  context.Context
	name *string
	role *string
	arn  string
}

func open(t *testing.T) *suite {
	t.Helper()
	role, _ := target.NewRole(t, `{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}`, "")
	x := &suite{T: t, Client: lambda.NewFromConfig(target.Config()), ctx: t.Context(), name: aws.String(target.Name()), role: &role}
	out, err := x.CreateFunction(x.ctx, x.function())
	target.Must(t, err)
	x.arn = *out.FunctionArn
	t.Cleanup(func() {
		if _, err := x.DeleteFunction(context.Background(), &lambda.DeleteFunctionInput{FunctionName: x.name}); err != nil {
			t.Errorf("cleaning up: %v", err)
		}
	})
	x.active()
	return x
}

func (x *suite) function() *lambda.CreateFunctionInput {
	return &lambda.CreateFunctionInput{
		FunctionName: x.name, Role: x.role, Runtime: types.RuntimeNodejs20x, Handler: aws.String("index.handler"), Code: &types.FunctionCode{ZipFile: zipped(x, code)},
	}
}

// active waits until the function's last change has been made.
func (x *suite) active() {
	x.Helper()
	created := lambda.NewFunctionActiveV2Waiter(x.Client, func(o *lambda.FunctionActiveV2WaiterOptions) { o.MinDelay = 100 * time.Millisecond })
	target.Must(x, created.Wait(x.ctx, &lambda.GetFunctionInput{FunctionName: x.name}, time.Minute))
	updated := lambda.NewFunctionUpdatedV2Waiter(x.Client, func(o *lambda.FunctionUpdatedV2WaiterOptions) { o.MinDelay = 100 * time.Millisecond })
	target.Must(x, updated.Wait(x.ctx, &lambda.GetFunctionInput{FunctionName: x.name}, time.Minute))
}

func (x *suite) call(event string, options ...func(*lambda.InvokeInput)) *lambda.InvokeOutput {
	x.Helper()
	in := &lambda.InvokeInput{FunctionName: x.name, Payload: []byte(event)}
	for _, o := range options {
		o(in)
	}
	out, err := x.Invoke(x.ctx, in)
	target.Must(x, err)
	return out
}

// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
func TestInvoke(t *testing.T) {
	x := open(t)
	out := x.call(`{"a":1}`, func(in *lambda.InvokeInput) { in.LogType = types.LogTypeTail })
	if out.StatusCode != 200 || out.FunctionError != nil || aws.ToString(out.ExecutedVersion) != "$LATEST" || string(out.Payload) != `{"event":{"a":1},"version":null}` {
		t.Errorf("answered %+v: %s", out, out.Payload)
	}
	log, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
	if err != nil || !strings.HasPrefix(string(log), "START RequestId: ") || !strings.Contains(string(log), "was told { a: 1 }") || !strings.Contains(string(log), "REPORT RequestId: ") {
		t.Errorf("logged %s: %v", log, err)
	}
	out = x.call(`{"fail":"no luck"}`)
	if out.StatusCode != 200 || aws.ToString(out.FunctionError) != "Unhandled" || !strings.HasPrefix(string(out.Payload), `{"errorType":"TypeError","errorMessage":"no luck"`) {
		t.Errorf("failed with %+v: %s", out, out.Payload)
	}
	if out = x.call(`{}`, func(in *lambda.InvokeInput) { in.InvocationType = types.InvocationTypeEvent }); out.StatusCode != 202 || len(out.Payload) != 0 {
		t.Errorf("event %+v", out)
	}
	if out = x.call(`{}`, func(in *lambda.InvokeInput) { in.InvocationType = types.InvocationTypeDryRun }); out.StatusCode != 204 {
		t.Errorf("dry run %+v", out)
	}
	_, err = x.Invoke(x.ctx, &lambda.InvokeInput{FunctionName: x.name, Payload: []byte(`{`)})
	target.Refused(t, err, "InvalidRequestContentException", "Could not parse request body into json")
	_, err = x.Invoke(x.ctx, &lambda.InvokeInput{FunctionName: aws.String(*x.name + "-not")})
	target.Refused(t, err, "ResourceNotFoundException", "Function not found: "+x.arn+"-not")
}

// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: 6 MB for a request, 1 MB for an event.
func TestPayloadLimits(t *testing.T) {
	x := open(t)
	text := func(size int) []byte { return []byte(`"` + strings.Repeat("x", size) + `"`) }
	_, err := x.Invoke(x.ctx, &lambda.InvokeInput{FunctionName: x.name, Payload: text(6<<20 + 1<<10)})
	target.Refused(t, err, "RequestTooLargeException", "")
	_, err = x.Invoke(x.ctx, &lambda.InvokeInput{FunctionName: x.name, Payload: text(1<<20 + 1<<10), InvocationType: types.InvocationTypeEvent})
	target.Refused(t, err, "RequestTooLargeException", "")
}

// https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
func TestCreateFunctionRefused(t *testing.T) {
	x := open(t)
	_, err := x.CreateFunction(x.ctx, x.function())
	target.Refused(t, err, "ResourceConflictException", "Function already exist: "+*x.name)
	for message, change := range map[string]func(*lambda.CreateFunctionInput){
		"The role defined for the function cannot be assumed by Lambda.": func(in *lambda.CreateFunctionInput) { in.Role = aws.String(*x.role + "-not") },
		"Could not unzip uploaded file":                                  func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = []byte("no archive") },
	} {
		in := x.function()
		in.FunctionName = aws.String(target.Name())
		change(in)
		_, err := x.CreateFunction(x.ctx, in)
		target.Refused(t, err, "InvalidParameterValueException", message)
	}
}

// https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-aliases.html
func TestVersionsAndAliases(t *testing.T) {
	x := open(t)
	one, err := x.PublishVersion(x.ctx, &lambda.PublishVersionInput{FunctionName: x.name})
	target.Must(t, err)
	again, err := x.PublishVersion(x.ctx, &lambda.PublishVersionInput{FunctionName: x.name})
	target.Must(t, err)
	if *one.Version != "1" || *again.Version != "1" || *one.FunctionArn != x.arn+":1" {
		t.Errorf("published %s and, unchanged, %s", *one.FunctionArn, *again.Version)
	}
	_, err = x.UpdateFunctionConfiguration(x.ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: x.name, Environment: &types.Environment{Variables: map[string]string{"VERSION": "two"}}})
	target.Must(t, err)
	x.active()
	two, err := x.PublishVersion(x.ctx, &lambda.PublishVersionInput{FunctionName: x.name})
	target.Must(t, err)
	if *two.Version != "2" {
		t.Errorf("published %s", *two.Version)
	}
	alias, err := x.CreateAlias(x.ctx, &lambda.CreateAliasInput{FunctionName: x.name, Name: aws.String("live"), FunctionVersion: aws.String("1")})
	target.Must(t, err)
	if *alias.AliasArn != x.arn+":live" {
		t.Errorf("alias %s", *alias.AliasArn)
	}
	ask := func(qualifier, want string) {
		t.Helper()
		out := x.call(`0`, func(in *lambda.InvokeInput) { in.Qualifier = &qualifier })
		if !strings.HasSuffix(string(out.Payload), `"version":`+want+`}`) {
			t.Errorf("%s answers %s, want %s", qualifier, out.Payload, want)
		}
	}
	ask("1", "null")
	ask("2", `"two"`)
	ask("live", "null")
	_, err = x.UpdateAlias(x.ctx, &lambda.UpdateAliasInput{FunctionName: x.name, Name: aws.String("live"), FunctionVersion: aws.String("2")})
	target.Must(t, err)
	ask("live", `"two"`)
	if out := x.call(`{"context":true}`, func(in *lambda.InvokeInput) { in.Qualifier = aws.String("live") }); string(out.Payload) != `{"arn":"`+x.arn+`:live","version":"2"}` || aws.ToString(out.ExecutedVersion) != "2" {
		t.Errorf("an alias is told %s, executed %s", out.Payload, aws.ToString(out.ExecutedVersion))
	}
	_, err = x.DeleteFunction(x.ctx, &lambda.DeleteFunctionInput{FunctionName: x.name, Qualifier: aws.String("2")})
	target.Refused(t, err, "ResourceConflictException", "alias")
	_, err = x.CreateAlias(x.ctx, &lambda.CreateAliasInput{FunctionName: x.name, Name: aws.String("live"), FunctionVersion: aws.String("1")})
	target.Refused(t, err, "ResourceConflictException", "Alias already exists: "+x.arn+":live")
	_, err = x.Invoke(x.ctx, &lambda.InvokeInput{FunctionName: x.name, Qualifier: aws.String("9")})
	target.Refused(t, err, "ResourceNotFoundException", "Function not found: "+x.arn+":9")
}

// https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html: 0 stops a function.
func TestReservedConcurrency(t *testing.T) {
	x := open(t)
	_, err := x.PutFunctionConcurrency(x.ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: x.name, ReservedConcurrentExecutions: aws.Int32(0)})
	target.Must(t, err)
	once := func(o *lambda.Options) { o.RetryMaxAttempts = 1 }
	_, err = x.Invoke(x.ctx, &lambda.InvokeInput{FunctionName: x.name}, once)
	target.Refused(t, err, "TooManyRequestsException", "Rate Exceeded.")
	_, err = x.DeleteFunctionConcurrency(x.ctx, &lambda.DeleteFunctionConcurrencyInput{FunctionName: x.name})
	target.Must(t, err)
	x.call(`0`)
}

// https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html
func TestUpdateCode(t *testing.T) {
	x := open(t)
	x.call(`0`)
	before, err := x.GetFunctionConfiguration(x.ctx, &lambda.GetFunctionConfigurationInput{FunctionName: x.name})
	target.Must(t, err)
	after, err := x.UpdateFunctionCode(x.ctx, &lambda.UpdateFunctionCodeInput{FunctionName: x.name, ZipFile: zipped(t, `exports.handler = async () => 'new'`)})
	target.Must(t, err)
	if *before.CodeSha256 == *after.CodeSha256 || *before.RevisionId == *after.RevisionId {
		t.Error("new code has the old hash or revision")
	}
	x.active()
	if out := x.call(`0`); string(out.Payload) != `"new"` {
		t.Errorf("answered %s", out.Payload)
	}
	_, err = x.UpdateFunctionCode(x.ctx, &lambda.UpdateFunctionCodeInput{FunctionName: x.name, ZipFile: zipped(t, code), RevisionId: before.RevisionId})
	target.Refused(t, err, "PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id.")
}

// https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
func TestPermissions(t *testing.T) {
	x := open(t)
	u := target.NewUser(t, "")
	theirs := lambda.NewFromConfig(u.Config)
	_, err := theirs.Invoke(x.ctx, &lambda.InvokeInput{FunctionName: x.name})
	target.Refused(t, err, "AccessDeniedException", "User: "+u.ARN+" is not authorized to perform: lambda:InvokeFunction on resource: "+x.arn+" because no identity-based policy allows the lambda:InvokeFunction action")

	permit := &lambda.AddPermissionInput{FunctionName: x.name, StatementId: aws.String("them"), Action: aws.String("lambda:InvokeFunction"), Principal: &u.ARN}
	_, err = x.AddPermission(x.ctx, permit)
	target.Must(t, err)
	_, err = x.AddPermission(x.ctx, permit)
	target.Refused(t, err, "ResourceConflictException", "The statement id (them) provided already exists.")
	_, err = theirs.Invoke(x.ctx, &lambda.InvokeInput{FunctionName: x.name, Payload: []byte(`0`)})
	target.Must(t, err)

	_, err = x.RemovePermission(x.ctx, &lambda.RemovePermissionInput{FunctionName: x.name, StatementId: aws.String("them")})
	target.Must(t, err)
	_, err = x.GetPolicy(x.ctx, &lambda.GetPolicyInput{FunctionName: x.name})
	target.Refused(t, err, "ResourceNotFoundException", "")
}
