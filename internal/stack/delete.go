package stack

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/kv"
)

// DeleteRequest asks for the deletion of a stack.
type DeleteRequest struct {
	Scope  arn.Scope
	Name   string // or id
	Actor  awsapi.Actor
	Retain []string // logical ids of what is left alone, after a deletion that failed
	Token  string
}

// Delete begins to delete a stack. One that does not exist, or is deleted
// already, is no error.
func (e *Engine) Delete(ctx context.Context, d DeleteRequest) error {
	l := layoutOf(cell(d.Scope))
	var info *Stack
	err := e.db.View(ctx, func(s *kv.Snap) (err error) {
		info, err = l.find(s, d.Name)
		if err != nil || len(d.Retain) == 0 {
			return err
		}
		resources, err := l.resources(s, info.ID)
		if err != nil {
			return err
		}
		return retainable(info, resources, d.Retain)
	})
	switch {
	case errors.Is(err, errNoStack):
		return nil
	case err != nil:
		return err
	case info.Status == DeleteComplete || info.Status == DeleteInProgress:
		return nil
	case info.TerminationProtection:
		return invalid("Stack [%s] cannot be deleted while TerminationProtection is enabled", info.Name)
	case info.Status == CreateInProgress:
		return e.abandon(ctx, l, info)
	case info.Status.InProgress():
		return invalid("Stack [%s] cannot be deleted while in status %s", info.Name, info.Status)
	}
	was := *info
	info.Status, info.Reason = DeleteInProgress, userInitiated
	info.Operations++
	op := &operation{
		Verb: verbDelete, Phase: phaseApply, Number: info.Operations, Actor: d.Actor, Cause: causeOf(ctx), Token: d.Token, Retain: d.Retain, Settings: info.Settings, Was: was.Status,
	}
	return e.begin(ctx, l, info, op, nil, func(tx *kv.Tx) error {
		if err := l.still(tx, &was, "deleted"); err != nil {
			return err
		}
		set := l.prefix("set", was.ID)
		tx.DeleteRange(set)
		return nil
	})
}

// abandon turns the creation of a stack into its deletion.
func (e *Engine) abandon(ctx context.Context, l layout, info *Stack) error {
	_, err := e.db.Update(ctx, func(tx *kv.Tx) error {
		op, ok, err := get[operation](tx, l.op(info.ID))
		switch {
		case err != nil:
			return err
		case !ok || op.Verb != verbCreate || op.Phase != phaseApply:
			return invalid("Stack [%s] cannot be deleted while its creation ends; try again", info.Name)
		}
		op.Cancelled, op.OnFailure = true, DeleteOnFail
		write(tx, put(l.op(info.ID), op))
		return nil
	})
	if err == nil {
		e.interrupt(info.ID)
	}
	return err
}

// retainable checks the resources that a deletion is to keep.
func retainable(s *Stack, resources map[string]*Resource, retain []string) error {
	if s.Status != DeleteFailed {
		return invalid("Invalid operation on stack [%s]. When you delete a stack, specify which resources to retain only when the stack is in the DELETE_FAILED state.", s.ID)
	}
	var unknown []string
	for _, id := range retain {
		if resources[id] == nil {
			unknown = append(unknown, id)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return invalid("Resources %s do not exist in stack %s", bracketed(unknown), s.Name)
	}
	return nil
}

// SetTerminationProtection changes whether a stack can be deleted, and returns
// its id.
func (e *Engine) SetTerminationProtection(ctx context.Context, scope arn.Scope, nameOrID string, on bool) (string, error) {
	l := layoutOf(cell(scope))
	id := ""
	_, err := e.db.Update(ctx, func(tx *kv.Tx) error {
		s, err := l.find(tx, nameOrID)
		if err != nil {
			return notFound(err, nameOrID, noStackNamed)
		}
		if strings.HasPrefix(string(s.Status), "DELETE_") && s.Status != DeleteFailed {
			return cannot(s, "updated")
		}
		s.TerminationProtection = on
		id = s.ID
		write(tx, put(l.stack(s.ID), s))
		return nil
	})
	return id, err
}
