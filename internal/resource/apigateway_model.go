package resource

import (
	"context"
	"strings"

	"github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/stack"
)

// model is AWS::ApiGateway::Model. Ref is its name.
type model struct{ base }

// nameOf is the model's name: letters and digits, also where it is made up.
func (m model) nameOf(r stack.Request) string {
	if r.Properties.Has("Name") {
		return r.PhysicalID
	}
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			return c
		}
		return -1
	}, r.PhysicalID)
}

func (m model) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	made := stack.Progress{PhysicalID: m.nameOf(r)}
	in := apigateway.CreateModelRequest{Name: &made.PhysicalID, ContentType: ptr("application/json")}
	if err := bind(&in, r.Properties, "Name"); err != nil {
		return stack.Progress{}, err
	}
	err := run(ctx, m.base, apigateway.CreateModel, &in)
	if r.Again && present(err) {
		return made, nil
	}
	if err != nil {
		return stack.Progress{}, err
	}
	return made, nil
}

func (m model) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done := stack.Progress{PhysicalID: r.PhysicalID}
	var p patch
	p.scalar(r.Old, r.Properties, "Description", "/description", "")
	if !same(r.Old, r.Properties, "Schema") {
		schema := "{}"
		if v := r.Properties.Get("Schema"); v != nil {
			schema = document(v)
		}
		p.add("replace", "/schema", schema)
	}
	if len(p) == 0 {
		return done, nil
	}
	api := text(r.Properties, "RestApiId")
	return done, run(ctx, m.base, apigateway.UpdateModel, &apigateway.UpdateModelRequest{RestApiId: &api, ModelName: &r.PhysicalID, PatchOperations: p})
}

func (m model) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	api := text(r.Properties, "RestApiId")
	return gone(run(ctx, m.base, apigateway.DeleteModel, &apigateway.DeleteModelRequest{RestApiId: &api, ModelName: &r.PhysicalID}))
}

func (m model) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	api := text(r.Properties, "RestApiId")
	return stack.Attrs{}, found(run(ctx, m.base, apigateway.GetModel, &apigateway.GetModelRequest{RestApiId: &api, ModelName: &r.PhysicalID}))
}
