// Package schema holds the vocabulary in which the generated packages
// shapes/<service> describe AWS's APIs: operations, shapes and their
// constraints, as tables that codecs and validation interpret.
//
// It is data, not behaviour: encoding lives in internal/awsapi/wire, dispatch
// in internal/awsapi. The tables carry names, bindings and constraints from
// AWS's published API models (the models of the aws-sdk-go module, Apache-2.0)
// without their prose.
//
// Invariants: a table is written once by the generator and never changed; a
// structure's member i is field i of its Go struct; references between shapes
// are indices into the model's table. Nothing is initialised at start-up: see
// [Table].
package schema

import "reflect"

// Kind is the kind of a shape.
type Kind uint8

// The kinds of shapes.
const (
	Structure Kind = iota
	List
	Map
	String    // *string as a member, string as an element
	Blob      // []byte
	Boolean   // *bool
	Integer   // *int32
	Long      // *int64
	Float     // *float32
	Double    // *float64
	Timestamp // *clock.Instant
	Custom    // a Go type of ours that implements Value, such as DynamoDB's attribute value
	Stream    // io.ReadCloser: a body that is not held in memory
)

// Value is implemented (on the pointer) by Go types that replace a shape.
//
// ScanJSON reads one JSON value at the start of data, which may have leading
// white space, and returns what follows it. Data is never changed or used
// again by its owner, so that strings may alias it. AppendJSON appends the
// JSON form. Absent reports whether an optional member is missing.
type Value interface {
	ScanJSON(data []byte) (rest []byte, err error)
	AppendJSON(dst []byte) []byte
	Absent() bool
}

// Ref is the index of a shape in its model's table.
type Ref uint16

// None is the reference to no shape.
const None Ref = 0xFFFF

// TimeFormat is how a timestamp is written.
type TimeFormat uint8

// The formats of timestamps. ByProtocol means the default of the protocol and
// of the place in the message.
const (
	ByProtocol TimeFormat = iota
	EpochSeconds
	ISO8601
	RFC822
)

// Shape describes one type of an API.
type Shape struct {
	Name    string
	Kind    Kind
	Members []Member // of a Structure, in the order of the Go struct's fields
	Key     Ref      // of a Map
	Elem    Ref      // of a List or Map

	KeyName, ElemName string // XML and query names of a map's and list's parts; "" means the default
	Flattened         bool   // XML and query: elements stand directly in the parent
	XMLName           string // XML element when the shape is a payload or a wrapper; of a flattened map's entries, in queries too
	XMLNamespace      string // xmlns of that element
	Time              TimeFormat

	HasMin, HasMax bool // Min and Max bound the length (String, Blob, List, Map) or the value (numbers)
	Min, Max       float64
	Pattern        string   // RE2 form of the model's pattern; "" when none
	Enum           []string // allowed values; nil when free
	Sensitive      bool     // must not appear in logs or messages

	Payload int      // 1 + index of the member that is the whole body; 0 when none
	Fault   FaultTag // of an error shape
}

// FaultTag marks a shape as an error.
type FaultTag struct {
	Code   string // on the wire; "" when the shape is no error
	Status int    // HTTP status; 0 when the model gives none
	Server bool   // the fault is the server's
}

// Location says where in an HTTP message a member goes.
type Location uint8

// The places of members; Body is everywhere but REST protocols.
const (
	Body Location = iota
	Header
	Headers // a map of headers with a common prefix
	Path
	Query
	Status
)

// Member is one member of a structure.
type Member struct {
	Name      string // in the model; also the Go field, exported
	Wire      string // in JSON, query, XML, header or URI
	Shape     Ref
	In        Location
	Time      TimeFormat // overrides the shape's
	Required  bool
	Token     bool // idempotency token: filled with a fresh id when absent
	Flattened bool
	Attribute bool   // XML attribute
	Namespace string // xmlns on the member's element
}

// Op describes one operation. Every operation of the service stands in the
// table, so that a call of one that nube does not implement can be answered by
// name; only declared ones have shapes.
type Op struct {
	Name   string
	Method string // HTTP; POST / for the RPC protocols
	URI    string // template, such as /2015-03-31/functions/{FunctionName}; may have a query
	Status int    // of success; 0 means 200

	Input, Output Ref // None when the operation has no such shape or is not declared
	Wrapper       string
	Declared      bool

	In, Out any // nil pointers to the Go structs; nil when not declared
}

// NewInput returns a pointer to a new input of a declared operation.
func (o *Op) NewInput() any { return reflect.New(reflect.TypeOf(o.In).Elem()).Interface() }

// NewOutput returns a pointer to a new output of a declared operation.
func (o *Op) NewOutput() any { return reflect.New(reflect.TypeOf(o.Out).Elem()).Interface() }

// Protocol is a wire protocol of AWS.
type Protocol uint8

// The protocols.
const (
	JSON10 Protocol = iota
	JSON11
	QueryXML // "query"
	RESTJSON
	RESTXML
	RPCv2CBOR
)

// Model is one service's API.
type Model struct {
	ID           string // nube's and IAM's name of the service, such as "dynamodb"
	Signing      string // the service name in SigV4 scopes
	FullName     string // such as "Amazon DynamoDB"
	Version      string // API version, such as "2012-08-10"
	Protocols    []Protocol
	Target       string // prefix of X-Amz-Target; "" when not a JSON protocol
	Namespace    string // xmlns
	QueryErrors  bool   // awsQueryCompatible: JSON with the query protocol's error codes in a header
	ErrorPackage string // what __type puts before the '#'; "" for none

	Shapes *Table
	Ops    []Op // sorted by name
}

// Shape returns the shape that r refers to.
func (m *Model) Shape(r Ref) *Shape { return &m.Shapes.All()[r] }

// Op returns the operation of that name, or nil.
func (m *Model) Op(name string) *Op {
	lo, hi := 0, len(m.Ops)
	for lo < hi {
		mid := (lo + hi) / 2
		if m.Ops[mid].Name < name {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(m.Ops) && m.Ops[lo].Name == name {
		return &m.Ops[lo]
	}
	return nil
}

// TypedOp is an operation with the Go types of its input and output, which are
// pointers to the generated structs. The generated packages have one variable
// of it per declared operation.
//
// They are pointers because the compiler makes one instance of a generic
// function for all pointers, but one for each struct: what takes a TypedOp is
// there once, not a thousand times.
type TypedOp[I, O any] struct {
	Model *Model
	Op    *Op
}

// Empty is the output of operations that have none.
type Empty struct{}
