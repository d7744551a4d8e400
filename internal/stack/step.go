package stack

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nube-run/nube/internal/stack/eval"
	"github.com/nube-run/nube/internal/template"
)

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
	g := newGraph(names, func(string) []string { return nil })
	return r.each(ctx, g, walkOptions{keepGoing: true}, func(ctx context.Context, name string) error {
		return r.carryOut(ctx, r.resource(name), true)
	})
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
	p, err := r.call(ctx, func(ctx context.Context, req Request) (_ Progress, err error) {
		if strings.Contains(req.PhysicalID, eval.DynamicPrefix) {
			return Progress{}, fmt.Errorf("the name of a resource cannot be a dynamic reference: %s", req.PhysicalID)
		}
		if req.Properties, err = r.e.resolve(ctx, req.Properties); err != nil {
			return Progress{}, err
		}
		return do(ctx, req)
	}, req)
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
