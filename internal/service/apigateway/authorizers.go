package apigateway

import (
	"context"
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/regex"
)

func authorizerPath(api, id *string) string {
	return "/restapis/" + value(api) + "/authorizers/" + value(id)
}

func (s *Service) registerAuthorizers() {
	awsapi.Handle(s.api, shapes.CreateAuthorizer, on("POST", func(in *shapes.CreateAuthorizerRequest) string {
		return "/restapis/" + value(in.RestApiId) + "/authorizers"
	}), s.createAuthorizer)
	awsapi.Handle(s.api, shapes.GetAuthorizer, on("GET", func(in *shapes.GetAuthorizerRequest) string { return authorizerPath(in.RestApiId, in.AuthorizerId) }), s.getAuthorizer)
	awsapi.Handle(s.api, shapes.GetAuthorizers, on("GET", func(in *shapes.GetAuthorizersRequest) string {
		return "/restapis/" + value(in.RestApiId) + "/authorizers"
	}), s.getAuthorizers)
	awsapi.Handle(s.api, shapes.UpdateAuthorizer, on("PATCH", func(in *shapes.UpdateAuthorizerRequest) string {
		return authorizerPath(in.RestApiId, in.AuthorizerId)
	}), s.updateAuthorizer)
	awsapi.Handle(s.api, shapes.DeleteAuthorizer, on("DELETE", func(in *shapes.DeleteAuthorizerRequest) string {
		return authorizerPath(in.RestApiId, in.AuthorizerId)
	}), s.deleteAuthorizer)
	awsapi.Handle(s.api, shapes.TestInvokeAuthorizer, on("POST", func(in *shapes.TestInvokeAuthorizerRequest) string {
		return authorizerPath(in.RestApiId, in.AuthorizerId)
	}), s.testInvokeAuthorizer)
	awsapi.Handle(s.api, shapes.FlushStageAuthorizersCache, on("DELETE", func(in *shapes.FlushStageAuthorizersCacheRequest) string {
		return stagePath(in.RestApiId, in.StageName) + "/cache/authorizers"
	}), s.flushStageAuthorizersCache)
}

// userPools is the type of authorizers that verify the tokens of user pools.
const userPools = "COGNITO_USER_POOLS"

// Limits of how long an authorizer's answer is kept, in seconds.
// https://docs.aws.amazon.com/apigateway/latest/api/API_CreateAuthorizer.html
const (
	defaultTTL = 300
	maxTTL     = 3600
)

func noSuchAuthorizer() *fault.Error { return notFound("Invalid Authorizer identifier specified") }

// https://docs.aws.amazon.com/apigateway/latest/api/API_CreateAuthorizer.html
func (s *Service) createAuthorizer(ctx context.Context, in *shapes.CreateAuthorizerRequest) (*shapes.Authorizer, error) {
	a := &shapes.Authorizer{
		Id: ptr(newID(6)), Name: in.Name, Type: in.Type, AuthType: in.AuthType, ProviderARNs: in.ProviderARNs, AuthorizerUri: in.AuthorizerUri,
		AuthorizerCredentials: in.AuthorizerCredentials, IdentitySource: in.IdentitySource, IdentityValidationExpression: in.IdentityValidationExpression,
		AuthorizerResultTtlInSeconds: in.AuthorizerResultTtlInSeconds,
	}
	if a.AuthType == nil {
		a.AuthType = ptr("custom")
		if *a.Type == userPools {
			a.AuthType = ptr("cognito_user_pools")
		}
	}
	if a.AuthorizerResultTtlInSeconds == nil {
		a.AuthorizerResultTtlInSeconds = ptr(int32(defaultTTL))
	}
	if err := s.supportedAuthorizer(a); err != nil {
		return nil, err
	}
	err := s.update(ctx, *in.RestApiId, func(tx *kv.Tx, sp space, r *api) error {
		if err := uniqueName(tx, sp, *r.Id, a); err != nil {
			return err
		}
		return jsonrow.Set(tx, sp.part(authorizerKind, *r.Id, *a.Id), a)
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

func uniqueName(tx *kv.Tx, sp space, apiID string, a *shapes.Authorizer) error {
	all, err := list[shapes.Authorizer](tx, sp.parts(authorizerKind, apiID))
	if err != nil {
		return err
	}
	for _, other := range all {
		if value(other.Name) == value(a.Name) && *other.Id != *a.Id {
			return badRequest("Authorizer name must be unique. Authorizer %s already exists in this RestApi.", *a.Name)
		}
	}
	return nil
}

// supportedAuthorizer refuses what the data plane could not ask.
func (s *Service) supportedAuthorizer(a *shapes.Authorizer) error {
	switch value(a.Type) {
	case "TOKEN", "REQUEST":
	case userPools:
		if err := s.supportedPools(a); err != nil {
			return err
		}
	default:
		return badRequest("Invalid authorizer type specified: %s", value(a.Type))
	}
	if value(a.Name) == "" {
		return badRequest("Authorizer name cannot be blank")
	}
	if value(a.AuthorizerCredentials) != "" {
		return badRequest("authorizerCredentials are not supported: give the function a permission for apigateway.amazonaws.com instead.")
	}
	if *a.Type != userPools && !leadsToFunction(value(a.AuthorizerUri)) {
		return badRequest("Invalid Authorizer URI: %s. Authorizer URI should be a valid API Gateway ARN that represents a Lambda function invocation.", value(a.AuthorizerUri))
	}
	if t := *a.AuthorizerResultTtlInSeconds; t < 0 || t > maxTTL {
		return badRequest("Authorizer result TTL must be between 0 and %d seconds", maxTTL)
	}
	if value(a.IdentityValidationExpression) != "" {
		if value(a.Type) == "REQUEST" {
			return badRequest("Identity validation expression is not supported for REQUEST authorizers")
		}
		if _, err := regex.CompileWhole(*a.IdentityValidationExpression); err != nil {
			return badRequest("Invalid identity validation expression specified: %v", err)
		}
	}
	sources, err := identitySources(value(a.IdentitySource))
	switch {
	case err != nil:
		return err
	case value(a.Type) != "REQUEST" && (len(sources) != 1 || !strings.HasPrefix(sources[0], "method.request.header.")):
		return badRequest("Identity source of the authorizer must be one header, such as method.request.header.Authorization")
	case len(sources) == 0 && *a.AuthorizerResultTtlInSeconds > 0:
		return badRequest("Identity source must be specified when the authorizer result TTL is greater than 0")
	}
	return nil
}

// identitySources reads a list of where a caller's identity is taken from.
func identitySources(text string) ([]string, error) {
	var out []string
	for source := range strings.SplitSeq(text, ",") {
		source = strings.TrimSpace(source)
		if source == "" {
			continue
		}
		known := false
		for _, prefix := range []string{"method.request.header.", "method.request.querystring.", "stageVariables.", "context."} {
			known = known || strings.HasPrefix(source, prefix) && len(source) > len(prefix)
		}
		if !known {
			return nil, badRequest("Invalid mapping expression specified: %s", source)
		}
		out = append(out, source)
	}
	return out, nil
}

func (s *Service) getAuthorizer(ctx context.Context, in *shapes.GetAuthorizerRequest) (*shapes.Authorizer, error) {
	return readPart[shapes.Authorizer](ctx, s, authorizerKind, *in.RestApiId, *in.AuthorizerId, noSuchAuthorizer())
}

func (s *Service) getAuthorizers(ctx context.Context, in *shapes.GetAuthorizersRequest) (*shapes.Authorizers, error) {
	items, next, err := pageOfParts[shapes.Authorizer](ctx, s, authorizerKind, *in.RestApiId, in.Position, in.Limit)
	return &shapes.Authorizers{Items: items, Position: next}, err
}

// https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateAuthorizer.html
func (s *Service) updateAuthorizer(ctx context.Context, in *shapes.UpdateAuthorizerRequest) (*shapes.Authorizer, error) {
	return changePart(ctx, s, authorizerKind, *in.RestApiId, *in.AuthorizerId, noSuchAuthorizer(), func(tx *kv.Tx, sp space, a *shapes.Authorizer) error {
		for _, p := range in.PatchOperations {
			if err := patchAuthorizer(a, p); err != nil {
				return err
			}
		}
		if err := s.supportedAuthorizer(a); err != nil {
			return err
		}
		return uniqueName(tx, sp, *in.RestApiId, a)
	})
}

func patchAuthorizer(a *shapes.Authorizer, p shapes.PatchOperation) error {
	v := p.Value
	if value(p.Op) == "remove" {
		v = nil
	}
	switch value(p.Path) {
	case "/name":
		a.Name = v
	case "/type":
		a.Type = v
	case "/authType":
		a.AuthType = v
	case "/authorizerUri":
		a.AuthorizerUri = v
	case "/authorizerCredentials":
		a.AuthorizerCredentials = v
	case "/identitySource":
		a.IdentitySource = v
	case "/providerARNs":
		a.ProviderARNs = patchList(a.ProviderARNs, p, value(p.Value))
	case "/identityValidationExpression":
		a.IdentityValidationExpression = v
	case "/authorizerResultTtlInSeconds":
		n, err := strconv.ParseInt(value(v), 10, 32)
		if err != nil {
			return badRequest("Invalid value %s for %s: it must be a whole number", value(v), value(p.Path))
		}
		a.AuthorizerResultTtlInSeconds = ptr(int32(n))
	default:
		return badPatch(p)
	}
	return nil
}

func (s *Service) deleteAuthorizer(ctx context.Context, in *shapes.DeleteAuthorizerRequest) (*schema.Empty, error) {
	return nil, s.update(ctx, *in.RestApiId, func(tx *kv.Tx, sp space, a *api) error {
		key := sp.part(authorizerKind, *a.Id, *in.AuthorizerId)
		had, err := jsonrow.Load[shapes.Authorizer](tx, key)
		if err != nil {
			return err
		}
		if had == nil {
			return noSuchAuthorizer()
		}
		user, err := usedBy(tx, sp, *a.Id, func(m *shapes.Method) bool { return value(m.AuthorizerId) == *in.AuthorizerId })
		if err != nil {
			return err
		}
		if user != "" {
			return conflict("Cannot delete authorizer '%s', is referenced in %s", value(had.Name), user)
		}
		tx.Delete(key)
		return nil
	})
}
