package stack

import (
	"context"
	"time"

	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/work"
)

// Create begins to create a stack and returns its id. The template is checked
// before: what it refuses has changed nothing.
func (e *Engine) Create(ctx context.Context, d Deploy) (string, error) {
	out, err := e.create(ctx, d)
	return out.StackID, err
}

func (e *Engine) create(ctx context.Context, d Deploy) (Outcome, error) {
	l := layoutOf(cell(d.Scope))
	info := &Stack{ID: e.stackID(&d), Name: d.Name, TerminationProtection: d.TerminationProtection, Created: e.model.Now()}
	p, err := e.prepareOnly(ctx, &d, info)
	if err != nil {
		return Outcome{}, err
	}
	err = e.beginCreate(ctx, l, &d, info, p, func(tx *kv.Tx) error {
		raw, err := tx.Get(l.name(d.Name))
		if err == nil && raw != nil {
			return fault.New("AlreadyExistsException", "Stack [%s] already exists", d.Name)
		}
		return err
	}, "")
	return Outcome{StackID: info.ID, Changed: err == nil, Warnings: p.m.warn}, err
}

// beginCreate records and launches a creation. guard checks that it may begin.
func (e *Engine) beginCreate(ctx context.Context, l layout, d *Deploy, info *Stack, p *prepared, guard func(tx *kv.Tx) error, changeSet string) error {
	info.Description = p.m.env.Template.Description
	info.Settings = p.settings
	info.Status, info.Reason = CreateInProgress, userInitiated
	info.TimeoutMinutes, info.DisableRollback = d.TimeoutMinutes, d.OnFailure == DoNothing
	info.ChangeSetID = changeSet
	info.Operations++
	op := &operation{
		Verb: verbCreate, Phase: phaseApply, Number: info.Operations, Actor: d.Actor, Cause: causeOf(ctx), Token: d.Token, OnFailure: d.OnFailure,
		RetainExceptOnCreate: d.RetainExceptOnCreate, Imports: p.m.imports, Settings: p.settings, ChangeSetID: changeSet,
	}
	if d.TimeoutMinutes > 0 {
		op.Deadline = e.machine.Now().Add(time.Duration(d.TimeoutMinutes) * time.Minute).UnixNano()
	}
	return e.begin(ctx, l, info, op, p, guard)
}

// begin records an operation with the first event of its stack, and launches
// it. p is nil when the stack is deleted.
func (e *Engine) begin(ctx context.Context, l layout, info *Stack, op *operation, p *prepared, guard func(tx *kv.Tx) error) error {
	token := e.ledger.Begin(work.Stack, info.Name)
	op.Fence = uuid(e.newID())
	event := put(nil, &Event{
		LogicalID: info.Name, PhysicalID: info.ID, Type: stackType, Status: info.Status, Reason: info.Reason, Time: e.model.Now(), Token: op.Token,
	}).Value
	pairs := []kv.Pair{
		put(l.stack(info.ID), info), put(l.op(info.ID), op),
		{Key: l.name(info.Name), Value: []byte(info.ID)}, {Key: l.active(info.ID)},
	}
	if p != nil {
		pairs = append(pairs, kv.Pair{Key: l.body(info.ID, bodyNext), Value: []byte(p.body)})
		if op.Verb == verbCreate {
			pairs = append(pairs, kv.Pair{Key: l.body(info.ID, bodyNow), Value: []byte(p.body)})
		}
	}
	_, err := e.db.Update(ctx, func(tx *kv.Tx) error {
		if err := guard(tx); err != nil {
			return err
		}
		if err := l.imports(tx, info.ID, nil, op.Imports); err != nil {
			return err
		}
		write(tx, pairs...)
		tx.Append(l.events(info.ID), nil, event)
		tx.Signal(l.stack(info.ID))
		return nil
	})
	if err != nil {
		token.End()
		return err
	}
	var m *model
	if p != nil {
		m = p.m
	}
	e.launch(l, info.ID, op.Fence, m, token)
	return nil
}
