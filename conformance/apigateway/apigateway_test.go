// Package apigateway holds API Gateway's documentation to a server, through AWS's own SDK. Each case cites its page.
package apigateway

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/nube-run/nube/conformance/target"
)

func TestMain(m *testing.M) { os.Exit(target.Main(m)) }

// suite is a client and an API of its own.
type suite struct {
	*testing.T
	*apigateway.Client
	ctx  context.Context
	api  *string
	root *string
}

func open(t *testing.T) *suite {
	t.Helper()
	x := &suite{T: t, Client: apigateway.NewFromConfig(target.Config()), ctx: t.Context()}
	made, err := x.CreateRestApi(x.ctx, &apigateway.CreateRestApiInput{Name: aws.String(target.Name())})
	target.Must(t, err)
	x.api, x.root = made.Id, made.RootResourceId
	t.Cleanup(func() {
		if _, err := x.DeleteRestApi(context.Background(), &apigateway.DeleteRestApiInput{RestApiId: x.api}); err != nil {
			t.Errorf("cleaning up: %v", err)
		}
	})
	return x
}

func (x *suite) resource(parent *string, part string) *string {
	x.Helper()
	out, err := x.CreateResource(x.ctx, &apigateway.CreateResourceInput{RestApiId: x.api, ParentId: parent, PathPart: &part})
	target.Must(x, err)
	return out.Id
}

// mock makes a method that answers a status by itself.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-mock-integration.html
func (x *suite) mock(resource *string, method, status string) {
	x.Helper()
	_, err := x.PutMethod(x.ctx, &apigateway.PutMethodInput{RestApiId: x.api, ResourceId: resource, HttpMethod: &method, AuthorizationType: aws.String("NONE")})
	target.Must(x, err)
	_, err = x.PutMethodResponse(x.ctx, &apigateway.PutMethodResponseInput{RestApiId: x.api, ResourceId: resource, HttpMethod: &method, StatusCode: &status,
		ResponseParameters: map[string]bool{"method.response.header.X-From": false}})
	target.Must(x, err)
	_, err = x.PutIntegration(x.ctx, &apigateway.PutIntegrationInput{RestApiId: x.api, ResourceId: resource, HttpMethod: &method, Type: types.IntegrationTypeMock,
		RequestTemplates: map[string]string{"application/json": `{"statusCode": ` + status + `}`}})
	target.Must(x, err)
	_, err = x.PutIntegrationResponse(x.ctx, &apigateway.PutIntegrationResponseInput{RestApiId: x.api, ResourceId: resource, HttpMethod: &method, StatusCode: &status,
		ResponseParameters: map[string]string{"method.response.header.X-From": "'mock'"}})
	target.Must(x, err)
}

// https://docs.aws.amazon.com/apigateway/latest/api/API_CreateResource.html
func TestResources(t *testing.T) {
	x := open(t)
	users := x.resource(x.root, "users")
	one := x.resource(users, "{id}")
	got, err := x.GetResource(x.ctx, &apigateway.GetResourceInput{RestApiId: x.api, ResourceId: one})
	target.Must(t, err)
	if *got.Path != "/users/{id}" || *got.ParentId != *users || *got.PathPart != "{id}" {
		t.Errorf("resource %+v", got)
	}
	create := func(parent *string, part string) error {
		_, err := x.CreateResource(x.ctx, &apigateway.CreateResourceInput{RestApiId: x.api, ParentId: parent, PathPart: &part})
		return err
	}
	target.Refused(t, create(x.root, "users"), "ConflictException", "Another resource with the same parent already has this name: users")
	target.Refused(t, create(users, "{other}"), "BadRequestException", "A sibling ({id}) of this resource already has a variable path part")
	target.Refused(t, create(x.root, "{proxy+}/more"), "BadRequestException", "Resource's path part only allow")
	target.Refused(t, create(aws.String("nobody"), "x"), "NotFoundException", "Invalid Resource identifier specified")
	_, err = x.GetRestApi(x.ctx, &apigateway.GetRestApiInput{RestApiId: aws.String("nobody")})
	target.Refused(t, err, "NotFoundException", "Invalid API identifier specified")

	_, err = x.DeleteResource(x.ctx, &apigateway.DeleteResourceInput{RestApiId: x.api, ResourceId: users})
	target.Must(t, err) // and what is below it
	_, err = x.GetResource(x.ctx, &apigateway.GetResourceInput{RestApiId: x.api, ResourceId: one})
	target.Refused(t, err, "NotFoundException", "Invalid Resource identifier specified")
}

// https://docs.aws.amazon.com/apigateway/latest/api/API_PutMethod.html
func TestMethods(t *testing.T) {
	x := open(t)
	x.mock(x.root, "GET", "200")
	_, err := x.PutMethod(x.ctx, &apigateway.PutMethodInput{RestApiId: x.api, ResourceId: x.root, HttpMethod: aws.String("GET"), AuthorizationType: aws.String("NONE")})
	target.Refused(t, err, "ConflictException", "Method already exists for this resource")
	_, err = x.PutMethod(x.ctx, &apigateway.PutMethodInput{RestApiId: x.api, ResourceId: x.root, HttpMethod: aws.String("FETCH"), AuthorizationType: aws.String("NONE")})
	target.Refused(t, err, "BadRequestException", "Invalid")
	_, err = x.GetMethod(x.ctx, &apigateway.GetMethodInput{RestApiId: x.api, ResourceId: x.root, HttpMethod: aws.String("POST")})
	target.Refused(t, err, "NotFoundException", "Invalid Method identifier specified")
	got, err := x.GetMethod(x.ctx, &apigateway.GetMethodInput{RestApiId: x.api, ResourceId: x.root, HttpMethod: aws.String("GET")})
	target.Must(t, err)
	if got.MethodIntegration.Type != types.IntegrationTypeMock || got.MethodIntegration.IntegrationResponses["200"].ResponseParameters["method.response.header.X-From"] != "'mock'" {
		t.Errorf("integration %+v", got.MethodIntegration)
	}
}

// https://docs.aws.amazon.com/apigateway/latest/api/API_TestInvokeMethod.html
func TestMock(t *testing.T) {
	x := open(t)
	x.mock(x.root, "GET", "418")
	out, err := x.TestInvokeMethod(x.ctx, &apigateway.TestInvokeMethodInput{RestApiId: x.api, ResourceId: x.root, HttpMethod: aws.String("GET")})
	target.Must(t, err)
	if out.Status != 418 || out.Headers["X-From"] != "mock" {
		t.Errorf("answered %d with %v: %s", out.Status, out.Headers, aws.ToString(out.Body))
	}
	if log := aws.ToString(out.Log); !strings.Contains(log, "Execution log for request") {
		t.Errorf("logged %s", log)
	}
}

// https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-deploy-api.html
func TestDeployments(t *testing.T) {
	x := open(t)
	_, err := x.CreateDeployment(x.ctx, &apigateway.CreateDeploymentInput{RestApiId: x.api, StageName: aws.String("one")})
	target.Refused(t, err, "BadRequestException", "The REST API doesn't contain any methods")
	x.mock(x.root, "GET", "200")
	made, err := x.CreateDeployment(x.ctx, &apigateway.CreateDeploymentInput{RestApiId: x.api, StageName: aws.String("one")})
	target.Must(t, err)
	stage, err := x.GetStage(x.ctx, &apigateway.GetStageInput{RestApiId: x.api, StageName: aws.String("one")})
	target.Must(t, err)
	if *stage.DeploymentId != *made.Id {
		t.Errorf("the stage has deployment %s, want %s", *stage.DeploymentId, *made.Id)
	}
	_, err = x.CreateStage(x.ctx, &apigateway.CreateStageInput{RestApiId: x.api, StageName: aws.String("one"), DeploymentId: made.Id})
	target.Refused(t, err, "ConflictException", "Stage already exists")
	_, err = x.DeleteDeployment(x.ctx, &apigateway.DeleteDeploymentInput{RestApiId: x.api, DeploymentId: made.Id})
	target.Refused(t, err, "BadRequestException", "Active stages pointing to this deployment must be moved or deleted")
	_, err = x.DeleteStage(x.ctx, &apigateway.DeleteStageInput{RestApiId: x.api, StageName: aws.String("one")})
	target.Must(t, err)
	_, err = x.GetStage(x.ctx, &apigateway.GetStageInput{RestApiId: x.api, StageName: aws.String("one")})
	target.Refused(t, err, "NotFoundException", "Invalid stage identifier specified")
	_, err = x.DeleteDeployment(x.ctx, &apigateway.DeleteDeploymentInput{RestApiId: x.api, DeploymentId: made.Id})
	target.Must(t, err)
}
