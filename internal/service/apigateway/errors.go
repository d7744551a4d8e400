package apigateway

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

func noSuchResource() *fault.Error { return notFound("Invalid Resource identifier specified") }

func noSuchMethod() *fault.Error { return notFound("Invalid Method identifier specified") }

func noSuchIntegration() *fault.Error { return notFound("Invalid Integration identifier specified") }

func noSuchResponse() *fault.Error { return notFound("Invalid Response status code specified") }

func noSuchStage() *fault.Error { return notFound("Invalid stage identifier specified") }

func noSuchDeployment() *fault.Error { return notFound("Invalid Deployment identifier specified") }
