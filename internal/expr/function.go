package expr

import (
	"strconv"

	"github.com/nube-run/nube/internal/expr/attr"
)

// arity is the number of operands of a function of conditions, 0 for another name.
func arity(name string) int {
	switch name {
	case "attribute_exists", "attribute_not_exists", "size":
		return 1
	case "attribute_type", "begins_with", "contains":
		return 2
	}
	return 0
}

// updateArity is the number of operands of a function of updates, 0 for another name.
func updateArity(name string) int {
	switch name {
	case "if_not_exists", "list_append":
		return 2
	}
	return 0
}

// operandCount is the error about a call with too few or too many operands.
func operandCount(n *node) error {
	return attr.Error("Incorrect number of operands for operator or function; operator or function: " + n.text +
		", number of operands: " + strconv.Itoa(len(n.args)))
}
