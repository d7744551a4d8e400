package apigateway

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/vtl"
)

// readTemplates refuses mapping templates that could not be executed.
func readTemplates(templates map[string]string) error {
	for _, media := range slices.Sorted(maps.Keys(templates)) {
		if _, err := vtl.Parse(templates[media]); err != nil {
			return badRequest("Invalid mapping template specified for %s: %v", media, err)
		}
	}
	return nil
}

// render executes a mapping template on a body: the request's, or the answer of
// the integration. What templates set in $context lasts as long as the exchange.
func (x *exchange) render(text, body string) (string, error) {
	t, err := x.plan.template(text)
	if err != nil {
		return "", err
	}
	if x.context == nil {
		x.context = x.contextVariables()
	}
	return t.Execute(vtl.Vars{
		"input": &input{x: x, body: body}, "context": x.context, "util": util{},
		"stageVariables": stringMap(x.plan.stage.Variables),
	})
}

// template is a parsed template; a stage parses each of its templates once.
func (p *plan) template(text string) (*vtl.Template, error) {
	if t, ok := p.templates.Load(text); ok {
		return t.(*vtl.Template), nil
	}
	t, err := vtl.Parse(text)
	if err == nil {
		p.templates.Store(text, t)
	}
	return t, err
}

// stringMap is a map for templates, its keys in order.
func stringMap(m map[string]string) *vtl.Map {
	out := &vtl.Map{Quiet: true}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out.Put(k, m[k])
	}
	return out
}

// contextVariables is $context.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html#context-variable-reference
func (x *exchange) contextVariables() *vtl.Map {
	prefix, _, _ := strings.Cut(x.target.Domain, ".")
	var key shapes.ApiKey
	if x.key != nil {
		key = *x.key.key
	}
	var at resource
	if x.resource != nil {
		at = *x.resource
	}
	identity := stringMap(map[string]string{
		"accountId": x.actor.Account, "accessKey": x.actor.KeyID, "apiKey": value(key.Value), "apiKeyId": value(key.Id), "caller": x.actor.UserID,
		"cognitoAuthenticationProvider": "", "cognitoAuthenticationType": "", "cognitoIdentityId": "", "cognitoIdentityPoolId": "",
		"principalOrgId": "", "sourceIp": x.sourceIP(), "user": x.actor.UserID, "userAgent": x.r.UserAgent(), "userArn": x.actor.Principal.ARN.String(),
	})
	c := stringMap(map[string]string{
		"accountId": x.target.Scope.Account, "apiId": x.target.API, "awsEndpointRequestId": x.id, "deploymentId": value(x.plan.stage.DeploymentId),
		"domainName": x.target.Domain, "domainPrefix": prefix, "extendedRequestId": x.extendedID(), "httpMethod": x.r.Method,
		"path": x.target.Base + x.target.Path, "protocol": x.r.Proto, "requestId": x.id, "requestTime": x.at.Time().Format(requestTime),
		"resourceId": at.ID, "resourcePath": at.Path, "stage": x.target.Stage, "xrayTraceId": x.trace,
	})
	c.Put("authorizer", x.callerVariables())
	c.Put("requestTimeEpoch", x.at.UnixMilli())
	c.Put("identity", identity)
	request, response := &vtl.Map{Quiet: true}, &vtl.Map{Quiet: true}
	for _, name := range []string{"header", "path", "querystring"} {
		request.Put(name, &vtl.Map{Quiet: true})
	}
	response.Put("header", &vtl.Map{Quiet: true})
	c.Put("requestOverride", request)
	c.Put("responseOverride", response)
	return c
}

// overrides are the values that templates set in $context.
func (x *exchange) overrides(kind, place string) map[string]string {
	out := map[string]string{}
	if x.context == nil {
		return out
	}
	v, err := find(x.context, "$."+kind+"."+place)
	if m, ok := v.(*vtl.Map); ok && err == nil {
		for _, k := range m.Keys() {
			item, _ := m.Get(k)
			if text, err := vtl.Text(item); err == nil {
				out[k] = text
			}
		}
	}
	return out
}

// input is $input.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html#input-variable-reference
type input struct {
	x    *exchange
	body string
}

// Get implements [vtl.Object]. An empty body is an empty object to templates.
func (in *input) Get(name string) (any, bool) {
	if name != "body" {
		return "", true
	}
	if in.body == "" {
		return "{}", true
	}
	return in.body, true
}

// Call implements [vtl.Object].
func (in *input) Call(name string, args []any) (any, error) {
	switch {
	case name == "params" && len(args) == 0:
		return in.x.parameters(), nil
	case len(args) != 1:
	case name == "params":
		name, err := vtl.Text(args[0])
		return in.x.parameter(name), err
	case name == "json" || name == "path":
		path, err := vtl.Text(args[0])
		if err != nil {
			return nil, err
		}
		v, err := find(payload(in.body), path)
		if err != nil {
			return nil, err
		}
		if v == nil {
			v = "" // what there is not is an empty string
		}
		if name == "path" {
			return v, nil
		}
		return vtl.JSON(v)
	}
	return nil, fmt.Errorf("$input has no method %s with %d arguments", name, len(args))
}

// payload is a body as templates see it: the text itself when it is no JSON,
// such as a form.
func payload(body string) any {
	if strings.TrimSpace(body) == "" {
		return &vtl.Map{Quiet: true}
	}
	v, err := vtl.FromJSON(body)
	if err != nil {
		return body
	}
	return v
}

// parameters are $input.params().
func (x *exchange) parameters() *vtl.Map {
	query, header := map[string]string{}, map[string]string{}
	for k, vs := range x.r.URL.Query() {
		query[k] = vs[len(vs)-1]
	}
	for _, f := range x.headers() {
		header[f.name] = f.last()
	}
	out := &vtl.Map{Quiet: true}
	out.Put("path", stringMap(x.params))
	out.Put("querystring", stringMap(query))
	out.Put("header", stringMap(header))
	return out
}

// parameter is $input.params(name): of the path, the query or the headers, in
// this order; empty when there is none.
func (x *exchange) parameter(name string) string {
	if v, ok := x.params[name]; ok {
		return v
	}
	if vs := x.r.URL.Query()[name]; len(vs) > 0 {
		return vs[len(vs)-1]
	}
	return x.header(name)
}

// header is the last value of a header of the request.
func (x *exchange) header(name string) string {
	for _, f := range x.headers() {
		if strings.EqualFold(f.name, name) {
			return f.last()
		}
	}
	return ""
}

// util is $util.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html#util-template-reference
type util struct{}

// Get implements [vtl.Object].
func (util) Get(string) (any, bool) { return nil, false }

// Call implements [vtl.Object].
func (util) Call(name string, args []any) (any, error) {
	if len(args) != 1 {
		return nil, fmt.Errorf("$util has no method %s with %d arguments", name, len(args))
	}
	if args[0] == nil {
		args = []any{""}
	}
	text, err := vtl.Text(args[0])
	if err != nil {
		return nil, err
	}
	switch name {
	case "escapeJavaScript":
		return escapeJavaScript(text), nil
	case "parseJson":
		return vtl.FromJSON(text)
	case "urlEncode":
		return url.QueryEscape(text), nil
	case "urlDecode":
		return url.QueryUnescape(text)
	case "base64Encode":
		return base64.StdEncoding.EncodeToString([]byte(text)), nil
	case "base64Decode":
		b, err := base64.StdEncoding.DecodeString(text)
		return string(b), err
	}
	return nil, fmt.Errorf("$util has no method %s", name)
}

// escapeJavaScript escapes text as Commons Lang does: quotes of both kinds,
// slashes, and all that is not ASCII. Single quotes have to be put back before
// the result is JSON, as AWS's page says.
func escapeJavaScript(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case strings.ContainsRune(`"'\/`, r):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r < ' ' || r > '~':
			for _, u := range utf16.Encode([]rune{r}) {
				hex := strings.ToUpper(strconv.FormatUint(uint64(u), 16))
				b.WriteString(`\u` + strings.Repeat("0", 4-len(hex)) + hex)
			}
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
