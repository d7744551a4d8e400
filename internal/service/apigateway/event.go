package apigateway

import (
	"encoding/base64"
	"mime"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/awsapi/wire"
)

// event is the input of a Lambda proxy integration, format version 1.0.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-input-format
func (x *exchange) event() []byte {
	b := make([]byte, 0, 2048+len(x.body))
	b = x.appendRequest(append(b, '{'))
	return append(x.appendBody(b), '}')
}

// appendRequest writes what an event says of the request, its body excepted. Its
// path has the base path of a domain name's mapping, and no stage.
// https://github.com/aws/serverless-java-container/issues/34
func (x *exchange) appendRequest(b []byte) []byte {
	b = append(b, `"resource":`...)
	b = wire.AppendString(b, x.resource.Path)
	b = append(b, `,"path":`...)
	b = wire.AppendString(b, x.target.Mapped+x.target.Path)
	b = append(b, `,"httpMethod":`...)
	b = wire.AppendString(b, x.r.Method)
	b = x.appendHeaders(b)
	b = x.appendQuery(b)
	b = append(b, `,"pathParameters":`...)
	b = appendMap(b, x.params)
	b = append(b, `,"stageVariables":`...)
	b = appendMap(b, x.plan.stage.Variables)
	b = append(b, `,"requestContext":`...)
	return x.appendContext(b)
}

// appendMap writes a map, or null when it is empty, as API Gateway does.
func appendMap(b []byte, m map[string]string) []byte {
	if len(m) == 0 {
		return append(b, "null"...)
	}
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for i, k := range keys {
		b = comma(b, i, '{')
		b = wire.AppendString(b, k)
		b = append(b, ':')
		b = wire.AppendString(b, m[k])
	}
	return append(b, '}')
}

func comma(b []byte, i int, open byte) []byte {
	if i == 0 {
		return append(b, open)
	}
	return append(b, ',')
}

// field is a header or a query parameter with all its values, of which there is
// one at least.
type field struct {
	name   string
	values []string
}

func (f *field) last() string { return f.values[len(f.values)-1] }

func byName(a, b field) int { return strings.Compare(a.name, b.name) }

// appendMulti writes fields twice, in the order of their names: with the last
// value of each, and with all.
func appendMulti(b []byte, single, multi string, fields []field) []byte {
	b = append(b, single...)
	if len(fields) == 0 {
		b = append(b, "null"...)
		b = append(b, multi...)
		return append(b, "null"...)
	}
	slices.SortFunc(fields, byName)
	for i := range fields {
		b = comma(b, i, '{')
		b = wire.AppendString(b, fields[i].name)
		b = append(b, ':')
		b = wire.AppendString(b, fields[i].last())
	}
	b = append(b, '}')
	b = append(b, multi...)
	for i := range fields {
		b = comma(b, i, '{')
		b = wire.AppendString(b, fields[i].name)
		b = append(b, ':')
		for j, v := range fields[i].values {
			b = comma(b, j, '[')
			b = wire.AppendString(b, v)
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

// headers are the request's headers, with those that API Gateway adds.
func (x *exchange) headers() []field {
	h := x.r.Header
	added := [...]struct{ name, value string }{
		{"Host", x.r.Host},
		{"X-Forwarded-For", x.forwardedFor()},
		{"X-Forwarded-Port", x.port()},
		{"X-Forwarded-Proto", x.proto()},
		{"X-Amzn-Trace-Id", x.trace}, // the last, since it may be missing
	}
	n := len(added)
	if x.trace == "" {
		n--
	}
	values := make([]string, n)
	fields := make([]field, 0, len(h)+n)
	for i, a := range added[:n] {
		values[i] = a.value
		fields = append(fields, field{a.name, values[i : i+1 : i+1]})
	}
	for name, vs := range h {
		own := slices.ContainsFunc(fields[:n], func(f field) bool { return f.name == name })
		if !own && name != "Connection" && len(vs) > 0 {
			fields = append(fields, field{name, vs})
		}
	}
	return fields
}

// forwardedFor is whom the request came by, the caller last.
func (x *exchange) forwardedFor() string {
	before := x.r.Header["X-Forwarded-For"]
	if len(before) == 0 {
		return x.sourceIP()
	}
	return strings.Join(before, ", ") + ", " + x.sourceIP()
}

func (x *exchange) appendHeaders(b []byte) []byte {
	return appendMulti(b, `,"headers":`, `,"multiValueHeaders":`, x.headers())
}

func (x *exchange) proto() string {
	if x.r.TLS != nil {
		return "https"
	}
	return "http"
}

func (x *exchange) port() string {
	if i := strings.LastIndexByte(x.r.Host, ':'); i > strings.LastIndexByte(x.r.Host, ']') {
		return x.r.Host[i+1:]
	}
	if x.r.TLS != nil {
		return "443"
	}
	return "80"
}

func (x *exchange) appendQuery(b []byte) []byte {
	var q url.Values
	if x.r.URL.RawQuery != "" {
		q = x.r.URL.Query()
	}
	fields := make([]field, 0, len(q))
	for name, vs := range q {
		fields = append(fields, field{name, vs})
	}
	return appendMulti(b, `,"queryStringParameters":`, `,"multiValueQueryStringParameters":`, fields)
}

// requestTime is the format of requestContext.requestTime.
const requestTime = "02/Jan/2006:15:04:05 -0700"

func (x *exchange) appendContext(b []byte) []byte {
	str := func(name, v string) {
		b = append(b, ',')
		b = wire.AppendString(b, name)
		b = append(b, ':')
		b = wire.AppendString(b, v)
	}
	b = append(b, `{"resourceId":`...)
	b = wire.AppendString(b, x.resource.ID)
	str("resourcePath", x.resource.Path)
	str("httpMethod", x.r.Method)
	str("extendedRequestId", x.extendedID())
	str("requestTime", x.at.Time().Format(requestTime))
	str("path", x.target.Base+x.target.Path)
	str("accountId", x.target.Scope.Account)
	str("protocol", x.r.Proto)
	str("stage", x.target.Stage)
	prefix, _, _ := strings.Cut(x.target.Domain, ".")
	str("domainPrefix", prefix)
	b = append(b, `,"requestTimeEpoch":`...)
	b = strconv.AppendInt(b, x.at.UnixMilli(), 10)
	str("requestId", x.id)
	b = append(b, `,"identity":`...)
	b = x.appendIdentity(b)
	if x.caller != nil {
		b = x.appendCaller(b)
	}
	str("domainName", x.target.Domain)
	str("deploymentId", value(x.plan.stage.DeploymentId))
	str("apiId", x.target.API)
	return append(b, '}')
}

func (x *exchange) appendIdentity(b []byte) []byte {
	orNull := func(v string) []byte {
		if v == "" {
			return append(b, "null"...)
		}
		return wire.AppendString(b, v)
	}
	b = append(b, `{"cognitoIdentityPoolId":null,"accountId":`...)
	b = orNull(x.actor.Account)
	b = append(b, `,"cognitoIdentityId":null,"caller":`...)
	b = orNull(x.actor.UserID)
	b = append(b, `,"sourceIp":`...)
	b = wire.AppendString(b, x.sourceIP())
	b = append(b, `,"principalOrgId":null,"accessKey":`...)
	b = orNull(x.actor.KeyID)
	b = append(b, `,"cognitoAuthenticationType":null,"cognitoAuthenticationProvider":null,"userArn":`...)
	b = orNull(x.actor.Principal.ARN.String())
	b = append(b, `,"userAgent":`...)
	b = orNull(x.r.UserAgent())
	b = append(b, `,"user":`...)
	b = orNull(x.actor.UserID)
	if x.key != nil {
		b = append(b, `,"apiKey":`...)
		b = wire.AppendString(b, *x.key.key.Value)
		b = append(b, `,"apiKeyId":`...)
		b = wire.AppendString(b, *x.key.key.Id)
	}
	return append(b, '}')
}

// extendedID is the id in x-amz-apigw-id.
func (x *exchange) extendedID() string {
	var digits [11]byte
	n := 0
	for i := 0; n < len(digits); i++ {
		if c := x.id[i]; c != '-' {
			digits[n] = c
			n++
		}
	}
	return base64.StdEncoding.EncodeToString(digits[:])
}

func (x *exchange) appendBody(b []byte) []byte {
	if len(x.body) == 0 {
		return append(b, `,"body":null,"isBase64Encoded":false`...)
	}
	b = append(b, `,"body":`...)
	if x.plan.isBinary(x.r.Header.Get("Content-Type")) {
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, x.body)
		return append(b, `","isBase64Encoded":true`...)
	}
	b = wire.AppendString(b, string(x.body))
	return append(b, `,"isBase64Encoded":false`...)
}

// isBinary reports whether a media type is one of the API's binary ones.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings-workflow.html
func (p *plan) isBinary(header string) bool {
	if len(p.Binary) == 0 {
		return false
	}
	media, _, err := mime.ParseMediaType(header)
	if err != nil {
		media, _, _ = strings.Cut(header, ";")
		media = strings.ToLower(strings.TrimSpace(media))
	}
	for _, want := range p.Binary {
		if want == "*/*" {
			return true
		}
		if ok, _ := path.Match(strings.ToLower(want), media); ok && media != "" {
			return true
		}
	}
	return false
}

func millis(n *int32) time.Duration { return time.Duration(value(n)) * time.Millisecond }
