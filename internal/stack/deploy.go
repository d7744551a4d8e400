package stack

import (
	"context"
	"errors"
	"slices"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/stack/eval"
	"github.com/nube-run/nube/internal/template"
)

// Deploy is what a caller wants a stack to become.
type Deploy struct {
	Scope arn.Scope
	Name  string // or, for an update, the stack's id
	Actor awsapi.Actor

	Template *template.Template
	// Body is the template as text, as the caller wrote it; empty means the
	// JSON of Template.
	Body string

	Parameters  map[string]string
	UsePrevious []string // parameters that keep their value, updates only

	Tags             []Tag
	Capabilities     []string
	NotificationARNs []string
	RoleARN          string

	OnFailure             OnFailure
	RetainExceptOnCreate  bool
	TerminationProtection bool // creations only
	TimeoutMinutes        int  // creations only
	Token                 string
}

// maxBody is how long the text of a template may be, as in AWS. It has to fit
// into one value of the store.
const maxBody = 1_000_000

// prepared is a deploy that was checked against a state of the store.
type prepared struct {
	m        *model
	body     string
	settings Settings
}

// prepare checks a deploy for a stack. s is the stack as it is, or as it will
// begin.
func (e *Engine) prepare(r reader, l layout, d *Deploy, s *Stack) (*prepared, error) {
	if len(d.body()) > maxBody {
		return nil, invalid("Template may not exceed %d bytes in size.", maxBody)
	}
	given, err := given(d, s)
	if err != nil {
		return nil, err
	}
	params, ds := eval.Bind(d.Template, given)
	if err := ds.Err(); err != nil {
		return nil, err
	}
	if err := e.stored(d.Scope, d.Actor, params); err != nil {
		return nil, err
	}
	var failed error
	m, ds := e.compile(d.Template, params, identity(s, d.Scope, d.NotificationARNs), importer(r, l, &failed))
	if err := errors.Join(failed, ds.Err()); err != nil {
		return nil, err
	}
	return &prepared{m: m, body: d.body(), settings: d.settings(params)}, nil
}

// body returns the template as text.
func (d *Deploy) body() string {
	if d.Body != "" {
		return d.Body
	}
	return string(d.Template.Value().AppendJSON(nil))
}

// settings returns what the stack keeps of the deploy.
func (d *Deploy) settings(params eval.Parameters) Settings {
	names := make([]string, len(d.Template.Parameters))
	for i := range d.Template.Parameters {
		names[i] = d.Template.Parameters[i].Name
	}
	return Settings{
		Parameters: paramsOf(names, params), Tags: d.Tags, Capabilities: d.Capabilities,
		NotificationARNs: d.NotificationARNs, RoleARN: d.RoleARN,
	}
}

// given returns the values of parameters that a deploy sets.
func given(d *Deploy, s *Stack) (map[string]string, error) {
	if len(d.UsePrevious) == 0 {
		return d.Parameters, nil
	}
	out := make(map[string]string, len(d.Parameters)+len(d.UsePrevious))
	for k, v := range d.Parameters {
		out[k] = v
	}
	for _, name := range d.UsePrevious {
		i := slices.IndexFunc(s.Parameters, func(p Parameter) bool { return p.Key == name })
		if i < 0 {
			return nil, invalid("Invalid input for parameter key %s. Cannot specify usePreviousValue as true for a parameter key not in the previous template", name)
		}
		out[name] = s.Parameters[i].Value
	}
	return out, nil
}

// Validate checks a deploy without changing anything: it returns the error with
// which its creation or update would be refused, or the warnings about a
// template that can be used.
func (e *Engine) Validate(ctx context.Context, d Deploy) (warnings template.Diagnostics, err error) {
	l := layoutOf(cell(d.Scope))
	err = e.db.View(ctx, func(s *kv.Snap) error {
		st, err := l.find(s, d.Name)
		if errors.Is(err, errNoStack) {
			st, err = &Stack{Name: d.Name, ID: e.stackID(&d)}, nil
		}
		if err != nil {
			return err
		}
		p, err := e.prepare(s, l, &d, st)
		if err == nil {
			warnings = p.m.warn
		}
		return err
	})
	return warnings, err
}

// Check checks a template as far as that is possible without the values of its
// parameters: something that fits stands for each.
func (e *Engine) Check(scope arn.Scope, t *template.Template) error {
	params, ds := eval.Sketch(t)
	d := Deploy{Scope: scope, Name: "stack"}
	st := eval.Stack{Name: d.Name, ID: e.stackID(&d), Scope: scope}
	_, more := e.compile(t, params, st, func(string) (string, bool) { return "import", true })
	return append(ds, more...).Err()
}

func (e *Engine) stackID(d *Deploy) string {
	return d.Scope.Stack(d.Name, uuid(e.newID())).String()
}

// Outcome says what [Engine.Up] began.
type Outcome struct {
	StackID string
	Changed bool // an operation was begun; [Engine.Wait] tells how it ends
	// Warnings are about a template that can be used. They are not told again
	// when nothing has changed since.
	Warnings template.Diagnostics
}

// Up makes a stack what d says: it creates it, updates it, or finds that there
// is nothing to do. A stack whose creation was rolled back is created anew. It waits for
// the end of an operation under way, such as one that a crash has interrupted and that
// goes on.
func (e *Engine) Up(ctx context.Context, d Deploy) (Outcome, error) {
	s, err := e.Stack(ctx, d.Scope, d.Name)
	if err == nil && s.Status.InProgress() {
		if _, err := e.Wait(ctx, d.Scope, s.ID); err != nil {
			return Outcome{StackID: s.ID}, err
		}
		s, err = e.Stack(ctx, d.Scope, d.Name) // which it may be no more
	}
	switch {
	case IsNoStack(err):
		return e.create(ctx, d)
	case err != nil:
		return Outcome{}, err
	}
	if s.Status == RollbackComplete || s.Status == ReviewInProgress {
		if _, err := e.prepareOnly(ctx, &d, s); err != nil {
			return Outcome{StackID: s.ID}, err // keep what it shows
		}
		if err := e.Delete(ctx, DeleteRequest{Scope: d.Scope, Name: s.ID, Actor: d.Actor}); err != nil {
			return Outcome{StackID: s.ID}, err
		}
		if _, err := e.Wait(ctx, d.Scope, s.ID); err != nil {
			return Outcome{StackID: s.ID}, err
		}
		return e.create(ctx, d)
	}
	out, err := e.update(ctx, d)
	if IsNoUpdates(err) {
		err = nil
	}
	return out, err
}

func (e *Engine) prepareOnly(ctx context.Context, d *Deploy, st *Stack) (p *prepared, err error) {
	err = e.db.View(ctx, func(s *kv.Snap) error {
		p, err = e.prepare(s, layoutOf(cell(d.Scope)), d, st)
		return err
	})
	return p, err
}
