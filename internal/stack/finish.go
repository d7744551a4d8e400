package stack

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/kv"
)

// failedResources returns the logical ids of what failed in this operation.
func (r *run) failedResources() []string {
	return r.names(func(res *Resource) bool { return res.FailedIn == r.op.Number })
}

// failures says which resources failed, as CloudFormation does.
func (r *run) failures() string {
	var b strings.Builder
	for _, kind := range []struct {
		status Status
		verb   string
	}{{CreateFailed, "create"}, {UpdateFailed, "update"}, {DeleteFailed, "delete"}} {
		names := r.names(func(res *Resource) bool { return res.FailedIn == r.op.Number && res.Status == kind.status })
		if len(names) > 0 {
			fmt.Fprintf(&b, "The following resource(s) failed to %s: [%s]. ", kind.verb, strings.Join(names, ", "))
		}
	}
	return b.String()
}

// fail ends the phase of applying without success.
func (r *run) fail() error {
	why := r.failures()
	if why == "" {
		why = r.op.Failure
	}
	b := r.batch()
	b.moves = true
	switch {
	case r.op.OnFailure == DoNothing && r.m != nil:
		status := UpdateFailed
		if r.op.Verb == verbCreate {
			status = CreateFailed
		}
		r.settle(b)
		if err := r.adopt(b); err != nil {
			return err
		}
		r.info.Imports = slices.Compact(slices.Sorted(slices.Values(append(r.info.Imports, r.op.Imports...))))
		b.stack(status, why)
		b.end()
	case r.op.Verb == verbCreate && r.op.OnFailure == DeleteOnFail:
		r.op.Verb = verbDelete
		if why != userInitiated {
			why = strings.TrimSuffix(why, " ") + " Delete requested by user."
		}
		b.stack(DeleteInProgress, why)
		b.phase(phaseApply)
	case r.op.Verb == verbCreate:
		b.stack(RollbackInProgress, strings.TrimSuffix(why, " ")+" Rollback requested by user.")
		b.phase(phaseRollback)
	default:
		b.stack(UpdateRollbackInProgress, why)
		b.phase(phaseRollback)
	}
	return b.commit()
}

// succeed ends the phase of applying with success: the stack is what the
// template says.
func (r *run) succeed() error {
	outputs, ds := r.m.evaluate(r.attribute)
	if ds.HasErrors() {
		return &conflict{reason: strings.TrimSuffix(firstMessage(ds), ".")}
	}
	b := r.batch()
	b.moves = true
	r.settle(b)
	for _, name := range r.names(func(res *Resource) bool { return r.m.nodes[res.LogicalID] != nil }) {
		res := r.resource(name)
		was := res.version
		res.declare(r.m.nodes[name])
		if !slices.Equal(was.DependsOn, res.DependsOn) || was.DeletionPolicy != res.DeletionPolicy ||
			was.UpdateReplacePolicy != res.UpdateReplacePolicy || !bytes.Equal(was.Metadata, res.version.Metadata) {
			b.resource(res)
		}
	}
	old := r.info.Outputs
	b.check(func(tx *kv.Tx) error { return r.l.exports(tx, r.id, old, outputs) })
	imports := append(slices.Clone(r.op.Imports), r.info.Imports...)
	b.check(func(tx *kv.Tx) error { return r.l.imports(tx, r.id, imports, r.m.imports) })
	r.info.Outputs, r.info.Imports = outputs, r.m.imports
	if err := r.adopt(b); err != nil {
		return err
	}
	if r.op.Verb == verbCreate {
		b.stack(CreateComplete, "")
		b.end()
	} else {
		b.stack(UpdateCompleteCleanupInProgress, "")
		b.phase(phaseCleanup)
	}
	return b.commit()
}

// adopt makes the settings and the template of the operation those of the
// stack.
func (r *run) adopt(b *batch) error {
	body, err := r.read(r.l.body(r.id, bodyNext))
	if err != nil {
		return err
	}
	r.info.Settings = r.op.Settings
	r.info.Description = r.m.env.Template.Description
	if r.op.ChangeSetID != "" {
		r.info.ChangeSetID = r.op.ChangeSetID
	}
	b.pairs = append(b.pairs, kv.Pair{Key: r.l.body(r.id, bodyNow), Value: body})
	return nil
}

// node returns what the model wants of a resource, or nil.
func (r *run) node(logicalID string) *node {
	if r.m == nil {
		return nil
	}
	return r.m.nodes[logicalID]
}

// settle forgets how the resources were before: from now on there is no way
// back. What was replaced is left to the clean-up.
func (r *run) settle(b *batch) {
	for _, name := range r.names(func(res *Resource) bool { return res.New || res.Before != nil }) {
		res := r.resource(name)
		if before := res.Before; before != nil && before.PhysicalID != res.PhysicalID {
			res.Strays = append(res.Strays, *before)
		}
		res.New, res.Before = false, nil
		b.resource(res)
	}
}
