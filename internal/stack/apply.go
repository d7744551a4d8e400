package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/template"
)

// errStep says that a step failed; what failed is recorded with the resource.
var errStep = errors.New("stack: the step failed")

// apply creates and updates what the model wants.
func (r *run) apply(ctx context.Context) error {
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
	var broken errorOnce
	r.m.graph.walk(stepCtx, walkOptions{limit: r.e.parallel, stop: r.cancelled}, func(ctx context.Context, name string) error {
		err := r.applyNode(ctx, r.m.nodes[name])
		if err != nil && !errors.Is(err, errStep) {
			broken.set(err)
		}
		return err
	})
	if err := broken.get(); err != nil {
		return err
	}
	if r.interrupted() {
		return context.Cause(r.e.base)
	}
	switch {
	case len(r.failedResources()) > 0:
		return r.fail()
	case stepCtx.Err() != nil:
		r.op.Failure = "Stack creation time exceeded the specified timeout."
		return r.fail()
	case stopped(context.Background(), r.cancelled):
		r.op.Failure = "User Initiated"
		return r.fail()
	}
	err := r.succeed()
	var c *conflict
	why := "User Initiated"
	switch {
	case errors.As(err, &c):
		why = c.reason + "."
	case !errors.Is(err, errCancelled):
		return err
	}
	if err := r.load(ctx); err != nil { // what is in memory has succeeded
		return err
	}
	r.ended, r.op.Failure = false, why
	return r.fail()
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

// begin records the intent of a step and carries it out.
func (r *run) begin(ctx context.Context, n *node, res *Resource, act action, want *template.Value) error {
	it := &intent{Action: act, Properties: want.AppendJSON(nil), DependsOn: n.needs, Began: r.e.model.Now()}
	switch act {
	case actUpdate:
		it.PhysicalID = res.PhysicalID
	case actReplace:
		res.Generation++
		fallthrough
	default:
		it.PhysicalID = r.nameFor(n.typ, res, want)
	}
	it.Token = r.token(res.LogicalID, res.Generation, act)
	if act != actUpdate && n.typ.NameProperty != "" && want.Has(n.typ.NameProperty) {
		// Before the intent, so that what is found by a repeated Create is known
		// to be this stack's own.
		if err := r.vacant(ctx, n.typ, res, it, want); err != nil {
			if r.interrupted() {
				return err
			}
			return r.refuse(res, act == actCreate, err)
		}
	}
	b := r.batch()
	if act != actCreate && res.Before == nil {
		before := res.version
		res.Before = &before
	}
	res.Intent = it
	switch act {
	case actCreate:
		b.note(res, CreateInProgress, "")
	case actReplace:
		b.note(res, UpdateInProgress, "Requested update requires the creation of a new physical resource; hence creating one.")
	default:
		b.note(res, UpdateInProgress, "")
	}
	if err := b.commit(); err != nil {
		return err
	}
	return r.carryOut(ctx, res, false)
}

// nameFor returns the name that a new physical resource gets, or "".
func (r *run) nameFor(t *Type, res *Resource, want *template.Value) string {
	if t.NameProperty != "" {
		if v := want.Get(t.NameProperty); v != nil {
			return v.Text
		}
	}
	if t.Name.Max == 0 {
		return ""
	}
	return generatedName(r.ref(), res.LogicalID, res.Generation, t.Name)
}

// vacant checks that a name which the user chose is free.
func (r *run) vacant(ctx context.Context, t *Type, res *Resource, it *intent, want *template.Value) error {
	_, err := t.Provider.Read(ctx, Request{
		Stack: r.ref(), LogicalID: res.LogicalID, Type: res.Type, PhysicalID: it.PhysicalID, Token: it.Token, Properties: want,
	})
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return errors.New(reason(err, it.Token))
	}
	return fmt.Errorf("Resource of type '%s' with identifier '%s' already exists.", res.Type, it.PhysicalID)
}

// unfinished carries out the steps whose intent is recorded without a result.
func (r *run) unfinished(ctx context.Context) error {
	names := r.names(func(res *Resource) bool { return res.Intent != nil && res.Intent.Action != actDelete })
	var broken errorOnce
	newGraph(names, func(string) []string { return nil }).walk(ctx, walkOptions{limit: r.e.parallel, keepGoing: true}, func(ctx context.Context, name string) error {
		err := r.carryOut(ctx, r.resource(name), true)
		if err != nil && !errors.Is(err, errStep) {
			broken.set(err)
		}
		return err
	})
	return broken.get()
}

// carryOut calls the provider for the intent of a resource and records the
// result.
func (r *run) carryOut(ctx context.Context, res *Resource, again bool) error {
	it := res.Intent
	t := r.e.types.Find(res.Type)
	if t == nil {
		return fmt.Errorf("%s: the type %s is not offered any more", res.LogicalID, res.Type)
	}
	props, err := value(res.LogicalID, it.Properties)
	if err != nil {
		return err
	}
	req := Request{
		Stack: r.ref(), LogicalID: res.LogicalID, Type: res.Type, PhysicalID: it.PhysicalID, Token: it.Token,
		Properties: props, Again: again, Since: it.Began,
	}
	do := t.Provider.Create
	if it.Action == actUpdate || it.Action == actRestore {
		do = t.Provider.Update
		req.Attrs = res.Attrs
		if req.Old, err = value(res.LogicalID, res.Properties); err != nil {
			return err
		}
	}
	p, err := r.call(ctx, do, req)
	if err != nil && r.interrupted() {
		return err
	}
	switch {
	case err == nil:
		return r.succeeded(res, p)
	case ctx.Err() != nil && (it.Action == actCreate || it.Action == actReplace):
		return r.failed(res, p, "Resource creation cancelled")
	case ctx.Err() != nil:
		return r.failed(res, p, "Resource update cancelled")
	}
	return r.failed(res, p, reason(err, it.Token))
}

// succeeded records that the step of a resource was done.
func (r *run) succeeded(res *Resource, p Progress) error {
	it := res.Intent
	b := r.batch()
	v := version{PhysicalID: p.PhysicalID, Properties: it.Properties, Attrs: p.Attrs, DependsOn: it.DependsOn}
	if v.PhysicalID == "" {
		v.PhysicalID = it.PhysicalID
	}
	status, verb := UpdateComplete, "creation"
	switch it.Action {
	case actRestore:
		before := *res.Before
		v.DependsOn, v.Metadata = before.DependsOn, before.Metadata
		v.DeletionPolicy, v.UpdateReplacePolicy = before.DeletionPolicy, before.UpdateReplacePolicy
		res.Before = nil
	default:
		if n := r.node(res.LogicalID); n != nil {
			v.declare(n)
		}
	}
	res.version, res.FailedIn = v, 0
	if it.Action == actCreate || it.Action == actReplace {
		began := CreateInProgress
		if it.Action == actReplace {
			began = UpdateInProgress
		} else {
			status = CreateComplete
		}
		b.event(res, began, "Resource "+verb+" Initiated")
	}
	res.Intent = nil
	b.note(res, status, "")
	return b.commit()
}

// declare takes over what a template says about a resource besides its
// properties.
func (v *version) declare(n *node) {
	v.DependsOn = n.needs
	v.DeletionPolicy, v.UpdateReplacePolicy = n.res.DeletionPolicy, n.res.UpdateReplacePolicy
	v.Metadata = nil
	if n.res.Metadata != nil {
		v.Metadata = n.res.Metadata.AppendJSON(nil)
	}
}

// failed records that the step of a resource failed.
func (r *run) failed(res *Resource, p Progress, why string) error {
	it := res.Intent
	b := r.batch()
	status := UpdateFailed
	switch it.Action {
	case actCreate:
		status = CreateFailed
		res.version = version{PhysicalID: p.PhysicalID, Properties: it.Properties, Attrs: p.Attrs, DependsOn: it.DependsOn}
		if n := r.node(res.LogicalID); n != nil {
			res.declare(n)
		}
	case actReplace:
		if p.PhysicalID != "" {
			res.Strays = append(res.Strays, version{PhysicalID: p.PhysicalID, Properties: it.Properties, Attrs: p.Attrs, DependsOn: it.DependsOn})
		}
	case actUpdate:
		// What the resource is now is somewhere between the two.
		res.Properties = it.Properties
	}
	b.event(res, status, why)
	res.Intent, res.FailedIn = nil, r.op.Number
	res.Status, res.Reason, res.Changed = status, why, r.e.model.Now()
	b.resource(res)
	if err := b.commit(); err != nil {
		return err
	}
	return errStep
}

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
		b.stack(DeleteInProgress, strings.TrimSuffix(why, " ")+" Delete requested by user.")
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
	b.finishes = true
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
