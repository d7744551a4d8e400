package runner

import (
	"sync"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/work"
)

// An Invocation is one event for a function.
type Invocation struct {
	RequestID string // a UUID, which the function sees and the log names
	// ARN is the function as it was invoked, with its qualifier.
	ARN           arn.ARN
	Payload       []byte       // not changed, and kept until the function has it
	ClientContext string       // JSON; empty for none
	Identity      string       // Cognito identity, JSON; empty for none
	TraceID       string       // value of the X-Ray header
	Cause         record.Cause // what the function does is caused by, see [Runner.CauseOf]
	Tail          bool         // return the end of the log
	Limit         Limit

	doom *time.Duration // after how long at it the process is killed; nil for never
	// Provisioned is the Spec whose instances are kept up for this function, if
	// it has provisioned concurrency. When all are busy the invocation goes
	// where those without do.
	Provisioned *Spec
}

// Limit bounds how many invocations may be under way at the same time.
//
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
type Limit struct {
	// Reserved is what the function keeps for itself and may not exceed; nil
	// when it shares the account's rest.
	Reserved *int
	// Unreserved bounds all functions without a reservation together; 0 is no
	// bound.
	Unreserved int
}

// A Result is a function's answer.
type Result struct {
	Payload []byte
	// Fault is set when the function failed; Payload is then the error.
	Fault *Fault
	// Tail is the end of the log, when it was asked for.
	Tail []byte

	Stream      LogStream     // where the instance logs
	Cold        bool          // the instance was started and this is its first
	Provisioned bool          // an instance of provisioned concurrency answered
	Spawned     time.Time     // when its start began; zero unless Cold
	Spawn       time.Duration // of it, until the process ran
	Init        time.Duration // of it, until the process asked for its first invocation
	Started     time.Time     // when an instance got the invocation; zero if none did
	Duration    time.Duration
}

// Throttled is the error of an invocation that a limit refuses.
type Throttled struct {
	Reserved bool // by the function's own limit, not the account's
}

func (t *Throttled) Error() string { return "Rate Exceeded." }

// invocation is an Invocation under way.
type invocation struct {
	Invocation
	pool  *pool
	token work.Token
	done  chan struct{} // closed when result is set
	lined time.Time     // when it began to wait; guarded by pool.mu

	spared bool // a failed start was not told to it; guarded by pool.mu

	// mu guards what the answer sets. It is set once, by whoever is first: the
	// function, the timer, the end of the process, or a caller who left while
	// the invocation waited.
	mu       sync.Mutex
	answered bool
	result   Result
	err      error
	duration time.Duration
	outcome  *Fault

	// Set when an instance takes it.
	inst    *instance
	started time.Time
	timer   clock.Stopper
	cold    bool
	tail    []byte
}

// answer sets the caller's result. It reports false when somebody else has; who
// gets true calls tell.
func (v *invocation) answer(payload []byte, f *Fault, took time.Duration) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.answered {
		return false
	}
	v.answered, v.duration, v.outcome = true, took, f
	if f != nil {
		payload = f.Payload
	}
	v.result.Payload, v.result.Fault, v.result.Duration = payload, f, took
	v.pool.fn.leave(v.Limit)
	return true
}

// tell wakes the caller, once the invocation is answered. With a tail the
// caller waits until the log is complete.
func (v *invocation) tell() {
	if !v.Tail {
		close(v.done)
	}
}

// fail ends an invocation that no instance has seen.
func (v *invocation) fail(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.answered, v.err = true, err
	v.pool.fn.leave(v.Limit)
	close(v.done)
	v.token.End()
}

// isAnswered reports whether the caller has, or is about to have, its result.
func (v *invocation) isAnswered() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.answered
}

// finish ends the invocation after its answer: the log is drained and closed
// with END and REPORT, the use is metered, and the work is over. It is called
// once, by whoever took the invocation out of the instance's active ones.
func (v *invocation) finish() {
	inst := v.inst
	if v.timer != nil {
		v.timer.Stop()
	}
	use := inst.usage(v)
	lines := [3]string{"", endLine(v.RequestID), reportLine(v.RequestID, use, v.outcome) + v.xrayLine()}
	if v.outcome != nil && v.outcome.log != "" {
		lines[0] = v.outcome.log + "\n"
		if v.outcome.status.status == "timeout" {
			lines[0] = inst.r.model.Now().Time().Format(stamp) + " " + lines[0]
		}
	}
	inst.out.end(lines[:]...)
	inst.r.opts.Meter.Invoked(use)
	if v.Tail {
		v.result.Tail = v.tail
		close(v.done)
	}
	v.token.End()
}
