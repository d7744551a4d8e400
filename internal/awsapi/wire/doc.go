// Package wire encodes and decodes the messages of AWS's protocols (JSON 1.0
// and 1.1, query, REST-JSON, REST-XML, RPC v2 CBOR) by interpreting the tables of
// internal/awsapi/schema over the generated Go structs.
//
// It knows no service and no HTTP server: it turns bytes, form values, headers
// and paths into a shape's Go value and back. Which protocol a request speaks
// is decided in internal/awsapi; whether a value obeys the model's constraints
// in internal/awsapi/validate.
//
// Invariants: a decoder never panics on any input (fuzzed); what an encoder
// writes, the decoder of the same protocol reads back to an equal value; a
// decoded value may alias the body, which must not be changed afterwards.
//
// The protocols are those that https://smithy.io/2.0/aws/protocols/ documents.
package wire

import (
	"fmt"
)

// Error is a message that could not be decoded, in the words that AWS uses
// with its SerializationException.
type Error struct{ Message string }

// Error implements error.
func (e *Error) Error() string { return e.Message }

func errorf(format string, args ...any) error { return &Error{Message: fmt.Sprintf(format, args...)} }
