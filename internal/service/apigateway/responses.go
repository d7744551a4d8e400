package apigateway

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

func responsePath(api, kind *string) string {
	return "/restapis/" + value(api) + "/gatewayresponses/" + value(kind)
}

func (s *Service) registerResponses() {
	awsapi.Handle(s.api, shapes.PutGatewayResponse, on("PUT", func(in *shapes.PutGatewayResponseRequest) string { return responsePath(in.RestApiId, in.ResponseType) }), s.putGatewayResponse)
	awsapi.Handle(s.api, shapes.GetGatewayResponse, on("GET", func(in *shapes.GetGatewayResponseRequest) string { return responsePath(in.RestApiId, in.ResponseType) }), s.getGatewayResponse)
	awsapi.Handle(s.api, shapes.GetGatewayResponses, on("GET", func(in *shapes.GetGatewayResponsesRequest) string {
		return "/restapis/" + value(in.RestApiId) + "/gatewayresponses"
	}), s.getGatewayResponses)
	awsapi.Handle(s.api, shapes.UpdateGatewayResponse, on("PATCH", func(in *shapes.UpdateGatewayResponseRequest) string {
		return responsePath(in.RestApiId, in.ResponseType)
	}), s.updateGatewayResponse)
	awsapi.Handle(s.api, shapes.DeleteGatewayResponse, on("DELETE", func(in *shapes.DeleteGatewayResponseRequest) string {
		return responsePath(in.RestApiId, in.ResponseType)
	}), s.deleteGatewayResponse)
}

// failure is a response that API Gateway makes itself.
type failure struct {
	kind    string // the gateway response's type
	status  int
	code    string // x-amzn-ErrorType
	message string
}

// defaultTemplate is the body of a gateway response that nobody changed.
const defaultTemplate = `{"message":$context.error.messageString}`

// defaultStatus is the status of each type of gateway response; 0 for a type
// that does not exist.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
func defaultStatus(kind string) int {
	switch kind {
	case "ACCESS_DENIED", "EXPIRED_TOKEN", "INVALID_API_KEY", "INVALID_SIGNATURE", "MISSING_AUTHENTICATION_TOKEN", "WAF_FILTERED":
		return http.StatusForbidden
	case "UNAUTHORIZED":
		return http.StatusUnauthorized
	case "API_CONFIGURATION_ERROR", "AUTHORIZER_CONFIGURATION_ERROR", "AUTHORIZER_FAILURE":
		return http.StatusInternalServerError
	case "BAD_REQUEST_BODY", "BAD_REQUEST_PARAMETERS":
		return http.StatusBadRequest
	case "INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT":
		return http.StatusGatewayTimeout
	case "QUOTA_EXCEEDED", "THROTTLED":
		return http.StatusTooManyRequests
	case "REQUEST_TOO_LARGE":
		return http.StatusRequestEntityTooLarge
	case "RESOURCE_NOT_FOUND":
		return http.StatusNotFound
	case "UNSUPPORTED_MEDIA_TYPE":
		return http.StatusUnsupportedMediaType
	case "DEFAULT_4XX", "DEFAULT_5XX":
		return -1
	}
	return 0
}

func allResponseTypes() []string {
	return []string{
		"ACCESS_DENIED", "API_CONFIGURATION_ERROR", "AUTHORIZER_CONFIGURATION_ERROR", "AUTHORIZER_FAILURE", "BAD_REQUEST_BODY",
		"BAD_REQUEST_PARAMETERS", "DEFAULT_4XX", "DEFAULT_5XX", "EXPIRED_TOKEN", "INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT", "INVALID_API_KEY",
		"INVALID_SIGNATURE", "MISSING_AUTHENTICATION_TOKEN", "QUOTA_EXCEEDED", "REQUEST_TOO_LARGE", "RESOURCE_NOT_FOUND", "THROTTLED",
		"UNAUTHORIZED", "UNSUPPORTED_MEDIA_TYPE", "WAF_FILTERED",
	}
}

// standard is a gateway response as it is before anybody changes it.
func standard(kind string) shapes.GatewayResponse {
	g := shapes.GatewayResponse{
		ResponseType: &kind, ResponseParameters: map[string]string{}, ResponseTemplates: map[string]string{"application/json": defaultTemplate},
		DefaultResponse: ptr(true),
	}
	if st := defaultStatus(kind); st > 0 {
		g.StatusCode = ptr(strconv.Itoa(st))
	}
	return g
}

func (s *Service) putGatewayResponse(ctx context.Context, in *shapes.PutGatewayResponseRequest) (*shapes.GatewayResponse, error) {
	g := standard(*in.ResponseType)
	g.DefaultResponse = ptr(false)
	if in.StatusCode != nil {
		g.StatusCode = in.StatusCode
	}
	g.ResponseParameters = in.ResponseParameters
	if in.ResponseTemplates != nil {
		g.ResponseTemplates = in.ResponseTemplates
	}
	if err := supportedGatewayResponse(&g); err != nil {
		return nil, err
	}
	err := s.update(ctx, *in.RestApiId, func(tx *kv.Tx, sp space, a *api) error {
		return jsonrow.Set(tx, sp.response(*a.Id, *in.ResponseType), &g)
	})
	if err != nil {
		return nil, err
	}
	return &g, nil
}

// supportedGatewayResponse refuses what could not be answered.
func supportedGatewayResponse(g *shapes.GatewayResponse) error {
	if g.StatusCode != nil {
		if n, err := strconv.Atoi(*g.StatusCode); err != nil || n < 100 || n > 599 {
			return badRequest("Invalid status code %s", *g.StatusCode)
		}
	}
	for name, expr := range g.ResponseParameters {
		if err := supportedResponseHeader(name, expr); err != nil {
			return err
		}
	}
	return nil
}

// https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateGatewayResponse.html
func (s *Service) updateGatewayResponse(ctx context.Context, in *shapes.UpdateGatewayResponseRequest) (*shapes.GatewayResponse, error) {
	g := standard(*in.ResponseType)
	err := s.update(ctx, *in.RestApiId, func(tx *kv.Tx, sp space, a *api) error {
		had, err := jsonrow.Load[shapes.GatewayResponse](tx, sp.response(*a.Id, *in.ResponseType))
		if err != nil {
			return err
		}
		if had != nil {
			g = *had
		}
		g.DefaultResponse = ptr(false)
		for _, p := range in.PatchOperations {
			switch path := value(p.Path); {
			case path == "/statusCode" && value(p.Op) == "remove":
				g.StatusCode = standard(*in.ResponseType).StatusCode
			case path == "/statusCode":
				g.StatusCode = p.Value
			case strings.HasPrefix(path, "/responseParameters/"):
				g.ResponseParameters = patchMap(g.ResponseParameters, p, unescapePointer(path[len("/responseParameters/"):]))
			case strings.HasPrefix(path, "/responseTemplates/"):
				g.ResponseTemplates = patchMap(g.ResponseTemplates, p, unescapePointer(path[len("/responseTemplates/"):]))
			default:
				return badPatch(p)
			}
		}
		if err := supportedGatewayResponse(&g); err != nil {
			return err
		}
		return jsonrow.Set(tx, sp.response(*a.Id, *in.ResponseType), &g)
	})
	return &g, err
}

// supportedResponseHeader checks a mapping to gatewayresponse.header.Name.
func supportedResponseHeader(name, expr string) error {
	if header, ok := strings.CutPrefix(name, "gatewayresponse.header."); !ok || header == "" {
		return badRequest("Invalid mapping expression parameter specified: %s", name)
	}
	if len(expr) >= 2 && expr[0] == '\'' && expr[len(expr)-1] == '\'' {
		return nil
	}
	if _, _, ok := requestParameter(expr); ok {
		return nil
	}
	return checkMapped(expr)
}

func (s *Service) readResponses(ctx context.Context, apiID string) (map[string]shapes.GatewayResponse, error) {
	if _, err := s.readAPI(ctx, apiID); err != nil {
		return nil, err
	}
	out := map[string]shapes.GatewayResponse{}
	for _, kind := range allResponseTypes() {
		out[kind] = standard(kind)
	}
	err := s.view(ctx, func(sn *kv.Snap, sp space) error {
		gs, err := list[shapes.GatewayResponse](sn, sp.responses(apiID))
		for _, g := range gs {
			out[*g.ResponseType] = *g
		}
		return err
	})
	return out, err
}

func (s *Service) getGatewayResponse(ctx context.Context, in *shapes.GetGatewayResponseRequest) (*shapes.GatewayResponse, error) {
	gs, err := s.readResponses(ctx, *in.RestApiId)
	if err != nil {
		return nil, err
	}
	g := gs[*in.ResponseType]
	return &g, nil
}

func (s *Service) getGatewayResponses(ctx context.Context, in *shapes.GetGatewayResponsesRequest) (*shapes.GatewayResponses, error) {
	gs, err := s.readResponses(ctx, *in.RestApiId)
	if err != nil {
		return nil, err
	}
	out := &shapes.GatewayResponses{Items: []shapes.GatewayResponse{}}
	for _, kind := range allResponseTypes() {
		out.Items = append(out.Items, gs[kind])
	}
	return out, nil
}

func (s *Service) deleteGatewayResponse(ctx context.Context, in *shapes.DeleteGatewayResponseRequest) (*schema.Empty, error) {
	return nil, s.update(ctx, *in.RestApiId, func(tx *kv.Tx, sp space, a *api) error {
		had, err := tx.Get(sp.response(*a.Id, *in.ResponseType))
		if err != nil {
			return err
		}
		if had == nil {
			return notFound("Gateway response type not defined on api")
		}
		tx.Delete(sp.response(*a.Id, *in.ResponseType))
		return nil
	})
}
