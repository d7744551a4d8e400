package cloud

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/manifest"
	"github.com/nube-run/nube/internal/runner"
	"github.com/nube-run/nube/internal/runner/debug"
	"github.com/nube-run/nube/internal/runner/sandbox"
)

// Debug is a function that is to run under a debugger.
type Debug struct {
	Function string // its name in the manifest, or in the cloud
	Port     int    // 0: the debugger's usual one, or a free one
}

// Debugged is a function under a debugger, and where to attach.
type Debugged struct {
	Function string `json:"function"`
	Debugger string `json:"debugger"`
	Address  string `json:"address"`
	Attach   string `json:"attach"` // in words
}

// debuggers are the functions under a debugger. It implements [runner.Debugger].
type debuggers struct {
	c          *Cloud
	hold       *clock.Hold // of time-outs, in everybody who waits for functions
	unconfined *sandbox.Host
	tools      debug.Tools

	mu       sync.Mutex
	sessions map[string]*debug.Session // by the function's name in the cloud
	keys     map[string]string         // their names in the manifest
	stops    int
	stopped  bool // the model clock, by us
}

// openDebuggers prepares for what [Options.Debug] asks for, if it asks.
func (c *Cloud) openDebuggers() (err error) {
	if len(c.opts.Debug) == 0 {
		return nil
	}
	d := &debuggers{c: c, hold: &clock.Hold{}, sessions: map[string]*debug.Session{}, keys: map[string]string{}}
	if d.unconfined, err = sandbox.Open(sandbox.Options{Mode: sandbox.Off, Dir: c.workDir("run/debug")}); err != nil {
		return fmt.Errorf("debug: %w", err)
	}
	d.tools = debug.Tools{Dir: c.workDir("tools"), Tell: func(what string) { c.log.Warn("getting a debugger", "what", what) }}
	c.debug = d
	c.stopping(func(context.Context) error { return errors.Join(d.close(), d.unconfined.Close()) })
	return nil
}

func (d *debuggers) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for _, s := range d.sessions {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// attach opens the sessions of a project's functions that are to be debugged.
func (d *debuggers) attach(p *manifest.Project) error {
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var names []string
	for _, f := range p.Functions {
		names = append(names, f.Key)
	}
	for _, want := range d.c.opts.Debug {
		i := slices.IndexFunc(p.Functions, func(f manifest.Function) bool { return want.Function == f.Key || want.Function == f.Name })
		if i < 0 {
			return fmt.Errorf("--debug names %s, and the manifest has no such function; it has %s", want.Function, strings.Join(names, ", "))
		}
		f := p.Functions[i]
		if d.sessions[f.Name] != nil {
			continue
		}
		kind, err := debug.Of(f.Runtime)
		if err != nil {
			return err
		}
		s := &debug.Session{Kind: kind, Hold: d}
		fn := arn.In(p.Region, d.c.opts.Account).Function(f.Name)
		s.Want = func() {
			d.c.errands.Go(func() {
				// Whoever attached waits; why there is no instance is in its log.
				if err := d.c.parts.lambda.Warm(context.Background(), fn); err != nil {
					d.c.log.Warn("starting a function for its debugger", "function", f.Name, "err", err)
				}
			})
		}
		if err := s.Listen(want.Port); err != nil {
			return err
		}
		d.sessions[f.Name], d.keys[f.Name] = s, f.Key
	}
	return nil
}

// warm starts the functions, so that there is something to attach to.
func (d *debuggers) warm(ctx context.Context, p *manifest.Project) error {
	if d == nil {
		return nil
	}
	for _, f := range p.Functions {
		if !d.on(f.Name) {
			continue
		}
		if err := d.c.parts.lambda.Warm(ctx, arn.In(p.Region, d.c.opts.Account).Function(f.Name)); err != nil {
			return fmt.Errorf("starting %s under its debugger: %w", f.Key, err)
		}
	}
	return nil
}

// on reports whether a function, by its name in the cloud, is debugged.
func (d *debuggers) on(function string) bool {
	if d == nil {
		return false
	}
	return d.session(function) != nil
}

func (d *debuggers) session(function string) *debug.Session {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sessions[function]
}

// Wrap implements [runner.Debugger].
func (d *debuggers) Wrap(ctx context.Context, s *runner.Spec, c debug.Command) (debug.Command, int, error) {
	port, err := freePort(ctx)
	if err != nil {
		return c, 0, err
	}
	c, err = d.session(s.Name).Kind.Wrap(ctx, c, port, d.tools)
	return c, port, err
}

// Started implements [runner.Debugger].
func (d *debuggers) Started(s *runner.Spec, t debug.Target) { d.session(s.Name).Started(t) }

// Ended implements [runner.Debugger].
func (d *debuggers) Ended(s *runner.Spec, t debug.Target) { d.session(s.Name).Detach(t) }

// freePort is a port that nobody listens on; a debugger cannot be given a
// listener.
func freePort(ctx context.Context) (int, error) {
	var config net.ListenConfig
	ln, err := config.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return ln.Addr().(*net.TCPAddr).Port, ln.Close()
}

// Take implements [debug.Holder]: a function is stopped, and with it all time.
func (d *debuggers) Take() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hold.Take()
	if d.stops++; d.stops == 1 && !d.c.model.Stopped() {
		d.c.model.Stop()
		d.stopped = true
	}
}

// Release implements [debug.Holder].
func (d *debuggers) Release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hold.Release()
	if d.stops--; d.stops == 0 && d.stopped {
		d.c.model.Run()
		d.stopped = false
	}
}

// holding is time that does not count; nil when nothing is debugged.
func (d *debuggers) holding() *clock.Hold {
	if d == nil {
		return nil
	}
	return d.hold
}

// Debugging are the functions under a debugger.
func (c *Cloud) Debugging() []Debugged {
	if c.debug == nil {
		return nil
	}
	c.debug.mu.Lock()
	defer c.debug.mu.Unlock()
	var out []Debugged
	for name, s := range c.debug.sessions {
		out = append(out, Debugged{Function: c.debug.keys[name], Debugger: s.Kind.String(), Address: s.Addr(), Attach: s.Kind.Attach(s.Addr())})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Function < out[j].Function })
	return out
}
