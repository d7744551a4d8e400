package message

// Type names a message.
type Type uint8

// The messages. The three requests have the same shape, and so their parts.
const (
	TracesRequest Type = iota
	MetricsRequest
	LogsRequest
	resourceSpans
	resourceMetrics
	resourceLogs
	scopeSpans
	scopeMetrics
	scopeLogs
	resource
	entityRef
	scope
	keyValue
	anyValue
	arrayValue
	keyValueList
	span
	event
	link
	status
	logRecord
	metric
	gauge
	sum
	histogram
	exponential
	summary
	numberPoint
	histogramPoint
	exponentialPoint
	buckets
	summaryPoint
	quantile
	exemplar
	partial
	traceResponse
)

// Response is the answer to any of the requests.
const Response = traceResponse

// kind is how a field is written, in protobuf and in JSON.
type kind uint8

const (
	text     kind = iota
	raw           // bytes, Base64 in JSON
	id            // bytes, hexadecimal in JSON: OTLP's one departure from protobuf's JSON
	boolean       // varint
	integer       // varint: int32, int64, uint32, uint64 and enums
	zigzag        // varint: sint32
	fixed64       // 8 bytes: fixed64 and sfixed64
	fixed32       // 4 bytes
	double        // 8 bytes, IEEE 754
	embedded      // a message
)

// Wire types of protobuf.
// https://protobuf.dev/programming-guides/encoding/#structure
const (
	varintType  = 0
	fixed64Type = 1
	bytesType   = 2
	groupStart  = 3
	groupEnd    = 4
	fixed32Type = 5
)

func (k kind) wire() uint8 {
	switch k {
	case boolean, integer, zigzag:
		return varintType
	case fixed64, double:
		return fixed64Type
	case fixed32:
		return fixed32Type
	}
	return bytesType
}

// field is one field of a message.
type field struct {
	num      uint8
	name     string // in JSON
	kind     kind
	of       Type // of an embedded message
	repeated bool
	bits     uint8 // of a varint in JSON: 32 unless it says 64
	signed   bool  // of a number
}

// fields is the table of the messages, in the order of their numbers.
//
// https://github.com/open-telemetry/opentelemetry-proto/tree/v1.11.0/opentelemetry/proto
func (t Type) fields() []field { return table[t] }

var table = [...][]field{
	TracesRequest:  {{num: 1, name: "resourceSpans", kind: embedded, of: resourceSpans, repeated: true}},
	MetricsRequest: {{num: 1, name: "resourceMetrics", kind: embedded, of: resourceMetrics, repeated: true}},
	LogsRequest:    {{num: 1, name: "resourceLogs", kind: embedded, of: resourceLogs, repeated: true}},
	resourceSpans: {
		{num: 1, name: "resource", kind: embedded, of: resource},
		{num: 2, name: "scopeSpans", kind: embedded, of: scopeSpans, repeated: true},
		{num: 3, name: "schemaUrl"},
	},
	resourceMetrics: {
		{num: 1, name: "resource", kind: embedded, of: resource},
		{num: 2, name: "scopeMetrics", kind: embedded, of: scopeMetrics, repeated: true},
		{num: 3, name: "schemaUrl"},
	},
	resourceLogs: {
		{num: 1, name: "resource", kind: embedded, of: resource},
		{num: 2, name: "scopeLogs", kind: embedded, of: scopeLogs, repeated: true},
		{num: 3, name: "schemaUrl"},
	},
	scopeSpans: {
		{num: 1, name: "scope", kind: embedded, of: scope},
		{num: 2, name: "spans", kind: embedded, of: span, repeated: true},
		{num: 3, name: "schemaUrl"},
	},
	scopeMetrics: {
		{num: 1, name: "scope", kind: embedded, of: scope},
		{num: 2, name: "metrics", kind: embedded, of: metric, repeated: true},
		{num: 3, name: "schemaUrl"},
	},
	scopeLogs: {
		{num: 1, name: "scope", kind: embedded, of: scope},
		{num: 2, name: "logRecords", kind: embedded, of: logRecord, repeated: true},
		{num: 3, name: "schemaUrl"},
	},
	resource: {
		{num: 1, name: "attributes", kind: embedded, of: keyValue, repeated: true},
		{num: 2, name: "droppedAttributesCount", kind: integer},
		{num: 3, name: "entityRefs", kind: embedded, of: entityRef, repeated: true},
	},
	entityRef: {
		{num: 1, name: "schemaUrl"},
		{num: 2, name: "type"},
		{num: 3, name: "idKeys", repeated: true},
		{num: 4, name: "descriptionKeys", repeated: true},
	},
	scope: {
		{num: 1, name: "name"},
		{num: 2, name: "version"},
		{num: 3, name: "attributes", kind: embedded, of: keyValue, repeated: true},
		{num: 4, name: "droppedAttributesCount", kind: integer},
	},
	keyValue: {
		{num: 1, name: "key"},
		{num: 2, name: "value", kind: embedded, of: anyValue},
	},
	anyValue: {
		{num: 1, name: "stringValue"},
		{num: 2, name: "boolValue", kind: boolean},
		{num: 3, name: "intValue", kind: integer, bits: 64, signed: true},
		{num: 4, name: "doubleValue", kind: double},
		{num: 5, name: "arrayValue", kind: embedded, of: arrayValue},
		{num: 6, name: "kvlistValue", kind: embedded, of: keyValueList},
		{num: 7, name: "bytesValue", kind: raw},
	},
	arrayValue:   {{num: 1, name: "values", kind: embedded, of: anyValue, repeated: true}},
	keyValueList: {{num: 1, name: "values", kind: embedded, of: keyValue, repeated: true}},
	span: {
		{num: 1, name: "traceId", kind: id},
		{num: 2, name: "spanId", kind: id},
		{num: 3, name: "traceState"},
		{num: 4, name: "parentSpanId", kind: id},
		{num: 5, name: "name"},
		{num: 6, name: "kind", kind: integer, signed: true},
		{num: 7, name: "startTimeUnixNano", kind: fixed64},
		{num: 8, name: "endTimeUnixNano", kind: fixed64},
		{num: 9, name: "attributes", kind: embedded, of: keyValue, repeated: true},
		{num: 10, name: "droppedAttributesCount", kind: integer},
		{num: 11, name: "events", kind: embedded, of: event, repeated: true},
		{num: 12, name: "droppedEventsCount", kind: integer},
		{num: 13, name: "links", kind: embedded, of: link, repeated: true},
		{num: 14, name: "droppedLinksCount", kind: integer},
		{num: 15, name: "status", kind: embedded, of: status},
		{num: 16, name: "flags", kind: fixed32},
	},
	event: {
		{num: 1, name: "timeUnixNano", kind: fixed64},
		{num: 2, name: "name"},
		{num: 3, name: "attributes", kind: embedded, of: keyValue, repeated: true},
		{num: 4, name: "droppedAttributesCount", kind: integer},
	},
	link: {
		{num: 1, name: "traceId", kind: id},
		{num: 2, name: "spanId", kind: id},
		{num: 3, name: "traceState"},
		{num: 4, name: "attributes", kind: embedded, of: keyValue, repeated: true},
		{num: 5, name: "droppedAttributesCount", kind: integer},
		{num: 6, name: "flags", kind: fixed32},
	},
	status: {
		{num: 2, name: "message"},
		{num: 3, name: "code", kind: integer, signed: true},
	},
	logRecord: {
		{num: 1, name: "timeUnixNano", kind: fixed64},
		{num: 2, name: "severityNumber", kind: integer, signed: true},
		{num: 3, name: "severityText"},
		{num: 5, name: "body", kind: embedded, of: anyValue},
		{num: 6, name: "attributes", kind: embedded, of: keyValue, repeated: true},
		{num: 7, name: "droppedAttributesCount", kind: integer},
		{num: 8, name: "flags", kind: fixed32},
		{num: 9, name: "traceId", kind: id},
		{num: 10, name: "spanId", kind: id},
		{num: 11, name: "observedTimeUnixNano", kind: fixed64},
		{num: 12, name: "eventName"},
	},
	metric: {
		{num: 1, name: "name"},
		{num: 2, name: "description"},
		{num: 3, name: "unit"},
		{num: 5, name: "gauge", kind: embedded, of: gauge},
		{num: 7, name: "sum", kind: embedded, of: sum},
		{num: 9, name: "histogram", kind: embedded, of: histogram},
		{num: 10, name: "exponentialHistogram", kind: embedded, of: exponential},
		{num: 11, name: "summary", kind: embedded, of: summary},
		{num: 12, name: "metadata", kind: embedded, of: keyValue, repeated: true},
	},
	gauge: {{num: 1, name: "dataPoints", kind: embedded, of: numberPoint, repeated: true}},
	sum: {
		{num: 1, name: "dataPoints", kind: embedded, of: numberPoint, repeated: true},
		{num: 2, name: "aggregationTemporality", kind: integer, signed: true},
		{num: 3, name: "isMonotonic", kind: boolean},
	},
	histogram: {
		{num: 1, name: "dataPoints", kind: embedded, of: histogramPoint, repeated: true},
		{num: 2, name: "aggregationTemporality", kind: integer, signed: true},
	},
	exponential: {
		{num: 1, name: "dataPoints", kind: embedded, of: exponentialPoint, repeated: true},
		{num: 2, name: "aggregationTemporality", kind: integer, signed: true},
	},
	summary: {{num: 1, name: "dataPoints", kind: embedded, of: summaryPoint, repeated: true}},
	numberPoint: {
		{num: 2, name: "startTimeUnixNano", kind: fixed64},
		{num: 3, name: "timeUnixNano", kind: fixed64},
		{num: 4, name: "asDouble", kind: double},
		{num: 5, name: "exemplars", kind: embedded, of: exemplar, repeated: true},
		{num: 6, name: "asInt", kind: fixed64, signed: true},
		{num: 7, name: "attributes", kind: embedded, of: keyValue, repeated: true},
		{num: 8, name: "flags", kind: integer},
	},
	histogramPoint: {
		{num: 2, name: "startTimeUnixNano", kind: fixed64},
		{num: 3, name: "timeUnixNano", kind: fixed64},
		{num: 4, name: "count", kind: fixed64},
		{num: 5, name: "sum", kind: double},
		{num: 6, name: "bucketCounts", kind: fixed64, repeated: true},
		{num: 7, name: "explicitBounds", kind: double, repeated: true},
		{num: 8, name: "exemplars", kind: embedded, of: exemplar, repeated: true},
		{num: 9, name: "attributes", kind: embedded, of: keyValue, repeated: true},
		{num: 10, name: "flags", kind: integer},
		{num: 11, name: "min", kind: double},
		{num: 12, name: "max", kind: double},
	},
	exponentialPoint: {
		{num: 1, name: "attributes", kind: embedded, of: keyValue, repeated: true},
		{num: 2, name: "startTimeUnixNano", kind: fixed64},
		{num: 3, name: "timeUnixNano", kind: fixed64},
		{num: 4, name: "count", kind: fixed64},
		{num: 5, name: "sum", kind: double},
		{num: 6, name: "scale", kind: zigzag, signed: true},
		{num: 7, name: "zeroCount", kind: fixed64},
		{num: 8, name: "positive", kind: embedded, of: buckets},
		{num: 9, name: "negative", kind: embedded, of: buckets},
		{num: 10, name: "flags", kind: integer},
		{num: 11, name: "exemplars", kind: embedded, of: exemplar, repeated: true},
		{num: 12, name: "min", kind: double},
		{num: 13, name: "max", kind: double},
		{num: 14, name: "zeroThreshold", kind: double},
	},
	buckets: {
		{num: 1, name: "offset", kind: zigzag, signed: true},
		{num: 2, name: "bucketCounts", kind: integer, bits: 64, repeated: true},
	},
	summaryPoint: {
		{num: 2, name: "startTimeUnixNano", kind: fixed64},
		{num: 3, name: "timeUnixNano", kind: fixed64},
		{num: 4, name: "count", kind: fixed64},
		{num: 5, name: "sum", kind: double},
		{num: 6, name: "quantileValues", kind: embedded, of: quantile, repeated: true},
		{num: 7, name: "attributes", kind: embedded, of: keyValue, repeated: true},
		{num: 8, name: "flags", kind: integer},
	},
	quantile: {
		{num: 1, name: "quantile", kind: double},
		{num: 2, name: "value", kind: double},
	},
	exemplar: {
		{num: 2, name: "timeUnixNano", kind: fixed64},
		{num: 3, name: "asDouble", kind: double},
		{num: 4, name: "spanId", kind: id},
		{num: 5, name: "traceId", kind: id},
		{num: 6, name: "asInt", kind: fixed64, signed: true},
		{num: 7, name: "filteredAttributes", kind: embedded, of: keyValue, repeated: true},
	},
	// rejected is named after what was sent: rejectedSpans, rejectedDataPoints,
	// rejectedLogRecords.
	partial: {
		{num: 1, name: "rejectedSpans", kind: integer, bits: 64, signed: true},
		{num: 2, name: "errorMessage"},
	},
	traceResponse: {{num: 1, name: "partialSuccess", kind: embedded, of: partial}},
}
