package apigatewayv2

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
)

// MaxScopes is how many scopes are kept in memory.
const MaxScopes = maxScopes

// Scopes is how many scopes are kept now.
func (s *Service) Scopes() int { return max(len(s.plans.all), len(s.plans.watched)) }

// Throttled takes one request of each of n routes that let one pass a second, at an
// instant, and returns how many are remembered then.
func (s *Service) Throttled(n int, now clock.Instant) int {
	for i := range n {
		s.buckets.take(bucketKey{route: strconv.Itoa(i) + now.String()}, limit{1, 1}, now)
	}
	return len(s.buckets.all)
}

// Layout is the keys and one row of each kind, as they lie on the disk.
func Layout() (string, error) {
	sp, at := spaceOf(arn.In("eu-central-1", "123456789012")), clock.Unix(1795301973, 5)
	route := &shapes.Route{RouteId: ptr("r"), RouteKey: ptr("GET /a"), Target: ptr("integrations/i"), AuthorizationType: ptr("JWT"), AuthorizerId: ptr("u"), AuthorizationScopes: []string{"read"}}
	integration := &shapes.Integration{
		IntegrationId: ptr("i"), IntegrationType: ptr("AWS_PROXY"), IntegrationUri: ptr("arn"), PayloadFormatVersion: ptr("2.0"), TimeoutInMillis: ptr(int32(30000)),
		RequestParameters: map[string]string{"append:header.a": "b"}, ResponseParameters: map[string]map[string]string{"200": {"remove:header.a": "''"}},
	}
	authorizer := &shapes.Authorizer{AuthorizerId: ptr("u"), Name: ptr("jwt"), AuthorizerType: ptr("JWT"), JwtConfiguration: &shapes.JWTConfiguration{Issuer: ptr("https://i"), Audience: []string{"a"}}}
	cors := &shapes.Cors{AllowOrigins: []string{"*"}, MaxAge: ptr(int32(5))}
	var b strings.Builder
	for _, r := range []struct {
		name string
		key  kv.Key
		row  any
	}{
		{"api", sp.api("a1"), &shapes.Api{ApiId: ptr("a1"), Name: ptr("shop"), CreatedDate: &at, CorsConfiguration: cors, Tags: map[string]string{"team": "green"}}},
		{"integration", sp.part(integrationKind, "a1", "i"), integration},
		{"route", sp.part(routeKind, "a1", "r"), route},
		{"authorizer", sp.part(authorizerKind, "a1", "u"), authorizer},
		{"model", sp.part(modelKind, "a1", "m"), &shapes.ModelShape{ModelId: ptr("m"), Name: ptr("pet"), Schema: ptr("{}")}},
		{"stage", sp.part(stageKind, "a1", "$default"), newStage("$default", at)},
		{"deployment", sp.part(deploymentKind, "a1", "d"), &deployment{
			Deployment: shapes.Deployment{DeploymentId: ptr("d"), CreatedDate: &at, AutoDeployed: ptr(true)}, Routes: []*shapes.Route{route},
			Integrations: map[string]*shapes.Integration{"i": integration}, Authorizers: map[string]*shapes.Authorizer{"u": authorizer}, CORS: cors,
		}},
		{"domain", sp.domain("a.example.com"), &shapes.DomainName{DomainName: ptr("a.example.com")}},
		{"mapping", sp.mapping("a.example.com", "m"), &shapes.ApiMapping{ApiMappingId: ptr("m"), ApiId: ptr("a1"), Stage: ptr("$default"), ApiMappingKey: ptr("v1")}},
	} {
		text, err := json.Marshal(r.row)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%-11s %s\n%-11s %x\n%-11s %s\n", r.name, r.key, "", []byte(r.key), "", text)
	}
	return b.String(), nil
}
