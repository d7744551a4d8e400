package cloud

import (
	"context"
	"encoding/base64"
	"net/http"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	lambda "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/control"
)

// replayed is what the platform's API gives recorded events to.
type replayed struct {
	*Cloud
	aws, gateway http.Handler
}

// Call implements [control.Application].
func (r replayed) Call(ctx context.Context, fn arn.ARN, client string, event []byte) (control.Called, error) {
	in := &lambda.InvocationRequest{FunctionName: (*string)(&fn), Payload: event}
	if client != "" {
		text := base64.StdEncoding.EncodeToString([]byte(client))
		in.ClientContext = &text
	}
	out, err := awsapi.Do(r.asRoot(ctx, fn.Scope()), r.front, lambda.Invoke, in)
	if err != nil {
		return control.Called{}, err
	}
	called := control.Called{Payload: out.Payload, Failed: out.FunctionError != nil}
	if out.ExecutedVersion != nil {
		called.Version = *out.ExecutedVersion
	}
	return called, nil
}

// Handler implements [control.Application].
func (r replayed) Handler(endpoint bool) http.Handler {
	if endpoint {
		return r.aws
	}
	return r.gateway
}
