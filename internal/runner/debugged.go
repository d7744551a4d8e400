package runner

import (
	"errors"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/runner/debug"
	"github.com/nube-run/nube/internal/runner/sandbox"
)

// underDebugger is how long a function under a debugger believes to have, since
// it cannot know when its time stands still.
const underDebugger = 24 * time.Hour

// deadline is how long after its start an invocation believes to end.
func (s *Spec) deadline() time.Duration {
	if s.Debug {
		return underDebugger
	}
	return s.Timeout
}

// timeout calls f when an invocation is out of time. Time during which a
// debugger has stopped the function does not count.
func (r *Runner) timeout(s *Spec, f func()) clock.Stopper {
	if s.Debug {
		return r.opts.Hold.AfterFunc(r.machine, s.Timeout, f)
	}
	return r.machine.AfterFunc(s.Timeout, f)
}

// debugged is a process below a debugger, which could leave it behind when it
// is killed.
type debugged struct {
	process
	pid   int
	ended func() // tells the debugger
}

// Exit waits for the end of the process, and sends away who is attached to it: a
// debugger that is a process of its own stays for them, and holds the log open.
func (d debugged) Exit() sandbox.Exit {
	e := d.process.Exit()
	d.ended()
	return e
}

// Kill ends both.
func (d debugged) Kill() error {
	below := debug.Descendants(d.pid)
	err := d.process.Kill()
	for _, pid := range below {
		err = errors.Join(err, killProcess(pid))
	}
	return err
}
