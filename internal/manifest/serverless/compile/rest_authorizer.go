package compile

import (
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// authorizer says who may call a route.
type authorizer struct {
	kind       string          // as written: TOKEN, REQUEST, COGNITO_USER_POOLS, AWS_IAM, CUSTOM, or empty
	name       string          // makes the logical id
	arn        any             // of the function or user pool, or nil
	id         *template.Value // of an authorizer that exists, or nil
	fn         *function       // of this service, or nil
	plainARN   string          // the ARN when it is a plain text
	external   bool            // its permission is managed elsewhere
	source     string
	validation *template.Value
	ttl        *template.Value
	defaultTTL bool
	claims     []string
	scopes     *template.Value
	pos        template.Pos
}

// readAuthorizer reads the authorizer of an event.
func (r *rest) readAuthorizer(t *route) *authorizer {
	v := or(t.conf.Get("authorizer"))
	if v == nil {
		return nil
	}
	a := &authorizer{pos: v.Pos}
	own := ""
	if isText(v) {
		switch {
		case strings.EqualFold(v.Text, "AWS_IAM"):
			a.kind = "AWS_IAM"
		case !strings.Contains(v.Text, ":"):
			own = v.Text
		default:
			a.arn, a.plainARN, a.name = v, v.Text, arnTail(v.Text)
		}
	} else {
		a.kind = str(v, "type")
		a.defaultTTL = true
		a.ttl = set(v.Get("resultTtlInSeconds"))
		a.claims = texts(v.Get("claims"))
		a.scopes = or(v.Get("scopes"))
		a.source = str(v, "identitySource")
		a.validation = set(v.Get("identityValidationExpression"))
		a.external = truthy(v.Get("managedExternally"))
		arn := or(v.Get("arn"))
		switch {
		case a.kind != "" && truthy(v.Get("authorizerId")):
			a.id = v.Get("authorizerId")
		case strings.EqualFold(a.kind, "AWS_IAM"):
			a.kind = "AWS_IAM"
		case arn != nil:
			a.arn, a.name = arn, str(v, "name")
			if isText(arn) {
				a.plainARN = arn.Text
				if a.name == "" {
					a.name = arnTail(arn.Text)
				}
			}
			if a.name == "" {
				r.report(template.Errorf(v.Pos, "the authorizer has no name to make a logical id of").WithHint("add name beside arn"))
			}
		case str(v, "name") != "":
			own = str(v, "name")
		default:
			r.report(template.Errorf(v.Pos, "the authorizer names nothing").WithHint("give the name of a function, or an arn"))
		}
	}
	if own != "" {
		if a.fn = r.find(own); a.fn == nil {
			r.missing(v.Pos, own)
			return a
		}
		a.name, a.arn = own, a.fn.target()
	}
	if a.source == "" && !(strings.EqualFold(a.kind, "REQUEST") && a.ttl != nil && !truthy(a.ttl)) {
		a.source = "method.request.header.Authorization"
	}
	if t.integration == "AWS_PROXY" && isUserPool(a.plainARN) && len(a.claims) > 0 {
		r.errorf(v.Pos, "claims can be chosen with the integration lambda only: a proxied request has them all")
	}
	return a
}

// arnTail returns what an ARN names, after its last colon and dash.
func arnTail(arn string) string { return last(strings.Split(last(strings.Split(arn, ":")), "-")) }

// isUserPool reports whether an ARN is of Cognito, whatever its partition.
func isUserPool(arn string) bool {
	parts := strings.Split(arn, ":")
	return len(parts) > 2 && parts[0] == "arn" && strings.HasPrefix(parts[2], "cognito-idp")
}

func (a *authorizer) isPool() bool {
	return strings.EqualFold(a.kind, "COGNITO_USER_POOLS") || isUserPool(a.plainARN)
}

// method returns what a method says about its authorizer, and what it must be created after.
func (a *authorizer) method() (kind string, id, scopes any, after string) {
	switch {
	case a == nil:
		return "NONE", nil, nil, ""
	case a.kind == "AWS_IAM":
		return "AWS_IAM", nil, nil, ""
	case a.id != nil:
		kind = a.kind
		if strings.EqualFold(kind, "TOKEN") || strings.EqualFold(kind, "REQUEST") {
			kind = "CUSTOM"
		}
		if strings.EqualFold(kind, "COGNITO_USER_POOLS") && a.scopes != nil && len(a.scopes.Items) > 0 {
			scopes = a.scopes
		}
		return kind, a.id, scopes, ""
	case a.isPool():
		if a.scopes != nil && len(a.scopes.Items) > 0 {
			scopes = a.scopes
		}
		return "COGNITO_USER_POOLS", ref(authorizerID(a.name)), scopes, authorizerID(a.name)
	}
	return "CUSTOM", ref(authorizerID(a.name)), nil, authorizerID(a.name)
}

// claimsTemplate is the part of a request template that passes on the claims.
func (a *authorizer) claimsTemplate() string {
	if a == nil {
		return ""
	}
	var b strings.Builder
	for _, claim := range a.claims {
		if _, after, ok := strings.Cut(claim, ":"); ok {
			b.WriteString(`"` + after + `": "$context.authorizer.claims['` + claim + `']",`)
		} else {
			b.WriteString(`"` + claim + `": "$context.authorizer.claims.` + claim + `",`)
		}
	}
	return b.String()
}

// makeAuthorizer makes the authorizer of a route, once for all routes that name it.
func (r *rest) makeAuthorizer(t *route) {
	a := t.authorizer
	if a == nil || a.arn == nil {
		return
	}
	var ttl any
	if a.defaultTTL {
		ttl = 300
		if a.ttl != nil {
			ttl = a.ttl
		}
	}
	properties := obj{
		{"AuthorizerResultTtlInSeconds", ttl},
		{"IdentitySource", optional(a.source)},
		{"Name", a.name},
		{"RestApiId", r.apiID()},
		{"IdentityValidationExpression", a.validation},
	}
	if a.isPool() {
		properties = append(properties, obj{{"Type", "COGNITO_USER_POOLS"}, {"ProviderARNs", []any{a.arn}}}...)
	} else {
		kind := "TOKEN"
		if a.kind != "" {
			kind = strings.ToUpper(a.kind)
		}
		properties = append(properties, obj{
			{"Type", kind},
			{"AuthorizerUri", join("", "arn:", partition(), ":apigateway:", region(), ":lambda:path/2015-03-31/functions/", a.arn, "/invocations")},
		}...)
	}
	var after any
	if a.fn != nil {
		after = a.fn.after()
	}
	r.service.resources.put(authorizerID(a.name), a.pos, obj{
		{"Type", "AWS::ApiGateway::Authorizer"},
		{"DependsOn", after},
		{"Properties", properties},
	})
}

// makePermissions lets the API call the function and the authorizer of a route.
func (r *rest) makePermissions(t *route) {
	source := join("", "arn:", partition(), ":execute-api:", region(), ":", account(), ":", r.apiID(), "/*/*")
	r.invoke(apiPermissionID(t.fn.key), t.event, "apigateway.amazonaws.com", source)
	a := t.authorizer
	if a == nil || a.arn == nil || a.isPool() || a.external {
		return
	}
	id := apiPermissionID(a.name)
	if r.service.resources.has(id) {
		return
	}
	name := a.arn
	if a.fn != nil && a.fn.alias != nil {
		name = ref(a.fn.alias.id)
	}
	r.service.resources.put(id, a.pos, obj{
		{"Type", "AWS::Lambda::Permission"},
		{"Properties", obj{
			{"FunctionName", name},
			{"Action", "lambda:InvokeFunction"},
			{"Principal", "apigateway.amazonaws.com"},
			{"SourceArn", source},
		}},
	})
}
