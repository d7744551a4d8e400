package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/stack"
)

// apiMapping is AWS::ApiGatewayV2::ApiMapping. Ref is its id.
type apiMapping struct{ base }

// Create makes a mapping. A repeated creation finds it by its key, which no two
// of a domain name share.
func (m apiMapping) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := apigatewayv2.CreateApiMappingRequest{}
	if err := bind(&in, r.Properties); err != nil {
		return stack.Progress{}, err
	}
	out, err := do(ctx, m.base, apigatewayv2.CreateApiMapping, &in)
	if r.Again && present(err) {
		had, err := first(func(token *string) ([]apigatewayv2.ApiMapping, *string, error) {
			out, err := do(ctx, m.base, apigatewayv2.GetApiMappings, &apigatewayv2.GetApiMappingsRequest{DomainName: in.DomainName, NextToken: token})
			if err != nil {
				return nil, nil, err
			}
			return out.Items, out.NextToken, nil
		}, func(x *apigatewayv2.ApiMapping) bool { return val(x.ApiMappingKey) == val(in.ApiMappingKey) })
		if err != nil || had == nil {
			return stack.Progress{}, err
		}
		r.PhysicalID = val(had.ApiMappingId)
		return m.Update(ctx, r)
	}
	if err != nil {
		return stack.Progress{}, err
	}
	return apiMappingProgress(val(out.ApiMappingId)), nil
}

func apiMappingProgress(id string) stack.Progress {
	return stack.Progress{PhysicalID: id, Attrs: stack.Attrs{"ApiMappingId": id}}
}

func (m apiMapping) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := apigatewayv2.UpdateApiMappingRequest{ApiMappingId: &r.PhysicalID, ApiMappingKey: ptr("")}
	if err := bind(&in, r.Properties); err != nil {
		return stack.Progress{PhysicalID: r.PhysicalID}, err
	}
	return apiMappingProgress(r.PhysicalID), run(ctx, m.base, apigatewayv2.UpdateApiMapping, &in)
}

func (m apiMapping) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	domain := text(r.Properties, "DomainName")
	return gone(run(ctx, m.base, apigatewayv2.DeleteApiMapping, &apigatewayv2.DeleteApiMappingRequest{DomainName: &domain, ApiMappingId: &r.PhysicalID}))
}

func (m apiMapping) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	domain := text(r.Properties, "DomainName")
	if err := run(ctx, m.base, apigatewayv2.GetApiMapping, &apigatewayv2.GetApiMappingRequest{DomainName: &domain, ApiMappingId: &r.PhysicalID}); err != nil {
		return nil, found(err)
	}
	return apiMappingProgress(r.PhysicalID).Attrs, nil
}
