package apigatewayv2

import (
	"context"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

func (s *Service) registerRoutes() {
	awsapi.Handle(s.api, shapes.CreateRoute, on("POST", func(in *shapes.CreateRouteRequest) string { return apiPath(in.ApiId) + "/routes" }), s.createRoute)
	awsapi.Handle(s.api, shapes.GetRoute, on("GET", func(in *shapes.GetRouteRequest) string { return routePath(in.ApiId, in.RouteId) }), s.getRoute)
	awsapi.Handle(s.api, shapes.GetRoutes, on("GET", func(in *shapes.GetRoutesRequest) string { return apiPath(in.ApiId) + "/routes" }), s.getRoutes)
	awsapi.Handle(s.api, shapes.UpdateRoute, on("PATCH", func(in *shapes.UpdateRouteRequest) string { return routePath(in.ApiId, in.RouteId) }), s.updateRoute)
	awsapi.Handle(s.api, shapes.DeleteRoute, on("DELETE", func(in *shapes.DeleteRouteRequest) string { return routePath(in.ApiId, in.RouteId) }), s.deleteRoute)
}

func routePath(api, id *string) string { return apiPath(api) + "/routes/" + value(id) }

func noSuchRoute() *fault.Error { return notFound("Invalid Route identifier specified") }

// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-routes.html#CreateRoute
func (s *Service) createRoute(ctx context.Context, in *shapes.CreateRouteRequest) (*shapes.CreateRouteResult, error) {
	r := &shapes.Route{RouteId: ptr(newID(7))}
	merge(r, in)
	r.AuthorizationType = orDefault(r.AuthorizationType, "NONE")
	r.ApiKeyRequired = ptr(value(r.ApiKeyRequired))
	err := s.update(ctx, in.ApiId, func(c *change) error {
		if err := c.soundRoute(r); err != nil {
			return err
		}
		return jsonrow.Set(c.Tx, c.part(routeKind, *in.ApiId, *r.RouteId), r)
	})
	out := shapes.CreateRouteResult(*r)
	return &out, err
}

// soundRoute refuses a route that the API cannot have.
func (c *change) soundRoute(r *shapes.Route) error {
	switch {
	case value(r.ApiKeyRequired):
		return badRequest("API keys are not supported for HTTP APIs: apiKeyRequired must be false")
	case value(r.ModelSelectionExpression) != "" || len(r.RequestModels) > 0 || len(r.RequestParameters) > 0 || value(r.RouteResponseSelectionExpression) != "":
		return badRequest("modelSelectionExpression, requestModels, requestParameters and routeResponseSelectionExpression are supported for WebSocket APIs only")
	}
	if err := soundKey(*r.RouteKey); err != nil {
		return err
	}
	rs, err := listTx[shapes.Route](c.Tx, c.parts(routeKind, *c.api.ApiId))
	if err != nil {
		return err
	}
	for _, other := range rs {
		if shape(*other.RouteKey) == shape(*r.RouteKey) && *other.RouteId != *r.RouteId {
			return conflict("Route with key %s already exists for this API", *other.RouteKey)
		}
	}
	if err := c.soundTarget(r); err != nil {
		return err
	}
	return c.soundAuthorization(r)
}

// soundKey checks the key of a route: a method and a path, or $default.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
func soundKey(key string) error {
	if key == defaultRoute {
		return nil
	}
	method, path, ok := strings.Cut(key, " ")
	if !ok || !strings.HasPrefix(path, "/") || strings.Contains(path, " ") || method != "ANY" && !knownMethod(method) {
		return badRequest("The provided route key is not formatted properly for HTTP protocol. Format should be \"<HTTP METHOD> /<RESOURCE PATH>\" or \"$default\"")
	}
	seen := map[string]bool{}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i, part := range parts {
		name, isVariable := variable(part)
		switch {
		case !isVariable && strings.ContainsAny(part, "{}"):
			return badRequest("The route key %s has a segment that is neither a name nor a variable in braces", key)
		case !isVariable:
			continue
		case name == "" || name == "+" || seen[strings.TrimSuffix(name, "+")]:
			return badRequest("The route key %s has a path variable without a name, or two of the same name", key)
		case strings.HasSuffix(name, "+") && i < len(parts)-1:
			return badRequest("A greedy path variable must be at the end of the path: %s", key)
		}
		seen[strings.TrimSuffix(name, "+")] = true
	}
	return nil
}

// variable is the name of a path variable, with a + where it is greedy.
func variable(part string) (name string, ok bool) {
	name, ok = strings.CutPrefix(part, "{")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(name, "}")
}

// shape is a route's key without the names of its variables: routes of one shape
// take the same requests.
func shape(key string) string {
	parts := strings.Split(key, "/")
	for i, part := range parts {
		if name, ok := variable(part); ok {
			parts[i] = "{}"
			if strings.HasSuffix(name, "+") {
				parts[i] = "{+}"
			}
		}
	}
	return strings.Join(parts, "/")
}

// soundTarget checks that the integration of a route exists.
func (c *change) soundTarget(r *shapes.Route) error {
	if r.Target = some(r.Target); r.Target == nil {
		return nil
	}
	id, ok := strings.CutPrefix(*r.Target, "integrations/")
	if !ok {
		return badRequest("Invalid target %s: it must be integrations/ and the id of an integration", *r.Target)
	}
	_, err := part[shapes.Integration](c.Tx, c.space, integrationKind, *c.api.ApiId, id, noSuchIntegration())
	return err
}

// soundAuthorization checks that a route has the authorizer that its type needs.
func (c *change) soundAuthorization(r *shapes.Route) error {
	kind := *r.AuthorizationType
	r.AuthorizerId = some(r.AuthorizerId)
	if len(r.AuthorizationScopes) > 0 && kind != "JWT" {
		return badRequest("Authorization scopes need the authorization type JWT")
	}
	want := ""
	switch kind {
	case "NONE", "AWS_IAM":
		if r.AuthorizerId != nil {
			return badRequest("An authorizer needs the authorization type JWT or CUSTOM, and this route's is %s", kind)
		}
		return nil
	case "JWT":
		want = "JWT"
	case "CUSTOM":
		want = "REQUEST"
	default:
		return badRequest("Invalid authorization type %s", kind)
	}
	if r.AuthorizerId == nil {
		return badRequest("A valid authorizerId is required for the authorization type %s", kind)
	}
	a, err := part[shapes.Authorizer](c.Tx, c.space, authorizerKind, *c.api.ApiId, *r.AuthorizerId, noSuchAuthorizer())
	if err != nil {
		return err
	}
	if *a.AuthorizerType != want {
		return badRequest("The authorizer %s is of the type %s, which does not go with the authorization type %s", *a.AuthorizerId, *a.AuthorizerType, kind)
	}
	return nil
}

func (s *Service) getRoute(ctx context.Context, in *shapes.GetRouteRequest) (*shapes.GetRouteResult, error) {
	r, err := getPart[shapes.Route](ctx, s, routeKind, in.ApiId, in.RouteId, noSuchRoute())
	if err != nil {
		return nil, err
	}
	out := shapes.GetRouteResult(*r)
	return &out, nil
}

func (s *Service) getRoutes(ctx context.Context, in *shapes.GetRoutesRequest) (*shapes.GetRoutesResponse, error) {
	items, next, err := pageOfParts[shapes.Route](ctx, s, routeKind, in.ApiId, in.NextToken, in.MaxResults)
	return &shapes.GetRoutesResponse{Items: items, NextToken: next}, err
}

func (s *Service) updateRoute(ctx context.Context, in *shapes.UpdateRouteRequest) (*shapes.UpdateRouteResult, error) {
	r, err := changePart(ctx, s, routeKind, in.ApiId, in.RouteId, noSuchRoute(), func(c *change, r *shapes.Route) error {
		merge(r, in)
		if in.AuthorizationType != nil && (*in.AuthorizationType == "NONE" || *in.AuthorizationType == "AWS_IAM") {
			if in.AuthorizerId == nil {
				r.AuthorizerId = nil
			}
			if in.AuthorizationScopes == nil {
				r.AuthorizationScopes = nil
			}
		}
		return c.soundRoute(r)
	})
	if err != nil {
		return nil, err
	}
	out := shapes.UpdateRouteResult(*r)
	return &out, nil
}

func (s *Service) deleteRoute(ctx context.Context, in *shapes.DeleteRouteRequest) (*schema.Empty, error) {
	return nil, s.update(ctx, in.ApiId, func(c *change) error {
		if _, err := part[shapes.Route](c.Tx, c.space, routeKind, *in.ApiId, *in.RouteId, noSuchRoute()); err != nil {
			return err
		}
		c.Delete(c.part(routeKind, *in.ApiId, *in.RouteId))
		return nil
	})
}
