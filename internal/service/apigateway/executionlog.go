package apigateway

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/record"
)

// Levels of a stage's execution logs.
const (
	levelOff   = "OFF"
	levelError = "ERROR"
	levelInfo  = "INFO"
)

// Logs takes what API Gateway writes to CloudWatch Logs.
type Logs interface {
	Append(s record.Stream, at clock.Instant, message []byte)
}

// noLogs takes nothing.
type noLogs struct{}

func (noLogs) Append(record.Stream, clock.Instant, []byte) {}

// logging says what of a method's requests is written where.
type logging struct {
	level  string
	data   bool // bodies too
	stream record.Stream
}

// executionStream is where a stage's execution logs go.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
func executionStream(scope arn.Scope, api, stage string) record.Stream {
	return record.Stream{Account: scope.Account, Region: scope.Region, Group: "API-Gateway-Execution-Logs_" + api + "/" + stage, Name: streamName(api, stage)}
}

// streamName is the name of the one stream that a stage writes to: a digest, as
// API Gateway's stream names look.
func streamName(api, stage string) string {
	sum := md5.Sum([]byte(api + "/" + stage))
	return hex.EncodeToString(sum[:])
}

// maxLogged is how much of a line is kept.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
const maxLogged = 1024

// say writes a line of the execution log, if there is one.
func (x *exchange) say(level, format string, args ...any) {
	if x.logs == nil || x.logs.level == levelOff || level == levelInfo && x.logs.level == levelError {
		return
	}
	line := fmt.Sprintf(format, args...)
	if len(line) > maxLogged {
		line = line[:maxLogged] + " [TRUNCATED]"
	}
	if x.told != nil {
		x.told.WriteString(x.s.clock.Now().Time().Format("Mon Jan 02 15:04:05 UTC 2006") + " : " + line + "\n")
		return
	}
	x.s.logs.Append(x.logs.stream, x.s.clock.Now(), []byte("("+x.id+") "+line))
}

// sayRequest begins the execution log of a request.
func (x *exchange) sayRequest() {
	x.say(levelInfo, "Starting execution for request: %s", x.id)
	x.say(levelInfo, "HTTP Method: %s, Resource Path: %s", x.r.Method, x.resource.Path)
	x.say(levelInfo, "Method request path: %s", pairsOf(x.params))
	x.say(levelInfo, "Method request query string: %s", pairsOf(flat(x.r.URL.Query())))
	if x.logs.data {
		x.say(levelInfo, "Method request headers: %s", headersOf(x.r.Header))
		x.say(levelInfo, "Method request body before transformations: %s", x.body)
	}
}

// sayCall says what the integration is sent.
func (x *exchange) sayCall(uri string, payload []byte) {
	x.say(levelInfo, "Endpoint request URI: %s", uri)
	if x.logs.data {
		x.say(levelInfo, "Endpoint request body after transformations: %s", payload)
	}
}

// pairsOf is a map as the log has it: {a=1, b=2}.
func pairsOf(m map[string]string) string {
	var b strings.Builder
	sep := "{"
	for _, k := range slices.Sorted(maps.Keys(m)) {
		b.WriteString(sep + k + "=" + m[k])
		sep = ", "
	}
	if b.Len() == 0 {
		return "{}"
	}
	return b.String() + "}"
}

// flat keeps the last of the values of each name.
func flat(m map[string][]string) map[string]string {
	out := make(map[string]string, len(m))
	for k, vs := range m {
		if len(vs) > 0 {
			out[k] = vs[len(vs)-1]
		}
	}
	return out
}

// headersOf are headers as the log has them, without what only the caller and
// the API should know.
func headersOf(h http.Header) string {
	m := flat(h)
	for _, secret := range []string{"Authorization", "X-Api-Key", "X-Amz-Security-Token"} {
		if v, ok := m[secret]; ok {
			m[secret] = redact(v)
		}
	}
	return pairsOf(m)
}
