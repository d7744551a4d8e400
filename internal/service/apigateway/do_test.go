package apigateway_test

import (
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
)

// do calls an operation as the account's root; it has to succeed.
func do[I, O any](b *bed, op schema.TypedOp[I, O], in I) O {
	b.Helper()
	out, err := awsapi.Do(b.root, b.front, op, in)
	if err != nil {
		b.Fatalf("%s: %v", op.Op.Name, err)
	}
	return out
}
