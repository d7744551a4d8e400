// Package sample generates sample events: what each service that can call a
// function sends to it.
//
// A [Sample] has a name such as "s3:put", parameters with defaults, and makes the
// event as JSON. Each file holds one kind of event, built of values of Go types
// that name every member of it, so that a sample is complete. Ids and times are
// consistent with each other, and the same for the same [Scope] and parameters.
//
// It calls nothing and reads no clock; the events that the cloud itself sends are
// made by its services.
//
// testdata holds all events; conformance/samples holds those to the types and the
// documented events of AWS's own library for functions in Go.
package sample
