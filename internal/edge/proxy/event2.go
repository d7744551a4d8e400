package proxy

import (
	"slices"
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/awsapi/wire"
	"github.com/nube-run/nube/internal/clock"
)

// timeFormat is the format of requestContext.time.
const timeFormat = "02/Jan/2006:15:04:05 -0700"

// Time is an instant as events show it: 12/Mar/2020:19:03:58 +0000.
func Time(at clock.Instant) string { return at.Time().Format(timeFormat) }

// Event2 is the event of a request in the format 2.0. Members that a request
// does not have are left out, as AWS does.
func (q *Request) Event2() []byte {
	b := make([]byte, 0, 2048+len(q.Body)*4/3)
	b = q.Append2(append(b, `{"version":"2.0"`...))
	if len(q.Body) > 0 {
		var encoded bool
		b, encoded = q.appendBody(append(b, `,"body":`...))
		b = strconv.AppendBool(append(b, `,"isBase64Encoded":`...), encoded)
	} else {
		b = append(b, `,"isBase64Encoded":false`...)
	}
	return append(b, '}')
}

// Append2 writes the members of an event that tell about the request, its body
// excepted: what an authorizer gets as well. It begins with a comma.
func (q *Request) Append2(b []byte) []byte {
	b = str(b, "routeKey", q.RouteKey)
	b = str(b, "rawPath", q.Path)
	b = str(b, "rawQueryString", q.HTTP.URL.RawQuery)
	if cookies := q.cookies(); len(cookies) > 0 {
		b = append(b, `,"cookies":`...)
		b = appendList(b, cookies)
	}
	b = append(b, `,"headers":`...)
	first := true
	for _, h := range q.sorted() {
		if h.name == "cookie" {
			continue
		}
		b = member(b, &first, h.name, strings.Join(h.values, ","))
	}
	b = append(b, '}')
	if query := q.query(); len(query) > 0 {
		b = append(b, `,"queryStringParameters":`...)
		first := true
		for _, k := range sortedKeys(query) {
			b = member(b, &first, k, strings.Join(query[k], ","))
		}
		b = append(b, '}')
	}
	b = q.appendContext2(b)
	b = appendMap(b, "pathParameters", q.Params)
	return appendMap(b, "stageVariables", q.Variables)
}

func (q *Request) appendContext2(b []byte) []byte {
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
	b = append(b, `,"http":{"method":`...)
	b = wire.AppendString(b, q.HTTP.Method)
	b = str(b, "path", q.Path)
	b = str(b, "protocol", q.HTTP.Proto)
	b = str(b, "sourceIp", q.SourceIP())
	b = str(b, "userAgent", q.HTTP.UserAgent())
	b = append(b, '}')
	b = str(b, "requestId", q.ID)
	b = str(b, "routeKey", q.RouteKey)
	b = str(b, "stage", q.Stage)
	b = str(b, "time", Time(q.At))
	b = append(b, `,"timeEpoch":`...)
	b = strconv.AppendInt(b, q.At.UnixMilli(), 10)
	return append(b, '}')
}

// cookies are those of all Cookie headers.
func (q *Request) cookies() []string {
	var out []string
	for _, line := range q.HTTP.Header["Cookie"] {
		for c := range strings.SplitSeq(line, ";") {
			if c = strings.TrimSpace(c); c != "" {
				out = append(out, c)
			}
		}
	}
	return out
}

func str(b []byte, name, v string) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	return wire.AppendString(b, v)
}

// member writes a member of an object that first says whether to begin.
func member(b []byte, first *bool, name, v string) []byte {
	if *first {
		b = append(b, '{')
	} else {
		b = append(b, ',')
	}
	*first = false
	b = wire.AppendString(b, name)
	b = append(b, ':')
	return wire.AppendString(b, v)
}

func appendList(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = wire.AppendString(b, s)
	}
	return append(b, ']')
}

// appendMap writes a member that is a map, nothing where it is empty.
func appendMap(b []byte, name string, m map[string]string) []byte {
	if len(m) == 0 {
		return b
	}
	b = append(b, ',')
	b = wire.AppendString(b, name)
	b = append(b, ':')
	first := true
	for _, k := range sortedKeys(m) {
		b = member(b, &first, k, m[k])
	}
	return append(b, '}')
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
