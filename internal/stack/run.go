package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/stack/eval"
	"github.com/nube-run/nube/internal/template"
)

// run carries out one operation on one stack.
type run struct {
	e     *Engine
	l     layout
	id    string
	fence string

	info *Stack
	op   *operation
	m    *model // what the stack is to become; nil when it is deleted, or rolled back after a crash

	mu        sync.Mutex
	resources map[string]*Resource // guarded by mu; each Resource by the node that works on it

	cancelOnce sync.Once
	cancelled  chan struct{} // closed when the update is cancelled

	ended bool // nothing more is to be done
	quiet bool // properties hold secrets and are not shown in events
}

// main works through the phases until the operation has ended.
func (r *run) main(ctx context.Context) error {
	if err := r.load(ctx); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	ctx = r.op.caused(ctx)
	ctx = awsapi.With(ctx, &awsapi.Call{ID: r.fence, Scope: scopeOf(r.l.cell), Actor: r.op.Actor})
	if r.op.Cancelled {
		r.cancel()
	}
	for !r.ended {
		phase := r.op.Phase
		if err := r.step(ctx); err != nil {
			return fmt.Errorf("%s: %w", phase, err)
		}
	}
	return nil
}

// step works through one phase.
func (r *run) step(ctx context.Context) error {
	switch r.op.Phase {
	case phaseApply:
		if r.op.Verb == verbDelete {
			return r.deleteAll(ctx)
		}
		return r.apply(ctx)
	case phaseCleanup, phaseRollbackCleanup:
		return r.cleanup(ctx)
	case phaseRollback:
		if r.op.Verb == verbCreate {
			return r.deleteAll(ctx)
		}
		return r.rollback(ctx)
	}
	return fmt.Errorf("unknown phase %q", r.op.Phase)
}

// load reads the state of the operation.
func (r *run) load(ctx context.Context) error {
	return r.e.db.View(ctx, func(s *kv.Snap) error {
		op, ok, err := get[operation](s, r.l.op(r.id))
		if err != nil {
			return err
		}
		if !ok || op.Fence != r.fence {
			return errFenced
		}
		r.op = op
		if r.info, ok, err = get[Stack](s, r.l.stack(r.id)); err != nil {
			return err
		} else if !ok {
			return errNoStack
		}
		if r.resources, err = r.l.resources(s, r.id); err != nil {
			return err
		}
		r.quiet = slices.ContainsFunc(append(slices.Clone(r.info.Parameters), op.Settings.Parameters...), func(p Parameter) bool { return p.NoEcho })
		if r.m == nil && op.Verb != verbDelete && (op.Phase == phaseApply || op.Phase == phaseCleanup) {
			if err := r.recompile(s); op.Phase == phaseApply && err != nil {
				op.Failure = err.Error() // such as a type that is not offered any more
			} else if err != nil {
				return err
			}
		}
		return nil
	})
}

// recompile compiles the stored template of the operation: a crash took the
// compiled one away.
func (r *run) recompile(s *kv.Snap) error {
	body, err := s.Get(r.l.body(r.id, bodyNext))
	if err != nil {
		return err
	}
	t, ds := template.Parse(&template.File{Name: "template", Text: body})
	if err := ds.Err(); err != nil {
		return fmt.Errorf("stored template: %w", err)
	}
	given := make(map[string]string, len(r.op.Settings.Parameters))
	for _, p := range r.op.Settings.Parameters {
		given[p.Key] = p.Value
	}
	params, ds := eval.Bind(t, given)
	if err := ds.Err(); err != nil {
		return fmt.Errorf("stored parameters: %w", err)
	}
	if err := r.e.stored(scopeOf(r.l.cell), r.op.Actor, params); err != nil {
		return err
	}
	var failed error
	m, ds := r.e.compile(t, params, identity(r.info, scopeOf(r.l.cell), r.op.Settings.NotificationARNs), importer(s, r.l, &failed))
	if err := errors.Join(failed, ds.Err()); err != nil {
		return fmt.Errorf("compile the stored template: %w", err)
	}
	r.m = m
	return nil
}

// importer looks exports up in a state of the store. The first error is left in
// failed.
func importer(s reader, l layout, failed *error) func(name string) (string, bool) {
	return func(name string) (string, bool) {
		x, ok, err := get[Export](s, l.export(name))
		if err != nil {
			*failed = errors.Join(*failed, err)
		}
		if !ok {
			return "", false
		}
		return x.Value, true
	}
}

// cancel stops the update from beginning further steps.
func (r *run) cancel() { r.cancelOnce.Do(func() { close(r.cancelled) }) }

// resource returns the resource with a logical id, or nil.
func (r *run) resource(logicalID string) *Resource {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.resources[logicalID]
}

// known adds or takes away (nil) a resource.
func (r *run) known(logicalID string, res *Resource) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if res == nil {
		delete(r.resources, logicalID)
		return
	}
	r.resources[logicalID] = res
}

// names returns the logical ids of the resources for which keep is true: those
// of the model in its order, then the others.
func (r *run) names(keep func(*Resource) bool) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var names, rest []string
	if r.m != nil {
		for _, n := range r.m.graph.names {
			if res := r.resources[n]; res != nil && keep(res) {
				names = append(names, n)
			}
		}
	}
	for n, res := range r.resources {
		if (r.m == nil || r.m.nodes[n] == nil) && keep(res) {
			rest = append(rest, n)
		}
	}
	slices.Sort(rest)
	return append(names, rest...)
}

// attribute answers what a resource yields now.
func (r *run) attribute(logicalID, attribute string) (*template.Value, bool, error) {
	res := r.resource(logicalID)
	if res == nil || !res.exists() {
		return nil, true, fmt.Errorf("the resource %s does not exist", logicalID)
	}
	return attributeOf(res, attribute)
}

// shown returns properties as events show them. Those that a NoEcho parameter
// may have gone into are not shown.
func (r *run) shown(props json.RawMessage) string {
	if r.quiet || len(props) == 0 {
		return ""
	}
	return string(props)
}

// ref is the stack as providers know it.
func (r *run) ref() StackRef {
	return StackRef{ID: r.id, Name: r.info.Name, Scope: scopeOf(r.l.cell)}
}

// Waits between two calls for a resource that is not ready.
const (
	firstWait = 20 * time.Millisecond
	longWait  = time.Second
)

// call makes one step of a provider and goes on until the resource is ready.
func (r *run) call(ctx context.Context, do func(context.Context, Request) (Progress, error), req Request) (Progress, error) {
	wait := firstWait
	for {
		p, err := do(ctx, req)
		if err != nil || p.Wait == "" {
			return p, err
		}
		if err := r.e.machine.Wait(ctx, wait); err != nil {
			return p, fmt.Errorf("waiting for %s: %w", p.Wait, err)
		}
		wait = min(2*wait, longWait)
		req.Again = true
		if p.PhysicalID != "" {
			req.PhysicalID = p.PhysicalID
		}
	}
}

// interrupted reports whether the process is stopping, so that an error says
// nothing about the resource.
func (r *run) interrupted() bool { return r.e.base.Err() != nil }

// read reads one key of the newest durable state.
func (r *run) read(k kv.Key) ([]byte, error) {
	var v []byte
	err := r.e.db.View(r.e.base, func(s *kv.Snap) (err error) {
		v, err = s.Get(k)
		return err
	})
	return v, err
}

// each visits the nodes of a graph. That a step failed is recorded with its
// resource; the error is what keeps the operation from going on.
func (r *run) each(ctx context.Context, g graph, o walkOptions, do func(ctx context.Context, name string) error) error {
	var broken errorOnce
	o.limit = r.e.parallel
	g.walk(ctx, o, func(ctx context.Context, name string) error {
		err := do(ctx, name)
		if err != nil && !errors.Is(err, errStep) {
			broken.set(err)
		}
		return err
	})
	if err := broken.get(); err != nil {
		return err
	}
	return context.Cause(r.e.base)
}
