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

func noSuchKey(id string) *fault.Error {
	return fault.New("NoSuchEntity", "The Access Key with id %s cannot be found.", id).With(http.StatusNotFound)
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

// Quotas of documents, in characters that are no white space.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const (
	maxManaged = 6144
	maxTrust   = 2048
)

// fits checks the size of a document.
func fits(document, quota string, max int) error {
	if policy.Size(document) > max {
		return limit("Cannot exceed quota for %s: %d", quota, max)
	}
	return nil
}

// parseManaged checks the document of a managed policy, and parseTrust that of
// who may assume a role.
func parseManaged(document string) error {
	if _, err := parse(policy.Identity, document); err != nil {
		return err
	}
	return fits(document, "PolicySize", maxManaged)
}

func parseTrust(document string) error {
	if _, err := parse(policy.Trust, document); err != nil {
		return err
	}
	return fits(document, "ACLSizePerRole", maxTrust)
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
