package awsapi

import (
	"context"
	"net/http"

	"github.com/nube-run/nube/internal/fault"
)

// authenticate finds out who signed the request and puts the actor into call.
func (f *Front) authenticate(ctx context.Context, r *http.Request, call *Call, t *target, body []byte) error {
	return fault.New("MissingAuthenticationToken", "Request is missing Authentication Token").With(http.StatusForbidden)
}
