package resource

import (
	"context"
	"strings"

	"github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
)

// stage is AWS::ApiGateway::Stage. Ref is its name.
type stage struct{ base }

func stageARN(r stack.Request, api, name string) string {
	return r.Stack.Scope.RestAPI(api).String() + "/stages/" + name
}

func (s stage) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	r.PhysicalID = text(r.Properties, "StageName")
	in := apigateway.CreateStageRequest{StageName: &r.PhysicalID, Tags: tagMap(r.Properties)}
	err := bind(&in, r.Properties, "StageName", "Tags", "AccessLogSetting", "MethodSettings", "ClientCertificateId", "CanarySetting=CanarySettings")
	if err != nil {
		return stack.Progress{}, err
	}
	made := stack.Progress{PhysicalID: r.PhysicalID}
	err = run(ctx, s.base, apigateway.CreateStage, &in)
	if r.Again && present(err) {
		return s.Update(ctx, r)
	}
	if err != nil {
		return stack.Progress{}, err
	}
	var p patch
	methodSettings(&p, nil, r.Properties)
	accessLogs(&p, nil, r.Properties.Get("AccessLogSetting"))
	p.scalar(nil, r.Properties, "ClientCertificateId", "/clientCertificateId", "")
	return made, s.apply(ctx, r, p)
}

func (s stage) apply(ctx context.Context, r stack.Request, p patch) error {
	if len(p) == 0 {
		return nil
	}
	api := text(r.Properties, "RestApiId")
	return run(ctx, s.base, apigateway.UpdateStage, &apigateway.UpdateStageRequest{RestApiId: &api, StageName: &r.PhysicalID, PatchOperations: p})
}

func (s stage) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done := stack.Progress{PhysicalID: r.PhysicalID}
	var p patch
	p.scalar(r.Old, r.Properties, "DeploymentId", "/deploymentId", "")
	p.scalar(r.Old, r.Properties, "Description", "/description", "")
	p.scalar(r.Old, r.Properties, "TracingEnabled", "/tracingEnabled", "false")
	p.scalar(r.Old, r.Properties, "CacheClusterEnabled", "/cacheClusterEnabled", "false")
	p.scalar(r.Old, r.Properties, "CacheClusterSize", "/cacheClusterSize", "0.5")
	p.scalar(r.Old, r.Properties, "ClientCertificateId", "/clientCertificateId", "")
	p.scalar(r.Old, r.Properties, "DocumentationVersion", "/documentationVersion", "")
	p.entries(r.Old.Get("Variables"), r.Properties.Get("Variables"), "/variables")
	methodSettings(&p, r.Old, r.Properties)
	accessLogs(&p, r.Old.Get("AccessLogSetting"), r.Properties.Get("AccessLogSetting"))
	canary(&p, r.Old.Get("CanarySetting"), r.Properties.Get("CanarySetting"))
	if err := s.apply(ctx, r, p); err != nil {
		return done, err
	}
	return done, s.tag(ctx, r, stageARN(r, text(r.Properties, "RestApiId"), r.PhysicalID))
}

// methodSettings brings the settings of methods from one version to another.
func methodSettings(p *patch, old, new *template.Value) {
	is := map[string]bool{}
	was := map[string]*template.Value{}
	for _, s := range items(old, "MethodSettings") {
		was[settingsPath(s)] = s
	}
	for _, s := range items(new, "MethodSettings") {
		path := settingsPath(s)
		is[path] = true
		if have := was[path]; have == nil || !template.Equal(have, s) {
			settings(p, path, s)
		}
	}
	for _, s := range items(old, "MethodSettings") {
		if path := settingsPath(s); !is[path] {
			p.add("remove", path, "")
		}
	}
}

// settingsPath is the path of the settings of a method: the resource's path as
// one element, and the HTTP method.
func settingsPath(s *template.Value) string {
	resource, verb := text(s, "ResourcePath"), text(s, "HttpMethod")
	if resource == "" {
		resource = "/*"
	}
	if verb == "" {
		verb = "*"
	}
	return "/" + pointer(strings.TrimPrefix(resource, "/")) + "/" + verb
}

// settings sets what the settings of a method, or of all, say.
func settings(p *patch, path string, s *template.Value) {
	for _, x := range []struct{ property, at string }{
		{"MetricsEnabled", "/metrics/enabled"}, {"LoggingLevel", "/logging/loglevel"}, {"DataTraceEnabled", "/logging/dataTrace"},
		{"ThrottlingBurstLimit", "/throttling/burstLimit"}, {"ThrottlingRateLimit", "/throttling/rateLimit"},
		{"CachingEnabled", "/caching/enabled"}, {"CacheTtlInSeconds", "/caching/ttlInSeconds"}, {"CacheDataEncrypted", "/caching/dataEncrypted"},
	} {
		if v := s.Get(x.property); v != nil {
			p.add("replace", path+x.at, v.Text)
		}
	}
}

// accessLogs brings the access logs from one version to another.
func accessLogs(p *patch, old, new *template.Value) {
	switch {
	case old == nil && new == nil:
	case new == nil:
		p.add("remove", "/accessLogSettings", "")
	default:
		p.scalar(old, new, "DestinationArn", "/accessLogSettings/destinationArn", "")
		p.scalar(old, new, "Format", "/accessLogSettings/format", "")
	}
}

// canary brings the canary from one version to another.
func canary(p *patch, old, new *template.Value) {
	switch {
	case old == nil && new == nil:
	case new == nil:
		p.add("remove", "/canarySettings", "")
	default:
		p.scalar(old, new, "DeploymentId", "/canarySettings/deploymentId", "")
		p.scalar(old, new, "PercentTraffic", "/canarySettings/percentTraffic", "0.0")
		p.scalar(old, new, "UseStageCache", "/canarySettings/useStageCache", "false")
		p.entries(old.Get("StageVariableOverrides"), new.Get("StageVariableOverrides"), "/canarySettings/stageVariableOverrides")
	}
}

func (s stage) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	api := text(r.Properties, "RestApiId")
	return gone(run(ctx, s.base, apigateway.DeleteStage, &apigateway.DeleteStageRequest{RestApiId: &api, StageName: &r.PhysicalID}))
}

func (s stage) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	api := text(r.Properties, "RestApiId")
	return stack.Attrs{}, found(run(ctx, s.base, apigateway.GetStage, &apigateway.GetStageRequest{RestApiId: &api, StageName: &r.PhysicalID}))
}
