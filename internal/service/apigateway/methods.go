package apigateway

import (
	"cmp"
	"context"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
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
	awsapi.Handle(s.api, shapes.UpdateMethodResponse, on("PATCH", func(in *shapes.UpdateMethodResponseRequest) string {
		return methodPath(in.RestApiId, in.ResourceId, in.HttpMethod) + "/responses/" + value(in.StatusCode)
	}), s.updateMethodResponse)
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
		HttpMethod: in.HttpMethod, AuthorizationType: in.AuthorizationType, AuthorizerId: in.AuthorizerId, AuthorizationScopes: in.AuthorizationScopes,
		ApiKeyRequired: ptr(value(in.ApiKeyRequired)), OperationName: in.OperationName, RequestValidatorId: in.RequestValidatorId,
		RequestParameters: in.RequestParameters, RequestModels: in.RequestModels,
	}
	err := s.changeResource(ctx, *in.RestApiId, *in.ResourceId, func(tx *kv.Tx, sp space, r *resource) error {
		if r.Methods[*in.HttpMethod] != nil {
			return conflict("Method already exists for this resource")
		}
		if err := supportedMethod(tx, sp, *in.RestApiId, m); err != nil {
			return err
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

// supportedMethod refuses what the data plane would not keep, and references to
// what the API has not.
func supportedMethod(tx *kv.Tx, sp space, apiID string, m *shapes.Method) error {
	has := func(kind, id string) (bool, error) {
		v, err := tx.Get(sp.part(kind, apiID, id))
		return v != nil, err
	}
	switch auth := value(m.AuthorizationType); auth {
	case "NONE", "AWS_IAM":
		m.AuthorizerId = nil
	case "CUSTOM", userPools:
		a, err := jsonrow.Load[shapes.Authorizer](tx, sp.part(authorizerKind, apiID, value(m.AuthorizerId)))
		if err != nil {
			return err
		}
		if a == nil || (auth == userPools) != (*a.Type == userPools) {
			return badRequest("Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS requires a valid authorizer.")
		}
	default:
		return badRequest("Invalid authorization type specified: %s. The types are NONE, AWS_IAM, CUSTOM and COGNITO_USER_POOLS.", auth)
	}
	if len(m.AuthorizationScopes) > 0 && *m.AuthorizationType != userPools {
		return badRequest("Authorization scopes can only be set with the authorization type COGNITO_USER_POOLS")
	}
	if value(m.RequestValidatorId) != "" {
		if ok, err := has(validatorKind, *m.RequestValidatorId); err != nil || !ok {
			return cmp.Or(err, error(badRequest("Invalid Request Validator identifier specified")))
		}
	}
	for media, name := range m.RequestModels {
		if ok, err := has(modelKind, name); err != nil || !ok {
			return cmp.Or(err, error(badRequest("Invalid model identifier specified: %s for %s", name, media)))
		}
	}
	for name := range m.RequestParameters {
		if _, _, ok := requestParameter(name); !ok {
			return badRequest("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression specified: %s]", name)
		}
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
	return s.changeMethodTx(ctx, apiID, id, name, func(_ *kv.Tx, _ space, m *shapes.Method) error { return fn(m) })
}

func (s *Service) changeMethodTx(ctx context.Context, apiID, id, name *string, fn func(tx *kv.Tx, sp space, m *shapes.Method) error) error {
	return s.changeResource(ctx, *apiID, *id, func(tx *kv.Tx, sp space, r *resource) error {
		m := r.Methods[*name]
		if m == nil {
			return noSuchMethod()
		}
		return fn(tx, sp, m)
	})
}

func (s *Service) getMethod(ctx context.Context, in *shapes.GetMethodRequest) (*shapes.Method, error) {
	return s.readMethod(ctx, in.RestApiId, in.ResourceId, in.HttpMethod)
}

func (s *Service) updateMethod(ctx context.Context, in *shapes.UpdateMethodRequest) (*shapes.Method, error) {
	var out *shapes.Method
	err := s.changeMethodTx(ctx, in.RestApiId, in.ResourceId, in.HttpMethod, func(tx *kv.Tx, sp space, m *shapes.Method) error {
		for _, p := range in.PatchOperations {
			if err := patchMethod(m, p); err != nil {
				return err
			}
		}
		out = m
		return supportedMethod(tx, sp, *in.RestApiId, m)
	})
	return out, err
}

func patchMethod(m *shapes.Method, p shapes.PatchOperation) error {
	v, path := p.Value, value(p.Path)
	if value(p.Op) == "remove" {
		v = nil
	}
	switch {
	case path == "/authorizationType":
		m.AuthorizationType = v
	case path == "/authorizerId":
		m.AuthorizerId = v
	case path == "/authorizationScopes":
		m.AuthorizationScopes = patchList(m.AuthorizationScopes, p, value(p.Value))
	case path == "/requestValidatorId":
		m.RequestValidatorId = v
	case path == "/operationName":
		m.OperationName = v
	case path == "/apiKeyRequired":
		m.ApiKeyRequired = ptr(value(v) == "true")
	case strings.HasPrefix(path, "/requestModels/"):
		m.RequestModels = patchMap(m.RequestModels, p, unescapePointer(path[len("/requestModels/"):]))
	case strings.HasPrefix(path, "/requestParameters/"):
		m.RequestParameters = patchFlags(m.RequestParameters, p, unescapePointer(path[len("/requestParameters/"):]))
	default:
		return badPatch(p)
	}
	return nil
}

func (s *Service) deleteMethod(ctx context.Context, in *shapes.DeleteMethodRequest) (*schema.Empty, error) {
	return nil, s.changeResource(ctx, *in.RestApiId, *in.ResourceId, func(_ *kv.Tx, _ space, r *resource) error {
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

func (s *Service) updateMethodResponse(ctx context.Context, in *shapes.UpdateMethodResponseRequest) (*shapes.MethodResponse, error) {
	var resp shapes.MethodResponse
	err := s.changeMethod(ctx, in.RestApiId, in.ResourceId, in.HttpMethod, func(m *shapes.Method) (err error) {
		var ok bool
		if resp, ok = m.MethodResponses[*in.StatusCode]; !ok {
			return noSuchResponse()
		}
		for _, p := range in.PatchOperations {
			if name, ok := strings.CutPrefix(value(p.Path), "/responseParameters/"); ok {
				resp.ResponseParameters = patchFlags(resp.ResponseParameters, p, unescapePointer(name))
			} else if media, ok := strings.CutPrefix(value(p.Path), "/responseModels/"); ok {
				resp.ResponseModels = patchMap(resp.ResponseModels, p, unescapePointer(media))
			} else {
				return badPatch(p)
			}
		}
		m.MethodResponses[*in.StatusCode] = resp
		return nil
	})
	return &resp, err
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
