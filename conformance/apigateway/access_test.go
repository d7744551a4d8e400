package apigateway

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/nube-run/nube/conformance/target"
)

// function is the address of a function that need not exist: it is called by
// nobody here.
func function(region string) *string {
	return aws.String("arn:aws:apigateway:" + region + ":lambda:path/2015-03-31/functions/arn:aws:lambda:" + region + ":000000000000:function:nobody/invocations")
}

func patches(ops ...types.PatchOperation) []types.PatchOperation { return ops }

func replace(path, value string) types.PatchOperation {
	return types.PatchOperation{Op: types.OpReplace, Path: &path, Value: &value}
}

// deploy makes what the API is now what stage one serves.
func (x *suite) deploy() {
	x.Helper()
	_, err := x.CreateDeployment(x.ctx, &apigateway.CreateDeploymentInput{RestApiId: x.api, StageName: aws.String("one")})
	target.Must(x, err)
}

// get sends a request to stage one and returns the answer's status and body.
func (x *suite) get(path string, header ...string) (int, string, http.Header) {
	x.Helper()
	base := "https://" + *x.api + ".execute-api." + target.Config().Region + ".amazonaws.com/one"
	if endpoint := os.Getenv("AWS_ENDPOINT_URL"); !strings.Contains(endpoint, "amazonaws.com") {
		base = endpoint + "/restapis/" + *x.api + "/one/_user_request_"
	}
	req, err := http.NewRequestWithContext(x.ctx, http.MethodGet, base+path, nil)
	target.Must(x, err)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	target.Must(x, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	target.Must(x, err)
	return resp.StatusCode, string(body), resp.Header
}

// https://docs.aws.amazon.com/apigateway/latest/api/API_CreateAuthorizer.html
func TestAuthorizers(t *testing.T) {
	x := open(t)
	uri := function(target.Config().Region)
	made, err := x.CreateAuthorizer(x.ctx, &apigateway.CreateAuthorizerInput{
		RestApiId: x.api, Name: aws.String("who"), Type: types.AuthorizerTypeToken, AuthorizerUri: uri, IdentitySource: aws.String("method.request.header.Authorization"),
	})
	target.Must(t, err)
	if *made.AuthorizerResultTtlInSeconds != 300 {
		t.Errorf("answers are kept for %d seconds, want 300", *made.AuthorizerResultTtlInSeconds)
	}
	_, err = x.CreateAuthorizer(x.ctx, &apigateway.CreateAuthorizerInput{
		RestApiId: x.api, Name: aws.String("who"), Type: types.AuthorizerTypeToken, AuthorizerUri: uri, IdentitySource: aws.String("method.request.header.Authorization"),
	})
	target.Refused(t, err, "BadRequestException", "Authorizer name must be unique")
	_, err = x.PutMethod(x.ctx, &apigateway.PutMethodInput{RestApiId: x.api, ResourceId: x.root, HttpMethod: aws.String("GET"), AuthorizationType: aws.String("CUSTOM")})
	target.Refused(t, err, "BadRequestException", "Invalid authorizer ID specified")
	_, err = x.UpdateAuthorizer(x.ctx, &apigateway.UpdateAuthorizerInput{RestApiId: x.api, AuthorizerId: made.Id, PatchOperations: patches(replace("/authorizerResultTtlInSeconds", "0"))})
	target.Must(t, err)
	got, err := x.GetAuthorizer(x.ctx, &apigateway.GetAuthorizerInput{RestApiId: x.api, AuthorizerId: made.Id})
	target.Must(t, err)
	if *got.AuthorizerResultTtlInSeconds != 0 || *got.AuthorizerUri != *uri {
		t.Errorf("authorizer %+v", got)
	}
	x.mock(x.resource(x.root, "guarded"), "GET", "200")
	guarded := x.find("/guarded")
	_, err = x.UpdateMethod(x.ctx, &apigateway.UpdateMethodInput{RestApiId: x.api, ResourceId: guarded, HttpMethod: aws.String("GET"),
		PatchOperations: patches(replace("/authorizationType", "CUSTOM"), replace("/authorizerId", *made.Id))})
	target.Must(t, err)
	x.deploy()
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
	if status, body, head := x.get("/guarded"); status != 401 || body != `{"message":"Unauthorized"}` || head.Get("X-Amzn-Errortype") != "UnauthorizedException" {
		t.Errorf("without a token: %d %s %v", status, body, head)
	}
	if status, body, _ := x.get("/guarded", "Authorization", "x"); status != 500 || body != `{"message":null}` {
		t.Errorf("with an authorizer that cannot be called: %d %s", status, body)
	}
	_, err = x.DeleteAuthorizer(x.ctx, &apigateway.DeleteAuthorizerInput{RestApiId: x.api, AuthorizerId: made.Id})
	target.Refused(t, err, "ConflictException", "Cannot delete authorizer")
}

// find returns the id of the resource with a path.
func (x *suite) find(path string) *string {
	x.Helper()
	out, err := x.GetResources(x.ctx, &apigateway.GetResourcesInput{RestApiId: x.api})
	target.Must(x, err)
	for _, r := range out.Items {
		if *r.Path == path {
			return r.Id
		}
	}
	x.Fatalf("no resource %s", path)
	return nil
}

// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
func TestValidators(t *testing.T) {
	x := open(t)
	_, err := x.CreateModel(x.ctx, &apigateway.CreateModelInput{RestApiId: x.api, Name: aws.String("Item"), ContentType: aws.String("application/json"),
		Schema: aws.String(`{"$schema":"http://json-schema.org/draft-04/schema#","type":"object","required":["name"],"properties":{"name":{"type":"string"}}}`)})
	target.Must(t, err)
	_, err = x.CreateModel(x.ctx, &apigateway.CreateModelInput{RestApiId: x.api, Name: aws.String("Item"), ContentType: aws.String("application/json")})
	target.Refused(t, err, "ConflictException", "Model name already exists for this REST API")
	_, err = x.GetModel(x.ctx, &apigateway.GetModelInput{RestApiId: x.api, ModelName: aws.String("Empty")})
	target.Must(t, err) // every API has it
	validator, err := x.CreateRequestValidator(x.ctx, &apigateway.CreateRequestValidatorInput{RestApiId: x.api, Name: aws.String("all"), ValidateRequestBody: true, ValidateRequestParameters: true})
	target.Must(t, err)
	x.mock(x.root, "POST", "200")
	_, err = x.UpdateMethod(x.ctx, &apigateway.UpdateMethodInput{RestApiId: x.api, ResourceId: x.root, HttpMethod: aws.String("POST"), PatchOperations: patches(
		replace("/requestValidatorId", *validator.Id),
		types.PatchOperation{Op: types.OpAdd, Path: aws.String("/requestModels/application~1json"), Value: aws.String("Item")},
		types.PatchOperation{Op: types.OpAdd, Path: aws.String("/requestParameters/method.request.querystring.team"), Value: aws.String("true")},
	)})
	target.Must(t, err)
	for _, tt := range []struct{ target, body, want string }{
		{"/?team=red", `{"name":"tea"}`, ""},
		{"/", `{"name":"tea"}`, `{"message":"Missing required request parameters: [team]"}`},
		{"/?team=red", `{}`, `{"message":"Invalid request body"}`},
	} {
		out, err := x.TestInvokeMethod(x.ctx, &apigateway.TestInvokeMethodInput{RestApiId: x.api, ResourceId: x.root, HttpMethod: aws.String("POST"),
			PathWithQueryString: &tt.target, Body: &tt.body, Headers: map[string]string{"Content-Type": "application/json"}})
		target.Must(t, err)
		// The white space of these messages has changed over the years.
		if got := strings.ReplaceAll(aws.ToString(out.Body), `": "`, `":"`); got != tt.want || (out.Status == 200) != (tt.want == "") {
			t.Errorf("%s with %s: %d %s, want %s", tt.target, tt.body, out.Status, got, tt.want)
		}
	}
}

// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html
func TestUsagePlans(t *testing.T) {
	x := open(t)
	x.mock(x.resource(x.root, "private"), "GET", "200")
	_, err := x.UpdateMethod(x.ctx, &apigateway.UpdateMethodInput{RestApiId: x.api, ResourceId: x.find("/private"), HttpMethod: aws.String("GET"),
		PatchOperations: patches(replace("/apiKeyRequired", "true"))})
	target.Must(t, err)
	x.deploy()
	key, err := x.CreateApiKey(x.ctx, &apigateway.CreateApiKeyInput{Name: aws.String(target.Name()), Enabled: true})
	target.Must(t, err)
	plan, err := x.CreateUsagePlan(x.ctx, &apigateway.CreateUsagePlanInput{Name: aws.String(target.Name()), ApiStages: []types.ApiStage{{ApiId: x.api, Stage: aws.String("one")}},
		Quota: &types.QuotaSettings{Limit: 100, Period: types.QuotaPeriodTypeDay}})
	target.Must(t, err)
	_, err = x.CreateUsagePlanKey(x.ctx, &apigateway.CreateUsagePlanKeyInput{UsagePlanId: plan.Id, KeyId: key.Id, KeyType: aws.String("API_KEY")})
	target.Must(t, err)
	_, err = x.CreateUsagePlanKey(x.ctx, &apigateway.CreateUsagePlanKeyInput{UsagePlanId: plan.Id, KeyId: key.Id, KeyType: aws.String("API_KEY")})
	target.Refused(t, err, "ConflictException", "")
	if status, body, head := x.get("/private"); status != 403 || body != `{"message":"Forbidden"}` || head.Get("X-Amzn-Errortype") != "ForbiddenException" {
		t.Errorf("without a key: %d %s %v", status, body, head)
	}
	if status, body, _ := x.get("/private", "X-Api-Key", *key.Value); status != 200 {
		t.Errorf("with the key: %d %s", status, body)
	}
	got, err := x.GetApiKey(x.ctx, &apigateway.GetApiKeyInput{ApiKey: key.Id})
	target.Must(t, err)
	if got.Value != nil {
		t.Error("the value of the key was told without being asked for")
	}
	usage, err := x.GetUsagePlanKeys(x.ctx, &apigateway.GetUsagePlanKeysInput{UsagePlanId: plan.Id})
	target.Must(t, err)
	if len(usage.Items) != 1 || *usage.Items[0].Id != *key.Id {
		t.Errorf("keys %+v", usage.Items)
	}
	_, err = x.DeleteUsagePlan(x.ctx, &apigateway.DeleteUsagePlanInput{UsagePlanId: plan.Id})
	target.Refused(t, err, "BadRequestException", "Cannot delete usage plan")
	_, err = x.UpdateUsagePlan(x.ctx, &apigateway.UpdateUsagePlanInput{UsagePlanId: plan.Id, PatchOperations: patches(
		types.PatchOperation{Op: types.OpRemove, Path: aws.String("/apiStages"), Value: aws.String(*x.api + ":one")},
	)})
	target.Must(t, err)
	_, err = x.DeleteUsagePlan(x.ctx, &apigateway.DeleteUsagePlanInput{UsagePlanId: plan.Id})
	target.Must(t, err)
	_, err = x.DeleteApiKey(x.ctx, &apigateway.DeleteApiKeyInput{ApiKey: key.Id})
	target.Must(t, err)
	_, err = x.GetApiKey(x.ctx, &apigateway.GetApiKeyInput{ApiKey: key.Id})
	target.Refused(t, err, "NotFoundException", "Invalid API Key identifier specified")
}

// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies.html
func TestResourcePolicies(t *testing.T) {
	x := open(t)
	x.mock(x.resource(x.root, "open"), "GET", "200")
	x.mock(x.resource(x.root, "closed"), "GET", "200")
	_, err := x.UpdateRestApi(x.ctx, &apigateway.UpdateRestApiInput{RestApiId: x.api, PatchOperations: patches(replace("/policy", target.Policy(
		`{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*"},{"Effect":"Deny","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*/GET/closed"}`)))})
	target.Must(t, err)
	x.deploy()
	if status, body, _ := x.get("/open"); status != 200 {
		t.Errorf("what is allowed: %d %s", status, body)
	}
	status, body, _ := x.get("/closed")
	if status != 403 || !strings.HasPrefix(body, `{"Message":"User: anonymous is not authorized to perform: execute-api:Invoke on resource: arn:aws:execute-api:`) ||
		!strings.HasSuffix(body, ` with an explicit deny"}`) || !strings.Contains(body, ":********") {
		t.Errorf("what is denied: %d %s", status, body)
	}
}

// https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateStage.html
func TestMethodSettings(t *testing.T) {
	x := open(t)
	x.mock(x.root, "GET", "200")
	x.deploy()
	st, err := x.UpdateStage(x.ctx, &apigateway.UpdateStageInput{RestApiId: x.api, StageName: aws.String("one"), PatchOperations: patches(
		replace("/*/*/throttling/rateLimit", "100"), replace("/*/*/throttling/burstLimit", "50"), replace("/variables/color", "blue"),
	)})
	target.Must(t, err)
	if s := st.MethodSettings["*/*"]; s.ThrottlingRateLimit != 100 || s.ThrottlingBurstLimit != 50 || st.Variables["color"] != "blue" {
		t.Errorf("stage %+v", st)
	}
	if status, body, _ := x.get("/"); status != 200 {
		t.Errorf("%d %s", status, body)
	}
}

// https://docs.aws.amazon.com/apigateway/latest/developerguide/customize-gateway-responses.html
func TestGatewayResponses(t *testing.T) {
	x := open(t)
	x.mock(x.root, "GET", "200")
	_, err := x.PutGatewayResponse(x.ctx, &apigateway.PutGatewayResponseInput{RestApiId: x.api, ResponseType: types.GatewayResponseTypeMissingAuthenticationToken, StatusCode: aws.String("404"),
		ResponseParameters: map[string]string{"gatewayresponse.header.X-Path": "method.request.header.X-From", "gatewayresponse.header.X-Literal": "'there'"},
		ResponseTemplates:  map[string]string{"application/json": `{"type":"$context.error.responseType","text":$context.error.messageString,"stage":"$context.stage"}`}})
	target.Must(t, err)
	x.deploy()
	status, body, head := x.get("/nothing", "X-From", "here")
	if status != 404 || body != `{"type":"MISSING_AUTHENTICATION_TOKEN","text":"Missing Authentication Token","stage":"one"}` || head.Get("X-Path") != "here" || head.Get("X-Literal") != "there" {
		t.Errorf("%d %s %v", status, body, head)
	}
}
