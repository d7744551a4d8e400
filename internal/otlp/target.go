package otlp

// Target is where telemetry is exported to.
type Target struct {
	URL     string            // of the receiver: http://jaeger:4318
	Headers map[string]string // sent with each request: credentials, say
}
