package apigatewayv2

import (
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/awsapi/wire"
	"github.com/nube-run/nube/internal/record"
)

// accessLog is where a line for each request of a stage goes, and what it says.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html
type accessLog struct {
	stream record.Stream
	format string
}

// newAccessLog reads the settings of a stage; nil when it writes no access log.
func newAccessLog(a *shapes.Api, st *shapes.Stage) *accessLog {
	if st.AccessLogSettings == nil || value(st.AccessLogSettings.DestinationArn) == "" {
		return nil
	}
	to := arn.ARN(*st.AccessLogSettings.DestinationArn)
	p := to.Parts()
	name := *a.ApiId + "/" + strings.TrimPrefix(*st.StageName, "$")
	return &accessLog{record.Stream{Account: p.Account, Region: p.Region, Group: logGroupOf(to), Name: name}, value(st.AccessLogSettings.Format)}
}

// log writes the line of a request.
func (x *exchange) log(f *failure) {
	if x.s.Logs == nil {
		return
	}
	line := substitute(x.plan.access.format, func(name string) string {
		if v, ok := x.answerVariable(name, f); ok {
			return v
		}
		v, _ := x.variable(name)
		return v
	})
	x.s.Logs.Append(x.plan.access.stream, x.s.Clock.Now(), []byte(line))
}

// answerVariable is a variable that only the answer has; false for another.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
func (x *exchange) answerVariable(name string, f *failure) (string, bool) {
	ofIntegration := func(v string) (string, bool) {
		if x.integrated == 0 {
			v = ""
		}
		return v, true
	}
	switch strings.TrimPrefix(name, "context.") {
	case "status":
		return strconv.Itoa(x.status), true
	case "responseLength", "dataProcessed":
		return strconv.Itoa(x.length), true
	case "responseLatency":
		return strconv.FormatInt(x.s.machine.Since(x.began).Milliseconds(), 10), true
	case "integrationLatency", "integration.latency":
		return ofIntegration(strconv.FormatInt(x.integration.Milliseconds(), 10))
	case "integrationStatus", "integration.status", "integration.integrationStatus":
		return ofIntegration(strconv.Itoa(x.integrated))
	case "integrationErrorMessage", "integration.error":
		return x.problem, true
	case "integration.requestId":
		return ofIntegration(x.id)
	case "error.message", "error.messageString", "error.responseType":
		if f == nil {
			return "", true
		}
		switch name {
		case "context.error.message":
			return f.message, true
		case "context.error.messageString":
			return string(wire.AppendString(nil, f.message)), true
		}
		return responseType(f.status), true
	}
	return "", false
}

// responseType is the kind of an answer of API Gateway's own.
func responseType(status int) string {
	switch status {
	case 401:
		return "UNAUTHORIZED"
	case 403:
		return "ACCESS_DENIED"
	case 404:
		return "RESOURCE_NOT_FOUND"
	case 413:
		return "REQUEST_TOO_LARGE"
	case 429:
		return "THROTTLED"
	case 503:
		return "INTEGRATION_FAILURE"
	}
	if status < 500 {
		return "DEFAULT_4XX"
	}
	return "DEFAULT_5XX"
}

// substitute replaces $name and ${name} in a text by values; what has none is a
// dash.
func substitute(text string, value func(name string) string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "$")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after := variableName(rest)
		if !strings.HasPrefix(name, "context.") && !strings.HasPrefix(name, "stageVariables.") && !strings.HasPrefix(name, "request.") {
			b.WriteByte('$')
			text = rest
			continue
		}
		v := value(name)
		if v == "" {
			v = "-"
		}
		b.WriteString(v)
		text = after
	}
}

// variableName reads the name at the beginning of a text, in braces or without.
func variableName(s string) (name, after string) {
	if inner, ok := strings.CutPrefix(s, "{"); ok {
		if name, after, ok := strings.Cut(inner, "}"); ok {
			return name, after
		}
		return "", s
	}
	n := strings.IndexFunc(s, func(c rune) bool {
		return c != '.' && c != '_' && c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	})
	if n < 0 {
		n = len(s)
	}
	name = strings.TrimRight(s[:n], ".-") // the end of a sentence, or a dash after a variable
	return name, s[len(name):]
}
