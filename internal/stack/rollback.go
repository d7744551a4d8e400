package stack

import (
	"bytes"
	"context"
	"slices"

	"github.com/nube-run/nube/internal/kv"
)

// rollback restores what a failed update has changed, in the reverse order.
// What it created is removed afterwards.
func (r *run) rollback(ctx context.Context) error {
	names := r.names(func(res *Resource) bool { return res.Before != nil })
	err := r.each(ctx, r.dependencies(names).reversed(), walkOptions{}, func(ctx context.Context, name string) error {
		return r.restore(ctx, r.resource(name))
	})
	if err != nil {
		return err
	}
	b := r.batch()
	if len(r.names(func(res *Resource) bool { return res.Before != nil })) > 0 {
		b.stack(UpdateRollbackFailed, r.rollbackFailures())
		b.phase(phaseRollback)
		b.park()
		return b.commit()
	}
	was, now := r.op.Imports, r.info.Imports
	b.check(func(tx *kv.Tx) error { return r.l.imports(tx, r.id, was, now) })
	b.stack(UpdateRollbackCompleteCleanupInProgress, "")
	b.phase(phaseRollbackCleanup)
	return b.commit()
}

// rollbackFailures says which resources could not be restored.
func (r *run) rollbackFailures() string {
	names := r.names(func(res *Resource) bool { return res.Before != nil && res.Status == UpdateFailed })
	return "The following resource(s) failed to update: " + bracketed(names) + ". "
}

// restore makes one resource what it was before the update.
func (r *run) restore(ctx context.Context, res *Resource) error {
	if res.Intent != nil {
		return r.carryOut(ctx, res, true)
	}
	b := r.batch()
	if res.Before.PhysicalID != res.PhysicalID || bytes.Equal(res.Before.Properties, res.Properties) || slices.Contains(r.op.Skip, res.LogicalID) {
		// Nothing is to be called: what was replaced is still there, what failed
		// before it was touched is as it was.
		if res.Before.PhysicalID != res.PhysicalID {
			made := res.version
			made.UpdateReplacePolicy = "" // it is about the one that was replaced
			res.Strays = append(res.Strays, made)
		}
		b.event(res, UpdateInProgress, "")
		res.version, res.Before = *res.Before, nil
		b.note(res, UpdateComplete, "")
		return b.commit()
	}
	res.Intent = &intent{
		Action: actRestore, PhysicalID: res.PhysicalID, Properties: res.Before.Properties, DependsOn: res.Before.DependsOn,
		Began: r.e.model.Now(), Token: r.token(res.LogicalID, res.Generation, actRestore),
	}
	b.note(res, UpdateInProgress, "")
	if err := b.commit(); err != nil {
		return err
	}
	return r.carryOut(ctx, res, false)
}

// dependencies is the graph of resources by what they depend on. Versions of
// different templates may depend on each other in circles; then what closes a
// circle does not count.
func (r *run) dependencies(names []string) graph {
	g := newGraph(names, func(name string) []string {
		res := r.resource(name)
		deps := slices.Clone(res.DependsOn)
		if res.Before != nil {
			deps = append(deps, res.Before.DependsOn...)
		}
		for _, s := range res.Strays {
			deps = append(deps, s.DependsOn...)
		}
		slices.Sort(deps)
		return slices.Compact(deps)
	})
	for c := g.cycle(); c != nil; c = g.cycle() {
		from, to := c[len(c)-2], c[len(c)-1]
		g.after[from] = slices.DeleteFunc(g.after[from], func(i int) bool { return i == to })
	}
	return g
}
