package cloud

import (
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/runner"
	"github.com/nube-run/nube/internal/sources"
)

// functionSeries is the metrics of a function, and, as Lambda has them, of all
// functions together.
//
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
type functionSeries struct {
	invocations, errors, duration, throttles, concurrent [2]*record.Series
}

func (p *platform) function(fn arn.ARN) *functionSeries {
	if f, ok := p.functions.Load(fn); ok {
		return f.(*functionSeries)
	}
	of := func(name, unit string) [2]*record.Series {
		s := fn.Scope()
		return [2]*record.Series{p.series(s, "Lambda", name, unit, record.Attr{Key: "FunctionName", Value: fn.Name()}), p.series(s, "Lambda", name, unit)}
	}
	f, _ := p.functions.LoadOrStore(fn, &functionSeries{
		invocations: of("Invocations", countUnit), errors: of("Errors", countUnit), duration: of("Duration", millisUnit), throttles: of("Throttles", countUnit),
		concurrent: of("ConcurrentExecutions", countUnit),
	})
	return f.(*functionSeries)
}

// invoked takes an invocation that is over.
func (p *platform) invoked(u *runner.Use) {
	f, now := p.function(u.Function), p.model.Now()
	failed := 0.0
	if u.Fault != "" {
		failed = 1
	}
	for i := range f.invocations {
		f.invocations[i].Observe(now, 1)
		f.errors[i].Observe(now, failed)
		f.throttles[i].Observe(now, 0)
		f.duration[i].Observe(now, milliseconds(u.Duration))
		f.concurrent[i].Observe(now, float64(u.Underway))
	}
}

// throttled takes an invocation that was refused.
func (p *platform) throttled(fn arn.ARN) {
	f, now := p.function(fn), p.model.Now()
	for i := range f.throttles {
		f.throttles[i].Observe(now, 1)
	}
}

// ofFunction counts or measures something rare, of a function and of all together.
func (p *platform) ofFunction(fn arn.ARN, name, unit string, now clock.Instant, v float64) {
	s := fn.Scope()
	p.series(s, "Lambda", name, unit, record.Attr{Key: "FunctionName", Value: fn.Name()}).Observe(now, v)
	p.series(s, "Lambda", name, unit).Observe(now, v)
}

// Read implements [sources.Meter].
func (p *platform) Read(m *sources.Mapping, age time.Duration) {
	p.ofFunction(m.Function, "IteratorAge", millisUnit, p.model.Now(), milliseconds(max(age, 0)))
}

// notTold counts an attempt that failed to tell a function's dead-letter queue or
// destination. A dead letter is a message, what a destination gets is a record.
func (p *platform) notTold(fn arn.ARN, e *delivery.Effect, now clock.Instant) {
	name := "DestinationDeliveryFailures"
	if e.Kind == delivery.KindMessage {
		name = "DeadLetterErrors"
	}
	p.ofFunction(fn, name, countUnit, now, 1)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
