package iam

import (
	"errors"
	"net/http"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/policy"
)

// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html and
// the errors of each operation.

func noSuch(k kind, name string) *fault.Error {
	return fault.New("NoSuchEntity", "The %s with name %s cannot be found.", k, name).With(http.StatusNotFound)
}

func noSuchInline(k kind, name string) *fault.Error {
	return fault.New("NoSuchEntity", "The %s policy with name %s cannot be found.", k, name).With(http.StatusNotFound)
}

func noSuchPolicy(a arn.ARN) *fault.Error {
	return fault.New("NoSuchEntity", "Policy %s does not exist or is not attachable.", a).With(http.StatusNotFound)
}

func policyNotFound(a arn.ARN) *fault.Error {
	return fault.New("NoSuchEntity", "Policy %s was not found.", a).With(http.StatusNotFound)
}

func exists(k kind, name string) *fault.Error {
	return fault.New("EntityAlreadyExists", "%s with name %s already exists.", k.title(), name).With(http.StatusConflict)
}

func conflict(format string, args ...any) *fault.Error {
	return fault.New("DeleteConflict", format, args...).With(http.StatusConflict)
}

func limit(format string, args ...any) *fault.Error {
	return fault.New("LimitExceeded", format, args...).With(http.StatusConflict)
}

func invalid(format string, args ...any) *fault.Error {
	return fault.New("InvalidInput", format, args...).With(http.StatusBadRequest)
}

// parse reads a policy document, or says in IAM's words what is wrong with it.
func parse(k policy.Kind, document string) (*policy.Doc, error) {
	doc, err := policy.Parse(k, document)
	if err == nil {
		return doc, nil
	}
	var bad *policy.Error
	if errors.As(err, &bad) {
		return nil, fault.New("MalformedPolicyDocument", "%s", bad.Message).With(http.StatusBadRequest).Because(err)
	}
	return nil, err
}
