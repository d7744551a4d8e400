package stack

import (
	"context"
	"errors"
	"slices"

	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/stack/eval"
)

// Update begins to update a stack and returns its id. The error is
// [IsNoUpdates] when nothing would change.
func (e *Engine) Update(ctx context.Context, d Deploy) (string, error) {
	out, err := e.update(ctx, d)
	return out.StackID, err
}

func (e *Engine) update(ctx context.Context, d Deploy) (Outcome, error) {
	l := layoutOf(cell(d.Scope))
	var info *Stack
	var p *prepared
	err := e.db.View(ctx, func(s *kv.Snap) (err error) {
		if info, err = l.find(s, d.Name); err != nil {
			return notFound(err, d.Name, noStackNamed)
		}
		if !info.Status.updatable() {
			return cannot(info, "updated")
		}
		if same, err := unchanged(s, l, &d, info); err != nil {
			return err
		} else if same {
			return invalid(noUpdates)
		}
		var idle bool
		if p, _, idle, err = e.compare(s, l, &d, info); err == nil && idle {
			err = invalid(noUpdates)
		}
		return err
	})
	var out Outcome
	if info != nil {
		out.StackID = info.ID
	}
	if p != nil {
		out.Warnings = p.m.warn
	}
	if err == nil {
		err = e.beginUpdate(ctx, l, &d, info, p, "")
	}
	out.Changed = err == nil
	return out, err
}

// unchanged recognises the deploy that a stack already is, without looking at
// its resources: the same text and settings cannot mean anything else, because
// an export does not change while it is imported.
func unchanged(s reader, l layout, d *Deploy, info *Stack) (bool, error) {
	if info.Status != CreateComplete && info.Status != UpdateComplete {
		return false, nil // a failure may have left something to put right
	}
	body, err := s.Get(l.body(info.ID, bodyNow))
	if err != nil || string(body) != d.body() {
		return false, err
	}
	g, err := given(d, info)
	if err != nil {
		return false, err
	}
	params, ds := eval.Bind(d.Template, g)
	if ds.HasErrors() {
		return false, nil // told by whoever prepares it
	}
	for _, p := range params {
		if p.Stored {
			return false, nil // it may have changed where it is
		}
	}
	next := d.settings(params)
	return slices.Equal(info.Parameters, next.Parameters) && slices.Equal(info.Tags, next.Tags) &&
		slices.Equal(info.NotificationARNs, next.NotificationARNs) && info.RoleARN == next.RoleARN, nil
}

// compare prepares a deploy and plans what it would change; idle says that it
// would do nothing.
func (e *Engine) compare(s reader, l layout, d *Deploy, info *Stack) (p *prepared, changes []Change, idle bool, err error) {
	if p, err = e.prepare(s, l, d, info); err != nil {
		return nil, nil, false, err
	}
	resources, err := l.resources(s, info.ID)
	if err != nil {
		return nil, nil, false, err
	}
	plan, err := e.plan(p.m, info, resources, p.settings)
	if err != nil {
		return nil, nil, false, err
	}
	return p, plan.changes, plan.empty() && !unfinishedBusiness(resources), nil
}

// unfinishedBusiness reports whether an earlier operation left something that
// another one has to put right.
func unfinishedBusiness(resources map[string]*Resource) bool {
	for _, r := range resources {
		if r.Status == CreateFailed || r.Status == UpdateFailed || len(r.Strays) > 0 {
			return true
		}
	}
	return false
}

// beginUpdate records and launches an update of the stack that info shows. also is
// recorded with it.
func (e *Engine) beginUpdate(ctx context.Context, l layout, d *Deploy, info *Stack, p *prepared, changeSet string, also ...kv.Pair) error {
	was := *info
	info.Status, info.Reason = UpdateInProgress, userInitiated
	info.Updated = e.model.Now()
	info.Operations++
	info.DisableRollback = d.OnFailure == DoNothing
	op := &operation{
		Verb: verbUpdate, Phase: phaseApply, Number: info.Operations, Actor: d.Actor, Cause: causeOf(ctx), Token: d.Token, OnFailure: d.OnFailure,
		RetainExceptOnCreate: d.RetainExceptOnCreate, Imports: p.m.imports, Settings: p.settings, ChangeSetID: changeSet,
	}
	return e.begin(ctx, l, info, op, p, func(tx *kv.Tx) error {
		write(tx, also...)
		return l.still(tx, &was, "updated")
	})
}

// still checks that no operation has begun on a stack since it was read.
func (l layout) still(tx *kv.Tx, was *Stack, what string) error {
	now, ok, err := get[Stack](tx, l.stack(was.ID))
	switch {
	case err != nil:
		return err
	case !ok:
		return noStack(was.ID)
	case now.Operations != was.Operations || now.Status != was.Status:
		return cannot(now, what)
	}
	return nil
}

// notFound turns errNoStack into what a caller reads.
func notFound(err error, nameOrID string, say func(string) error) error {
	if errors.Is(err, errNoStack) {
		return say(nameOrID)
	}
	return err
}
