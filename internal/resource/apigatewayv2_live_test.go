package resource_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v2shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	lambdashapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
)

const openAPI = `
Resources:
  API:
    Type: AWS::ApiGatewayV2::Api
    Properties:
      Name: open
      ProtocolType: HTTP
      Description: first
      CorsConfiguration: {AllowOrigins: ["https://example.com"], AllowMethods: [GET], MaxAge: 60}
      Tags: {team: blue}
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    DependsOn: Get
    Properties:
      ApiId: !Ref API
      StageName: $default
      AutoDeploy: true
      DefaultRouteSettings: {ThrottlingRateLimit: 10}
      RouteSettings: {"GET /users/{id}": {ThrottlingBurstLimit: 3}}
      StageVariables: {color: blue, size: small}
      AccessLogSettings: {DestinationArn: !Sub "arn:aws:logs:${AWS::Region}:${AWS::AccountId}:log-group:open", Format: "$context.requestId"}
      Tags: {team: blue}
  Back:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref API
      IntegrationType: HTTP_PROXY
      IntegrationMethod: ANY
      IntegrationUri: http://127.0.0.1:9999/{id}
      PayloadFormatVersion: "1.0"
      TimeoutInMillis: 1000
      RequestParameters: {"append:header.a": "1", "append:header.b": "2"}
      ResponseParameters: {"404": {ResponseParameters: [{Destination: "overwrite:statuscode", Source: "410"}]}}
  Who:
    Type: AWS::ApiGatewayV2::Authorizer
    Properties:
      ApiId: !Ref API
      Name: who
      AuthorizerType: JWT
      IdentitySource: ["$request.header.Authorization"]
      JwtConfiguration: {Issuer: "https://issuer.example.com", Audience: [shop]}
  Get:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref API
      RouteKey: GET /users/{id}
      Target: !Join ["/", [integrations, !Ref Back]]
      AuthorizationType: JWT
      AuthorizerId: !Ref Who
      AuthorizationScopes: [read]
  User:
    Type: AWS::ApiGatewayV2::Model
    Properties: {ApiId: !Ref API, Name: User, ContentType: application/json, Schema: {type: object}}
  Deployed:
    Type: AWS::ApiGatewayV2::Deployment
    DependsOn: Get
    Properties: {ApiId: !Ref API, Description: by hand}
  Staging:
    Type: AWS::ApiGatewayV2::Stage
    Properties: {ApiId: !Ref API, StageName: staging, DeploymentId: !Ref Deployed}
  Name:
    Type: AWS::ApiGatewayV2::DomainName
    Properties: {DomainName: api.example.com, DomainNameConfigurations: [{EndpointType: REGIONAL}]}
  Mapped:
    Type: AWS::ApiGatewayV2::ApiMapping
    Properties: {ApiId: !Ref API, DomainName: !Ref Name, Stage: !Ref Stage, ApiMappingKey: v1}
Outputs:
  Endpoint: {Value: !GetAtt API.ApiEndpoint}
  Id: {Value: !Ref API}
  Execute: {Value: !GetAtt API.ExecuteApiArn}
  Regional: {Value: !GetAtt Name.RegionalDomainName}
`

// TestHTTPAPILive makes an HTTP API with all that belongs to one, changes every
// part, and takes it down.
func TestHTTPAPILive(t *testing.T) {
	l := newLive(t)
	st := l.up(openAPI)
	out := map[string]string{}
	for _, o := range st.Outputs {
		out[o.Key] = o.Value
	}
	id := out["Id"]
	if want := "https://" + id + ".execute-api.eu-central-1.amazonaws.com"; out["Endpoint"] != want {
		t.Errorf("ApiEndpoint %s, want %s", out["Endpoint"], want)
	}
	if want := "arn:aws:execute-api:eu-central-1:123456789012:" + id; out["Execute"] != want {
		t.Errorf("ExecuteApiArn %s, want %s", out["Execute"], want)
	}
	if !strings.HasSuffix(out["Regional"], ".execute-api.eu-central-1.amazonaws.com") {
		t.Errorf("RegionalDomainName %s", out["Regional"])
	}
	stage := ask(l, v2shapes.GetStage, &v2shapes.GetStageRequest{ApiId: &id, StageName: ptr("$default")})
	if *stage.RouteSettings["GET /users/{id}"].ThrottlingBurstLimit != 3 || stage.DeploymentId == nil {
		t.Errorf("the stage is %+v", stage)
	}

	changed := strings.NewReplacer(
		"Description: first", "Description: second",
		`      CorsConfiguration: {AllowOrigins: ["https://example.com"], AllowMethods: [GET], MaxAge: 60}`+"\n", "",
		`      RouteSettings: {"GET /users/{id}": {ThrottlingBurstLimit: 3}}`+"\n", "",
		"StageVariables: {color: blue, size: small}", "StageVariables: {color: red}",
		`      AccessLogSettings: {DestinationArn: !Sub "arn:aws:logs:${AWS::Region}:${AWS::AccountId}:log-group:open", Format: "$context.requestId"}`+"\n", "",
		`RequestParameters: {"append:header.a": "1", "append:header.b": "2"}`, `RequestParameters: {"append:header.b": "3"}`,
		`      AuthorizationType: JWT
      AuthorizerId: !Ref Who
      AuthorizationScopes: [read]
`, "",
		"Audience: [shop]", "Audience: [shop, store]",
		"Schema: {type: object}", "Schema: {type: array}",
		"ApiMappingKey: v1", "ApiMappingKey: v2",
		"Tags: {team: blue}", "Tags: {team: green}",
	).Replace(openAPI)
	l.up(changed)
	api := ask(l, v2shapes.GetApi, &v2shapes.GetApiRequest{ApiId: &id})
	if *api.Description != "second" || api.CorsConfiguration != nil || api.Tags["team"] != "green" {
		t.Errorf("the API is %+v", api)
	}
	stage = ask(l, v2shapes.GetStage, &v2shapes.GetStageRequest{ApiId: &id, StageName: ptr("$default")})
	if d := cmp.Diff(map[string]string{"color": "red"}, stage.StageVariables); d != "" || len(stage.RouteSettings) > 0 || stage.AccessLogSettings != nil || stage.Tags["team"] != "green" {
		t.Errorf("the stage is %+v\n%s", stage, d)
	}
	back := ask(l, v2shapes.GetIntegrations, &v2shapes.GetIntegrationsRequest{ApiId: &id}).Items[0]
	if d := cmp.Diff(map[string]string{"append:header.b": "3"}, back.RequestParameters); d != "" {
		t.Error(d)
	}
	route := ask(l, v2shapes.GetRoutes, &v2shapes.GetRoutesRequest{ApiId: &id}).Items[0]
	if *route.AuthorizationType != "NONE" || route.AuthorizerId != nil || len(route.AuthorizationScopes) > 0 {
		t.Errorf("the route is %+v", route)
	}
	l.down()
	if left := ask(l, v2shapes.GetApis, &v2shapes.GetApisRequest{}).Items; len(left) > 0 {
		t.Errorf("%d APIs are left", len(left))
	}
}

// TestHTTPAPIFromDefinition makes an API from an OpenAPI document, as SAM does.
func TestHTTPAPIFromDefinition(t *testing.T) {
	l := newLive(t)
	const template = `
Resources:
  API:
    Type: AWS::ApiGatewayV2::Api
    Properties:
      Description: on top
      Tags: {httpapi:createdBy: SAM}
      Body:
        openapi: 3.0.1
        info: {title: fromSAM, version: "1.0"}
        paths:
          /hello:
            get:
              responses: {}
              x-amazon-apigateway-integration:
                type: aws_proxy
                httpMethod: POST
                payloadFormatVersion: "2.0"
                uri: !Sub arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:hello/invocations
Outputs:
  Id: {Value: !Ref API}
`
	id := l.up(template).Outputs[0].Value
	api := ask(l, v2shapes.GetApi, &v2shapes.GetApiRequest{ApiId: &id})
	if *api.Name != "fromSAM" || *api.Description != "on top" || api.Tags["httpapi:createdBy"] != "SAM" {
		t.Errorf("the API is %+v", api)
	}
	routes := ask(l, v2shapes.GetRoutes, &v2shapes.GetRoutesRequest{ApiId: &id}).Items
	if len(routes) != 1 || *routes[0].RouteKey != "GET /hello" || routes[0].Target == nil {
		t.Errorf("the routes are %+v", routes)
	}
	if again := l.up(strings.Replace(template, "/hello:", "/bye:", 1)).Outputs[0].Value; again != id {
		t.Errorf("the API was replaced: %s is now %s", id, again)
	}
	routes = ask(l, v2shapes.GetRoutes, &v2shapes.GetRoutesRequest{ApiId: &id}).Items
	if len(routes) != 1 || *routes[0].RouteKey != "GET /bye" {
		t.Errorf("the routes are %+v", routes)
	}
	l.down()
}

// TestFunctionURLLive makes the URL of a function and its permissions, changes
// it, and takes it down.
func TestFunctionURLLive(t *testing.T) {
	l := newLive(t)
	template := `
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]}
  Fn:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: hello
      Runtime: nodejs20.x
      Handler: index.handler
      Role: !GetAtt Role.Arn
      Code: {ZipFile: "exports.handler = async () => 'hi'"}
  Url:
    Type: AWS::Lambda::Url
    Properties:
      TargetFunctionArn: !GetAtt Fn.Arn
      AuthType: NONE
      Cors: {AllowOrigins: ["*"], MaxAge: 5}
  MayUse:
    Type: AWS::Lambda::Permission
    Properties: {FunctionName: !Ref Fn, Action: "lambda:InvokeFunctionUrl", Principal: "*", FunctionUrlAuthType: NONE}
  MayInvoke:
    Type: AWS::Lambda::Permission
    Properties: {FunctionName: !Ref Fn, Action: "lambda:InvokeFunction", Principal: "*", InvokedViaFunctionUrl: true}
Outputs:
  Address: {Value: !GetAtt Url.FunctionUrl}
  Arn: {Value: !Ref Url}
`
	st := l.up(template)
	out := map[string]string{}
	for _, o := range st.Outputs {
		out[o.Key] = o.Value
	}
	if !strings.HasPrefix(out["Address"], "https://") || !strings.HasSuffix(out["Address"], ".lambda-url.eu-central-1.on.aws/") {
		t.Errorf("FunctionUrl %s", out["Address"])
	}
	if want := "arn:aws:lambda:eu-central-1:123456789012:function:hello"; out["Arn"] != want {
		t.Errorf("Ref %s, want %s", out["Arn"], want)
	}
	got := ask(l, lambdashapes.GetPolicy, &lambdashapes.GetPolicyRequest{FunctionName: ptr("hello")})
	for _, want := range []string{`"lambda:FunctionUrlAuthType":"NONE"`, `"Bool":{"lambda:InvokedViaFunctionUrl":"true"}`} {
		if !strings.Contains(*got.Policy, want) {
			t.Errorf("the policy has no %s: %s", want, *got.Policy)
		}
	}
	l.up(strings.Replace(strings.Replace(template, "AuthType: NONE\n", "AuthType: AWS_IAM\n", 1), "      Cors: {AllowOrigins: [\"*\"], MaxAge: 5}\n", "", 1))
	url := ask(l, lambdashapes.GetFunctionUrlConfig, &lambdashapes.GetFunctionUrlConfigRequest{FunctionName: ptr("hello")})
	if *url.AuthType != "AWS_IAM" || url.Cors != nil && url.Cors.MaxAge != nil || *url.FunctionUrl != out["Address"] {
		t.Errorf("the URL is %+v", url)
	}
	l.down()
}
