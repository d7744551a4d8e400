package apigatewayv2

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/template"
)

// definition is what an OpenAPI document says of an HTTP API.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-open-api.html
type definition struct {
	api          shapes.Api
	routes       []*shapes.Route
	integrations []*shapes.Integration
	authorizers  []*shapes.Authorizer

	doc      *template.Value
	byScheme map[string]*shapes.Authorizer // by the name of the security scheme
	signed   map[string]bool               // schemes that are AWS's signatures
	warnings []string
}

// readDefinition reads a document of OpenAPI 3 in YAML or JSON.
func readDefinition(body, basepath string, strict bool) (*definition, error) {
	if basepath != "" && basepath != "ignore" {
		return nil, refused("the basepath mode %s: the servers of a definition are ignored", basepath)
	}
	doc, ds := template.Read(&template.File{Name: "body", Text: []byte(body)})
	if ds.HasErrors() {
		return nil, badRequest("Unable to parse API definition: %s", ds.Error())
	}
	if v := str(doc, "openapi"); !strings.HasPrefix(v, "3.") {
		return nil, badRequest("Unsupported OpenAPI version %q: HTTP APIs are defined in OpenAPI 3.0", v)
	}
	d := &definition{doc: doc, byScheme: map[string]*shapes.Authorizer{}, signed: map[string]bool{}}
	d.api = shapes.Api{
		Name: ptr(str(doc, "info", "title")), Version: some(ptr(str(doc, "info", "version"))), Description: some(ptr(str(doc, "info", "description"))), ProtocolType: ptr("HTTP"),
		CorsConfiguration: readCORS(doc.Get("x-amazon-apigateway-cors")),
	}
	for _, tag := range items(doc.Get("tags")) {
		// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-openapi-extensions-tag-value.html
		if v := str(tag, "x-amazon-apigateway-tag-value"); v != "" {
			if d.api.Tags == nil {
				d.api.Tags = map[string]string{}
			}
			d.api.Tags[str(tag, "name")] = v
		}
	}
	for _, server := range items(doc.Get("servers")) {
		// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-endpoint-configuration.html
		if off, ok := server.Get("x-amazon-apigateway-endpoint-configuration", "disableExecuteApiEndpoint").AsBool(); ok {
			d.api.DisableExecuteApiEndpoint = &off
		}
	}
	d.readSchemes()
	paths := doc.Get("paths")
	if paths == nil {
		return nil, badRequest("Unable to parse API definition: it has no paths")
	}
	for _, p := range paths.Fields {
		for _, op := range p.Value.Fields {
			if err := d.readOperation(p.Key, op); err != nil {
				return nil, err
			}
		}
	}
	if len(d.warnings) > 0 && strict {
		return nil, badRequest("Warnings found during import: %s", strings.Join(d.warnings, "; "))
	}
	d.api.Warnings = d.warnings
	return d, nil
}

func str(v *template.Value, path ...string) string {
	s, _ := v.Get(path...).AsString()
	return s
}

// items are those of a list, or nothing.
func items(v *template.Value) []*template.Value {
	if v == nil {
		return nil
	}
	return v.Items
}

// strs is a list of texts; a single one stands for a list of it.
func strs(v *template.Value) []string {
	switch {
	case v == nil || v.IsNull():
		return nil
	case v.Kind == template.List:
		out := make([]string, 0, len(v.Items))
		for _, item := range v.Items {
			out = append(out, item.Text)
		}
		return out
	}
	return []string{v.Text}
}

func readCORS(v *template.Value) *shapes.Cors {
	if v == nil {
		return nil
	}
	c := &shapes.Cors{
		AllowOrigins: strs(v.Get("allowOrigins")), AllowMethods: strs(v.Get("allowMethods")), AllowHeaders: strs(v.Get("allowHeaders")),
		ExposeHeaders: strs(v.Get("exposeHeaders")), MaxAge: number(v.Get("maxAge")),
	}
	if on, ok := v.Get("allowCredentials").AsBool(); ok {
		c.AllowCredentials = &on
	}
	return c
}

func number(v *template.Value) *int32 {
	n, ok := v.AsInt()
	if !ok {
		return nil
	}
	return ptr(int32(n))
}

// readSchemes reads the security schemes that are authorizers.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-authorizer.html
func (d *definition) readSchemes() {
	schemes := d.doc.Get("components", "securitySchemes")
	if schemes == nil {
		return
	}
	for _, f := range schemes.Fields {
		if strings.EqualFold(str(f.Value, "x-amazon-apigateway-authtype"), "awsSigv4") {
			d.signed[f.Key] = true
			continue
		}
		v := f.Value.Get("x-amazon-apigateway-authorizer")
		if v == nil {
			continue
		}
		a := &shapes.Authorizer{
			AuthorizerId: ptr(newID(6)), Name: ptr(f.Key), AuthorizerType: ptr(strings.ToUpper(str(v, "type"))), AuthorizerUri: some(ptr(str(v, "authorizerUri"))),
			AuthorizerPayloadFormatVersion: some(ptr(str(v, "authorizerPayloadFormatVersion"))), AuthorizerResultTtlInSeconds: number(v.Get("authorizerResultTtlInSeconds")),
			AuthorizerCredentialsArn: some(ptr(str(v, "authorizerCredentials"))),
		}
		for _, s := range strs(v.Get("identitySource")) {
			for part := range strings.SplitSeq(s, ",") {
				a.IdentitySource = append(a.IdentitySource, strings.TrimSpace(part))
			}
		}
		if on, ok := v.Get("enableSimpleResponses").AsBool(); ok {
			a.EnableSimpleResponses = &on
		}
		if j := v.Get("jwtConfiguration"); j != nil {
			a.JwtConfiguration = &shapes.JWTConfiguration{Issuer: some(ptr(str(j, "issuer"))), Audience: strs(j.Get("audience"))}
		}
		d.authorizers = append(d.authorizers, a)
		d.byScheme[f.Key] = a
	}
}

// readOperation reads an operation: a route and its integration.
func (d *definition) readOperation(path string, op template.Field) error {
	method := strings.ToUpper(op.Key)
	switch {
	case op.Key == "x-amazon-apigateway-any-method":
		method = "ANY"
	case method == "TRACE":
		d.warnings = append(d.warnings, fmt.Sprintf("The method %s of %s is not supported by HTTP APIs", method, path))
		return nil
	case !knownMethod(method):
		return nil // parameters, servers and the like
	}
	r := &shapes.Route{
		RouteId: ptr(newID(7)), RouteKey: ptr(method + " " + path), OperationName: some(ptr(str(op.Value, "operationId"))), AuthorizationType: ptr("NONE"), ApiKeyRequired: ptr(false),
	}
	if path == "/$default" {
		r.RouteKey = ptr(defaultRoute)
	}
	v := op.Value.Get("x-amazon-apigateway-integration")
	if to := str(v, "$ref"); to != "" {
		name, ok := strings.CutPrefix(to, "#/components/x-amazon-apigateway-integrations/")
		if v = d.doc.Get("components", "x-amazon-apigateway-integrations", name); !ok || v == nil {
			return badRequest("Unable to parse API definition: %s leads to no integration", to)
		}
	}
	if v != nil {
		i := readIntegration(v)
		for _, f := range v.Fields {
			if !slices.Contains(integrationMembers(), f.Key) {
				d.warnings = append(d.warnings, fmt.Sprintf("The member %s of the integration of %s is not supported", f.Key, *r.RouteKey))
			}
		}
		d.integrations = append(d.integrations, i)
		r.Target = ptr("integrations/" + *i.IntegrationId)
	}
	d.secure(r, op.Value)
	d.routes = append(d.routes, r)
	return nil
}

// secure gives a route the authorization that its operation, or else the
// document, asks for.
func (d *definition) secure(r *shapes.Route, op *template.Value) {
	if str(op, "x-amazon-apigateway-auth", "type") == "AWS_IAM" {
		r.AuthorizationType = ptr("AWS_IAM")
		return
	}
	security := op.Get("security")
	if security == nil {
		security = d.doc.Get("security")
	}
	if security == nil {
		return
	}
	for _, item := range items(security) {
		for _, f := range item.Fields {
			if d.signed[f.Key] {
				r.AuthorizationType = ptr("AWS_IAM")
				return
			}
			a := d.byScheme[f.Key]
			if a == nil {
				d.warnings = append(d.warnings, fmt.Sprintf("The security scheme %s of %s is no authorizer", f.Key, *r.RouteKey))
				continue
			}
			r.AuthorizerId, r.AuthorizationType = a.AuthorizerId, ptr("CUSTOM")
			if *a.AuthorizerType == "JWT" {
				r.AuthorizationType, r.AuthorizationScopes = ptr("JWT"), strs(f.Value)
			}
			return
		}
	}
}

// integrationMembers are the members of an integration that are read.
func integrationMembers() []string {
	return []string{
		"type", "uri", "httpMethod", "integrationSubtype", "payloadFormatVersion", "connectionType", "connectionId", "credentials", "description",
		"timeoutInMillis", "requestParameters", "responseParameters",
	}
}

// readIntegration reads an integration.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-integration.html
func readIntegration(v *template.Value) *shapes.Integration {
	i := &shapes.Integration{
		IntegrationId: ptr(newID(7)), IntegrationType: ptr(strings.ToUpper(str(v, "type"))), IntegrationUri: some(ptr(str(v, "uri"))),
		IntegrationMethod: some(ptr(strings.ToUpper(str(v, "httpMethod")))), IntegrationSubtype: some(ptr(str(v, "integrationSubtype"))),
		PayloadFormatVersion: some(ptr(str(v, "payloadFormatVersion"))), ConnectionType: some(ptr(str(v, "connectionType"))), ConnectionId: some(ptr(str(v, "connectionId"))),
		CredentialsArn: some(ptr(str(v, "credentials"))), Description: some(ptr(str(v, "description"))), TimeoutInMillis: number(v.Get("timeoutInMillis")),
		RequestParameters: pairs(v.Get("requestParameters")),
	}
	if *i.IntegrationType == "HTTP_PROXY" && value(i.IntegrationMethod) == "X-AMAZON-APIGATEWAY-ANY-METHOD" {
		i.IntegrationMethod = ptr("ANY")
	}
	if rs := v.Get("responseParameters"); rs != nil {
		i.ResponseParameters = map[string]map[string]string{}
		for _, f := range rs.Fields {
			status := f.Key
			if n, err := strconv.Atoi(status); err == nil {
				status = strconv.Itoa(n)
			}
			i.ResponseParameters[status] = pairs(f.Value)
		}
	}
	return i
}

func pairs(v *template.Value) map[string]string {
	if v == nil || len(v.Fields) == 0 {
		return nil
	}
	out := make(map[string]string, len(v.Fields))
	for _, f := range v.Fields {
		out[f.Key] = f.Value.Text
	}
	return out
}
