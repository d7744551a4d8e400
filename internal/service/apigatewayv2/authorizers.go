package apigatewayv2

import (
	"context"
	"net/url"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

func (s *Service) registerAuthorizers() {
	awsapi.Handle(s.api, shapes.CreateAuthorizer, passing(on("POST", func(in *shapes.CreateAuthorizerRequest) string { return apiPath(in.ApiId) + "/authorizers" }),
		func(in *shapes.CreateAuthorizerRequest) *string { return in.AuthorizerCredentialsArn }), s.createAuthorizer)
	awsapi.Handle(s.api, shapes.GetAuthorizer, on("GET", func(in *shapes.GetAuthorizerRequest) string { return authorizerPath(in.ApiId, in.AuthorizerId) }), s.getAuthorizer)
	awsapi.Handle(s.api, shapes.GetAuthorizers, on("GET", func(in *shapes.GetAuthorizersRequest) string { return apiPath(in.ApiId) + "/authorizers" }), s.getAuthorizers)
	awsapi.Handle(s.api, shapes.UpdateAuthorizer, passing(on("PATCH", func(in *shapes.UpdateAuthorizerRequest) string { return authorizerPath(in.ApiId, in.AuthorizerId) }),
		func(in *shapes.UpdateAuthorizerRequest) *string { return in.AuthorizerCredentialsArn }), s.updateAuthorizer)
	awsapi.Handle(s.api, shapes.DeleteAuthorizer, on("DELETE", func(in *shapes.DeleteAuthorizerRequest) string { return authorizerPath(in.ApiId, in.AuthorizerId) }), s.deleteAuthorizer)
	awsapi.Handle(s.api, shapes.ResetAuthorizersCache, on("DELETE", func(in *shapes.ResetAuthorizersCacheRequest) string {
		return apiPath(in.ApiId) + "/stages/" + value(in.StageName) + "/cache/authorizers"
	}), s.resetAuthorizersCache)
}

func authorizerPath(api, id *string) string { return apiPath(api) + "/authorizers/" + value(id) }

func noSuchAuthorizer() *fault.Error { return notFound("Invalid Authorizer identifier specified") }

// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-authorizers.html#CreateAuthorizer
func (s *Service) createAuthorizer(ctx context.Context, in *shapes.CreateAuthorizerRequest) (*shapes.CreateAuthorizerResponse, error) {
	a := &shapes.Authorizer{AuthorizerId: ptr(newID(6))}
	merge(a, in)
	if err := soundAuthorizer(a); err != nil {
		return nil, err
	}
	err := s.update(ctx, in.ApiId, func(c *change) error {
		if err := c.freeName(a); err != nil {
			return err
		}
		return jsonrow.Set(c.Tx, c.part(authorizerKind, *in.ApiId, *a.AuthorizerId), a)
	})
	out := shapes.CreateAuthorizerResponse(*a)
	return &out, err
}

// freeName fails where another authorizer of the API has the name.
func (c *change) freeName(a *shapes.Authorizer) error {
	all, err := listTx[shapes.Authorizer](c.Tx, c.parts(authorizerKind, *c.api.ApiId))
	if err != nil {
		return err
	}
	for _, other := range all {
		if *other.Name == *a.Name && *other.AuthorizerId != *a.AuthorizerId {
			return conflict("Authorizer name must be unique. Authorizer %s already exists for this API.", *a.Name)
		}
	}
	return nil
}

// soundAuthorizer refuses an authorizer that could not judge.
func soundAuthorizer(a *shapes.Authorizer) error {
	for _, source := range a.IdentitySource {
		if !isIdentitySource(source) {
			return badRequest("Identity source '%s' is not valid: it must be $request.header.name, $request.querystring.name, $context.name or $stageVariables.name", source)
		}
	}
	switch value(a.AuthorizerType) {
	case "JWT":
		return soundJWT(a)
	case "REQUEST":
		return soundRequest(a)
	}
	return badRequest("Invalid authorizer type %s: JWT and REQUEST are supported for HTTP APIs", value(a.AuthorizerType))
}

func isIdentitySource(s string) bool {
	for _, prefix := range []string{"$request.header.", "$request.querystring.", "$context.", "$stageVariables."} {
		if name, ok := strings.CutPrefix(s, prefix); ok && name != "" {
			return true
		}
	}
	return false
}

func soundJWT(a *shapes.Authorizer) error {
	c := a.JwtConfiguration
	switch {
	case c == nil || value(c.Issuer) == "":
		return badRequest("jwtConfiguration with an issuer is required for authorizers of the type JWT")
	case len(a.IdentitySource) != 1 || !strings.HasPrefix(a.IdentitySource[0], "$request."):
		return badRequest("An authorizer of the type JWT needs one identity source: a header or a parameter of the query string, such as $request.header.Authorization")
	case value(a.AuthorizerUri) != "" || value(a.AuthorizerCredentialsArn) != "" || value(a.AuthorizerPayloadFormatVersion) != "" || a.EnableSimpleResponses != nil || value(a.AuthorizerResultTtlInSeconds) != 0:
		return badRequest("authorizerUri, authorizerPayloadFormatVersion, enableSimpleResponses and authorizerResultTtlInSeconds belong to authorizers of the type REQUEST")
	}
	u, err := url.Parse(*c.Issuer)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return badRequest("Invalid issuer: %s. It must be the URL of an issuer of OpenID Connect", *c.Issuer)
	}
	return nil
}

func soundRequest(a *shapes.Authorizer) error {
	switch {
	case a.JwtConfiguration != nil:
		return badRequest("jwtConfiguration belongs to authorizers of the type JWT")
	case value(a.AuthorizerPayloadFormatVersion) != "1.0" && value(a.AuthorizerPayloadFormatVersion) != "2.0":
		return badRequest("AuthorizerPayloadFormatVersion is a required parameter for REQUEST authorizer. Supported values are 1.0 and 2.0")
	case *a.AuthorizerPayloadFormatVersion == "1.0" && value(a.EnableSimpleResponses):
		return badRequest("Simple responses need authorizerPayloadFormatVersion 2.0")
	case value(a.AuthorizerResultTtlInSeconds) > 0 && len(a.IdentitySource) == 0:
		return badRequest("Identity sources are required to keep the answers of an authorizer")
	}
	a.AuthorizerCredentialsArn = some(a.AuthorizerCredentialsArn)
	if err := soundCredentials(a.AuthorizerCredentialsArn); err != nil {
		return err
	}
	if _, ok := functionOf(value(a.AuthorizerUri)); !ok {
		return badRequest("Invalid Authorizer URI: %s. Authorizer URI should be a valid API Gateway ARN that represents a Lambda function invocation.", value(a.AuthorizerUri))
	}
	return nil
}

func (s *Service) getAuthorizer(ctx context.Context, in *shapes.GetAuthorizerRequest) (*shapes.GetAuthorizerResponse, error) {
	a, err := getPart[shapes.Authorizer](ctx, s, authorizerKind, in.ApiId, in.AuthorizerId, noSuchAuthorizer())
	if err != nil {
		return nil, err
	}
	out := shapes.GetAuthorizerResponse(*a)
	return &out, nil
}

func (s *Service) getAuthorizers(ctx context.Context, in *shapes.GetAuthorizersRequest) (*shapes.GetAuthorizersResponse, error) {
	items, next, err := pageOfParts[shapes.Authorizer](ctx, s, authorizerKind, in.ApiId, in.NextToken, in.MaxResults)
	return &shapes.GetAuthorizersResponse{Items: items, NextToken: next}, err
}

func (s *Service) updateAuthorizer(ctx context.Context, in *shapes.UpdateAuthorizerRequest) (*shapes.UpdateAuthorizerResponse, error) {
	a, err := changePart(ctx, s, authorizerKind, in.ApiId, in.AuthorizerId, noSuchAuthorizer(), func(c *change, a *shapes.Authorizer) error {
		if in.AuthorizerType != nil && *in.AuthorizerType != *a.AuthorizerType {
			return badRequest("The type of an authorizer cannot be changed")
		}
		merge(a, in)
		if err := soundAuthorizer(a); err != nil {
			return err
		}
		return c.freeName(a)
	})
	if err != nil {
		return nil, err
	}
	out := shapes.UpdateAuthorizerResponse(*a)
	return &out, nil
}

func (s *Service) deleteAuthorizer(ctx context.Context, in *shapes.DeleteAuthorizerRequest) (*schema.Empty, error) {
	return nil, s.update(ctx, in.ApiId, func(c *change) error {
		if _, err := part[shapes.Authorizer](c.Tx, c.space, authorizerKind, *in.ApiId, *in.AuthorizerId, noSuchAuthorizer()); err != nil {
			return err
		}
		rs, err := listTx[shapes.Route](c.Tx, c.parts(routeKind, *in.ApiId))
		if err != nil {
			return err
		}
		for _, r := range rs {
			if value(r.AuthorizerId) == *in.AuthorizerId {
				return conflict("Cannot delete authorizer '%s', is referenced in route: %s", *in.AuthorizerId, *r.RouteKey)
			}
		}
		c.Delete(c.part(authorizerKind, *in.ApiId, *in.AuthorizerId))
		return nil
	})
}

func (s *Service) resetAuthorizersCache(ctx context.Context, in *shapes.ResetAuthorizersCacheRequest) (*schema.Empty, error) {
	if _, err := getPart[shapes.Stage](ctx, s, stageKind, in.ApiId, in.StageName, noSuchStage()); err != nil {
		return nil, err
	}
	s.verdicts.forget(awsapi.From(ctx).Scope, *in.ApiId, *in.StageName)
	return nil, nil
}
