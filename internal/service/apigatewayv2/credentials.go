package apigatewayv2

import (
	"context"
	"fmt"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
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

// soundCredentials refuses credentials that are no role.
// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-integrations.html
func soundCredentials(role *string) error {
	a := arn.ARN(value(role))
	switch {
	case a == "":
		return nil
	case strings.HasSuffix(a.String(), ":user/*"):
		return refused("the caller's own credentials: %s. A role of API Gateway's, or the function's resource policy, decides who may call it.", a)
	case a.Service() != "iam" || a.ResourceType() != "role":
		return badRequest("Invalid ARN specified in the request: %s. The credentials are the ARN of a role", a)
	}
	return nil
}

// passing adds the permission to give API Gateway a role to what an operation
// takes.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
//
//go:noinline
func passing[I any](access func(context.Context, I) ([]awsapi.Access, error), role func(I) *string) func(context.Context, I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in I) ([]awsapi.Access, error) {
		needs, err := access(ctx, in)
		if a := value(role(in)); a != "" && err == nil {
			needs = append(needs, passRole(a))
		}
		return needs, err
	}
}

func passRole(role string) awsapi.Access {
	return awsapi.Access{Action: "iam:PassRole", Resource: arn.ARN(role), Keys: policy.KeyMap{"iam:passedtoservice": policy.One(service)}}
}

// acting is who calls a function: API Gateway on behalf of what source names, for
// the function's resource policy to judge, or the role that it was given, which
// has policies of its own.
func (x *exchange) acting(ctx context.Context, source arn.ARN, credentials *string) (awsapi.Actor, error) {
	account := x.target.Scope.Account
	role := arn.ARN(value(credentials))
	if role == "" {
		return awsapi.ServiceActor(account, service, source), nil
	}
	if x.s.Roles != nil {
		ok, err := x.s.Roles.AssumableBy(ctx, role, service, source)
		if err != nil {
			return awsapi.Actor{}, fmt.Errorf("role %s: %w", role, err)
		}
		if !ok {
			return awsapi.Actor{}, fmt.Errorf("the role %s cannot be assumed by %s", role, service)
		}
	}
	scope := arn.Scope{Partition: role.Partition(), Account: role.Account()}
	return awsapi.Actor{Account: role.Account(), Principal: policy.Principal{ARN: scope.AssumedRole(role.Name(), "BackplaneAssumeRoleSession"), Issuer: role}}, nil
}
