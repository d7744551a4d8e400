package resource

import (
	"context"
	"slices"

	"github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/stack"
)

// apiAuthorizer is AWS::ApiGateway::Authorizer. Ref is its id.
type apiAuthorizer struct{ base }

// Create makes an authorizer. Its name is the only one of its API, by which a
// repeated creation finds it.
func (a apiAuthorizer) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	api := text(r.Properties, "RestApiId")
	if r.Again {
		id, err := a.find(ctx, api, text(r.Properties, "Name"))
		if err != nil || id != "" {
			return authorizerProgress(id), err
		}
	}
	var in apigateway.CreateAuthorizerRequest
	if err := bind(&in, r.Properties); err != nil {
		return stack.Progress{}, err
	}
	out, err := do(ctx, a.base, apigateway.CreateAuthorizer, &in)
	if err != nil {
		return stack.Progress{}, err
	}
	return authorizerProgress(val(out.Id)), nil
}

func authorizerProgress(id string) stack.Progress {
	return stack.Progress{PhysicalID: id, Attrs: stack.Attrs{"AuthorizerId": id}}
}

func (a apiAuthorizer) find(ctx context.Context, api, name string) (string, error) {
	var position *string
	for {
		out, err := do(ctx, a.base, apigateway.GetAuthorizers, &apigateway.GetAuthorizersRequest{RestApiId: &api, Position: position, Limit: ptr(int32(500))})
		if err != nil {
			return "", err
		}
		for _, x := range out.Items {
			if val(x.Name) == name {
				return val(x.Id), nil
			}
		}
		if position = out.Position; position == nil {
			return "", nil
		}
	}
}

func (a apiAuthorizer) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done := authorizerProgress(r.PhysicalID)
	var p patch
	for _, x := range []struct{ property, path, fallback string }{
		{"Name", "/name", ""}, {"Type", "/type", ""}, {"AuthType", "/authType", "custom"}, {"AuthorizerUri", "/authorizerUri", ""},
		{"IdentitySource", "/identitySource", ""}, {"IdentityValidationExpression", "/identityValidationExpression", ""},
		{"AuthorizerResultTtlInSeconds", "/authorizerResultTtlInSeconds", "300"},
	} {
		p.scalar(r.Old, r.Properties, x.property, x.path, x.fallback)
	}
	was, is := texts(r.Old, "ProviderARNs"), texts(r.Properties, "ProviderARNs")
	for _, arn := range is {
		if !slices.Contains(was, arn) {
			p.addTo("add", "/providerARNs", arn)
		}
	}
	for _, arn := range was {
		if !slices.Contains(is, arn) {
			p.addTo("remove", "/providerARNs", arn)
		}
	}
	if len(p) == 0 {
		return done, nil
	}
	api := text(r.Properties, "RestApiId")
	return done, run(ctx, a.base, apigateway.UpdateAuthorizer, &apigateway.UpdateAuthorizerRequest{RestApiId: &api, AuthorizerId: &r.PhysicalID, PatchOperations: p})
}

func (a apiAuthorizer) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	api := text(r.Properties, "RestApiId")
	return gone(run(ctx, a.base, apigateway.DeleteAuthorizer, &apigateway.DeleteAuthorizerRequest{RestApiId: &api, AuthorizerId: &r.PhysicalID}))
}

func (a apiAuthorizer) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	api := text(r.Properties, "RestApiId")
	if err := run(ctx, a.base, apigateway.GetAuthorizer, &apigateway.GetAuthorizerRequest{RestApiId: &api, AuthorizerId: &r.PhysicalID}); err != nil {
		return nil, found(err)
	}
	return authorizerProgress(r.PhysicalID).Attrs, nil
}
