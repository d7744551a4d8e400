package sandbox

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
)

// Mode says how much confinement a Host must give.
type Mode string

const (
	// Auto confines as far as the machine and the user's rights allow.
	Auto Mode = "auto"
	// Required refuses to open when a core guarantee is missing: files,
	// memory and signals of others out of reach, and the whole tree killed.
	Required Mode = "required"
	// Off starts plain processes.
	Off Mode = "off"
)

// Options configure a Host.
type Options struct {
	// Mode defaults to Auto.
	Mode Mode
	// Dir is the Host's own directory. It is created when missing; no two
	// open Hosts may share one. Required.
	Dir string
	// Hidden are directories that no process may see, such as the store's. A
	// Spec with a path that contains one of them is refused.
	Hidden []string
	// Masked are directories that a Spec's CodeDir may contain and that no
	// process sees through it: a project's own directory, used in place, has
	// the platform's data in it. Where the host's own tree is seen their names
	// can still be listed, but nothing in them can be opened.
	Masked []string
	// NetworkNamespaces gives processes under NetworkPlatformOnly a network of
	// their own, into which the platform's ports are relayed: every port is
	// then free for them, and not even the machine's other loopback ports are
	// there. A start takes longer. Without it Landlock's rules do it, where the
	// kernel has them.
	NetworkNamespaces bool
	// TmpInMemory keeps what processes store in /tmp in memory, where
	// Spec.TmpBytes can be enforced; it then counts against Spec.MemoryMB.
	// Otherwise it is on the disk, in Spec.Tmp, and not limited: a function
	// that unpacks more than its memory into /tmp, as many do, must not be
	// killed for it.
	TmpInMemory bool
}

// A Host starts confined processes. Its methods may be called concurrently.
type Host struct {
	opts Options
	impl confiner

	mu       sync.Mutex
	closed   bool
	live     map[*Process]struct{}
	starting sync.WaitGroup // starts under way; none begins once closed
}

// confiner is what a Host needs from the operating system. There is one
// implementation a system, and the plain one for Off.
type confiner interface {
	report() Report
	layout(*Spec) Layout
	start(context.Context, *Spec) (child, error)
	close() error
}

// child is one started process as the operating system sees it.
type child interface {
	pid() int
	wait() Exit // blocks until the whole tree is gone; called once
	kill() error
	freeze() error
	thaw() error
	usage() Usage
}

var (
	// ErrClosed is returned by Start on a closed Host.
	ErrClosed = errors.New("sandbox: host is closed")
	// ErrNetwork is returned by Start for NetworkPlatformOnly where it cannot
	// be enforced; see Report.PlatformOnly.
	ErrNetwork = errors.New("network platform-only cannot be enforced on this machine")
)

// Open finds out what can be enforced here and returns a Host that enforces
// it. With Mode Required it fails when a core guarantee is missing, and names
// which. Processes that an earlier Host with the same Dir left behind are
// killed.
//
// On Linux it marks every file that this process has open as not to be
// inherited by any child.
func Open(o Options) (*Host, error) {
	if o.Dir == "" {
		return nil, errors.New("sandbox: Options.Dir is empty")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("sandbox: directory: %w", err)
	}
	o.Dir = dir
	var impl confiner
	switch o.Mode {
	case "", Auto, Required:
		impl, err = openNative(o)
	case Off:
		impl = newPlain("switched off")
	default:
		return nil, fmt.Errorf("sandbox: unknown mode %q: want auto, required or off", o.Mode)
	}
	if err != nil {
		return nil, fmt.Errorf("sandbox: open: %w", err)
	}
	return newHost(o, impl)
}

func newHost(o Options, impl confiner) (*Host, error) {
	if o.Mode == Required {
		if missing := impl.report().Missing(); len(missing) > 0 {
			return nil, errors.Join(&RequiredError{Missing: missing}, impl.close())
		}
	}
	return &Host{opts: o, impl: impl, live: map[*Process]struct{}{}}, nil
}

// Report says what is in force. It does not change while the Host is open.
func (h *Host) Report() Report { return h.impl.report() }

// Layout says where a process started from s will see its directories. Argv
// and Env of s must use these paths; Layout reads none of them.
func (h *Host) Layout(s Spec) Layout { return h.impl.layout(&s) }

// Start starts a process. The context bounds the start only: ending it later
// does not kill the process.
func (h *Host) Start(ctx context.Context, s Spec) (*Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := s.check(h.opts.Hidden, h.opts.Masked); err != nil {
		return nil, fmt.Errorf("sandbox: start: %w", err)
	}
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil, ErrClosed
	}
	h.starting.Add(1)
	h.mu.Unlock()
	defer h.starting.Done()

	c, err := h.impl.start(ctx, &s)
	if err != nil {
		return nil, fmt.Errorf("sandbox: start %s: %w", s.Argv[0], err)
	}
	p := &Process{child: c, done: make(chan struct{})}
	h.mu.Lock()
	h.live[p] = struct{}{}
	h.mu.Unlock()
	go func() {
		p.exit = c.wait()
		h.mu.Lock()
		delete(h.live, p)
		h.mu.Unlock()
		close(p.done)
	}()
	return p, nil
}

// Close kills every process, waits until they are gone and gives back what
// the Host holds. A second call does nothing.
func (h *Host) Close() error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil
	}
	h.closed = true
	h.mu.Unlock()
	h.starting.Wait()
	h.mu.Lock()
	live := make([]*Process, 0, len(h.live))
	for p := range h.live {
		live = append(live, p)
	}
	h.mu.Unlock()
	var errs []error
	for _, p := range live {
		errs = append(errs, p.Kill())
	}
	for _, p := range live {
		<-p.done
	}
	return errors.Join(append(errs, h.impl.close())...)
}
