package compile

import (
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// httpAPIID and httpLogGroupID are the logical ids of the HTTP API that httpApi events share, and of its access logs.
const (
	httpAPIID      = "HttpApi"
	httpLogGroupID = "HttpApiLogGroup"
)

// httpRoute is one httpApi event.
type httpRoute struct {
	event
	key        string // GET /users/{id}, or *
	authorizer *template.Value
	definition *template.Field // of the authorizer, when the service defines it
}

// httpAPI compiles the httpApi events.
func (s *service) httpAPI() {
	h := &httpAPI{service: s, conf: set(s.provider.Get("httpApi"))}
	h.readCORS()
	for _, e := range s.events("httpApi") {
		if r := h.route(e); r != nil {
			h.routes = append(h.routes, r)
		}
	}
	if len(h.routes) == 0 {
		return
	}
	pos := h.routes[0].pos
	if !h.external() {
		h.api(pos)
		h.logs(pos)
		h.stage(pos)
	}
	h.authorizers()
	for _, r := range h.routes {
		h.endpoint(r)
	}
}

type httpAPI struct {
	*service
	conf   *template.Value // provider.httpApi, or nil
	routes []*httpRoute

	cors        *template.Value // the settings, or true
	corsMethods []string        // gathered from the routes; nil when the settings name them
}

// external reports whether the API exists already, outside of this stack.
func (h *httpAPI) external() bool { return truthy(h.conf.Get("id")) }

func (h *httpAPI) apiID() any {
	if h.external() {
		return h.conf.Get("id")
	}
	return ref(httpAPIID)
}

func (h *httpAPI) readCORS() {
	h.cors = or(h.conf.Get("cors"))
	if h.cors != nil && !truthy(h.cors.Get("allowedMethods")) {
		h.corsMethods = []string{"OPTIONS"}
	}
	if !h.external() {
		return
	}
	refuse := func(v *template.Value, what string) {
		if truthy(v) {
			h.errorf(v.Pos, "%s cannot be set up for an external HTTP API", what)
		}
	}
	refuse(h.conf.Get("cors"), "CORS")
	refuse(h.conf.Get("authorizers"), "authorizers")
	refuse(h.provider.Get("logs", "httpApi"), "access logs")
}

// route reads an event.
func (h *httpAPI) route(e event) *httpRoute {
	r := &httpRoute{event: e}
	method, path := str(e.conf, "method"), str(e.conf, "path")
	if isText(e.conf) {
		if method, path, _ = strings.Cut(e.conf.Text, " "); path == "" {
			method, path = "", e.conf.Text
		}
	}
	method = strings.ToUpper(method)
	switch {
	case path == "*" && method != "" && method != "*":
		h.errorf(e.pos, "the path * is for every method: leave method out")
		return nil
	case path == "*":
		r.key, method = "*", "ANY"
	case method == "":
		h.errorf(e.pos, "the httpApi event has no method")
		return nil
	default:
		if method == "*" {
			method = "ANY"
		}
		r.key = method + " " + path
	}
	for _, other := range h.routes {
		if other.key == r.key {
			h.report(template.Errorf(e.pos, "the route %s is declared twice", r.key).
				WithNote(other.pos, "it is already an event of the function %q", other.fn.key))
			return nil
		}
	}
	if h.corsMethods != nil {
		all := []string{method}
		if method == "ANY" {
			all = []string{"GET", "POST", "PUT", "PATCH", "OPTIONS", "HEAD", "DELETE"}
		}
		h.corsMethods = unique(h.corsMethods, all)
	}
	if r.authorizer = or(e.conf.Get("authorizer")); r.authorizer != nil && !h.readAuthorizer(r) {
		return nil
	}
	return r
}

// readAuthorizer finds the definition of a route's authorizer.
func (h *httpAPI) readAuthorizer(r *httpRoute) bool {
	v, name := r.authorizer, str(r.authorizer, "name")
	if isText(v) {
		name = v.Text
	}
	switch kind, id := str(v, "type"), or(v.Get("id")); {
	case kind == "aws_iam" && (name != "" || id != nil || truthy(v.Get("scopes"))):
		h.errorf(v.Pos, "an authorizer of type aws_iam has no other keys")
		return false
	case kind == "aws_iam":
		return true
	case id != nil && !h.external():
		h.errorf(v.Pos, "an authorizer named by its id needs an external HTTP API: provider.httpApi.id")
		return false
	case id != nil:
		return true
	case name == "":
		h.errorf(v.Pos, "the authorizer needs a name or an id")
		return false
	}
	defined := set(h.conf.Get("authorizers"))
	if f, ok := defined.Field(name); ok {
		r.definition = &f
		return true
	}
	d := template.Errorf(v.Pos, "there is no authorizer %q in provider.httpApi.authorizers", name)
	if near := template.Suggest(name, defined.Keys()); near != "" {
		d = d.WithHint("did you mean %q?", near)
	}
	h.report(d)
	return false
}

// api makes the API itself.
func (h *httpAPI) api(pos template.Pos) {
	name := str(h.conf, "name")
	switch {
	case name != "":
	case truthy(h.conf.Get("shouldStartNameWithService")):
		name = h.name + "-" + h.service.stage
	default:
		name = h.service.stage + "-" + h.name
	}
	h.resources.put(httpAPIID, pos, obj{
		{"Type", "AWS::ApiGatewayV2::Api"},
		{"Properties", obj{
			{"Name", name},
			{"Description", optional(str(h.conf, "description"))},
			{"ProtocolType", "HTTP"},
			{"DisableExecuteApiEndpoint", set(h.conf.Get("disableDefaultEndpoint"))},
			{"Tags", set(h.provider.Get("tags"))},
			{"CorsConfiguration", h.corsConfiguration()},
		}},
	})
}

func (h *httpAPI) corsConfiguration() any {
	if h.cors == nil {
		return nil
	}
	list := func(key string, def ...string) any {
		if v := or(h.cors.Get(key)); v != nil {
			return unique(texts(v))
		}
		if def == nil {
			return nil
		}
		return def
	}
	return obj{
		{"AllowCredentials", or(h.cors.Get("allowCredentials"))},
		{"AllowHeaders", list("allowedHeaders", corsHeaders()...)},
		{"AllowMethods", list("allowedMethods", h.corsMethods...)},
		{"AllowOrigins", list("allowedOrigins", "*")},
		{"ExposeHeaders", list("exposedResponseHeaders")},
		{"MaxAge", set(h.cors.Get("maxAge"))},
	}
}

// accessLogFormat returns the format of access logs, or "" when there are none.
func (h *httpAPI) accessLogFormat() string {
	logs := or(h.provider.Get("logs", "httpApi"))
	if logs == nil {
		return ""
	}
	if own := str(logs, "format"); own != "" {
		return own
	}
	return `{"requestId":"$context.requestId","ip":"$context.identity.sourceIp","requestTime":"$context.requestTime",` +
		`"httpMethod":"$context.httpMethod","routeKey":"$context.routeKey","status":"$context.status",` +
		`"protocol":"$context.protocol","responseLength":"$context.responseLength"}`
}

func (h *httpAPI) logs(pos template.Pos) {
	if h.accessLogFormat() == "" {
		return
	}
	e := h.resources.put(httpLogGroupID, pos, obj{
		{"Type", "AWS::Logs::LogGroup"},
		{"Properties", obj{{"LogGroupName", "/aws/http-api/" + h.stackName()}}},
	})
	h.retention(e, nil, nil)
}

// stage makes the stage, which publishes every change by itself.
func (h *httpAPI) stage(pos template.Pos) {
	var logs, after any
	if format := h.accessLogFormat(); format != "" {
		logs = obj{{"DestinationArn", getAtt(httpLogGroupID, "Arn")}, {"Format", format}}
		after = httpLogGroupID
	}
	h.resources.put("HttpApiStage", pos, obj{
		{"Type", "AWS::ApiGatewayV2::Stage"},
		{"Properties", obj{
			{"ApiId", ref(httpAPIID)},
			{"StageName", "$default"},
			{"AutoDeploy", true},
			{"DefaultRouteSettings", obj{{"DetailedMetricsEnabled", truthy(h.conf.Get("metrics"))}}},
			{"Tags", set(h.provider.Get("tags"))},
			{"AccessLogSettings", logs},
		}},
		{"DependsOn", after},
	})
	h.outputs.put("HttpApiId", pos, obj{{"Description", "Id of the HTTP API"}, {"Value", ref(httpAPIID)}})
	h.outputs.put("HttpApiUrl", pos, obj{
		{"Description", "URL of the HTTP API"},
		{"Value", join("", "https://", ref(httpAPIID), ".execute-api.", region(), ".", ref("AWS::URLSuffix"))},
	})
}

// authorizers makes the authorizers of the service, used or not.
func (h *httpAPI) authorizers() {
	defined := set(h.conf.Get("authorizers"))
	if defined == nil {
		return
	}
	for _, f := range defined.Fields {
		c, name := f.Value, authorizerName(f)
		sources := []any{}
		switch v := set(c.Get("identitySource")); {
		case v == nil:
		case v.Kind == template.List:
			for _, item := range v.Items {
				sources = append(sources, item)
			}
		default:
			sources = append(sources, v)
		}
		properties := obj{{"ApiId", h.apiID()}, {"Name", name}, {"IdentitySource", sources}}
		var after any
		if str(c, "type") == "request" {
			fn, target := h.authorizerFunction(f)
			if target == nil {
				continue
			}
			if fn != nil {
				after = fn.after()
			}
			var version any = "2.0"
			if v := or(c.Get("payloadVersion")); v != nil {
				version = v
			}
			properties = append(properties, obj{
				{"AuthorizerType", "REQUEST"},
				{"EnableSimpleResponses", set(c.Get("enableSimpleResponses"))},
				{"AuthorizerResultTtlInSeconds", set(c.Get("resultTtlInSeconds"))},
				{"AuthorizerPayloadFormatVersion", version},
				{"AuthorizerUri", join("", "arn:", partition(), ":apigateway:", region(), ":lambda:path/2015-03-31/functions/", target, "/invocations")},
			}...)
			if !truthy(c.Get("managedExternally")) {
				h.permission(normalize(name)+"LambdaAuthorizerPermissionHttpApi", f.Pos, target, after)
			}
		} else {
			audience := []any{}
			switch v := set(c.Get("audience")); {
			case v == nil:
				h.errorf(f.Pos, "the authorizer %q has no audience", f.Key)
			case v.Kind == template.List:
				for _, item := range v.Items {
					audience = append(audience, item)
				}
			default:
				audience = append(audience, v)
			}
			if !truthy(c.Get("issuerUrl")) || len(sources) == 0 {
				h.errorf(f.Pos, "the authorizer %q needs issuerUrl and identitySource", f.Key)
			}
			properties = append(properties, obj{
				{"AuthorizerType", "JWT"},
				{"JwtConfiguration", obj{{"Audience", audience}, {"Issuer", c.Get("issuerUrl")}}},
			}...)
		}
		h.resources.put("HttpApiAuthorizer"+normalize(name), f.Pos, obj{
			{"Type", "AWS::ApiGatewayV2::Authorizer"},
			{"Properties", properties},
			{"DependsOn", after},
		})
	}
}

func authorizerName(f template.Field) string {
	if name := str(f.Value, "name"); name != "" {
		return name
	}
	return f.Key
}

// authorizerFunction returns what an authorizer of type request calls, and the function if it is one of the service.
func (h *httpAPI) authorizerFunction(f template.Field) (*function, any) {
	c := f.Value
	arn, name := or(c.Get("functionArn")), or(c.Get("functionName"))
	if truthy(c.Get("resultTtlInSeconds")) && c.Get("identitySource").IsNull() {
		h.errorf(f.Pos, "the authorizer %q needs identitySource, because its answers are kept", f.Key)
	}
	switch {
	case arn != nil && name != nil, arn == nil && name == nil:
		h.errorf(f.Pos, "the authorizer %q needs either functionName or functionArn", f.Key)
		return nil, nil
	case arn != nil:
		return nil, arn
	}
	fn := h.find(name.Text)
	if fn == nil {
		h.missing(name.Pos, name.Text)
		return nil, nil
	}
	return fn, fn.target()
}

// permission lets the API call a function.
func (h *httpAPI) permission(id string, pos template.Pos, target, after any) {
	h.resources.put(id, pos, obj{
		{"Type", "AWS::Lambda::Permission"},
		{"Properties", obj{
			{"FunctionName", target},
			{"Action", "lambda:InvokeFunction"},
			{"Principal", "apigateway.amazonaws.com"},
			{"SourceArn", join("", "arn:", partition(), ":execute-api:", region(), ":", account(), ":", h.apiID(), "/*")},
		}},
		{"DependsOn", after},
	})
}

// endpoint makes a route, and the integration and permission of its function.
func (h *httpAPI) endpoint(r *httpRoute) {
	integration := "HttpApiIntegration" + normalize(r.fn.key)
	h.permission(normalize(r.fn.key)+"LambdaPermissionHttpApi", r.pos, r.fn.target(), r.fn.after())
	var payload any = "2.0"
	if v := or(r.fn.conf.Get("httpApi", "payload"), h.conf.Get("payload")); v != nil {
		payload = v
	}
	h.resources.put(integration, r.pos, obj{
		{"Type", "AWS::ApiGatewayV2::Integration"},
		{"DependsOn", r.fn.after()},
		{"Properties", obj{
			{"ApiId", h.apiID()},
			{"IntegrationType", "AWS_PROXY"},
			{"IntegrationUri", r.fn.target()},
			{"PayloadFormatVersion", payload},
			{"TimeoutInMillis", 30000},
		}},
	})
	id, key := "HttpApiRoute"+pathName(r.key), r.key
	if key == "*" {
		id, key = "HttpApiRouteDefault", "$default"
	}
	kind, authorizer, scopes := h.authorization(r)
	h.resources.put(id, r.pos, obj{
		{"Type", "AWS::ApiGatewayV2::Route"},
		{"Properties", obj{
			{"ApiId", h.apiID()},
			{"RouteKey", key},
			{"Target", join("/", "integrations", ref(integration))},
			{"AuthorizationType", kind},
			{"AuthorizerId", authorizer},
			{"AuthorizationScopes", scopes},
		}},
		{"DependsOn", integration},
	})
}

// authorization returns what a route says about its authorizer.
func (h *httpAPI) authorization(r *httpRoute) (kind, id, scopes any) {
	v := r.authorizer
	if v == nil {
		return nil, nil, nil
	}
	if s := or(v.Get("scopes")); s != nil {
		scopes = slices.Clone(unique(texts(s)))
	}
	settings := v
	if r.definition != nil {
		settings = r.definition.Value
		id = ref("HttpApiAuthorizer" + normalize(authorizerName(*r.definition)))
	} else if own := or(v.Get("id")); own != nil {
		id = own
	}
	switch str(settings, "type") {
	case "aws_iam":
		return "AWS_IAM", nil, nil
	case "request":
		return "CUSTOM", id, scopes
	}
	return "JWT", id, scopes
}
