package apigateway

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/policy"
)

// service is API Gateway as a principal.
const service = "apigateway.amazonaws.com"

// Roles knows which roles services may assume.
type Roles interface {
	// AssumableBy reports whether the trust policy of a role lets a service
	// assume it for a resource; false for a role that does not exist.
	AssumableBy(ctx context.Context, role arn.ARN, service string, source arn.ARN) (bool, error)
}

// callersOwn reports whether credentials are those of who made the request,
// which are named arn:aws:iam::*:user/*.
func callersOwn(credentials string) bool { return strings.HasSuffix(credentials, ":iam::*:user/*") }

// soundCredentials refuses what is neither a role, nor will be one once the
// stage's variables are filled in, nor the caller's own.
// https://docs.aws.amazon.com/apigateway/latest/api/API_PutIntegration.html
// https://docs.aws.amazon.com/apigateway/latest/developerguide/aws-api-gateway-stage-variables-reference.html
func soundCredentials(credentials string) error {
	a := arn.ARN(credentials)
	if credentials == "" || callersOwn(credentials) || a.Service() == "iam" && (a.ResourceType() == "role" || strings.Contains(credentials, "${stageVariables.")) {
		return nil
	}
	return badRequest("Invalid ARN specified in the request: %s. The credentials are the ARN of a role, or arn:aws:iam::*:user/* for the caller's own", credentials)
}

// passing adds the permission to give API Gateway a role to what an operation
// takes.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
//
//go:noinline
func passing[I any](access func(context.Context, I) ([]awsapi.Access, error), credentials func(I) string) func(context.Context, I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in I) ([]awsapi.Access, error) {
		needs, err := access(ctx, in)
		if role := credentials(in); role != "" && !callersOwn(role) && err == nil {
			needs = append(needs, awsapi.Access{Action: "iam:PassRole", Resource: arn.ARN(role), Keys: policy.KeyMap{"iam:passedtoservice": policy.One(service)}})
		}
		return needs, err
	}
}

// patched are the credentials that an update sets.
func patched(in *shapes.UpdateIntegrationRequest) string {
	credentials := ""
	for _, p := range in.PatchOperations {
		if value(p.Path) == "/credentials" {
			credentials = value(p.Value)
		}
	}
	return credentials
}

// as is the call of an integration's function: by API Gateway on behalf of the
// method, for the function's resource policy to judge; or by the role that the
// integration was given, or by who made the request, both of whom have policies
// of their own.
// https://docs.aws.amazon.com/apigateway/latest/api/API_Integration.html#apigw-Type-Integration-credentials
func (x *exchange) as(ctx context.Context, credentials string) (context.Context, error) {
	account, role := x.target.Scope.Account, arn.ARN(x.expand(credentials))
	if callersOwn(credentials) {
		if x.actor.Principal.ARN == "" {
			return nil, errors.New("the integration is called with the caller's credentials, and the method does not ask for any")
		}
		return x.called(ctx), nil
	}
	actor := awsapi.ServiceActor(account, service, x.executeARN())
	if role != "" {
		ok, err := true, error(nil)
		if x.s.roles != nil {
			ok, err = x.s.roles.AssumableBy(ctx, role, service, x.executeARN())
		}
		if err != nil {
			return nil, fmt.Errorf("role %s: %w", role, err)
		}
		if !ok {
			return nil, fmt.Errorf("API Gateway does not have permission to assume the provided role %s", role)
		}
		scope := arn.Scope{Partition: role.Partition(), Account: role.Account()}
		actor = awsapi.Actor{Account: role.Account(), Principal: policy.Principal{ARN: scope.AssumedRole(role.Name(), "BackplaneAssumeRoleSession"), Issuer: role}}
	}
	return awsapi.With(ctx, &awsapi.Call{ID: x.id, Scope: x.target.Scope, Actor: actor}), nil
}
