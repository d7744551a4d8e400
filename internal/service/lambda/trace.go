package lambda

import (
	"context"
	"time"

	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/runner"
)

// waitShown is how long an invocation waits for an instance before its span
// says so.
const waitShown = time.Millisecond

// traced invokes a function as a hop of its trace. A cold start is shown in its
// parts: until the process ran, until it asked for work, and the invocation.
func (s *Service) traced(ctx context.Context, t target, in runner.Invocation) (runner.Result, error) {
	ctx, hop := s.Recorder.Begin(ctx, record.Span{
		Kind: record.Internal, Service: "lambda", Name: t.function.Name, Resource: string(in.ARN), Request: in.RequestID,
	})
	in.Cause = record.From(ctx)
	in.TraceID = t.traceHeader(in.Cause)
	res, err := coded(s.Runner.Invoke(ctx, t.spec, in))
	hop.Note(record.LogStream, res.Stream.Name)
	hop.Carried(len(in.Payload), len(res.Payload))
	switch wait := res.Started.Sub(hop.Began()); {
	case res.Cold:
		hop.Note(record.Cold, "true")
		hop.Phase("spawn", res.Spawned, res.Spawn)
		hop.Phase("init", res.Spawned.Add(res.Spawn), res.Init-res.Spawn)
		hop.Phase("invoke", res.Started, res.Duration)
	case wait >= waitShown:
		hop.Note("waited", wait.Round(10*time.Microsecond).String())
	}
	if err == nil && res.Fault != nil {
		hop.End(fault.New(res.Fault.Type, "%s", res.Payload))
	} else {
		hop.End(err)
	}
	hop.Exchanged(record.Exchange{
		Function: string(in.ARN), Version: t.config.Version, Context: in.ClientContext, Event: in.Payload, Answer: res.Payload, Error: failure(res, err),
	})
	return res, err
}

// failure is what a recorded exchange says of what went wrong.
func failure(res runner.Result, err error) string {
	switch {
	case err != nil:
		return err.Error()
	case res.Fault != nil:
		return res.Fault.Type
	}
	return ""
}

// traceHeader is what the function finds in _X_AMZN_TRACE_ID. With active
// tracing the trace is sampled, unless its caller has decided against it; with
// PassThrough, and no decision to pass on, there is the root alone.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html
// https://github.com/aws/aws-xray-sdk-node/pull/660
func (t *target) traceHeader(c record.Cause) string {
	if t.config.Tracing == "Active" {
		c = c.Sample()
	}
	return c.Root()
}
