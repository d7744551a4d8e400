package apigateway

import (
	"archive/zip"
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/nube-run/nube/conformance/target"
)

// unpermitted makes a function that no resource policy lets anybody call, and
// returns its ARN.
func (x *suite) unpermitted() string {
	x.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("index.js")
	if err == nil {
		_, err = w.Write([]byte(`exports.handler = async () => ({ statusCode: 200, body: 'called' })`))
	}
	if err == nil {
		err = z.Close()
	}
	target.Must(x, err)
	role, _ := target.NewRole(x, `{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}`, "")
	client, name := lambda.NewFromConfig(target.Config()), aws.String(target.Name())
	made, err := client.CreateFunction(x.ctx, &lambda.CreateFunctionInput{
		FunctionName: name, Role: &role, Runtime: lambdatypes.RuntimeNodejs20x, Handler: aws.String("index.handler"), Code: &lambdatypes.FunctionCode{ZipFile: b.Bytes()},
	})
	target.Must(x, err)
	x.Cleanup(func() {
		if _, err := client.DeleteFunction(context.Background(), &lambda.DeleteFunctionInput{FunctionName: name}); err != nil {
			x.Errorf("cleaning up: %v", err)
		}
	})
	active := lambda.NewFunctionActiveV2Waiter(client, func(o *lambda.FunctionActiveV2WaiterOptions) { o.MinDelay = 100 * time.Millisecond })
	target.Must(x, active.Wait(x.ctx, &lambda.GetFunctionInput{FunctionName: name}, time.Minute))
	return *made.FunctionArn
}

// An integration may name a role that API Gateway assumes to call the function; without one the function's resource
// policy decides.
// https://docs.aws.amazon.com/apigateway/latest/api/API_Integration.html
// https://docs.aws.amazon.com/apigateway/latest/developerguide/permissions.html
func TestCredentials(t *testing.T) {
	x := open(t)
	fn := x.unpermitted()
	region := target.Config().Region
	const gateway = `{"Effect":"Allow","Principal":{"Service":"apigateway.amazonaws.com"},"Action":"sts:AssumeRole"}`
	invoke := `{"Effect":"Allow","Action":"lambda:InvokeFunction","Resource":"` + fn + `"}`
	may, _ := target.NewRole(t, gateway, invoke)
	mayNot, _ := target.NewRole(t, gateway, "")
	put := func(path string, credentials *string) error {
		resource := x.resource(x.root, path)
		_, err := x.PutMethod(x.ctx, &apigateway.PutMethodInput{RestApiId: x.api, ResourceId: resource, HttpMethod: aws.String("GET"), AuthorizationType: aws.String("NONE")})
		target.Must(t, err)
		_, err = x.PutIntegration(x.ctx, &apigateway.PutIntegrationInput{
			RestApiId: x.api, ResourceId: resource, HttpMethod: aws.String("GET"), Type: types.IntegrationTypeAwsProxy, IntegrationHttpMethod: aws.String("POST"),
			Credentials: credentials, Uri: aws.String("arn:aws:apigateway:" + region + ":lambda:path/2015-03-31/functions/" + fn + "/invocations"),
		})
		return err
	}
	target.Must(t, put("role", &may))
	target.Must(t, put("powerless", &mayNot))
	target.Must(t, put("caller", aws.String("arn:aws:iam::*:user/*")))
	target.Must(t, put("none", nil))
	x.deploy()
	for path, want := range map[string]int{"role": 200, "powerless": 500, "caller": 500, "none": 500} {
		if status, body, _ := x.get("/" + path); status != want || want == 200 && body != "called" {
			t.Errorf("/%s: %d %s, want %d", path, status, body, want)
		}
	}
}
