package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/stack"
)

// httpRoute is AWS::ApiGatewayV2::Route. Ref is its id.
type httpRoute struct{ base }

// refusedOfRoute: these belong to WebSocket APIs.
func refusedOfRoute() []string {
	return []string{"ModelSelectionExpression", "RequestModels", "RequestParameters", "RouteResponseSelectionExpression"}
}

// Create makes a route. A repeated creation finds it by its key, which no two
// routes of an API share.
func (h httpRoute) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := apigatewayv2.CreateRouteRequest{}
	if err := bind(&in, r.Properties); err != nil {
		return stack.Progress{}, err
	}
	out, err := do(ctx, h.base, apigatewayv2.CreateRoute, &in)
	if r.Again && present(err) {
		had, err := first(func(token *string) ([]apigatewayv2.Route, *string, error) {
			out, err := do(ctx, h.base, apigatewayv2.GetRoutes, &apigatewayv2.GetRoutesRequest{ApiId: in.ApiId, NextToken: token})
			if err != nil {
				return nil, nil, err
			}
			return out.Items, out.NextToken, nil
		}, func(x *apigatewayv2.Route) bool { return val(x.RouteKey) == val(in.RouteKey) })
		if err != nil || had == nil {
			return stack.Progress{}, err
		}
		r.PhysicalID = val(had.RouteId)
		return h.Update(ctx, r)
	}
	if err != nil {
		return stack.Progress{}, err
	}
	return routeProgress(val(out.RouteId)), nil
}

func routeProgress(id string) stack.Progress {
	return stack.Progress{PhysicalID: id, Attrs: stack.Attrs{"RouteId": id}}
}

func (h httpRoute) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := apigatewayv2.UpdateRouteRequest{
		RouteId: &r.PhysicalID, AuthorizationType: ptr("NONE"), AuthorizationScopes: []string{}, AuthorizerId: ptr(""), Target: ptr(""), ApiKeyRequired: ptr(false),
		OperationName: taken(r, "OperationName"),
	}
	if err := bind(&in, r.Properties); err != nil {
		return stack.Progress{PhysicalID: r.PhysicalID}, err
	}
	return routeProgress(r.PhysicalID), run(ctx, h.base, apigatewayv2.UpdateRoute, &in)
}

func (h httpRoute) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	api := text(r.Properties, "ApiId")
	return gone(run(ctx, h.base, apigatewayv2.DeleteRoute, &apigatewayv2.DeleteRouteRequest{ApiId: &api, RouteId: &r.PhysicalID}))
}

func (h httpRoute) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	api := text(r.Properties, "ApiId")
	if err := run(ctx, h.base, apigatewayv2.GetRoute, &apigatewayv2.GetRouteRequest{ApiId: &api, RouteId: &r.PhysicalID}); err != nil {
		return nil, found(err)
	}
	return routeProgress(r.PhysicalID).Attrs, nil
}
