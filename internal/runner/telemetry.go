package runner

import (
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/record"
)

// telemetry sets the variables by which the OpenTelemetry SDKs of a function
// find the platform's receiver and say who they are. The function's own
// variables, and settings in its code, come before them.
//
// OTEL_PROPAGATORS is not among them: "xray" is an error in Python and Java
// unless the application brings that propagator. Who brings it sets the
// variable; the platform understands both headers.
//
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
// https://opentelemetry.io/docs/specs/otel/protocol/exporter/
func (r *Runner) telemetry(e environment, i *instance) {
	if r.opts.Telemetry == "" {
		return
	}
	e.set("OTEL_EXPORTER_OTLP_ENDPOINT", r.opts.Telemetry)
	e.set("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
	e.set("OTEL_SERVICE_NAME", i.pool.spec.Name)
}

// resource adds to OTEL_RESOURCE_ATTRIBUTES what the platform knows and the
// function does not say itself. By faas.instance an application's spans are
// found again that know no parent of the platform's.
//
// https://opentelemetry.io/docs/specs/semconv/resource/faas/
func (r *Runner) resource(e environment, i *instance) {
	if r.opts.Telemetry == "" {
		return
	}
	const name = "OTEL_RESOURCE_ATTRIBUTES"
	s, scope := i.pool.spec, i.pool.spec.Function
	all := e[name]
	said := map[string]bool{}
	for kv := range strings.SplitSeq(all, ",") {
		k, _, _ := strings.Cut(kv, "=")
		said[strings.TrimSpace(k)] = true
	}
	for _, a := range [...]struct{ key, value string }{
		{"cloud.provider", "aws"}, {"cloud.platform", "aws_lambda"}, {"cloud.region", scope.Region()}, {"cloud.account.id", scope.Account()},
		{"faas.name", s.Name}, {"faas.version", s.Version}, {"faas.instance", i.stream.Name}, {"faas.max_memory", strconv.Itoa(s.MemoryMB << 20)},
	} {
		if said[a.key] || a.value == "" {
			continue
		}
		if all != "" {
			all += ","
		}
		all += a.key + "=" + a.value
	}
	e[name] = all
}

// CauseOf returns why the instance to which an access key was given calls, where
// the call itself does not say so: its invocation, in the given trace unless
// that is zero. It is the zero Cause where that cannot be told: no instance has
// the key, or it runs nothing of the kind, or several at a time.
func (r *Runner) CauseOf(key string, trace record.TraceID) record.Cause {
	found, ok := r.keyed.Load(key)
	if !ok {
		return record.Cause{}
	}
	i := found.(*instance)
	i.mu.Lock()
	defer i.mu.Unlock()
	var one record.Cause
	for _, v := range i.active {
		switch {
		case !trace.IsZero() && v.Cause.Trace != trace:
		case one.IsZero():
			one = v.Cause
		default:
			return record.Cause{}
		}
	}
	return one
}

// xrayLine is what Lambda adds to the report of an invocation whose trace is
// kept: a second line of the same event.
//
// https://docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html
func (v *invocation) xrayLine() string {
	if !strings.HasSuffix(v.TraceID, ";Sampled=1") || v.Cause.IsZero() {
		return ""
	}
	return "XRAY TraceId: " + v.Cause.Trace.XRay() + "\tSegmentId: " + v.Cause.Span.String() + "\tSampled: true\t\n"
}
