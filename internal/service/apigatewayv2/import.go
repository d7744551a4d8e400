package apigatewayv2

import (
	"context"
	"maps"
	"slices"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

func (s *Service) registerImport() {
	awsapi.Handle(s.api, shapes.ImportApi, passingAll(on("PUT", func(*shapes.ImportApiRequest) string { return "/apis" }),
		func(in *shapes.ImportApiRequest) *string { return in.Body }), s.importAPI)
	awsapi.Handle(s.api, shapes.ReimportApi, passingAll(on("PUT", func(in *shapes.ReimportApiRequest) string { return apiPath(in.ApiId) }),
		func(in *shapes.ReimportApiRequest) *string { return in.Body }), s.reimportAPI)
}

// passingAll adds the permissions to give API Gateway the roles that a definition
// names: who imports one gives them as who makes its parts one by one.
func passingAll[I any](access func(context.Context, *I) ([]awsapi.Access, error), body func(*I) *string) func(context.Context, *I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in *I) ([]awsapi.Access, error) {
		needs, err := access(ctx, in)
		if err != nil {
			return nil, err
		}
		def, err := readDefinition(value(body(in)), "", false)
		if err != nil {
			return needs, nil // the operation says what is wrong with it
		}
		roles := map[string]bool{}
		for _, i := range def.integrations {
			roles[value(i.CredentialsArn)] = true
		}
		for _, a := range def.authorizers {
			roles[value(a.AuthorizerCredentialsArn)] = true
		}
		delete(roles, "")
		for _, role := range slices.Sorted(maps.Keys(roles)) {
			needs = append(needs, passRole(role))
		}
		return needs, nil
	}
}

// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis.html#ImportApi
func (s *Service) importAPI(ctx context.Context, in *shapes.ImportApiRequest) (*shapes.ImportApiResponse, error) {
	def, err := readDefinition(value(in.Body), value(in.Basepath), value(in.FailOnWarnings))
	if err != nil {
		return nil, err
	}
	scope, now := awsapi.From(ctx).Scope, s.Clock.Now()
	a := &def.api
	s.fresh(a, scope)
	a.CreatedDate = &now
	if err := soundAPI(a); err != nil {
		return nil, err
	}
	id := newID(6)
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		c := &change{Tx: tx, space: spaceOf(scope), scope: scope, api: a, id: id, now: now}
		tx.Signal(c.changed())
		if err := jsonrow.Set(tx, c.space.api(*a.ApiId), a); err != nil {
			return err
		}
		return def.make(c)
	})
	out := shapes.ImportApiResponse(*a)
	return &out, err
}

// reimportAPI puts a definition in the place of what an API has: routes,
// integrations and authorizers, not stages.
func (s *Service) reimportAPI(ctx context.Context, in *shapes.ReimportApiRequest) (*shapes.ReimportApiResponse, error) {
	def, err := readDefinition(value(in.Body), value(in.Basepath), value(in.FailOnWarnings))
	if err != nil {
		return nil, err
	}
	var out shapes.ReimportApiResponse
	err = s.update(ctx, in.ApiId, func(c *change) error {
		for _, kind := range []string{routeKind, integrationKind, authorizerKind} {
			c.DeleteRange(c.parts(kind, *in.ApiId))
		}
		a := def.api
		a.ApiId, a.ApiEndpoint, a.CreatedDate, a.Tags = c.api.ApiId, c.api.ApiEndpoint, c.api.CreatedDate, c.api.Tags
		a.RouteSelectionExpression, a.ApiKeySelectionExpression = c.api.RouteSelectionExpression, c.api.ApiKeySelectionExpression
		if a.DisableExecuteApiEndpoint == nil {
			a.DisableExecuteApiEndpoint = c.api.DisableExecuteApiEndpoint
		}
		if err := soundAPI(&a); err != nil {
			return err
		}
		c.api = &a
		out = shapes.ReimportApiResponse(a)
		if err := jsonrow.Set(c.Tx, c.space.api(*in.ApiId), &a); err != nil {
			return err
		}
		return def.make(c)
	})
	return &out, err
}

// make stores the parts of a definition.
func (d *definition) make(c *change) error {
	api := *c.api.ApiId
	for _, a := range d.authorizers {
		if err := soundAuthorizer(a); err != nil {
			return err
		}
		if err := jsonrow.Set(c.Tx, c.part(authorizerKind, api, *a.AuthorizerId), a); err != nil {
			return err
		}
	}
	for _, i := range d.integrations {
		if err := soundIntegration(i); err != nil {
			return err
		}
		if err := jsonrow.Set(c.Tx, c.part(integrationKind, api, *i.IntegrationId), i); err != nil {
			return err
		}
	}
	for _, r := range d.routes {
		if err := c.soundRoute(r); err != nil {
			return err
		}
		if err := jsonrow.Set(c.Tx, c.part(routeKind, api, *r.RouteId), r); err != nil {
			return err
		}
	}
	return nil
}
