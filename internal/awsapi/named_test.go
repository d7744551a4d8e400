package awsapi

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/awsapi/shapes/logs"
	"github.com/nube-run/nube/internal/fault"
)

// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
func TestDecodeNamed(t *testing.T) {
	function, kind := "f", "Event"
	group, at, text := "g", int64(5), "hello"
	for _, test := range []struct {
		in        any
		want      any
		input     string
		forbidden string
	}{
		{
			in: &lambda.InvocationRequest{}, input: `{"FunctionName":"f","InvocationType":"Event","Payload":"{\"a\":1}"}`,
			want: &lambda.InvocationRequest{FunctionName: &function, InvocationType: &kind, Payload: []byte(`{"a":1}`)}, forbidden: `{"Nothing":1}`,
		},
		{
			in: &logs.PutLogEventsRequest{}, input: `{"LogGroupName":"g","LogEvents":[{"Timestamp":5,"Message":"hello"}]}`,
			want: &logs.PutLogEventsRequest{LogGroupName: &group, LogEvents: []logs.InputLogEvent{{Timestamp: &at, Message: &text}}}, forbidden: `{"LogEvents":[{"What":1}]}`,
		},
	} {
		op, m := lambda.Invoke.Op, lambda.Invoke.Model
		if _, ok := test.in.(*logs.PutLogEventsRequest); ok {
			op, m = logs.PutLogEvents.Op, logs.PutLogEvents.Model
		}
		if err := decodeNamed(m, op.Input, []byte(test.input), test.in); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, test.in); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for _, input := range []string{test.forbidden, `[]`, `{`} {
			if err := decodeNamed(m, op.Input, []byte(input), op.NewInput()); !fault.Is(err, "ValidationException") {
				t.Errorf("%s: %v", input, err)
			}
		}
	}
}
