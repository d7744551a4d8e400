package proxy

import (
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/awsapi/wire"
)

// Event1 is the event of a request in the format 1.0, which is that of REST
// APIs as HTTP APIs give it.
func (q *Request) Event1() []byte {
	b := make([]byte, 0, 2048+len(q.Body)*4/3)
	b = q.Append1(append(b, `{"version":"1.0"`...))
	if len(q.Body) == 0 {
		return append(b, `,"body":null,"isBase64Encoded":false}`...)
	}
	b, encoded := q.appendBody(append(b, `,"body":`...))
	b = strconv.AppendBool(append(b, `,"isBase64Encoded":`...), encoded)
	return append(b, '}')
}

// Append1 writes the members of an event that tell about the request, its body
// excepted. It begins with a comma.
func (q *Request) Append1(b []byte) []byte {
	b = str(b, "resource", q.resource())
	b = str(b, "path", q.path())
	b = str(b, "httpMethod", q.HTTP.Method)
	b = append(b, `,"headers":`...)
	first := true
	for _, h := range q.sorted() {
		b = member(b, &first, h.name, h.values[len(h.values)-1])
	}
	b = append(b, `},"multiValueHeaders":`...)
	for i, h := range q.sorted() {
		b = open(b, i)
		b = wire.AppendString(b, h.name)
		b = append(b, ':')
		b = appendList(b, h.values)
	}
	b = append(b, `},"queryStringParameters":`...)
	b = q.appendQuery1(b)
	b = q.appendContext1(b)
	b = append(b, `,"pathParameters":`...)
	b = appendOrNull(b, q.Params)
	b = append(b, `,"stageVariables":`...)
	return appendOrNull(b, q.Variables)
}

func (q *Request) path() string {
	if q.Mapped != "" {
		return q.Mapped
	}
	return q.Path
}

// resource is the path of the route.
func (q *Request) resource() string {
	if _, path, ok := strings.Cut(q.RouteKey, " "); ok {
		return path
	}
	return q.RouteKey
}

// appendQuery1 writes the parameters of the query string twice: with the last
// value of each, and with all.
func (q *Request) appendQuery1(b []byte) []byte {
	query := q.query()
	if len(query) == 0 {
		return append(b, `null,"multiValueQueryStringParameters":null`...)
	}
	keys := sortedKeys(query)
	first := true
	for _, k := range keys {
		b = member(b, &first, k, query[k][len(query[k])-1])
	}
	b = append(b, `},"multiValueQueryStringParameters":`...)
	for i, k := range keys {
		b = open(b, i)
		b = wire.AppendString(b, k)
		b = append(b, ':')
		b = appendList(b, query[k])
	}
	return append(b, '}')
}

func (q *Request) appendContext1(b []byte) []byte {
	b = append(b, `,"requestContext":{"accountId":`...)
	b = wire.AppendString(b, q.Account)
	b = str(b, "apiId", q.API)
	if q.Authorizer != nil {
		b = append(b, `,"authorizer":`...)
		b = append(b, q.Authorizer...)
	}
	prefix, _, _ := strings.Cut(q.Domain, ".")
	b = str(b, "domainName", q.Domain)
	b = str(b, "domainPrefix", prefix)
	b = str(b, "extendedRequestId", q.ID)
	b = str(b, "httpMethod", q.HTTP.Method)
	b = q.appendIdentity(append(b, `,"identity":`...))
	b = str(b, "path", q.path())
	b = str(b, "protocol", q.HTTP.Proto)
	b = str(b, "requestId", q.ID)
	b = str(b, "requestTime", Time(q.At))
	b = append(b, `,"requestTimeEpoch":`...)
	b = strconv.AppendInt(b, q.At.UnixMilli(), 10)
	b = append(b, `,"resourceId":null`...)
	b = str(b, "resourcePath", q.resource())
	b = str(b, "stage", q.Stage)
	return append(b, '}')
}

func (q *Request) appendIdentity(b []byte) []byte {
	who := q.Identity
	b = append(b, `{"accessKey":`...)
	b = orNull(b, who.AccessKey)
	b = append(b, `,"accountId":`...)
	b = orNull(b, who.Account)
	b = append(b, `,"caller":`...)
	b = orNull(b, who.Caller)
	b = append(b, `,"cognitoAuthenticationProvider":null,"cognitoAuthenticationType":null,"cognitoIdentityId":null,"cognitoIdentityPoolId":null,"principalOrgId":null`...)
	b = str(b, "sourceIp", q.SourceIP())
	b = append(b, `,"user":`...)
	b = orNull(b, who.User)
	b = append(b, `,"userAgent":`...)
	b = orNull(b, q.HTTP.UserAgent())
	b = append(b, `,"userArn":`...)
	b = orNull(b, who.ARN)
	return append(b, '}')
}

func open(b []byte, i int) []byte {
	if i == 0 {
		return append(b, '{')
	}
	return append(b, ',')
}

func orNull(b []byte, v string) []byte {
	if v == "" {
		return append(b, "null"...)
	}
	return wire.AppendString(b, v)
}

func appendOrNull(b []byte, m map[string]string) []byte {
	if len(m) == 0 {
		return append(b, "null"...)
	}
	first := true
	for _, k := range sortedKeys(m) {
		b = member(b, &first, k, m[k])
	}
	return append(b, '}')
}
