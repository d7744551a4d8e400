package stack

import (
	"context"
	"errors"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/template"
)

// ChangeSet is a deploy that was compared with its stack and waits to be
// executed.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
type ChangeSet struct {
	ID          string // ARN
	Name        string
	StackID     string
	StackName   string
	Description string `json:",omitempty"`
	Creates     bool   `json:",omitempty"` // of the type CREATE
	Status      string // CREATE_COMPLETE, FAILED
	Reason      string `json:",omitempty"`
	Execution   string // AVAILABLE, UNAVAILABLE, EXECUTE_COMPLETE; OBSOLETE is found out when it is read
	Created     clock.Instant
	Changes     []Change `json:",omitempty"`
	Settings    Settings
	Body        string
	OnFailure   OnFailure `json:",omitempty"`
	Operations  int       // of the stack when it was compared
}

// noChanges is the reason that deploy tools look for.
const noChanges = "The submitted information didn't contain changes. Submit different information to create a change set."

// ChangeSetRequest asks for a change set.
type ChangeSetRequest struct {
	Deploy
	ChangeSet   string // name
	Description string
	Creates     bool // the stack does not exist yet
}

// CreateChangeSet compares a deploy with its stack and keeps the result.
func (e *Engine) CreateChangeSet(ctx context.Context, q ChangeSetRequest) (*ChangeSet, error) {
	l := layoutOf(cell(q.Scope))
	cs := &ChangeSet{
		ID:   q.Scope.Of("cloudformation", "changeSet/"+q.ChangeSet+"/"+uuid(e.newID())).String(),
		Name: q.ChangeSet, Description: q.Description, Creates: q.Creates, Status: "CREATE_COMPLETE", Execution: "AVAILABLE",
		Created: e.model.Now(), OnFailure: q.OnFailure,
	}
	var info *Stack
	var fresh bool
	err := e.db.View(ctx, func(s *kv.Snap) (err error) {
		if info, fresh, err = e.changeSetStack(s, l, &q); err != nil {
			return err
		}
		p, changes, idle, err := e.compare(s, l, &q.Deploy, info)
		if err != nil {
			return err
		}
		if idle {
			cs.Status, cs.Reason, cs.Execution = "FAILED", noChanges, "UNAVAILABLE"
		}
		cs.Changes, cs.Settings, cs.Body = changes, p.settings, p.body
		return nil
	})
	if err != nil {
		return nil, err
	}
	cs.StackID, cs.StackName, cs.Operations = info.ID, info.Name, info.Operations
	_, err = e.db.Update(ctx, func(tx *kv.Tx) error {
		if raw, err := tx.Get(l.changeSet(info.ID, cs.Name)); err != nil {
			return err
		} else if raw != nil {
			return fault.New("AlreadyExistsException", "ChangeSet %s already exists", cs.Name)
		}
		if !fresh {
			if err := l.still(tx, info, "updated"); err != nil {
				return err
			}
		} else if raw, err := tx.Get(l.name(info.Name)); err != nil {
			return err
		} else if raw != nil {
			return fault.New("AlreadyExistsException", "Stack [%s] already exists", info.Name)
		} else {
			write(tx, put(l.stack(info.ID), info), kv.Pair{Key: l.name(info.Name), Value: []byte(info.ID)})
			tx.Append(l.events(info.ID), nil, put(nil, &Event{
				LogicalID: info.Name, PhysicalID: info.ID, Type: stackType, Status: info.Status, Reason: info.Reason, Time: cs.Created, Token: q.Token,
			}).Value)
			tx.Signal(l.stack(info.ID))
		}
		write(tx, put(l.changeSet(info.ID, cs.Name), cs))
		return nil
	})
	return cs, err
}

// changeSetStack returns the stack of a change set. One of type CREATE begins
// a stack that waits for its execution; fresh says that it is not stored yet.
func (e *Engine) changeSetStack(s reader, l layout, q *ChangeSetRequest) (info *Stack, fresh bool, err error) {
	info, err = l.find(s, q.Name)
	switch {
	case errors.Is(err, errNoStack) && q.Creates:
		return &Stack{ID: e.stackID(&q.Deploy), Name: q.Name, Status: ReviewInProgress, Reason: userInitiated, Created: e.model.Now()}, true, nil
	case err != nil:
		return nil, false, notFound(err, q.Name, noStackNamed)
	case q.Creates && info.Status != ReviewInProgress:
		return nil, false, invalid("Stack [%s] already exists and cannot be created again with the changeSet [%s].", info.Name, q.ChangeSet)
	case !q.Creates && !info.Status.updatable():
		return nil, false, cannot(info, "updated")
	}
	return info, false, nil
}

// findChangeSet returns a change set by its id, or by its name and its stack.
func (l layout) findChangeSet(r reader, stack, nameOrID string) (*ChangeSet, *Stack, error) {
	missing := fault.New("ChangeSetNotFound", "ChangeSet [%s] does not exist", nameOrID).With(404)
	var cs *ChangeSet
	if strings.HasPrefix(nameOrID, "arn:") {
		list, err := all[ChangeSet](r, l.prefix("set"), kv.ScanOptions{})
		if err != nil {
			return nil, nil, err
		}
		for _, c := range list {
			if c.ID == nameOrID {
				cs = c
			}
		}
		if cs == nil {
			return nil, nil, missing
		}
		stack = cs.StackID
	}
	info, err := l.find(r, stack)
	if err != nil {
		return nil, nil, notFound(err, stack, noStackNamed)
	}
	if cs == nil {
		c, ok, err := get[ChangeSet](r, l.changeSet(info.ID, nameOrID))
		if err != nil {
			return nil, nil, err
		}
		if !ok {
			return nil, nil, missing
		}
		cs = c
	}
	if cs.Execution == "AVAILABLE" && cs.Operations != info.Operations {
		cs.Execution = "OBSOLETE"
	}
	return cs, info, nil
}

// ChangeSet returns a change set by its id, or by its name and its stack.
func (e *Engine) ChangeSet(ctx context.Context, scope arn.Scope, stack, nameOrID string) (cs *ChangeSet, info *Stack, err error) {
	err = e.view(ctx, scope, func(s *kv.Snap, l layout) error {
		cs, info, err = l.findChangeSet(s, stack, nameOrID)
		return err
	})
	return cs, info, err
}

// ChangeSets returns the change sets of a stack, by name.
func (e *Engine) ChangeSets(ctx context.Context, scope arn.Scope, stack string) ([]*ChangeSet, error) {
	var out []*ChangeSet
	err := e.view(ctx, scope, func(s *kv.Snap, l layout) error {
		info, err := l.find(s, stack)
		if err != nil {
			return notFound(err, stack, noStackNamed)
		}
		out, err = all[ChangeSet](s, l.prefix("set", info.ID), kv.ScanOptions{})
		for _, cs := range out {
			if cs.Execution == "AVAILABLE" && cs.Operations != info.Operations {
				cs.Execution = "OBSOLETE"
			}
		}
		return err
	})
	return out, err
}

// DeleteChangeSet forgets a change set. One that does not exist is no error.
func (e *Engine) DeleteChangeSet(ctx context.Context, scope arn.Scope, stack, nameOrID string) error {
	l := layoutOf(cell(scope))
	_, err := e.db.Update(ctx, func(tx *kv.Tx) error {
		cs, info, err := l.findChangeSet(tx, stack, nameOrID)
		if err == nil {
			tx.Delete(l.changeSet(info.ID, cs.Name))
		} else if fault.Is(err, "ChangeSetNotFound") {
			return nil
		}
		return err
	})
	return err
}

// ExecuteRequest asks for the execution of a change set.
type ExecuteRequest struct {
	Scope                arn.Scope
	Stack, ChangeSet     string
	Actor                awsapi.Actor
	DisableRollback      bool
	RetainExceptOnCreate bool
	Token                string
}

// Execute begins the operation of a change set and returns the stack's id.
func (e *Engine) Execute(ctx context.Context, q ExecuteRequest) (string, error) {
	l := layoutOf(cell(q.Scope))
	var cs *ChangeSet
	var info *Stack
	var p *prepared
	var d Deploy
	err := e.db.View(ctx, func(s *kv.Snap) (err error) {
		if cs, info, err = l.findChangeSet(s, q.Stack, q.ChangeSet); err != nil {
			return err
		}
		if cs.Execution != "AVAILABLE" {
			return fault.New("InvalidChangeSetStatus", "ChangeSet [%s] cannot be executed in its current execution status of [%s]", cs.ID, cs.Execution)
		}
		t, ds := template.Parse(&template.File{Name: "template", Text: []byte(cs.Body)})
		if err := ds.Err(); err != nil {
			return err
		}
		d = Deploy{
			Scope: q.Scope, Name: info.Name, Actor: q.Actor, Template: t, Body: cs.Body, Parameters: map[string]string{},
			Tags: cs.Settings.Tags, Capabilities: cs.Settings.Capabilities, NotificationARNs: cs.Settings.NotificationARNs,
			RoleARN: cs.Settings.RoleARN, OnFailure: cs.OnFailure, RetainExceptOnCreate: q.RetainExceptOnCreate, Token: q.Token,
		}
		if q.DisableRollback {
			d.OnFailure = DoNothing
		}
		for _, v := range cs.Settings.Parameters {
			d.Parameters[v.Key] = v.Value
		}
		p, err = e.prepare(s, l, &d, info)
		return err
	})
	if err != nil {
		return "", err
	}
	cs.Execution = "EXECUTE_COMPLETE"
	was := *info
	executed := put(l.changeSet(info.ID, cs.Name), cs)
	if cs.Creates {
		err = e.beginCreate(ctx, l, &d, info, p, func(tx *kv.Tx) error {
			write(tx, executed)
			return l.still(tx, &was, "created")
		}, cs.ID)
	} else {
		err = e.beginUpdate(ctx, l, &d, info, p, cs.ID, executed)
	}
	return info.ID, err
}
