package apigateway

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/service/apigateway/jsonschema"
)

func modelPath(api, name *string) string {
	return "/restapis/" + value(api) + "/models/" + value(name)
}

func (s *Service) registerModels() {
	awsapi.Handle(s.api, shapes.CreateModel, on("POST", func(in *shapes.CreateModelRequest) string {
		return "/restapis/" + value(in.RestApiId) + "/models"
	}), s.createModel)
	awsapi.Handle(s.api, shapes.GetModel, on("GET", func(in *shapes.GetModelRequest) string { return modelPath(in.RestApiId, in.ModelName) }), s.getModel)
	awsapi.Handle(s.api, shapes.GetModels, on("GET", func(in *shapes.GetModelsRequest) string {
		return "/restapis/" + value(in.RestApiId) + "/models"
	}), s.getModels)
	awsapi.Handle(s.api, shapes.UpdateModel, on("PATCH", func(in *shapes.UpdateModelRequest) string { return modelPath(in.RestApiId, in.ModelName) }), s.updateModel)
	awsapi.Handle(s.api, shapes.DeleteModel, on("DELETE", func(in *shapes.DeleteModelRequest) string { return modelPath(in.RestApiId, in.ModelName) }), s.deleteModel)
	awsapi.Handle(s.api, shapes.GetModelTemplate, on("GET", func(in *shapes.GetModelTemplateRequest) string {
		return modelPath(in.RestApiId, in.ModelName) + "/default_template"
	}), s.getModelTemplate)
}

func noSuchModel(name string) *fault.Error { return notFound("Invalid model name specified: %s", name) }

var modelName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-zA-Z0-9]+$`) })

// builtIn are the models that every API has from the beginning.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/models-mappings-models.html
func builtIn() []*shapes.ModelShape {
	const draft = "http://json-schema.org/draft-04/schema#"
	return []*shapes.ModelShape{
		{Id: ptr(newID(6)), Name: ptr("Empty"), ContentType: ptr("application/json"), Description: ptr("This is a default empty schema model"),
			Schema: ptr("{\n  \"$schema\": \"" + draft + "\",\n  \"title\" : \"Empty Schema\",\n  \"type\" : \"object\"\n}")},
		{Id: ptr(newID(6)), Name: ptr("Error"), ContentType: ptr("application/json"), Description: ptr("This is a default error schema model"),
			Schema: ptr("{\n  \"$schema\" : \"" + draft + "\",\n  \"title\" : \"Error Schema\",\n  \"type\" : \"object\",\n  \"properties\" : {\n    \"message\" : { \"type\" : \"string\" }\n  }\n}")},
	}
}

// https://docs.aws.amazon.com/apigateway/latest/api/API_CreateModel.html
func (s *Service) createModel(ctx context.Context, in *shapes.CreateModelRequest) (*shapes.ModelShape, error) {
	if !modelName().MatchString(*in.Name) {
		return nil, badRequest("Model name must be alphanumeric: %s", *in.Name)
	}
	if *in.ContentType == "" {
		return nil, badRequest("Model content type cannot be blank")
	}
	m := &shapes.ModelShape{Id: ptr(newID(6)), Name: in.Name, ContentType: in.ContentType, Description: in.Description, Schema: in.Schema}
	if value(m.Schema) == "" {
		m.Schema = ptr("{}")
	}
	err := s.update(ctx, *in.RestApiId, func(tx *kv.Tx, sp space, a *api) error {
		had, err := tx.Get(sp.part(modelKind, *a.Id, *in.Name))
		if err != nil {
			return err
		}
		if had != nil {
			return conflict("Model name already exists for this REST API")
		}
		if err := readable(tx, sp, *a.Id, m); err != nil {
			return err
		}
		return jsonrow.Set(tx, sp.part(modelKind, *a.Id, *in.Name), m)
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// readable refuses a schema that bodies could not be validated with. Only those
// of JSON are; what another media type's model says is kept, and means nothing.
func readable(tx *kv.Tx, sp space, apiID string, m *shapes.ModelShape) error {
	_, err := compileModel(*m.Schema, apiID, func(name string) (*shapes.ModelShape, error) {
		if name == *m.Name {
			return m, nil
		}
		return jsonrow.Load[shapes.ModelShape](tx, sp.part(modelKind, apiID, name))
	})
	if err != nil {
		return badRequest("Invalid model specified: Validation Result: warnings : [], errors : [Invalid model schema specified: %v]", err)
	}
	return nil
}

// compileModel compiles a model's schema. Other models of the API are referred
// to as https://apigateway.amazonaws.com/restapis/{api}/models/{name}.
func compileModel(text, apiID string, find func(name string) (*shapes.ModelShape, error)) (*jsonschema.Schema, error) {
	return jsonschema.Compile([]byte(text), func(uri string) ([]byte, error) {
		rest, ok := strings.CutPrefix(uri, "https://apigateway.amazonaws.com/restapis/")
		id, name, isModel := strings.Cut(rest, "/models/")
		if !ok || !isModel {
			return nil, fmt.Errorf("the reference %s is not of the form https://apigateway.amazonaws.com/restapis/%s/models/NAME", uri, apiID)
		}
		if id != apiID {
			return nil, errors.New("the model of another API is referred to: " + uri)
		}
		m, err := find(name)
		if err != nil {
			return nil, err
		}
		if m == nil {
			return nil, errors.New("there is no model " + name)
		}
		return []byte(*m.Schema), nil
	})
}

func (s *Service) getModel(ctx context.Context, in *shapes.GetModelRequest) (*shapes.ModelShape, error) {
	if value(in.Flatten) {
		return nil, badRequest("flatten is not supported: a model is returned with its references.")
	}
	return readPart[shapes.ModelShape](ctx, s, modelKind, *in.RestApiId, *in.ModelName, noSuchModel(*in.ModelName))
}

func (s *Service) getModels(ctx context.Context, in *shapes.GetModelsRequest) (*shapes.Models, error) {
	items, next, err := pageOfParts[shapes.ModelShape](ctx, s, modelKind, *in.RestApiId, in.Position, in.Limit)
	return &shapes.Models{Items: items, Position: next}, err
}

func (s *Service) updateModel(ctx context.Context, in *shapes.UpdateModelRequest) (*shapes.ModelShape, error) {
	return changePart(ctx, s, modelKind, *in.RestApiId, *in.ModelName, noSuchModel(*in.ModelName), func(tx *kv.Tx, sp space, m *shapes.ModelShape) error {
		for _, p := range in.PatchOperations {
			switch value(p.Path) {
			case "/description":
				m.Description = p.Value
			case "/schema":
				m.Schema = ptr(value(p.Value))
			default:
				return badPatch(p)
			}
		}
		return readable(tx, sp, *in.RestApiId, m)
	})
}

func (s *Service) deleteModel(ctx context.Context, in *shapes.DeleteModelRequest) (*schema.Empty, error) {
	return nil, s.update(ctx, *in.RestApiId, func(tx *kv.Tx, sp space, a *api) error {
		key := sp.part(modelKind, *a.Id, *in.ModelName)
		had, err := tx.Get(key)
		if err != nil {
			return err
		}
		if had == nil {
			return noSuchModel(*in.ModelName)
		}
		user, err := usedBy(tx, sp, *a.Id, func(m *shapes.Method) bool {
			for _, name := range m.RequestModels {
				if name == *in.ModelName {
					return true
				}
			}
			for _, resp := range m.MethodResponses {
				for _, name := range resp.ResponseModels {
					if name == *in.ModelName {
						return true
					}
				}
			}
			return false
		})
		if err != nil {
			return err
		}
		if user != "" {
			return conflict("Cannot delete model '%s', is referenced in method request: %s", *in.ModelName, user)
		}
		tx.Delete(key)
		return nil
	})
}

func (s *Service) getModelTemplate(ctx context.Context, in *shapes.GetModelTemplateRequest) (*shapes.Template, error) {
	m, err := readPart[shapes.ModelShape](ctx, s, modelKind, *in.RestApiId, *in.ModelName, noSuchModel(*in.ModelName))
	if err != nil {
		return nil, err
	}
	text, err := sampleTemplate(*m.Schema)
	if err != nil {
		return nil, badRequest("Invalid model schema specified: %v", err)
	}
	return &shapes.Template{Value: &text}, nil
}
