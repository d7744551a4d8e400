package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/stack"
)

// httpAuthorizer is AWS::ApiGatewayV2::Authorizer. Ref is its id.
type httpAuthorizer struct{ base }

// Create makes an authorizer. A repeated creation finds it by its name, which no
// two of an API share.
func (h httpAuthorizer) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := apigatewayv2.CreateAuthorizerRequest{}
	if err := bind(&in, r.Properties); err != nil {
		return stack.Progress{}, err
	}
	out, err := do(ctx, h.base, apigatewayv2.CreateAuthorizer, &in)
	if r.Again && present(err) {
		had, err := first(func(token *string) ([]apigatewayv2.Authorizer, *string, error) {
			out, err := do(ctx, h.base, apigatewayv2.GetAuthorizers, &apigatewayv2.GetAuthorizersRequest{ApiId: in.ApiId, NextToken: token})
			if err != nil {
				return nil, nil, err
			}
			return out.Items, out.NextToken, nil
		}, func(x *apigatewayv2.Authorizer) bool { return val(x.Name) == val(in.Name) })
		if err != nil || had == nil {
			return stack.Progress{}, err
		}
		r.PhysicalID = val(had.AuthorizerId)
		return h.Update(ctx, r)
	}
	if err != nil {
		return stack.Progress{}, err
	}
	return httpAuthorizerProgress(val(out.AuthorizerId)), nil
}

func httpAuthorizerProgress(id string) stack.Progress {
	return stack.Progress{PhysicalID: id, Attrs: stack.Attrs{"AuthorizerId": id}}
}

func (h httpAuthorizer) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := apigatewayv2.UpdateAuthorizerRequest{AuthorizerId: &r.PhysicalID, IdentitySource: []string{}, AuthorizerResultTtlInSeconds: ptr(int32(0)), AuthorizerCredentialsArn: taken(r, "AuthorizerCredentialsArn")}
	if r.Old.Has("EnableSimpleResponses") {
		in.EnableSimpleResponses = ptr(false)
	}
	if err := bind(&in, r.Properties); err != nil {
		return stack.Progress{PhysicalID: r.PhysicalID}, err
	}
	return httpAuthorizerProgress(r.PhysicalID), run(ctx, h.base, apigatewayv2.UpdateAuthorizer, &in)
}

func (h httpAuthorizer) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	api := text(r.Properties, "ApiId")
	return gone(run(ctx, h.base, apigatewayv2.DeleteAuthorizer, &apigatewayv2.DeleteAuthorizerRequest{ApiId: &api, AuthorizerId: &r.PhysicalID}))
}

func (h httpAuthorizer) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	api := text(r.Properties, "ApiId")
	if err := run(ctx, h.base, apigatewayv2.GetAuthorizer, &apigatewayv2.GetAuthorizerRequest{ApiId: &api, AuthorizerId: &r.PhysicalID}); err != nil {
		return nil, found(err)
	}
	return httpAuthorizerProgress(r.PhysicalID).Attrs, nil
}
