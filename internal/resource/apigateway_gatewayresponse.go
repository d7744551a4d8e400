package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/stack"
)

// gatewayResponse is AWS::ApiGateway::GatewayResponse. Ref is an id of
// CloudFormation's own.
type gatewayResponse struct{ base }

func (g gatewayResponse) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	var in apigateway.PutGatewayResponseRequest
	if err := bind(&in, r.Properties); err != nil {
		return stack.Progress{}, err
	}
	if err := run(ctx, g.base, apigateway.PutGatewayResponse, &in); err != nil {
		return stack.Progress{}, err
	}
	return stack.Progress{PhysicalID: r.PhysicalID, Attrs: stack.Attrs{"Id": r.PhysicalID}}, nil
}

// Update puts the whole response again.
func (g gatewayResponse) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return g.Create(ctx, r)
}

func (g gatewayResponse) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	api, kind := text(r.Properties, "RestApiId"), text(r.Properties, "ResponseType")
	return gone(run(ctx, g.base, apigateway.DeleteGatewayResponse, &apigateway.DeleteGatewayResponseRequest{RestApiId: &api, ResponseType: &kind}))
}

func (g gatewayResponse) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	api, kind := text(r.Properties, "RestApiId"), text(r.Properties, "ResponseType")
	if err := run(ctx, g.base, apigateway.GetGatewayResponse, &apigateway.GetGatewayResponseRequest{RestApiId: &api, ResponseType: &kind}); err != nil {
		return nil, found(err)
	}
	return stack.Attrs{"Id": r.PhysicalID}, nil
}
