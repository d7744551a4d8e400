package stack

import (
	"context"
	"testing"

	"github.com/nube-run/nube/internal/record"
)

// An operation goes on with the cause that it began with; one without does too.
func TestOperationsKeepTheirCause(t *testing.T) {
	want := record.Cause{Trace: record.TraceID{1}, Span: record.SpanID{2}, Request: "req", By: "ana"}
	op := operation{Cause: causeOf(record.With(context.Background(), want))}
	if got := record.From(op.caused(context.Background())); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	op = operation{Cause: causeOf(context.Background())}
	if got := record.From(op.caused(context.Background())); op.Cause != nil || !got.IsZero() {
		t.Errorf("%+v of nothing", got)
	}
}
