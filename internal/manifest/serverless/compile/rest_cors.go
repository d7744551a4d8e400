package compile

import (
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// corsRule is the cross-origin rule of one route.
type corsRule struct {
	origin       string
	origins      []string
	methods      []string
	headers      []string
	credentials  bool
	maxAge       *template.Value
	cacheControl *template.Value
}

// corsHeaders are the headers that a cross-origin request may have unless the manifest says otherwise.
func corsHeaders() []string {
	return []string{
		"Content-Type", "X-Amz-Date", "Authorization", "X-Api-Key", "X-Amz-Security-Token", "X-Amz-User-Agent", "X-Amzn-Trace-Id",
	}
}

// preflight is the rule of one path: the rules of its routes together.
type preflight struct {
	path string
	pos  template.Pos
	corsRule
}

// readCORS reads the cors of an event.
func readCORS(v *template.Value, method string) *corsRule {
	rule := &corsRule{
		origin: "*", methods: []string{"OPTIONS"},
		headers: corsHeaders(),
	}
	if isMap(v) {
		if origins := or(v.Get("origins")); origins != nil {
			rule.origins, rule.origin = texts(origins), ""
		}
		if origin := set(v.Get("origin")); origin != nil {
			rule.origin = origin.Text
		}
		if methods := or(v.Get("methods")); methods != nil {
			rule.methods = texts(methods)
		}
		if headers := or(v.Get("headers")); headers != nil {
			rule.headers = texts(headers)
		}
		rule.credentials = truthy(v.Get("allowCredentials"))
		rule.maxAge, rule.cacheControl = or(v.Get("maxAge")), or(v.Get("cacheControl"))
		if !slices.Contains(rule.methods, "OPTIONS") {
			rule.methods = append(rule.methods, "OPTIONS")
		}
	}
	if m := strings.ToUpper(method); !slices.Contains(rule.methods, m) {
		rule.methods = append(rule.methods, m)
	}
	return rule
}

// addPreflight adds the rule of a route to the rule of its path. The origin, age and caching are those of the last route.
func (r *rest) addPreflight(t *route) {
	i := slices.IndexFunc(r.preflights, func(p *preflight) bool { return p.path == t.path })
	if i < 0 {
		i = len(r.preflights)
		r.preflights = append(r.preflights, &preflight{path: t.path, pos: t.pos})
	}
	p := r.preflights[i]
	p.headers = unique(t.cors.headers, p.headers)
	p.methods = unique(t.cors.methods, p.methods)
	p.origins = unique(t.cors.origins, p.origins)
	p.origin = t.cors.origin
	p.credentials = p.credentials || t.cors.credentials
	if t.cors.maxAge != nil {
		p.maxAge = t.cors.maxAge
	}
	if t.cors.cacheControl != nil {
		p.cacheControl = t.cors.cacheControl
	}
}

// makePreflights makes the OPTIONS methods.
func (r *rest) makePreflights() {
	for _, p := range r.preflights {
		origin, origins := p.origin, p.origins
		if strings.Contains(origin, ",") {
			origins = nil
			for o := range strings.SplitSeq(origin, ",") {
				origins = append(origins, strings.TrimSpace(o))
			}
		}
		if len(origins) > 0 {
			origin = origins[0]
		}
		methods := strings.Join(p.methods, ",")
		if slices.Contains(p.methods, "ANY") {
			methods = strings.Replace(methods, "ANY", "DELETE,GET,HEAD,PATCH,POST,PUT", 1)
		}
		declared, values := obj{}, obj{}
		header := func(name, value string) {
			declared = add(declared, "method.response.header."+name, true)
			values = add(values, "method.response.header."+name, "'"+value+"'")
		}
		header("Access-Control-Allow-Origin", origin)
		header("Access-Control-Allow-Headers", strings.Join(p.headers, ","))
		header("Access-Control-Allow-Methods", methods)
		if p.credentials {
			header("Access-Control-Allow-Credentials", "true")
		}
		if p.maxAge != nil {
			age, _ := p.maxAge.Literal()
			header("Access-Control-Max-Age", age)
		}
		if p.cacheControl != nil {
			header("Cache-Control", p.cacheControl.Text)
		}
		id := methodID(r.resources.names[p.path], "options")
		r.methods = append(r.methods, id)
		r.service.resources.put(id, p.pos, obj{
			{"Type", "AWS::ApiGateway::Method"},
			{"Properties", obj{
				{"AuthorizationType", "NONE"},
				{"HttpMethod", "OPTIONS"},
				{"MethodResponses", []any{obj{
					{"StatusCode", "200"}, {"ResponseParameters", declared}, {"ResponseModels", obj{}},
				}}},
				{"RequestParameters", obj{}},
				{"Integration", obj{
					{"Type", "MOCK"},
					{"RequestTemplates", obj{{"application/json", "{statusCode:200}"}}},
					{"ContentHandling", "CONVERT_TO_TEXT"},
					{"IntegrationResponses", []any{obj{
						{"StatusCode", "200"},
						{"ResponseParameters", values},
						{"ResponseTemplates", obj{{"application/json", originTemplate(origins)}}},
					}}},
				}},
				{"ResourceId", r.resource(p.path)},
				{"RestApiId", r.apiID()},
			}},
		})
	}
}

// originTemplate answers with the request's origin when it is one of several.
func originTemplate(origins []string) string {
	if len(origins) == 0 {
		return ""
	}
	tests := make([]string, len(origins))
	for i, o := range origins {
		pattern := strings.Replace(strings.ReplaceAll(o, ".", "[.]"), "*", ".+", 1)
		tests[i] = `$origin.matches("` + pattern + `")`
	}
	return `#set($origin = $input.params("Origin"))` + "\n" +
		`#if($origin == "") #set($origin = $input.params("origin")) #end` + "\n" +
		`#if(` + strings.Join(tests, " || ") + `) #set($context.responseOverride.header.Access-Control-Allow-Origin = $origin) #end`
}
