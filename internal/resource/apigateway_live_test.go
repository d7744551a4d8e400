package resource_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	apigwshapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
)

const guardedAPI = `
Resources:
  API:
    Type: AWS::ApiGateway::RestApi
    Properties:
      Name: guarded
      ApiKeySourceType: HEADER
      Policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: "*", Action: "execute-api:Invoke", Resource: ["execute-api:/*"]}]}
  Who:
    Type: AWS::ApiGateway::Authorizer
    Properties:
      RestApiId: !Ref API
      Name: who
      Type: TOKEN
      IdentitySource: method.request.header.Authorization
      AuthorizerUri: !Sub "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:who/invocations"
      AuthorizerResultTtlInSeconds: 60
  Item:
    Type: AWS::ApiGateway::Model
    Properties: {RestApiId: !Ref API, ContentType: application/json, Schema: {type: object, required: [name]}}
  Items:
    Type: AWS::ApiGateway::Model
    Properties:
      RestApiId: !Ref API
      Name: Items
      Schema: {type: array, items: {$ref: !Sub "https://apigateway.amazonaws.com/restapis/${API}/models/${Item}"}}
  Check:
    Type: AWS::ApiGateway::RequestValidator
    Properties: {RestApiId: !Ref API, ValidateRequestBody: true}
  Post:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref API
      ResourceId: !GetAtt API.RootResourceId
      HttpMethod: POST
      AuthorizationType: CUSTOM
      AuthorizerId: !Ref Who
      ApiKeyRequired: true
      RequestValidatorId: !Ref Check
      RequestModels: {application/json: !Ref Items}
      Integration: {Type: MOCK, RequestTemplates: {application/json: '{"statusCode":200}'}}
  Deployment:
    Type: AWS::ApiGateway::Deployment
    DependsOn: Post
    Properties:
      RestApiId: !Ref API
      StageName: dev
      StageDescription: {LoggingLevel: INFO, MetricsEnabled: true, ThrottlingRateLimit: 10, ThrottlingBurstLimit: 5}
  Key:
    Type: AWS::ApiGateway::ApiKey
    DependsOn: Deployment
    Properties: {Name: ana, Enabled: true, Value: aaaaaaaaaaaaaaaaaaaaaaaa, StageKeys: [{RestApiId: !Ref API, StageName: dev}], Tags: [{Key: team, Value: blue}]}
  Plan:
    Type: AWS::ApiGateway::UsagePlan
    DependsOn: Deployment
    Properties:
      UsagePlanName: small
      ApiStages: [{ApiId: !Ref API, Stage: dev}]
      Quota: {Limit: 100, Period: DAY}
      Throttle: {RateLimit: 2, BurstLimit: 4}
  Member:
    Type: AWS::ApiGateway::UsagePlanKey
    Properties: {KeyId: !Ref Key, KeyType: API_KEY, UsagePlanId: !Ref Plan}
  Domain:
    Type: AWS::ApiGateway::DomainName
    Properties: {DomainName: api.example.com, RegionalCertificateArn: "arn:aws:acm:eu-central-1:123456789012:certificate/a", EndpointConfiguration: {Types: [REGIONAL]}}
  Mapping:
    Type: AWS::ApiGateway::BasePathMapping
    DependsOn: Deployment
    Properties: {DomainName: !Ref Domain, RestApiId: !Ref API, Stage: dev}
Outputs:
  API: {Value: !Ref API}
  Domain: {Value: !GetAtt Domain.RegionalDomainName}
  Mapping: {Value: !Ref Mapping}
  Who: {Value: !GetAtt Who.AuthorizerId}
  Item: {Value: !Ref Item}
  Check: {Value: !Ref Check}
  Key: {Value: !GetAtt Key.APIKeyId}
  Plan: {Value: !Ref Plan}
  Member: {Value: !Ref Member}
`

func TestGuardedAPI(t *testing.T) {
	l := newLive(t)
	st := l.up(guardedAPI)
	api, who, plan, key := output(st, "API"), output(st, "Who"), output(st, "Plan"), output(st, "Key")
	m := ask(l, apigwshapes.GetResources, &apigwshapes.GetResourcesRequest{RestApiId: &api, Embed: []string{"methods"}}).Items[0].ResourceMethods["POST"]
	if *m.AuthorizerId != who || *m.RequestValidatorId != output(st, "Check") || m.RequestModels["application/json"] != "Items" {
		t.Errorf("method %+v", m)
	}
	if name := output(st, "Item"); !strings.HasPrefix(name, "appItem") {
		t.Errorf("the model's name is %s", name)
	}
	if got := output(st, "Member"); got != key+":"+plan {
		t.Errorf("the member is %s", got)
	}
	stage := ask(l, apigwshapes.GetStage, &apigwshapes.GetStageRequest{RestApiId: &api, StageName: ptr("dev")})
	if s := stage.MethodSettings["*/*"]; *s.LoggingLevel != "INFO" || *s.ThrottlingRateLimit != 10 || *s.ThrottlingBurstLimit != 5 {
		t.Errorf("settings %+v", stage.MethodSettings)
	}
	if got := output(st, "Mapping"); got != "api.example.com|(none)" || !strings.HasSuffix(output(st, "Domain"), ".execute-api.eu-central-1.amazonaws.com") {
		t.Errorf("mapped as %s at %s", got, output(st, "Domain"))
	}

	changed := strings.NewReplacer("AuthorizerResultTtlInSeconds: 60", "AuthorizerResultTtlInSeconds: 0", "required: [name]", "required: [id]", "ValidateRequestBody: true", "ValidateRequestParameters: true",
		"Value: blue", "Value: red", "Enabled: true", "Enabled: false", "Limit: 100, Period: DAY", "Limit: 50, Period: WEEK, Offset: 1", "Throttle: {RateLimit: 2, BurstLimit: 4}", "Description: smaller",
		"[{ApiId: !Ref API, Stage: dev}]", `[{ApiId: !Ref API, Stage: dev, Throttle: {"/POST": {RateLimit: 1, BurstLimit: 1}}}]`, "Effect: Allow", "Effect: Deny").Replace(guardedAPI)
	if st = l.up(changed); output(st, "Plan") != plan || output(st, "Key") != key || output(st, "Who") != who {
		t.Fatal("something was made anew")
	}
	if a := ask(l, apigwshapes.GetAuthorizer, &apigwshapes.GetAuthorizerRequest{RestApiId: &api, AuthorizerId: &who}); *a.AuthorizerResultTtlInSeconds != 0 {
		t.Errorf("authorizer %+v", a)
	}
	if m := ask(l, apigwshapes.GetModel, &apigwshapes.GetModelRequest{RestApiId: &api, ModelName: ptr(output(st, "Item"))}); !strings.Contains(*m.Schema, `"id"`) {
		t.Errorf("model %s", *m.Schema)
	}
	if k := ask(l, apigwshapes.GetApiKey, &apigwshapes.GetApiKeyRequest{ApiKey: &key}); *k.Enabled || k.Tags["team"] != "red" {
		t.Errorf("key %+v", k)
	}
	if a := ask(l, apigwshapes.GetRestApi, &apigwshapes.GetRestApiRequest{RestApiId: &api}); !strings.Contains(*a.Policy, "Deny") {
		t.Errorf("policy %s", *a.Policy)
	}
	p := ask(l, apigwshapes.GetUsagePlan, &apigwshapes.GetUsagePlanRequest{UsagePlanId: &plan})
	want := &apigwshapes.UsagePlan{
		Id: &plan, Name: ptr("small"), Description: ptr("smaller"), Quota: &apigwshapes.QuotaSettings{Limit: ptr(int32(50)), Offset: ptr(int32(1)), Period: ptr("WEEK")},
		ApiStages: []apigwshapes.ApiStage{{ApiId: &api, Stage: ptr("dev"), Throttle: map[string]apigwshapes.ThrottleSettings{"/POST": {RateLimit: ptr(1.0), BurstLimit: ptr(int32(1))}}}},
	}
	if d := cmp.Diff(want, p); d != "" {
		t.Error(d)
	}
	l.down()
	if left := ask(l, apigwshapes.GetUsagePlans, &apigwshapes.GetUsagePlansRequest{}).Items; len(left) > 0 {
		t.Errorf("left behind: %+v", left)
	}
}
