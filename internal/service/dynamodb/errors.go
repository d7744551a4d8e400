package dynamodb

import (
	"errors"
	"fmt"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	"github.com/nube-run/nube/internal/expr/attr"
	"github.com/nube-run/nube/internal/fault"
)

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html and the pages of the
// operations.

// coded gives the messages of packages expr and attr their code.
func coded(err error) error {
	var msg attr.Error
	if errors.As(err, &msg) {
		return fault.Validation("%s", string(msg))
	}
	return err
}

func validation(format string, args ...any) *fault.Error { return fault.Validation(format, args...) }

// invalidValues is the error about parameters that are wrong by themselves.
func invalidValues(format string, args ...any) *fault.Error {
	return fault.Validation("One or more parameter values were invalid: %s", fmt.Sprintf(format, args...))
}

// notFound is what operations on items say of a table that is not there; it does not name it.
func notFound() *fault.Error {
	return fault.New("ResourceNotFoundException", "Requested resource not found")
}

// tableNotFound is what operations on tables say.
func tableNotFound(name string) *fault.Error {
	return fault.New("ResourceNotFoundException", "Requested resource not found: Table: %s not found", name)
}

func tableExists(name string) *fault.Error {
	return fault.New("ResourceInUseException", "Table already exists: %s", name)
}

func limitExceeded(format string, args ...any) *fault.Error {
	return fault.New("LimitExceededException", format, args...)
}

const msgCondition = "The conditional request failed"

// conditionFailed carries the item as it was when the request asked for it.
func conditionFailed(item attr.Item) *fault.Error {
	e := fault.New("ConditionalCheckFailedException", msgCondition)
	if !item.IsZero() {
		e.WithDetail(&shapes.ConditionalCheckFailedException{Item: item})
	}
	return e
}
