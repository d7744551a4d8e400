package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/stack"
)

// requestValidator is AWS::ApiGateway::RequestValidator. Ref is its id.
type requestValidator struct{ base }

// Create makes a validator. One without a name gets the name of the resource,
// so that a repeated creation finds it.
func (v requestValidator) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	api, name := text(r.Properties, "RestApiId"), text(r.Properties, "Name")
	if name == "" {
		name = r.PhysicalID
	}
	if r.Again {
		id, err := v.find(ctx, api, name)
		if err != nil || id != "" {
			return validatorProgress(id), err
		}
	}
	in := apigateway.CreateRequestValidatorRequest{Name: &name}
	if err := bind(&in, r.Properties); err != nil {
		return stack.Progress{}, err
	}
	out, err := do(ctx, v.base, apigateway.CreateRequestValidator, &in)
	if err != nil {
		return stack.Progress{}, err
	}
	return validatorProgress(val(out.Id)), nil
}

func validatorProgress(id string) stack.Progress {
	return stack.Progress{PhysicalID: id, Attrs: stack.Attrs{"RequestValidatorId": id}}
}

func (v requestValidator) find(ctx context.Context, api, name string) (string, error) {
	var position *string
	for {
		out, err := do(ctx, v.base, apigateway.GetRequestValidators, &apigateway.GetRequestValidatorsRequest{RestApiId: &api, Position: position, Limit: ptr(int32(500))})
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

func (v requestValidator) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done := validatorProgress(r.PhysicalID)
	var p patch
	p.scalar(r.Old, r.Properties, "ValidateRequestBody", "/validateRequestBody", "false")
	p.scalar(r.Old, r.Properties, "ValidateRequestParameters", "/validateRequestParameters", "false")
	if len(p) == 0 {
		return done, nil
	}
	api := text(r.Properties, "RestApiId")
	return done, run(ctx, v.base, apigateway.UpdateRequestValidator, &apigateway.UpdateRequestValidatorRequest{
		RestApiId: &api, RequestValidatorId: &r.PhysicalID, PatchOperations: p,
	})
}

func (v requestValidator) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	api := text(r.Properties, "RestApiId")
	return gone(run(ctx, v.base, apigateway.DeleteRequestValidator, &apigateway.DeleteRequestValidatorRequest{RestApiId: &api, RequestValidatorId: &r.PhysicalID}))
}

func (v requestValidator) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	api := text(r.Properties, "RestApiId")
	if err := run(ctx, v.base, apigateway.GetRequestValidator, &apigateway.GetRequestValidatorRequest{RestApiId: &api, RequestValidatorId: &r.PhysicalID}); err != nil {
		return nil, found(err)
	}
	return validatorProgress(r.PhysicalID).Attrs, nil
}
