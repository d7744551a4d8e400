// Package apigatewayv2 holds the documentation of HTTP APIs to a server, through AWS's own SDK and plain HTTP. Each case
// cites its page.
package apigatewayv2

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/nube-run/nube/conformance/target"
)

func TestMain(m *testing.M) { os.Exit(target.Main(m)) }

// suite is a client and an API of its own, with a stage that deploys by itself.
type suite struct {
	*testing.T
	*apigatewayv2.Client
	ctx      context.Context
	api      *string
	endpoint string
}

func open(t *testing.T) *suite {
	t.Helper()
	x := &suite{T: t, Client: apigatewayv2.NewFromConfig(target.Config()), ctx: t.Context()}
	made, err := x.CreateApi(x.ctx, &apigatewayv2.CreateApiInput{Name: aws.String(target.Name()), ProtocolType: types.ProtocolTypeHttp})
	target.Must(t, err)
	x.api, x.endpoint = made.ApiId, *made.ApiEndpoint
	t.Cleanup(func() {
		if _, err := x.DeleteApi(context.Background(), &apigatewayv2.DeleteApiInput{ApiId: x.api}); err != nil {
			t.Errorf("cleaning up: %v", err)
		}
	})
	_, err = x.CreateStage(x.ctx, &apigatewayv2.CreateStageInput{ApiId: x.api, StageName: aws.String("$default"), AutoDeploy: aws.Bool(true)})
	target.Must(t, err)
	return x
}

// function makes a function that says what it gets, which the API may call.
func (x *suite) function() *string {
	x.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("index.js")
	if err == nil {
		_, err = w.Write([]byte(`exports.handler = async (event) => event.rawPath === '/made' ? { statusCode: 201, cookies: ['a=1', 'b=2'], body: 'made' } : event`))
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
	_, err = client.AddPermission(x.ctx, &lambda.AddPermissionInput{
		FunctionName: name, StatementId: aws.String("api"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("apigateway.amazonaws.com"),
		SourceArn: aws.String(strings.Replace(strings.Split(*made.FunctionArn, ":function:")[0], ":lambda:", ":execute-api:", 1) + ":" + *x.api + "/*/*"),
	})
	target.Must(x, err)
	return made.FunctionArn
}

// route leads a key to an integration.
func (x *suite) route(key string, in apigatewayv2.CreateIntegrationInput) *apigatewayv2.CreateRouteOutput {
	x.Helper()
	in.ApiId = x.api
	i, err := x.CreateIntegration(x.ctx, &in)
	target.Must(x, err)
	r, err := x.CreateRoute(x.ctx, &apigatewayv2.CreateRouteInput{ApiId: x.api, RouteKey: &key, Target: aws.String("integrations/" + *i.IntegrationId)})
	target.Must(x, err)
	return r
}

// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid.html
func TestAPIs(t *testing.T) {
	x := open(t)
	_, err := x.UpdateApi(x.ctx, &apigatewayv2.UpdateApiInput{
		ApiId: x.api, Description: aws.String("of tests"), CorsConfiguration: &types.Cors{AllowOrigins: []string{"https://example.com"}, AllowMethods: []string{"GET"}},
	})
	target.Must(t, err)
	got, err := x.GetApi(x.ctx, &apigatewayv2.GetApiInput{ApiId: x.api})
	target.Must(t, err)
	if *got.Description != "of tests" || got.CorsConfiguration.AllowOrigins[0] != "https://example.com" || *got.RouteSelectionExpression != "$request.method $request.path" {
		t.Errorf("%+v", got)
	}
	if !strings.HasPrefix(*got.ApiEndpoint, "https://"+*x.api+".execute-api.") {
		t.Errorf("endpoint %s", *got.ApiEndpoint)
	}
	_, err = x.DeleteCorsConfiguration(x.ctx, &apigatewayv2.DeleteCorsConfigurationInput{ApiId: x.api})
	target.Must(t, err)
	_, err = x.GetApi(x.ctx, &apigatewayv2.GetApiInput{ApiId: aws.String("none")})
	target.Refused(t, err, "NotFoundException", "Invalid API identifier specified")
}

// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-routes.html
func TestRoutes(t *testing.T) {
	x := open(t)
	r := x.route("GET /a/{id}", apigatewayv2.CreateIntegrationInput{
		IntegrationType: types.IntegrationTypeHttpProxy, IntegrationMethod: aws.String("GET"), IntegrationUri: aws.String("https://example.com/{id}"), PayloadFormatVersion: aws.String("1.0"),
	})
	if r.AuthorizationType != types.AuthorizationTypeNone || *r.ApiKeyRequired {
		t.Errorf("%+v", r)
	}
	_, err := x.CreateRoute(x.ctx, &apigatewayv2.CreateRouteInput{ApiId: x.api, RouteKey: aws.String("GET /a/{id}")})
	target.Refused(t, err, "ConflictException", "Route with key GET /a/{id} already exists for this API")
	_, err = x.CreateRoute(x.ctx, &apigatewayv2.CreateRouteInput{ApiId: x.api, RouteKey: aws.String("a")})
	target.Refused(t, err, "BadRequestException", "The provided route key is not formatted properly for HTTP protocol")
	a, err := x.CreateAuthorizer(x.ctx, &apigatewayv2.CreateAuthorizerInput{
		ApiId: x.api, Name: aws.String("who"), AuthorizerType: types.AuthorizerTypeRequest, IdentitySource: []string{"$request.header.a"}, AuthorizerPayloadFormatVersion: aws.String("2.0"), EnableSimpleResponses: aws.Bool(true),
		AuthorizerUri: aws.String("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:who/invocations"),
	})
	target.Must(t, err)
	up, err := x.UpdateRoute(x.ctx, &apigatewayv2.UpdateRouteInput{ApiId: x.api, RouteId: r.RouteId, AuthorizationType: types.AuthorizationTypeCustom, AuthorizerId: a.AuthorizerId})
	target.Must(t, err)
	if *up.AuthorizerId != *a.AuthorizerId || *up.RouteKey != "GET /a/{id}" {
		t.Errorf("%+v", up)
	}
	_, err = x.DeleteAuthorizer(x.ctx, &apigatewayv2.DeleteAuthorizerInput{ApiId: x.api, AuthorizerId: a.AuthorizerId})
	target.Refused(t, err, "ConflictException", "")
	_, err = x.DeleteRoute(x.ctx, &apigatewayv2.DeleteRouteInput{ApiId: x.api, RouteId: r.RouteId})
	target.Must(t, err)
}

// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-stages.html
func TestStages(t *testing.T) {
	x := open(t)
	st, err := x.GetStage(x.ctx, &apigatewayv2.GetStageInput{ApiId: x.api, StageName: aws.String("$default")})
	target.Must(t, err)
	if !*st.AutoDeploy {
		t.Errorf("%+v", st)
	}
	_, err = x.CreateDeployment(x.ctx, &apigatewayv2.CreateDeploymentInput{ApiId: x.api})
	target.Refused(t, err, "BadRequestException", "Unable to deploy API because no routes exist in this API")
	_, err = x.UpdateStage(x.ctx, &apigatewayv2.UpdateStageInput{ApiId: x.api, StageName: aws.String("$default"), RouteSettings: map[string]types.RouteSettings{"GET /z": {}}})
	target.Refused(t, err, "NotFoundException", "Unable to find Route by key GET /z within the provided RouteSettings")
	_, err = x.TagResource(x.ctx, &apigatewayv2.TagResourceInput{ResourceArn: aws.String("arn:aws:apigateway:us-east-1::/apis/" + *x.api), Tags: map[string]string{"a": "1"}})
	target.Must(t, err)
	tags, err := x.GetTags(x.ctx, &apigatewayv2.GetTagsInput{ResourceArn: aws.String("arn:aws:apigateway:us-east-1::/apis/" + *x.api)})
	target.Must(t, err)
	if tags.Tags["a"] != "1" {
		t.Errorf("%v", tags.Tags)
	}
}

// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func TestFunction(t *testing.T) {
	x := open(t)
	x.route("ANY /{proxy+}", apigatewayv2.CreateIntegrationInput{
		IntegrationType: types.IntegrationTypeAwsProxy, IntegrationUri: x.function(), PayloadFormatVersion: aws.String("2.0"),
	})
	r := target.HTTP(t, "POST", x.endpoint+"/a/b%20c?x=1&x=2", "hi", "Cookie: c=1; d=2", "Content-Type: text/plain", "X-Two: 1", "X-Two: 2")
	var event struct {
		Version, RouteKey, RawPath, RawQueryString, Body string
		Cookies                                          []string
		Headers, QueryStringParameters, PathParameters   map[string]string
		IsBase64Encoded                                  bool
		RequestContext                                   struct {
			APIID, Stage, RouteKey string
			HTTP                   struct{ Method, Path, Protocol string }
		}
	}
	if err := json.Unmarshal([]byte(r.Body), &event); err != nil || r.Status != 200 {
		t.Fatalf("%d %v %s", r.Status, err, r.Body)
	}
	if event.Version != "2.0" || event.RouteKey != "ANY /{proxy+}" || event.RawQueryString != "x=1&x=2" || event.QueryStringParameters["x"] != "1,2" || event.Headers["x-two"] != "1,2" ||
		event.PathParameters["proxy"] != "a/b c" || strings.Join(event.Cookies, "|") != "c=1|d=2" || event.Body != "hi" || event.IsBase64Encoded ||
		event.RequestContext.APIID != *x.api || event.RequestContext.Stage != "$default" || event.RequestContext.HTTP.Method != "POST" {
		t.Errorf("%s", r.Body)
	}
	r = target.HTTP(t, "GET", x.endpoint+"/made", "")
	if r.Status != 201 || r.Body != "made" || strings.Join(r.Header.Values("Set-Cookie"), "|") != "a=1|b=2" || r.Header.Get("Apigw-Requestid") == "" {
		t.Errorf("%+v", r)
	}
	if r := target.HTTP(t, "GET", x.endpoint+"/", ""); r.Status != 404 || r.Body != `{"message":"Not Found"}` {
		t.Errorf("%+v", r)
	}
}

// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
func TestUnsigned(t *testing.T) {
	x := open(t)
	r := x.route("GET /signed", apigatewayv2.CreateIntegrationInput{
		IntegrationType: types.IntegrationTypeHttpProxy, IntegrationMethod: aws.String("GET"), IntegrationUri: aws.String("https://example.com/"), PayloadFormatVersion: aws.String("1.0"),
	})
	_, err := x.UpdateRoute(x.ctx, &apigatewayv2.UpdateRouteInput{ApiId: x.api, RouteId: r.RouteId, AuthorizationType: types.AuthorizationTypeAwsIam})
	target.Must(t, err)
	if r := target.HTTP(t, "GET", x.endpoint+"/signed", ""); r.Status != 403 || r.Body != `{"message":"Forbidden"}` {
		t.Errorf("%+v", r)
	}
}

// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
func TestCORS(t *testing.T) {
	x := open(t)
	_, err := x.UpdateApi(x.ctx, &apigatewayv2.UpdateApiInput{ApiId: x.api, CorsConfiguration: &types.Cors{
		AllowOrigins: []string{"https://example.com"}, AllowMethods: []string{"GET", "POST"}, AllowHeaders: []string{"x-a"}, MaxAge: aws.Int32(300),
	}})
	target.Must(t, err)
	x.route("GET /a", apigatewayv2.CreateIntegrationInput{
		IntegrationType: types.IntegrationTypeHttpProxy, IntegrationMethod: aws.String("GET"), IntegrationUri: aws.String("https://example.com/"), PayloadFormatVersion: aws.String("1.0"),
	})
	r := target.HTTP(t, "OPTIONS", x.endpoint+"/a", "", "Origin: https://example.com", "Access-Control-Request-Method: GET")
	if r.Status != 204 || r.Header.Get("Access-Control-Allow-Origin") != "https://example.com" || r.Header.Get("Access-Control-Max-Age") != "300" {
		t.Errorf("%+v", r)
	}
}

// An integration may name a role to call its function with; without one the function has to permit the API.
// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-integrations.html
func TestCredentials(t *testing.T) {
	fn := open(t).function() // which permits that API alone
	x := open(t)
	role, _ := target.NewRole(t, `{"Effect":"Allow","Principal":{"Service":"apigateway.amazonaws.com"},"Action":"sts:AssumeRole"}`,
		`{"Effect":"Allow","Action":"lambda:InvokeFunction","Resource":"`+*fn+`"}`)
	in := apigatewayv2.CreateIntegrationInput{IntegrationType: types.IntegrationTypeAwsProxy, IntegrationUri: fn, PayloadFormatVersion: aws.String("2.0")}
	x.route("GET /without", in)
	in.CredentialsArn = &role
	x.route("GET /with", in)
	if r := target.HTTP(t, "GET", x.endpoint+"/without", ""); r.Status != 500 || r.Body != `{"message":"Internal Server Error"}` {
		t.Errorf("without a role: %+v", r)
	}
	if r := target.HTTP(t, "GET", x.endpoint+"/with", ""); r.Status != 200 {
		t.Errorf("with a role: %+v", r)
	}
}
