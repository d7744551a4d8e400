package cloud

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/control"
	"github.com/nube-run/nube/internal/manifest"
	"github.com/nube-run/nube/internal/manifest/serverless"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/runner"
	"github.com/nube-run/nube/internal/runner/build"
	"github.com/nube-run/nube/internal/runner/sandbox"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
	"github.com/nube-run/nube/internal/work"
)

// ManifestError is what is wrong with an application's files.
type ManifestError struct{ Diagnostics template.Diagnostics }

// Error implements error: the first complaint, and how many there are.
func (e *ManifestError) Error() string {
	n := 0
	for _, d := range e.Diagnostics {
		if d.Severity == template.Error {
			n++
		}
	}
	if n == 1 {
		return "the manifest has a mistake"
	}
	return fmt.Sprintf("the manifest has %d mistakes", n)
}

// Problems implements [control.Problems]: each complaint with its line and a
// caret.
func (e *ManifestError) Problems() []string {
	var out []string
	for _, d := range e.Diagnostics {
		out = append(out, strings.TrimRight(d.Render(), "\n"))
	}
	return out
}

// BuildError is code that could not be built.
type BuildError struct {
	Function string
	Err      error
}

// Error implements error.
func (e *BuildError) Error() string { return e.Function + ": " + e.Err.Error() }

// Unwrap returns the reason.
func (e *BuildError) Unwrap() error { return e.Err }

// Problems implements [control.Problems]: the compiler's complaints.
func (e *BuildError) Problems() []string {
	var bad *build.CompileError
	if !errors.As(e.Err, &bad) {
		return nil
	}
	out := append([]string{"function " + e.Function + " does not compile:"}, shown(bad.Problems)...)
	if len(bad.Problems) == 0 {
		out = append(out, strings.TrimRight(bad.Output, "\n"))
	}
	return out
}

// shown writes problems as the manifest's are: with the line and a caret.
func shown(ps []build.Problem) (out []string) {
	for _, p := range ps {
		f := &template.File{Name: p.File}
		f.Text, _ = os.ReadFile(p.File) // without it there is no line to show
		d := template.Errorf(template.Pos{File: f, Line: p.Line, Column: p.Column}, "%s", p.Message)
		out = append(out, strings.TrimRight(d.Render(), "\n"))
	}
	return out
}

// StackError is a deployment that CloudFormation's rules undid.
type StackError struct {
	Stack  string
	Status stack.Status
	Causes []stack.Event // the failures, oldest first
	// Misread are scripts of the application that their interpreters cannot
	// read, where that may be why.
	Misread []build.Problem
}

// Problems implements [control.Problems].
func (e *StackError) Problems() []string {
	if len(e.Misread) == 0 {
		return nil
	}
	return append([]string{e.Error()}, shown(e.Misread)...)
}

// Error implements error.
func (e *StackError) Error() string {
	text := fmt.Sprintf("stack %s is %s", e.Stack, e.Status)
	for _, c := range e.Causes {
		text += fmt.Sprintf("\n  %s (%s): %s", c.LogicalID, c.Type, c.Reason)
	}
	return text
}

// Deploy implements [control.Platform]: it reads the manifest, builds what
// changed and brings the stack to what the manifest says.
func (c *Cloud) Deploy(ctx context.Context, r control.DeployRequest, tell func(control.DeployEvent)) (_ *control.Deployment, err error) {
	if err := c.deploying.take(ctx); err != nil {
		return nil, err
	}
	defer c.deploying.Unlock()
	ctx, hop := c.recorder.Begin(ctx, record.Span{Service: "nube", Name: "deploy"})
	defer func() { hop.End(err) }()
	project, err := c.load(ctx, r)
	defer func() { c.madeOf = c.inputs(project.Project) }()
	if err != nil {
		return nil, err
	}
	if err := c.debug.attach(project.Project); err != nil {
		return nil, err
	}
	for _, d := range project.warnings {
		tell(control.DeployEvent{Phase: "warning", Subject: d.Error()})
	}
	tpl, err := c.build(ctx, project.Project, tell)
	if err != nil {
		return nil, err
	}
	changed, st, err := c.apply(ctx, project.Project, tpl, tell)
	if err != nil {
		var failed *StackError
		if errors.As(err, &failed) {
			failed.Misread = c.misread(ctx, project.Project)
		}
		return nil, err
	}
	app := application{Stack: project.StackName, Region: project.Region, Dir: project.Dir, Stage: project.Stage}
	if err := c.remember(ctx, app); err != nil {
		return nil, err
	}
	if err := c.debug.warm(ctx, project.Project); err != nil {
		return nil, err
	}
	return c.deployment(ctx, app, st, changed, len(project.Template.Resources))
}

// loaded is a project as it was read. With an error it has its inputs alone.
type loaded struct {
	*manifest.Project
	warnings template.Diagnostics
}

func (c *Cloud) load(ctx context.Context, r control.DeployRequest) (*loaded, error) {
	region := c.opts.Region
	if c.opts.anyRegion {
		region = "" // the manifest's own
	}
	project, diags := serverless.Load(ctx, r.Dir, serverless.Options{
		Stage: r.Stage, Region: region, Params: r.Params, Account: c.opts.Account, InstanceID: c.instance,
		Env:   func(name string) (string, bool) { v, ok := r.Env[name]; return v, ok },
		Cloud: variableSource{c},
	})
	if diags.HasErrors() {
		return &loaded{project, diags}, &ManifestError{diags}
	}
	return &loaded{project, diags}, nil
}

// build makes the artifacts of all functions and layers, in parallel, and
// returns the template with them in place.
func (c *Cloud) build(ctx context.Context, p *manifest.Project, tell func(control.DeployEvent)) (*template.Template, error) {
	token := c.ledger.Begin(work.Build, p.StackName)
	defer token.End()
	var mu sync.Mutex
	var wg sync.WaitGroup
	made, failed, told := map[string]manifest.Artifact{}, []error{}, map[string]bool{}
	for _, j := range c.jobs(p) {
		wg.Go(func() {
			a, err := c.builds.Build(ctx, j.source, func(e build.Event) {
				if e.Step != build.Unchanged && e.Step != build.Done {
					tell(control.DeployEvent{Phase: "build", Subject: j.key, Status: string(e.Step)})
				}
			})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = append(failed, &BuildError{Function: strings.TrimPrefix(j.key, "function "), Err: err})
				return
			}
			if closed := c.unreadable(a); closed != "" && !told[closed] {
				told[closed] = true
				tell(control.DeployEvent{Phase: "warning", Subject: runner.Unreadable(closed)})
			}
			made[j.key] = manifest.Artifact{Digest: a.Digest, SHA256: a.SHA256}
		})
	}
	wg.Wait()
	if len(failed) > 0 {
		return nil, errors.Join(failed...)
	}
	lookup := func(kind string) func(string) (manifest.Artifact, bool) {
		return func(key string) (manifest.Artifact, bool) { a, ok := made[kind+key]; return a, ok }
	}
	return p.Deployable(lookup("function "), lookup("layer "))
}

// unreadable is what functions cannot read of an artifact.
func (c *Cloud) unreadable(a build.Artifact) string {
	if c.sandbox == nil {
		return ""
	}
	return c.sandbox.Unreadable(sandbox.Spec{CodeDir: a.Dir, ReadOnly: a.Uses})
}

// job is code to be built.
type job struct {
	key    string // "function " or "layer ", and its name in the manifest
	source build.Source
}

func (c *Cloud) jobs(p *manifest.Project) (out []job) {
	add := func(key string, code manifest.Code, program string, debug bool) {
		path := filepath.Join(p.Dir, filepath.FromSlash(code.Path))
		out = append(out, job{key, build.Source{Kind: build.Kind(code.Kind), Path: path, Name: program, Patterns: code.Patterns, Debug: debug}})
	}
	for _, f := range p.Functions {
		add("function "+f.Key, f.Code, programName(f), c.debug.on(f.Name))
	}
	for _, l := range p.Layers {
		add("layer "+l.Key, l.Code, "", false)
	}
	return out
}

// misread looks for scripts that cannot be read, each once.
func (c *Cloud) misread(ctx context.Context, p *manifest.Project) (out []build.Problem) {
	seen := map[string]bool{}
	for _, j := range c.jobs(p) {
		if key := fmt.Sprint(j.source); j.source.Kind == build.Directory && !seen[key] {
			seen[key] = true
			out = append(out, c.builds.Misread(ctx, j.source)...)
		}
	}
	return out
}

// inputs are the files that a project and its artifacts were made of.
func (c *Cloud) inputs(p *manifest.Project) []string {
	out := slices.Clone(p.Inputs)
	for _, j := range c.jobs(p) {
		out = append(out, c.builds.Inputs(j.source)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// programName is the name under which a runtime starts a Go program: go1.x
// runs the handler, the others bootstrap.
func programName(f manifest.Function) string {
	if f.Runtime == "go1.x" {
		return filepath.Base(f.Handler)
	}
	return ""
}

// apply brings the stack to the template and waits until it is there.
func (c *Cloud) apply(ctx context.Context, p *manifest.Project, tpl *template.Template, tell func(control.DeployEvent)) (changed bool, st *stack.Stack, err error) {
	scope := arn.In(p.Region, c.opts.Account)
	d := stack.Deploy{
		Scope: scope, Name: p.StackName, Actor: awsapi.RootOf(c.opts.Account), Template: tpl, Parameters: map[string]string{},
		Capabilities: []string{"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"},
	}
	for _, param := range p.Params {
		d.Parameters[param.Name] = param.Value
	}
	for _, t := range p.StackTags {
		d.Tags = append(d.Tags, stack.Tag{Key: t.Key, Value: t.Value})
	}
	out, err := c.parts.stacks.Up(ctx, d)
	if err != nil {
		var diags template.Diagnostics
		if errors.As(err, &diags) {
			return false, nil, &ManifestError{diags}
		}
		return false, nil, err
	}
	for _, d := range out.Warnings {
		tell(control.DeployEvent{Phase: "warning", Subject: d.Error()})
	}
	if st, err = c.parts.stacks.Wait(ctx, scope, out.StackID); err != nil {
		return false, nil, err
	}
	if !out.Changed {
		return false, st, nil
	}
	causes, err := c.events(ctx, scope, st, tell)
	if err != nil {
		return true, nil, err
	}
	if st.Status.Failed() {
		return true, nil, &StackError{Stack: st.Name, Status: st.Status, Causes: causes}
	}
	return true, st, nil
}

// events tells what the last operation did to each resource, and returns the
// failures.
func (c *Cloud) events(ctx context.Context, scope arn.Scope, st *stack.Stack, tell func(control.DeployEvent)) ([]stack.Event, error) {
	var all []stack.Event
	for before := ""; ; {
		_, page, next, err := c.parts.stacks.Events(ctx, scope, st.ID, before, 1000)
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			all = append(all, e)
			// The operation began with the stack's own first event.
			if e.LogicalID == st.Name && (e.Status == stack.CreateInProgress || e.Status == stack.UpdateInProgress) {
				next = ""
				break
			}
		}
		if before = next; before == "" {
			break
		}
	}
	var failures []stack.Event
	for i := len(all) - 1; i >= 0; i-- {
		e := all[i]
		if strings.HasSuffix(string(e.Status), "_FAILED") && e.Reason != "Resource creation cancelled" {
			failures = append(failures, e)
		}
		if !e.Status.InProgress() {
			tell(control.DeployEvent{Phase: "apply", Subject: e.LogicalID, Status: string(e.Status), Reason: e.Reason})
		}
	}
	return failures, nil
}
