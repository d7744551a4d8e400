package compile

import (
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// restAPIID is the logical id of the REST API that http events share.
const restAPIID = "ApiGatewayRestApi"

// rest is the REST API of the service while it is compiled.
type rest struct {
	*service
	conf       *template.Value // provider.apiGateway, or nil
	routes     []*route
	resources  restResources
	methods    []string // logical ids, CORS included
	deployment string   // logical id
	preflights []*preflight
}

// route is one http event.
type route struct {
	event
	path, method string // without slashes at the ends; in lower case
	integration  string // AWS_PROXY, AWS, HTTP_PROXY, HTTP or MOCK
	cors         *corsRule
	authorizer   *authorizer
	parameters   []parameter // of the request
	request      *template.Value
	response     *template.Value
	methodID     string
}

// restAPI compiles the http events.
func (s *service) restAPI() {
	r := &rest{service: s, conf: set(s.provider.Get("apiGateway"))}
	if r.external() {
		r.checkExternal()
	}
	for _, e := range s.events("http") {
		if route := r.route(e); route != nil {
			r.routes = append(r.routes, route)
		}
	}
	if len(r.routes) == 0 || s.diags.HasErrors() {
		return
	}
	pos := r.routes[0].pos
	if !r.external() {
		r.api(pos)
	}
	if !r.makeResources() {
		return
	}
	r.makePreflights()
	for _, route := range r.routes {
		r.makeMethod(route)
	}
	for _, route := range r.routes {
		r.makeValidators(route)
	}
	for _, route := range r.routes {
		r.makeAuthorizer(route)
	}
	r.makeDeployment(pos)
	r.makeKeys()
	for _, route := range r.routes {
		r.makePermissions(route)
	}
	r.makeLogs(pos)
}

// external reports whether the API exists already, outside of this stack.
func (r *rest) external() bool { return truthy(r.conf.Get("restApiId")) }

func (r *rest) checkExternal() {
	id := r.conf.Get("restApiId")
	if !truthy(r.conf.Get("restApiRootResourceId")) {
		r.errorf(id.Pos, "an external API needs restApiRootResourceId beside restApiId")
	}
	for _, path := range [][]string{{"tracing", "apiGateway"}, {"logs", "restApi"}} {
		if v := r.provider.Get(path...); !v.IsNull() {
			r.errorf(v.Pos, "provider.%s has no effect on an external API", strings.Join(path, "."))
		}
	}
}

// apiID is the API's id: of the external one, or a reference.
func (r *rest) apiID() any {
	if r.external() {
		return r.conf.Get("restApiId")
	}
	return ref(restAPIID)
}

// rootID is the id of the API's root resource.
func (r *rest) rootID() any {
	if id := or(r.conf.Get("restApiRootResourceId")); id != nil {
		return id
	}
	return getAtt(restAPIID, "RootResourceId")
}

// route reads an http event.
func (r *rest) route(e event) *route {
	t := &route{event: e}
	if isText(e.conf) {
		t.method, t.path, _ = strings.Cut(e.conf.Text, " ")
	} else {
		t.method, t.path = str(e.conf, "method"), str(e.conf, "path")
	}
	if t.method == "*" || t.path == "*" {
		r.report(template.Errorf(e.pos, "an http event cannot be for any path or method with *").
			WithHint("use path: '{proxy+}' and method: ANY"))
		return nil
	}
	t.path = strings.TrimSuffix(strings.TrimPrefix(t.path, "/"), "/")
	t.method = strings.ToLower(t.method)
	if strings.Contains(t.path, "//") || strings.HasPrefix(t.path, "/") || strings.HasSuffix(t.path, "/") {
		r.errorf(e.pos, "the path of the event has an empty part: %q", t.path)
		return nil
	}
	for _, other := range r.routes {
		if other.path == t.path && other.method == t.method {
			r.report(template.Errorf(e.pos, "%s /%s is declared twice", strings.ToUpper(t.method), t.path).
				WithNote(other.pos, "it is already an event of the function %q", other.fn.key))
			return nil
		}
	}
	t.integration = integrationType(e.conf)
	t.authorizer = r.readAuthorizer(t)
	if cors := e.conf.Get("cors"); truthy(cors) {
		t.cors = readCORS(cors, t.method)
		r.addPreflight(t)
	}
	r.readRequest(t)
	r.readResponse(t)
	return t
}

// integrationType returns the type of an integration in API Gateway's words.
func integrationType(c *template.Value) string {
	switch kind := strings.ReplaceAll(strings.ToUpper(str(c, "integration")), "-", "_"); {
	case kind == "LAMBDA":
		return "AWS"
	case kind == "LAMBDA_PROXY":
		return "AWS_PROXY"
	case kind != "":
		return kind
	case truthy(c.Get("async")):
		return "AWS"
	}
	return "AWS_PROXY"
}

// api makes the API itself.
func (r *rest) api(pos template.Pos) {
	c, p := r.conf, r.provider
	name := str(p, "apiName")
	switch {
	case name != "":
	case truthy(c.Get("shouldStartNameWithService")):
		name = r.name + "-" + r.stage
	default:
		name = r.stage + "-" + r.name
	}
	kind, endpoints := "EDGE", any(nil)
	if t := str(p, "endpointType"); t != "" {
		kind = strings.ToUpper(t)
		if ids := or(p.Get("vpcEndpointIds")); ids != nil {
			endpoints = ids
			if kind != "PRIVATE" {
				r.errorf(ids.Pos, "vpcEndpointIds are for APIs with endpointType: PRIVATE")
			}
		}
	}
	var policy any = ""
	if own := or(c.Get("resourcePolicy")); own != nil && len(own.Items) > 0 {
		policy = obj{{"Version", "2012-10-17"}, {"Statement", own}}
	}
	var tags any
	if t := set(p.Get("tags")); t != nil {
		tags = keyValues(pos, t)
	}
	var access any
	if v := c.Get("endpoint", "accessMode"); !v.IsNull() {
		access = strings.ToUpper(v.Text)
	}
	r.service.resources.put(restAPIID, pos, obj{
		{"Type", "AWS::ApiGateway::RestApi"},
		{"Properties", obj{
			{"Name", name},
			{"BinaryMediaTypes", or(c.Get("binaryMediaTypes"))},
			{"DisableExecuteApiEndpoint", set(c.Get("disableDefaultEndpoint"))},
			{"EndpointConfiguration", obj{{"Types", []string{kind}}, {"VpcEndpointIds", endpoints}}},
			{"SecurityPolicy", or(c.Get("endpoint", "securityPolicy"))},
			{"EndpointAccessMode", access},
			{"Tags", tags},
			{"Policy", policy},
			{"ApiKeySourceType", optional(strings.ToUpper(str(c, "apiKeySourceType")))},
			{"MinimumCompressionSize", set(c.Get("minimumCompressionSize"))},
			{"Description", or(c.Get("description"))},
		}},
	})
}
