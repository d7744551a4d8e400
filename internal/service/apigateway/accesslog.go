package apigateway

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/arn"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/awsapi/wire"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/vtl"
)

// accessLog is where a line for each request of a stage goes, and what it says.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
type accessLog struct {
	stream record.Stream
	format string
}

// newAccessLog reads the settings of a stage; nil when it writes no access log.
func newAccessLog(api string, st *shapes.Stage) *accessLog {
	if st.AccessLogSettings == nil || value(st.AccessLogSettings.DestinationArn) == "" {
		return nil
	}
	to := arn.ARN(*st.AccessLogSettings.DestinationArn)
	p := to.Parts()
	return &accessLog{
		stream: record.Stream{Account: p.Account, Region: p.Region, Group: logGroupOf(to), Name: streamName(api, *st.StageName)},
		format: value(st.AccessLogSettings.Format),
	}
}

// logGroupOf is the log group that an ARN names, with or without the asterisk
// for its streams at the end.
func logGroupOf(a arn.ARN) string {
	name, _ := strings.CutPrefix(a.Resource(), "log-group:")
	return strings.TrimSuffix(name, ":*")
}

// supportedAccessLog refuses what could not be written.
func supportedAccessLog(s *shapes.AccessLogSettings) error {
	if to := value(s.DestinationArn); to != "" {
		p := arn.ARN(to).Parts()
		switch {
		case p.Service == "firehose":
			return badRequest("Access logs to Amazon Data Firehose are not supported; a CloudWatch Logs log group is.")
		case p.Service != "logs" || logGroupOf(arn.ARN(to)) == "" || !strings.HasPrefix(p.Resource, "log-group:"):
			return badRequest("Invalid ARN specified in the request: %s. ARNs must start with 'arn:' and name a CloudWatch Logs log group", to)
		}
	}
	if f := value(s.Format); f != "" && !strings.Contains(f, "$context.requestId") && !strings.Contains(f, "$context.extendedRequestId") {
		return badRequest("Access Log format must contain at least one of $context.requestId or $context.extendedRequestId")
	}
	return nil
}

// watch is what is noticed of a response for the logs.
type watch struct {
	http.ResponseWriter
	status int
	bytes  int64
	began  time.Time

	integration time.Duration // how long the integration took
	integrated  int           // its status; 0 when there was none
}

// WriteHeader implements [http.ResponseWriter].
func (w *watch) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (w *watch) Write(b []byte) (int, error) {
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets [http.ResponseController] find what lies below.
func (w *watch) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// watched begins to notice what the logs want to know of the response.
func (x *exchange) watched() {
	x.watch = &watch{ResponseWriter: x.w, status: http.StatusOK, began: x.s.machine.Now()}
	x.w = x.watch
}

// timeIntegration measures how long the integration takes.
func (x *exchange) timeIntegration() func() {
	began := x.s.machine.Now()
	return func() { x.watch.integration = x.s.machine.Since(began) }
}

// noticeAnswer notices that a function answered: to Lambda, a function that
// failed has answered as well.
func (x *exchange) noticeAnswer(out Outcome) {
	x.watch.integrated = http.StatusOK
	if out.Throttle {
		x.watch.integrated = http.StatusTooManyRequests
	}
	if x.logs != nil && x.logs.data {
		x.say(levelInfo, "Endpoint response body before transformations: %s", out.Payload)
	}
}

// finish writes what the logs say when a request is over.
func (x *exchange) finish(f *failure) {
	if f != nil {
		x.say(levelError, "Execution failed: %s", f.message)
	} else {
		x.say(levelInfo, "Successfully completed execution")
	}
	x.say(levelInfo, "Method completed with status: %d", x.watch.status)
	if x.plan.access != nil {
		x.logAccess(x.plan.access, f)
	}
	if w := x.watch; x.plan.meter != nil {
		x.plan.meter.Served(w.status, x.s.machine.Since(w.began), w.integration)
	}
}

// logAccess writes the line of a request.
func (x *exchange) logAccess(l *accessLog, f *failure) {
	if x.context == nil {
		x.context = x.contextVariables()
	}
	c := x.context
	w := x.watch
	c.Put("status", strconv.Itoa(w.status))
	c.Put("responseLength", strconv.FormatInt(w.bytes, 10))
	c.Put("responseLatency", strconv.FormatInt(x.s.machine.Since(w.began).Milliseconds(), 10))
	if w.integrated != 0 {
		latency := strconv.FormatInt(w.integration.Milliseconds(), 10)
		c.Put("integrationLatency", latency)
		c.Put("integrationStatus", strconv.Itoa(w.integrated))
		i := &vtl.Map{Quiet: true}
		i.Put("latency", latency)
		i.Put("status", strconv.Itoa(w.integrated))
		i.Put("integrationStatus", strconv.Itoa(w.integrated))
		i.Put("requestId", x.id)
		c.Put("integration", i)
	}
	if f != nil {
		c.Put("error", x.errorVariables(*f))
	}
	x.s.logs.Append(l.stream, x.s.clock.Now(), []byte(substitute(l.format, x.variable("-"))))
}

// errorVariables is $context.error.
func (x *exchange) errorVariables(f failure) *vtl.Map {
	m := &vtl.Map{Quiet: true}
	m.Put("message", f.message)
	m.Put("messageString", string(wire.AppendString(nil, f.message)))
	m.Put("responseType", f.kind)
	if x.invalid != "" {
		m.Put("validationErrorString", x.invalid)
	}
	return m
}

// variable finds the variables that logs and gateway responses may name. What
// there is not is nothing.
func (x *exchange) variable(nothing string) func(name string) (string, bool) {
	return func(name string) (string, bool) {
		if path, ok := strings.CutPrefix(name, "context."); ok {
			v, err := find(x.context, "$."+path)
			if err != nil || v == nil || v == "" {
				return nothing, true
			}
			text, err := vtl.Text(v)
			if err != nil {
				return nothing, true
			}
			return text, true
		}
		if name, ok := strings.CutPrefix(name, "stageVariables."); ok {
			if v := x.plan.stage.Variables[name]; v != "" {
				return v, true
			}
			return nothing, true
		}
		if strings.HasPrefix(name, "method.request.") {
			v, err := x.mappedRequest(name)
			if err != nil || v == "" {
				return nothing, true
			}
			return v, true
		}
		return "", false
	}
}

// substitute replaces $name and ${name} in a text; a $ that begins no name that
// is known stays.
func substitute(text string, variable func(name string) (string, bool)) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "$")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after := variableName(rest)
		if v, ok := variable(name); ok {
			b.WriteString(v)
			text = after
			continue
		}
		b.WriteByte('$')
		text = rest
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
	n := 0
	for n < len(s) && (s[n] == '.' || s[n] == '_' || s[n] == '-' || s[n] >= '0' && s[n] <= '9' || s[n] >= 'a' && s[n] <= 'z' || s[n] >= 'A' && s[n] <= 'Z') {
		n++
	}
	name = strings.TrimRight(s[:n], ".-") // the end of a sentence, or a dash after a variable
	return name, s[len(name):]
}
