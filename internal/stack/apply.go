package stack

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nube-run/nube/internal/template"
)

// errStep says that a step failed; what failed is recorded with the resource.
var errStep = errors.New("stack: the step failed")

// apply creates and updates what the model wants, and ends the phase.
func (r *run) apply(ctx context.Context) error {
	err := r.applyAll(ctx)
	var c *conflict
	switch {
	case errors.As(err, &c):
		return r.giveUp(ctx, c.reason+".")
	case errors.Is(err, errCancelled):
		return r.giveUp(ctx, userInitiated)
	}
	return err
}

// applyAll visits the resources and ends the phase with success or failure.
func (r *run) applyAll(ctx context.Context) error {
	stepCtx, cancel := ctx, context.CancelFunc(func() {})
	if r.op.Deadline != 0 {
		stepCtx, cancel = r.e.machine.WithDeadline(ctx, time.Unix(0, r.op.Deadline))
	}
	defer cancel()
	if err := r.unfinished(stepCtx); err != nil {
		return err
	}
	if r.m == nil {
		return r.fail()
	}
	if len(r.failedResources()) > 0 {
		return r.fail() // found after a crash
	}
	err := r.each(stepCtx, r.m.graph, walkOptions{stop: r.cancelled}, func(ctx context.Context, name string) error {
		return r.applyNode(ctx, r.m.nodes[name])
	})
	if err != nil {
		return err
	}
	switch {
	case stopped(context.Background(), r.cancelled):
		return errCancelled
	case len(r.failedResources()) > 0:
		return r.fail()
	case stepCtx.Err() != nil:
		r.op.Failure = "Stack creation time exceeded the specified timeout."
		return r.fail()
	}
	return r.succeed()
}

// applyNode makes one resource what the model wants.
func (r *run) applyNode(ctx context.Context, n *node) error {
	id := n.res.LogicalID
	res := r.resource(id)
	if res != nil && res.Status == CreateFailed && res.exists() {
		// Half of it was made by an operation that was not rolled back.
		if err := r.remove(ctx, res, &res.version); err != nil {
			if r.interrupted() {
				return err
			}
			return r.refuse(res, true, err)
		}
		res.version = version{}
	}
	fresh := res == nil || !res.exists()
	if res == nil {
		res = &Resource{LogicalID: id, Type: n.res.Type}
	}
	want, err := r.wanted(n)
	if err != nil {
		return r.refuse(res, fresh, err)
	}
	if fresh {
		res.New = true
		r.known(id, res)
		return r.begin(ctx, n, res, actCreate, want)
	}
	if res.Status != UpdateFailed && same(res, want) {
		return nil
	}
	old, err := value(id, res.Properties)
	if err != nil {
		return err
	}
	ds := compare(n.typ, old, want)
	switch {
	case len(ds) == 0 && res.Status != UpdateFailed:
		return nil
	case len(ds) > 0 && decide(n.typ, old, want, ds) == actReplace:
		if name := n.typ.NameProperty; name != "" && want.Has(name) && template.Equal(want.Get(name), old.Get(name)) {
			return r.refuse(res, false, fmt.Errorf("CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename %s and update the stack again.", want.Get(name).Text))
		}
		return r.begin(ctx, n, res, actReplace, want)
	}
	return r.begin(ctx, n, res, actUpdate, want)
}

// wanted returns the properties of a node with all that it refers to.
func (r *run) wanted(n *node) (*template.Value, error) {
	v, ds := r.m.resolve("Resources", n.want, r.attribute)
	if err := ds.Err(); err != nil {
		return nil, errors.New(firstMessage(ds))
	}
	v, ds = n.typ.Table.Check(n.typ.Schema, v, n.res.Pos)
	if err := ds.Err(); err != nil {
		return nil, errors.New(firstMessage(ds))
	}
	return tagged(n.typ, v, r.op.Settings.Tags), nil
}

func firstMessage(ds template.Diagnostics) string {
	for _, d := range ds {
		if d.Severity == template.Error {
			return d.Message
		}
	}
	return ""
}

// refuse records that a resource failed before its provider was called.
func (r *run) refuse(res *Resource, fresh bool, why error) error {
	b := r.batch()
	res.FailedIn = r.op.Number
	if fresh {
		res.New = true
		r.known(res.LogicalID, res)
		b.event(res, CreateInProgress, "")
		b.note(res, CreateFailed, why.Error())
	} else {
		if res.Before == nil {
			before := res.version
			res.Before = &before
		}
		b.event(res, UpdateInProgress, "")
		b.note(res, UpdateFailed, why.Error())
	}
	if err := b.commit(); err != nil {
		return err
	}
	return errStep
}

// userInitiated is the reason of what a caller asked for.
const userInitiated = "User Initiated"

// giveUp ends the phase of applying for a reason of the stack's own. What is in
// memory may be ahead of what is stored, and the operation may have been
// changed by whoever cancelled it.
func (r *run) giveUp(ctx context.Context, why string) error {
	if err := r.load(ctx); err != nil {
		return err
	}
	r.ended, r.op.Failure = false, why
	return r.fail()
}
