package apigatewayv2

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/edge/proxy"
)

// request is a request on its way to an integration, as its mappings have
// changed it.
type request struct {
	http  *http.Request
	path  string // below the stage, escaped
	moved bool   // the path is another than the caller's
}

// variable is the value of an expression without its dollar, such as
// request.header.accept or context.requestId; false where there is none.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html
func (x *exchange) variable(name string) (string, bool) {
	if key, ok := strings.CutPrefix(name, "request.header."); ok {
		vs := x.r.Header.Values(key)
		if strings.EqualFold(key, "host") {
			vs = []string{x.r.Host}
		}
		return strings.Join(vs, ","), len(vs) > 0
	}
	if key, ok := strings.CutPrefix(name, "request.querystring."); ok {
		vs := x.r.URL.Query()[key]
		return strings.Join(vs, ","), len(vs) > 0
	}
	if key, ok := strings.CutPrefix(name, "request.path."); ok {
		v, ok := x.params[key]
		return v, ok
	}
	if key, ok := strings.CutPrefix(name, "stageVariables."); ok {
		v, ok := x.plan.stage.StageVariables[key]
		return v, ok
	}
	if key, ok := strings.CutPrefix(name, "context."); ok {
		v := x.contextVariable(key)
		return v, v != ""
	}
	switch {
	case name == "request.path":
		return x.target.Path, true
	case name == "request.body":
		return string(x.body), len(x.body) > 0
	case strings.HasPrefix(name, "request.body."):
		return lookUp(x.body, strings.TrimPrefix(name, "request.body"))
	}
	return "", false
}

// contextVariable is the value of a variable of $context; "" where it has none.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
func (x *exchange) contextVariable(name string) string {
	if key, ok := strings.CutPrefix(name, "authorizer."); ok {
		return x.caller.property(key)
	}
	who := x.actor
	switch name {
	case "accountId":
		return x.target.Scope.Account
	case "apiId":
		return x.target.API
	case "domainName":
		return x.target.Domain
	case "domainPrefix":
		prefix, _, _ := strings.Cut(x.target.Domain, ".")
		return prefix
	case "requestId", "extendedRequestId":
		return x.id
	case "httpMethod":
		return x.r.Method
	case "path":
		return x.rawPath(x.target.Path)
	case "protocol":
		return x.r.Proto
	case "stage":
		return x.target.Stage
	case "routeKey":
		if x.route != nil {
			return *x.route.RouteKey
		}
	case "requestTime":
		return proxy.Time(x.at)
	case "requestTimeEpoch":
		return strconv.FormatInt(x.at.UnixMilli(), 10)
	case "customDomain.basePathMatched":
		return strings.TrimPrefix(x.target.Base, "/")
	case "identity.sourceIp":
		return proxy.SourceIP(x.r)
	case "identity.userAgent":
		return x.r.UserAgent()
	case "identity.accountId":
		return who.Account
	case "identity.caller", "identity.user":
		return who.UserID
	case "identity.userArn":
		return who.Principal.ARN.String()
	}
	return ""
}

// evaluate is the value of what a mapping says: a text, in which variables may
// stand in ${}, or one variable; false where a variable has no value.
func (x *exchange) evaluate(expression string, variable func(string) (string, bool)) (string, bool) {
	if name, ok := strings.CutPrefix(expression, "$"); ok && !strings.HasPrefix(name, "{") {
		return variable(name)
	}
	var b strings.Builder
	found := true
	for {
		before, rest, any := strings.Cut(expression, "${")
		b.WriteString(before)
		if !any {
			return b.String(), found
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			b.WriteString("${" + rest)
			return b.String(), found
		}
		v, ok := variable(name)
		found = found && ok
		b.WriteString(v)
		expression = after
	}
}

// maxLookUp is how much of a body a JSONPath sees.
const maxLookUp = 100 << 10

// lookUp follows a path of members and indexes, such as .a[0].b, in JSON.
func lookUp(body []byte, path string) (string, bool) {
	if len(body) > maxLookUp {
		return "", false
	}
	var v any
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return "", false
	}
	path = strings.NewReplacer("['", ".", "']", "", "[", ".", "]", "").Replace(path)
	for name := range strings.SplitSeq(strings.TrimPrefix(path, "."), ".") {
		switch o := v.(type) {
		case map[string]any:
			v = o[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(o) {
				return "", false
			}
			v = o[i]
		default:
			return "", false
		}
	}
	return jsonText(v), v != nil
}

// jsonText is a value of JSON as a text: a string as it is.
func jsonText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "" // it came out of JSON
	}
	return string(text)
}
