package apigatewayv2

import (
	"context"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// selection is how HTTP APIs choose a route; nothing else is possible.
const selection = "$request.method $request.path"

// defaultStage is the stage at the root of an API, and defaultRoute the route of
// all that no other takes.
const (
	defaultStage = "$default"
	defaultRoute = "$default"
)

func (s *Service) registerAPIs() {
	awsapi.Handle(s.api, shapes.CreateApi, passing(on("POST", func(*shapes.CreateApiRequest) string { return "/apis" }),
		func(in *shapes.CreateApiRequest) *string { return in.CredentialsArn }), s.createAPI)
	awsapi.Handle(s.api, shapes.GetApi, on("GET", func(in *shapes.GetApiRequest) string { return apiPath(in.ApiId) }), s.getAPI)
	awsapi.Handle(s.api, shapes.GetApis, on("GET", func(*shapes.GetApisRequest) string { return "/apis" }), s.getAPIs)
	awsapi.Handle(s.api, shapes.UpdateApi, on("PATCH", func(in *shapes.UpdateApiRequest) string { return apiPath(in.ApiId) }), s.updateAPI)
	awsapi.Handle(s.api, shapes.DeleteApi, on("DELETE", func(in *shapes.DeleteApiRequest) string { return apiPath(in.ApiId) }), s.deleteAPI)
	awsapi.Handle(s.api, shapes.DeleteCorsConfiguration, on("DELETE", func(in *shapes.DeleteCorsConfigurationRequest) string { return apiPath(in.ApiId) + "/cors" }), s.deleteCORS)
}

func apiPath(id *string) string { return "/apis/" + value(id) }

// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis.html#CreateApi
func (s *Service) createAPI(ctx context.Context, in *shapes.CreateApiRequest) (*shapes.CreateApiResponse, error) {
	scope, now := awsapi.From(ctx).Scope, s.Clock.Now()
	a := &shapes.Api{}
	merge(a, in)
	s.fresh(a, scope)
	a.CreatedDate = &now
	if err := soundAPI(a); err != nil {
		return nil, err
	}
	quick, err := newQuick(in.RouteKey, in.Target, in.CredentialsArn)
	if err != nil {
		return nil, err
	}
	deployment := newID(6)
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		c := &change{Tx: tx, space: spaceOf(scope), scope: scope, api: a, id: deployment, now: now}
		tx.Signal(c.changed())
		if err := jsonrow.Set(tx, c.space.api(*a.ApiId), a); err != nil || quick == nil {
			return err
		}
		if err := quick.make(c); err != nil {
			return err
		}
		return c.autoDeploy()
	})
	out := shapes.CreateApiResponse(*a)
	return &out, err
}

// fresh gives a new API what callers cannot choose.
func (s *Service) fresh(a *shapes.Api, scope arn.Scope) {
	a.ApiId = ptr(newID(10))
	a.ApiEndpoint = ptr("https://" + *a.ApiId + ".execute-api." + scope.Region + ".amazonaws.com")
	a.RouteSelectionExpression = orDefault(a.RouteSelectionExpression, selection)
	a.ApiKeySelectionExpression = orDefault(a.ApiKeySelectionExpression, "$request.header.x-api-key")
	a.DisableExecuteApiEndpoint = ptr(value(a.DisableExecuteApiEndpoint))
}

func orDefault(p *string, def string) *string {
	if value(p) == "" {
		return &def
	}
	return p
}

// soundAPI refuses settings that an HTTP API cannot have.
func soundAPI(a *shapes.Api) error {
	switch {
	case value(a.ProtocolType) == "WEBSOCKET":
		return refused("WebSocket APIs: protocolType WEBSOCKET. HTTP APIs are protocolType HTTP.")
	case value(a.Name) == "":
		return badRequest("The API's name must not be empty")
	case *a.RouteSelectionExpression != selection && *a.RouteSelectionExpression != "${request.method} ${request.path}":
		return badRequest("Only '%s' is supported as the routeSelectionExpression of HTTP APIs", selection)
	case value(a.DisableSchemaValidation):
		return badRequest("disableSchemaValidation is supported by WebSocket APIs only")
	}
	return soundCORS(a.CorsConfiguration)
}

// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid.html#apis-apiid-model-cors
func soundCORS(c *shapes.Cors) error {
	if c == nil {
		return nil
	}
	for _, o := range c.AllowOrigins {
		scheme, rest, ok := strings.Cut(o, "://")
		if o != "*" && (!ok || rest == "" || scheme == "" || strings.Contains(rest, "*") && rest != "*") {
			return badRequest("%s is not a valid origin: it must be *, or a scheme and a host such as https://example.com", o)
		}
	}
	if value(c.AllowCredentials) && slices.Contains(c.AllowOrigins, "*") {
		return badRequest("allowCredentials cannot be true when allowOrigins has *: browsers do not send credentials to any origin")
	}
	for _, m := range c.AllowMethods {
		if m != "*" && !knownMethod(m) {
			return badRequest("%s is not a method that CORS can allow", m)
		}
	}
	return nil
}

func knownMethod(m string) bool {
	switch m {
	case "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS":
		return true
	}
	return false
}

func (s *Service) getAPI(ctx context.Context, in *shapes.GetApiRequest) (*shapes.GetApiResponse, error) {
	var a *shapes.Api
	err := s.view(ctx, func(sn *kv.Snap, sp space) (err error) {
		a, err = jsonrow.Load[shapes.Api](sn, sp.api(value(in.ApiId)))
		return err
	})
	if err == nil && a == nil {
		err = noSuchAPI(value(in.ApiId))
	}
	if err != nil {
		return nil, err
	}
	out := shapes.GetApiResponse(*a)
	return &out, nil
}

func (s *Service) getAPIs(ctx context.Context, in *shapes.GetApisRequest) (*shapes.GetApisResponse, error) {
	var all []*shapes.Api
	err := s.view(ctx, func(sn *kv.Snap, sp space) (err error) {
		all, err = list[shapes.Api](sn, sp.apis())
		return err
	})
	if err != nil {
		return nil, err
	}
	items, next, err := page(all, in.NextToken, in.MaxResults)
	return &shapes.GetApisResponse{Items: items, NextToken: next}, err
}

func (s *Service) updateAPI(ctx context.Context, in *shapes.UpdateApiRequest) (*shapes.UpdateApiResponse, error) {
	if in.RouteKey != nil || in.Target != nil || in.CredentialsArn != nil {
		return nil, refused("changing the quick-create route of an API by UpdateApi: update its route and integration instead")
	}
	var out shapes.UpdateApiResponse
	err := s.update(ctx, in.ApiId, func(c *change) error {
		merge(c.api, in)
		if err := soundAPI(c.api); err != nil {
			return err
		}
		out = shapes.UpdateApiResponse(*c.api)
		return jsonrow.Set(c.Tx, c.space.api(*in.ApiId), c.api)
	})
	return &out, err
}

func (s *Service) deleteCORS(ctx context.Context, in *shapes.DeleteCorsConfigurationRequest) (*schema.Empty, error) {
	return nil, s.update(ctx, in.ApiId, func(c *change) error {
		c.api.CorsConfiguration = nil
		return jsonrow.Set(c.Tx, c.space.api(*in.ApiId), c.api)
	})
}

// deleteAPI deletes an API with everything that belongs to it.
func (s *Service) deleteAPI(ctx context.Context, in *shapes.DeleteApiRequest) (*schema.Empty, error) {
	return nil, s.update(ctx, in.ApiId, func(c *change) error {
		mapped, err := mappedBy(c.Tx, c.space, func(m *shapes.ApiMapping) bool { return value(m.ApiId) == *in.ApiId })
		if err != nil {
			return err
		}
		if mapped != "" {
			return badRequest("Deleting API is not allowed while it is mapped to the domain name %s", mapped)
		}
		c.clear(*in.ApiId)
		c.Delete(c.space.api(*in.ApiId))
		return nil
	})
}

// clear deletes all parts of an API.
func (c *change) clear(api string) {
	for _, kind := range []string{integrationKind, routeKind, authorizerKind, modelKind, stageKind, deploymentKind} {
		c.DeleteRange(c.parts(kind, api))
	}
}

// quick is what an API that is created with a target has from the beginning.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop.html#http-api-examples.cli.quick-create
type quick struct {
	integration *shapes.Integration
	route       *shapes.Route
}

func newQuick(key, target, credentials *string) (*quick, error) {
	if value(target) == "" {
		if value(key) != "" || value(credentials) != "" {
			return nil, badRequest("routeKey and credentialsArn need a target")
		}
		return nil, nil
	}
	i := &shapes.Integration{
		ApiGatewayManaged: ptr(true), IntegrationId: ptr(newID(7)), IntegrationUri: target, CredentialsArn: credentials,
		IntegrationType: ptr("HTTP_PROXY"), IntegrationMethod: ptr("ANY"), PayloadFormatVersion: ptr("1.0"),
	}
	if arn.Looks(*target) {
		i.IntegrationType, i.IntegrationMethod, i.PayloadFormatVersion = ptr("AWS_PROXY"), nil, ptr("2.0")
	}
	if err := soundIntegration(i); err != nil {
		return nil, err
	}
	r := &shapes.Route{
		ApiGatewayManaged: ptr(true), RouteId: ptr(newID(7)), RouteKey: orDefault(key, defaultRoute), Target: ptr("integrations/" + *i.IntegrationId),
		AuthorizationType: ptr("NONE"), ApiKeyRequired: ptr(false),
	}
	return &quick{i, r}, soundKey(*r.RouteKey)
}

func (q *quick) make(c *change) error {
	api := *c.api.ApiId
	if err := jsonrow.Set(c.Tx, c.part(integrationKind, api, *q.integration.IntegrationId), q.integration); err != nil {
		return err
	}
	if err := jsonrow.Set(c.Tx, c.part(routeKind, api, *q.route.RouteId), q.route); err != nil {
		return err
	}
	st := newStage(defaultStage, c.now)
	st.ApiGatewayManaged, st.AutoDeploy = ptr(true), ptr(true)
	return jsonrow.Set(c.Tx, c.part(stageKind, api, defaultStage), st)
}
