// Package otlp connects the records with the world of OpenTelemetry: it
// receives what applications report of themselves ([Receiver]), so that their
// spans hang in the same trees as the platform's, and exports everything to a
// collector or a backend, if there is one ([Exporter]). Both speak OTLP over
// HTTP.
//
// It is no collector: nothing is processed, sampled or routed. What is received
// is recorded as text, for people, and passed on to the exporter as it came.
//
// # How names are mapped
//
// Trace ids are the same bytes everywhere: X-Ray's 1-5759e988-bd862e3fe1be46a994272793
// is OpenTelemetry's 5759e988bd862e3fe1be46a994272793. A span of an application
// hangs below its parent. Where it knows no parent of the platform's, because
// nothing told its SDK, it hangs below the invocation that ran in its instance
// (faas.instance, which the platform puts into OTEL_RESOURCE_ATTRIBUTES) when it
// began. Metrics go to the namespace that the CloudWatch exporter would choose,
// service.namespace/service.name; log records to the group /otlp/service.name.
//
// Invariants: what was answered with success is recorded; what could not be is
// counted in the answer. Memory is bounded whatever is sent, and however long
// the other end of an export does not answer.
package otlp
