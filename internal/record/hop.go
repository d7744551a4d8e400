package record

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nube-run/nube/internal/fault"
)

// Hop is a span under way.
type Hop struct {
	r     *Recorder
	span  Span
	aside bool
}

// Begin begins a hop: a span under the cause in ctx, or of a new trace if there
// is none. The context returned makes it the cause of what follows. What s says
// of names, resource and kind is taken; ids and times are given by Begin.
func (r *Recorder) Begin(ctx context.Context, s Span) (context.Context, *Hop) {
	u, _ := ctx.Value(causeKey{}).(under)
	c := u.Cause
	s.Start, s.Began = r.model.Now(), r.machine.Now()
	if c.Trace.IsZero() {
		c.Trace = NewTraceID(s.Start)
	}
	s.Trace, s.Parent, s.ID = c.Trace, c.Span, NewSpanID()
	if s.Request == "" {
		s.Request = c.Request
	}
	if s.By == "" {
		s.By = c.By
	}
	if c.Request == "" {
		c.Request, c.By = s.Request, s.By
	}
	h := &Hop{r: r, span: s, aside: u.aside}
	return context.WithValue(ctx, causeKey{}, under{c.Child(s.ID), h, u.aside}), h
}

// Note adds a detail to the span of ctx, if ctx is inside of one: for whoever
// knows it where the hop is out of reach. The hop must not have ended.
func Note(ctx context.Context, key, value string) {
	if u, _ := ctx.Value(causeKey{}).(under); u.hop != nil {
		u.hop.Note(key, value)
	}
}

// Named says what the hop of ctx is called, where that came to be known late:
// the operation of a call may stand in its body.
func Named(ctx context.Context, name string) {
	if u, _ := ctx.Value(causeKey{}).(under); u.hop != nil {
		u.hop.span.Name = name
	}
}

// About says what the span of ctx is about, unless that is known.
func About(ctx context.Context, resource string) {
	if u, _ := ctx.Value(causeKey{}).(under); u.hop != nil && u.hop.span.Resource == "" {
		u.hop.span.Resource = resource
	}
}

// Note adds a detail to the span.
func (h *Hop) Note(key, value string) { h.span.Attrs = append(h.span.Attrs, Attr{key, value}) }

// Carried says how many bytes the request and the answer had.
func (h *Hop) Carried(in, out int) { h.span.In, h.span.Out = int64(in), int64(out) }

// Answered says with which status of HTTP the hop was answered.
func (h *Hop) Answered(status int) { h.span.Status = status }

// Requested says under which id the hop was answered, where that came to be
// known late.
func (h *Hop) Requested(id string) { h.span.Request = id }

// Began is when the hop began.
func (h *Hop) Began() time.Time { return h.span.Began }

// Phase records a part of the hop that is over: a span below it. It may have
// begun before the hop did, as the start of an instance that another request
// has caused.
func (h *Hop) Phase(name string, began time.Time, took time.Duration) {
	if h.aside {
		return
	}
	p := &h.span
	h.r.Traces.Add(&Span{
		Trace: p.Trace, ID: NewSpanID(), Parent: p.ID, Service: p.Service, Name: name, Request: p.Request, By: p.By,
		Start: p.Start.Add(began.Sub(p.Began)), Began: began, Duration: max(0, took),
	})
}

// End ends the hop and records its span, with the error's code if it failed.
// It returns how long it took.
func (h *Hop) End(err error) time.Duration {
	h.span.Duration = max(0, h.r.machine.Since(h.span.Began))
	if err != nil {
		h.fail(err)
	}
	if !h.aside {
		h.r.Traces.Add(&h.span) // a failing disk is reported by Recorder.Troubles
	}
	return h.span.Duration
}

// fail says what went wrong: an AWS code and what was said with it, or the
// error's text.
func (h *Hop) fail(err error) {
	var f *fault.Error
	if !errors.As(err, &f) {
		h.span.Error = clip(err.Error())
		return
	}
	h.span.Error = f.Code
	if f.Message != "" {
		h.Note(Message, clip(f.Message))
	}
}

// clip shortens a text to what a span should carry.
func clip(s string) string {
	const most = 2000
	return s[:min(len(s), most)]
}

// apiNamespace holds the platform's own counts of API calls. Like that of the
// meters it is no valid namespace for a client.
const apiNamespace = ":api"

// calls is the series of API operations.
type calls struct {
	mu sync.RWMutex
	of map[operation]*callSeries
}

type operation struct{ service, name string }

type callSeries struct{ duration, errors *Series }

// APICalls observes calls of operations: a span and the counts of each. It is
// what awsapi tells of every call.
type APICalls struct {
	Recorder        *Recorder
	Account, Region string // whose counts they are
}

// Begin begins a call. The function returned ends it.
func (a APICalls) Begin(ctx context.Context, service, name string) (context.Context, func(err error, in, out int)) {
	ctx, hop := a.Recorder.Begin(ctx, Span{Kind: Server, Service: service, Name: name})
	return ctx, func(err error, in, out int) {
		hop.Carried(in, out)
		took := hop.End(err)
		s := a.series(operation{service, hop.span.Name})
		s.duration.Observe(hop.span.Start, float64(took.Microseconds())/1000)
		if err != nil {
			s.errors.Observe(hop.span.Start, 1)
		}
	}
}

func (a APICalls) series(op operation) *callSeries {
	c := &a.Recorder.calls
	c.mu.RLock()
	s := c.of[op]
	c.mu.RUnlock()
	if s != nil {
		return s
	}
	of := func(name string) *Series {
		return a.Recorder.Metrics.Series(Metric{
			Account: a.Account, Region: a.Region, Namespace: apiNamespace, Name: name,
			Dims: []Attr{{"Operation", op.name}, {"Service", op.service}},
		})
	}
	s = &callSeries{duration: of("Duration"), errors: of("Errors")}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = make(map[operation]*callSeries)
	}
	c.of[op] = s
	return s
}
