package apigatewayv2

import (
	"context"
	"encoding/json"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// Models of HTTP APIs are kept and shown; nothing validates with them, on AWS
// neither.

func (s *Service) registerModels() {
	awsapi.Handle(s.api, shapes.CreateModel, on("POST", func(in *shapes.CreateModelRequest) string { return apiPath(in.ApiId) + "/models" }), s.createModel)
	awsapi.Handle(s.api, shapes.GetModel, on("GET", func(in *shapes.GetModelRequest) string { return modelPath(in.ApiId, in.ModelId) }), s.getModel)
	awsapi.Handle(s.api, shapes.GetModels, on("GET", func(in *shapes.GetModelsRequest) string { return apiPath(in.ApiId) + "/models" }), s.getModels)
	awsapi.Handle(s.api, shapes.GetModelTemplate, on("GET", func(in *shapes.GetModelTemplateRequest) string { return modelPath(in.ApiId, in.ModelId) + "/template" }), s.getModelTemplate)
	awsapi.Handle(s.api, shapes.UpdateModel, on("PATCH", func(in *shapes.UpdateModelRequest) string { return modelPath(in.ApiId, in.ModelId) }), s.updateModel)
	awsapi.Handle(s.api, shapes.DeleteModel, on("DELETE", func(in *shapes.DeleteModelRequest) string { return modelPath(in.ApiId, in.ModelId) }), s.deleteModel)
}

func modelPath(api, id *string) string { return apiPath(api) + "/models/" + value(id) }

func noSuchModel() *fault.Error { return notFound("Invalid Model identifier specified") }

// soundModel refuses a model that another of the API has the name of, or whose
// schema is not JSON.
func (c *change) soundModel(m *shapes.ModelShape) error {
	if text := value(m.Schema); text != "" && !json.Valid([]byte(text)) {
		return badRequest("Model Schema must be a valid JSON Schema")
	}
	all, err := listTx[shapes.ModelShape](c.Tx, c.parts(modelKind, *c.api.ApiId))
	if err != nil {
		return err
	}
	for _, other := range all {
		if *other.Name == *m.Name && *other.ModelId != *m.ModelId {
			return conflict("Model name already exists for this API: %s", *m.Name)
		}
	}
	return nil
}

func (s *Service) createModel(ctx context.Context, in *shapes.CreateModelRequest) (*shapes.CreateModelResponse, error) {
	m := &shapes.ModelShape{ModelId: ptr(newID(6))}
	merge(m, in)
	m.ContentType = orDefault(m.ContentType, "application/json")
	err := s.update(ctx, in.ApiId, func(c *change) error {
		if err := c.soundModel(m); err != nil {
			return err
		}
		return jsonrow.Set(c.Tx, c.part(modelKind, *in.ApiId, *m.ModelId), m)
	})
	out := shapes.CreateModelResponse(*m)
	return &out, err
}

func (s *Service) getModel(ctx context.Context, in *shapes.GetModelRequest) (*shapes.GetModelResponse, error) {
	m, err := getPart[shapes.ModelShape](ctx, s, modelKind, in.ApiId, in.ModelId, noSuchModel())
	if err != nil {
		return nil, err
	}
	out := shapes.GetModelResponse(*m)
	return &out, nil
}

func (s *Service) getModels(ctx context.Context, in *shapes.GetModelsRequest) (*shapes.GetModelsResponse, error) {
	items, next, err := pageOfParts[shapes.ModelShape](ctx, s, modelKind, in.ApiId, in.NextToken, in.MaxResults)
	return &shapes.GetModelsResponse{Items: items, NextToken: next}, err
}

func (s *Service) getModelTemplate(ctx context.Context, in *shapes.GetModelTemplateRequest) (*shapes.GetModelTemplateResponse, error) {
	m, err := getPart[shapes.ModelShape](ctx, s, modelKind, in.ApiId, in.ModelId, noSuchModel())
	if err != nil {
		return nil, err
	}
	return &shapes.GetModelTemplateResponse{Value: m.Schema}, nil
}

func (s *Service) updateModel(ctx context.Context, in *shapes.UpdateModelRequest) (*shapes.UpdateModelResponse, error) {
	m, err := changePart(ctx, s, modelKind, in.ApiId, in.ModelId, noSuchModel(), func(c *change, m *shapes.ModelShape) error {
		merge(m, in)
		return c.soundModel(m)
	})
	if err != nil {
		return nil, err
	}
	out := shapes.UpdateModelResponse(*m)
	return &out, nil
}

func (s *Service) deleteModel(ctx context.Context, in *shapes.DeleteModelRequest) (*schema.Empty, error) {
	return nil, s.update(ctx, in.ApiId, func(c *change) error {
		if _, err := part[shapes.ModelShape](c.Tx, c.space, modelKind, *in.ApiId, *in.ModelId, noSuchModel()); err != nil {
			return err
		}
		c.Delete(c.part(modelKind, *in.ApiId, *in.ModelId))
		return nil
	})
}
