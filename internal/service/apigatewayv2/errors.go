package apigatewayv2

import (
	"net/http"

	"github.com/nube-run/nube/internal/fault"
)

func notFound(format string, args ...any) *fault.Error {
	return fault.New("NotFoundException", format, args...).With(http.StatusNotFound)
}

func badRequest(format string, args ...any) *fault.Error {
	return fault.New("BadRequestException", format, args...).With(http.StatusBadRequest)
}

func conflict(format string, args ...any) *fault.Error {
	return fault.New("ConflictException", format, args...).With(http.StatusConflict)
}

func noSuchAPI(id string) *fault.Error {
	return notFound("Invalid API identifier specified %s", id)
}

// refused is about a part of API Gateway that nube does not have. It is said
// when it is asked for, so that nothing seems to work that does not.
func refused(format string, args ...any) *fault.Error {
	return badRequest("nube does not support "+format, args...)
}
