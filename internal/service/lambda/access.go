package lambda

import (
	"context"
	"strconv"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/policy"
)

// Actions and resources:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html

// on is the access function of operations on a function.
//
//go:noinline
func on[I any](action string, name func(I) *string) func(context.Context, I) ([]awsapi.Access, error) {
	return onVersion(action, func(in I) (_, _ *string) { return name(in), nil })
}

// onVersion is the access function of operations on a function, version or
// alias.
//
//go:noinline
func onVersion[I any](action string, name func(I) (name, qualifier *string)) func(context.Context, I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in I) ([]awsapi.Access, error) {
		n, q := name(in)
		r, err := parseRef(ctx, n, q)
		if err != nil {
			return nil, err
		}
		return []awsapi.Access{{Action: "lambda:" + action, Resource: r.arn(awsapi.From(ctx).Scope)}}, nil
	}
}

// onARN is the access function of operations on what an ARN names.
//
//go:noinline
func onARN[I any](action string, name func(I) *string) func(context.Context, I) ([]awsapi.Access, error) {
	return func(_ context.Context, in I) ([]awsapi.Access, error) {
		return []awsapi.Access{{Action: "lambda:" + action, Resource: arn.ARN(value(name(in)))}}, nil
	}
}

// onLayer is the access function of operations on a layer or its version.
//
//go:noinline
func onLayer[I any](action string, name func(I) (*string, *int64)) func(context.Context, I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in I) ([]awsapi.Access, error) {
		scope := awsapi.From(ctx).Scope
		n, v := name(in)
		layer := layerName(value(n))
		resource := scope.Layer(layer)
		if v != nil {
			resource = scope.LayerVersion(layer, strconv.FormatInt(*v, 10))
		}
		return []awsapi.Access{{Action: "lambda:" + action, Resource: resource}}, nil
	}
}

// accessCreate: who gives a role to a function acts with the role, and must be
// allowed to pass it.
func (s *Service) accessCreate(ctx context.Context, in *shapes.CreateFunctionRequest) ([]awsapi.Access, error) {
	r, err := parseRef(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	need := []awsapi.Access{{Action: "lambda:CreateFunction", Resource: r.arn(awsapi.From(ctx).Scope), Keys: layerKeys(in.Layers)}}
	return append(need, passRole(in.Role)...), nil
}

func (s *Service) accessConfigure(ctx context.Context, in *shapes.UpdateFunctionConfigurationRequest) ([]awsapi.Access, error) {
	r, err := parseRef(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	need := []awsapi.Access{{Action: "lambda:UpdateFunctionConfiguration", Resource: r.arn(awsapi.From(ctx).Scope), Keys: layerKeys(in.Layers)}}
	return append(need, passRole(in.Role)...), nil
}

func layerKeys(layers []string) policy.Keys {
	if layers == nil {
		return nil
	}
	return policy.KeyMap{"lambda:layer": policy.Many(layers...)}
}

func passRole(role *string) []awsapi.Access {
	if value(role) == "" {
		return nil
	}
	return []awsapi.Access{{Action: "iam:PassRole", Resource: arn.ARN(*role), Keys: policy.KeyMap{"iam:passedtoservice": policy.One("lambda.amazonaws.com")}}}
}
