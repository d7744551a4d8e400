package compile

import (
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// integration says what a method calls, and how.
func (r *rest) integration(t *route) obj {
	c := t.conf
	out := obj{
		{"IntegrationHttpMethod", r.integrationMethod(t)},
		{"Type", t.integration},
		{"TimeoutInMillis", or(c.Get("timeoutInMillis"), r.conf.Get("timeoutInMillis"))},
		{"Uri", r.uri(t)},
	}
	if t.integration == "HTTP" || t.integration == "HTTP_PROXY" {
		if kind := connectionType(c); kind != "" {
			out = append(out, obj{{"ConnectionType", kind}, {"ConnectionId", set(c.Get("connectionId"))}}...)
		}
	}
	if t.custom() {
		out = append(out, obj{
			{"PassthroughBehavior", passThrough(t)},
			{"ContentHandling", set(t.request.Get("contentHandling"))},
			{"RequestTemplates", requestTemplates(t)},
			{"IntegrationResponses", integrationResponses(t)},
		}...)
	}
	mapped := t.integration == "AWS" || t.integration == "HTTP" || t.integration == "HTTP_PROXY"
	if async := truthy(c.Get("async")); async || mapped && len(t.parameters) > 0 {
		out = add(out, "RequestParameters", integrationParameters(t, async))
	}
	if mode := str(t.response, "transferMode"); mode != "" && !t.custom() {
		out = add(out, "ResponseTransferMode", mode)
	}
	return out
}

// integrationMethod is the method with which the target is called.
func (r *rest) integrationMethod(t *route) string {
	if t.integration != "HTTP" && t.integration != "HTTP_PROXY" {
		return "POST"
	}
	if m := str(t.request, "method"); m != "" {
		return strings.ToUpper(m)
	}
	return strings.ToUpper(t.method)
}

// uri is the target of a method.
func (r *rest) uri(t *route) any {
	switch t.integration {
	case "AWS", "AWS_PROXY":
		version, operation := "2015-03-31", "/invocations"
		if t.integration == "AWS_PROXY" && str(t.response, "transferMode") == "STREAM" {
			version, operation = "2021-11-15", "/response-streaming-invocations"
		}
		parts := []any{"arn:", partition(), ":apigateway:", region(), ":lambda:path/" + version + "/functions/", getAtt(t.fn.id, "Arn")}
		if t.fn.alias != nil {
			parts = append(parts, ":", t.fn.alias.name)
		}
		return join("", append(parts, operation)...)
	case "HTTP", "HTTP_PROXY":
		return t.request.Get("uri")
	}
	return nil
}

// passThrough says what happens to requests that no template is for.
func passThrough(t *route) any {
	if v := or(t.request.Get("passThrough")); v != nil {
		return v
	}
	if t.integration == "AWS" {
		return "NEVER"
	}
	return nil
}

// requestTemplates are the mapping templates of requests. A null takes a default away.
func requestTemplates(t *route) any {
	v := template.New(t.pos, obj{})
	if t.integration == "AWS" {
		v = template.New(t.pos, obj{
			{"application/json", jsonRequestTemplate},
			{"application/x-www-form-urlencoded", formRequestTemplate},
		})
	}
	if own := set(t.request.Get("template")); own != nil {
		for _, f := range own.Fields {
			if f.Value.IsNull() {
				v = v.Without(f.Key)
			} else {
				v = v.With(f.Key, f.Value)
			}
		}
	}
	if len(v.Fields) == 0 {
		return nil
	}
	claims := t.authorizer.claimsTemplate()
	for i, f := range v.Fields {
		if strings.Contains(f.Value.Text, claimsPlace) {
			v.Fields[i].Value = template.New(f.Value.Pos, strings.Replace(f.Value.Text, claimsPlace, claims, 1))
		}
	}
	return v
}

// integrationParameters map parameters of the method to the target's.
func integrationParameters(t *route, async bool) obj {
	out := obj{}
	for _, p := range t.parameters {
		var from any = p.name
		if p.mapped != nil {
			from = p.mapped
		}
		out = add(out, "integration."+strings.TrimPrefix(p.name, "method."), from)
	}
	if async {
		out = add(out, "integration.request.header.X-Amz-Invocation-Type", "'Event'")
	}
	return out
}

// integrationResponses map the target's responses to the method's.
func integrationResponses(t *route) []any {
	out := []any{}
	codes := set(t.response.Get("statusCodes"))
	if codes == nil {
		return out
	}
	for _, code := range codes.Fields {
		parameters, templates := template.New(t.pos, obj{}), template.New(t.pos, obj{})
		headers := t.responseHeaders()
		if own := set(code.Value.Get("headers")); own != nil {
			headers = append(headers, own.Fields...)
		}
		for _, h := range headers {
			parameters = parameters.With("method.response.header."+h.Key, h.Value)
		}
		if v := or(t.response.Get("template")); v != nil {
			templates = templates.With("application/json", v)
		}
		if own := or(code.Value.Get("template")); isMap(own) {
			templates = overlay(templates, own)
		} else if own != nil {
			templates = templates.With("application/json", own)
		}
		var handling any
		if strings.HasPrefix(code.Key, "2") {
			handling = set(t.response.Get("contentHandling"))
		}
		out = append(out, obj{
			{"StatusCode", code.Key},
			{"SelectionPattern", str(code.Value, "pattern")},
			{"ResponseParameters", parameters},
			{"ResponseTemplates", templates},
			{"ContentHandling", handling},
		})
	}
	return out
}
