// Package otlp holds package internal/otlp/message to the official library of
// OTLP's messages. It is a module of its own, so that the library stays out of
// the binary.
package otlp
