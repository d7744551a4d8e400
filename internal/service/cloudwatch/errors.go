package cloudwatch

import (
	"net/http"

	"github.com/nube-run/nube/internal/fault"
)

// Codes and texts as AWS's service gives them.

func invalid(format string, args ...any) *fault.Error {
	return fault.New("InvalidParameterValue", format, args...)
}

func combination(format string, args ...any) *fault.Error {
	return fault.New("InvalidParameterCombination", format, args...)
}

func missing(format string, args ...any) *fault.Error {
	return fault.New("MissingParameter", format, args...)
}

func validation(format string, args ...any) *fault.Error {
	return fault.New("ValidationError", format, args...)
}

func badToken() *fault.Error {
	return fault.New("InvalidNextToken", "The next token specified is invalid.").With(http.StatusBadRequest)
}
