package sandbox

import (
	"context"
	"fmt"
	"os"
)

// A Process is a started process with everything that it starts itself.
type Process struct {
	child child
	done  chan struct{}
	exit  Exit // set before done is closed
}

// Exit says how a process ended.
type Exit struct {
	// Code is the exit code, or -1 when a signal ended the process.
	Code int
	// Signal is what ended the process, or nil.
	Signal os.Signal
	// OOM is set when the tree was killed because it exceeded its memory.
	OOM bool
}

// String is the reason in the words that Lambda reports, such as "exit status
// 1" or "signal: killed"
// (https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html).
func (e Exit) String() string {
	if e.Signal != nil {
		return "signal: " + e.Signal.String()
	}
	return fmt.Sprintf("exit status %d", e.Code)
}

// Usage is what a tree has used.
type Usage struct {
	MemoryPeak int64 // bytes
}

// Pid returns the process's id as the host sees it.
func (p *Process) Pid() int { return p.child.pid() }

// Done returns a channel that is closed when the whole tree is gone.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit waits until Done and says how the first process of the tree ended.
func (p *Process) Exit() Exit {
	<-p.done
	return p.exit
}

// Wait is Exit for callers that may stop waiting.
func (p *Process) Wait(ctx context.Context) (Exit, error) {
	select {
	case <-p.done:
		return p.exit, nil
	case <-ctx.Done():
		return Exit{}, ctx.Err()
	}
}

// Kill ends the whole tree at once, frozen or not. It does not wait. Killing
// what is already gone is not an error.
func (p *Process) Kill() error {
	if p.gone() {
		return nil
	}
	return p.child.kill()
}

// Freeze stops the whole tree from running until Thaw or Kill.
func (p *Process) Freeze() error {
	if p.gone() {
		return os.ErrProcessDone
	}
	return p.child.freeze()
}

// Thaw undoes Freeze.
func (p *Process) Thaw() error {
	if p.gone() {
		return os.ErrProcessDone
	}
	return p.child.thaw()
}

// Usage says what the tree has used so far; after Done, in all.
func (p *Process) Usage() Usage { return p.child.usage() }

func (p *Process) gone() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}
