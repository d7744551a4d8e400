package otlp

import (
	"strings"
	"time"

	"github.com/nube-run/nube/internal/otlp/message"
	"github.com/nube-run/nube/internal/record"
)

// spans is a request with spans of the platform.
func (e *Exporter) spans(ss []record.Span) []byte {
	return grouped(e, ss, serviceOf, nil, appendSpan)
}

// serviceOf is the service that a span is of: an invocation's is the function,
// as the function's own spans say.
func serviceOf(s *record.Span) string {
	if isFunction(s) {
		return s.Name
	}
	return s.Service
}

func isFunction(s *record.Span) bool {
	return s.Service == "lambda" && s.Kind == record.Internal && s.Resource != ""
}

// isHTTP reports whether a span is a request of the application: its name has a
// method and a path.
func isHTTP(s *record.Span) bool { return s.Kind == record.Server && strings.Contains(s.Name, " /") }

// nameOf is a span's name as the conventions have it.
func nameOf(s *record.Span) string {
	switch {
	case s.Service == "delivery":
		return "deliver " + last(s.Resource)
	case s.Kind == record.Server && !isHTTP(s):
		return s.Service + "." + s.Name
	}
	return s.Name
}

func appendSpan(b []byte, s *record.Span) []byte {
	b = message.AppendBytes(b, 1, s.Trace[:])
	b = message.AppendBytes(b, 2, s.ID[:])
	if !s.Parent.IsZero() {
		b = message.AppendBytes(b, 4, s.Parent[:])
	}
	b = message.AppendText(b, 5, strings.ToValidUTF8(nameOf(s), "\uFFFD"))
	kind := s.Kind
	if isFunction(s) {
		kind = record.Server // what a function has done for its caller
	}
	b = message.AppendUint(b, 6, uint64(kind)+1)
	b = message.AppendFixed64(b, 7, uint64(s.Began.UnixNano()))
	b = message.AppendFixed64(b, 8, uint64(s.Began.Add(s.Duration).UnixNano()))
	b = appendAttrs(b, s)
	for _, l := range s.Links {
		b = message.AppendMessage(b, 13, func(b []byte) []byte {
			return message.AppendBytes(message.AppendBytes(b, 1, l.Trace[:]), 2, l.Span[:])
		})
	}
	if s.Error != "" || s.Status >= 500 {
		b = message.AppendMessage(b, 15, func(b []byte) []byte {
			return message.AppendUint(message.AppendText(b, 2, valid(or(s.Attr(record.Message), s.Error))), 3, 2)
		})
	}
	return message.AppendFixed32(b, 16, 1) // sampled
}

// appendAttrs names what is known of a span as OpenTelemetry's conventions do,
// and what they have no name for "nube.…".
//
// https://opentelemetry.io/docs/specs/semconv/
func appendAttrs(b []byte, s *record.Span) []byte {
	text := func(key, value string) { b = message.AppendAttr(b, spanAttr, key, valid(value)) }
	number := func(key string, n int64) {
		if n != 0 {
			b = message.AppendNumber(b, spanAttr, key, n)
		}
	}
	text("aws.request_id", s.Request)
	text("error.type", s.Error)
	text("nube.principal", s.By)
	switch {
	case isHTTP(s):
		method, path, _ := strings.Cut(s.Name, " ")
		text("http.request.method", method)
		text("url.path", path)
		text("cloud.resource_id", s.Resource)
		number("http.response.status_code", int64(s.Status))
		number("http.request.body.size", s.In)
		number("http.response.body.size", s.Out)
	case isFunction(s):
		text("faas.name", s.Name)
		text("faas.invocation_id", s.Request)
		text("faas.instance", s.Attr(record.LogStream))
		text("cloud.resource_id", s.Resource)
		if s.Attr(record.Cold) != "" {
			b = message.AppendTrue(b, spanAttr, "faas.coldstart")
		}
		number("nube.request.size", s.In)
		number("nube.response.size", s.Out)
	case s.Service == "delivery" || s.Kind == record.Consumer:
		if s.Service == "lambda" { // a batch of an event source mapping
			text("faas.trigger", triggerOf(s.Resource))
			text("messaging.system", messagingOf(schemeOf(s.Resource)))
		} else {
			text("messaging.system", messagingOf(s.Name))
		}
		text("messaging.operation.type", "process")
		text("messaging.destination.name", last(s.Resource))
		text("cloud.resource_id", s.Resource)
		number("messaging.message.body.size", s.In)
		if n := len(s.Links); n > 0 {
			number("messaging.batch.message_count", int64(n)+1)
		}
	case s.Kind == record.Server:
		b = appendCall(b, s)
		number("nube.request.size", s.In)
		number("nube.response.size", s.Out)
	}
	for _, a := range s.Attrs {
		switch a.Key {
		case record.Message, record.LogStream, record.Cold:
		default:
			text("nube."+strings.ReplaceAll(a.Key, " ", "_"), a.Value)
		}
	}
	if shift := s.Start.Time().Sub(s.Began); shift > shiftShown || shift < -shiftShown {
		text("nube.model_time", s.Start.Time().Format(time.RFC3339Nano))
	}
	return b
}

// appendCall names a call of an AWS API.
//
// https://opentelemetry.io/docs/specs/semconv/cloud-providers/aws-sdk/
func appendCall(b []byte, s *record.Span) []byte {
	text := func(key, value string) { b = message.AppendAttr(b, spanAttr, key, valid(value)) }
	text("rpc.system", "aws-api")
	text("rpc.service", s.Service)
	text("rpc.method", s.Name)
	text("cloud.resource_id", s.Resource)
	name := last(s.Resource)
	switch s.Service {
	case "dynamodb":
		text("db.system.name", "aws.dynamodb")
		text("db.operation.name", s.Name)
		if _, table, ok := strings.Cut(s.Resource, ":table/"); ok {
			table, _, _ = strings.Cut(table, "/")
			b = message.AppendAttrs(b, spanAttr, "aws.dynamodb.table_names", valid(table))
		}
	case "s3":
		bucket, key, _ := strings.Cut(s.Resource[strings.LastIndexByte(s.Resource, ':')+1:], "/")
		text("aws.s3.bucket", bucket)
		text("aws.s3.key", key)
	case "sns", "sqs":
		text("messaging.system", messagingOf(s.Service))
		text("messaging.destination.name", name)
		switch {
		case strings.HasPrefix(s.Name, "Publish"), strings.HasPrefix(s.Name, "SendMessage"):
			text("messaging.operation.type", "send")
		case s.Name == "ReceiveMessage":
			text("messaging.operation.type", "receive")
		}
	case "lambda":
		if strings.HasPrefix(s.Name, "Invoke") {
			text("faas.invoked_name", name)
			text("faas.invoked_provider", "aws")
		}
	}
	return b
}

// messagingOf is a messaging system's name.
// https://opentelemetry.io/docs/specs/semconv/registry/attributes/messaging/#messaging-system
func messagingOf(scheme string) string {
	switch scheme {
	case "sns":
		return "aws.sns"
	case "sqs":
		return "aws_sqs"
	}
	return "nube"
}

// schemeOf is the service in an ARN.
func schemeOf(resource string) string {
	parts := strings.SplitN(resource, ":", 4)
	if len(parts) < 4 {
		return ""
	}
	return parts[2]
}

// triggerOf is what kind of trigger reading a resource is.
// https://opentelemetry.io/docs/specs/semconv/faas/faas-spans/#function-trigger-type
func triggerOf(resource string) string {
	if schemeOf(resource) == "sqs" {
		return "pubsub"
	}
	return "datasource"
}

// last is the end of an ARN or a URI: the name of what it means.
func last(resource string) string {
	if i := strings.LastIndexAny(resource, ":"); i >= 0 && strings.HasPrefix(resource, "arn:") {
		resource = resource[i+1:]
		if _, name, ok := strings.Cut(resource, "/"); ok {
			return name
		}
	}
	return resource
}

func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
