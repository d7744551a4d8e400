package lambda

import (
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/fault"
)

// runtimes are the identifiers of the families that run here, AWS's deprecated
// ones included, since functions that name them exist.
//
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
func runtimes() []string {
	return []string{
		"go1.x", "nodejs12.x", "nodejs14.x", "nodejs16.x", "nodejs18.x", "nodejs20.x", "nodejs22.x", "nodejs24.x", "provided", "provided.al2",
		"provided.al2023", "python3.7", "python3.8", "python3.9", "python3.10", "python3.11", "python3.12", "python3.13", "python3.14",
	}
}

// knownRuntime refuses an identifier that Lambda does not have.
func knownRuntime(name string) error {
	if slices.Contains(runtimes(), name) {
		return nil
	}
	return fault.New("InvalidParameterValueException", "Value %s at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [%s] or be a valid ARN",
		name, strings.Join(runtimes(), ", "))
}
