package ses

import (
	"context"

	"github.com/nube-run/nube/internal/fault"
)

// badRequest is what the second API set calls whatever is wrong in a request.
const badRequest = "BadRequestException"

// Codes of the first API set. Shared code fails with them; [inV2] turns them
// into those of the second.
const (
	alreadyExists     = "AlreadyExists"
	invalidParameter  = "InvalidParameterValue"
	invalidTemplate   = "InvalidTemplate"
	invalidPolicy     = "InvalidPolicy"
	invalidRendering  = "InvalidRenderingParameter"
	missingAttribute  = "MissingRenderingAttribute"
	noTemplateCode    = "TemplateDoesNotExist"
	noSetCode         = "ConfigurationSetDoesNotExist"
	setExists         = "ConfigurationSetAlreadyExists"
	destinationExists = "EventDestinationAlreadyExists"
	noDestinationCode = "EventDestinationDoesNotExist"
	messageRejected   = "MessageRejected"
	accountPaused     = "AccountSendingPausedException"
	setPaused         = "ConfigurationSetSendingPausedException"
	noIdentityCode    = "IdentityDoesNotExist" // the second set alone tells
	invalidToken      = "InvalidNextToken"
	tooManyRecipients = 50
)

func invalid(format string, args ...any) *fault.Error {
	return fault.New(invalidParameter, format, args...)
}

func noTemplate(name string) *fault.Error {
	return fault.New(noTemplateCode, "Template %s does not exist.", name)
}

func noSet(name string) *fault.Error {
	return fault.New(noSetCode, "Configuration set <%s> does not exist.", name)
}

func noIdentity(name string) *fault.Error {
	return fault.New(noIdentityCode, "Email identity %s does not exist.", name)
}

// inV1 makes an error of shared code one of the first API set.
func inV1(err error) error {
	if e, ok := fault.As(err); ok {
		switch e.Code {
		case noIdentityCode, invalidToken:
			return fault.New(invalidParameter, "%s", e.Message)
		}
	}
	return err
}

// inV2 makes an error of shared code one of the second API set.
func inV2(err error) error {
	e, ok := fault.As(err)
	if !ok {
		return err
	}
	code := e.Code
	switch code {
	case alreadyExists, setExists, destinationExists:
		code = "AlreadyExistsException"
	case noTemplateCode, noSetCode, noIdentityCode, noDestinationCode:
		code = "NotFoundException"
	case invalidParameter, invalidTemplate, invalidPolicy, invalidRendering, missingAttribute:
		code = badRequest
	case accountPaused, setPaused:
		code = "SendingPausedException"
	case invalidToken:
		code = "InvalidNextTokenException"
	default:
		return err
	}
	return fault.New(code, "%s", e.Message)
}

// old and recent wrap handlers of the first and the second API set, so that each
// fails in its own words.
func old[I, O any](serve func(context.Context, I) (O, error)) func(context.Context, I) (O, error) {
	return wrapped(serve, inV1)
}

func recent[I, O any](serve func(context.Context, I) (O, error)) func(context.Context, I) (O, error) {
	return wrapped(serve, inV2)
}

func wrapped[I, O any](serve func(context.Context, I) (O, error), say func(error) error) func(context.Context, I) (O, error) {
	return func(ctx context.Context, in I) (O, error) {
		out, err := serve(ctx, in)
		if err != nil {
			err = say(err)
		}
		return out, err
	}
}
