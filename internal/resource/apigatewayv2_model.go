package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/stack"
)

// httpModel is AWS::ApiGatewayV2::Model. Ref is its id.
type httpModel struct{ base }

// Create makes a model. A repeated creation finds it by its name, which no two of
// an API share.
func (h httpModel) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := apigatewayv2.CreateModelRequest{}
	if err := bind(&in, r.Properties); err != nil {
		return stack.Progress{}, err
	}
	out, err := do(ctx, h.base, apigatewayv2.CreateModel, &in)
	if r.Again && present(err) {
		had, err := first(func(token *string) ([]apigatewayv2.ModelShape, *string, error) {
			out, err := do(ctx, h.base, apigatewayv2.GetModels, &apigatewayv2.GetModelsRequest{ApiId: in.ApiId, NextToken: token})
			if err != nil {
				return nil, nil, err
			}
			return out.Items, out.NextToken, nil
		}, func(x *apigatewayv2.ModelShape) bool { return val(x.Name) == val(in.Name) })
		if err != nil || had == nil {
			return stack.Progress{}, err
		}
		r.PhysicalID = val(had.ModelId)
		return h.Update(ctx, r)
	}
	if err != nil {
		return stack.Progress{}, err
	}
	return httpModelProgress(val(out.ModelId)), nil
}

func httpModelProgress(id string) stack.Progress {
	return stack.Progress{PhysicalID: id, Attrs: stack.Attrs{"ModelId": id}}
}

func (h httpModel) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := apigatewayv2.UpdateModelRequest{ModelId: &r.PhysicalID, Description: taken(r, "Description"), ContentType: ptr("application/json")}
	if err := bind(&in, r.Properties); err != nil {
		return stack.Progress{PhysicalID: r.PhysicalID}, err
	}
	return httpModelProgress(r.PhysicalID), run(ctx, h.base, apigatewayv2.UpdateModel, &in)
}

func (h httpModel) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	api := text(r.Properties, "ApiId")
	return gone(run(ctx, h.base, apigatewayv2.DeleteModel, &apigatewayv2.DeleteModelRequest{ApiId: &api, ModelId: &r.PhysicalID}))
}

func (h httpModel) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	api := text(r.Properties, "ApiId")
	if err := run(ctx, h.base, apigatewayv2.GetModel, &apigatewayv2.GetModelRequest{ApiId: &api, ModelId: &r.PhysicalID}); err != nil {
		return nil, found(err)
	}
	return httpModelProgress(r.PhysicalID).Attrs, nil
}
