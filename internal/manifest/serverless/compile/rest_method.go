package compile

import (
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// parameter is a request parameter.
type parameter struct {
	name     string // method.request.header.X, method.request.path.id, ...
	required bool
	mapped   *template.Value // what it is mapped from, or nil
}

// readRequest reads what the event says about requests, and reports what the integration cannot do.
func (r *rest) readRequest(t *route) {
	t.request = set(t.conf.Get("request"))
	proxy := t.integration == "AWS_PROXY" || t.integration == "HTTP_PROXY"
	if proxy && t.request != nil {
		allowed := []string{"parameters", "schemas"}
		if t.integration == "HTTP_PROXY" {
			allowed = append(allowed, "uri", "method")
		}
		kept := &template.Value{Kind: template.Map, Pos: t.request.Pos}
		for _, f := range t.request.Fields {
			known := false
			for _, key := range allowed {
				known = known || key == f.Key
			}
			if !known {
				r.report(template.Warningf(f.Pos, "request.%s has no effect with the integration %s", f.Key, t.integration))
				continue
			}
			if f.Key != "method" {
				kept.Fields = append(kept.Fields, f)
			}
		}
		t.request = kept
	}
	if (t.integration == "HTTP" || t.integration == "HTTP_PROXY") && !truthy(t.request.Get("uri")) {
		r.errorf(t.pos, "the integration %s needs request.uri", t.integration)
	}
	if connectionType(t.conf) == "VPC_LINK" && !truthy(t.conf.Get("connectionId")) {
		r.errorf(t.pos, "connectionType vpc-link needs connectionId")
	}
	for _, location := range []struct{ key, word string }{{"querystrings", "querystring"}, {"paths", "path"}, {"headers", "header"}} {
		list := set(t.request.Get("parameters", location.key))
		if list == nil {
			continue
		}
		for _, f := range list.Fields {
			p := parameter{name: "method.request." + location.word + "." + f.Key, required: truthy(f.Value)}
			if isMap(f.Value) {
				required := f.Value.Get("required")
				p.required = required.IsNull() || truthy(required)
				p.mapped = or(f.Value.Get("mappedValue"))
			}
			t.parameters = append(t.parameters, p)
		}
	}
}

func connectionType(c *template.Value) string {
	return strings.ReplaceAll(strings.ToUpper(str(c, "connectionType")), "-", "_")
}

// readResponse reads what the event says about responses.
func (r *rest) readResponse(t *route) {
	given := set(t.conf.Get("response"))
	mode := strings.ToUpper(str(given, "transferMode"))
	switch t.integration {
	case "AWS_PROXY", "HTTP_PROXY":
		if given != nil {
			for _, f := range given.Fields {
				if f.Key != "transferMode" {
					r.report(template.Warningf(f.Pos, "response.%s has no effect with the integration %s", f.Key, t.integration))
				}
			}
		}
		if mode != "" {
			t.response = template.New(given.Pos, obj{{"transferMode", mode}})
		}
		return
	}
	if mode != "" {
		r.errorf(given.Get("transferMode").Pos, "transferMode works with the integrations AWS_PROXY and HTTP_PROXY only")
	}
	t.response = given
	switch {
	case t.integration == "AWS" && given == nil:
		t.response = template.New(t.pos, obj{{"statusCodes", defaultStatusCodes()}})
	case t.integration == "MOCK" || given == nil:
	case given.Get("statusCodes").IsNull():
		t.response = given.With("statusCodes", template.New(given.Pos, defaultStatusCodes()))
	default:
		codes, plain := given.Get("statusCodes"), false
		for _, f := range codes.Fields {
			pattern := f.Value.Get("pattern")
			plain = plain || isText(pattern) && pattern.Text == ""
		}
		if !plain {
			codes = codes.With("200", template.New(codes.Pos, obj{{"pattern", ""}}))
			t.response = given.With("statusCodes", codes)
		}
	}
}

// defaultStatusCodes maps the errors of functions to status codes by a number in brackets in their message.
func defaultStatusCodes() obj {
	codes := obj{{"200", obj{{"pattern", ""}}}}
	for _, code := range []string{"400", "401", "403", "404", "422", "500", "502", "504"} {
		pattern := `[\s\S]*\[` + code + `\][\s\S]*`
		switch code {
		case "500":
			pattern = `[\s\S]*(Process\s?exited\s?before\s?completing\s?request|\[500\])[\s\S]*`
		case "504":
			pattern = `([\s\S]*\[504\][\s\S]*)|(.*Task timed out after \d+\.\d+ seconds$)`
		}
		codes = add(codes, code, obj{{"pattern", pattern}})
	}
	return codes
}

// makeMethod makes the method of a route.
func (r *rest) makeMethod(t *route) {
	parameters := obj{}
	for _, p := range t.parameters {
		parameters = add(parameters, p.name, p.required)
	}
	after := []string{apiPermissionID(t.fn.key)}
	if t.fn.alias != nil {
		after = append(after, t.fn.alias.id)
	}
	kind, id, scopes, depends := t.authorizer.method()
	if depends != "" {
		// The Framework merges this list index by index over the permission, which the deployment needs anyway.
		after[0] = depends
	}
	t.methodID = methodID(r.resources.names[t.path], t.method)
	r.methods = append(r.methods, t.methodID)
	r.service.resources.put(t.methodID, t.pos, obj{
		{"Type", "AWS::ApiGateway::Method"},
		{"Properties", obj{
			{"HttpMethod", strings.ToUpper(t.method)},
			{"RequestParameters", parameters},
			{"ResourceId", r.resource(t.path)},
			{"RestApiId", r.apiID()},
			{"OperationName", set(t.conf.Get("operationId"))},
			{"ApiKeyRequired", truthy(t.conf.Get("private"))},
			{"AuthorizationType", kind},
			{"AuthorizerId", id},
			{"AuthorizationScopes", scopes},
			{"Integration", r.integration(t)},
			{"MethodResponses", r.methodResponses(t)},
		}},
		{"DependsOn", after},
	})
}

// custom reports whether the integration maps requests and responses itself.
func (t *route) custom() bool {
	return t.integration == "AWS" || t.integration == "HTTP" || t.integration == "MOCK"
}

// responseHeaders are the headers that every response of a route has.
func (t *route) responseHeaders() []template.Field {
	var out []template.Field
	if t.cors != nil {
		origin := t.cors.origin
		if len(t.cors.origins) > 0 {
			origin = strings.Join(t.cors.origins, ",")
		}
		out = append(out, template.Field{Key: "Access-Control-Allow-Origin", Value: template.New(t.pos, "'"+origin+"'")})
		if t.cors.credentials {
			out = append(out, template.Field{Key: "Access-Control-Allow-Credentials", Value: template.New(t.pos, "true")})
		}
	}
	if headers := set(t.response.Get("headers")); headers != nil {
		out = append(out, headers.Fields...)
	}
	return out
}

// methodResponses declares the responses of a method.
func (r *rest) methodResponses(t *route) []any {
	out := []any{}
	codes := set(t.response.Get("statusCodes"))
	if !t.custom() || codes == nil {
		return out
	}
	for _, code := range codes.Fields {
		parameters := template.New(t.pos, obj{})
		headers := t.responseHeaders()
		if own := set(code.Value.Get("headers")); own != nil {
			headers = append(headers, own.Fields...)
		}
		for _, h := range headers {
			parameters = parameters.With("method.response.header."+h.Key, template.New(t.pos, true))
		}
		out = append(out, obj{
			{"ResponseParameters", parameters}, {"ResponseModels", obj{}}, {"StatusCode", code.Key},
		})
	}
	return out
}
