package apigateway

import (
	"context"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
)

func methodPath(api, resource, method *string) string {
	return "/restapis/" + value(api) + "/resources/" + value(resource) + "/methods/" + value(method)
}

func (s *Service) registerMethods() {
	awsapi.Handle(s.api, shapes.PutMethod, on("PUT", func(in *shapes.PutMethodRequest) string {
		return methodPath(in.RestApiId, in.ResourceId, in.HttpMethod)
	}), s.putMethod)
	awsapi.Handle(s.api, shapes.GetMethod, on("GET", func(in *shapes.GetMethodRequest) string {
		return methodPath(in.RestApiId, in.ResourceId, in.HttpMethod)
	}), s.getMethod)
	awsapi.Handle(s.api, shapes.UpdateMethod, on("PATCH", func(in *shapes.UpdateMethodRequest) string {
		return methodPath(in.RestApiId, in.ResourceId, in.HttpMethod)
	}), s.updateMethod)
	awsapi.Handle(s.api, shapes.DeleteMethod, on("DELETE", func(in *shapes.DeleteMethodRequest) string {
		return methodPath(in.RestApiId, in.ResourceId, in.HttpMethod)
	}), s.deleteMethod)
	awsapi.Handle(s.api, shapes.PutMethodResponse, on("PUT", func(in *shapes.PutMethodResponseRequest) string {
		return methodPath(in.RestApiId, in.ResourceId, in.HttpMethod) + "/responses/" + value(in.StatusCode)
	}), s.putMethodResponse)
	awsapi.Handle(s.api, shapes.GetMethodResponse, on("GET", func(in *shapes.GetMethodResponseRequest) string {
		return methodPath(in.RestApiId, in.ResourceId, in.HttpMethod) + "/responses/" + value(in.StatusCode)
	}), s.getMethodResponse)
	awsapi.Handle(s.api, shapes.DeleteMethodResponse, on("DELETE", func(in *shapes.DeleteMethodResponseRequest) string {
		return methodPath(in.RestApiId, in.ResourceId, in.HttpMethod) + "/responses/" + value(in.StatusCode)
	}), s.deleteMethodResponse)
}

func knownMethod(m string) bool {
	switch m {
	case "GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "ANY":
		return true
	}
	return false
}

// https://docs.aws.amazon.com/apigateway/latest/api/API_PutMethod.html
func (s *Service) putMethod(ctx context.Context, in *shapes.PutMethodRequest) (*shapes.Method, error) {
	if !knownMethod(*in.HttpMethod) {
		return nil, badRequest("Invalid HTTP method specified: %s", *in.HttpMethod)
	}
	m := &shapes.Method{
		HttpMethod: in.HttpMethod, AuthorizationType: in.AuthorizationType, ApiKeyRequired: ptr(value(in.ApiKeyRequired)), OperationName: in.OperationName,
		RequestParameters: in.RequestParameters, RequestModels: in.RequestModels,
	}
	if err := supportedMethod(in); err != nil {
		return nil, err
	}
	err := s.changeResource(ctx, *in.RestApiId, *in.ResourceId, func(r *resource) error {
		if r.Methods[*in.HttpMethod] != nil {
			return conflict("Method already exists for this resource")
		}
		if r.Methods == nil {
			r.Methods = map[string]*shapes.Method{}
		}
		r.Methods[*in.HttpMethod] = m
		return nil
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// supportedMethod refuses what the data plane would not keep.
func supportedMethod(in *shapes.PutMethodRequest) error {
	switch auth := strings.ToUpper(*in.AuthorizationType); auth {
	case "NONE", "AWS_IAM":
	default:
		return badRequest("authorizationType %s is not supported; NONE and AWS_IAM are.", auth)
	}
	if value(in.ApiKeyRequired) {
		return badRequest("apiKeyRequired is not supported: there are no usage plans.")
	}
	if in.RequestValidatorId != nil {
		return badRequest("requestValidatorId is not supported.")
	}
	return nil
}

// readMethod returns a method of a resource.
func (s *Service) readMethod(ctx context.Context, apiID, id, name *string) (*shapes.Method, error) {
	r, err := s.readResource(ctx, *apiID, *id)
	if err != nil {
		return nil, err
	}
	m := r.Methods[*name]
	if m == nil {
		return nil, noSuchMethod()
	}
	return m, nil
}

// changeMethod runs fn on a method and stores it.
func (s *Service) changeMethod(ctx context.Context, apiID, id, name *string, fn func(m *shapes.Method) error) error {
	return s.changeResource(ctx, *apiID, *id, func(r *resource) error {
		m := r.Methods[*name]
		if m == nil {
			return noSuchMethod()
		}
		return fn(m)
	})
}

func (s *Service) getMethod(ctx context.Context, in *shapes.GetMethodRequest) (*shapes.Method, error) {
	return s.readMethod(ctx, in.RestApiId, in.ResourceId, in.HttpMethod)
}

func (s *Service) updateMethod(ctx context.Context, in *shapes.UpdateMethodRequest) (*shapes.Method, error) {
	var out *shapes.Method
	err := s.changeMethod(ctx, in.RestApiId, in.ResourceId, in.HttpMethod, func(m *shapes.Method) error {
		for _, p := range in.PatchOperations {
			switch path := value(p.Path); {
			case path == "/authorizationType":
				if err := supportedMethod(&shapes.PutMethodRequest{AuthorizationType: p.Value}); err != nil {
					return err
				}
				m.AuthorizationType = p.Value
			case path == "/operationName":
				m.OperationName = p.Value
			case path == "/apiKeyRequired" && value(p.Value) == "false":
				m.ApiKeyRequired = ptr(false)
			case strings.HasPrefix(path, "/requestParameters/"):
				name := unescapePointer(path[len("/requestParameters/"):])
				if m.RequestParameters == nil {
					m.RequestParameters = map[string]bool{}
				}
				if value(p.Op) == "remove" {
					delete(m.RequestParameters, name)
				} else {
					m.RequestParameters[name] = value(p.Value) == "true"
				}
			default:
				return badPatch(p)
			}
		}
		out = m
		return nil
	})
	return out, err
}

func (s *Service) deleteMethod(ctx context.Context, in *shapes.DeleteMethodRequest) (*schema.Empty, error) {
	return nil, s.changeResource(ctx, *in.RestApiId, *in.ResourceId, func(r *resource) error {
		if r.Methods[*in.HttpMethod] == nil {
			return noSuchMethod()
		}
		delete(r.Methods, *in.HttpMethod)
		return nil
	})
}

func (s *Service) putMethodResponse(ctx context.Context, in *shapes.PutMethodResponseRequest) (*shapes.MethodResponse, error) {
	resp := shapes.MethodResponse{StatusCode: in.StatusCode, ResponseParameters: in.ResponseParameters, ResponseModels: in.ResponseModels}
	err := s.changeMethod(ctx, in.RestApiId, in.ResourceId, in.HttpMethod, func(m *shapes.Method) error {
		if _, ok := m.MethodResponses[*in.StatusCode]; ok {
			return conflict("Response already exists for this resource")
		}
		if m.MethodResponses == nil {
			m.MethodResponses = map[string]shapes.MethodResponse{}
		}
		m.MethodResponses[*in.StatusCode] = resp
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &resp, nil
}

func (s *Service) getMethodResponse(ctx context.Context, in *shapes.GetMethodResponseRequest) (*shapes.MethodResponse, error) {
	m, err := s.readMethod(ctx, in.RestApiId, in.ResourceId, in.HttpMethod)
	if err != nil {
		return nil, err
	}
	resp, ok := m.MethodResponses[*in.StatusCode]
	if !ok {
		return nil, noSuchResponse()
	}
	return &resp, nil
}

func (s *Service) deleteMethodResponse(ctx context.Context, in *shapes.DeleteMethodResponseRequest) (*schema.Empty, error) {
	return nil, s.changeMethod(ctx, in.RestApiId, in.ResourceId, in.HttpMethod, func(m *shapes.Method) error {
		if _, ok := m.MethodResponses[*in.StatusCode]; !ok {
			return noSuchResponse()
		}
		delete(m.MethodResponses, *in.StatusCode)
		return nil
	})
}
