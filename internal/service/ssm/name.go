package ssm

import (
	"context"
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
)

// name is a parameter, or a version of it.
type name struct {
	scope    arn.Scope
	text     string // as it was given, or as its ARN has it
	selector string // a version or a label, empty for the newest
}

func (n name) cell() keyspace.Cell {
	return keyspace.Cell{Account: n.scope.Account, Region: n.scope.Region}
}

func (n name) space() space { return spaceOf(n.cell()) }

// arn is the parameter's. A name in a hierarchy keeps its slash and gets none.
func (n name) arn() string { return string(n.scope.Of("ssm", "parameter"+full(n.text))) }

// version is the number that the selector says, if it is one.
func (n name) version() (int64, bool) {
	v, err := strconv.ParseInt(n.selector, 10, 64)
	return v, err == nil
}

// referencePrefix is what the names of secrets begin with.
//
// https://docs.aws.amazon.com/systems-manager/latest/userguide/integration-ps-secretsmanager.html
const referencePrefix = "/aws/reference/secretsmanager/"

// read reads name, name:version, name:label or an ARN.
//
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
func read(ctx context.Context, text string) (name, error) {
	n := name{scope: awsapi.From(ctx).Scope, text: strings.TrimSpace(text)}
	if arn.Looks(n.text) {
		parts := strings.SplitN(n.text, ":", 6)
		if len(parts) < 6 || parts[2] != "ssm" || !strings.HasPrefix(parts[5], "parameter/") {
			return n, fault.Validation("Invalid parameter ARN: %s", text)
		}
		n.scope = arn.Scope{Partition: parts[1], Region: parts[3], Account: parts[4]}
		n.text = strings.TrimPrefix(parts[5], "parameter")
	}
	if !strings.HasPrefix(n.text, referencePrefix) {
		n.text, n.selector, _ = strings.Cut(n.text, ":")
		if strings.Contains(n.selector, ":") {
			return n, fault.Validation("Invalid parameter name. Please use correct syntax for referencing a version/label %s", text)
		}
	}
	return n, nil
}

// maxLevels is how deep a hierarchy may be.
const maxLevels = 15

// The words that AWS has for names it does not take.
const (
	msgQualified = "Parameter name must be a fully qualified name."
	msgName      = `Parameter name: can't be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_`
	msgAWS       = `Parameter name: can't be prefixed with "aws" or "ssm" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_`
	msgPath      = `The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash "/". It can't be prefixed with "aws" or "ssm" (case-insensitive). It must use only letters, numbers, or the following symbols: . (period), - (hyphen), _ (underscore). Special characters are not allowed. All sub-paths, if specified, must use the forward slash symbol "/". Valid example: /get/parameters2-/by1./path0_.`
)

// check checks the name of a parameter that is put.
//
// https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-parameter-name-constraints.html
func (n name) check() error {
	path := strings.HasPrefix(n.text, "/")
	lower := strings.ToLower(n.text)
	switch {
	case !path && strings.Contains(n.text, "/"):
		return fault.Validation(msgQualified)
	case strings.HasPrefix(lower, "/aws"):
		return fault.New("AccessDeniedException", "No access to reserved parameter name: %s.", n.text)
	case strings.HasPrefix(lower, "aws"):
		return fault.Validation(msgAWS)
	case strings.HasPrefix(lower, "ssm"), strings.HasPrefix(lower, "/ssm"), !clean(n.text), strings.HasSuffix(n.text, "/"), strings.Contains(n.text, "//"), n.text == "":
		return fault.Validation(msgName)
	case path && strings.Count(n.text, "/") > maxLevels:
		return fault.New("HierarchyLevelLimitExceededException", "A hierarchy can have a maximum of %d levels. For more information, see Requirements and constraints for parameter names in the AWS Systems Manager User Guide.", maxLevels)
	case len(n.arn()) > 1011:
		return fault.Validation("Parameter name: the name with its ARN is longer than 1011 characters")
	}
	return nil
}

func clean(text string) bool {
	return strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/") == ""
}
