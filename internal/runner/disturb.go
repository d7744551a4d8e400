package runner

import (
	"context"
	"time"

	"github.com/nube-run/nube/internal/fault"
)

// Disturber makes invocations go wrong on purpose, for tests of what then
// happens.
type Disturber interface {
	// Disturb is asked about each invocation of a function before an instance
	// gets it. It may wait first. A *[fault.Error] is the answer, as if the
	// function had failed so, or with the code TooManyRequestsException as if a
	// limit had refused it; any other error ends the invocation. Kill says after
	// how long at it the process is killed, unless it has answered; negative is
	// never.
	Disturb(ctx context.Context, function string) (kill time.Duration, err error)
}

// disturbed asks the disturber. It reports whether there is an answer already.
func (r *Runner) disturbed(ctx context.Context, s *Spec, in *Invocation) (res Result, answered bool, err error) {
	kill, err := r.opts.Disturber.Disturb(ctx, s.Name)
	if kill >= 0 {
		in.doom = &kill
	}
	if err == nil {
		return Result{}, false, nil
	}
	f, ok := fault.As(err)
	switch {
	case !ok:
		return Result{}, true, err
	case f.Code == "TooManyRequestsException":
		return Result{}, true, &Throttled{Reserved: true}
	}
	failed := reported(f.Code, platformFault(f.Code, f.Message))
	return Result{Payload: failed.Payload, Fault: failed}, true, nil
}

// doomed kills the process of an invocation that is to end so. It reports true
// when the process has nothing of it: one that is killed at once is not shown the
// event, which it might be quick enough to work on.
func (v *invocation) doomed() bool {
	if *v.doom == 0 {
		v.inst.end()
		return true
	}
	v.inst.r.machine.AfterFunc(*v.doom, func() {
		if !v.isAnswered() {
			v.inst.end()
		}
	})
	return false
}
