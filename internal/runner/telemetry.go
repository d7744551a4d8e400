package runner

import (
	"strconv"
	"strings"
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

// TraceOf returns the X-Ray header of the invocation that runs in the instance
// to which an access key was given: why somebody with that key calls, who does
// not say so. It is empty where that cannot be told: no instance has the key,
// or it runs nothing, or several at a time.
func (r *Runner) TraceOf(key string) string {
	found, ok := r.keyed.Load(key)
	if !ok {
		return ""
	}
	i := found.(*instance)
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.active) != 1 {
		return ""
	}
	return i.active[0].TraceID
}
