// Package fault is the coded error that crosses the boundary of a service: one
// AWS error code, its message and its HTTP status.
//
// Below the boundary errors are ordinary Go errors wrapped with %w and the
// operation. At the boundary a service returns a *[Error]; anything else is
// shown to the caller as an internal failure and logged with the request id.
// It is not an error catalogue: codes and messages live with the service that
// returns them, beside the AWS page that gives them.
package fault

import (
	"errors"
	"fmt"
)

// Error is one error of an AWS API.
type Error struct {
	// Code is the error's code on the wire, such as "ResourceNotFoundException".
	Code string
	// Message is the text that AWS gives.
	Message string
	// Status is the HTTP status; 0 means the status of the error's shape, or
	// 400 when it has none.
	Status int
	// Detail, when set, is a pointer to the generated error shape with members
	// beyond the message, such as a transaction's CancellationReasons.
	Detail any

	cause error
}

// New returns an error with a formatted message.
//
// It is called at a thousand places, in each of which the compiler would put a
// copy of it.
//
//go:noinline
func New(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// With sets the HTTP status and returns e, for use at construction.
func (e *Error) With(status int) *Error { e.Status = status; return e }

// WithDetail sets the shape with further members and returns e.
func (e *Error) WithDetail(shape any) *Error { e.Detail = shape; return e }

// Because records the error underneath, for logs; callers never see it.
func (e *Error) Because(cause error) *Error { e.cause = cause; return e }

// Error implements error.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Unwrap returns the error underneath, if any.
func (e *Error) Unwrap() error { return e.cause }

// As returns err as a *Error when it is one.
func As(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}

// Is reports whether err is a *Error with the given code.
func Is(err error, code string) bool {
	e, ok := As(err)
	return ok && e.Code == code
}

// Validation returns the common ValidationException with a formatted message.
func Validation(format string, args ...any) *Error {
	return New("ValidationException", format, args...)
}
