package stack

import (
	"context"
	"slices"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/work"
)

// CancelUpdate stops an update that is under way; it is then rolled back.
func (e *Engine) CancelUpdate(ctx context.Context, scope arn.Scope, nameOrID string) error {
	l := layoutOf(cell(scope))
	id := ""
	_, err := e.db.Update(ctx, func(tx *kv.Tx) error {
		s, err := l.find(tx, nameOrID)
		if err != nil {
			return notFound(err, nameOrID, noStack)
		}
		op, ok, err := get[operation](tx, l.op(s.ID))
		switch {
		case err != nil:
			return err
		case !ok || s.Status != UpdateInProgress || op.Phase != phaseApply:
			return invalid("CancelUpdateStack cannot be called from current stack status")
		}
		id = s.ID
		op.Cancelled = true
		write(tx, put(l.op(s.ID), op))
		return nil
	})
	if err == nil {
		e.interrupt(id)
	}
	return err
}

// interrupt tells the runner of a stack, if it is here, that its operation was
// cancelled. One that runs elsewhere finds out when it wants to finish.
func (e *Engine) interrupt(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r := e.runs[id]; r != nil {
		r.cancel()
	}
}

// ContinueRollback goes on with a rollback that failed. What skip names is left
// as it is and counts as restored.
func (e *Engine) ContinueRollback(ctx context.Context, scope arn.Scope, nameOrID string, actor awsapi.Actor, skip []string, token string) error {
	l := layoutOf(cell(scope))
	running := e.ledger.Begin(work.Stack, nameOrID)
	fence, now := uuid(e.newID()), e.model.Now()
	id := ""
	_, err := e.db.Update(ctx, func(tx *kv.Tx) error {
		s, err := l.find(tx, nameOrID)
		if err != nil {
			return notFound(err, nameOrID, noStackNamed)
		}
		op, ok, err := get[operation](tx, l.op(s.ID))
		switch {
		case err != nil:
			return err
		case !ok || s.Status != UpdateRollbackFailed:
			return cannot(s, "rolled back")
		}
		for _, name := range skip {
			res, ok, err := get[Resource](tx, l.resource(s.ID, name))
			if err != nil {
				return err
			}
			if !ok || res.Status != UpdateFailed {
				return invalid("The following resource(s) are not in the UPDATE_FAILED state: %s", bracketed([]string{name}))
			}
		}
		id = s.ID
		op.Fence, op.Token, op.Actor = fence, token, actor
		op.Skip, op.Round = slices.Clone(skip), op.Round+1
		s.Status, s.Reason = UpdateRollbackInProgress, userInitiated
		write(tx, put(l.op(s.ID), op), put(l.stack(s.ID), s), kv.Pair{Key: l.active(s.ID)})
		tx.Append(l.events(s.ID), nil, put(nil, &Event{
			LogicalID: s.Name, PhysicalID: s.ID, Type: stackType, Status: s.Status, Reason: s.Reason, Time: now, Token: token,
		}).Value)
		tx.Signal(l.stack(s.ID))
		return nil
	})
	if err != nil {
		running.End()
		return err
	}
	e.launch(l, id, fence, nil, running)
	return nil
}
