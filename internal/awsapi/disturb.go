package awsapi

import (
	"context"
	"errors"
)

// Disturber makes calls go wrong on purpose, for tests of what then happens.
type Disturber interface {
	// Disturb is asked about each call that is authorised and valid, before it is
	// served. It may wait first.
	Disturb(ctx context.Context, service, operation string) Disturbance
}

// Disturbance is what becomes of a call. The zero value is nothing.
type Disturbance struct {
	Err   error // the answer, if it is not nil
	After bool  // the call is served all the same, and only its answer is another
}

// ErrLost is the answer of a call whose connection breaks: over HTTP its caller
// gets none.
var ErrLost = errors.New("the connection was lost")

// disturbed serves a call as the disturber has it.
func (f *Front) disturbed(ctx context.Context, s *Service, operation string, serve func() (any, error)) (any, error) {
	d := f.disturber.Disturb(ctx, s.Model.ID, operation)
	if d.Err == nil {
		return serve()
	}
	if d.After {
		if _, err := serve(); err != nil {
			return nil, err
		}
	}
	return nil, d.Err
}
