package apigateway

import (
	"context"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/regex"
)

func (s *Service) registerIntegrations() {
	awsapi.Handle(s.api, shapes.PutIntegration, passing(on("PUT", func(in *shapes.PutIntegrationRequest) string {
		return methodPath(in.RestApiId, in.ResourceId, in.HttpMethod) + "/integration"
	}), func(in *shapes.PutIntegrationRequest) string { return value(in.Credentials) }), s.putIntegration)
	awsapi.Handle(s.api, shapes.GetIntegration, on("GET", func(in *shapes.GetIntegrationRequest) string {
		return methodPath(in.RestApiId, in.ResourceId, in.HttpMethod) + "/integration"
	}), s.getIntegration)
	awsapi.Handle(s.api, shapes.UpdateIntegration, passing(on("PATCH", func(in *shapes.UpdateIntegrationRequest) string {
		return methodPath(in.RestApiId, in.ResourceId, in.HttpMethod) + "/integration"
	}), patched), s.updateIntegration)
	awsapi.Handle(s.api, shapes.DeleteIntegration, on("DELETE", func(in *shapes.DeleteIntegrationRequest) string {
		return methodPath(in.RestApiId, in.ResourceId, in.HttpMethod) + "/integration"
	}), s.deleteIntegration)
	awsapi.Handle(s.api, shapes.PutIntegrationResponse, on("PUT", func(in *shapes.PutIntegrationResponseRequest) string {
		return methodPath(in.RestApiId, in.ResourceId, in.HttpMethod) + "/integration/responses/" + value(in.StatusCode)
	}), s.putIntegrationResponse)
	awsapi.Handle(s.api, shapes.GetIntegrationResponse, on("GET", func(in *shapes.GetIntegrationResponseRequest) string {
		return methodPath(in.RestApiId, in.ResourceId, in.HttpMethod) + "/integration/responses/" + value(in.StatusCode)
	}), s.getIntegrationResponse)
	awsapi.Handle(s.api, shapes.UpdateIntegrationResponse, on("PATCH", func(in *shapes.UpdateIntegrationResponseRequest) string {
		return methodPath(in.RestApiId, in.ResourceId, in.HttpMethod) + "/integration/responses/" + value(in.StatusCode)
	}), s.updateIntegrationResponse)
	awsapi.Handle(s.api, shapes.DeleteIntegrationResponse, on("DELETE", func(in *shapes.DeleteIntegrationResponseRequest) string {
		return methodPath(in.RestApiId, in.ResourceId, in.HttpMethod) + "/integration/responses/" + value(in.StatusCode)
	}), s.deleteIntegrationResponse)
}

// Limits of an integration's time-out.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
const (
	minTimeout     = 50     // milliseconds
	maxTimeout     = 300000 // the quota can be raised to it for regional APIs
	defaultTimeout = 29000
)

// https://docs.aws.amazon.com/apigateway/latest/api/API_PutIntegration.html
func (s *Service) putIntegration(ctx context.Context, in *shapes.PutIntegrationRequest) (*shapes.Integration, error) {
	i := &shapes.Integration{
		Type: in.Type, HttpMethod: in.IntegrationHttpMethod, Uri: in.Uri, ConnectionType: in.ConnectionType, Credentials: in.Credentials,
		RequestParameters: in.RequestParameters, RequestTemplates: in.RequestTemplates, PassthroughBehavior: in.PassthroughBehavior,
		CacheNamespace: in.CacheNamespace, CacheKeyParameters: in.CacheKeyParameters, ContentHandling: in.ContentHandling, TimeoutInMillis: in.TimeoutInMillis,
	}
	if i.PassthroughBehavior == nil {
		i.PassthroughBehavior = ptr("WHEN_NO_MATCH")
	}
	if i.TimeoutInMillis == nil {
		i.TimeoutInMillis = ptr(int32(defaultTimeout))
	}
	if i.CacheNamespace == nil {
		i.CacheNamespace = in.ResourceId
	}
	if i.CacheKeyParameters == nil {
		i.CacheKeyParameters = []string{}
	}
	switch {
	case in.TlsConfig != nil && value(in.TlsConfig.InsecureSkipVerification):
		return nil, badRequest("tlsConfig.insecureSkipVerification is not supported: back ends' certificates are verified.")
	case value(in.ConnectionId) != "":
		return nil, badRequest("connectionId is not supported: there are no VPC links.")
	}
	if err := supportedIntegration(i); err != nil {
		return nil, err
	}
	err := s.changeMethod(ctx, in.RestApiId, in.ResourceId, in.HttpMethod, func(m *shapes.Method) error {
		m.MethodIntegration = i
		return nil
	})
	if err != nil {
		return nil, err
	}
	return i, nil
}

// supportedIntegration refuses what the data plane could not do.
func supportedIntegration(i *shapes.Integration) error {
	if t := *i.TimeoutInMillis; t < minTimeout || t > maxTimeout {
		return badRequest("Timeout should be between %d ms and %d ms", minTimeout, maxTimeout)
	}
	if value(i.ConnectionType) == "VPC_LINK" {
		return badRequest("connectionType VPC_LINK is not supported: there are no VPCs.")
	}
	if err := soundCredentials(value(i.Credentials)); err != nil {
		return err
	}
	switch value(i.Type) {
	case "AWS_PROXY":
		if !leadsToFunction(value(i.Uri)) {
			return badRequest("AWS_PROXY integrations of functions only are supported: uri must be arn:aws:apigateway:<region>:lambda:path/2015-03-31/functions/<function ARN>/invocations, not %s", value(i.Uri))
		}
		if value(i.HttpMethod) == "" {
			return badRequest("Enumeration value for HttpMethod must be non-empty")
		}
	case "HTTP_PROXY", "HTTP":
		if u := value(i.Uri); !strings.HasPrefix(u, "http://") && !strings.HasPrefix(u, "https://") {
			return badRequest("Invalid HTTP endpoint specified for URI")
		}
		if value(i.HttpMethod) == "" {
			return badRequest("Enumeration value for HttpMethod must be non-empty")
		}
		if err := readTemplates(i.RequestTemplates); err != nil {
			return err
		}
		return supportedRequestParameters(i.RequestParameters)
	case "AWS":
		if !leadsToFunction(value(i.Uri)) {
			return badRequest("AWS integrations of functions only are supported: uri must be arn:aws:apigateway:<region>:lambda:path/2015-03-31/functions/<function ARN>/invocations, not %s", value(i.Uri))
		}
		if value(i.HttpMethod) == "" {
			return badRequest("Enumeration value for HttpMethod must be non-empty")
		}
		if value(i.ContentHandling) == toBinary {
			return badRequest("contentHandling CONVERT_TO_BINARY is not supported for functions: their payload is JSON.")
		}
		if err := readTemplates(i.RequestTemplates); err != nil {
			return err
		}
		return supportedRequestParameters(i.RequestParameters)
	case "MOCK":
		if err := readTemplates(i.RequestTemplates); err != nil {
			return err
		}
		for _, text := range i.RequestTemplates {
			if strings.ContainsAny(text, "#$") {
				continue // its status is known when it is executed
			}
			if _, err := mockStatus(text); err != nil {
				return err
			}
		}
	default:
		return badRequest("Integrations of type %s are not supported; AWS with a function, AWS_PROXY, HTTP, HTTP_PROXY and MOCK are.", value(i.Type))
	}
	return nil
}

// supportedRequestParameters checks the mappings of an integration's request.
func supportedRequestParameters(parameters map[string]string) error {
	for to, from := range parameters {
		place, name, ok := strings.Cut(strings.TrimPrefix(to, "integration.request."), ".")
		if !ok || name == "" || !strings.HasPrefix(to, "integration.request.") || place != "header" && place != "path" && place != "querystring" {
			return badRequest("Invalid mapping expression parameter specified: %s", to)
		}
		if from == "method.request.body" {
			continue
		}
		if err := checkMapped(from, "method.request.header.", "method.request.querystring.", "method.request.path.", "method.request.body."); err != nil {
			return err
		}
	}
	return nil
}

// functionOf is the function that the URI of a Lambda integration names.
func functionOf(uri string) (arn.ARN, bool) {
	fn, ok := functionIn(uri)
	return arn.ARN(fn), ok && arn.Looks(fn)
}

// functionIn is what stands for the function in the URI of a Lambda
// integration.
func functionIn(uri string) (string, bool) {
	_, rest, ok := strings.Cut(uri, ":lambda:path/2015-03-31/functions/")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, "/invocations")
}

// leadsToFunction reports whether a URI names a function, or will once the
// stage's variables are filled in.
func leadsToFunction(uri string) bool {
	fn, ok := functionIn(uri)
	return ok && (arn.Looks(fn) || strings.Contains(fn, "${stageVariables."))
}

func (s *Service) readIntegration(ctx context.Context, api, resource, method *string) (*shapes.Integration, error) {
	m, err := s.readMethod(ctx, api, resource, method)
	if err != nil {
		return nil, err
	}
	if m.MethodIntegration == nil {
		return nil, noSuchIntegration()
	}
	return m.MethodIntegration, nil
}

func (s *Service) changeIntegration(ctx context.Context, api, resource, method *string, fn func(i *shapes.Integration) error) error {
	return s.changeMethod(ctx, api, resource, method, func(m *shapes.Method) error {
		if m.MethodIntegration == nil {
			return noSuchIntegration()
		}
		return fn(m.MethodIntegration)
	})
}

func (s *Service) getIntegration(ctx context.Context, in *shapes.GetIntegrationRequest) (*shapes.Integration, error) {
	return s.readIntegration(ctx, in.RestApiId, in.ResourceId, in.HttpMethod)
}

func (s *Service) updateIntegration(ctx context.Context, in *shapes.UpdateIntegrationRequest) (*shapes.Integration, error) {
	var out *shapes.Integration
	err := s.changeIntegration(ctx, in.RestApiId, in.ResourceId, in.HttpMethod, func(i *shapes.Integration) error {
		for _, p := range in.PatchOperations {
			if err := patchIntegration(i, p); err != nil {
				return err
			}
		}
		out = i
		return supportedIntegration(i)
	})
	return out, err
}

func patchIntegration(i *shapes.Integration, p shapes.PatchOperation) error {
	switch path := value(p.Path); {
	case path == "/uri":
		i.Uri = p.Value
	case path == "/httpMethod":
		i.HttpMethod = p.Value
	case path == "/credentials":
		i.Credentials = p.Value
	case path == "/passthroughBehavior":
		i.PassthroughBehavior = p.Value
	case path == "/contentHandling":
		i.ContentHandling = p.Value
	case path == "/timeoutInMillis":
		n, err := optionalInt(p)
		if err != nil {
			return err
		}
		if n == nil {
			n = ptr(int32(defaultTimeout))
		}
		i.TimeoutInMillis = n
	case strings.HasPrefix(path, "/requestTemplates/"):
		i.RequestTemplates = patchMap(i.RequestTemplates, p, unescapePointer(path[len("/requestTemplates/"):]))
	case strings.HasPrefix(path, "/requestParameters/"):
		i.RequestParameters = patchMap(i.RequestParameters, p, unescapePointer(path[len("/requestParameters/"):]))
	default:
		return badPatch(p)
	}
	return nil
}

func (s *Service) deleteIntegration(ctx context.Context, in *shapes.DeleteIntegrationRequest) (*schema.Empty, error) {
	return nil, s.changeMethod(ctx, in.RestApiId, in.ResourceId, in.HttpMethod, func(m *shapes.Method) error {
		if m.MethodIntegration == nil {
			return noSuchIntegration()
		}
		m.MethodIntegration = nil
		return nil
	})
}

// https://docs.aws.amazon.com/apigateway/latest/api/API_PutIntegrationResponse.html
func (s *Service) putIntegrationResponse(ctx context.Context, in *shapes.PutIntegrationResponseRequest) (*shapes.IntegrationResponse, error) {
	resp := shapes.IntegrationResponse{
		StatusCode: in.StatusCode, SelectionPattern: in.SelectionPattern, ResponseParameters: in.ResponseParameters,
		ResponseTemplates: in.ResponseTemplates, ContentHandling: in.ContentHandling,
	}
	if err := supportedResponse(&resp); err != nil {
		return nil, err
	}
	err := s.changeIntegration(ctx, in.RestApiId, in.ResourceId, in.HttpMethod, func(i *shapes.Integration) error {
		if i.IntegrationResponses == nil {
			i.IntegrationResponses = map[string]shapes.IntegrationResponse{}
		}
		i.IntegrationResponses[*in.StatusCode] = resp
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &resp, nil
}

// supportedResponse refuses what could not be done with an answer.
func supportedResponse(resp *shapes.IntegrationResponse) error {
	if err := readTemplates(resp.ResponseTemplates); err != nil {
		return err
	}
	if _, err := regex.CompileWhole(value(resp.SelectionPattern)); err != nil {
		return badRequest("Invalid selection pattern specified: %v", err)
	}
	for name, expr := range resp.ResponseParameters {
		if err := supportedParameter(name, expr); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) updateIntegrationResponse(ctx context.Context, in *shapes.UpdateIntegrationResponseRequest) (*shapes.IntegrationResponse, error) {
	var resp shapes.IntegrationResponse
	err := s.changeIntegration(ctx, in.RestApiId, in.ResourceId, in.HttpMethod, func(i *shapes.Integration) error {
		var ok bool
		if resp, ok = i.IntegrationResponses[*in.StatusCode]; !ok {
			return noSuchResponse()
		}
		for _, p := range in.PatchOperations {
			switch path := value(p.Path); {
			case path == "/selectionPattern":
				resp.SelectionPattern = p.Value
			case path == "/contentHandling":
				resp.ContentHandling = p.Value
			case strings.HasPrefix(path, "/responseTemplates/"):
				resp.ResponseTemplates = patchMap(resp.ResponseTemplates, p, unescapePointer(path[len("/responseTemplates/"):]))
			case strings.HasPrefix(path, "/responseParameters/"):
				resp.ResponseParameters = patchMap(resp.ResponseParameters, p, unescapePointer(path[len("/responseParameters/"):]))
			default:
				return badPatch(p)
			}
		}
		i.IntegrationResponses[*in.StatusCode] = resp
		return supportedResponse(&resp)
	})
	return &resp, err
}

// supportedParameter checks a mapping to method.response.header.Name.
func supportedParameter(name, expr string) error {
	if !strings.HasPrefix(name, "method.response.header.") {
		return badRequest("Invalid mapping expression parameter specified: %s", name)
	}
	if expr == "integration.response.body" {
		return nil
	}
	return checkMapped(expr, "integration.response.header.", "integration.response.multivalueheader.", "integration.response.body.")
}

func (s *Service) getIntegrationResponse(ctx context.Context, in *shapes.GetIntegrationResponseRequest) (*shapes.IntegrationResponse, error) {
	i, err := s.readIntegration(ctx, in.RestApiId, in.ResourceId, in.HttpMethod)
	if err != nil {
		return nil, err
	}
	resp, ok := i.IntegrationResponses[*in.StatusCode]
	if !ok {
		return nil, noSuchResponse()
	}
	return &resp, nil
}

func (s *Service) deleteIntegrationResponse(ctx context.Context, in *shapes.DeleteIntegrationResponseRequest) (*schema.Empty, error) {
	return nil, s.changeIntegration(ctx, in.RestApiId, in.ResourceId, in.HttpMethod, func(i *shapes.Integration) error {
		if _, ok := i.IntegrationResponses[*in.StatusCode]; !ok {
			return noSuchResponse()
		}
		delete(i.IntegrationResponses, *in.StatusCode)
		return nil
	})
}
