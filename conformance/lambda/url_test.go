package lambda

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/nube-run/nube/conformance/target"
)

// https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
// https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
func TestFunctionURL(t *testing.T) {
	x := open(t)
	made, err := x.CreateFunctionUrlConfig(x.ctx, &lambda.CreateFunctionUrlConfigInput{FunctionName: x.name, AuthType: types.FunctionUrlAuthTypeNone})
	target.Must(t, err)
	if !strings.HasPrefix(*made.FunctionUrl, "https://") || !strings.Contains(*made.FunctionUrl, ".lambda-url.") || *made.FunctionArn != x.arn {
		t.Errorf("%+v", made)
	}
	_, err = x.CreateFunctionUrlConfig(x.ctx, &lambda.CreateFunctionUrlConfigInput{FunctionName: x.name, AuthType: types.FunctionUrlAuthTypeNone})
	target.Refused(t, err, "ResourceConflictException", "Failed to create function url config for [functionArn = "+x.arn+"]. Error message:  FunctionUrlConfig exists for this Lambda function")
	if r := target.HTTP(t, "GET", *made.FunctionUrl, ""); r.Status != 403 {
		t.Errorf("without a permission: %+v", r)
	}
	_, err = x.AddPermission(x.ctx, &lambda.AddPermissionInput{
		FunctionName: x.name, StatementId: aws.String("use"), Action: aws.String("lambda:InvokeFunctionUrl"), Principal: aws.String("*"), FunctionUrlAuthType: types.FunctionUrlAuthTypeNone,
	})
	target.Must(t, err)
	_, err = x.AddPermission(x.ctx, &lambda.AddPermissionInput{
		FunctionName: x.name, StatementId: aws.String("invoke"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("*"), InvokedViaFunctionUrl: aws.Bool(true),
	})
	target.Must(t, err)
	r := target.HTTP(t, "POST", *made.FunctionUrl+"a?q=1", "hi", "Content-Type: text/plain")
	var said struct {
		Event struct {
			Version, RawPath, Body string
			RequestContext         struct{ Stage string }
		}
	}
	if err := json.Unmarshal([]byte(r.Body), &said); err != nil || r.Status != 200 || r.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%v %+v", err, r)
	}
	if e := said.Event; e.Version != "2.0" || e.RawPath != "/a" || e.Body != "hi" || e.RequestContext.Stage != "$default" {
		t.Errorf("%s", r.Body)
	}
	up, err := x.UpdateFunctionUrlConfig(x.ctx, &lambda.UpdateFunctionUrlConfigInput{FunctionName: x.name, AuthType: types.FunctionUrlAuthTypeAwsIam})
	target.Must(t, err)
	if up.AuthType != types.FunctionUrlAuthTypeAwsIam || *up.FunctionUrl != *made.FunctionUrl {
		t.Errorf("%+v", up)
	}
	if r := target.HTTP(t, "GET", *made.FunctionUrl, ""); r.Status != 403 {
		t.Errorf("without a signature: %+v", r)
	}
	_, err = x.DeleteFunctionUrlConfig(x.ctx, &lambda.DeleteFunctionUrlConfigInput{FunctionName: x.name})
	target.Must(t, err)
	_, err = x.GetFunctionUrlConfig(x.ctx, &lambda.GetFunctionUrlConfigInput{FunctionName: x.name})
	target.Refused(t, err, "ResourceNotFoundException", "The resource you requested does not exist.")
}
