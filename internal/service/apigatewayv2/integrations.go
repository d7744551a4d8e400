package apigatewayv2

import (
	"context"
	"net/url"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

func (s *Service) registerIntegrations() {
	awsapi.Handle(s.api, shapes.CreateIntegration, passing(on("POST", func(in *shapes.CreateIntegrationRequest) string { return apiPath(in.ApiId) + "/integrations" }),
		func(in *shapes.CreateIntegrationRequest) *string { return in.CredentialsArn }), s.createIntegration)
	awsapi.Handle(s.api, shapes.GetIntegration, on("GET", func(in *shapes.GetIntegrationRequest) string { return integrationPath(in.ApiId, in.IntegrationId) }), s.getIntegration)
	awsapi.Handle(s.api, shapes.GetIntegrations, on("GET", func(in *shapes.GetIntegrationsRequest) string { return apiPath(in.ApiId) + "/integrations" }), s.getIntegrations)
	awsapi.Handle(s.api, shapes.UpdateIntegration, passing(on("PATCH", func(in *shapes.UpdateIntegrationRequest) string { return integrationPath(in.ApiId, in.IntegrationId) }),
		func(in *shapes.UpdateIntegrationRequest) *string { return in.CredentialsArn }), s.updateIntegration)
	awsapi.Handle(s.api, shapes.DeleteIntegration, on("DELETE", func(in *shapes.DeleteIntegrationRequest) string { return integrationPath(in.ApiId, in.IntegrationId) }), s.deleteIntegration)
}

func integrationPath(api, id *string) string { return apiPath(api) + "/integrations/" + value(id) }

func noSuchIntegration() *fault.Error { return notFound("Invalid Integration identifier specified") }

// maxTimeout is how long an integration may take, in milliseconds.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
const maxTimeout = 30_000

// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-integrations.html#CreateIntegration
func (s *Service) createIntegration(ctx context.Context, in *shapes.CreateIntegrationRequest) (*shapes.CreateIntegrationResult, error) {
	i := &shapes.Integration{IntegrationId: ptr(newID(7))}
	merge(i, in)
	if in.TlsConfig != nil {
		return nil, refused("tlsConfig: it belongs to private integrations")
	}
	if err := soundIntegration(i); err != nil {
		return nil, err
	}
	err := s.update(ctx, in.ApiId, func(c *change) error {
		return jsonrow.Set(c.Tx, c.part(integrationKind, *in.ApiId, *i.IntegrationId), i)
	})
	out := shapes.CreateIntegrationResult(*i)
	return &out, err
}

// soundIntegration fills in what an integration does not say, and refuses what
// it cannot be.
func soundIntegration(i *shapes.Integration) error {
	if err := refuseParts(i); err != nil {
		return err
	}
	i.ConnectionType = orDefault(i.ConnectionType, "INTERNET")
	if i.TimeoutInMillis == nil {
		i.TimeoutInMillis = ptr(int32(maxTimeout))
	}
	i.PayloadFormatVersion = orDefault(i.PayloadFormatVersion, "1.0")
	if v := *i.PayloadFormatVersion; v != "1.0" && v != "2.0" {
		return badRequest("Invalid value specified for payloadFormatVersion. Supported values are 1.0 and 2.0")
	}
	if err := soundMappings(i); err != nil {
		return err
	}
	if i.CredentialsArn = some(i.CredentialsArn); i.CredentialsArn != nil && *i.IntegrationType != "AWS_PROXY" {
		return badRequest("credentialsArn belongs to integrations with functions")
	}
	if err := soundCredentials(i.CredentialsArn); err != nil {
		return err
	}
	if *i.IntegrationType == "AWS_PROXY" {
		i.IntegrationMethod = orDefault(i.IntegrationMethod, "POST")
		if _, ok := functionOf(value(i.IntegrationUri)); !ok {
			return badRequest("Integration URI is not a valid Lambda function ARN: %s", value(i.IntegrationUri))
		}
		return nil
	}
	if *i.PayloadFormatVersion != "1.0" {
		return badRequest("Only payloadFormatVersion 1.0 is supported for HTTP_PROXY integrations")
	}
	if m := value(i.IntegrationMethod); m != "ANY" && !knownMethod(m) {
		return badRequest("HttpMethod must be set for HTTP_PROXY integrations")
	}
	u, err := url.Parse(strings.NewReplacer("{", "", "}", "", "$", "").Replace(value(i.IntegrationUri)))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return badRequest("Invalid HTTP endpoint specified for URI")
	}
	return nil
}

// refuseParts refuses the kinds of integrations that are not built, and those
// that HTTP APIs do not have.
func refuseParts(i *shapes.Integration) error {
	switch kind, sub := value(i.IntegrationType), value(i.IntegrationSubtype); {
	case kind == "AWS" || kind == "HTTP" || kind == "MOCK":
		return badRequest("Integration type %s is not supported for HTTP APIs: AWS_PROXY and HTTP_PROXY are", kind)
	case kind != "AWS_PROXY" && kind != "HTTP_PROXY":
		return badRequest("Invalid integration type %s", kind)
	case sub != "":
		return refused("the integration subtype %s: HTTP APIs here lead to Lambda functions and HTTP back ends", sub)
	case value(i.ConnectionType) == "VPC_LINK" || i.ConnectionId != nil:
		return refused("private integrations: connectionType VPC_LINK. An HTTP_PROXY integration reaches a back end by its address.")
	case len(i.RequestTemplates) > 0 || value(i.TemplateSelectionExpression) != "" || value(i.PassthroughBehavior) != "" || value(i.ContentHandlingStrategy) != "":
		return badRequest("requestTemplates, templateSelectionExpression, passthroughBehavior and contentHandlingStrategy are supported for WebSocket APIs only")
	}
	return nil
}

// functionOf reads the function out of an integration's URI: its ARN, or the
// form that REST APIs use.
func functionOf(uri string) (arn.ARN, bool) {
	if _, rest, ok := strings.Cut(uri, ":lambda:path/2015-03-31/functions/"); ok {
		if uri, ok = strings.CutSuffix(rest, "/invocations"); !ok {
			return "", false
		}
	}
	a := arn.ARN(uri)
	return a, a.Service() == "lambda" && strings.HasPrefix(a.Resource(), "function:")
}

func (s *Service) getIntegration(ctx context.Context, in *shapes.GetIntegrationRequest) (*shapes.GetIntegrationResult, error) {
	i, err := getPart[shapes.Integration](ctx, s, integrationKind, in.ApiId, in.IntegrationId, noSuchIntegration())
	if err != nil {
		return nil, err
	}
	out := shapes.GetIntegrationResult(*i)
	return &out, nil
}

func (s *Service) getIntegrations(ctx context.Context, in *shapes.GetIntegrationsRequest) (*shapes.GetIntegrationsResponse, error) {
	items, next, err := pageOfParts[shapes.Integration](ctx, s, integrationKind, in.ApiId, in.NextToken, in.MaxResults)
	return &shapes.GetIntegrationsResponse{Items: items, NextToken: next}, err
}

func (s *Service) updateIntegration(ctx context.Context, in *shapes.UpdateIntegrationRequest) (*shapes.UpdateIntegrationResult, error) {
	if in.TlsConfig != nil {
		return nil, refused("tlsConfig: it belongs to private integrations")
	}
	request, response := in.RequestParameters, in.ResponseParameters
	in.RequestParameters, in.ResponseParameters = nil, nil
	i, err := changePart(ctx, s, integrationKind, in.ApiId, in.IntegrationId, noSuchIntegration(), func(_ *change, i *shapes.Integration) error {
		merge(i, in)
		mergeMappings(i, request, response)
		return soundIntegration(i)
	})
	if err != nil {
		return nil, err
	}
	out := shapes.UpdateIntegrationResult(*i)
	return &out, nil
}

// mergeMappings changes the mappings that a request names. An empty value takes
// a mapping away.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html#http-api-parameter-mapping-examples
func mergeMappings(i *shapes.Integration, request map[string]string, response map[string]map[string]string) {
	for k, v := range request {
		if v == "" {
			delete(i.RequestParameters, k)
			continue
		}
		if i.RequestParameters == nil {
			i.RequestParameters = map[string]string{}
		}
		i.RequestParameters[k] = v
	}
	for status, m := range response {
		if len(m) == 0 {
			delete(i.ResponseParameters, status)
			continue
		}
		if i.ResponseParameters == nil {
			i.ResponseParameters = map[string]map[string]string{}
		}
		i.ResponseParameters[status] = m
	}
}

func (s *Service) deleteIntegration(ctx context.Context, in *shapes.DeleteIntegrationRequest) (*schema.Empty, error) {
	return nil, s.update(ctx, in.ApiId, func(c *change) error {
		if _, err := part[shapes.Integration](c.Tx, c.space, integrationKind, *in.ApiId, *in.IntegrationId, noSuchIntegration()); err != nil {
			return err
		}
		rs, err := listTx[shapes.Route](c.Tx, c.parts(routeKind, *in.ApiId))
		if err != nil {
			return err
		}
		for _, r := range rs {
			if value(r.Target) == "integrations/"+*in.IntegrationId {
				return conflict("Cannot delete Integration '%s' since it's referenced by the route %s", *in.IntegrationId, *r.RouteKey)
			}
		}
		c.Delete(c.part(integrationKind, *in.ApiId, *in.IntegrationId))
		return nil
	})
}
