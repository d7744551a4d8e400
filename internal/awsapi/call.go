package awsapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/awsapi/validate"
	"github.com/nube-run/nube/internal/fault"
)

// Caller makes calls inside the process: authorise, validate, handle, record.
// in and out are pointers to the generated shapes.
type Caller interface {
	Call(ctx context.Context, m *schema.Model, op *schema.Op, in any) (out any, err error)
}

// Do calls an operation with its own types.
func Do[I, O any](ctx context.Context, c Caller, op schema.TypedOp[I, O], in I) (out O, err error) {
	v, err := c.Call(ctx, op.Model, op.Op, in)
	if err != nil {
		return out, err
	}
	return v.(O), nil
}

// Observer is told of every call. Begin may put a trace into the context; the
// function that it returns is called with the call's error, and with the bytes
// of the request and the answer where there were any on the wire.
type Observer interface {
	Begin(ctx context.Context, service, operation string) (context.Context, func(err error, in, out int))
}

// Call implements [Caller].
func (f *Front) Call(ctx context.Context, m *schema.Model, op *schema.Op, in any) (any, error) {
	s := f.service(m)
	if s == nil {
		return nil, notOffered(m)
	}
	h := s.handler(op)
	if h == nil {
		return nil, f.missing(s, op)
	}
	ctx, done := f.observe(ctx, m.ID, op.Name)
	out, err := f.run(ctx, s, op, h, in)
	done(err, 0, 0)
	return out, err
}

// run authorises, validates and serves one call.
func (f *Front) run(ctx context.Context, s *Service, op *schema.Op, h *handler, in any) (out any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s.%s panicked: %v\n%s", s.Model.ID, op.Name, r, stack())
		}
	}()
	if err := f.authorize(ctx, s, h, in); err != nil {
		return nil, err
	}
	if broken := s.check.Violations(op.Input, in); broken != nil {
		if s.Invalid != nil {
			return nil, s.Invalid(op, broken)
		}
		return nil, fault.New(s.validationCode(), "%s", validate.Message(broken))
	}
	if f.served != nil {
		began := f.machine.Now()
		defer func() { f.served.Served(ctx, op, in, out, err, f.machine.Since(began)) }()
	}
	if f.disturber != nil {
		return f.disturbed(ctx, s, op.Name, func() (any, error) { return h.serve(ctx, in) })
	}
	return h.serve(ctx, in)
}

func (s *Service) validationCode() string {
	if s.ValidationCode != "" {
		return s.ValidationCode
	}
	if s.Model.Protocols[0] == schema.QueryXML {
		return "ValidationError"
	}
	return "ValidationException"
}

// missing is the answer for an operation that the model has and nube has not.
func (f *Front) missing(s *Service, op *schema.Op) *fault.Error {
	if why := s.reason(op); why != "" {
		return fault.New("NotImplemented", "%s is an operation of %s that nube does not offer: %s.", op.Name, s.Model.FullName, why).With(http.StatusNotImplemented)
	}
	return fault.New("NotImplemented", "%s is an operation of %s that nube does not implement. docs/coverage.md lists those that it does.",
		op.Name, s.Model.FullName).With(http.StatusNotImplemented)
}

func notOffered(m *schema.Model) *fault.Error {
	return fault.New("NotImplemented", "%s is not a service that this cloud offers", m.FullName).With(http.StatusNotImplemented)
}

// internal is what a caller sees of an error that no service coded.
func internal(s *Service) *fault.Error {
	code := "InternalFailure"
	if p := s.Model.Protocols[0]; p == schema.JSON10 || p == schema.JSON11 {
		code = "InternalServerError"
	}
	return fault.New(code, "The request processing has failed because of an unknown error, exception or failure.").With(http.StatusInternalServerError)
}

// coded turns any error into one that can be shown, and logs what cannot.
func (f *Front) coded(ctx context.Context, s *Service, op *schema.Op, err error) *fault.Error {
	if e, ok := fault.As(err); ok {
		return e
	}
	if errors.Is(err, context.Canceled) {
		return fault.New("RequestCanceled", "The caller went away before the request was done.").With(499)
	}
	f.log.ErrorContext(ctx, "internal failure", "request", From(ctx).ID, "service", s.Model.ID, "operation", op.Name, "err", err)
	return internal(s)
}
