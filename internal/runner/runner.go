package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/runner/bootstrap"
	"github.com/nube-run/nube/internal/runner/debug"
	"github.com/nube-run/nube/internal/runner/sandbox"
	"github.com/nube-run/nube/internal/work"
)

// ErrClosed is returned for invocations that a closed Runner cannot serve.
var ErrClosed = errors.New("runner: closed")

// Options configure a Runner. The first group is required.
type Options struct {
	Sandbox *sandbox.Host
	Model   *clock.Model
	Ledger  *work.Ledger
	Logs    Logs
	Meter   Meter
	// Dir is where instances get their directories for temporary files, and
	// where the bootstraps of the managed runtimes are written.
	Dir string

	// Credentials gives instances the credentials of their role; nil for none.
	Credentials Credentials
	// Endpoint is the URL under which functions reach the platform's services.
	Endpoint string
	// Current is what a value of a function's environment means today where it
	// names the platform as it was reached when it was set; nil for no change.
	Current func(value string) string
	// Telemetry is the URL under which functions reach the platform's OTLP
	// receiver; empty for none.
	Telemetry string
	// Starts is how many instances start at the same time; 0 means one more than
	// two for each processor.
	Starts int
	// InitLimit is how long an initialisation may take before it is begun again
	// inside of the invocation, with its time-out; 0 means Lambda's 10 s.
	InitLimit time.Duration
	// IdleAfter is when an idle instance ends; 0 means ten minutes.
	IdleAfter time.Duration
	// MaxResponse is the largest response in bytes; 0 means [MaxResponse].
	MaxResponse int
	// Disturber makes invocations go wrong; nil is nobody.
	Disturber Disturber

	// Debugger runs functions whose Spec has Debug, on Unconfined: a debugger
	// needs what confinement takes away. Hold is time that does not count
	// while one has stopped a function.
	Debugger   Debugger
	Unconfined *sandbox.Host
	Hold       *clock.Hold
}

// Debugger puts processes under a debugger.
type Debugger interface {
	// Wrap returns the program that runs another under a debugger which listens
	// on a port of loopback.
	Wrap(ctx context.Context, s *Spec, c debug.Command) (debug.Command, int, error)
	// Started tells that it runs. It must not block.
	Started(s *Spec, t debug.Target)
	// Ended tells that the process has ended.
	Ended(s *Spec, t debug.Target)
}

// A Runner runs functions. Its methods may be called concurrently.
type Runner struct {
	opts    Options
	machine clock.Machine
	model   *clock.Model
	starts  *budget
	tmps    spares
	spawn   func(context.Context, *instance) error // starts i's process and sets out, proc, close and stream

	buffers    sync.Pool    // *[]byte, for events on their way to processes
	keyed      sync.Map     // access key id → *instance that has it
	unreserved atomic.Int64 // invocations of functions without a reservation

	wg        sync.WaitGroup // starts and instances
	mu        sync.RWMutex
	pools     map[Hash]*pool
	functions map[arn.ARN]*function
	closed    bool
}

// function is what all versions of a function share.
type function struct {
	r        *Runner
	underway atomic.Int64
}

// Open returns a Runner. It writes the runtimes that it brings to o.Dir, and
// removes what instances of a Runner before it left there.
func Open(o Options) (*Runner, error) {
	left, err := filepath.Glob(filepath.Join(o.Dir, "tmp-*"))
	if err != nil {
		return nil, fmt.Errorf("runner: open: %w", err)
	}
	for _, l := range left {
		if err := os.RemoveAll(l); err != nil {
			return nil, fmt.Errorf("runner: open: %w", err)
		}
	}
	boot, err := bootstrap.Open(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("runner: open: %w", err)
	}
	r := newRunner(o)
	r.spawn = (&launcher{r: r, boot: boot}).spawn
	return r, nil
}

func newRunner(o Options) *Runner {
	if o.Starts == 0 {
		o.Starts = 2*runtime.NumCPU() + 1
	}
	if o.InitLimit == 0 {
		o.InitLimit = 10 * time.Second
	}
	if o.IdleAfter == 0 {
		o.IdleAfter = 10 * time.Minute
	}
	if o.MaxResponse == 0 {
		o.MaxResponse = MaxResponse
	}
	return &Runner{
		opts: o, model: o.Model, starts: newBudget(o.Starts), tmps: spares{dir: o.Dir},
		pools: map[Hash]*pool{}, functions: map[arn.ARN]*function{},
	}
}

// Invoke runs one invocation and returns the function's answer. An error means
// that the function has not seen it, or that ctx ended first; the invocation
// then goes on without its caller, as it does in Lambda. A function's failure
// is no error but a Result with a Fault.
//
// The caller holds a token of its own until Invoke returns; the invocation has
// one for itself.
func (r *Runner) Invoke(ctx context.Context, s *Spec, in Invocation) (Result, error) {
	for _, v := range [...]string{in.RequestID, string(in.ARN), in.TraceID, in.ClientContext, in.Identity} {
		if strings.ContainsAny(v, "\r\n\x00") { // these become lines of a head
			return Result{}, fmt.Errorf("runner: %q has a line end", v)
		}
	}
	if r.opts.Disturber != nil {
		if res, answered, err := r.disturbed(ctx, s, &in); answered {
			return res, err
		}
	}
	p, err := r.pool(s)
	if err != nil {
		return Result{}, err
	}
	if err := p.fn.enter(in.Limit); err != nil {
		if m, ok := r.opts.Meter.(Refusals); ok {
			m.Throttled(p.spec.Function)
		}
		return Result{}, err
	}
	v := &invocation{Invocation: in, pool: p, done: make(chan struct{})}
	v.token = r.opts.Ledger.Begin(work.Invocation, s.Name)
	placed := in.Provisioned != nil && r.offer(in.Provisioned, v)
	for !placed && !p.dispatch(v) {
		if p, err = r.pool(s); err != nil {
			v.fail(err)
			break
		}
		v.pool = p
	}
	select {
	case <-v.done:
		return v.result, v.err
	case <-ctx.Done():
		if !placed && p.cancel(v) {
			v.fail(ctx.Err())
		}
		return Result{}, ctx.Err()
	}
}

// Warm makes sure that an instance of s can be started, by starting one. It
// returns a *[Fault] when the function fails to initialise.
func (r *Runner) Warm(ctx context.Context, s *Spec) error {
	for {
		p, err := r.pool(s)
		if err != nil {
			return err
		}
		warm := make(chan error, 1)
		p.mu.Lock()
		if p.gone {
			p.mu.Unlock()
			continue
		}
		if s.Debug && p.up > 0 { // it may have one instance
			p.mu.Unlock()
			return nil
		}
		p.warming = append(p.warming, warm)
		p.retired = false // it is wanted again: a change was taken back
		p.mu.Unlock()
		r.starts.want(p)
		select {
		case err := <-warm:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Swap prepares the change from one Spec of a function to another, so that no
// invocation waits for it: it returns when next has an instance that asked for
// its first invocation. The caller then sends traffic to next, and calls
// [Runner.Retire] for the old. When the new instance fails to initialise Swap
// returns its *[Fault] and the old one keeps the traffic. When nothing of old
// runs there is nothing to prepare.
func (r *Runner) Swap(ctx context.Context, old, next *Spec) error {
	if !r.running(old) {
		return nil
	}
	return r.Warm(ctx, next)
}

// Retire ends the instances of s as they finish what they are doing. Traffic
// that still comes for s is served.
func (r *Runner) Retire(s *Spec) {
	r.mu.RLock()
	p := r.pools[s.Hash()]
	r.mu.RUnlock()
	if p != nil {
		p.retire()
	}
}

// running reports whether something of s runs, or is about to because somebody waits
// for it.
func (r *Runner) running(s *Spec) bool {
	r.mu.RLock()
	p := r.pools[s.Hash()]
	r.mu.RUnlock()
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.instances)+p.starting+len(p.line) > 0
}

// Close ends every instance and waits until nothing of them is left.
func (r *Runner) Close() error {
	r.mu.Lock()
	r.closed = true
	pools := make([]*pool, 0, len(r.pools))
	for _, p := range r.pools {
		pools = append(pools, p)
	}
	r.mu.Unlock()
	for _, p := range pools {
		p.shut()
	}
	r.wg.Wait()
	r.tmps.close()
	return nil
}

// pool returns the pool of s.
func (r *Runner) pool(s *Spec) (*pool, error) {
	h := s.Hash()
	r.mu.RLock()
	p, closed := r.pools[h], r.closed
	r.mu.RUnlock()
	if closed {
		return nil, ErrClosed
	}
	if p != nil {
		return p, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, ErrClosed
	}
	if p = r.pools[h]; p == nil {
		fn := r.functions[s.Function]
		if fn == nil {
			fn = &function{r: r}
			r.functions[s.Function] = fn
		}
		p = &pool{r: r, fn: fn, spec: s, instances: map[*instance]struct{}{}}
		r.pools[h] = p
	}
	return p, nil
}

// forget drops a pool that nobody uses.
func (r *Runner) forget(p *pool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.unusedLocked() {
		p.gone = true
		if p.sweep != nil {
			p.sweep.Stop()
		}
		delete(r.pools, p.spec.Hash())
	}
}

// enter counts an invocation in, or refuses it.
func (f *function) enter(l Limit) error {
	n := f.underway.Add(1)
	if l.Reserved != nil {
		if n > int64(*l.Reserved) {
			f.underway.Add(-1)
			return &Throttled{Reserved: true}
		}
		return nil
	}
	if n := f.r.unreserved.Add(1); l.Unreserved > 0 && n > int64(l.Unreserved) {
		f.leave(l)
		return &Throttled{}
	}
	return nil
}

// leave counts an invocation out.
func (f *function) leave(l Limit) {
	f.underway.Add(-1)
	if l.Reserved == nil {
		f.r.unreserved.Add(-1)
	}
}
