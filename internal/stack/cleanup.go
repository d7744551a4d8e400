package stack

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nube-run/nube/internal/kv"
)

// attempts is how often the clean-up tries to delete a resource before it
// gives it up.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-monitor-stack.html
const attempts = 3

// cleanup deletes what an update has left behind: resources that the template
// has no more, and those that were replaced. After a rollback it deletes what
// the update had made. Nothing that fails here makes the operation fail.
func (r *run) cleanup(ctx context.Context) error {
	forward := r.op.Phase == phaseCleanup
	unwanted := func(res *Resource) bool {
		if forward {
			return r.m.nodes[res.LogicalID] == nil
		}
		return res.New
	}
	names := r.names(func(res *Resource) bool { return unwanted(res) || len(res.Strays) > 0 })
	var left errorOnce
	err := r.each(ctx, r.dependencies(names).reversed(), walkOptions{keepGoing: true}, func(ctx context.Context, name string) error {
		res := r.resource(name)
		err := r.removeStrays(ctx, res, &left)
		if err == nil && unwanted(res) {
			err = r.removeResource(ctx, res, forward, &left)
		}
		return err
	})
	if err != nil {
		return err
	}
	why := ""
	if left.get() != nil {
		why = "One or more resources could not be deleted."
	}
	b := r.batch()
	if forward {
		b.stack(UpdateComplete, why)
	} else {
		b.stack(UpdateRollbackComplete, why)
	}
	b.end()
	return b.commit()
}

// removeStrays deletes the physical resources that a logical one has left
// behind.
func (r *run) removeStrays(ctx context.Context, res *Resource, left *errorOnce) error {
	for len(res.Strays) > 0 {
		v := res.Strays[0]
		if v.UpdateReplacePolicy == "Retain" {
			res.Strays = slices.Delete(res.Strays, 0, 1)
			b := r.batch()
			b.stray(res, &v, DeleteSkipped, "")
			b.resource(res)
			if err := b.commit(); err != nil {
				return err
			}
			continue
		}
		b := r.batch()
		b.stray(res, &v, DeleteInProgress, "")
		if err := b.commit(); err != nil {
			return err
		}
		err := r.discard(ctx, res, &v)
		if err != nil && r.interrupted() {
			return err
		}
		res.Strays = slices.Delete(res.Strays, 0, 1)
		b = r.batch()
		b.resource(res)
		if err != nil {
			left.set(err)
			b.stray(res, &v, DeleteFailed, err.Error())
		} else {
			b.stray(res, &v, DeleteComplete, "")
		}
		if err := b.commit(); err != nil {
			return err
		}
	}
	return nil
}

// removeResource deletes a resource that the stack does not have any more.
func (r *run) removeResource(ctx context.Context, res *Resource, forward bool, left *errorOnce) error {
	var final Status
	var why string
	switch {
	case !res.exists():
		final = DeleteComplete
	case r.retains(res, !forward):
		final = DeleteSkipped
	default:
		b := r.batch()
		b.note(res, DeleteInProgress, "")
		if err := b.commit(); err != nil {
			return err
		}
		err := r.discard(ctx, res, &res.version)
		if err != nil && r.interrupted() {
			return err
		}
		final = DeleteComplete
		if err != nil {
			left.set(err)
			final, why = DeleteFailed, err.Error()
		}
	}
	b := r.batch()
	b.event(res, final, why)
	b.remove(res)
	if err := b.commit(); err != nil {
		return err
	}
	r.known(res.LogicalID, nil)
	return nil
}

// discard deletes a physical resource, in a few attempts.
func (r *run) discard(ctx context.Context, res *Resource, v *version) error {
	var err error
	for range attempts {
		if err = r.remove(ctx, res, v); err == nil || r.interrupted() {
			break
		}
	}
	return err
}

// remove calls the provider to delete a physical resource. The error says why
// in CloudFormation's words.
func (r *run) remove(ctx context.Context, res *Resource, v *version) error {
	t := r.e.types.Find(res.Type)
	if t == nil {
		return fmt.Errorf("the type %s is not offered any more", res.Type)
	}
	props, err := value(res.LogicalID, v.Properties)
	if err != nil {
		return err
	}
	tok := r.token(res.LogicalID+"/"+v.PhysicalID, res.Generation, actDelete)
	_, err = r.call(ctx, t.Provider.Delete, Request{
		Stack: r.ref(), LogicalID: res.LogicalID, Type: res.Type, PhysicalID: v.PhysicalID, Token: tok,
		Properties: props, Attrs: v.Attrs, Again: true,
	})
	if err != nil && !r.interrupted() {
		return errors.New(reason(err, tok))
	}
	return err
}

// retains reports whether a resource outlives its place in the stack. creating
// says that the operation which made it is being rolled back.
func (r *run) retains(res *Resource, creating bool) bool {
	switch res.DeletionPolicy {
	case "Retain":
		return !creating || !r.op.RetainExceptOnCreate
	case "RetainExceptOnCreate":
		return !creating
	}
	return false
}

// kept reports whether a physical resource that is not new outlives its stack.
func (v *version) kept() bool {
	return v.DeletionPolicy == "Retain" || v.DeletionPolicy == "RetainExceptOnCreate"
}

// deleteAll deletes the resources of the stack, in the reverse order: because
// the stack is deleted, or because it could not be created.
func (r *run) deleteAll(ctx context.Context) error {
	creating := r.op.Phase == phaseRollback
	if !creating {
		// First, so that nobody imports what is about to go.
		b := r.batch()
		outputs := r.info.Outputs
		b.check(func(tx *kv.Tx) error { return r.l.exports(tx, r.id, outputs, nil) })
		var c *conflict
		if err := b.commit(); errors.As(err, &c) {
			// The stack stays what it was.
			b := r.batch()
			b.stack(r.op.Was, "Delete canceled. Cannot delete export "+c.export+" as it is in use by "+listed(c.users)+".")
			b.end()
			return b.commit()
		} else if err != nil {
			return err
		}
	}
	names := r.names(func(res *Resource) bool { return res.Status != DeleteComplete && res.Status != DeleteSkipped })
	err := r.each(ctx, r.dependencies(names).reversed(), walkOptions{keepGoing: true}, func(ctx context.Context, name string) error {
		return r.deleteNode(ctx, r.resource(name), creating)
	})
	if err != nil {
		return err
	}
	b := r.batch()
	failed := r.names(func(res *Resource) bool { return res.Status == DeleteFailed && res.FailedIn == r.op.Number })
	switch {
	case len(failed) > 0 && creating:
		b.stack(RollbackFailed, "The following resource(s) failed to delete: "+bracketed(failed)+". ")
	case len(failed) > 0:
		b.stack(DeleteFailed, "The following resource(s) failed to delete: "+bracketed(failed)+". ")
	case creating:
		b.stack(RollbackComplete, "")
	default:
		r.info.Deleted = r.e.model.Now()
		b.stack(DeleteComplete, "")
		name := *r.info
		b.check(func(tx *kv.Tx) error { return r.l.forgetName(tx, &name) })
	}
	imports := append(slices.Clone(r.op.Imports), r.info.Imports...)
	b.check(func(tx *kv.Tx) error { return r.l.imports(tx, r.id, imports, nil) })
	b.end()
	return b.commit()
}

// deleteNode deletes a resource with all that it has left behind. What was
// replaced stays where its policy says so, as it does in the clean-up of an
// update; what an update was about to replace, and could not restore, is the
// resource itself and has that one's policy.
func (r *run) deleteNode(ctx context.Context, res *Resource, creating bool) error {
	b := r.batch()
	for _, v := range res.Strays {
		if v.UpdateReplacePolicy == "Retain" {
			b.stray(res, &v, DeleteSkipped, "")
			continue
		}
		if err := r.remove(ctx, res, &v); err != nil {
			return r.undeleted(ctx, res, err)
		}
	}
	if before := res.Before; before != nil && before.PhysicalID != res.PhysicalID {
		if slices.Contains(r.op.Retain, res.LogicalID) || before.kept() {
			b.stray(res, before, DeleteSkipped, "")
		} else if err := r.remove(ctx, res, before); err != nil {
			return r.undeleted(ctx, res, err)
		}
	}
	if len(b.events) > 0 {
		if err := b.commit(); err != nil {
			return err
		}
	}
	res.Strays, res.Before = nil, nil
	final := DeleteComplete
	switch {
	case !res.exists():
	case slices.Contains(r.op.Retain, res.LogicalID), r.retains(res, creating):
		final = DeleteSkipped
	default:
		b := r.batch()
		b.note(res, DeleteInProgress, "")
		if err := b.commit(); err != nil {
			return err
		}
		if err := r.remove(ctx, res, &res.version); err != nil {
			return r.undeleted(ctx, res, err)
		}
	}
	b = r.batch()
	res.New, res.Intent = false, nil
	b.note(res, final, "")
	return b.commit()
}

// undeleted records that a resource could not be deleted.
func (r *run) undeleted(ctx context.Context, res *Resource, why error) error {
	if r.interrupted() {
		return why
	}
	b := r.batch()
	res.FailedIn = r.op.Number
	b.note(res, DeleteFailed, why.Error())
	if err := b.commit(); err != nil {
		return err
	}
	return errStep
}
