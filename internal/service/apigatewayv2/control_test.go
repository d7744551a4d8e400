package apigatewayv2_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	iamshapes "github.com/nube-run/nube/internal/awsapi/shapes/iam"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/service/apigatewayv2"
)

// TestRefusals: what is not built, and what HTTP APIs do not have, is said when
// it is defined.
func TestRefusals(t *testing.T) {
	b := open(t)
	refuses(b, shapes.CreateApi, &shapes.CreateApiRequest{Name: ptr("ws"), ProtocolType: ptr("WEBSOCKET"), RouteSelectionExpression: ptr("$request.body.action")}, "nube does not support WebSocket APIs")
	integration := func(want string, set func(*shapes.CreateIntegrationRequest)) {
		t.Helper()
		in := &shapes.CreateIntegrationRequest{ApiId: &b.api, IntegrationType: ptr("AWS_PROXY"), IntegrationUri: ptr(function), PayloadFormatVersion: ptr("2.0")}
		set(in)
		refuses(b, shapes.CreateIntegration, in, want)
	}
	integration("nube does not support private integrations", func(i *shapes.CreateIntegrationRequest) { i.ConnectionType = ptr("VPC_LINK") })
	integration("nube does not support the integration subtype SQS-SendMessage", func(i *shapes.CreateIntegrationRequest) {
		i.IntegrationSubtype, i.IntegrationUri = ptr("SQS-SendMessage"), nil
	})
	integration("nube does not support the caller's own credentials", func(i *shapes.CreateIntegrationRequest) {
		i.CredentialsArn = ptr("arn:aws:iam::*:user/*")
	})
	integration("The credentials are the ARN of a role", func(i *shapes.CreateIntegrationRequest) { i.CredentialsArn = ptr("arn:aws:iam::123456789012:user/u") })
	integration("Integration type MOCK is not supported", func(i *shapes.CreateIntegrationRequest) { i.IntegrationType = ptr("MOCK") })
	integration("Supported values are 1.0 and 2.0", func(i *shapes.CreateIntegrationRequest) { i.PayloadFormatVersion = ptr("3.0") })
	integration("not a valid Lambda function ARN", func(i *shapes.CreateIntegrationRequest) { i.IntegrationUri = ptr("https://example.com") })
	integration("HttpMethod must be set", func(i *shapes.CreateIntegrationRequest) {
		i.IntegrationType, i.IntegrationUri, i.PayloadFormatVersion = ptr("HTTP_PROXY"), ptr("https://example.com"), nil
	})
	integration("Operations on header authorization are restricted", func(i *shapes.CreateIntegrationRequest) {
		i.RequestParameters = map[string]string{"append:header.authorization": "x"}
	})
	integration("Invalid mapping expression", func(i *shapes.CreateIntegrationRequest) {
		i.RequestParameters = map[string]string{"overwrite:statuscode": "200"}
	})
	for _, key := range []string{"GET users", "FETCH /a", "GET /{a+}/b", "GET /{a}/{a}", "GET /a{b}", "GET", "GET /{}"} {
		refuses(b, shapes.CreateRoute, &shapes.CreateRouteRequest{ApiId: &b.api, RouteKey: &key}, "BadRequestException")
	}
	refuses(b, shapes.CreateRoute, &shapes.CreateRouteRequest{ApiId: &b.api, RouteKey: ptr("GET /a"), ApiKeyRequired: ptr(true)}, "API keys are not supported")
	refuses(b, shapes.CreateRoute, &shapes.CreateRouteRequest{ApiId: &b.api, RouteKey: ptr("GET /a"), AuthorizationType: ptr("JWT")}, "authorizerId is required")
	refuses(b, shapes.CreateRoute, &shapes.CreateRouteRequest{ApiId: &b.api, RouteKey: ptr("GET /a"), Target: ptr("integrations/none")}, "NotFoundException")
	refuses(b, shapes.CreateStage, &shapes.CreateStageRequest{ApiId: &b.api, StageName: ptr("a/b")}, "BadRequestException")
	refuses(b, shapes.CreateStage, &shapes.CreateStageRequest{ApiId: &b.api, StageName: ptr("$default")}, "ConflictException")
	refuses(b, shapes.CreateDomainName, &shapes.CreateDomainNameRequest{
		DomainName: ptr("a.example.com"), MutualTlsAuthentication: &shapes.MutualTlsAuthenticationInput{TruststoreUri: ptr("s3://a/b")},
	}, "nube does not support mutual TLS")
	refuses(b, shapes.CreateRouteResponse, &shapes.CreateRouteResponseRequest{ApiId: &b.api, RouteId: ptr("r"), RouteResponseKey: ptr("$default")}, "NotImplemented")
	refuses(b, shapes.GetApi, &shapes.GetApiRequest{ApiId: ptr("none")}, "Invalid API identifier specified none")
}

// TestQuickCreate: an API with a target answers at once.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop.html
func TestQuickCreate(t *testing.T) {
	b := open(t, func(in *shapes.CreateApiRequest) { in.Target = ptr(function) }, func(in *shapes.CreateApiRequest) { in.Name = ptr("quick") })
	if r := b.request("GET", "/any/thing", ""); r.StatusCode != 200 {
		t.Errorf("status %d", r.StatusCode)
	}
	r := do(b, shapes.GetRoutes, &shapes.GetRoutesRequest{ApiId: &b.api}).Items
	i := do(b, shapes.GetIntegrations, &shapes.GetIntegrationsRequest{ApiId: &b.api}).Items
	if len(r) != 1 || *r[0].RouteKey != "$default" || !*r[0].ApiGatewayManaged || len(i) != 1 || *i[0].PayloadFormatVersion != "2.0" || !*i[0].ApiGatewayManaged {
		t.Errorf("%+v %+v", r, i)
	}
}

const petstore = `
openapi: 3.0.1
info: {title: petstore, version: "2", description: of pets}
tags: [{name: team, x-amazon-apigateway-tag-value: blue}, {name: pets}]
x-amazon-apigateway-cors: {allowOrigins: ["*"], allowMethods: [GET], maxAge: 10}
paths:
  /pets/{id}:
    get:
      operationId: pet
      security: [{who: [read]}]
      x-amazon-apigateway-integration: {$ref: "#/components/x-amazon-apigateway-integrations/fn"}
    x-amazon-apigateway-any-method:
      x-amazon-apigateway-integration: {type: http_proxy, httpMethod: ANY, uri: "https://example.com/{id}", payloadFormatVersion: "1.0", responseParameters: {200: {"append:header.x": "1"}}}
  /$default:
    x-amazon-apigateway-any-method:
      x-amazon-apigateway-auth: {type: AWS_IAM}
      x-amazon-apigateway-integration: {$ref: "#/components/x-amazon-apigateway-integrations/fn"}
components:
  x-amazon-apigateway-integrations:
    fn: {type: AWS_PROXY, httpMethod: POST, payloadFormatVersion: "2.0", uri: "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-central-1:123456789012:function:shop/invocations"}
  securitySchemes:
    who:
      type: oauth2
      x-amazon-apigateway-authorizer:
        type: jwt
        identitySource: $request.header.Authorization
        jwtConfiguration: {issuer: "https://issuer.example.com", audience: [a]}
`

// TestImport: an API is made of an OpenAPI document, and of another again.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-open-api.html
func TestImport(t *testing.T) {
	b := open(t)
	a := do(b, shapes.ImportApi, &shapes.ImportApiRequest{Body: ptr(petstore)})
	if *a.Name != "petstore" || *a.Version != "2" || *a.Description != "of pets" || *a.CorsConfiguration.MaxAge != 10 || len(a.Tags) != 1 || a.Tags["team"] != "blue" {
		t.Errorf("%+v", a)
	}
	routes := func() map[string]string {
		out := map[string]string{}
		for _, r := range do(b, shapes.GetRoutes, &shapes.GetRoutesRequest{ApiId: a.ApiId}).Items {
			out[*r.RouteKey] = *r.AuthorizationType + " " + strings.Join(r.AuthorizationScopes, ",")
		}
		return out
	}
	if d := cmp.Diff(map[string]string{"GET /pets/{id}": "JWT read", "ANY /pets/{id}": "NONE ", "$default": "AWS_IAM "}, routes()); d != "" {
		t.Error(d)
	}
	do(b, shapes.ReimportApi, &shapes.ReimportApiRequest{ApiId: a.ApiId, Body: ptr(`{"openapi":"3.0.1","info":{"title":"p","version":"3"},"paths":{"/x":{"get":{}}}}`)})
	if d := cmp.Diff(map[string]string{"GET /x": "NONE "}, routes()); d != "" {
		t.Error(d)
	}
	for body, want := range map[string]string{
		`{"swagger":"2.0"}`: "Unsupported OpenAPI version", "{": "Unable to parse", `{"openapi":"3.0.0","info":{"title":"x"}}`: "it has no paths",
		`{"openapi":"3.0.0","info":{"title":"x"},"paths":{"/a":{"get":{"x-amazon-apigateway-integration":{"type":"mock"}}}}}`: "Integration type MOCK",
	} {
		refuses(b, shapes.ImportApi, &shapes.ImportApiRequest{Body: &body}, want)
	}
	refuses(b, shapes.ImportApi, &shapes.ImportApiRequest{Body: ptr(`{"openapi":"3.0.0","info":{"title":"x"},"paths":{"/a":{"trace":{}}}}`), FailOnWarnings: ptr(true)}, "Warnings found")
	out := do(b, shapes.ImportApi, &shapes.ImportApiRequest{Body: ptr(`{"openapi":"3.0.0","info":{"title":"x"},
		"servers":[{"url":"https://x.example","x-amazon-apigateway-endpoint-configuration":{"disableExecuteApiEndpoint":true}}],
		"paths":{"/a":{"get":{"x-amazon-apigateway-integration":{"type":"http_proxy","uri":"http://x.example","httpMethod":"GET","tlsConfig":{"insecureSkipVerification":true}}}}}}`)})
	if len(out.Warnings) != 1 || !strings.Contains(out.Warnings[0], "tlsConfig") {
		t.Errorf("warnings of what is not honoured: %q", out.Warnings)
	}
	if a := do(b, shapes.GetApi, &shapes.GetApiRequest{ApiId: out.ApiId}); !*a.DisableExecuteApiEndpoint {
		t.Error("its own endpoint is not disabled")
	}
}

// TestImportPassesRoles: who may not give API Gateway a role cannot do so by a
// definition either.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
func TestImportPassesRoles(t *testing.T) {
	b := open(t)
	const role = "arn:aws:iam::123456789012:role/caller"
	body := `{"openapi":"3.0.0","info":{"title":"x"},"paths":{"/a":{"get":{"x-amazon-apigateway-integration":{"type":"aws_proxy","uri":"` + function +
		`","payloadFormatVersion":"2.0","credentials":"` + role + `"}}}}}`
	do(b, iamshapes.CreateUser, &iamshapes.CreateUserRequest{UserName: ptr("dev")})
	may := func(statements string) {
		do(b, iamshapes.PutUserPolicy, &iamshapes.PutUserPolicyRequest{UserName: ptr("dev"), PolicyName: ptr("p"), PolicyDocument: ptr(`{"Version":"2012-10-17","Statement":[` + statements + `]}`)})
	}
	const gateway = `{"Effect":"Allow","Action":"apigateway:*","Resource":"*"}`
	may(gateway)
	b.root = awsapi.As(b.root, awsapi.Actor{Account: account, Principal: policy.Principal{ARN: "arn:aws:iam::123456789012:user/dev"}})
	refuses(b, shapes.ImportApi, &shapes.ImportApiRequest{Body: &body}, "iam:PassRole")
	refuses(b, shapes.ReimportApi, &shapes.ReimportApiRequest{ApiId: &b.api, Body: &body}, "iam:PassRole")
	b.root = awsapi.As(b.root, awsapi.RootOf(account))
	may(gateway + `,{"Effect":"Allow","Action":"iam:PassRole","Resource":"` + role + `"}`)
	b.root = awsapi.As(b.root, awsapi.Actor{Account: account, Principal: policy.Principal{ARN: "arn:aws:iam::123456789012:user/dev"}})
	do(b, shapes.ImportApi, &shapes.ImportApiRequest{Body: &body})
}

// TestLayout: keys and rows lie on disks, so a change here is one of the store's
// format, and needs a line in its history.
func TestLayout(t *testing.T) {
	text, err := apigatewayv2.Layout()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "layout.golden", text)
}

// TestTags: APIs, stages and domain names have tags.
func TestTags(t *testing.T) {
	b := open(t)
	do(b, shapes.CreateDomainName, &shapes.CreateDomainNameRequest{DomainName: ptr("a.example.com")})
	for _, arn := range []string{"/apis/" + b.api, "/apis/" + b.api + "/stages/$default", "/domainnames/a.example.com"} {
		arn = "arn:aws:apigateway:eu-central-1::" + arn
		do(b, shapes.TagResource, &shapes.TagResourceRequest{ResourceArn: &arn, Tags: map[string]string{"a": "1", "b": "2"}})
		do(b, shapes.UntagResource, &shapes.UntagResourceRequest{ResourceArn: &arn, TagKeys: []string{"a"}})
		if d := cmp.Diff(map[string]string{"b": "2"}, do(b, shapes.GetTags, &shapes.GetTagsRequest{ResourceArn: &arn}).Tags); d != "" {
			t.Errorf("%s: %s", arn, d)
		}
	}
	refuses(b, shapes.GetTags, &shapes.GetTagsRequest{ResourceArn: ptr("arn:aws:apigateway:eu-central-1::/vpclinks/a")}, "NotFoundException")
}

// TestNotesDeployNothing: reading and changing what no deployment has leaves what is
// served alone.
func TestNotesDeployNothing(t *testing.T) {
	b := open(t)
	b.route("GET /a")
	deployed := func() string {
		return *do(b, shapes.GetStage, &shapes.GetStageRequest{ApiId: &b.api, StageName: ptr("$default")}).DeploymentId
	}
	before := deployed()
	for _, arn := range []string{"/apis/" + b.api, "/apis/" + b.api + "/stages/$default"} {
		arn = "arn:aws:apigateway:eu-central-1::" + arn
		do(b, shapes.TagResource, &shapes.TagResourceRequest{ResourceArn: &arn, Tags: map[string]string{"a": "1"}})
		do(b, shapes.GetTags, &shapes.GetTagsRequest{ResourceArn: &arn})
	}
	do(b, shapes.UpdateDeployment, &shapes.UpdateDeploymentRequest{ApiId: &b.api, DeploymentId: &before, Description: ptr("the first")})
	if after := deployed(); after != before {
		t.Errorf("deployment %s became %s", before, after)
	}
}

// TestPages: lists come in pages.
func TestPages(t *testing.T) {
	b := open(t)
	for _, key := range []string{"GET /a", "GET /b", "GET /c"} {
		b.route(key)
	}
	var got int
	in := &shapes.GetRoutesRequest{ApiId: &b.api, MaxResults: ptr("2")}
	for {
		out := do(b, shapes.GetRoutes, in)
		got += len(out.Items)
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	if got != 3 {
		t.Errorf("%d routes", got)
	}
	refuses(b, shapes.GetRoutes, &shapes.GetRoutesRequest{ApiId: &b.api, NextToken: ptr("x")}, "Invalid nextToken")
}

// FuzzImport: no document makes the reader fail otherwise than by an error.
func FuzzImport(f *testing.F) {
	f.Add(petstore)
	f.Add(`{"openapi":"3.0.1","info":{"title":"p","version":"3"},"paths":{"/x":{"get":{}}}}`)
	f.Add("paths: [")
	f.Fuzz(func(t *testing.T, body string) {
		b := open(t)
		in := &shapes.ImportApiRequest{Body: &body}
		if a, err := tryImport(b, in); err == nil {
			b.api = *a.ApiId
			do(b, shapes.CreateStage, &shapes.CreateStageRequest{ApiId: &b.api, StageName: ptr("s"), AutoDeploy: ptr(true)})
			b.send(b.endpoint(), "localhost", "GET", "/_aws/execute-api/"+b.api+"/s/x", "")
		}
	})
}

func tryImport(b *bed, in *shapes.ImportApiRequest) (*shapes.ImportApiResponse, error) {
	return awsapi.Do(b.root, b.front, shapes.ImportApi, in)
}
