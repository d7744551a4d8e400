package cloud

import (
	"context"
	"fmt"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	lambda "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
)

// Invoke calls a function of the application as the account's root. The function
// is named in full or as in its manifest. Failed says that the answer is the
// function's own error.
func (c *Cloud) Invoke(ctx context.Context, function string, event []byte) (answer []byte, failed bool, err error) {
	name, err := c.Function(ctx, function)
	if err != nil {
		return nil, false, err
	}
	out, err := awsapi.Do(c.asRoot(ctx, c.parts.edge.Scope()), c.front, lambda.Invoke, &lambda.InvocationRequest{FunctionName: &name, Payload: event})
	if err != nil {
		return nil, false, err
	}
	return out.Payload, out.FunctionError != nil, nil
}

// Function returns the full name of a function of the application from the one
// in its manifest, which is the part after the last hyphen.
func (c *Cloud) Function(ctx context.Context, name string) (string, error) {
	fns, err := c.functions(ctx, c.parts.edge.Scope())
	if err != nil {
		return "", err
	}
	var found, all []string
	for _, f := range fns {
		all = append(all, f.Name)
		if f.Name == name {
			return name, nil
		}
		if strings.HasSuffix(f.Name, "-"+name) {
			found = append(found, f.Name)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return "", fmt.Errorf("%s may be any of %s", name, strings.Join(found, ", "))
	}
	return "", fmt.Errorf("there is no function %s; there are %s", name, strings.Join(all, ", "))
}

// ApplicationRegion is the region of the application that was deployed last.
func (c *Cloud) ApplicationRegion() string { return c.parts.edge.Scope().Region }
