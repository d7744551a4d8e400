package stack

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/stack/eval"
)

// Errors that a caller caused are *fault.Error in CloudFormation's words, or
// template.Diagnostics, whose messages are CloudFormation's too.

// validationError is the code of most of them.
const validationError = "ValidationError"

func invalid(format string, args ...any) *fault.Error {
	return fault.New(validationError, format, args...)
}

func noStack(nameOrID string) error {
	return invalid("Stack with id %s does not exist", nameOrID).Because(errNoStack)
}

func noStackNamed(nameOrID string) error {
	return invalid("Stack [%s] does not exist", nameOrID).Because(errNoStack)
}

// noUpdates is the message that deploy tools look for.
const noUpdates = "No updates are to be performed."

// IsNoUpdates reports whether an update was refused because it would change
// nothing.
func IsNoUpdates(err error) bool {
	e, ok := fault.As(err)
	return ok && e.Message == noUpdates
}

// cannot says that the status of a stack does not allow what was asked for.
func cannot(s *Stack, what string) error {
	return invalid("Stack:%s is in %s state and can not be %s.", s.ID, s.Status, what)
}

// errFenced says that another runner has taken the operation over.
var errFenced = errors.New("stack: the operation is run by somebody else")

// errCancelled says that the operation was cancelled before it could succeed.
var errCancelled = errors.New("stack: the update was cancelled")

// reason says why a step failed, in the words of CloudFormation's events.
func reason(err error, token string) string {
	e, ok := fault.As(err)
	if !ok {
		return err.Error()
	}
	return fmt.Sprintf("Resource handler returned message: %q (RequestToken: %s, HandlerErrorCode: %s)", e.Message, token, handlerCode(e))
}

// handlerCode maps a service's error code to those of resource handlers.
// https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html
func handlerCode(e *fault.Error) string {
	switch e.Code {
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation":
		return "AccessDenied"
	case "ResourceNotFoundException", "NoSuchEntity", "NotFoundException", "NotFound":
		return "NotFound"
	case "ResourceAlreadyExistsException", "EntityAlreadyExists", "AlreadyExistsException", "BucketAlreadyExists":
		return "AlreadyExists"
	case "ResourceInUseException", "ResourceConflictException", "ConflictException", "DeleteConflict":
		return "ResourceConflict"
	case "LimitExceeded", "LimitExceededException", "ServiceQuotaExceededException", "CodeStorageExceededException":
		return "ServiceLimitExceeded"
	case "Throttling", "ThrottlingException", "TooManyRequestsException":
		return "Throttling"
	case "ValidationException", "ValidationError", "InvalidParameterValueException", "InvalidParameterException",
		"BadRequestException", "InvalidInput", "MalformedPolicyDocument":
		return "InvalidRequest"
	}
	return "GeneralServiceException"
}

// missingExport says that a model uses an export that is gone.
func missingExport(name string) error { return invalid("No export named %s found.", name) }

// paramsOf turns evaluated parameters into those that are kept.
func paramsOf(decl []string, ps eval.Parameters) []Parameter {
	out := make([]Parameter, 0, len(decl))
	for _, name := range decl {
		if p, ok := ps[name]; ok {
			out = append(out, Parameter{Key: name, Value: p.Text, NoEcho: p.NoEcho})
		}
	}
	return out
}

// bracketed lists logical ids as CloudFormation does.
func bracketed(names []string) string { return "[" + strings.Join(names, ", ") + "]" }
