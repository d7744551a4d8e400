package resource

import (
	"context"
	"errors"

	"github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/stack"
)

// apiResource is AWS::ApiGateway::Resource: a part of a path. Ref is its id.
type apiResource struct{ base }

func (a apiResource) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	var in apigateway.CreateResourceRequest
	if err := bind(&in, r.Properties); err != nil {
		return stack.Progress{}, err
	}
	out, err := do(ctx, a.base, apigateway.CreateResource, &in)
	if r.Again && present(err) {
		out, err = a.find(ctx, &in)
	}
	if err != nil {
		return stack.Progress{}, err
	}
	return stack.Progress{PhysicalID: val(out.Id), Attrs: stack.Attrs{"ResourceId": val(out.Id)}}, nil
}

// find returns the child of a resource with a path part.
func (a apiResource) find(ctx context.Context, in *apigateway.CreateResourceRequest) (*apigateway.Resource, error) {
	var position *string
	for {
		out, err := do(ctx, a.base, apigateway.GetResources, &apigateway.GetResourcesRequest{RestApiId: in.RestApiId, Position: position, Limit: ptr(int32(500))})
		if err != nil {
			return nil, err
		}
		for i := range out.Items {
			if x := &out.Items[i]; val(x.ParentId) == val(in.ParentId) && val(x.PathPart) == val(in.PathPart) {
				return x, nil
			}
		}
		if position = out.Position; position == nil {
			return nil, stack.ErrNotFound
		}
	}
}

// Update is never called: every property makes a new resource.
func (a apiResource) Update(context.Context, stack.Request) (stack.Progress, error) {
	return stack.Progress{}, errors.New("a resource of an API cannot be changed")
}

func (a apiResource) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	api := text(r.Properties, "RestApiId")
	return gone(run(ctx, a.base, apigateway.DeleteResource, &apigateway.DeleteResourceRequest{RestApiId: &api, ResourceId: &r.PhysicalID}))
}

func (a apiResource) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	api := text(r.Properties, "RestApiId")
	if err := run(ctx, a.base, apigateway.GetResource, &apigateway.GetResourceRequest{RestApiId: &api, ResourceId: &r.PhysicalID}); err != nil {
		return nil, found(err)
	}
	return stack.Attrs{"ResourceId": r.PhysicalID}, nil
}
