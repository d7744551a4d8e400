package secretsmanager

import "github.com/nube-run/nube/internal/fault"

func invalidParameter(format string, args ...any) *fault.Error {
	return fault.New("InvalidParameterException", format, args...)
}

func invalidRequest(format string, args ...any) *fault.Error {
	return fault.New("InvalidRequestException", format, args...)
}

func notFound() *fault.Error {
	return fault.New("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

func noValue(what, which string) *fault.Error {
	return fault.New("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for %s: %s", what, which)
}

func deleted() *fault.Error {
	return invalidRequest("You can't perform this operation on the secret because it was marked for deletion.")
}

// noReplicas is why secrets are in one region.
const noReplicas = "a cloud's regions share one process, so that a replica of a secret would protect against nothing; make a secret in each region"
