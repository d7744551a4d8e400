package cloudformation

import (
	"context"
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/cloudformation"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/stack"
)

// Service is CloudFormation.
type Service struct {
	api    *awsapi.Service
	engine *stack.Engine
	roles  Roles
}

// Roles makes the actor that a service role stands for, when its trust policy
// lets CloudFormation assume it. Nil refuses service roles.
type Roles interface {
	Assume(ctx context.Context, role arn.ARN, service, session string) (awsapi.Actor, error)
}

// New returns the service over an engine.
func New(e *stack.Engine, roles Roles) *Service {
	s := &Service{api: awsapi.NewService(&shapes.Model), engine: e, roles: roles}
	s.registerStacks()
	s.registerDescribe()
	s.registerResources()
	s.registerTemplates()
	s.registerChangeSets()
	s.registerExports()
	return s
}

// API returns the service for the front.
func (s *Service) API() *awsapi.Service { return s.api }

// on is the access function of an operation on a stack. Who passes a role needs
// the permission to pass it.
//
//go:noinline
func on[I any](action string, name, role func(I) *string) func(context.Context, I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in I) ([]awsapi.Access, error) {
		needs := []awsapi.Access{{Action: "cloudformation:" + action, Resource: stackARN(ctx, val(name(in)))}}
		if role != nil && role(in) != nil {
			needs = append(needs, awsapi.Access{
				Action: "iam:PassRole", Resource: arn.ARN(*role(in)),
				Keys: policy.KeyMap{"iam:passedtoservice": policy.One(principal)},
			})
		}
		return needs, nil
	}
}

// principal is CloudFormation as trust policies name it.
const principal = "cloudformation.amazonaws.com"

// stackARN is the resource of an operation on the stack with a name or id.
func stackARN(ctx context.Context, nameOrID string) arn.ARN {
	switch {
	case strings.HasPrefix(nameOrID, "arn:"):
		return arn.ARN(nameOrID)
	case nameOrID == "":
		return "*"
	}
	return awsapi.From(ctx).Scope.Stack(nameOrID, "*")
}

// actor is for whom an operation makes resources: the service role, if one is
// passed, else the caller.
func (s *Service) actor(ctx context.Context, role *string) (awsapi.Actor, error) {
	if val(role) == "" {
		return awsapi.From(ctx).Actor, nil
	}
	if s.roles == nil {
		return awsapi.Actor{}, invalid("RoleARN is not supported by this cloud")
	}
	return s.roles.Assume(ctx, arn.ARN(*role), principal, "AWSCloudFormation")
}

func scope(ctx context.Context) arn.Scope { return awsapi.From(ctx).Scope }

func val[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func ptr[T any](v T) *T { return &v }

// opt is nil for the zero value.
func opt[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// pageSize is how many items a page of a list has.
const pageSize = 100

// page cuts one page out of a list; a token is the index of its first item.
func page[T any](items []T, token *string) ([]T, *string, error) {
	from := 0
	if token != nil {
		n, err := strconv.Atoi(*token)
		if err != nil || n < 0 {
			return nil, nil, invalid("NextToken is invalid")
		}
		from = min(n, len(items))
	}
	to := min(from+pageSize, len(items))
	if to == len(items) {
		return items[from:], nil, nil
	}
	return items[from:to], ptr(strconv.Itoa(to)), nil
}
