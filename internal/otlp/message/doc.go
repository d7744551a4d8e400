// Package message reads and writes the messages of OTLP, the OpenTelemetry
// protocol, as far as a receiver and an exporter over HTTP need them.
//
// A message is its protobuf encoding; the JSON form is turned into it
// ([FromJSON]) by the table of the messages' fields. [Check] tells whether bytes
// are a message, and what passed it can be walked with [Fields] and the readers
// of single messages without errors. It is no general protobuf: there is no
// reflection, no registry and nothing to initialise, which is why it is here;
// the official library with the generated messages is what a test in
// tools/otlp holds it to.
//
// It knows the traces, metrics and logs of version 1.11 of the protocol, and
// passes over fields that it does not know, as the protocol demands of
// receivers.
//
// https://opentelemetry.io/docs/specs/otlp/
//
// Invariant: reading allocates no more than a small multiple of what it is
// given, whatever that is.
package message
