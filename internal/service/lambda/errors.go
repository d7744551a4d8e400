package lambda

import (
	"net/http"

	"github.com/nube-run/nube/internal/arn"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/fault"
)

// The messages are Lambda's own.
// https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html and the pages
// of the operations.

func invalid(format string, args ...any) *fault.Error {
	return fault.New("InvalidParameterValueException", format, args...)
}

func notFound(name string) *fault.Error {
	return fault.New("ResourceNotFoundException", "Function not found: %s", name)
}

func noResource() *fault.Error {
	return fault.New("ResourceNotFoundException", "The resource you requested does not exist.")
}

func noAlias(a arn.ARN) *fault.Error {
	return fault.New("ResourceNotFoundException", "Cannot find alias arn: %s", a)
}

func conflict(format string, args ...any) *fault.Error {
	return fault.New("ResourceConflictException", format, args...)
}

// stale is the answer to a RevisionId that is not the current one.
func stale() *fault.Error {
	return fault.New("PreconditionFailedException",
		"The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
}

func tooLarge(n int, kind string, limit int) *fault.Error {
	return fault.New("RequestTooLargeException", "%d byte payload is too large for the %s invocation type (limit %d bytes)", n, kind, limit).
		With(http.StatusRequestEntityTooLarge)
}

func throttled(reserved bool) *fault.Error {
	reason := "ConcurrentInvocationLimitExceeded"
	if reserved {
		reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
	}
	return fault.New("TooManyRequestsException", "Rate Exceeded.").With(http.StatusTooManyRequests).
		WithDetail(&shapes.TooManyRequestsException{Reason: &reason})
}

// refused is about a part of Lambda that nube does not have. It is said when
// it is asked for, so that nothing seems to work that does not.
func refused(what string) *fault.Error { return invalid("nube does not support %s", what) }
