package inject

import (
	"context"
	"time"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/fault"
)

// Calls disturbs calls of services: it is an [awsapi.Disturber].
type Calls struct{ *Set }

// Disturb implements [awsapi.Disturber].
func (c Calls) Disturb(ctx context.Context, service, operation string) (d awsapi.Disturbance) {
	if c.rules.Load() == nil {
		return d
	}
	befalls := func(r *Rule) bool {
		switch r.Kind {
		case Latency, Error, Throttle, Lost:
		default:
			return false
		}
		return r.Service != "" && matches(r.Service, service) && matches(r.Operation, operation) && (r.Function == "" || isFunction(r.Function, caller(ctx)))
	}
	var wait time.Duration
	c.struck(ctx, befalls, func(b blow) {
		wait += b.wait
		if d.Err != nil {
			return // the first that ends the call
		}
		switch b.Kind {
		case Error:
			d = awsapi.Disturbance{Err: fault.New(b.Code, "%s", b.Message).With(b.Status), After: b.After}
		case Throttle:
			d.Err = throttled(service)
		case Lost:
			d = awsapi.Disturbance{Err: awsapi.ErrLost, After: b.After}
		}
	})
	if wait > 0 {
		if err := c.machine.Wait(ctx, wait); err != nil && d.Err == nil {
			d.Err = err
		}
	}
	return d
}

// caller is the function that makes a call: its session has its name.
func caller(ctx context.Context) string {
	if s := awsapi.From(ctx).Actor.Session; s != nil {
		return s.Name
	}
	return ""
}

// throttled is what a service answers of which too much was asked.
//
// https://docs.aws.amazon.com/general/latest/gr/api-retries.html
func throttled(service string) *fault.Error {
	switch service {
	case "dynamodb":
		return fault.New("ProvisionedThroughputExceededException", "The level of configured provisioned throughput for the table was exceeded. "+
			"Consider increasing your provisioning level with the UpdateTable API.").With(400)
	case "lambda":
		return fault.New("TooManyRequestsException", "Rate Exceeded.").With(429)
	case "apigateway", Gateway:
		return fault.New("TooManyRequestsException", "Too Many Requests").With(429)
	case "s3":
		return fault.New("SlowDown", "Please reduce your request rate.").With(503)
	case "sqs":
		return fault.New("RequestThrottled", "The request was denied due to request throttling.").With(403)
	case "iam", "sts", "cloudformation", "sns", "ses":
		return fault.New("Throttling", "Rate exceeded").With(400)
	}
	return fault.New("ThrottlingException", "Rate exceeded").With(400)
}
