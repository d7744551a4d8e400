package logs

import "github.com/nube-run/nube/internal/fault"

// Codes and texts as AWS's service gives them.
const invalidParameter = "InvalidParameterException"

func invalid(format string, args ...any) *fault.Error {
	return fault.New(invalidParameter, format, args...)
}

func noGroup() *fault.Error {
	return fault.New("ResourceNotFoundException", "The specified log group does not exist.")
}

func noStream() *fault.Error {
	return fault.New("ResourceNotFoundException", "The specified log stream does not exist.")
}

func noResource() *fault.Error {
	return fault.New("ResourceNotFoundException", "The specified resource does not exist.")
}
