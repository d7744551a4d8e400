package stack

import (
	"context"

	"github.com/nube-run/nube/internal/packed"
	"github.com/nube-run/nube/internal/record"
)

// causeOf is why an operation begins, as its row keeps it: what the operation
// does is of one trace with the request that it began with, also after a crash.
func causeOf(ctx context.Context) []byte {
	c := record.From(ctx)
	if c.IsZero() {
		return nil
	}
	return c.Append(nil)
}

// caused returns a context in which the operation's cause is that of what
// happens.
func (o *operation) caused(ctx context.Context) context.Context {
	if o.Cause == nil {
		return ctx
	}
	r := packed.Read(o.Cause)
	return record.With(ctx, record.ReadCause(&r))
}
